"""Error analysis of a run: wrong claims by verdict and reason, omissions, by novelty and label (DEFINITIONS, 1 to 3).

An error is a claim that is not supported, or gold that no claim touches. Shares have exact intervals (Clopper &
Pearson), which treat errors as independent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy

from halluc.analysis import scoring
from halluc.analysis.run_figures import Measured
from halluc.analysis.table import Table
from halluc.core.exact_intervals import clopper_pearson
from halluc.core.significance import LEVEL
from halluc.runs.advice import ErrorAnalysis, ErrorRate, ErrorShare

Array = numpy.ndarray
UNSUPPORTED, OMITTED = "unsupported", "omitted"


@dataclass(frozen=True)
class Errors:
    """The claims and the gold of a ledger in one array, claims first; all arrays are (claims + gold,).

    ``is_counted`` leaves out gold that is claimed: its claim is counted already.
    """

    table: Table

    @cached_property
    def kind(self) -> Array:
        """``unsupported``, the reason of a distorted claim, or ``omitted``; empty if it is not an error."""
        claims = self.table.claims
        distorted = numpy.where(claims.verdict == "distorted", claims.reason, "")
        of_claims = numpy.where(claims.verdict == UNSUPPORTED, UNSUPPORTED, distorted)
        of_gold = numpy.where(numpy.isneginf(self.table.gold.best), OMITTED, "")
        return numpy.concatenate((of_claims, of_gold))

    @cached_property
    def novelty(self) -> Array:
        return numpy.concatenate((self.table.claims.novelty, self.table.gold.novelty))

    @cached_property
    def label(self) -> Array:
        return numpy.concatenate((self.table.claims.label, self.table.gold.label))

    @cached_property
    def is_counted(self) -> Array:
        claims = numpy.ones(len(self.table.claims.example), dtype=bool)
        return numpy.concatenate((claims, numpy.isneginf(self.table.gold.best)))

    @cached_property
    def wrong(self) -> Array:
        return numpy.asarray(self.kind != "")

    @property
    def total(self) -> int:
        return int(self.wrong.sum())

    def addressed(self, kinds: Iterable[str], *, unseen_alone: bool) -> int:
        """The number of errors of some kinds, or of any kind if none are given; ``unseen_alone``: only those on what is
        not in training."""
        wanted = list(kinds)
        if "label" in wanted and not self.table.task.judge.reasons:
            wanted.append(UNSUPPORTED)  # for a whole text, every wrong label is unsupported
        result = self.wrong & (numpy.isin(self.kind, wanted) if wanted else True)
        if unseen_alone:
            result &= (self.novelty != self.table.task.knowledge.novelties[0]) & (self.novelty != "")
        return int(result.sum())

    def by_novelty(self, among: Array) -> dict[str, int]:
        if not self.table.knows_novelty:
            return {}
        return {name: int((among & (self.novelty == name)).sum()) for name in self.table.reported_novelties}

    def share(self, name: str, among: Array) -> ErrorShare:
        errors = int((self.wrong & among).sum())
        return ErrorShare(
            name=name, errors=errors, share=errors / self.total, interval=clopper_pearson(errors, self.total, LEVEL),
            by_novelty=self.by_novelty(self.wrong & among),
        )  # fmt: skip

    def rate(self, name: str, among: Array) -> ErrorRate:
        n = int((self.is_counted & among).sum())
        share = self.share(name, among)
        return ErrorRate(
            **dict(share), n=n, rate=share.errors / n, rate_interval=clopper_pearson(share.errors, n, LEVEL)
        )


def analysis(measured: Measured) -> tuple[ErrorAnalysis, Errors]:
    """The errors of an evaluated split: a summary, and arrays of all errors."""
    table, errors = measured.table, Errors(measured.table)
    kinds: list[ErrorShare] = []
    novelties: list[ErrorRate] = []
    labels: list[ErrorRate] = []
    if errors.total:
        names = (UNSUPPORTED, *table.task.judge.reasons, OMITTED)
        kinds = [errors.share(name, errors.kind == name) for name in names]
        labels = _rates(errors, {label: errors.label == label for label in sorted(set(errors.label.tolist()))})
        if table.knows_novelty:
            novelties = _rates(errors, {name: errors.novelty == name for name in table.reported_novelties})
    result = ErrorAnalysis(
        split=measured.split,
        examples=len(measured.examples),
        claims=len(table.claims.example),
        gold=len(table.gold.example),
        errors=errors.total,
        kinds=sorted((one for one in kinds if one.errors), key=lambda one: -one.errors),
        novelties=novelties,
        labels=sorted(labels, key=lambda one: -one.errors),
        ece=next(
            (m for m in scoring.results(scoring.calibration_figures(table, measured.sheet), measured.sheet)
             if m.name == "ece" and m.value is not None), None,
        ),
    )  # fmt: skip
    return result, errors


def _rates(errors: Errors, parts: Mapping[str, Array]) -> list[ErrorRate]:
    """The error rates of the parts that have a claim or an omission."""
    return [errors.rate(name, among) for name, among in parts.items() if (errors.is_counted & among).any()]


def mean_confidence(table: Table) -> tuple[float, float, tuple[float, float]] | None:
    """The mean confidence of claims, the share that is supported, and its exact interval; None without confidences."""
    known = ~numpy.isnan(table.claims.confidence)
    n = int(known.sum())
    if not n:
        return None
    right = int((table.claims.verdict == "supported")[known].sum())
    return float(table.claims.confidence[known].mean()), right / n, clopper_pearson(right, n, LEVEL)
