"""The gap: the share of a split's mentions that are not in the training split, forecast from train alone and observed
(DEFINITIONS, section 2)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy

from halluc.core.exact_intervals import clopper_pearson, of_difference
from halluc.core.examples import Example
from halluc.core.rng import keyed_generator
from halluc.core.significance import LEVEL, NEGLIGIBLE, RESAMPLES
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.novelty import novelty
from halluc.runs.schema import Novelty

Z = 1.959964  # 95%, two-sided


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share or a difference of shares over ``n`` mentions or words, None if undefined, with its 95% interval."""

    value: float | None
    n: int
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap of a split: ``forecast``; observed as ``unseen``, and ``new`` as a part of it; ``excess`` = unseen -
    forecast.

    ``mentions`` is the number of mentions, or of the content words of whole texts, with repetitions.
    """

    mentions: int
    forecast: Proportion
    unseen: Proportion
    new: Proportion
    excess: Proportion


@dataclass(frozen=True)
class SplitGap:
    """The gap of a split, overall and by label; ``counted`` names what is counted."""

    overall: Gap
    by_label: dict[str, Gap]
    counted: str = "mentions"

    def as_json(self) -> dict[str, Any]:
        return {
            "overall": self._row(self.overall),
            "by_label": {label: self._row(gap) for label, gap in self.by_label.items()},
        }

    def _row(self, gap: Gap) -> dict[str, Any]:
        row = asdict(gap)
        return {self.counted: row.pop("mentions"), **row}


def good_turing(counts: Iterable[int]) -> Proportion:
    """The probability that the next mention is unseen: ``N1 / N`` (Good 1953, after Turing).

    The interval, clipped to [0, 1], is ``N1/N ± z sqrt(N1 (1 - N1/N) + 2 N2) / N`` (Esty 1983). It assumes independent
    draws; it is too narrow, since mentions of one document are not independent. If its width is 0, it is the exact one.

    Args:
        counts: the frequency of each distinct mention. N is their sum; N1 and N2 mentions occur once and twice.
    """
    all_counts = list(counts)
    total, once, twice = sum(all_counts), all_counts.count(1), all_counts.count(2)
    if not total:
        return Proportion(None, 0)
    value = once / total
    half = Z * math.sqrt(once * (1 - value) + 2 * twice) / total
    return Proportion(value, total, _interval(once, total, max(0.0, value - half), min(1.0, value + half)))


def _interval(part: int, total: int, low: float, high: float) -> tuple[float, float]:
    """The estimated interval of a share; the exact one if the estimate has no width."""
    return (low, high) if high - low > NEGLIGIBLE else clopper_pearson(part, total, LEVEL)


def gap_of(
    coverage: SurfaceCoverage, examples: Iterable[Example], novelty_of: Callable[[str, str], Novelty] | None = None
) -> SplitGap:
    """The gap between a split and the coverage of a training split, also by label, for the labels of both.

    ``novelty_of`` returns the novelty of a surface with its label; the default is that of a mention.
    """
    novelty_of = novelty_of or partial(novelty, coverage)
    everything: list[Sequence[Novelty]] = []
    # For each label the examples that mention it: with hundreds of labels, only a few.
    classes: dict[str, list[list[Novelty]]] = {label: [] for label in coverage.surfaces}
    for example in examples:
        of_label: dict[str, list[Novelty]] = {}
        for text, label in example.pairs:
            of_label.setdefault(label, []).append(novelty_of(text, label))
        everything.append([one for some in of_label.values() for one in some])
        for label, some in of_label.items():
            classes.setdefault(label, []).append(some)
    counts = {label: [known.count for known in of_text.values()] for label, of_text in coverage.surfaces.items()}
    return SplitGap(
        gap_among([count for some in counts.values() for count in some], everything, len(everything)),
        {label: gap_among(counts.get(label, ()), some, len(everything)) for label, some in sorted(classes.items())},
    )


def gap_among(counts: Sequence[int], classes: Sequence[Sequence[Novelty]], examples: int) -> Gap:
    """The gap of one label, or of all.

    Args:
        counts: frequencies of the training mentions.
        classes: novelties of the split's mentions by example; examples without mentions may be left out.
        examples: the number of examples, including those.
    """
    times = Counter((len(some) - some.count("seen"), some.count("new"), len(some)) for some in classes)
    if len(classes) < examples:
        times[0, 0, 0] += examples - len(classes)
    table = numpy.array([(*row, count) for row, count in sorted(times.items())], dtype=numpy.int64).reshape(-1, 4)
    unseen, new = bootstrapped_shares(table[:, :3], table[:, 3])
    forecast = good_turing(counts)
    return Gap(int(table[:, 3] @ table[:, 2]), forecast, unseen, new, _difference(unseen, forecast))


def bootstrapped_shares(rows: numpy.ndarray, times: numpy.ndarray) -> list[Proportion]:
    """Shares of sums, with 95% percentile intervals of a bootstrap over examples; exact ones if resamples are equal.

    A resample of examples is a multinomial draw over the distinct rows, so its cost does not grow with the number of
    examples. Resamples without any mention have no share and are left out.

    Args:
        rows: integers (distinct examples, columns); the last column is the denominator of all other columns.
        times: how many examples have each row.
    """
    sums = times @ rows
    total = int(sums[-1])
    if not total:
        return [Proportion(None, 0) for _ in sums[:-1]]
    examples = int(times.sum())
    draws = keyed_generator("gap", "bootstrap").multinomial(examples, times / examples, size=RESAMPLES)
    resampled = draws @ rows
    resampled = resampled[resampled[:, -1] > 0]
    low, high = numpy.percentile(resampled[:, :-1] / resampled[:, -1:], [2.5, 97.5], axis=0).tolist()
    return [
        Proportion(int(part) / total, total, _interval(int(part), total, lower, upper))
        for part, lower, upper in zip(sums[:-1], low, high, strict=True)
    ]


def _difference(minuend: Proportion, subtrahend: Proportion) -> Proportion:
    """A difference of two independent figures."""
    if minuend.value is None or subtrahend.value is None or not (minuend.interval and subtrahend.interval):
        return Proportion(None, minuend.n)
    interval = of_difference(minuend.value, minuend.interval, subtrahend.value, subtrahend.interval)
    return Proportion(minuend.value - subtrahend.value, minuend.n, interval)
