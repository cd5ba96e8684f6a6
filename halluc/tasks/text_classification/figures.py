"""The figures of texts: with at most one label, where no label is out of scope, and with any number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy

from halluc.core.figures import Report
from halluc.core.labels import OUT_OF_SCOPE
from halluc.core.significance import Figure, Ranked, Ratio, Sheet, divided
from halluc.tasks import label_counts, label_rows, label_tables, period_figures
from halluc.tasks.defaults import FiguresDefaults, auroc_of, values_of
from halluc.tasks.label_counts import Columns, LabelCounts
from halluc.tasks.period_figures import Period
from halluc.tasks.text_classification import ranking
from halluc.tasks.text_classification.config import RankingConfig
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled

PROTOCOL = "one label a text, none being out of scope"
OF_SETS = "each label of a text for itself"
RANKED = "texts sorted by the probability of being in scope"


class Labelling:
    """Figures for one label per text: accuracy, F1 by label and averaged, correlation, out of scope, ranking."""

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
        sheet = Sheet(len(examples))
        values = values_of(_SingleLabel.of(examples, predictions).figures(sheet), sheet)
        return {name: values[name] for family in self.families for name in family}

    def figures(
        self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        labels, timestamps = _SingleLabel.of(examples, predictions), [example.timestamp for example in examples]
        predicted = [prediction.labels or (OUT_OF_SCOPE,) for prediction in predictions]
        gold = [example.labels or (OUT_OF_SCOPE,) for example in examples]
        figures = labels.figures(sheet) + period_figures.figures(timestamps, predicted, gold, self.period, sheet)
        for name, in_period in period_figures.periods(timestamps, self.period)[1].items():
            figures.append(labels.accuracy(sheet, {"period": name}, in_period))
        return figures

    def after_abstention(
        self,
        examples: Sequence[Labelled],
        predictions: Sequence[TextPrediction],
        remaining: numpy.ndarray,
        sheet: Sheet,
    ) -> list[Figure]:
        """How many texts out of scope still have a claim after abstention."""
        outside = numpy.array([not example.labels for example in examples], dtype=bool)
        if not outside.any():
            return []
        share = Ratio((sheet.column(outside & (remaining > 0)),), (sheet.column(outside),))
        return [Figure("out_of_scope_acceptance", {"claims": "kept"}, PROTOCOL, int(outside.sum()), share)]

    def ranked(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> list[Ranked]:
        """The AUROC of texts in scope against texts out of scope, and the ranking of the texts of each group."""
        in_scope = numpy.array([prediction.in_scope for prediction in predictions], dtype=numpy.float64)
        figures = auroc_of("out_of_scope_auroc", RANKED, in_scope, [bool(example.labels) for example in examples])
        if self.ranked_by is None:
            return figures
        return figures + ranking.rank_groups(
            [example.group for example in examples],
            [self.ranked_by.positive in example.labels for example in examples],
            [prediction.positive for prediction in predictions],
            self.ranked_by.k,
        )

    def report(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> Report:
        return _SingleLabel.of(examples, predictions).report()

    def text(self, report: Report) -> str:
        outside = {OUT_OF_SCOPE: report["out_of_scope"]} if "out_of_scope" in report else {}
        labels = label_tables.rows_as_text(report["labels"], report["averages"], outside)
        title = "texts, gold label (rows) by predicted label (columns)"
        sections = {f"labels, {PROTOCOL}": labels, **label_tables.confusion_sections(report, title)}
        return label_tables.sections_as_text(sections)


def _only_label(labels: Sequence[str]) -> str | None:
    """The label of a text, None if there is none.

    Raises:
        ValueError: there are several, which need ``LabelSets``.
    """
    if len(labels) > 1:
        raise ValueError(f"a text with the labels {', '.join(labels)}, but only one is counted")
    return labels[0] if labels else None


@dataclass(frozen=True)
class _SingleLabel:
    """Gold and predicted labels, where None means out of scope; ``inside``: gold is in scope, ``claimed``: a label is
    predicted, ``right``: both are equal, each (texts,) of booleans."""

    gold: list[str | None]
    predicted: list[str | None]
    counts: LabelCounts
    inside: numpy.ndarray
    claimed: numpy.ndarray
    right: numpy.ndarray

    @classmethod
    def of(cls, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> _SingleLabel:
        gold, predicted = [_only_label(e.labels) for e in examples], [_only_label(p.labels) for p in predictions]
        inside, claimed = (numpy.array([label is not None for label in side], dtype=bool) for side in (gold, predicted))
        right = numpy.array([one == other for one, other in zip(gold, predicted, strict=True)], dtype=bool)
        return cls(gold, predicted, _counts(examples, predictions), inside, claimed, right)

    def figures(self, sheet: Sheet) -> list[Figure]:
        columns = Columns.of(self.counts, sheet)
        results = [self.accuracy(sheet, {}, numpy.ones(len(self.gold), dtype=bool))]
        results += label_counts.figures(self.counts, columns, PROTOCOL, sheet)
        results.append(Figure("mcc", {}, PROTOCOL, len(self.gold), self.correlation(columns, sheet)))
        return results if self.inside.all() else results + self.scope_figures(sheet)

    def accuracy(self, sheet: Sheet, by: dict[str, str], texts: numpy.ndarray) -> Figure:
        """Accuracy over the ``texts`` (texts,) in scope; undefined for a slice without any."""
        inside = self.inside & texts
        share = Ratio((sheet.column(self.right & inside),), (sheet.column(inside),))
        return Figure("accuracy", by, PROTOCOL, int(inside.sum()), share if by else replace(share, undefined=0.0))

    def correlation(self, columns: Columns, sheet: Sheet) -> Correlation:
        """Matthews' correlation, where out of scope counts as a class."""
        return Correlation(
            right=sheet.column(self.right),
            everything=sheet.column(numpy.ones(len(self.gold))),
            predicted=(*columns.predicted, sheet.column(~self.claimed)),
            gold=(*columns.gold, sheet.column(~self.inside)),
        )

    def scope_figures(self, sheet: Sheet) -> list[Figure]:
        """The predictions for texts out of scope, and the accuracy with out of scope as a class."""
        outside, refused = ~self.inside, ~self.claimed
        gold, predicted, both = (sheet.column(mask) for mask in (outside, refused, outside & refused))
        n = int(outside.sum())
        accepted = Ratio((sheet.column(outside & self.claimed),), (gold,))
        right = Ratio((sheet.column(self.right),), (sheet.column(numpy.ones(len(outside))),))
        return [
            Figure("accuracy", {"texts": "all"}, PROTOCOL, len(outside), right),
            Figure("out_of_scope_acceptance", {}, PROTOCOL, n, accepted),
            Figure("out_of_scope_recall", {}, PROTOCOL, n, Ratio((both,), (gold,))),
            Figure("out_of_scope_precision", {}, PROTOCOL, int(refused.sum()), Ratio((both,), (predicted,))),
        ]

    def report(self) -> Report:
        rows = _label_rows(self.counts)
        outside, refused = ~self.inside, ~self.claimed
        if outside.any() or refused.any():
            rows["out_of_scope"] = label_tables.row(
                *(int(mask.sum()) for mask in (outside & refused, refused, outside))
            )
        return {**rows, **label_tables.confusion(self.gold, self.predicted)}


