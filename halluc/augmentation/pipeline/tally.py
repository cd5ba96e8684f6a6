"""What is counted while a corpus is made; its state is plain JSON, so that an interrupted run counts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from halluc.augmentation.pipeline.candidates import UNCHANGEABLE, Refusal
from halluc.augmentation.units import Kind

# Examples of what a filter rejected from a method: enough to see why.
_SHOWN = 3


@dataclass
class Figures:
    """A corpus in numbers. ``units`` are its mentions or its content words (see ``augment.units``), ``new`` those of
    them that the training split does not show; ``unlabelled`` counts the examples without any label."""

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

    def plus(self, other: Figures) -> Figures:
        labels = {
            name: self.labels.get(name, 0) + other.labels.get(name, 0) for name in {**self.labels, **other.labels}
        }
        names = ("examples", "tokens", "units", "new", "unlabelled")
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names}, labels=labels)

    def as_json(self, kind: Kind) -> dict[str, Any]:
        """The numbers, and the shares that people compare, under the names that they have where units are ``kind``."""
        units, unlabelled, share = _NAMES[kind]
        return {
            "examples": self.examples,
            "tokens": self.tokens,
            units: self.units,
            f"new_{kind}": self.new,
            unlabelled: self.unlabelled,
            "labels": dict(sorted(self.labels.items())),
            f"{unlabelled}_share": round(self.unlabelled / self.examples, 4) if self.examples else None,
            share: round(self.new / self.units, 4) if self.units else None,
        }


_NAMES: dict[Kind, tuple[str, str, str]] = {
    "mentions": ("mentions", "entity_free", "new_mention_share"),
    "words": ("content_words", "unlabelled", "new_word_share"),
}


@dataclass
class Tally:
    """Kept examples by method, refusals by filter and method, and what the kept look like."""

    wanted: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    refused: dict[str, dict[str, int]] = field(default_factory=dict)
    shown: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    unchangeable: int = 0
    given_up: int = 0
    new: Figures = field(default_factory=Figures)

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
    def restored(cls, state: dict[str, Any]) -> Tally:
        return cls(**{**state, "new": Figures(**state["new"])})
