"""SeqGAN (Yu et al. 2017): the generator is a policy, and the discriminator's judgement of whole rows its reward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.adversaries import Adversaries
from halluc.augmentation.models.gan.discriminator import realness
from halluc.augmentation.models.gan.generator import LstmState, complete, sample
from halluc.augmentation.models.gan.sequences import Sequences


@dataclass(frozen=True)
class SequenceGan:
    """Policy gradient (REINFORCE) with rollouts.

    The value of a row up to a piece is the mean probability of being real over ``rollouts`` completions of it. Rollouts
    begin at every ``stride``-th piece, and each piece has the value of the next beginning after it: with a stride of 1
    this is the paper's estimate; with a larger one it is still unbiased, since what follows an action may be part of
    the return, and costs that much less. The mean value over the batch at the same place is the baseline.
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
        """Row and place of every piece after which rollouts begin."""
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
    """Each unknown value (NaN) as the next known one in its row; behind the last, 0."""
    filled = values.clone()
    for place in reversed(range(values.shape[1])):
        after = filled[:, place + 1] if place + 1 < values.shape[1] else torch.zeros_like(filled[:, 0])
        filled[:, place] = torch.where(torch.isnan(filled[:, place]), after, filled[:, place])
    return filled


def _less_baseline(values: Tensor, generated: Tensor) -> Tensor:
    """Values less the mean of all rows that generate a piece at the same place."""
    counts = generated.sum(0).clamp(min=1)
    return (values - (values * generated).sum(0) / counts) * generated
