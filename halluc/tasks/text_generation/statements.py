"""What a text states: its names, numbers and sentences."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_SENTENCE = re.compile(r"\S.*?(?:[.!?…。！？]+[\"'”’»)]*(?=\s|$)|$)", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<![.!?…]\s)(?<!^)\b[A-ZÀ-Þ][\w'’-]*(?:\s+[A-ZÀ-Þ][\w'’-]*)*")


class Statement(NamedTuple):
    """A piece of a text that can be true or false: its kind, its surface, where it stands, and its compared form.

    ``start`` and ``end`` count characters of the text.
    """

    kind: str
    text: str
    start: int
    end: int
    key: str


@lru_cache(maxsize=1 << 16)
def statements(text: str, language: str = "") -> tuple[Statement, ...]:
    """The statements of a text in order: names, numbers, sentences."""
    found = [
        Statement(kind, match[0], match.start(), match.end(), key(match[0]))
        for kind, pattern, key in (
            ("name", _NAME, str.casefold),
            ("number", _NUMBER, lambda number: number.replace(",", "")),
            ("sentence", _SENTENCE, str),
        )
        for match in pattern.finditer(text)
    ]
    return tuple(sorted(found, key=lambda one: (one.start, one.end)))
