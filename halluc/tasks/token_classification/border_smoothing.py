"""Boundary smoothing for tags: a part of the target goes to the tags that result if a boundary moves by one word.

Boundary smoothing (Zhu & Li 2022, "Boundary Smoothing for Named Entity Recognition", equation 3 with D = 1) gives a
share of a span's probability to the spans whose boundaries differ by one word. Here it is adapted to tags. One boundary
of one mention moves by one word, outwards or inwards, unless the mention becomes empty or overlaps another one. The
tags that words then get are their alternatives. In ``said [Anna Berg]PER left`` these are B-PER for ``said`` (begin
moved outwards), I-PER and O for ``Anna`` (begin moved outwards or inwards), B-PER and O for ``Berg`` (begin or end
moved inwards), and I-PER for ``left`` (end moved outwards). The part is distributed evenly over the alternatives of a
word; the target of a word without alternatives does not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from halluc.core.examples import Span
from halluc.core.labels import write_tags
from halluc.tasks.losses import UNLABELLED, Loss

if TYPE_CHECKING:
    import torch


class Alternative(NamedTuple):
    """A tag, by index, that gets ``share`` of the target of a word."""

    word: int
    tag: int
    share: float


def border_tags(length: int, spans: Sequence[Span]) -> dict[int, list[str]]:
    """The alternative IOB2 tags of the words of a sentence, as defined above."""
    gold = write_tags(length, spans)
    result: dict[int, list[str]] = {}
    for start, end, label in spans:
        for first, last in ((start - 1, end), (start + 1, end), (start, end - 1), (start, end + 1)):
            outside = [at for at in (first, last - 1) if not start <= at < end]
            if first < 0 or last > length or first >= last or any(gold[at] != "O" for at in outside):
                continue
            for at in range(min(start, first), max(end, last)):
                tag = "O" if not first <= at < last else f"B-{label}" if at == first else f"I-{label}"
                if tag != gold[at] and tag not in result.setdefault(at, []):
                    result[at].append(tag)
    return {at: tags for at, tags in result.items() if tags}


def alternatives(
    spans: Sequence[Span], targets: Sequence[int], numbers: Mapping[str, int], smoothing: float
) -> list[Alternative]:
    """The alternatives of a sentence; ``targets`` are the indexes of its tags. Words without a target have none."""
    results = []
    for word, tags in border_tags(len(targets), spans).items():
        known = [numbers[tag] for tag in tags if tag in numbers]
        if targets[word] != UNLABELLED:
            results += [Alternative(word, tag, smoothing / len(known)) for tag in known]
    return results


def smoothing_loss(
    loss: Loss, logits: torch.Tensor, labels: torch.Tensor, alternatives: Sequence[tuple[int, int, float]]
) -> torch.Tensor:
    """The term that smoothing adds to the summed loss: the sum of ``share * (loss of alternative - loss of gold)``.

    Args:
        logits: (tokens, tags).
        labels: (tokens,).
        alternatives: for each alternative the token, the tag and the share.
    """
    import torch

    if not alternatives:
        return logits.new_zeros(())
    tokens, tags, shares = (torch.tensor(column, device=logits.device) for column in zip(*alternatives, strict=True))
    return (shares * (loss(logits[tokens], tags) - loss(logits[tokens], labels[tokens]))).sum()
