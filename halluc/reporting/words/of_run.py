"""What a run's figures say, in two to five plain sentences, and no more than their intervals support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from halluc.reporting import formats
from halluc.reporting.collect.figures import Figures, count
from halluc.reporting.words import of_texts
from halluc.reporting.words.nouns import SPANS, Nouns
from halluc.reporting.words.wording import FEW, against, listed, too_few
from halluc.runs.reports import Abstention
from halluc.runs.schema import MetricResult

# Of so few claims no median is told.
FEW_FOR_MEDIAN = 3
MOST_SENTENCES = 5
_REASONS = {
    "label": "with a wrong label",
    "boundary": "with a wrong boundary",
    "both": "with a wrong label and boundary",
    "duplicate": "that repeat part of a mention",
}


def conclusion(
    figures: Figures,
    split: str,
    confidences: Mapping[str, Sequence[float]],
    abstention: Abstention | None,
    nouns: Nouns = SPANS,
) -> list[str]:
    """How much is wrong and how, where that is, what is not found, and what a threshold on confidence does.

    Args:
        confidences: those of the claims, by verdict.
    """
    rate = figures.get("hallucination_rate")
    if rate is None:
        return []
    if not rate.n or rate.value is None:
        return [f"The model predicts no {nouns.gold} on {split}.", *_missed(figures, nouns)]
    missed = _missed(figures, nouns, _how_sure(confidences, nouns) if count(rate) else "")
    if nouns.has_places:
        first, wrong = _wrong(figures, rate, split)
        found = [first, *_where(figures, rate, wrong), *_label(figures, rate), *missed]
    else:
        where = [of_texts.where(figures, rate)] if count(rate) else []
        # What it does out of scope is told in the place of which label is worst.
        label = of_texts.scope(figures) or (_label(figures, rate, nouns) if count(rate) else [])
        found = [of_texts.wrong(figures, rate, split), *where, *label, *missed]
    return [*found, *_abstention(figures, rate, abstention, nouns)][:MOST_SENTENCES]


def _wrong(figures: Figures, rate: MetricResult, split: str) -> tuple[str, int]:
    """All wrong claims by what is wrong with them, and how many they are: the parts add up to them."""
    parts = {"invented": count(rate)}
    for reason, told in _REASONS.items():
        found = figures.get("distortion_rate", reason=reason)
        parts[told] = 0 if found is None else count(found)
    distorted = figures.get("distortion_rate")
    rest = (0 if distorted is None else count(distorted)) - (sum(parts.values()) - parts["invented"])
    parts["with a wrong label or boundary"] = max(0, rest)  # a run that does not tell the reasons
    there = {told: number for told, number in parts.items() if number}
    if "with a wrong label" in there and "with a wrong boundary" in there:
        there = {"with both" if told == _REASONS["both"] else told: number for told, number in there.items()}
    total = sum(there.values())
    every = figures.get("false_claim_rate")
    if every is None:
        share = {"name": "false_claim_rate", "value": total / rate.n, "interval": None}
        every = rate if total == count(rate) else rate.model_copy(update=share)
    if not total:
        none = f"None of the {rate.n:,} predicted mentions" if rate.n > 1 else "The only predicted mention"
        return f"{none} on {split} is {'wrong' if rate.n > 1 else 'right'} ({formats.metric(every)} wrong).", 0
    are = "is" if total == 1 else "are"
    mentions = "mention" if rate.n == 1 else "mentions"
    first = f"{total:,} of {rate.n:,} predicted {mentions} on {split} {are} wrong ({formats.metric(every)})"
    told = ", ".join(f"{number:,} {_agreeing(what, number)}" for what, number in there.items())
    return f"{first}: {told}.", total


def _agreeing(what: str, number: int) -> str:
    return what.replace("that repeat", "that repeats") if number == 1 else what


def _where(figures: Figures, rate: MetricResult, wrong: int) -> list[str]:
    """Whether what training did not show is wrong more often, and where the invented mentions lie."""
    unseen = figures.get("over_claim", novelty="unseen")
    if not wrong:
        return []
    if unseen is None:
        return ["Which mentions training showed is not known, so nothing is said of where they are."]
    if wrong < FEW:
        return [too_few(wrong, "is wrong")]
    told = _by_novelty(figures, rate, unseen)
    invented = count(rate)
    if 0 < invented < FEW:
        told = f"{told} {too_few(invented, 'invents')}"
    share = figures.get("share_of_hallucinations", novelty="unseen")
    if invented >= FEW and 0 < unseen.n < rate.n and share is not None and share.value is not None:
        are = f"{formats.metric(share)} of the {invented:,} invented mentions are partly or wholly new to training"
        told = f"{told} {are}, {against(share, unseen.n / rate.n, 'of all predicted mentions are', 'seen mentions')}."
    return [told]


def _by_novelty(figures: Figures, rate: MetricResult, unseen: MetricResult) -> str:
    """How often mentions are wrong, those that training showed against those that it did not."""
    seen, partly, new = (figures.get("over_claim", novelty=novelty) for novelty in ("seen", "partial", "new"))
    if unseen.n == rate.n:
        return "Training showed none of the predicted mentions with that label, so there is nothing to compare with."
    if not unseen.n:
        return "Training showed all of the predicted mentions with that label, so there is nothing to compare with."
    newer, called = (new, "new to training") if new is not None and new.n else (unseen, "not seen in training")
    if seen is None or seen.value is None or newer.value is None:
        return f"{formats.metric(unseen)} of the mentions not seen in training are wrong."
    beside = ""
    if newer is new and partly is not None and partly.value is not None:
        beside = f"; of those seen in part {formats.metric(partly)}"
    both = f"{formats.metric(newer)} against {formats.metric(seen)}"
    apart = _apart(seen, newer, figures.get("gap_ratio") if newer is new else None)
    if apart:
        more = "more" if newer.value > seen.value else "less"
        return f"Mentions {called} are wrong {more} often than those seen in training: {both}{beside}."
    whether = f"whether mentions {called} are wrong more often than those seen in training"
    return f"Too few to conclude {whether}: {both}{beside}."


def _apart(one: MetricResult, other: MetricResult, ratio: MetricResult | None) -> bool:
    """Whether two shares differ: the interval of their ratio leaves out 1, or else their own do not touch."""
    if ratio is not None and ratio.interval is not None:
        return not ratio.interval[0] <= 1 <= ratio.interval[1]
    a, b = one.interval, other.interval
    return a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])


def _label(figures: Figures, rate: MetricResult, nouns: Nouns = SPANS) -> list[str]:
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


def _missed(figures: Figures, nouns: Nouns, ending: str = "") -> list[str]:
    """What is found of the annotation, what only in part, and what not at all: parts that add up."""
    omitted = figures.get("omission_rate")
    if omitted is None:
        return []
    if omitted.value is None:
        return [f"No {nouns.gold} is annotated, so none can be missed{ending}."]
    if not nouns.has_places:
        return [f"{of_texts.omissions(omitted, figures, nouns)}{ending}."]
    annotated = "annotated mention" if omitted.n == 1 else "annotated mentions"
    found, none = figures.get("recall"), count(omitted)
    if found is None or found.value is None or found.n != omitted.n:
        are = "is" if none == 1 else "are"
        return [f"{none:,} of {omitted.n:,} {annotated} ({formats.metric(omitted)}) {are} not found at all{ending}."]
    exact = count(found)
    parts = [
        f"{exact:,} {'is' if exact == 1 else 'are'} found with the right boundary and label ({formats.metric(found)})"
    ]
    if partly := omitted.n - exact - none:
        parts.append(f"{partly:,} only in part or with a wrong label")
    parts.append(f"{none:,} not at all ({formats.metric(omitted)})")
    return [f"Of {omitted.n:,} {annotated}, {listed(parts)}{ending}."]


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
