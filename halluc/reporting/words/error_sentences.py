"""Interpretation of an error analysis in sentences: the dominant kind, novelty, labels, confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.core.exact_intervals import clopper_pearson
from halluc.core.significance import LEVEL
from halluc.runs.advice import ErrorAnalysis, ErrorRate, ErrorShare
from halluc.runs.studies import Interval
from halluc.task import AnyTask
from halluc.wording import formats
from halluc.wording.formats import FEW, listed, sentence, too_few

# Mean confidence, the share of correct claims, and its interval.
MeanConfidence = tuple[float, float, Interval]


def names(task: AnyTask) -> Mapping[str, str]:
    """The name of each kind of error."""
    nouns = task.wording.nouns
    reasons = {reason: nouns.reason(reason) for reason in task.judge.reasons}
    return {"unsupported": nouns.unsupported, **reasons, "omitted": "omitted"}


def sentences(analysis: ErrorAnalysis, task: AnyTask, mean_confidence: MeanConfidence | None) -> list[str]:
    """One sentence on each: kinds of errors, novelty, labels, confidence."""
    if not analysis.errors:
        nothing = "none of its claims is wrong and nothing is omitted" if analysis.claims else "there are no claims"
        return [sentence(f"no error on {analysis.split}: {nothing}")]
    results = [_kinds(analysis, task)]
    if analysis.errors >= FEW:
        results += [*_novelty(analysis, task), *_labels(analysis)]
    return [*results, *_confidence(analysis, mean_confidence)]


def share(one: ErrorShare) -> str:
    """``45.0% [36.1, 54.2]``."""
    return f"{formats.percent(one.share)} {formats.interval('hallucination_rate', one.interval)}"


def _rate(one: ErrorRate) -> str:
    return f"{formats.percent(one.rate)} {formats.interval('hallucination_rate', one.rate_interval)}"


def _kinds(analysis: ErrorAnalysis, task: AnyTask) -> str:
    """The most frequent kinds of errors, including those that do not differ significantly from the first."""
    if analysis.errors < FEW:
        return too_few(analysis.errors, "makes errors")
    kind_names = names(task)
    first, *others = analysis.kinds
    if not others:
        return sentence(f"all {analysis.errors:,} errors are of one kind: {kind_names[first.name]}")
    most_frequent = [first, *(one for one in others if not _is_larger(first.errors, one.errors))]
    text = listed([f"{kind_names[one.name]} ({one.errors:,}, {share(one)})" for one in most_frequent])
    if len(most_frequent) == 1:
        return f"Of {analysis.errors:,} errors the most frequent kind is: {text}."
    return f"Of {analysis.errors:,} errors the most frequent kinds, which cannot be distinguished, are: {text}."


def _is_larger(one: int, other: int) -> bool:
    """Whether one count is significantly larger than another: its share of both is above a half (exact binomial
    test)."""
    return clopper_pearson(one, one + other, LEVEL)[0] > 0.5


def _novelty(analysis: ErrorAnalysis, task: AnyTask) -> list[str]:
    nouns = task.wording.nouns
    if len(analysis.novelties) < 2:
        return [] if analysis.novelties else ["Novelty is unknown: the run has no training split."]
    first, last = analysis.novelties[0], analysis.novelties[-1]
    unseen = sum(one.errors for one in analysis.novelties[1:])
    part = ErrorShare(
        name="unseen", errors=unseen, share=unseen / analysis.errors,
        interval=clopper_pearson(unseen, analysis.errors, LEVEL),
    )  # fmt: skip
    new, known = (f"{_rate(one)} ({nouns.about_training(one.name)})" for one in (last, first))
    both = f"{new} against {known}"
    if first.name != task.knowledge.novelties[0] or not _disjoint(last.rate_interval, first.rate_interval):
        return [f"There is no significant increase of errors with novelty: {both}."]
    more = "more" if last.rate > first.rate else "less"
    text = f"errors are {more} frequent on what is not in training: {both}; {share(part)} of the errors are there"
    return [sentence(text)]


def _labels(analysis: ErrorAnalysis) -> list[str]:
    """The label with the most errors beyond the rate of all others together."""
    if len(analysis.labels) < 2:
        return []
    clear = [one for one in analysis.labels if _disjoint(one.rate_interval, _rest(analysis.labels, one), above=True)]
    if not clear:
        return ["No label has a significantly higher error rate than the others together."]
    text = listed([f"{formats.visible(one.name)} ({_rate(one)})" for one in clear[:3]])
    return [
        sentence(f"{text} {'has' if len(clear) == 1 else 'have'} a higher error rate than the other labels together")
    ]


def _rest(labels: Sequence[ErrorRate], left_out: ErrorRate) -> Interval:
    rest = [one for one in labels if one is not left_out]
    return clopper_pearson(sum(one.errors for one in rest), sum(one.n for one in rest), LEVEL)


def _disjoint(one: Interval, other: Interval, *, above: bool = False) -> bool:
    return one[0] > other[1] or (not above and one[1] < other[0])


def _confidence(analysis: ErrorAnalysis, mean_confidence: MeanConfidence | None) -> list[str]:
    if analysis.ece is None or mean_confidence is None:
        return ["Calibration is unknown: the claims have no confidence."]
    confidence, right, (low, high) = mean_confidence
    text = (
        f"calibration error {formats.metric(analysis.ece)}: the mean confidence is {formats.percent(confidence)}, and "
    )
    text += f"{formats.percent(right)} are right"
    if confidence > high:
        return [sentence(f"{text}: the model is over-confident")]
    return [sentence(f"{text}: the model is under-confident" if confidence < low else text)]
