"""A relativistic GAN on relaxed samples, after RelGAN (Nie, Narodytska & Patel 2019)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.adversaries import Adversaries
from halluc.augmentation.models.gan.generator import LstmGenerator, sample
from halluc.augmentation.models.gan.sequences import Sequences


@dataclass(frozen=True)
class RelativisticGan:
    """Gumbel-softmax samples (Jang et al. 2017; Maddison et al. 2017) and the relativistic loss.

    The discriminator says whether a real row is more real than a generated one with the same condition
    (Jolicoeur-Martineau 2019). The inverse temperature of the relaxation rises exponentially to ``sharpest``, so that
    the generator explores first. As in RelGAN, the recurrence reads sampled pieces, and the gradient reaches the
    generator through the relaxed outputs alone; the generator here is an LSTM and not a relational memory.
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
        """Sampled rows, and a distribution at each generated piece: shape (pieces, size), with a gradient.

        Gumbel noise is drawn given the sampled piece (Maddison et al. 2014), so that it is the most probable one of its
        distribution, as if it had been sampled with that noise; rows can so be sampled first, in a few products.
        """
        found = sample(generator, conditions, self.longest)
        made = found.rows(torch.arange(len(found), device=found.ids.device))
        mask = made.generated()
        logits = torch.log_softmax(generator.policy(generator.features(made)[mask[:, 1:]]), -1)
        noise = _noise_given(logits.detach(), made.ids[mask])
        return made, torch.softmax((logits + noise) * self.inverse_temperature(done), -1)


def _noise_given(logits: Tensor, chosen: Tensor) -> Tensor:
    """Gumbel noise (pieces, size) under which ``chosen`` (pieces,) has the largest sum of log probability and noise.

    With normalised ``logits`` the largest sum is itself a Gumbel variable, and each other sum is one that is truncated
    there.
    """
    # Exponential variables: torch's own take three times as long as the logarithm of uniform ones.
    logarithms = torch.rand_like(logits).clamp_(min=1e-12).log_().neg_().log_()
    top = -logarithms.gather(-1, chosen[:, None])
    sums = torch.logaddexp(logarithms.sub_(logits), -top).neg_()
    sums.scatter_(-1, chosen[:, None], top)
    return sums.sub_(logits)
