"""An evaluated split of a run, read from its files, with the figures by which runs are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy

from halluc.analysis import rates, scoring
from halluc.analysis.table import Table, table
from halluc.core.characters import cut
from halluc.core.errors import HallucError
from halluc.core.exact_intervals import Limits
from halluc.core.files import open_regular
from halluc.core.memory import uncollected
from halluc.core.significance import Figure, FigureSample, Sheet, exact_limits
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.evaluations import PREFERRED, SplitCounts, anew
from halluc.runs.records import read_lines
from halluc.runs.schema import LedgerLine, Prediction, RunFile
from halluc.task import evaluated as evaluated_task

FigureKey = tuple[str, tuple[tuple[str, str], ...]]
# The identity of an example: id, tokens, gold.
Example = tuple[str, Any, Any]


@dataclass(frozen=True)
class Measured:
    """One evaluated split of one run; ``lines`` are those of its ledger, empty if only figures are needed."""

    run: RunDir
    record: RunFile
    split: str
    examples: list[Example]
    table: Table
    lines: list[LedgerLine]
    decoding: str = "argmax"

    @property
    def name(self) -> str:
        return str(self.run.path)

    @cached_property
    def sheet(self) -> Sheet:
        return Sheet(len(self.examples))

    @cached_property
    def figures(self) -> dict[FigureKey, Figure]:
        """The headline figures, in order."""
        figures = self._of_outputs() + rates.headline(self.table, self.sheet)
        figures += scoring.calibration_figures(self.table, self.sheet)
        return {key(figure.name, figure.by): figure for figure in figures}

    def _of_outputs(self) -> list[Figure]:
        """Figures that the ledger does not determine, such as BLEU, from the stored predictions."""
        task = self.table.task
        of_lines = getattr(task.figures, "of_lines", None)
        if of_lines is None:
            return []
        lines = list(evaluations.predictions(self.run, self.split, task.examples.Line))
        figures: list[Figure] = of_lines([task.examples.of_line(line) for line in lines], lines, self.sheet)
        return figures

    @cached_property
    def values(self) -> dict[FigureKey, float]:
        """The value of each figure, NaN if undefined."""
        figures, totals = self.figures, self.sheet.totals()
        return {name: float(figure.formula(totals)) for name, figure in figures.items()}

    @cached_property
    def limits(self) -> dict[FigureKey, Limits | None]:
        """The exact intervals to compute intervals of differences from; None for figures that are resampled."""
        figures, totals = self.figures, self.sheet.totals()
        return {name: exact_limits(figure.formula, totals, of_difference=True) for name, figure in figures.items()}

    @cached_property
    def exact_intervals(self) -> dict[FigureKey, Limits | None]:
        """The exact interval of each figure; None for figures that are resampled."""
        figures, totals = self.figures, self.sheet.totals()
        return {name: exact_limits(figure.formula, totals) for name, figure in figures.items()}

    @property
    def is_silent(self) -> bool:
        """Whether the run makes no claim."""
        return not len(self.table.claims.example)

    @cached_property
    def samples(self) -> dict[FigureKey, FigureSample]:
        """Each figure in every resample, for differences from other runs."""
        formulas = [figure.formula for figure in self.figures.values()]
        return dict(zip(self.figures, self.sheet.samples(formulas), strict=True))


def key(name: str, by: dict[str, str]) -> FigureKey:
    return name, tuple(sorted(by.items()))


def read(
    run: RunDir,
    split: str,
    known: dict[bytes, Example] | None = None,
    *,
    keep_lines: bool = True,
    is_fresh: bool = False,
) -> Measured:
    """Read an evaluation.

    Args:
        known: the examples of runs that were read before, by the beginning of their lines, to read runs on the same
            examples faster and share their memory. New examples are added.
        keep_lines: whether to keep the ledger's lines, which take far more memory than its table.
        is_fresh: whether the files were just written, so that ``run.json`` does not have their hashes yet.

    Raises:
        HallucError R112: the split was not evaluated, or ledger, predictions and figures are damaged or inconsistent;
            R101, R102: it is not a run, or a file is of another version.
    """
    record = run.read()
    if not run.ledger(split).is_file():
        help = evaluations.unevaluated_help(split, evaluated([run]), run)
        raise HallucError("R112", f"{run.path} has no ledger of {split}", help=help)
    file = evaluations.read(run, split)
    task = evaluated_task(file)
    with uncollected():
        path, help = run.ledger(split), anew(run, split)
        lines = list(read_lines(path, LedgerLine, damaged="R112", what="a ledger", help=help))
        examples = _examples(run, split, task.examples.Line, {} if known is None else known)
        ids = [example[0] for example in examples]
        evaluations.refuse_strangers(run, split, {line.id for line in lines}.difference(ids))
        ledger = table(task, lines, ids, [len(example[1]) for example in examples])
    evaluations.refuse_parts(run, split, file, _split_counts(ledger, examples, task.examples.Line))
    if not is_fresh:
        evaluations.refuse_changed(run, record, split)
    return Measured(run, record, split, examples, ledger, lines if keep_lines else [], file.decoding or "argmax")


def _split_counts(ledger: Table, examples: Sequence[Example], kind: type[Prediction]) -> SplitCounts:
    verdict = ledger.claims.verdict
    annotations = [kind.annotations(gold) for _, _, gold in examples]
    return SplitCounts(
        claims=len(verdict),
        supported=int((verdict == "supported").sum()),
        unsupported=int((verdict == "unsupported").sum()),
        omissions=int(numpy.isneginf(ledger.gold.best).sum()),
        examples=len(examples),
        annotated=None if None in annotations else sum(count or 0 for count in annotations),
        gold=len(ledger.gold.example),
    )


# The prediction comes last in a line: the lines of several runs about the same example are equal before it.
_BEFORE_PREDICTION = b', "predicted": '


def _examples(run: RunDir, split: str, kind: type[Prediction], known: dict[bytes, Example]) -> list[Example]:
    path = run.predictions(split)
    try:
        with open_regular(path) as file:
            lines = [line.partition(_BEFORE_PREDICTION) for line in file]
    except OSError:
        lines = []  # reported by ``evaluations.predictions``
    if lines and all(begins in known and rest.endswith(b"}\n") for begins, _, rest in lines):
        return [known[begins] for begins, _, _ in lines]
    examples = [one.example for one in evaluations.predictions(run, split, kind)]
    if len(examples) == len(lines):
        known.update(zip((begins for begins, _, _ in lines), examples, strict=True))
    return examples


def evaluated(runs: Iterable[RunDir]) -> list[str]:
    """The splits on which any of the runs was evaluated, the preferred one first."""
    in_order = list(runs)
    return [split for split in PREFERRED if any(_has(run, split) for run in in_order)]


def _has(run: RunDir, split: str) -> bool:
    """Whether a run has any file or record of the evaluation; missing files are reported when they are read."""
    return run.ledger(split).exists() or run.evaluation(split).exists() or split in _on_record(run)


def _on_record(run: RunDir) -> list[str]:
    try:
        return evaluations.on_record(run.read())
    except HallucError:
        return []  # reported when the run is read


def common_split(runs: Sequence[RunDir], requested: str | None) -> str:
    """The split to compare on: the requested one, otherwise the first of test, dev and train that all runs have.

    Raises:
        HallucError R112: there is none.
    """
    if requested is not None:
        return requested
    for split in PREFERRED:
        if all(_has(run, split) for run in runs):
            return split
    lacking = next((run for run in runs if not evaluated([run])), None)
    if lacking is not None:
        raise HallucError(
            "R112", f"{lacking.path} has no ledger", help=f"evaluate it first: {evaluations.command(lacking)}"
        )
    raise HallucError(
        "R112", "the runs have no evaluated split in common", help="evaluate them on the same split with `halluc eval`"
    )


def refuse_different_examples(one: Measured, other: Measured) -> None:
    """
    Raises:
        HallucError R113: the runs are not on the same examples, so their figures cannot be compared; names the first
            difference.
    """
    for number, (a, b) in enumerate(zip_longest(one.examples, other.examples), 1):
        if a == b:
            continue
        if a is None or b is None:
            what = f"{len(one.examples):,} and {len(other.examples):,} examples"
        else:
            what = next(_difference(part, x, y) for part, x, y in zip(_PARTS, a, b, strict=True) if x != y)
        message = f"{one.name} and {other.name} were evaluated on different examples of {one.split}"
        help = f"the first difference is in example {number}: {what[:300]}"
        raise HallucError("R113", message, help=help)


_PARTS = ("the ids", "the tokens", "the gold")
# The number of items before and after the first difference that are shown.
_BEFORE, _AFTER = 3, 6


def _difference(part: str, one: Any, other: Any) -> str:
    """Two texts, or the gold of both, around their first difference."""
    if not isinstance(one, tuple):
        return f"{part} {one!r} and {other!r}"
    place = next((at for at, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    texts = (" ".join(map(str, items[max(0, place - _BEFORE) : place + _AFTER])) for items in (one, other))
    return f"{part} {' and '.join(f'`{cut(text)}`' for text in texts)}"
