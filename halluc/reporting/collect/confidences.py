"""The quality of the model's confidence: histogram by verdict, reliability, risk, and abstention."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter, ValidationError

from halluc.core.errors import HallucError
from halluc.core.figures import shown
from halluc.core.quantities import quantity
from halluc.core.selective import Guarantee
from halluc.runs.reports import Abstention, ClassThreshold, ConfidenceBin, ReliabilityBin, RiskPoint
from halluc.runs.schema import ConfidenceFile, MetricResult
from halluc.wording import formats
from halluc.wording.nouns import FigureLookup

VERDICTS = ("supported", "distorted", "unsupported")
BINS = 20
_EDGES = [number / BINS for number in range(BINS + 1)]


def histogram(confidences: Mapping[str, Sequence[float]], *, distorts: bool = True) -> list[ConfidenceBin]:
    """Twenty equal bins over [0, 1] of the confidences by verdict; empty if no claim has one.

    Args:
        distorts: whether a claim can be distorted at all.
    """
    verdicts = [verdict for verdict in VERDICTS if distorts or verdict != "distorted"]
    counts = {
        verdict: Counter(min(max(bisect_right(_EDGES, one) - 1, 0), BINS - 1) for one in confidences.get(verdict, ()))
        for verdict in verdicts
    }
    if not any(counts.values()):
        return []
    return [
        ConfidenceBin(low=low, high=high, counts={verdict: counts[verdict][number] for verdict in verdicts})
        for number, (low, high) in enumerate(pairwise(_EDGES))
    ]


def reliability(figures: FigureLookup) -> list[ReliabilityBin]:
    """The bins that contain claims, from the least confident."""
    return [
        ReliabilityBin(confidence=float(metric.by["mean_confidence"]), supported=metric)
        for metric in figures.named("reliability")
        if "mean_confidence" in metric.by
    ]


def risk(figures: FigureLookup) -> list[RiskPoint]:
    """The risk-coverage curve, from the most confident claims to all."""
    return [
        RiskPoint(coverage=float(metric.by["coverage"]), risk=metric.value, interval=metric.interval)
        for metric in figures.named("risk_at_coverage")
        if metric.value is not None and "coverage" in metric.by
    ]


def abstention(
    file: ConfidenceFile | None, figures: FigureLookup, split: str, *, chosen_on_dev: bool
) -> Abstention | None:  # fmt: skip
    """The effect of withdrawing less confident claims; None if abstention is not configured and nothing was withdrawn.

    Args:
        file: fitted by the evaluation of this split. chosen_on_dev: whether dev also selected the checkpoint.
    """
    kept = [figures.get(column.row.name, **dict(column.by)) for column in shown("abstention")]
    threshold = file.threshold if file else None
    guarantee = file.guarantee if file else None
    by = file.by if file else None
    if threshold is None and guarantee is None and by is None and not any(kept):
        return None
    text = _promise(_parse_guarantee(guarantee), figures, split, chosen_on_dev) if guarantee else None
    classes = {name: _parse_guarantee(one) for name, one in file.guarantees.items()} if file else {}
    if by is not None:
        text = _promise_of_classes(by, list(classes.values()), figures, split)
    coverage, hallucination, omission, false_claims = kept
    return Abstention(
        by=by,
        classes=[
            ClassThreshold(
                name=name,
                threshold=one.threshold,
                claims=one.claims,
                kept_share=one.kept_share,
                rate=one.rate,
                why_none=one.why_none,
            )
            for name, one in classes.items()
        ],
        threshold=threshold,
        coverage=coverage,
        hallucination=hallucination,
        omission=omission,
        false_claims=false_claims,
        guarantee=text,
    )


_GUARANTEE = TypeAdapter(Guarantee)


def _parse_guarantee(record: Mapping[str, Any]) -> Guarantee:
    try:
        return _GUARANTEE.validate_python(record)
    except ValidationError as error:
        first = error.errors()[0]
        text = f"confidence.json is damaged: guarantee.{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise HallucError("R114", text, help="evaluate again: `halluc eval --run` with the run's folder") from None


def _promise(guarantee: Guarantee, figures: FigureLookup, split: str, chosen_on_dev: bool) -> str:
    """What a guarantee promises, under which assumptions, and whether the split satisfied it (``docs/metrics.md``)."""
    rate, probability = _rate(guarantee), f"{100 * guarantee.probability:g}%"
    bound = f"at most {rate} of the kept claims are hallucinations, with a probability of {probability}"
    units = f"{guarantee.examples:,} examples" if guarantee.unit == "example" else f"{guarantee.claims:,} claims"
    if guarantee.threshold is None:
        return (
            f"No guarantee: no threshold on half of dev ({units}) shows that {bound} ({guarantee.why_none}), so "
            "nothing is withdrawn."
        )
    assumes = guarantee.assumes.replace("unsupported claims", "hallucinations")
    if guarantee.most_unsupported is not None:
        assumes = assumes.replace(
            "`most_unsupported` hallucinations", quantity(guarantee.most_unsupported, "hallucinations")
        )
    text = (
        f"On half of dev ({units}) the threshold was chosen so that, on data distributed like dev, {bound} over "
        f"random dev splits. It assumes that {assumes}."
    )
    if chosen_on_dev:
        text += " The checkpoint was also selected on dev, so the model may be slightly better on dev than on new data."
    measured = figures.get("hallucination_rate", claims="kept") or figures.get("hallucination_rate")
    return text if measured is None else f"{text} {_guarantee_result(guarantee, measured, split)}"


def _promise_of_classes(by: str, guarantees: Sequence[Guarantee], figures: FigureLookup, split: str) -> str:
    """What the thresholds of all classes promise together."""
    if not guarantees:
        return f"Half of dev has no claims to choose thresholds by {by}, so all claims are withdrawn."
    first = guarantees[0]
    together = 1 - len(guarantees) * (1 - first.probability)
    text = (
        f"Each threshold was chosen on half of dev so that, on data distributed like dev, at most {_rate(first)} of "
        "the "
        f"claims of its {by} that are kept are hallucinations, with a probability of {100 * together:.4g}% for all "
        f"{len(guarantees)} together. If there is no threshold, all claims are withdrawn."
    )
    measured = figures.get("hallucination_rate", claims="kept") or figures.get("hallucination_rate")
    return text if measured is None else f"{text} {_guarantee_result(first, measured, split)}"


def _rate(guarantee: Guarantee) -> str:
    return f"{100 * guarantee.max_rate:g}%"


def _guarantee_result(guarantee: Guarantee, measured: MetricResult, split: str) -> str:
    """Whether the measured rate satisfies the guarantee, and what its interval leaves open."""
    if measured.value is None:
        return f"On {split} no claim is kept, so nothing can be measured."
    on = f"On {split} it is {formats.metric(measured)}"
    low, high = measured.interval or (None, None)
    if measured.value <= guarantee.max_rate:
        open_ = ", but the interval exceeds it" if high is not None and high > guarantee.max_rate else ""
        return f"{on}: the guarantee of at most {_rate(guarantee)} holds{open_}."
    above = f"{on}: above the guaranteed {_rate(guarantee)}"
    if low is not None:
        above += ", but its interval includes it" if low <= guarantee.max_rate else ", and so is its whole interval"
    return f"{above}; the guarantee holds for data distributed like dev."
