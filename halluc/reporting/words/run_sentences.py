"""What a run's figures say, in two to five plain sentences, and no more than their intervals support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from halluc.core.figures import HALLUCINATION, OMISSION
from halluc.runs.reports import Abstention
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.wording import formats
from halluc.wording.figure_lookup import Figures, count
from halluc.wording.nouns import Nouns
from halluc.wording.phrases import FEW

# Of so few claims no median is told.
FEW_FOR_MEDIAN = 3
MOST_SENTENCES = 5


def conclusion(
    figures: Figures,
    split: str,
    confidences: Mapping[str, Sequence[float]],
    abstention: Abstention | None,
    wording: Wording,
) -> list[str]:
    """How much is wrong and how, where that is, what is not found, and what a threshold on confidence does.

    Args:
        confidences: those of the claims, by verdict.
    """
    rate, nouns = figures.get(HALLUCINATION), wording.nouns
    if rate is None:
        return []
    if not rate.n or rate.value is None:
        return [f"The model predicts no {nouns.gold} on {split}.", *_missed(figures, wording)]
    missed = _missed(figures, wording, _how_sure(confidences, nouns) if count(rate) else "")
    wrong = wording.wrong(figures, rate, split, lambda: _label(figures, rate, nouns))
    return [*wrong, *missed, *_abstention(figures, rate, abstention, nouns)][:MOST_SENTENCES]


def _label(figures: Figures, rate: MetricResult, nouns: Nouns) -> list[str]:
    """The label that is invented most often, where its interval lies clear of the overall one."""
    there = [figures.get("hallucination_rate", label=label) for label in figures.slices("hallucination_rate", "label")]
    claimed = [metric for metric in there if metric is not None and metric.n and metric.value is not None]
    if len(claimed) < 2 or rate.interval is None:
        return []
    clear = [metric for metric in claimed if metric.interval and metric.interval[0] > rate.interval[1]]
    if not clear and count(rate) < FEW:
        return []  # the sentence before says that they are too few
    if not clear:
        return [f"No label stands out: the interval of none lies above that of all {nouns.claims}."]
    worst = max(clear, key=lambda metric: metric.value or 0)
    label = formats.visible(worst.by["label"])
    of = (
        f"{formats.metric(worst)} of the {nouns.many} predicted as {label}"
        if nouns.has_places
        else formats.metric(worst)
    )
    return [f"The label {label} is {nouns.unsupported} most often: {of}, against {formats.metric(rate)} of all."]


def _missed(figures: Figures, wording: Wording, ending: str = "") -> list[str]:
    """What is found of the annotation, what only in part, and what not at all: parts that add up."""
    omitted = figures.get(OMISSION)
    if omitted is None:
        return []
    if omitted.value is None:
        return [f"No {wording.nouns.gold} is annotated, so none can be missed{ending}."]
    return [f"{wording.omissions(omitted, figures)}{ending}."]


def _how_sure(confidences: Mapping[str, Sequence[float]], nouns: Nouns) -> str:
    """How confident the model is where nothing supports it, beside where it is right."""
    false, right = (confidences.get(verdict, ()) for verdict in ("unsupported", "supported"))
    if len(false) < FEW_FOR_MEDIAN:
        return ""
    beside = f", right ones {median(right):.2f}" if len(right) >= FEW_FOR_MEDIAN else ""
    return f"; {nouns.unsupported} {nouns.golds} have a median confidence of {median(false):.2f}{beside}"


def _abstention(figures: Figures, rate: MetricResult, found: Abstention | None, nouns: Nouns) -> list[str]:
    """What is gained by withdrawing less confident claims, and what it costs."""
    if found is None:
        return []
    kept, coverage = found.hallucination, found.coverage
    if kept is None or coverage is None:
        asked = found.threshold is None
        why = "No threshold on confidence can give the guarantee that was asked for, so nothing is withdrawn."
        return [why if asked else f"The confidence threshold of {found.threshold:g} withdraws nothing."]
    under = f"the less confident {nouns.claims}"
    if found.threshold is not None:
        under = f"{nouns.claims} with a confidence below {found.threshold:g}"
    if kept.value is None:
        return [f"Withdrawing {under} leaves none."]
    changes = [
        _change(f"{nouns.unsupported} {nouns.golds}", rate, kept),
        _change("omissions", figures.get("omission_rate"), found.omission),
    ]
    accepted = figures.get("out_of_scope_acceptance", claims="kept")
    if accepted is not None:
        before = figures.get("out_of_scope_acceptance")
        changes.append(_change("texts out of scope that get a label", before, accepted))
    return [f"Withdrawing {under} keeps {formats.percent(coverage.value)} of them: {', '.join(changes)}."]


def _change(what: str, before: MetricResult | None, after: MetricResult | None) -> str:
    """Two figures of the same examples; that they differ is said only where their intervals lie apart."""
    if before is None or after is None or before.value is None or after.value is None:
        return f"{what} are not defined"
    a, b = before.interval, after.interval
    verb = "go"
    if a is not None and b is not None:
        verb = "fall" if b[1] < a[0] else "rise" if b[0] > a[1] else "go"
    told = f"{what} {verb} from {formats.percent(before.value)} to {formats.metric(after)}"
    return told if verb != "go" else f"{told} (the intervals overlap: too few to conclude)"
