"""Shifts over time: shares in a period that differ from those of all earlier periods together.

The test is Fisher's exact test (Fisher 1935), two-sided. p is adjusted over the tested periods of a slice, or over all
slices for the overall one (Holm 1979). The interval of a change is Newcombe's (1998, method 10). An alarm is a gate on
``shift_p``.
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
    """A share minus another one of other examples."""

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


def changes(result: Sequence[Figure]) -> list[Figure]:
    """The change of each share that is reported by period, compared with all earlier periods together."""
    return [
        replace(figure, name="shift", formula=change) for of_slice in _slices(result) for figure, change in of_slice
    ]


def tests(result: Sequence[Figure], sheet: Sheet) -> list[MetricResult]:
    """The p-value of each change, adjusted over the periods of its slice; and the smallest of any and of the latest
    period.

    That over all slices, ``{"period": "any"}``, is adjusted over all of them; ``n`` then counts the tests.
    """
    slices = [of_slice for of_slice in _slices(result) if of_slice]
    if not slices:
        return []
    from scipy.stats import fisher_exact  # it takes a second, and most evaluations have no periods

    totals, results, everything = sheet.totals(), list[MetricResult](), list[float]()
    for of_slice in slices:
        ps = [float(fisher_exact([_split(one, totals) for one in (c.now, c.earlier)]).pvalue) for _, c in of_slice]
        results += [_result(figure.by, p, figure.n) for (figure, _), p in zip(of_slice, _holm(ps), strict=True)]
        results += _smallest({key: value for key, value in of_slice[0][0].by.items() if key != PERIOD}, _holm(ps), 1)
        everything += ps
    # Every slice has the same periods, so that the last p of each is of the latest period.
    adjusted = numpy.array(_holm(everything)).reshape(len(slices), -1).T
    return results + _smallest({}, adjusted.reshape(-1).tolist(), len(slices))


def _holm(ps: Sequence[float]) -> list[float]:
    return [p for p in holm(ps) if p is not None]


def _smallest(by: dict[str, str], ps: Sequence[float], latest: int) -> list[MetricResult]:
    """The smallest of any period, and of the latest one, whose p-values come last."""
    chosen = {ANY: ps, LATEST: ps[-latest:]}
    return [_result({**by, PERIOD: name}, min(some), len(some)) for name, some in chosen.items()]


def _result(by: dict[str, str], p: float, n: int) -> MetricResult:
    return MetricResult(name="shift_p", value=p, n=n, by=by, protocol=TEST)


def _slices(result: Sequence[Figure]) -> Iterator[list[tuple[Figure, Change]]]:
    """For each slice the figures of all periods except the first, in order of time, with their changes."""
    names = {column.row.name for column in figures.shown("periods")}
    by_slice: dict[tuple[str, ...], list[Figure]] = {}
    for figure in result:
        if figure.name in names and PERIOD in figure.by:
            others = sorted(f"{key} {value}" for key, value in figure.by.items() if key != PERIOD)
            by_slice.setdefault((figure.name, *others), []).append(figure)
    for of_slice in by_slice.values():
        earlier = Ratio((), ())
        made: list[tuple[Figure, Change]] = []
        for figure in of_slice:
            now = figure.formula
            assert isinstance(now, Ratio), "what is shown by period is a share"
            if earlier.below:
                made.append((figure, Change(now, earlier)))
            earlier = Ratio(earlier.above + now.above, earlier.below + now.below)
        yield made


def _counts(share: Ratio, totals: numpy.ndarray) -> tuple[float, float]:
    return float(totals[list(share.above)].sum()), float(totals[list(share.below)].sum())


def _split(share: Ratio, totals: numpy.ndarray) -> list[float]:
    hits, n = _counts(share, totals)
    return [hits, n - hits]
