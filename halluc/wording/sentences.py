"""Sentences on what is wrong, where, and what is missed, for tasks whose claims are about parts of an example."""

from __future__ import annotations

from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.figure_lookup import Figures, count
from halluc.wording.nouns import Nouns
from halluc.wording.phrases import FEW, against, listed, may_be_chance, too_few


def wrong(figures: Figures, rate: MetricResult, split: str, nouns: Nouns) -> tuple[str, int]:
    """All wrong claims by what is wrong with them, and how many they are: the parts add up to them."""
    parts = {nouns.unsupported: count(rate)}
    for reason, told in nouns.reasons.items():
        found = figures.get("distortion_rate", reason=reason)
        parts[told] = 0 if found is None else count(found)
    distorted = figures.get("distortion_rate")
    rest = (0 if distorted is None else count(distorted)) - (sum(parts.values()) - parts[nouns.unsupported])
    parts["with a wrong label or boundary"] = max(0, rest)  # a run that does not tell the reasons
    there = {told: number for told, number in parts.items() if number}
    if "with a wrong label" in there and "with a wrong boundary" in there:
        there = {"with both" if told == nouns.reasons.get("both") else told: n for told, n in there.items()}
    total = sum(there.values())
    every = figures.get("false_claim_rate")
    if every is None:
        share = {"name": "false_claim_rate", "value": total / rate.n, "interval": None}
        every = rate if total == count(rate) else rate.model_copy(update=share)
    if not total:
        none = f"None of the {rate.n:,} {nouns.claims}" if rate.n > 1 else f"The only predicted {nouns.gold}"
        return f"{none} on {split} is {'wrong' if rate.n > 1 else 'right'} ({formats.metric(every)} wrong).", 0
    are = "is" if total == 1 else "are"
    claims = f"predicted {nouns.gold}" if rate.n == 1 else nouns.claims
    first = f"{total:,} of {rate.n:,} {claims} on {split} {are} wrong ({formats.metric(every)})"
    told = ", ".join(f"{number:,} {_agreeing(what, number)}" for what, number in there.items())
    return f"{first}: {told}.", total


def _agreeing(what: str, number: int) -> str:
    return what.replace("that repeat", "that repeats") if number == 1 else what


def where(figures: Figures, rate: MetricResult, wrong: int, nouns: Nouns) -> list[str]:
    """Whether what training did not show is wrong more often, and where the unsupported claims lie."""
    unseen = figures.get("over_claim", novelty="unseen")
    if not wrong:
        return []
    if unseen is None:
        return [f"Which {nouns.golds} training showed is not known, so nothing is said of where they are."]
    if wrong < FEW:
        return [too_few(wrong, "is wrong")]
    told = _by_novelty(figures, rate, unseen, nouns)
    invented = count(rate)
    if 0 < invented < FEW:
        told = f"{told} {too_few(invented, 'invents')}"
    share = figures.get("share_of_hallucinations", novelty="unseen")
    if invented >= FEW and 0 < unseen.n < rate.n and share is not None and share.value is not None:
        these = f"{invented:,} {nouns.unsupported} {nouns.golds}"
        are = f"{formats.metric(share)} of the {these} are partly or wholly new to training"
        rather = against(share, unseen.n / rate.n, f"of all {nouns.claims} are", f"seen {nouns.golds}")
        told = f"{told} {are}, {rather}."
    return [told]


def _by_novelty(figures: Figures, rate: MetricResult, unseen: MetricResult, nouns: Nouns) -> str:
    """How often claims are wrong, those that training showed against those that it did not."""
    seen, partly, new = (figures.get("over_claim", novelty=novelty) for novelty in ("seen", "partial", "new"))
    nothing = "with that label, so there is nothing to compare with."
    if unseen.n == rate.n:
        return f"Training showed none of the {nouns.claims} {nothing}"
    if not unseen.n:
        return f"Training showed all of the {nouns.claims} {nothing}"
    newer, called = (new, "new to training") if new is not None and new.n else (unseen, "not seen in training")
    if seen is None or seen.value is None or newer.value is None:
        return f"{formats.metric(unseen)} of the {nouns.golds} not seen in training are wrong."
    beside = ""
    if newer is new and partly is not None and partly.value is not None:
        beside = f"; of those seen in part {formats.metric(partly)}"
    both = f"{formats.metric(newer)} against {formats.metric(seen)}"
    apart = _apart(seen, newer, figures.get("gap_ratio") if newer is new else None)
    if apart:
        more = "more" if newer.value > seen.value else "less"
        what = nouns.golds.capitalize()
        return f"{what} {called} are wrong {more} often than those seen in training: {both}{beside}."
    whether = f"whether {nouns.golds} {called} are wrong more often than those seen in training"
    return f"Too few to conclude {whether}: {both}{beside}."


def _apart(one: MetricResult, other: MetricResult, ratio: MetricResult | None) -> bool:
    """Whether two shares differ: the interval of their ratio leaves out 1, or else their own do not touch."""
    if ratio is not None and ratio.interval is not None:
        return not ratio.interval[0] <= 1 <= ratio.interval[1]
    a, b = one.interval, other.interval
    return a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])


def omissions(omitted: MetricResult, figures: Figures, nouns: Nouns) -> str:
    """What is found of the annotation, what only in part, and what not at all, as the beginning of a sentence."""
    annotated = f"annotated {nouns.gold if omitted.n == 1 else nouns.golds}"
    found, none = figures.get("recall"), count(omitted)
    if found is None or found.value is None or found.n != omitted.n:
        are = "is" if none == 1 else "are"
        return f"{none:,} of {omitted.n:,} {annotated} ({formats.metric(omitted)}) {are} not found at all"
    exact = count(found)
    parts = [f"{exact:,} {'is' if exact == 1 else 'are'} {nouns.exact} ({formats.metric(found)})"]
    if partly := omitted.n - exact - none:
        parts.append(f"{partly:,} only in part or with a wrong label")
    parts.append(f"{none:,} not at all ({formats.metric(omitted)})")
    return f"Of {omitted.n:,} {annotated}, {listed(parts)}"


def hallucination(metric: MetricResult, figures: Figures, nouns: Nouns) -> str:
    told = (
        f"{formats.percent(metric.value)} of the {nouns.claims} are {nouns.unsupported}: "
        f"{count(metric):,} of {metric.n:,}."
    )
    every = figures.get("false_claim_rate")
    if every is None or every.value is None:
        return told
    return f"{told} {formats.percent(every.value)} are wrong in any way."


def gap_ratio(metric: MetricResult, figures: Figures, nouns: Nouns) -> str:
    seen, new = (figures.get("over_claim", novelty=novelty) for novelty in ("seen", "new"))
    if seen is None or seen.value is None:
        return f"None of the {nouns.claims} was seen in training: there is nothing to compare with."
    if new is None or new.value is None:
        return f"None of the {nouns.claims} is new to training: there is nothing to compare with."
    if metric.value is None:
        return (
            f"None of the {seen.n:,} {nouns.claims} seen in training is wrong, so there is no ratio; of those new "
            f"to training {formats.percent(new.value)} are."
        )
    return (
        f"{nouns.claims.capitalize()} new to training are wrong {metric.value:.1f} times as often as those seen in "
        f"training: {formats.percent(new.value)} against {formats.percent(seen.value)}{may_be_chance(metric)}"
    )
