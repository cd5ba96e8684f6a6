"""The groups of training texts that withholding keeps alike in size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from halluc.gap.matching import Strata
from halluc.tasks.text_classification.labelled_text import Labelled

# Tokens of a text, from and to; texts of like length are matched with each other.
LENGTHS = ((0, 5), (6, 10), (11, 20), (21, 40), (41, 80), (81, 160), (161, None))


def by_class_and_length(examples: Sequence[Labelled]) -> Strata:
    """Training texts by their labels and their length; where whole labels go, by how many labels they have instead of
    by which: else fraction 0 had to do without them too."""
    classes = {labels: number for number, labels in enumerate(sorted({example.labels for example in examples}))}
    counts = sorted({_number(example) for example in examples})
    by_labels = replace(
        _OF_TEXTS,
        names=tuple(f"{_MANY_NAMES[count]}, {length}" for count in counts for length in _LENGTH_NAMES),
        of=lambda example: counts.index(_number(example)) * len(LENGTHS) + _length(example),
    )
    return replace(
        _OF_TEXTS,
        names=tuple(f"{' + '.join(labels) or NO_LABEL}, {length}" for labels in classes for length in _LENGTH_NAMES),
        of=lambda example: classes[example.labels] * len(LENGTHS) + _length(example),
        for_labels=by_labels,
    )


_OF_TEXTS = Strata(
    (), lambda example: 0, has_free=False, noun="text", thing="label", free="without_label",
    distinct="distinct_texts", labels_whole=True,
)  # fmt: skip
_LENGTH_NAMES = tuple(f"{low}-{high} tokens" if high else f"{low}+ tokens" for low, high in LENGTHS)
NO_LABEL = "no label"
_MANY_NAMES = (NO_LABEL, "1 label", "2 labels", "3+ labels")


def _length(example: Labelled) -> int:
    return sum(len(example.tokens) >= low for low, _ in LENGTHS) - 1


def _number(example: Labelled) -> int:
    return min(len(example.labels), len(_MANY_NAMES) - 1)
