"""The example of text classification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from halluc.core.examples import Origin, Pair


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text as tokens, and its labels, sorted.

    Without labels it is out of scope or, where a text may have several, it has none. Of a pair, ``tokens`` are those of
    both texts, and ``second`` is where the second begins.
    """

    id: str
    origin: Origin
    tokens: tuple[str, ...]
    labels: tuple[str, ...]
    second: int | None = None

    @property
    def annotation(self) -> tuple[str, ...]:
        return self.labels

    @property
    def pairs(self) -> list[Pair]:
        """The whole text with each of its labels."""
        text = " ".join(self.tokens)
        return [(text, label) for label in self.labels]

    def __reduce__(self) -> tuple[Callable[..., Labelled], tuple[object, ...]]:
        # Examples go to worker processes by the thousand; plain tuples are pickled in a fifth of the time.
        return _labelled, (self.id, self.origin.plain, self.tokens, self.labels, self.second)


def _labelled(
    identity: str, where: tuple[Any, ...], tokens: tuple[str, ...], labels: tuple[str, ...], second: int | None
) -> Labelled:  # fmt: skip
    return Labelled(identity, Origin(*where), tokens, labels, second)
