"""What the novelty of a new training example is measured in: its mentions, or the content words of its text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from halluc.core.edits import Editable
from halluc.gap.stopwords import is_content, text_words

# A mention: its label, and its tokens; or a content word, lower-cased.
Unit = tuple[str, ...]


@dataclass(frozen=True)
class NoveltyUnits:
    """The units of an example, as often as they stand there, and their names in files.

    ``name`` is that of the units and ``one`` of a single one, ``free`` that of examples without a label, who have
    ``without`` for people. ``words`` are the content words of a text or mention in a ledger.
    """

    name: str
    one: str
    free: str
    without: str
    of: Callable[[Editable], list[Unit]]
    words: Callable[[str], list[str]]


def _mentions(example: Editable) -> list[Unit]:
    return [(label, *example.tokens[start:end]) for start, end, label in example.spans]


def _content_words(example: Editable) -> list[Unit]:
    return [(word,) for word in text_words(" ".join(example.tokens))]


def _content(text: str) -> list[str]:
    return list(filter(is_content, text.split()))


MENTIONS = NoveltyUnits("mentions", "mention", "entity_free", "without mentions", _mentions, _content)
CONTENT_WORDS = NoveltyUnits("content_words", "word", "unlabelled", "without a label", _content_words, text_words)
