"""Statistics collected while a corpus is made; their state is plain JSON, from which an interrupted run continues.

Distinct-n (Li et al. 2016) is the number of different n-grams of a corpus as a share of all its n-grams. It decreases
with the size of a corpus, so it is computed on samples of equal size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from halluc.augmentation.pipeline.candidates import UNCHANGEABLE, Refusal
from halluc.gap.novelty import NoveltyUnits

# The number of rejected examples that are shown per filter.
_SHOWN = 3
# The most texts of a ``Sample``.
MOST = 10_000

T = TypeVar("T")


@dataclass
class CorpusCounts:
    """Counts of a corpus: ``units`` of novelty (``NoveltyUnits``), ``new`` ones that are not in the training split,
    ``unlabelled`` examples."""

    examples: int = 0
    tokens: int = 0
    units: int = 0
    new: int = 0
    unlabelled: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    def add(self, tokens: int, labels: Sequence[str], units: int, new: int = 0) -> None:
        self.examples += 1
        self.tokens += tokens
        self.units += units
        self.new += new
        for label in labels:
            self.labels[label] = self.labels.get(label, 0) + 1
        self.unlabelled += not labels

    def plus(self, other: CorpusCounts) -> CorpusCounts:
        labels = dict(Counter(self.labels) + Counter(other.labels))
        names = ("examples", "tokens", "units", "new", "unlabelled")
        return CorpusCounts(**{name: getattr(self, name) + getattr(other, name) for name in names}, labels=labels)

    def as_json(self, units: NoveltyUnits) -> dict[str, Any]:
        """The numbers, and derived shares, with the names of the units."""
        return {
            "examples": self.examples,
            "tokens": self.tokens,
            units.name: self.units,
            f"new_{units.singular}s": self.new,
            units.free: self.unlabelled,
            "labels": dict(sorted(self.labels.items())),
            f"{units.free}_share": round(self.unlabelled / self.examples, 4) if self.examples else None,
            f"new_{units.singular}_share": round(self.new / self.units, 4) if self.units else None,
        }


@dataclass
class Tally:
    """Kept examples by method, refusals by filter and method, and statistics of the kept examples."""

    wanted: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    shown: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    unchangeable: int = 0
    given_up: int = 0
    new: CorpusCounts = field(default_factory=CorpusCounts)

    def refuse(self, refusal: Refusal, before: str) -> None:
        if refusal.reason == UNCHANGEABLE:
            self.unchangeable += 1
            return
        of_filter = self.refused.setdefault(refusal.reason, {})
        of_filter[refusal.method] = of_filter.get(refusal.method, 0) + 1
        shown = self.shown.setdefault(refusal.reason, [])
        if len(shown) < _SHOWN and refusal.after is not None:
            shown.append({"method": refusal.method, "before": before, "after": refusal.after})

    def keep(self, method: str, tokens: int, labels: Sequence[str], units: int, new: int) -> None:
        self.kept[method] = self.kept.get(method, 0) + 1
        self.new.add(tokens, labels, units, new)

    @property
    def made(self) -> int:
        return sum(self.kept.values())

    def state(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Tally:
        return cls(**{**state, "new": CorpusCounts(**state["new"])})


class Sample(Generic[T]):
    """At most ``MOST`` of any number of texts, evenly spaced: each, or every second, fourth, …"""

    def __init__(self) -> None:
        self._stride, self._offered = 1, 0
        self.texts: list[T] = []

    def offer(self, text: T) -> None:
        if self._offered % self._stride == 0:
            self.texts.append(text)
            if len(self.texts) > MOST:
                del self.texts[1::2]
                self._stride *= 2
        self._offered += 1


def alike_in_size(one: Sequence[T], other: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Both, with the longer one sampled evenly to the length of the other."""
    size = min(len(one), len(other))
    first, second = ([texts[place * len(texts) // size] for place in range(size)] for texts in (one, other))
    return first, second


def distinct(texts: Iterable[Sequence[str]], n: int) -> float | None:
    """Distinct n-grams as a share of all; None if there are none."""
    different: set[tuple[str, ...]] = set()
    total = 0
    for tokens in texts:
        total += max(0, len(tokens) - n + 1)
        different.update(zip(*(tokens[at:] for at in range(n)), strict=False))
    return round(len(different) / total, 4) if total else None
