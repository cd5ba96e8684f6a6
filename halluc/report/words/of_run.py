"""What a run's figures say, in two to four plain sentences, and no more than their intervals support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from halluc.report import formats
from halluc.report.collect.figures import Figures, count
from halluc.runs.reports import Abstention
from halluc.runs.schema import MetricResult

# Of fewer hallucinations no share is told.
FEW = 8


def conclusion(
    figures: Figures, split: str, confidences: Mapping[str, Sequence[float]], abstention: Abstention | None
) -> list[str]:
    """Where the model asserts what its data never told it.

    Args:
        confidences: those of the claims, by verdict.
    """
    rate = figures.get("hallucination_rate")
    if rate is None:
        return []
    if not rate.n or rate.value is None:
        return [f"The model claims nothing on {split}: it asserts nothing, true or false.", *_omissions(figures, "It")]
    if not count(rate):
        nothing = f"None of its {_claims(rate.n)} on {split} lacks something behind it: {formats.metric(rate)}."
        found = [nothing, *_omissions(figures, "Beside that it")]
    else:
        ending = _how_sure(confidences)
        found = [_where(figures, rate, split), *_label(figures, rate), *_omissions(figures, "Beside that it", ending)]
    return [*found, *_abstention(figures, rate, abstention)][:4]


def _claims(number: int) -> str:
    return f"{number:,} claim" if number == 1 else f"{number:,} claims"


def _where(figures: Figures, rate: MetricResult, split: str) -> str:
    """How many hallucinations lie where training showed nothing, against how many claims do."""
    share, unseen = (
        figures.get("share_of_hallucinations", novelty="unseen"),
        figures.get("over_claim", novelty="unseen"),
    )
    of, total = f"of its {rate.n:,} claims on {split}", count(rate)
    if share is None or share.value is None or unseen is None:
        return f"{formats.metric(rate)} {of} have nothing behind them; which names training showed is not known."
    expected = unseen.n / rate.n
    every = formats.percent(expected)
    if total == 1:
        seen = "had" if share.value == 0 else "had not"
        return f"1 {of} has nothing behind it, on a name that training {seen} shown: one says little of where."
    if total < FEW:
        there = round(share.value * total)
        which = "all" if there == total else "none" if not there else f"{there}"
        told = f"{total} {of} have nothing behind them, {which} on names that training had not shown"
        return f"{told}: too few to say where."
    head = f"{formats.metric(share)} of its {total:,} hallucinations on {split} lie on names that training did not show"
    if unseen.n == rate.n:
        return f"{head}, as all of its claims do."
    low, high = share.interval or (0.0, 1.0)
    if low > expected:
        return f"{head}, though only {every} of its claims do."
    if high < expected:
        return f"{head}, and {every} of its claims do: it asserts without ground rather where it had seen the name."
    return f"{head}, and {every} of its claims do: that they gather there can not be shown."


def _label(figures: Figures, rate: MetricResult) -> list[str]:
    """The label that is hallucinated most, where its interval lies clear of the overall one."""
    there = [figures.get("hallucination_rate", label=label) for label in figures.slices("hallucination_rate", "label")]
    claimed = [metric for metric in there if metric is not None and metric.n and metric.value is not None]
    if len(claimed) < 2 or rate.interval is None:
        return []
    clear = [metric for metric in claimed if metric.interval and metric.interval[0] > rate.interval[1]]
    if not clear:
        return ["No label stands out: the interval of none lies above that of all claims."]
    worst = max(clear, key=lambda metric: metric.value or 0)
    label = formats.visible(worst.by["label"])
    told = f"{formats.metric(worst)} of those claims, against {formats.metric(rate)} of all"
    return [f"It hallucinates most as {label}: {told}."]


def _omissions(figures: Figures, subject: str, ending: str = "") -> list[str]:
    omitted = figures.get("omission_rate")
    if omitted is None or omitted.value is None:
        return [f"There is no name to be omitted{ending}."] if omitted is not None else []
    of = "the one name" if omitted.n == 1 else f"the {omitted.n:,} names"
    return [f"{subject} passes over {formats.metric(omitted)} of {of} that are there{ending}."]


def _how_sure(confidences: Mapping[str, Sequence[float]]) -> str:
    """How confident hallucinations are, beside what is supported."""
    false, right = (confidences.get(verdict, ()) for verdict in ("unsupported", "supported"))
    if not len(false):
        return ""
    stated = f"{median(false):.2f}"
    told = f"is stated with a confidence of {stated}" if len(false) == 1 else f"have a median confidence of {stated}"
    beside = (
        f", supported claims {'one' if len(false) > 1 else 'a median'} of {median(right):.2f}" if len(right) else ""
    )
    return f"; its {'hallucination' if len(false) == 1 else 'hallucinations'} {told}{beside}"


def _abstention(figures: Figures, rate: MetricResult, found: Abstention | None) -> list[str]:
    """What is gained by withdrawing less confident claims, and what it costs."""
    if found is None:
        return []
    kept, coverage = found.hallucination, found.coverage
    if kept is None or coverage is None:
        asked = found.threshold is None
        why = "No threshold on confidence can give the guarantee that was asked for: nothing is withdrawn."
        return [why if asked else f"Its threshold of {found.threshold:g} on confidence withdraws nothing."]
    under = (
        "the less confident claims" if found.threshold is None else f"claims under a confidence of {found.threshold:g}"
    )
    if kept.value is None:
        return [f"Withdrawing {under} leaves none."]
    changes = [
        _change("hallucinations", rate, kept),
        _change("omissions", figures.get("omission_rate"), found.omission),
    ]
    return [f"Withdrawing {under} keeps {formats.percent(coverage.value)} of all: {', '.join(changes)}."]


def _change(what: str, before: MetricResult | None, after: MetricResult | None) -> str:
    """Two figures of the same examples; that they differ is said where their intervals lie apart."""
    if before is None or after is None or before.value is None or after.value is None:
        return f"{what} are not defined"
    a, b = before.interval, after.interval
    verb = "go"
    if a is not None and b is not None:
        verb = "fall" if b[1] < a[0] else "rise" if b[0] > a[1] else "go"
    told = f"{what} {verb} from {formats.percent(before.value)} to {formats.metric(after)}"
    return told if verb != "go" else f"{told}, which no interval sets apart"
