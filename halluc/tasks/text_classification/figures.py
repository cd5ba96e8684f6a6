"""The figures of texts: with one label or none, which is out of scope, and with any number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy

from halluc.core import selective
from halluc.core.labels import OUT_OF_SCOPE
from halluc.core.ranked import Ranked, Report
from halluc.core.significance import Figure, Ratio, Sheet, divided
from halluc.tasks import label_counts, label_rows, label_tables, over_time
from halluc.tasks.defaults import FiguresDefaults
from halluc.tasks.label_counts import Columns, LabelCounts
from halluc.tasks.over_time import Period
from halluc.tasks.text_classification import ranking
from halluc.tasks.text_classification.config import RankingConfig
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled

PROTOCOL = "one label a text, none being out of scope"
OF_SETS = "each label of a text for itself"
RANKED = "texts sorted by the probability of being in scope"


class Labelling:
    """Figures for one label per text: accuracy, F1 by label and averaged, correlation, and out of scope."""

    primary: ClassVar[str] = "accuracy"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("accuracy", "macro_f1"),
        ("micro_f1",),
        ("weighted_f1",),
        ("mcc",),
    )
    names: ClassVar[tuple[str, ...]] = (
        *("accuracy", *label_rows.NAMES, "mcc"),
        *("out_of_scope_acceptance", "out_of_scope_recall", "out_of_scope_precision", "out_of_scope_auroc"),
        "label_share",
        *ranking.NAMES,
    )
    protocols: ClassVar[tuple[str, ...]] = (PROTOCOL, RANKED)
    excluded: ClassVar[frozenset[str]] = label_counts.EXCLUDED
    named: ClassVar[Mapping[str, str]] = {
        "f1": "micro_f1",
        "recall": "accuracy",
        "claimed_without_gold": "out_of_scope_acceptance",
    }

    def __init__(self, period: Period = "month", ranked_by: RankingConfig | None = None) -> None:
        self.period, self.ranked_by = period, ranked_by

    def headline(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> dict[str, float]:
        judged = _Judged.of(examples, predictions)
        sheet = Sheet(len(examples))
        totals = {figure.name: figure for figure in judged.figures(sheet) if not figure.by}
        sums = sheet.totals()
        return {name: float(totals[name].formula(sums)) for family in self.families for name in family}

    def figures(
        self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        judged, timestamps = _Judged.of(examples, predictions), [example.timestamp for example in examples]
        predicted = [prediction.labels or (OUT_OF_SCOPE,) for prediction in predictions]
        gold = [example.labels or (OUT_OF_SCOPE,) for example in examples]
        figures = judged.figures(sheet) + over_time.figures(timestamps, predicted, gold, self.period, sheet)
        for name, there in over_time.periods(timestamps, self.period)[1].items():
            figures.append(judged.accuracy(sheet, {"period": name}, there))
        return figures

    def kept(
        self,
        examples: Sequence[Labelled],
        predictions: Sequence[TextPrediction],
        remaining: numpy.ndarray,
        sheet: Sheet,
    ) -> list[Figure]:
        """How many texts out of scope still have a claim after abstention."""
        foreign = numpy.array([not example.labels for example in examples], dtype=bool)
        if not foreign.any():
            return []
        return [
            Figure(
                "out_of_scope_acceptance",
                {"claims": "kept"},
                PROTOCOL,
                int(foreign.sum()),
                Ratio((sheet.column(foreign & (remaining > 0)),), (sheet.column(foreign),)),
            )
        ]

    def ranked(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> list[Ranked]:
        """How often a text out of scope has less confidence than one in scope, if there are both; and the ranking of
        the texts of a group."""
        return [*self._of_scope(examples, predictions), *self._of_groups(examples, predictions)]

    def _of_groups(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> list[Ranked]:
        if self.ranked_by is None:
            return []
        return ranking.ranked(
            [example.group for example in examples],
            [self.ranked_by.positive in example.labels for example in examples],
            [prediction.positive for prediction in predictions],
            self.ranked_by.k,
        )

    def _of_scope(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> list[Ranked]:
        inside = numpy.array([bool(example.labels) for example in examples], dtype=bool)
        sureness = numpy.array([prediction.in_scope for prediction in predictions], dtype=numpy.float64)
        known = ~numpy.isnan(sureness)
        inside, sureness = inside[known], sureness[known]
        if inside.all() or not inside.any():
            return []

        def auroc(weights=None):  # type: ignore[no-untyped-def]
            return selective.auroc(sureness, inside, weights)

        return [Ranked(RANKED, numpy.flatnonzero(known), (("out_of_scope_auroc", {}, auroc),))]

    def report(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> Report:
        return _Judged.of(examples, predictions).report()

    def text(self, report: Report) -> str:
        outside = {OUT_OF_SCOPE: report["out_of_scope"]} if "out_of_scope" in report else {}
        labels = label_tables.rows_as_text(report["labels"], report["averages"], outside)
        title = "texts, gold label (rows) by predicted label (columns)"
        sections = {f"labels, {PROTOCOL}": labels, **label_tables.confusion_sections(report, title)}
        return label_tables.sections_as_text(sections)


def _one(result: Sequence[str]) -> str | None:
    """The one label of a text, None if there is none.

    Raises:
        ValueError: there are several, which need ``LabelSets``.
    """
    if len(result) > 1:
        raise ValueError(f"a text with the labels {', '.join(result)}, but only one is counted")
    return result[0] if result else None


@dataclass(frozen=True)
class _Judged:
    """Gold and predictions, None being out of scope."""

    gold: list[str | None]
    predicted: list[str | None]
    counts: LabelCounts
    inside: numpy.ndarray
    claimed: numpy.ndarray
    right: numpy.ndarray

    @classmethod
    def of(cls, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> _Judged:
        gold, predicted = [_one(e.labels) for e in examples], [_one(p.labels) for p in predictions]
        counts = _counts(examples, predictions)
        inside, claimed = (numpy.array([label is not None for label in side], dtype=bool) for side in (gold, predicted))
        return cls(
            gold,
            predicted,
            counts,
            inside,
            claimed,
            numpy.array([one == other for one, other in zip(gold, predicted, strict=True)], dtype=bool),
        )

    def figures(self, sheet: Sheet) -> list[Figure]:
        columns = Columns.of(self.counts, sheet)
        results = [self.accuracy(sheet, {}, numpy.ones(len(self.gold), dtype=bool))]
        results += label_counts.figures(self.counts, columns, PROTOCOL, sheet)
        results.append(Figure("mcc", {}, PROTOCOL, len(self.gold), self.correlation(columns, sheet)))
        return results if self.inside.all() else results + self.of_scope(sheet)

    def accuracy(self, sheet: Sheet, by: dict[str, str], texts: numpy.ndarray) -> Figure:
        """Accuracy over the ``texts`` (texts,) in scope; undefined for a slice without any."""
        inside = self.inside & texts
        share = Ratio((sheet.column(self.right & inside),), (sheet.column(inside),))
        return Figure("accuracy", by, PROTOCOL, int(inside.sum()), share if by else replace(share, undefined=0.0))

    def correlation(self, columns: Columns, sheet: Sheet) -> Correlation:
        """Out of scope counts as a class."""
        return Correlation(
            right=sheet.column(self.right),
            everything=sheet.column(numpy.ones(len(self.gold))),
            predicted=(*columns.predicted, sheet.column(~self.claimed)),
            gold=(*columns.gold, sheet.column(~self.inside)),
        )

    def of_scope(self, sheet: Sheet) -> list[Figure]:
        """The predictions for texts out of scope, and the accuracy with them as a class."""
        foreign, refused = ~self.inside, ~self.claimed
        outside, all_texts = sheet.column(foreign), sheet.column(numpy.ones(len(foreign)))
        both, outputs = sheet.column(foreign & refused), sheet.column(refused)
        among = int(foreign.sum())
        accepted = Ratio((sheet.column(foreign & self.claimed),), (outside,))
        everywhere = Ratio((sheet.column(self.right),), (all_texts,))
        return [
            Figure("accuracy", {"texts": "all"}, PROTOCOL, len(foreign), everywhere),
            Figure("out_of_scope_acceptance", {}, PROTOCOL, among, accepted),
            Figure("out_of_scope_recall", {}, PROTOCOL, among, Ratio((both,), (outside,))),
            Figure("out_of_scope_precision", {}, PROTOCOL, int(refused.sum()), Ratio((both,), (outputs,))),
        ]

    def report(self) -> Report:
        rows: Report = {
            "labels": label_tables.by_label(self.counts),
            "averages": label_tables.averages(self.counts),
        }
        foreign, refused = ~self.inside, ~self.claimed
        if foreign.any() or refused.any():
            rows["out_of_scope"] = label_tables.row(
                *(int(mask.sum()) for mask in (foreign & refused, refused, foreign))
            )
        return {**rows, **label_tables.confusion(self.gold, self.predicted)}


@dataclass(frozen=True)
class Correlation:
    """Matthews' correlation for several classes (Gorodkin 2004), 0 if gold or predictions have only one class.

    ``(c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))`` for c ``right`` texts among s ``everything``,
    and p_k ``predicted`` and t_k ``gold`` texts of each class.
    """

    right: int
    everything: int
    predicted: tuple[int, ...]
    gold: tuple[int, ...]

    def __call__(self, sums: numpy.ndarray) -> numpy.ndarray:
        p, t = sums[..., list(self.predicted)], sums[..., list(self.gold)]
        c, s = sums[..., self.right], sums[..., self.everything]
        spread = (s**2 - (p**2).sum(-1)) * (s**2 - (t**2).sum(-1))
        return divided(c * s - (p * t).sum(-1), numpy.sqrt(spread), undefined=0.0)


class LabelSets(FiguresDefaults):
    """Figures for any number of labels per text: F1 by label and averaged, exact sets, wrong decisions."""

    primary: ClassVar[str] = "micro_f1"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("micro_f1", "macro_f1"), ("weighted_f1",), ("subset_accuracy",))
    names: ClassVar[tuple[str, ...]] = (*label_rows.NAMES, "subset_accuracy", "hamming_loss", "label_share")
    protocols: ClassVar[tuple[str, ...]] = (OF_SETS,)
    excluded: ClassVar[frozenset[str]] = label_counts.EXCLUDED
    named: ClassVar[Mapping[str, str]] = {"f1": "micro_f1"}

    def __init__(self, period: Period = "month") -> None:
        self.period = period

    def headline(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> dict[str, float]:
        counts = _counts(examples, predictions)
        averages = label_counts.averages_of(counts)
        exact = _wrong(counts) == 0
        return {
            **{f"{average}_f1": averages[average]["f1"] for average in label_counts.AVERAGES},
            "subset_accuracy": float(exact.mean()) if len(exact) else 0.0,
        }

    def figures(
        self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        counts = _counts(examples, predictions)
        wrong, width = _wrong(counts), len(counts.labels)
        timestamps, gold = [example.timestamp for example in examples], [example.labels for example in examples]
        one, cells = sheet.column(numpy.ones(counts.texts)), sheet.column(numpy.full(counts.texts, width))
        exact = Ratio((sheet.column(wrong == 0),), (one,), undefined=0.0)
        loss = Ratio((sheet.column(wrong),), (cells,), undefined=0.0)
        return [
            *label_counts.figures(counts, Columns.of(counts, sheet), OF_SETS, sheet),
            Figure("subset_accuracy", {}, OF_SETS, counts.texts, exact),
            Figure("hamming_loss", {}, OF_SETS, counts.texts * width, loss),
            *over_time.figures(timestamps, [p.labels for p in predictions], gold, self.period, sheet),
        ]

    def report(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> Report:
        counts = _counts(examples, predictions)
        return {"labels": label_tables.by_label(counts), "averages": label_tables.averages(counts)}

    def text(self, report: Report) -> str:
        return f"labels, {OF_SETS}\n\n{label_tables.rows_as_text(report['labels'], report['averages'])}"


def _counts(examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> LabelCounts:
    return label_counts.count([e.labels for e in examples], [p.labels for p in predictions])


def _wrong(counts: LabelCounts) -> numpy.ndarray:
    """The labels of each text that are either claimed or gold, but not both."""
    hits, claimed, there = (numpy.bincount(pairs.text, minlength=counts.texts) for pairs in counts.three)
    return claimed + there - 2 * hits
