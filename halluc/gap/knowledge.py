"""Protocols of the knowledge about a training split, which each task implements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from halluc.core.claims import Claim
from halluc.runs.schema import Nearest, Novelty


class TrainingKnowledge(Protocol):
    """Compares claims with a training split; ``label_counts`` are the frequencies of labels, if they are used."""

    @property
    def label_counts(self) -> Mapping[str, int] | None: ...
    def novelty(self, claim: Claim) -> Novelty: ...
    def is_confusable(self, claim: Claim) -> bool: ...
    def nearest(self, claim: Claim) -> Nearest | None: ...
    def is_withheld(self, claim: Claim) -> bool: ...


class TrainingCoverage(Protocol):
    """The content of a training split, as stored in ``coverage.json``."""

    def save(self, path: Path) -> None: ...


class WholeTexts(Protocol):
    """Training data as whole texts: the quartile boundaries of novelty, the split they are from, and the texts."""

    @property
    def edges(self) -> tuple[float, float, float]: ...
    @property
    def edges_of(self) -> Any: ...
    def labels_of(self, text: str) -> frozenset[str]:
        """The labels of a text in training, empty if it does not occur there."""
