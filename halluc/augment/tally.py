"""What is counted while a corpus is made; its state is plain JSON, so that an interrupted run counts on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from halluc.augment.making import UNCHANGEABLE, Refusal

# Examples of what a filter rejected from a method: enough to see why.
_SHOWN = 3


@dataclass
class Figures:
    """A corpus in numbers. Mentions are labelled spans; ``new_mentions`` are those whose surface and label the training
    split does not show. ``entity_free`` counts the examples without any label."""

    examples: int = 0
    tokens: int = 0
    mentions: int = 0
    new_mentions: int = 0
    entity_free: int = 0
    labels: dict[str, int] = field(default_factory=dict)

    def add(self, tokens: int, labels: Sequence[str], mentions: int, new: int = 0) -> None:
        self.examples += 1
        self.tokens += tokens
        self.mentions += mentions
        self.new_mentions += new
        for label in labels:
            self.labels[label] = self.labels.get(label, 0) + 1
        self.entity_free += not labels

    def plus(self, other: Figures) -> Figures:
        labels = {
            name: self.labels.get(name, 0) + other.labels.get(name, 0) for name in {**self.labels, **other.labels}
        }
        names = ("examples", "tokens", "mentions", "new_mentions", "entity_free")
        return Figures(**{name: getattr(self, name) + getattr(other, name) for name in names}, labels=labels)

    def as_json(self) -> dict[str, Any]:
        """The numbers, and the shares that people compare."""
        return {
            **asdict(self),
            "labels": dict(sorted(self.labels.items())),
            "entity_free_share": round(self.entity_free / self.examples, 4) if self.examples else None,
            "new_mention_share": round(self.new_mentions / self.mentions, 4) if self.mentions else None,
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

    def keep(self, method: str, tokens: int, labels: Sequence[str], mentions: int, new: int) -> None:
        self.kept[method] = self.kept.get(method, 0) + 1
        self.new.add(tokens, labels, mentions, new)

    @property
    def made(self) -> int:
        return sum(self.kept.values())

    def state(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def restored(cls, state: dict[str, Any]) -> Tally:
        return cls(**{**state, "new": Figures(**state["new"])})
