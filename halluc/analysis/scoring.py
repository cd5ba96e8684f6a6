"""Computes the figures of predictions: on dev after each epoch of training, and on every split in eval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy

from halluc.analysis import calibration, rates, shifts
from halluc.analysis.table import Table
from halluc.core import figures, selective
from halluc.core.exact_intervals import Interval, clopper_pearson
from halluc.core.examples import Example
from halluc.core.significance import LEVEL, Figure, Ranked, Ratio, Sheet, draws, percentiles
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask, Predicted

CALIBRATION = "claims that gold supports, 15 equal-width bins of confidence"
RANKED = "claims sorted by confidence"
# Each resample of a ranking scans all of its items. So many are scanned in total, with 250 to 1,000 resamples.
_RANKED_PASSES = 30_000_000
COVERAGES = (0.95, 0.9, 0.8)
CURVE = tuple(step / 20 for step in range(1, 21))


def names(task: AnyTask) -> tuple[str, ...]:
    """Every figure of a task that a gate may name."""
    metrics = task.figures
    return (
        *metrics.names,
        *(name for name in figures.names(["claims", "calibration", "order", "time"]) if name not in metrics.excluded),
    )


def score(
    examples: Sequence[Example],
    predictions: Sequence[Predicted],
    table: Table,
    uncalibrated: numpy.ndarray | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
) -> list[MetricResult]:
    """Every figure of eval/<split>.json, each with its interval.

    Args:
        table: the ledger of the same examples.
        uncalibrated: the confidences of the table's claims before scaling, if they were scaled.
        slices: for each name, the slice of each example, empty for none; the task's overall figures are also reported
            for these slices.
    """
    sheet, metrics = Sheet(len(examples)), table.task.figures
    of_task = metrics.figures(examples, predictions, sheet)
    figures = of_task + shifts.changes(of_task)
    figures += rates.figures(table, sheet) + calibration_figures(table, sheet)
    if not table.claims.kept.all():
        figures += metrics.after_abstention(
            examples, predictions, numpy.bincount(table.claims.example[table.claims.kept], minlength=len(table)), sheet
        )
    if uncalibrated is not None:
        figures += _calibration(table, uncalibrated, sheet, {"confidence": "uncalibrated"})
    ranked = [*([_by_confidence(table)] if table.knows_confidence else []), *metrics.ranked(examples, predictions)]
    return (
        results(figures + reliability_figures(table, sheet), sheet)
        + [result for one in ranked for result in ranked_results(one, len(table))]
        + _risk(table)
        + shifts.tests(of_task, sheet)
        + [result for name, of in (slices or {}).items() for result in _by(name, of, examples, predictions, table.task)]
    )


def _by(
    name: str, slice_of: Sequence[str], examples: Sequence[Example], predictions: Sequence[Predicted], task: AnyTask
) -> Iterator[MetricResult]:
    """The overall figures that may select a checkpoint, and those of rankings, for each slice."""
    headline = {figure for family in task.figures.families for figure in family}
    for value in sorted(set(slice_of) - {""}):
        chosen = [number for number, one in enumerate(slice_of) if one == value]
        some, their = [examples[number] for number in chosen], [predictions[number] for number in chosen]
        sheet = Sheet(len(some))
        figures = [one for one in task.figures.figures(some, their, sheet) if not one.by and one.name in headline]
        of_slice = results(figures, sheet)
        of_slice += [result for one in task.figures.ranked(some, their) for result in ranked_results(one, len(some))]
        yield from (result.model_copy(update={"by": {**result.by, name: value}}) for result in of_slice)


def results(figures: Sequence[Figure], sheet: Sheet) -> list[MetricResult]:
    """Figures on a sheet in the form of eval/<split>.json."""
    estimates = sheet.estimates([figure.formula for figure in figures])
    return [
        MetricResult(name=f.name, value=e.value, n=f.n, interval=e.interval, by=f.by, protocol=f.protocol)
        for f, e in zip(figures, estimates, strict=True)
    ]


def calibration_figures(table: Table, sheet: Sheet) -> list[Figure]:
    """ECE and Brier score of the confidences in a ledger; empty if it has none."""
    return _calibration(table, table.claims.confidence, sheet, {}) if table.knows_confidence else []


def _calibration(table: Table, confidence: numpy.ndarray, sheet: Sheet, by: dict[str, str]) -> list[Figure]:
    """Expected calibration error and Brier score of the claims that have a confidence."""
    known = ~numpy.isnan(confidence)
    right = (table.claims.verdict == "supported")[known]
    return calibration_of(confidence[known], right, table.claims.example[known], sheet, by)


def calibration_of(
    confidence: numpy.ndarray, right: numpy.ndarray, example: numpy.ndarray, sheet: Sheet, by: dict[str, str]
) -> list[Figure]:
    """Expected calibration error and Brier score of claims.

    Args:
        confidence, right, example: (claims,); ``right``: the claim is supported; ``example``: an index on the sheet.
    """
    columns = [
        [sheet.column(counts[:, at]) for at in range(calibration.BINS)]
        for counts in calibration.sums_by_bin(confidence, right, example, sheet.examples)
    ]

    def ece(sums: numpy.ndarray) -> numpy.ndarray:
        return calibration.ece_of_sums(*(sums[..., of_bins] for of_bins in columns))

    brier = Ratio((sheet.tally(example, (confidence - right) ** 2),), (sheet.tally(example),), is_share=False)
    return [Figure(name, by, CALIBRATION, len(confidence), f) for name, f in (("ece", ece), ("brier", brier))]


def reliability_figures(table: Table, sheet: Sheet) -> list[Figure]:
    """The bars of the reliability diagram: the share of right claims in each bin that has claims."""
    claims = table.claims
    known = ~numpy.isnan(claims.confidence)
    confidence, example = claims.confidence[known], claims.example[known]
    right, place = (claims.verdict == "supported")[known], calibration.bin_of(confidence)
    bars = []
    for number in numpy.unique(place):
        here = place == number
        low, high = (f"{edge:.3f}" for edge in calibration.EDGES[number : number + 2])
        by = {"bin": f"{low} to {high}", "mean_confidence": f"{confidence[here].mean():.4f}"}
        share = Ratio((sheet.tally(example[here & right]),), (sheet.tally(example[here]),))
        bars.append(Figure("reliability", by, CALIBRATION, int(here.sum()), share))
    return bars


def _by_confidence(table: Table) -> Ranked:
    """The figures of claims ranked by confidence."""
    known = ~numpy.isnan(table.claims.confidence)
    confidence, verdict = table.claims.confidence[known], table.claims.verdict[known]
    right, unsupported, order = verdict == "supported", verdict == "unsupported", selective.Order(confidence)
    wanted: list[tuple[str, dict[str, str], Any]] = [
        ("aurc", {}, partial(selective.aurc, order, right)),
        ("e_aurc", {}, partial(selective.e_aurc, order, right)),
        ("auroc", {}, partial(selective.auroc, order, right)),
    ]
    for share in COVERAGES:
        figure = partial(selective.rate_at_coverage, order, unsupported, share)
        wanted.append(("hallucination_rate_at_coverage", {"coverage": f"{share:g}"}, figure))
    return Ranked(RANKED, table.claims.example[known], tuple(wanted))


def ranked_results(ranked: Ranked, examples: int) -> list[MetricResult]:
    """Figures of ranked items, with intervals from a bootstrap over examples, or over ``ranked.units``."""
    items, resampled_units = len(ranked.example), ranked.units or examples
    resampled: list[list[numpy.ndarray]] = [[] for _ in ranked.figures]
    if resampled_units > 1 and items:
        for drawn in draws(resampled_units, min(1_000, max(250, _RANKED_PASSES // items))):
            weights, rows = drawn.astype(numpy.uint16)[:, ranked.example], selective.block(items)
            for some in (weights[first : first + rows] for first in range(0, len(weights), rows)):
                for values, (_, _, figure) in zip(resampled, ranked.figures, strict=True):
                    values.append(numpy.asarray(figure(some)))
    originals = [(name, by, _plain(figure(None))) for name, by, figure in ranked.figures]
    return [
        MetricResult(
            name=name, value=value, n=items, by=by, protocol=ranked.protocol,
            interval=_ranked_interval(value, by, items, values) if values else None,
        )
        for (name, by, value), values in zip(originals, resampled, strict=True)
    ]  # fmt: skip


def _ranked_interval(
    value: float | None, by: dict[str, str], items: int, values: list[numpy.ndarray]
) -> Interval | None:
    """Percentiles; for a rate at a coverage of 0 or 1, which is a share, the exact interval."""
    # A quotient of cumulative sums may differ from 1 in its last digit.
    if value is not None and "coverage" in by and round(value, 12) in (0.0, 1.0):
        n = float(selective.claims_kept(numpy.array(items), float(by["coverage"])))
        return clopper_pearson(round(value) * n, n, LEVEL)
    return percentiles(numpy.concatenate(values))


def _risk(table: Table) -> list[MetricResult]:
    """The risk-coverage curve at twenty points, without intervals: AURC has one."""
    if not table.knows_confidence:
        return []
    known = ~numpy.isnan(table.claims.confidence)
    confidence, wrong = table.claims.confidence[known], (table.claims.verdict != "supported")[known]
    return [
        MetricResult(
            name="risk_at_coverage", value=_plain(selective.rate_at_coverage(confidence, wrong, share)),
            n=len(confidence), by={"coverage": f"{share:g}"}, protocol=RANKED,
        )
        for share in CURVE
    ]  # fmt: skip


def _plain(value: float | None) -> float | None:
    return None if value is None or numpy.isnan(value) else float(value)
