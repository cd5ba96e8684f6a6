"""What a run's figures say, in two to four plain sentences, and no more than their intervals support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from halluc.report import formats
from halluc.report.collect.figures import Figures, count
from halluc.report.words import of_texts
from halluc.report.words.nouns import SPANS, Nouns
from halluc.report.words.wording import against
from halluc.runs.reports import Abstention
from halluc.runs.schema import MetricResult

# Of fewer hallucinations no share is told, and of so few claims no median.
FEW, FEW_FOR_MEDIAN = 8, 3
_UNSEEN = "names that training did not show with that label, or only in part"


def conclusion(
    figures: Figures,
    split: str,
    confidences: Mapping[str, Sequence[float]],
    abstention: Abstention | None,
    nouns: Nouns = SPANS,
) -> list[str]:
    """Where the model asserts what its data never told it.

    Args:
        confidences: those of the claims, by verdict.
    """
    rate = figures.get("hallucination_rate")
    if rate is None:
        return []
    if not rate.n or rate.value is None:
        return [f"The model claims nothing on {split}: it asserts nothing, true or false.", *_omissions(figures, nouns)]
    if not count(rate):
        every = f"Each of its {rate.n:,} claims" if rate.n > 1 else "Its 1 claim"
        nothing = f"{every} on {split} has something behind it: {formats.metric(rate)} are hallucinations."
        found = [nothing, *of_texts.scope(figures), *_omissions(figures, nouns)]
    elif not nouns.has_places and (scope := of_texts.scope(figures)):
        # What it does out of scope is told in the place of which label is worst.
        found = [of_texts.where(figures, rate, split), *scope, *_omissions(figures, nouns, _how_sure(confidences))]
    else:
        where = _where if nouns.has_places else of_texts.where
        omitted = _omissions(figures, nouns, _how_sure(confidences))
        found = [where(figures, rate, split), *_label(figures, rate), *omitted]
    return [*found, *_abstention(figures, rate, abstention)][:4]


def _where(figures: Figures, rate: MetricResult, split: str) -> str:
    """How many hallucinations lie where training showed nothing, against how many claims do."""
    share, unseen = (
        figures.get("share_of_hallucinations", novelty="unseen"),
        figures.get("over_claim", novelty="unseen"),
    )
    total = count(rate)
    have = "has nothing behind it" if total == 1 else "have nothing behind them"
    without = f"of its {_claims(rate.n)} on {split} {have}"
    if share is None or share.value is None or unseen is None:
        return f"{formats.metric(rate)} {without}; which names training showed is not known."
    if unseen.n == rate.n:
        partly = ", only parts of some" if figures.n("over_claim", novelty="partial") else ""
        known = f"training showed none of the claimed names with that label{partly}"
        return f"{formats.metric(rate)} {without}; {known}."
    if total < FEW:
        return f"{total} {without}, {_on(round(share.value * total), total)}: too few to conclude where."
    gathered = f"{formats.metric(share)} of its {total:,} hallucinations on {split} lie on {_UNSEEN}"
    return f"{gathered}, {against(share, unseen.n / rate.n, 'of its claims do', 'showed the name')}."


def _claims(number: int) -> str:
    return f"{number:,} claim" if number == 1 else f"{number:,} claims"


def _on(unseen: int, total: int) -> str:
    """On what few hallucinations lie."""
    if total == 1:
        return f"on a name that training {'did not show with that label, or only in part' if unseen else 'showed'}"
    every = "both" if total == 2 else "all"
    return f"{every if unseen == total else unseen or 'none'} on {_UNSEEN}"


def _label(figures: Figures, rate: MetricResult) -> list[str]:
    """The label that is hallucinated most, where its interval lies clear of the overall one."""
    there = [figures.get("hallucination_rate", label=label) for label in figures.slices("hallucination_rate", "label")]
    claimed = [metric for metric in there if metric is not None and metric.n and metric.value is not None]
    if len(claimed) < 2 or rate.interval is None:
        return []
    clear = [metric for metric in claimed if metric.interval and metric.interval[0] > rate.interval[1]]
    if not clear and count(rate) < FEW:
        return []  # the first sentence says that they are too few
    if not clear:
        return ["No label stands out: no label's interval lies above that of all claims."]
    worst = max(clear, key=lambda metric: metric.value or 0)
    label = formats.visible(worst.by["label"])
    told = f"{formats.metric(worst)} of those claims have nothing behind them, against {formats.metric(rate)} of all"
    return [f"It hallucinates most often as {label}: {told}."]


def _omissions(figures: Figures, nouns: Nouns, ending: str = "") -> list[str]:
    omitted = figures.get("omission_rate")
    if omitted is None or omitted.value is None:
        return [f"There is no {nouns.gold} that it could miss{ending}."] if omitted is not None else []
    if not nouns.has_places:
        return [f"{of_texts.omissions(omitted, nouns)}{ending}."]
    of = f"the one {nouns.gold}" if omitted.n == 1 else f"the {omitted.n:,} {nouns.golds}"
    are = "is" if omitted.n == 1 else "are"
    return [f"It misses {formats.metric(omitted)} of {of} that {are} there{ending}."]


def _how_sure(confidences: Mapping[str, Sequence[float]]) -> str:
    """How confident hallucinations are, beside what is supported."""
    false, right = (confidences.get(verdict, ()) for verdict in ("unsupported", "supported"))
    if len(false) < FEW_FOR_MEDIAN:
        return ""
    beside = f", supported claims one of {median(right):.2f}" if len(right) >= FEW_FOR_MEDIAN else ""
    return f"; its hallucinations have a median confidence of {median(false):.2f}{beside}"


def _abstention(figures: Figures, rate: MetricResult, found: Abstention | None) -> list[str]:
    """What is gained by withdrawing less confident claims, and what it costs."""
    if found is None:
        return []
    kept, coverage = found.hallucination, found.coverage
    if kept is None or coverage is None:
        asked = found.threshold is None
        why = "No threshold on confidence can give the guarantee that was asked for, so that no claim is withdrawn."
        return [why if asked else f"Its threshold of {found.threshold:g} on confidence withdraws no claim."]
    under = (
        "the less confident claims" if found.threshold is None else f"claims of a confidence under {found.threshold:g}"
    )
    if kept.value is None:
        return [f"Withdrawing {under} leaves none."]
    changes = [
        _change("hallucinations", rate, kept),
        _change("omissions", figures.get("omission_rate"), found.omission),
    ]
    accepted = figures.get("out_of_scope_acceptance", claims="kept")
    if accepted is not None:
        before = figures.get("out_of_scope_acceptance")
        changes.append(_change("texts out of scope that get a label", before, accepted))
    return [f"Withdrawing {under} keeps {formats.percent(coverage.value)} of all claims: {', '.join(changes)}."]


def _change(what: str, before: MetricResult | None, after: MetricResult | None) -> str:
    """Two figures of the same examples; that they differ is said only where their intervals lie apart."""
    if before is None or after is None or before.value is None or after.value is None:
        return f"{what} are not defined"
    a, b = before.interval, after.interval
    verb = "go"
    if a is not None and b is not None:
        verb = "fall" if b[1] < a[0] else "rise" if b[0] > a[1] else "go"
    told = f"{what} {verb} from {formats.percent(before.value)} to {formats.metric(after)}"
    return told if verb != "go" else f"{told}, which the intervals do not tell apart"
