"""The generator: an LSTM over pieces that gets the requested labels at each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.sequences import Pieces, Sequences
from halluc.core.rng import Draws

# In the order of ``torch.lstm_cell``.
_LSTM_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class LstmState(NamedTuple):
    """Hidden and cell values after a piece, each of shape (rows, width)."""

    hidden: Tensor
    cell: Tensor

    def rows(self, indexes: Tensor) -> LstmState:
        return LstmState(self.hidden[indexes], self.cell[indexes])


class LstmGenerator(nn.Module):
    """A recurrent language model with tied embeddings (Press & Wolf 2017), conditional on the first pieces of a row.

    The mean embedding of the condition is part of the input at every step. Dropout is an argument and not a mode: the
    generator is trained with it, and used as a policy without it.
    """

    def __init__(self, pieces: Pieces, embedding: int, width: int) -> None:
        super().__init__()
        self.pieces, self.width = pieces, width
        self.embedding = nn.Embedding(pieces.size, embedding)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.lstm = nn.LSTM(2 * embedding, width, batch_first=True)
        self.projection = nn.Linear(width, embedding)
        self.bias = nn.Parameter(torch.zeros(pieces.size))
        self.never: Tensor
        never = torch.zeros(pieces.size).index_fill(0, torch.tensor(pieces.never), -1e9)
        self.register_buffer("never", never, persistent=False)

    def condition(self, batch: Sequences) -> Tensor:
        """The mean embedding of the condition of each row: shape (rows, embedding)."""
        inside = torch.arange(batch.ids.shape[1], device=batch.ids.device) < batch.prefixes[:, None]
        shares = inside.to(self.embedding.weight.dtype) / batch.prefixes[:, None]
        longest = int(batch.prefixes.max())
        return torch.einsum("rl,rle->re", shares[:, :longest], self.embedding(batch.ids[:, :longest]))

    def features(self, batch: Sequences, dropout: float = 0.0) -> Tensor:
        """The hidden features that predict the next piece: shape (rows, length - 1, embedding)."""
        inputs = nn.functional.dropout(self.embedding(batch.ids[:, :-1]), dropout)
        condition = self.condition(batch)[:, None].expand(-1, inputs.shape[1], -1)
        outputs, _ = self.lstm(torch.cat([inputs, condition], -1))
        projected: Tensor = self.projection(nn.functional.dropout(outputs, dropout))
        return projected

    def logits(self, features: Tensor) -> Tensor:
        """Scores of all pieces: (..., embedding) to (..., size)."""
        return nn.functional.linear(features, self.embedding.weight, self.bias)

    def policy(self, features: Tensor) -> Tensor:
        """``logits`` with minus infinity for pieces that are never generated."""
        return self.logits(features) + self.never

    def log_likelihood(self, batch: Sequences, dropout: float = 0.0) -> Tensor:
        """The log probability (nats) of every generated piece, in the order of the rows: shape (pieces,)."""
        mask = batch.generated_mask()[:, 1:]
        scores = self.logits(self.features(batch, dropout)[mask])
        return -nn.functional.cross_entropy(scores, batch.ids[:, 1:][mask], reduction="none")

    def start(self, rows: int) -> LstmState:
        zeros = self.bias.new_zeros((rows, self.width))
        return LstmState(zeros, zeros)

    def step(self, last: Tensor, condition: Tensor, state: LstmState) -> tuple[Tensor, LstmState]:
        """Scores of the next piece of each row (rows, size), and the state after ``last`` (rows,)."""
        weights: list[Any] = [getattr(self.lstm, f"{name}_l0") for name in _LSTM_WEIGHTS]
        inputs = torch.cat([self.embedding(last), condition], -1)
        hidden, cell = torch.lstm_cell(inputs, tuple(state), *weights)
        return self.policy(self.projection(hidden)), LstmState(hidden, cell)


def sample_pieces(scores: Tensor, uniform: Tensor, temperature: float) -> Tensor:
    """A piece for each row of scores (rows, size), by the inverse distribution function at ``uniform`` (rows,)."""
    sums = torch.softmax(scores / temperature, -1).cumsum(-1)
    result = torch.searchsorted(sums, (uniform[:, None] * sums[:, -1:]).contiguous(), right=True)
    return result[:, 0].clamp(max=scores.shape[1] - 1)


@torch.no_grad()
def complete(
    generator: LstmGenerator,
    begun: Sequences,
    written: Tensor,
    state: LstmState,
    temperature: float = 1.0,
    draws: Sequence[Draws] | None = None,
    record: LstmState | None = None,
) -> Sequences:
    """Continue rows up to an end piece, or until the columns of ``begun`` are full.

    Args:
        begun: the rows; all after the first ``written`` (rows,) pieces is replaced, except for the condition.
        state: the state of each row before its last written piece.
        draws: the random numbers of each row, so that it does not depend on other rows; None: torch's generator.
        record: tensors of shape (rows, length, width) that are filled with the state after each piece.
    """
    ids, pad, end = begun.ids.clone(), generator.pieces.pad, generator.pieces.end
    places = torch.arange(ids.shape[1], device=ids.device)
    ids[(places >= written[:, None]) & (places >= begun.prefixes[:, None])] = pad
    lengths, at, rows = begun.lengths.clone(), written - 1, torch.arange(len(begun), device=ids.device)
    condition = generator.condition(begun)
    lengths[:] = ids.shape[1]
    while len(rows):
        scores, state = generator.step(ids[rows, at], condition, state)
        if record is not None:
            record.hidden[rows, at], record.cell[rows, at] = state
        if draws is None:
            uniform = torch.rand(len(rows), device=ids.device)
        else:
            uniform = torch.tensor([draws[row].uniform() for row in rows.tolist()], device=ids.device)
        at = at + 1
        given = at < begun.prefixes[rows]
        new = torch.where(given, ids[rows, at], sample_pieces(scores, uniform, temperature))
        ids[rows, at] = new
        ends = (new == end) & ~given
        lengths[rows[ends]] = at[ends] + 1
        going = ~ends & (at + 1 < ids.shape[1])
        rows, at, condition, state = rows[going], at[going], condition[going], state.rows(going)
    return Sequences(ids, begun.prefixes, lengths)


def sample(
    generator: LstmGenerator,
    conditions: Sequences,
    longest: int,
    temperature: float = 1.0,
    draws: Sequence[Draws] | None = None,
    record: LstmState | None = None,
) -> Sequences:
    """A new row of at most ``longest`` pieces for the condition of each row.

    A row without an end piece within ``longest`` has that length, and no end piece.
    """
    ids = conditions.ids.new_full((len(conditions), longest), generator.pieces.pad)
    width = min(longest, conditions.ids.shape[1])
    ids[:, :width] = conditions.ids[:, :width]
    begun = Sequences(ids, conditions.prefixes, conditions.lengths)
    return complete(
        generator, begun, torch.ones_like(begun.prefixes), generator.start(len(ids)), temperature, draws, record
    )
