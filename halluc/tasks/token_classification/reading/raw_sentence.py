"""A sentence as a file has it, before its tags are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halluc.core.examples import Origin, Span


@dataclass(frozen=True, slots=True)
class RawSentence:
    """One sentence with tags whose scheme is not known yet, or with spans.

    ``lines`` gives the line of each token (from 1). ``confidences`` are those of the spans as the file has them,
    unchecked, None where one has none; empty where no span has one.
    """

    id: str
    file: str
    lines: Sequence[int]
    document: int
    tokens: tuple[str, ...]
    tags: tuple[str, ...] | None = None
    spans: tuple[Span, ...] | None = None
    repairs: tuple[str, ...] = ()
    confidences: tuple[Any, ...] = ()

    @property
    def origin(self) -> Origin:
        return Origin(self.file, self.lines[0], self.document)
