"""How people speak of texts and their labels."""

from __future__ import annotations

from typing import Any

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled

# A single text that is longer is a whole file.
_LONG = 1_000


def _lone(split: str, source: str, example: Example) -> str | None:
    size = len(example.tokens)
    return f"all of it is one text of {size:,} words; is each text on a line of its own?" if size > _LONG else None


def _is_pair(example: Any) -> int:
    return example.second is not None


def _of_texts(without_label: Count) -> Words:
    return Words(
        tokens="words",
        labelled="labels",
        annotation="labels",
        mended="labels",
        counts=(
            Count("texts", one),
            Count("words", tokens),
            Count("labels", labelled),
            without_label,
            Count("pairs", _is_pair, is_share=True),
        ),
        has_blanks=True,
        lone=_lone,
    )


# Of one label a text, and of any number.
TEXTS = _of_texts(Count("out_of_scope", unlabelled, is_share=True, legend="texts without a label"))
LABEL_SETS = _of_texts(Count("without_label", unlabelled, is_share=True))


class TextWording:
    def __init__(self, multi_label: bool) -> None:
        self.words: Words = LABEL_SETS if multi_label else TEXTS
