"""The figures at the head of a report, each with what it means in a sentence for people who know no jargon."""

from __future__ import annotations

from halluc.core.figures import HALLUCINATION, figure, shown
from halluc.runs.reports import Headline
from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.figure_lookup import Figures
from halluc.wording.nouns import Meaning, Nouns


def headlines(figures: Figures, nouns: Nouns) -> list[Headline]:
    """The task's own figure, then how much is hallucinated, what the gap does to it, and what confidence is worth."""
    there = {metric.name for metric in figures.all if not metric.by}
    found = [metric for column in shown("head", there) if (metric := figures.get(column.row.name)) is not None]
    first = figures.overall()
    if first is not None and not any(figure(metric.name).family == "task" for metric in found):
        found = [first, *(metric for metric in found if metric.name != first.name)]
    return [Headline(figure=m, title=formats.title(m.name), meaning=meaning(m, figures, nouns)) for m in found]


def meaning(metric: MetricResult, figures: Figures, nouns: Nouns) -> str:
    """What a headline says, in one sentence with its figures."""
    if metric.name == HALLUCINATION and (not metric.n or metric.value is None):
        return f"The model predicts no {nouns.gold}, so none can be {nouns.unsupported}."
    return nouns.meanings.get(metric.name, _OF_ALL.get(metric.name, _other))(metric, figures)


def _other(metric: MetricResult, figures: Figures) -> str:
    return f"Counted over {metric.n:,}: {metric.protocol}."


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


# Those of every task.
_OF_ALL: dict[str, Meaning] = {"ece": _calibration}
