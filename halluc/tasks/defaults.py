"""Default implementations of parts of a task, for inheritance, and functions for figures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy

from halluc.config.evaluation import Decoding
from halluc.config.section import Section
from halluc.core import selective
from halluc.core.examples import Corpus
from halluc.core.significance import Figure, Ranked, Sheet
from halluc.data.rows.references import SplitName
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.forecast import SplitGap, gap_of
from halluc.gap.novelty import NOVELTIES, SurfaceKnowledge
from halluc.gap.units import BY_MENTIONS, UNITS, Strata, UnitKind, WithheldUnits
from halluc.runs.schema import Novelty

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime


class TaskDefaults:
    """A task whose evaluations need no settings; ``saved_keys`` are the config keys that config.json has under its
    name."""

    name: ClassVar[str]
    Config: ClassVar[type[Section]]
    saved_keys: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: Any) -> None:
        self.config = config

    @classmethod
    def settings_of(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        saved = config.get(cls.name)
        return {key: saved[key] for key in cls.saved_keys if key in saved} if isinstance(saved, Mapping) else {}

    @classmethod
    def evaluated(cls, protocols: Collection[str]) -> Self:
        return cls(cls.Config.model_validate({"type": cls.name}))


class ExamplesDefaults:
    """Single texts with labelled spans; all are used for training, and no ranges are always marked."""

    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]] = {"jsonl": None}
    takes_pairs: ClassVar[bool] = False
    has_spans: ClassVar[bool] = True

    @abstractmethod
    def labels(self, corpus: Corpus[Any]) -> tuple[str, ...]: ...

    def classes(self, corpus: Corpus[Any]) -> tuple[str, ...]:
        return self.labels(corpus)

    def trains_on(self, example: Any) -> bool:
        return True

    def texts(self, example: Any) -> Iterable[Sequence[str]]:
        yield example.tokens

    def ranges(self, line: Any) -> Sequence[tuple[int, int, str]]:
        return ()

    def border(self, line: Any) -> int | None:
        return None


class FiguresDefaults:
    """No general rate is excluded, no figure needs an order, and none is computed after abstention."""

    excluded: ClassVar[frozenset[str]] = frozenset()

    def after_abstention(self, *_: Any) -> list[Figure]:
        return []

    def ranked(self, *_: Any) -> list[Ranked]:
        return []


class ModelDefaults:
    """A model with one output per label, whose predictions are computed from logits, without a choice of decoding.

    A subclass defines ``scored`` and ``decided`` (CONTRIBUTING.md, step 2).
    """

    gold_notes: ClassVar[frozenset[str]] = frozenset()
    scored: Callable[..., Any]
    decided: Callable[..., list[Any]]

    def __init__(self, config: Any) -> None:
        self.config = config

    def outputs_of(self, labels: Sequence[str]) -> tuple[str, ...]:
        return tuple(labels)

    def decoding(self, outputs: Sequence[str], requested: Decoding) -> Decoding | None:
        return None

    def predict(
        self, model: torch.nn.Module, encoded: Any, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[Any]:
        return self.decided(encoded, self.scored(model, encoded, budget, runtime), decoding)


def values_of(figures: Iterable[Figure], sheet: Sheet) -> dict[str, float]:
    """The values of the overall figures, by name."""
    sums = sheet.totals()
    return {figure.name: float(figure.formula(sums)) for figure in figures if not figure.by}


def auroc_of(name: str, protocol: str, scores: numpy.ndarray, positive: Sequence[bool]) -> list[Ranked]:
    """AUROC: how often a positive example has a higher score than another one; empty if one of the two is missing.

    Args:
        scores: (examples,); examples with NaN are left out.
    """
    known = ~numpy.isnan(scores)
    scores, is_positive = scores[known], numpy.array(positive, dtype=bool)[known]
    if is_positive.all() or not is_positive.any():
        return []

    def auroc(weights=None):  # type: ignore[no-untyped-def]
        return selective.auroc(scores, is_positive, weights)

    return [Ranked(protocol, numpy.flatnonzero(known), ((name, {}, auroc),))]


class SurfacesOfTraining:
    """Knowledge of the surfaces and labels of the training split, by default of mentions.

    ``Known`` compares claims with them; ``counted`` is what a gap counts.
    """

    novelties: ClassVar[tuple[Novelty, ...]] = NOVELTIES
    reported: ClassVar[tuple[Novelty, ...]] = NOVELTIES
    units: ClassVar[Mapping[str, UnitKind]] = UNITS
    splits_read: ClassVar[tuple[SplitName, ...]] = ("train",)
    Known: ClassVar[type[SurfaceKnowledge]] = SurfaceKnowledge
    counted: ClassVar[str] = "mentions"

    def of(self, splits: Mapping[SplitName, Corpus[Any]]) -> SurfaceCoverage:
        return SurfaceCoverage.of(splits["train"])

    def load(self, path: Path) -> SurfaceCoverage:
        return SurfaceCoverage.load(path)

    def from_coverage(self, coverage: SurfaceCoverage, withheld: WithheldUnits | None) -> SurfaceKnowledge:
        return self.Known(coverage, withheld)

    def strata(self, examples: Sequence[Any]) -> Strata:
        return BY_MENTIONS

    def whole_texts(self, coverage: SurfaceCoverage) -> None:
        return None

    def gap(self, coverage: SurfaceCoverage, examples: Iterable[Any]) -> SplitGap:
        return replace(gap_of(coverage, examples, self.Known(coverage).novelty_of), counted=self.counted)
