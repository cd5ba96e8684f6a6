"""Generator and discriminator with their optimizers, and one adversarial step: SeqGAN and RelGAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.discriminator import ConvDiscriminator, realness
from halluc.augmentation.models.gan.generator import LstmGenerator, LstmState, complete, sample
from halluc.augmentation.models.gan.sequences import Sequences

# The maximum norm of a gradient (Pascanu et al. 2013).
_LARGEST_NORM = 5.0


class NotFinite(Exception):
    """A loss or gradient is infinite or NaN: the training has diverged."""


@dataclass
class Adversaries:
    """The two networks and their optimizers."""

    generator: LstmGenerator
    discriminator: ConvDiscriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer


class AdversarialStep(Protocol):
    """A GAN variant: one step of the generator, and one of the discriminator."""

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        """The loss of the generator; ``done`` is the completed share of the training."""

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        """The loss of the discriminator."""


def descend(loss: Tensor, model: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """One gradient step on ``loss``, which is returned.

    Raises:
        NotFinite: loss or gradient; nothing is changed.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_NORM)
    if not bool(torch.isfinite(loss.detach()) & torch.isfinite(norm)):
        raise NotFinite
    optimizer.step()
    return float(loss.detach())


@dataclass(frozen=True)
class SequenceGan:
    """Policy gradient (REINFORCE) with rollouts.

    The value of a row up to a piece is the mean probability of being real over ``rollouts`` completions of it. Rollouts
    begin after every ``stride``-th piece, and each piece gets the value at the next of these places. With a stride of 1
    this is the estimate of the paper; a larger stride is proportionally cheaper, and still unbiased, since the return
    of an action may include what follows it. The baseline is the mean value over the batch at the same position.
    """

    longest: int
    rollouts: int
    stride: int
    dropout: float = 0.0

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        samples, values = self.sample_with_values(players, real)
        advantages = _subtract_baseline(values, samples.generated_mask())
        likelihoods = players.generator.log_likelihood(samples)
        return -(likelihoods * advantages[:, 1:][samples.generated_mask()[:, 1:]]).mean()

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        samples = sample(players.generator, real, self.longest)
        false = nn.functional.softplus(players.discriminator(samples, dropout=self.dropout)).mean()
        true = nn.functional.softplus(-players.discriminator(real, dropout=self.dropout)).mean()
        return false + true

    @torch.no_grad()
    def sample_with_values(self, players: Adversaries, conditions: Sequences) -> tuple[Sequences, Tensor]:
        """Sampled rows, and the value of each piece: shape (rows, length), 0 for pieces that are not generated."""
        generator, discriminator = players.generator, players.discriminator
        shape = (len(conditions), self.longest, generator.width)
        record = LstmState(generator.bias.new_zeros(shape), generator.bias.new_zeros(shape))
        samples = sample(generator, conditions, self.longest, record=record)
        rows, places = self._rollout_places(samples)
        values = torch.full(samples.ids.shape, torch.nan, device=samples.ids.device)
        last = torch.arange(len(samples), device=samples.ids.device)
        values[last, samples.lengths - 1] = realness(discriminator, samples)
        if len(rows):
            values[rows, places] = self._rollout_values(players, samples, record, rows, places)
        longest = int(samples.lengths.max())
        kept = Sequences(samples.ids[:, :longest], samples.prefixes, samples.lengths)
        return kept, _fill_unknown(values[:, :longest]) * kept.generated_mask()

    def _rollout_places(self, samples: Sequences) -> tuple[Tensor, Tensor]:
        """Row and position of every piece after which rollouts begin."""
        places = torch.arange(samples.ids.shape[1], device=samples.ids.device)
        generated = places - samples.prefixes[:, None] + 1
        chosen = samples.generated_mask() & (generated % self.stride == 0) & (places < samples.lengths[:, None] - 1)
        rows, at = chosen.nonzero(as_tuple=True)
        return rows, at

    def _rollout_values(
        self, players: Adversaries, samples: Sequences, record: LstmState, rows: Tensor, at: Tensor
    ) -> Tensor:
        """The mean value of the completions at each place."""
        rows, at = rows.repeat(self.rollouts), at.repeat(self.rollouts)
        before = LstmState(record.hidden[rows, at - 1], record.cell[rows, at - 1])
        begun = Sequences(samples.ids[rows], samples.prefixes[rows], samples.lengths[rows])
        completed = complete(players.generator, begun, at + 1, before)
        return realness(players.discriminator, completed).view(self.rollouts, -1).mean(0)


