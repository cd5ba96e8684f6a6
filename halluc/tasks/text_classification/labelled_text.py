"""The example of text classification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from halluc.core.examples import Origin, Pair


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text as tokens, and its labels, sorted.

    A text without labels is out of scope, unless texts may have several labels. For a pair, ``tokens`` are those of
    both texts, and ``second`` is the first token of the second text. ``group`` is its owner, such as a user;
    ``timestamp`` is an ISO 8601 date or date and time.
    """

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    second: int | None = None
    group: str | None = None
    timestamp: str | None = None

    @property
    def second_text(self) -> str | None:
        """The second text of a pair, its tokens joined by one space."""
        return None if self.second is None else " ".join(self.tokens[self.second :])

    @property
    def annotation(self) -> tuple[str, ...]:
        return self.labels

    @property
    def pairs(self) -> list[Pair]:
        """The whole text with each of its labels."""
        text = " ".join(self.tokens)
        return [(text, label) for label in self.labels]

    def __reduce__(self) -> tuple[Callable[..., Labelled], tuple[object, ...]]:
        # Thousands of examples are sent to worker processes, and plain tuples are pickled five times as fast.
        plain = self.id, self.origin.plain, self.tokens, self.labels, self.second, self.group, self.timestamp
        return _restore_labelled, plain


def _restore_labelled(identity: str, origin: tuple[Any, ...], *others: Any) -> Labelled:
    return Labelled(identity, Origin(*origin), *others)
