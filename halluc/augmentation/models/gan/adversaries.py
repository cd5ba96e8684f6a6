"""Generator and discriminator with their optimizers, and one adversarial step: SeqGAN and RelGAN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

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

    def state(self) -> dict[str, Any]:
        """Their state for a checkpoint."""
        return {name: getattr(self, name).state_dict() for name in vars(self)}

    def load(self, state: Mapping[str, Any]) -> None:
        for name in vars(self):
            getattr(self, name).load_state_dict(state[name])


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
    begin at every ``stride``-th piece, and each piece gets the value of the next beginning after it: with a stride of 1
    this is the paper's estimate; with a larger one it is still unbiased, since what follows an action may be part of
    the return, and it is proportionally cheaper. The mean value over the batch at the same position is the baseline.
    """

    longest: int
    rollouts: int
    stride: int
    dropout: float = 0.0

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        made, values = self.valued(players, real)
        advantages = _less_baseline(values, made.generated())
        likelihoods = players.generator.log_likelihood(made)
        return -(likelihoods * advantages[:, 1:][made.generated()[:, 1:]]).mean()

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        made = sample(players.generator, real, self.longest)
        false = nn.functional.softplus(players.discriminator(made, dropout=self.dropout)).mean()
        true = nn.functional.softplus(-players.discriminator(real, dropout=self.dropout)).mean()
        return false + true

    @torch.no_grad()
    def valued(self, players: Adversaries, conditions: Sequences) -> tuple[Sequences, Tensor]:
        """New rows, and the value of each piece: shape (rows, length), 0 where nothing is generated."""
        generator, discriminator = players.generator, players.discriminator
        shape = (len(conditions), self.longest, generator.width)
        record = LstmState(generator.bias.new_zeros(shape), generator.bias.new_zeros(shape))
        made = sample(generator, conditions, self.longest, record=record)
        rows, places = self._beginnings(made)
        values = torch.full(made.ids.shape, torch.nan, device=made.ids.device)
        last = torch.arange(len(made), device=made.ids.device)
        values[last, made.lengths - 1] = realness(discriminator, made)
        if len(rows):
            values[rows, places] = self._rolled_out(players, made, record, rows, places)
        longest = int(made.lengths.max())
        kept = Sequences(made.ids[:, :longest], made.prefixes, made.lengths)
        return kept, _next_known(values[:, :longest]) * kept.generated()

    def _beginnings(self, made: Sequences) -> tuple[Tensor, Tensor]:
        """Row and position of every piece after which rollouts begin."""
        places = torch.arange(made.ids.shape[1], device=made.ids.device)
        generated = places - made.prefixes[:, None] + 1
        chosen = made.generated() & (generated % self.stride == 0) & (places < made.lengths[:, None] - 1)
        rows, at = chosen.nonzero(as_tuple=True)
        return rows, at

    def _rolled_out(
        self, players: Adversaries, made: Sequences, record: LstmState, rows: Tensor, at: Tensor
    ) -> Tensor:  # fmt: skip
        """The mean value of the completions of each beginning."""
        rows, at = rows.repeat(self.rollouts), at.repeat(self.rollouts)
        before = LstmState(record.hidden[rows, at - 1], record.cell[rows, at - 1])
        begun = Sequences(made.ids[rows], made.prefixes[rows], made.lengths[rows])
        completed = complete(players.generator, begun, at + 1, before)
        return realness(players.discriminator, completed).view(self.rollouts, -1).mean(0)


def _next_known(values: Tensor) -> Tensor:
    """Replace each unknown value (NaN) by the next known one in its row; after the last known one by 0."""
    filled = values.clone()
    for place in reversed(range(values.shape[1])):
        after = filled[:, place + 1] if place + 1 < values.shape[1] else torch.zeros_like(filled[:, 0])
        filled[:, place] = torch.where(torch.isnan(filled[:, place]), after, filled[:, place])
    return filled


def _less_baseline(values: Tensor, generated: Tensor) -> Tensor:
    """Values minus the mean over all rows that generate a piece at the same position."""
    counts = generated.sum(0).clamp(min=1)
    return (values - (values * generated).sum(0) / counts) * generated


@dataclass(frozen=True)
class RelativisticGan:
    """Gumbel-softmax samples (Jang et al. 2017; Maddison et al. 2017) and the relativistic loss.

    The discriminator estimates whether a real row is more real than a generated one with the same condition
    (Jolicoeur-Martineau 2019). The inverse temperature of the relaxation rises exponentially to ``sharpest``, so that
    the generator explores first. As in RelGAN, the recurrence reads sampled pieces, and the gradient reaches the
    generator only through the relaxed outputs; here the generator is an LSTM and not a relational memory.
    """

    longest: int
    sharpest: float
    dropout: float = 0.0

    def inverse_temperature(self, done: float) -> float:
        """1 at the beginning, ``sharpest`` at the end."""
        return float(self.sharpest**done)

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        made, relaxed = self.relaxed(players.generator, real, done)
        scores = players.discriminator(made, relaxed)
        with torch.no_grad():
            against = players.discriminator(real)
        return nn.functional.softplus(against - scores).mean()

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        with torch.no_grad():
            made, relaxed = self.relaxed(players.generator, real, done)
        scores = players.discriminator(made, relaxed, self.dropout)
        return nn.functional.softplus(scores - players.discriminator(real, dropout=self.dropout)).mean()

    def relaxed(self, generator: LstmGenerator, conditions: Sequences, done: float) -> tuple[Sequences, Tensor]:
        """Sampled rows, and a distribution for each generated piece: shape (pieces, size), with a gradient.

        Gumbel noise is drawn conditional on the sampled piece (Maddison et al. 2014), so that it is the most probable
        one of its distribution, as if it had been sampled with that noise; so rows can be sampled first, with a few
        matrix products.
        """
        result = sample(generator, conditions, self.longest)
        made = result.rows(torch.arange(len(result), device=result.ids.device))
        mask = made.generated()
        logits = torch.log_softmax(generator.policy(generator.features(made)[mask[:, 1:]]), -1)
        noise = _noise_given(logits.detach(), made.ids[mask])
        return made, torch.softmax((logits + noise) * self.inverse_temperature(done), -1)


def _noise_given(logits: Tensor, chosen: Tensor) -> Tensor:
    """Gumbel noise (pieces, size) under which ``chosen`` (pieces,) has the largest sum of log probability and noise.

    With normalised ``logits`` the largest sum is itself a Gumbel variable, and each other sum is a Gumbel variable
    truncated at it.
    """
    # Exponential variables: torch's own sampling takes three times as long as the logarithm of uniform ones.
    logarithms = torch.rand_like(logits).clamp_(min=1e-12).log_().neg_().log_()
    top = -logarithms.gather(-1, chosen[:, None])
    sums = torch.logaddexp(logarithms.sub_(logits), -top).neg_()
    sums.scatter_(-1, chosen[:, None], top)
    return sums.sub_(logits)
