"""The figures at the head of a report, each with what it means in a sentence for people who know no jargon."""

from __future__ import annotations

from halluc.core.figures import HALLUCINATION, figure, shown
from halluc.reporting.words.run_sentences import without_gold
from halluc.runs.reports import Headline
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask
from halluc.wording import formats
from halluc.wording.figure_lookup import FigureLookup, count
from halluc.wording.phrases import may_be_chance, sentence


def headlines(figures: FigureLookup, task: AnyTask) -> list[Headline]:
    """The task's own figure, then how much is hallucinated, what the gap does to it, and what confidence is worth."""
    there = {metric.name for metric in figures.all if not metric.by}
    found = [metric for column in shown("head", there) if (metric := figures.get(column.row.name)) is not None]
    first = figures.overall()
    if first is not None and not any(figure(metric.name).family == "task" for metric in found):
        found = [first, *(metric for metric in found if metric.name != first.name)]
    return [Headline(figure=m, title=formats.title(m.name), meaning=meaning(m, figures, task)) for m in found]


def meaning(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """What a headline says, in one sentence with its figures."""
    own = task.wording.nouns.meanings.get(metric.name)
    if own is not None:
        return own(metric, figures)
    if metric.name == "ece":
        return _calibration(metric, figures)
    told = {HALLUCINATION: _hallucination, "gap_ratio": _gap_ratio}.get(metric.name, _score)
    return told(metric, figures, task)


def _score(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """F1 by what it is the mean of: what is found, and what of the claims is right."""
    nouns = task.wording.nouns
    stem = metric.name.removesuffix("f1")
    precision, recall = (figures.value(stem + of) for of in ("precision", "recall"))
    if precision is not None and not metric.n:
        return f"No {nouns.gold} is annotated: the figure is 0 by convention."
    if precision is None or recall is None:
        return f"Counted over {metric.n:,}: {metric.protocol}."
    found = f"{formats.percent(recall)} of the {metric.n:,} annotated {nouns.golds} are {nouns.found}"
    return f"{found}; {formats.percent(precision)} of the {nouns.claims} are right."


def _hallucination(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    nouns = task.wording.nouns
    if not metric.n or metric.value is None:
        return f"The model predicts no {nouns.gold}, so none can be {nouns.unsupported}."
    told = f"{formats.percent(metric.value)} of the {nouns.claims} are {nouns.unsupported}: {count(metric):,} of "
    told += f"{metric.n:,}"
    outside, wrong = without_gold(figures, task), figures.value("false_claim_rate")
    if outside is not None and count(outside):
        told += f", {count(outside):,} of them {nouns.outside}"
    return f"{told}." if wrong is None else f"{told}. {formats.percent(wrong)} are wrong in any way."


def _gap_ratio(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """How often what is least known is wrong, beside what is best known (``analysis.rates``)."""
    nouns, (best, *others) = task.wording.nouns, task.knowledge.novelties
    reported = task.knowledge.reported
    least = [one for one in others if figures.n("over_claim", novelty=one) or one in reported]
    known = figures.get("over_claim", novelty=best)
    new = figures.get("over_claim", novelty=least[-1]) if least else None
    first, last = nouns.about_training(best), nouns.about_training(least[-1] if least else others[-1])
    for one, called in ((known, first), (new, last)):
        if one is None or one.value is None:
            return f"None of the {nouns.claims} is {called}, so there is nothing to compare with."
    assert known is not None
    assert new is not None
    if metric.value is None:
        return (
            f"None of the {known.n:,} {nouns.claims} {first} is wrong, so there is no ratio; of those {last}, "
            f"{formats.percent(new.value)} are."
        )
    both = f"{formats.percent(new.value)} against {formats.percent(known.value)}{may_be_chance(metric)}"
    return sentence(f"{nouns.claims} {last} are wrong {metric.value:.1f} times as often as those {first}: {both}")


def _calibration(metric: MetricResult, figures: FigureLookup) -> str:
    if metric.value is None:
        return "No prediction has a confidence."
    points = f"{100 * metric.value:.1f} percentage points"
    told = (
        f"Among predictions of similar confidence, confidence and the share that is right differ by {points} on average"
    )
    return f"{told}{_direction(figures)}."


def _direction(figures: FigureLookup) -> str:
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


def mean_confidence(figures: FigureLookup) -> float | None:
    """The mean confidence of all claims that state one, from the bins of the reliability diagram."""
    bins = [(float(m.by["mean_confidence"]), m.n) for m in figures.named("reliability") if "mean_confidence" in m.by]
    total = sum(n for _, n in bins)
    return sum(mean * n for mean, n in bins) / total if total else None
