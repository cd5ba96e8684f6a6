"""The figures at the head of a report, each with what it means in a sentence for people who know no jargon."""

from __future__ import annotations

from halluc.report import formats
from halluc.report.collect.figures import Figures, count
from halluc.report.words import of_texts
from halluc.report.words.nouns import SPANS, Nouns
from halluc.report.words.wording import may_be_chance
from halluc.runs.reports import Headline
from halluc.runs.schema import MetricResult

_OTHERS = ("hallucination_rate", "out_of_scope_acceptance", "gap_ratio", "ece")


def headlines(figures: Figures, nouns: Nouns = SPANS) -> list[Headline]:
    """The task's own figure, then how much is hallucinated, what the gap does to it, and what confidence is worth."""
    first = next(filter(None, map(figures.get, nouns.first)), None) or figures.overall()
    wanted = [first, *(figures.get(name) for name in _OTHERS)]
    found = {metric.name: metric for metric in wanted if metric is not None}
    return [Headline(figure=m, title=formats.title(m.name), meaning=meaning(m, figures, nouns)) for m in found.values()]


def meaning(metric: MetricResult, figures: Figures, nouns: Nouns = SPANS) -> str:
    """What a headline says, in one sentence with its figures."""
    told = {
        "entity_f1": _f1,
        "accuracy": of_texts.accuracy,
        "micro_f1": of_texts.micro_f1,
        "hallucination_rate": _hallucination,
        "out_of_scope_acceptance": of_texts.acceptance,
        "gap_ratio": _gap_ratio if nouns.has_places else of_texts.gap_ratio,
        "ece": _calibration,
    }
    return told.get(metric.name, _other)(metric, figures)


def _other(metric: MetricResult, figures: Figures) -> str:
    return f"Counted over {metric.n:,}: {metric.protocol}."


def _f1(metric: MetricResult, figures: Figures) -> str:
    recall, precision = figures.value("entity_recall"), figures.value("entity_precision")
    if not metric.n:
        return "There is no name in the text: the figure is 0 by convention."
    if recall is None or precision is None:
        return _other(metric, figures)
    return (
        f"It finds {formats.percent(recall)} of the {metric.n:,} names that are there, with the right boundary and "
        f"label; {formats.percent(precision)} of what it claims is right."
    )


def _hallucination(metric: MetricResult, figures: Figures) -> str:
    if not metric.n or metric.value is None:
        return "The model claims nothing: no claim can be a hallucination."
    claims = "claim" if metric.n == 1 else "claims"
    share = formats.percent(metric.value)
    told = f"{share} of what the model claims has nothing behind it: {count(metric):,} of {metric.n:,} {claims}"
    return f"{told}{of_texts.hallucination(figures)}."


def _gap_ratio(metric: MetricResult, figures: Figures) -> str:
    seen, new = (figures.get("over_claim", novelty=novelty) for novelty in ("seen", "new"))
    if seen is None or seen.value is None:
        return "None of its claims is on a name that training showed: there is nothing to compare with."
    if new is None or new.value is None:
        return "Training showed at least a word of each name that it claims: there is nothing to compare with."
    if metric.value is None:
        return (
            f"None of its {seen.n:,} claims on names that training showed is wrong, so that there is no ratio; where "
            f"training showed not even a word of the name, {formats.percent(new.value)} are."
        )
    return (
        f"Where training showed not even a word of the name, its claims are wrong {metric.value:.1f} times as often as "
        f"where training showed the name: {formats.percent(new.value)} against {formats.percent(seen.value)}"
        f"{may_be_chance(metric)}"
    )


def _calibration(metric: MetricResult, figures: Figures) -> str:
    if metric.value is None:
        return "No claim states a confidence."
    points = f"{100 * metric.value:.1f} percentage points"
    told = f"Among claims of similar confidence, the confidence lies on average {points} from the share that is right"
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
    return f"; it is {side}: {told}"


def mean_confidence(figures: Figures) -> float | None:
    """The mean confidence of all claims that state one, from the bins of the reliability diagram."""
    bins = [(float(m.by["mean_confidence"]), m.n) for m in figures.named("reliability") if "mean_confidence" in m.by]
    total = sum(n for _, n in bins)
    return sum(mean * n for mean, n in bins) / total if total else None
