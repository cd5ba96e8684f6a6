"""The discriminator: convolutions over pieces, which distinguish real from generated rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.sequences import Pieces, Sequences

KERNELS = (2, 3, 4, 5)


class ConvDiscriminator(nn.Module):
    """Convolutions of several widths, the maximum over time, and a highway layer (Kim 2014; Yu et al. 2017).

    The condition is part of the row, and of the score by projection (Miyato & Koyama 2018), so that fluent rows with
    other labels than requested can be recognised. Rows may be piece ids or, for Gumbel-softmax, distributions over
    pieces.
    """

    def __init__(self, pieces: Pieces, embedding: int, filters: int) -> None:
        super().__init__()
        self.pieces = pieces
        self.embedding = nn.Embedding(pieces.size, embedding, padding_idx=pieces.pad)
        self.convolutions = nn.ModuleList(nn.Linear(kernel * embedding, filters) for kernel in KERNELS)
        width = filters * len(KERNELS)
        self.gate, self.carried = nn.Linear(width, width), nn.Linear(width, width)
        self.score = nn.Linear(width, 1)
        self.projection = nn.Linear(embedding, width, bias=False)

    def forward(self, batch: Sequences, distributions: Tensor | None = None, dropout: float = 0.0) -> Tensor:
        """The score of each row for being real, as a logit: shape (rows,).

        ``distributions`` (pieces, size) replaces the generated pieces, with a gradient.
        """
        embedded = self.embedding(batch.ids)
        if distributions is not None:
            places = batch.generated_mask().nonzero(as_tuple=True)
            embedded = embedded.index_put(places, distributions @ self.embedding.weight)
        features = nn.functional.dropout(self._features(embedded), dropout)
        inside = torch.arange(batch.ids.shape[1], device=batch.ids.device) < batch.prefixes[:, None]
        condition = (embedded * inside[..., None]).sum(1) / batch.prefixes[:, None]
        projected = (self.projection(condition) * features).sum(-1)
        scores: Tensor = self.score(features)[:, 0] + projected
        return scores

    def _features(self, embedded: Tensor) -> Tensor:
        """(rows, length, embedding) to (rows, width)."""
        padded = nn.functional.pad(embedded, (0, 0, 0, max(KERNELS) - 1))
        results = []
        for kernel, convolution in zip(KERNELS, self.convolutions, strict=True):
            # On CPU, with so few channels, a matrix product is several times as fast as conv1d.
            windows = padded[:, : padded.shape[1] - max(KERNELS) + kernel].unfold(1, kernel, 1)
            results.append(torch.relu(convolution(windows.flatten(2)).amax(1)))
        features = torch.cat(results, -1)
        gate = torch.sigmoid(self.gate(features))
        return gate * torch.relu(self.carried(features)) + (1 - gate) * features


@torch.no_grad()
def realness(discriminator: ConvDiscriminator, batch: Sequences, at_once: int = 512) -> Tensor:
    """The probability that each row is real, shape (rows,), computed in parts that fit into memory."""
    parts = torch.split(torch.arange(len(batch), device=batch.ids.device), at_once)
    return torch.cat([torch.sigmoid(discriminator(batch.rows(part))) for part in parts])
