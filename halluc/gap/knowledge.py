"""What general code asks of a training split, whatever the task: protocols that the knowledge of each task fits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from halluc.core.claims import Claim
from halluc.runs.schema import Nearest, Novelty


class TrainingKnowledge(Protocol):
    """What a training split shows of a claim; ``label_counts`` is how often it shows each label, where that is used."""

    @property
    def label_counts(self) -> Mapping[str, int] | None: ...
    def novelty(self, claim: Claim) -> Novelty: ...
    def is_confusable(self, claim: Claim) -> bool: ...
    def nearest(self, claim: Claim) -> Nearest | None: ...
    def is_withheld(self, claim: Claim) -> bool: ...


class TrainingCoverage(Protocol):
    """What a training split knows, as ``coverage.json`` keeps it."""

    def save(self, path: Path) -> None: ...


class WholeTexts(Protocol):
    """What training shows of whole texts: where the quarters of novelty begin, of which split, and which texts."""

    @property
    def edges(self) -> tuple[float, float, float]: ...
    @property
    def edges_of(self) -> Any: ...
    def labels_of(self, text: str) -> frozenset[str]:
        """The labels that a text has there, none if it does not stand there."""
