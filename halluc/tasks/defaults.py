"""Members of a task's parts that several tasks have alike: a part may inherit them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from halluc.core.examples import Corpus
from halluc.core.ranked import Ranked
from halluc.core.significance import Figure
from halluc.data.rows.references import SplitName
from halluc.gap.coverage import SurfaceCoverage


class ExamplesDefaults:
    """Single texts with labelled parts, of which all are trained on and none is marked wherever it is shown."""

    formats: ClassVar[Mapping[str, Callable[[Path, Path], None] | None]] = {"jsonl": None}
    takes_pairs: ClassVar[bool] = False
    has_spans: ClassVar[bool] = True

    def trains_on(self, example: Any) -> bool:
        return True

    def texts(self, example: Any) -> Iterable[Sequence[str]]:
        yield example.tokens

    def ranges(self, line: Any) -> Sequence[tuple[int, int, str]]:
        return ()

    def border(self, line: Any) -> int | None:
        return None


class FiguresDefaults:
    """All rates of a ledger are counted; no figure needs an order, and none is counted anew after abstention."""

    untold: ClassVar[frozenset[str]] = frozenset()

    def kept(self, *_: Any) -> list[Figure]:
        return []

    def ranked(self, *_: Any) -> list[Ranked]:
        return []


class SurfacesOfTraining:
    """Knowledge of the surfaces that the training split shows, and their labels."""

    covers: ClassVar[tuple[SplitName, ...]] = ("train",)

    def of(self, splits: Mapping[SplitName, Corpus[Any]]) -> SurfaceCoverage:
        return SurfaceCoverage.of(splits["train"])

    def load(self, path: Path) -> SurfaceCoverage:
        return SurfaceCoverage.load(path)

    def whole_texts(self, coverage: SurfaceCoverage) -> None:
        return None
