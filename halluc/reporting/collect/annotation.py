"""The quality of a split's annotation: suspects of an audit, their share in each rate, and other gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from halluc.core import figures
from halluc.core.errors import HallucError
from halluc.core.figures import HALLUCINATION, OMISSION
from halluc.runs import evaluations
from halluc.runs.audits import SUSPECT_KINDS, DoubtedAnnotation, GoldFile, MovedFigure, OnSuspects, Regold, SuspectLine
from halluc.runs.directory import RunDir
from halluc.runs.records import read_lines, read_record
from halluc.runs.schema import EvalFile, LedgerLine
from halluc.task import AnyTask, evaluated

# Limits on the probability of annotation: the lower, the more it is in doubt.
BELOW = (0.01, 0.1, 0.5, 1.0)


def _rates() -> tuple[str, ...]:
    """The shares of claims and gold that studies compare."""
    compared = [column.row for column in figures.shown("arms") if not column.by]
    return tuple(dict.fromkeys(row.name for row in compared if row.family == "claims" and row.is_share))


_ANEW = "audit the split again: halluc audit {} --split {}"

Place = tuple[str, int | None, int | None, str]


def collect_doubts(run: RunDir, split: str, file: EvalFile, ledger: Iterable[LedgerLine]) -> DoubtedAnnotation | None:
    """The results for a split of the run's audit and of its evaluations against other gold; None if there are none.

    Raises:
        HallucError R111, R112: a file is damaged.
    """
    task = evaluated(file)
    regold = [result for name in _names(run) if (result := _regold(run, name, split, task)) is not None]
    if not run.audit(split).is_file():
        return DoubtedAnnotation(kinds=None, on_suspects=[], regold=regold) if regold else None
    help = _ANEW.format(run.path, split)
    suspects = list(read_lines(run.audit(split), SuspectLine, damaged="R111", what="suspects", help=help))
    kinds = Counter(one.kind for one in suspects)
    return DoubtedAnnotation(
        kinds={one: kinds[one] for one in SUSPECT_KINDS}, on_suspects=suspect_counts(suspects, ledger), regold=regold
    )


def suspect_counts(suspects: Iterable[SuspectLine], ledger: Iterable[LedgerLine]) -> list[OnSuspects]:
    """How many of the unsupported and distorted claims, and of the omissions, are on suspects."""
    places: dict[Place, float] = {}
    for one in suspects:
        for mark in (*one.annotated, *one.proposed):
            place = (one.id, *mark)
            places[place] = min(one.confidence, places.get(place, 1.0))
    result: dict[str, list[float]] = {HALLUCINATION: [], "distortion_rate": [], OMISSION: []}
    for line in ledger:
        sure = places.get((line.id, line.start, line.end, line.label), 2.0)  # 2: not on a suspect
        if line.record == "omission":
            result[OMISSION].append(sure)
        elif line.verdict in ("unsupported", "distorted"):
            result[HALLUCINATION if line.verdict == "unsupported" else "distortion_rate"].append(sure)
    return [
        OnSuspects(
            name=name,
            counted=len(sureness),
            below=[(bound, sum(sure < bound or sure == bound == 1.0 for sure in sureness)) for bound in BELOW],
        )
        for name, sureness in result.items()
        if sureness
    ]


def compare_gold(run: RunDir, split: str, after: EvalFile, task: AnyTask) -> list[MovedFigure]:
    """The overall rates and figures of the task with other gold, and with the run's own gold, if evaluated."""
    try:
        before = evaluations.read(run, split).metrics
    except HallucError:
        before = []  # not evaluated against its own gold, or damaged, which the report of the run says
    own = {one.name: one for one in before if not one.by}
    names = (*_rates(), *(name for family in task.figures.families for name in family))
    result = {one.name: one for one in after.metrics if not one.by}
    return [MovedFigure(name=name, before=own.get(name), after=result[name]) for name in names if name in result]


def _names(run: RunDir) -> list[str]:
    folder = run.regold("x").path.parent
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _regold(run: RunDir, name: str, split: str, task: AnyTask) -> Regold | None:
    into = run.regold(name)
    path: Path = into.path / f"{split}.json"
    if not path.is_file():
        return None
    help = "evaluate the run against it again: halluc eval RUN --gold FILE"
    gold = read_record(path, GoldFile, damaged="R112", other_version="R112", help=help)
    return Regold(gold=gold, figures=compare_gold(run, split, evaluations.read(into, split), task))