def _fill_unknown(values: Tensor) -> Tensor:
    """Replace each unknown value (NaN) by the next known one in its row; after the last known one by 0."""
    filled = values.clone()
    for place in reversed(range(values.shape[1])):
        after = filled[:, place + 1] if place + 1 < values.shape[1] else torch.zeros_like(filled[:, 0])
        filled[:, place] = torch.where(torch.isnan(filled[:, place]), after, filled[:, place])
    return filled


def _subtract_baseline(values: Tensor, generated: Tensor) -> Tensor:
    """Values minus the mean over all rows that generate a piece at the same position."""
    counts = generated.sum(0).clamp(min=1)
    return (values - (values * generated).sum(0) / counts) * generated


@dataclass(frozen=True)
class RelativisticGan:
    """Gumbel-softmax samples (Jang et al. 2017; Maddison et al. 2017) and the relativistic loss.

    The discriminator estimates whether a real row is more realistic than a generated one with the same condition
    (Jolicoeur-Martineau 2019). The inverse temperature of the relaxation rises exponentially to ``sharpest``, so that
    the generator explores first. As in RelGAN, the recurrence reads sampled pieces, and the gradient reaches the
    generator only through the relaxed outputs; here the generator is an LSTM instead of a relational memory.
    """

    longest: int
    sharpest: float
    dropout: float = 0.0

    def inverse_temperature(self, done: float) -> float:
        """1 at the beginning, ``sharpest`` at the end."""
        return float(self.sharpest**done)

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        samples, relaxed = self.sample_relaxed(players.generator, real, done)
        scores = players.discriminator(samples, relaxed)
        with torch.no_grad():
            against = players.discriminator(real)
        return nn.functional.softplus(against - scores).mean()

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        with torch.no_grad():
            samples, relaxed = self.sample_relaxed(players.generator, real, done)
        scores = players.discriminator(samples, relaxed, self.dropout)
        return nn.functional.softplus(scores - players.discriminator(real, dropout=self.dropout)).mean()

    def sample_relaxed(self, generator: LstmGenerator, conditions: Sequences, done: float) -> tuple[Sequences, Tensor]:
        """Sampled rows, and a distribution for each generated piece: shape (pieces, size), with a gradient.

        The rows are sampled first. The Gumbel noise is then drawn conditional on the sampled pieces (Maddison et al.
        2014), as if they had been sampled with it: each is the most probable one of its distribution.
        """
        padded = sample(generator, conditions, self.longest)
        samples = padded.rows(torch.arange(len(padded), device=padded.ids.device))
        mask = samples.generated_mask()
        logits = torch.log_softmax(generator.policy(generator.features(samples)[mask[:, 1:]]), -1)
        noise = _conditional_noise(logits.detach(), samples.ids[mask])
        return samples, torch.softmax((logits + noise) * self.inverse_temperature(done), -1)


def _conditional_noise(logits: Tensor, chosen: Tensor) -> Tensor:
    """Gumbel noise (pieces, size) under which ``chosen`` (pieces,) has the largest sum of log probability and noise.

    With normalised ``logits`` the largest sum is itself a Gumbel variable, and each other sum is a Gumbel variable
    truncated at it.
    """
    # Logarithms of exponential variables; torch's sampling of these takes three times as long.
    logarithms = torch.rand_like(logits).clamp_(min=1e-12).log_().neg_().log_()
    top = -logarithms.gather(-1, chosen[:, None])
    sums = torch.logaddexp(logarithms.sub_(logits), -top).neg_()
    sums.scatter_(-1, chosen[:, None], top)
    return sums.sub_(logits)
