"""Shifts over time: shares in a period that differ from those of all earlier periods together.

The test is Fisher's exact test (Fisher 1935), two-sided, adjusted (Holm 1979) over the periods of a slice, or, for the
overall p-value, over all slices. The interval of a change is Newcombe's (1998, method 10). A gate on ``shift_p`` serves
as an alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy

from halluc.core import exact_intervals, figures
from halluc.core.exact_intervals import Limits
from halluc.core.figures import ANY, LATEST
from halluc.core.significance import Figure, Ratio, Sheet, holm
from halluc.runs.schema import MetricResult

PERIOD = "period"
TEST = "against all earlier periods, Fisher's exact test, Holm"


@dataclass(frozen=True)
class Change:
    """The difference of two shares on different examples."""

    now: Ratio
    earlier: Ratio

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        return numpy.asarray(self.now(sums) - self.earlier(sums))

    def exact_limits(self, totals: numpy.ndarray, of_difference: bool) -> Limits | None:
        now, earlier = (_counts(one, totals) for one in (self.now, self.earlier))
        if not now[1] or not earlier[1]:
            return None
        shares = now[0] / now[1], earlier[0] / earlier[1]
        return lambda level: exact_intervals.of_difference(
            shares[0], exact_intervals.wilson(*now, level), shares[1], exact_intervals.wilson(*earlier, level)
        )


def changes(of_task: Sequence[Figure]) -> list[Figure]:
    """The change of each share that is reported by period, compared with all earlier periods together."""
    return [
        replace(figure, name="shift", formula=change) for of_slice in _slices(of_task) for figure, change in of_slice
    ]


def tests(of_task: Sequence[Figure], sheet: Sheet) -> list[MetricResult]:
    """The p-value of each change, adjusted over the periods of its slice; and the smallest of any and of the latest
    period, for each slice and, adjusted over all slices, for all together, with the number of tests as ``n``.
    """
    slices = [of_slice for of_slice in _slices(of_task) if of_slice]
    if not slices:
        return []
    from scipy.stats import fisher_exact  # the import takes a second, and most evaluations have no periods

    totals, results, everything = sheet.totals(), list[MetricResult](), list[float]()
    for of_slice in slices:
        ps = [float(fisher_exact([_split(one, totals) for one in (c.now, c.earlier)]).pvalue) for _, c in of_slice]
        results += [_result(figure.by, p, figure.n) for (figure, _), p in zip(of_slice, _holm(ps), strict=True)]
        results += _smallest({key: value for key, value in of_slice[0][0].by.items() if key != PERIOD}, _holm(ps), 1)
        everything += ps
    # Every slice has the same periods. Transposed, the p-values of the latest period come last.
    adjusted = numpy.array(_holm(everything)).reshape(len(slices), -1).T
    return results + _smallest({}, adjusted.reshape(-1).tolist(), len(slices))


def _holm(ps: Sequence[float]) -> list[float]:
    return [p for p in holm(ps) if p is not None]


def _smallest(by: dict[str, str], ps: Sequence[float], latest: int) -> list[MetricResult]:
    """The smallest p-value of any period, and of the latest one, whose p-values are the last ``latest``."""
    chosen = {ANY: ps, LATEST: ps[-latest:]}
    return [_result({**by, PERIOD: name}, min(some), len(some)) for name, some in chosen.items()]


def _result(by: dict[str, str], p: float, n: int) -> MetricResult:
    return MetricResult(name="shift_p", value=p, n=n, by=by, protocol=TEST)


def _slices(of_task: Sequence[Figure]) -> Iterator[list[tuple[Figure, Change]]]:
    """For each slice the figures of all periods except the first, in order of time, with their changes."""
    names = {column.row.name for column in figures.shown("periods")}
    by_slice: dict[tuple[str, ...], list[Figure]] = {}
    for figure in of_task:
        if figure.name in names and PERIOD in figure.by:
            others = sorted(f"{key} {value}" for key, value in figure.by.items() if key != PERIOD)
            by_slice.setdefault((figure.name, *others), []).append(figure)
    for of_slice in by_slice.values():
        earlier = Ratio((), ())
        changed: list[tuple[Figure, Change]] = []
        for figure in of_slice:
            now = figure.formula
            assert isinstance(now, Ratio), "figures by period are shares"
            if earlier.below:
                changed.append((figure, Change(now, earlier)))
            earlier = Ratio(earlier.above + now.above, earlier.below + now.below)
        yield changed


def _counts(share: Ratio, totals: numpy.ndarray) -> tuple[float, float]:
    return float(totals[list(share.above)].sum()), float(totals[list(share.below)].sum())


def _split(share: Ratio, totals: numpy.ndarray) -> list[float]:
    hits, n = _counts(share, totals)
    return [hits, n - hits]
