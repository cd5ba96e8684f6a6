"""The figures at the head of a report, each with what it means in a sentence for people who know no jargon."""

from __future__ import annotations

from halluc.core.figures import figure, shown
from halluc.reporting import formats
from halluc.reporting.collect.figures import Figures, count
from halluc.reporting.words import of_texts
from halluc.reporting.words.nouns import SPANS, Nouns
from halluc.reporting.words.wording import may_be_chance
from halluc.runs.reports import Headline
from halluc.runs.schema import MetricResult


def headlines(figures: Figures, nouns: Nouns = SPANS) -> list[Headline]:
    """The task's own figure, then how much is hallucinated, what the gap does to it, and what confidence is worth."""
    there = {metric.name for metric in figures.all if not metric.by}
    found = [metric for column in shown("head", there) if (metric := figures.get(column.row.name)) is not None]
    first = figures.overall()
    if first is not None and not any(figure(metric.name).family == "task" for metric in found):
        found = [first, *(metric for metric in found if metric.name != first.name)]
    return [Headline(figure=m, title=formats.title(m.name), meaning=meaning(m, figures, nouns)) for m in found]


def meaning(metric: MetricResult, figures: Figures, nouns: Nouns = SPANS) -> str:
    """What a headline says, in one sentence with its figures."""
    told = {
        "entity_f1": _f1,
        "accuracy": of_texts.accuracy,
        "micro_f1": of_texts.micro_f1,
        "hallucination_rate": _hallucination if nouns.has_places else of_texts.hallucination,
        "out_of_scope_acceptance": of_texts.acceptance,
        "gap_ratio": _gap_ratio if nouns.has_places else of_texts.gap_ratio,
        "ece": _calibration,
    }
    if metric.name == "hallucination_rate" and (not metric.n or metric.value is None):
        return f"The model predicts no {nouns.gold}, so none can be {nouns.unsupported}."
    return told.get(metric.name, _other)(metric, figures)


def _other(metric: MetricResult, figures: Figures) -> str:
    return f"Counted over {metric.n:,}: {metric.protocol}."


def _f1(metric: MetricResult, figures: Figures) -> str:
    recall, precision = figures.value("entity_recall"), figures.value("entity_precision")
    if not metric.n:
        return "No mention is annotated: the figure is 0 by convention."
    if recall is None or precision is None:
        return _other(metric, figures)
    found = f"{formats.percent(recall)} of the {metric.n:,} annotated mentions are found with the right boundary and"
    return f"{found} label; {formats.percent(precision)} of the predicted mentions are right."


def _hallucination(metric: MetricResult, figures: Figures) -> str:
    told = f"{formats.percent(metric.value)} of the predicted mentions are invented: {count(metric):,} of {metric.n:,}."
    wrong = figures.get("false_claim_rate")
    if wrong is None or wrong.value is None:
        return told
    return f"{told} {formats.percent(wrong.value)} are wrong in any way."


def _gap_ratio(metric: MetricResult, figures: Figures) -> str:
    seen, new = (figures.get("over_claim", novelty=novelty) for novelty in ("seen", "new"))
    if seen is None or seen.value is None:
        return "None of the predicted mentions was seen in training: there is nothing to compare with."
    if new is None or new.value is None:
        return "None of the predicted mentions is new to training: there is nothing to compare with."
    if metric.value is None:
        return (
            f"None of the {seen.n:,} predicted mentions seen in training is wrong, so there is no ratio; of those new "
            f"to training {formats.percent(new.value)} are."
        )
    return (
        f"Predicted mentions new to training are wrong {metric.value:.1f} times as often as those seen in training: "
        f"{formats.percent(new.value)} against {formats.percent(seen.value)}{may_be_chance(metric)}"
    )


def _calibration(metric: MetricResult, figures: Figures) -> str:
    if metric.value is None:
        return "No prediction has a confidence."
    points = f"{100 * metric.value:.1f} percentage points"
    told = (
        f"Among predictions of similar confidence, confidence and the share that is right differ by {points} on average"
    )
    return f"{told}{_direction(figures)}."


def _direction(figures: Figures) -> str:
    """Whether it is over- or under-confident; nothing where the interval of what is right holds what it states."""
    right, stated = figures.get("support_rate"), mean_confidence(figures)
    if right is None or right.value is None or right.interval is None or stated is None:
        return ""
    low, high = right.interval
    if low <= stated <= high:
        return ""
    side = "over-confident" if stated > high else "under-confident"
    told = f"it states {formats.percent(stated)} on average and is right in {formats.percent(right.value)}"
    return f"; the model is {side}: {told}"


def mean_confidence(figures: Figures) -> float | None:
    """The mean confidence of all claims that state one, from the bins of the reliability diagram."""
    bins = [(float(m.by["mean_confidence"]), m.n) for m in figures.named("reliability") if "mean_confidence" in m.by]
    total = sum(n for _, n in bins)
    return sum(mean * n for mean, n in bins) / total if total else None
