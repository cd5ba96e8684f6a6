"""What novelty is measured in: the mentions of an example or, where nothing but the whole is labelled, the content
words of its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from halluc.core.edits import Editable
from halluc.gap.stopwords import text_words

Kind = Literal["mentions", "words"]
# A mention: its label, and its tokens; or a content word, lower-cased.
Unit = tuple[str, ...]
Units = Callable[[Editable], list[Unit]]


def mentions(example: Editable) -> list[Unit]:
    """Its labelled spans."""
    return [(label, *example.tokens[start:end]) for start, end, label in example.spans]


def words(example: Editable) -> list[Unit]:
    """The content words of its text, as often as they stand there (``gap.stopwords``)."""
    return [(word,) for word in text_words(" ".join(example.tokens))]


UNITS: Mapping[Kind, Units] = {"mentions": mentions, "words": words}