@dataclass(frozen=True)
class Correlation:
    """Matthews' correlation for several classes (Gorodkin 2004), 0 if gold or predictions have only one class.

    ``(c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))`` for s texts (``everything``), of which c are
    ``right``, p_k are ``predicted`` as class k, and t_k have the ``gold`` class k. The fields are columns of a sheet.
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
    """Figures for any number of labels per text: F1 by label and averaged, subset accuracy, Hamming loss."""

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
            *period_figures.figures(timestamps, [p.labels for p in predictions], gold, self.period, sheet),
        ]

    def report(self, examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> Report:
        return _label_rows(_counts(examples, predictions))

    def text(self, report: Report) -> str:
        return f"labels, {OF_SETS}\n\n{label_tables.rows_as_text(report['labels'], report['averages'])}"


def _counts(examples: Sequence[Labelled], predictions: Sequence[TextPrediction]) -> LabelCounts:
    return label_counts.count([e.labels for e in examples], [p.labels for p in predictions])


def _label_rows(counts: LabelCounts) -> Report:
    return {"labels": label_tables.by_label(counts), "averages": label_tables.averages(counts)}


def _wrong(counts: LabelCounts) -> numpy.ndarray:
    """The number of labels of each text that are either claimed or gold, but not both, (texts,)."""
    hits, claimed, gold = (numpy.bincount(pairs.text, minlength=counts.texts) for pairs in counts.all_pairs)
    return claimed + gold - 2 * hits
