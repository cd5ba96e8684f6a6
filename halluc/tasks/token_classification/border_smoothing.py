"""Border-aware label smoothing: a part of a tag's probability is given to the tags that a moved border would produce.

Boundary smoothing (Zhu & Li 2022, "Boundary Smoothing for Named Entity Recognition", equation 3 with D = 1) gives a
share of a span's probability to the spans whose borders differ by one word. Here it is adapted to tags. One border of
one mention is moved by one word, outwards or inwards, if the mention keeps a word and does not overlap another one. The
changed tags of words are their alternatives. In ``said [Anna Berg]PER left`` these are B-PER for ``said`` (begin moved
outwards), I-PER and O for ``Anna`` (begin moved outwards or inwards), B-PER and O for ``Berg`` (begin or end moved
inwards), and I-PER for ``left`` (end moved outwards). The alternatives of a word share the part evenly; a word without
alternatives keeps its tag completely.
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
    """A tag, by number, that gets ``share`` of the probability of a word's tag."""

    word: int
    tag: int
    share: float


def border_tags(length: int, spans: Sequence[Span]) -> dict[int, list[str]]:
    """The other IOB2 tags of each word of a sentence, by the definition above."""
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
    """The alternatives of a sentence; ``targets`` are the numbers of its tags. Words without a target have none."""
    results = []
    for word, tags in border_tags(len(targets), spans).items():
        known = [numbers[tag] for tag in tags if tag in numbers]
        if targets[word] != UNLABELLED:
            results += [Alternative(word, tag, smoothing / len(known)) for tag in known]
    return results


def moved_loss(
    loss: Loss, logits: torch.Tensor, labels: torch.Tensor, moved: Sequence[tuple[int, int, float]]
) -> torch.Tensor:
    """The addition of smoothing to the summed loss: ``share * (loss of the other tag - loss of the gold tag)``, a
    scalar.

    Args:
        logits: (tokens, tags).
        labels: (tokens,).
        moved: for each alternative the token, the other tag and the share.
    """
    import torch

    if not moved:
        return logits.new_zeros(())
    tokens, tags, shares = (torch.tensor(column, device=logits.device) for column in zip(*moved, strict=True))
    return (shares * (loss(logits[tokens], tags) - loss(logits[tokens], labels[tokens]))).sum()
