"""Interpretation of a run's figures: each main figure in a sentence without jargon, and a conclusion of two to five
sentences, none of which claims more than the intervals support."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from halluc.core.figures import HALLUCINATION, OMISSION, figure, shown
from halluc.runs.reports import Abstention, Headline
from halluc.runs.schema import MetricResult
from halluc.task import AnyTask
from halluc.wording import formats
from halluc.wording.formats import FEW, quoted, sentence, too_few
from halluc.wording.nouns import FigureLookup, Nouns, count

# No median is reported for fewer claims than this.
FEW_FOR_MEDIAN = 3
MOST_SENTENCES = 5


def conclusion(
    figures: FigureLookup,
    split: str,
    confidences: Mapping[str, Sequence[float]],
    abstention: Abstention | None,
    task: AnyTask,
) -> list[str]:
    """How much is wrong and in which way, for which inputs, what is missed, and the effect of a confidence threshold.

    Args:
        confidences: those of the claims, by verdict.
    """
    rate, nouns = figures.get(HALLUCINATION), task.wording.nouns
    if rate is None:
        return []
    if not rate.n or rate.value is None:
        return [f"The model predicts no {nouns.gold} on {split}.", *_omissions(figures, task)]
    wrong, outside = count(rate) + count(figures.get("distortion_rate")), _without_gold(figures, task)
    where = _wrong_parts(figures, rate, wrong, task)
    if outside is not None:
        legend = figure(outside.name).legend.capitalize()
        where.append(f"{legend}: {count(outside):,} of {outside.n:,} ({formats.metric(outside)}).")
    else:
        where += _label(figures, rate, nouns)
    only = figures.only_class()
    same = f"All predictions are {quoted(formats.visible(only))}: the model ignores its input."
    sentences = [
        _wrong_claims(figures, rate, wrong, split, task),
        *([] if only is None else [same]),
        *(where if wrong else []),
        *_omissions(figures, task, _confidence(confidences, nouns) if count(rate) else ""),
        *_abstention(figures, rate, abstention, task),
    ]
    return sentences[:MOST_SENTENCES]


def _without_gold(figures: FigureLookup, task: AnyTask, **by: str) -> MetricResult | None:
    """The share of the examples without gold for which something is claimed, if the task has a name for it."""
    result = figures.get(task.figures.named.get("claimed_without_gold", ""), **by)
    return None if result is None or result.value is None else result


def _wrong_claims(figures: FigureLookup, rate: MetricResult, wrong: int, split: str, task: AnyTask) -> str:
    """All wrong claims by reason: the parts sum to the total."""
    nouns, outside = task.wording.nouns, _without_gold(figures, task)
    # For an example without gold, every claim is wrong.
    parts = {nouns.invented: count(rate) - count(outside), nouns.outside: count(outside)}
    parts |= {text: count(figures.get("distortion_rate", reason=one)) for one, text in nouns.reasons.items()}
    parts["wrong in another way"] = wrong - sum(parts.values())  # a run without recorded reasons
    every = figures.get("false_claim_rate")
    if every is None:
        every = (
            rate
            if wrong == count(rate)
            else rate.model_copy(update={"name": "false_claim_rate", "value": wrong / rate.n, "interval": None})
        )
    text = f"{wrong:,} of {rate.n:,} {nouns.claims} on {split} {'is' if wrong == 1 else 'are'} wrong"
    listed = ", ".join(f"{number:,} {part}" for part, number in parts.items() if number > 0)
    is_split = wrong and (nouns.reasons or outside is not None)
    return f"{text} ({formats.metric(every)}){': ' + listed if is_split else ''}."


def _wrong_parts(figures: FigureLookup, rate: MetricResult, wrong: int, task: AnyTask) -> list[str]:
    """Whether things new to training are wrong more often, and which claims are unsupported."""
    nouns, scale = task.wording.nouns, task.knowledge.novelties
    over = {
        novelty: one
        for novelty in scale
        if (one := figures.get("over_claim", novelty=novelty)) is not None and one.n and one.value is not None
    }
    if not over:
        return [f"The novelty of the {nouns.claims} is unknown."]
    if wrong < FEW:
        return [too_few(wrong, "is wrong")]
    first, *_, last = over if len(over) > 1 else [*over, *over]
    if first == last:
        text = f"All {nouns.claims} are {nouns.about_training(first)}, so there is nothing to compare with."
        text = text.replace(f"All {nouns.claims} are not", f"None of the {nouns.claims} is")
    else:
        ratio = figures.get("gap_ratio") if first == scale[0] else None
        than = f"often than those {nouns.about_training(first)}"
        both = f"{formats.metric(over[last])} against {formats.metric(over[first])}"
        newer = f"{nouns.claims} {nouns.about_training(last)} are wrong"
        if _differ(over[first], over[last], ratio):
            more = "more" if (over[last].value or 0) > (over[first].value or 0) else "less"
            text = sentence(f"{newer} {more} {than}: {both}")
        else:
            text = f"Too few to conclude whether {newer} more {than}: {both}."
    return [" ".join([text, *_unsupported(figures, rate, nouns)])]


def _unsupported(figures: FigureLookup, rate: MetricResult, nouns: Nouns) -> list[str]:
    """Which claims are unsupported, for tasks in which claims can be wrong in other ways too."""
    total, unseen = count(rate), figures.n("over_claim", novelty="unseen")
    share = figures.get("share_of_hallucinations", novelty="unseen")
    if not nouns.reasons or not total:
        return []
    if total < FEW:
        return [too_few(total, "hallucinates")]
    if not 0 < unseen < rate.n or share is None or share.value is None:
        return []
    these = f"{total:,} {nouns.unsupported} {nouns.golds}"
    text = f"{formats.metric(share)} of the {these} are partly or wholly new to training"
    # They would have the overall share if novelty had no effect.
    expected, (low, high) = unseen / rate.n, share.interval or (0.0, 1.0)
    all_claims = f"{formats.percent(expected)} of all {nouns.claims} are"
    if low > expected:
        return [f"{text}, but only {all_claims}."]
    if high < expected:
        return [f"{text}, and {all_claims}: seen {nouns.golds} are affected more."]
    return [f"{text}, and {all_claims}: too few to conclude that they are concentrated there."]


def _differ(one: MetricResult, other: MetricResult, ratio: MetricResult | None) -> bool:
    """Whether two shares differ: the interval of their ratio excludes 1 and neither share is in the interval of the
    other, or else their own intervals are disjoint."""
    a, b = one.interval, other.interval
    if a is None or b is None or a[0] <= (other.value or 0) <= a[1] or b[0] <= (one.value or 0) <= b[1]:
        return False
    if ratio is not None and ratio.interval is not None:
        return not ratio.interval[0] <= 1 <= ratio.interval[1]
    return a[1] < b[0] or b[1] < a[0]


def _label(figures: FigureLookup, rate: MetricResult, nouns: Nouns) -> list[str]:
    """The label that is unsupported most often, if its interval is disjoint from the overall one."""
    result = (figures.get(HALLUCINATION, label=label) for label in figures.slices(HALLUCINATION, "label"))
    claimed = [metric for metric in result if metric is not None and metric.n and metric.value is not None]
    if len(claimed) < 2 or rate.interval is None or not count(rate):
        return []
    clear = [metric for metric in claimed if metric.interval and metric.interval[0] > rate.interval[1]]
    if not clear and count(rate) < FEW:
        return []  # the previous sentence says that they are too few
    if not clear:
        return [f"No label stands out: no interval is above that of all {nouns.claims}."]
    worst = max(clear, key=lambda metric: metric.value or 0)
    of = f"{formats.metric(worst)} of its predictions, against {formats.metric(rate)} of all"
    return [f"The label {formats.visible(worst.by['label'])} is {nouns.unsupported} most often: {of}."]


def _omissions(figures: FigureLookup, task: AnyTask, ending: str = "") -> list[str]:
    """Which part of the annotation is found, partly found, and missed: the parts sum to the total."""
    omitted, nouns = figures.get(OMISSION), task.wording.nouns
    if omitted is None:
        return []
    if omitted.value is None:
        return [f"No {nouns.gold} is annotated, so none can be missed{ending}."]
    result, none = figures.get(task.figures.named.get("recall", "recall")), count(omitted)
    parts = [f"{none:,} {nouns.missed} ({formats.metric(omitted)})"]
    if result is not None and result.value is not None and result.n == omitted.n:
        partly = omitted.n - count(result) - none
        parts = [f"{partly:,} {nouns.partly}"] * (partly > 0) + parts
        parts = [f"{count(result):,} {nouns.found} ({formats.metric(result)})", *parts]
    return [f"{omitted.n:,} {nouns.annotated}: {', '.join(parts)}{ending}."]


def _confidence(confidences: Mapping[str, Sequence[float]], nouns: Nouns) -> str:
    """The model's confidence in unsupported claims, compared with correct ones."""
    false, right = (confidences.get(verdict, ()) for verdict in ("unsupported", "supported"))
    if len(false) < FEW_FOR_MEDIAN:
        return ""
    comparison = f", right ones {median(right):.2f}" if len(right) >= FEW_FOR_MEDIAN else ""
    return f"; {nouns.unsupported} {nouns.golds} have a median confidence of {median(false):.2f}{comparison}"


def _abstention(figures: FigureLookup, rate: MetricResult, abstention: Abstention | None, task: AnyTask) -> list[str]:
    """The effect of withdrawing less confident claims: fewer errors, but more omissions."""
    if abstention is None:
        return []
    nouns, kept, coverage = task.wording.nouns, abstention.hallucination, abstention.coverage
    if kept is None or coverage is None:
        if abstention.threshold is not None:
            return [f"The confidence threshold of {abstention.threshold:g} withdraws nothing."]
        if abstention.by is not None:
            return [f"The confidence thresholds by {abstention.by} withdraw nothing."]
        return ["No confidence threshold can give the requested guarantee, so nothing is withdrawn."]
    under = (
        f"the less confident {nouns.claims}"
        if abstention.threshold is None
        else f"{nouns.claims} with a confidence below {abstention.threshold:g}"
    )
    if kept.value is None:
        return [f"Withdrawing {under} leaves none."]
    changes = [
        _change(f"{nouns.unsupported} {nouns.golds}", rate, kept),
        _change("omissions", figures.get(OMISSION), abstention.omission),
    ]
    claimed = _without_gold(figures, task, claims="kept")
    if claimed is not None:
        changes.append(_change(figure(claimed.name).legend, _without_gold(figures, task), claimed))
    return [f"Withdrawing {under} keeps {formats.percent(coverage.value)} of them: {', '.join(changes)}."]


def _change(what: str, before: MetricResult | None, after: MetricResult | None) -> str:
    """A change between two figures on the same examples; it rises or falls only if their intervals are disjoint."""
    if before is None or after is None or before.value is None or after.value is None:
        return f"{what} are not defined"
    a, b, verb = before.interval, after.interval, "go"
    if a is not None and b is not None:
        verb = "fall" if b[1] < a[0] else "rise" if b[0] > a[1] else "go"
    text = f"{what} {verb} from {formats.percent(before.value)} to {formats.metric(after)}"
    return text if verb != "go" else f"{text} (the intervals overlap: too few to conclude)"


def headlines(figures: FigureLookup, task: AnyTask) -> list[Headline]:
    """The task's own figure, then hallucination, the effect of the gap, and the quality of confidence."""
    computed = {metric.name for metric in figures.all if not metric.by}
    results = [metric for column in shown("head", computed) if (metric := figures.get(column.row.name)) is not None]
    first = next((metric for metric in figures.all if not metric.by), None)
    if first is not None and not any(figure(metric.name).family == "task" for metric in results):
        results = [first, *(metric for metric in results if metric.name != first.name)]
    return [Headline(figure=m, title=formats.title(m.name), meaning=_meaning(m, figures, task)) for m in results]


def _meaning(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """The meaning of a headline, in one sentence with its figures."""
    own = task.wording.nouns.meanings.get(metric.name)
    if own is not None:
        return own(metric, figures)
    if metric.name == "ece":
        return _calibration(metric, figures)
    text = {HALLUCINATION: _hallucination, "gap_ratio": _gap_ratio}.get(metric.name, _score)
    return text(metric, figures, task)


def _score(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """F1 through its parts: recall and precision, in words."""
    nouns = task.wording.nouns
    precision, recall = (figures.value(metric.name.removesuffix("f1") + of) for of in ("precision", "recall"))
    if precision is not None and not metric.n:
        return f"No {nouns.gold} is annotated: the figure is 0 by convention."
    if precision is None or recall is None:
        row = figure(metric.name)
        is_named = row.unit == "share" and row.legend
        text = f"the share of {row.legend}, of {metric.n:,}" if is_named else f"{metric.protocol} (n = {metric.n:,})"
        return sentence(text)
    return (
        f"{formats.percent(recall)} of the {metric.n:,} annotated {nouns.golds} are {nouns.found}; "
        f"{formats.percent(precision)} of the {nouns.claims} are right."
    )


def _hallucination(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    nouns = task.wording.nouns
    if not metric.n or metric.value is None:
        return f"The model predicts no {nouns.gold}, so none can be {nouns.unsupported}."
    of = f"{count(metric):,} of {metric.n:,}"
    text = f"{formats.percent(metric.value)} of the {nouns.claims} are {nouns.unsupported}: {of}"
    outside, wrong = _without_gold(figures, task), figures.value("false_claim_rate")
    if count(outside):
        text += f", {count(outside):,} of them {nouns.outside}"
    return f"{text}." if wrong is None else f"{text}. {formats.percent(wrong)} are wrong for any reason."


def _gap_ratio(metric: MetricResult, figures: FigureLookup, task: AnyTask) -> str:
    """How often the least known is wrong, compared with the best known (``analysis.rates``)."""
    nouns, (best, *others) = task.wording.nouns, task.knowledge.novelties
    least = [one for one in others if figures.n("over_claim", novelty=one) or one in task.knowledge.reported]
    known = figures.get("over_claim", novelty=best)
    new = figures.get("over_claim", novelty=least[-1]) if least else None
    first, last = nouns.about_training(best), nouns.about_training(least[-1] if least else others[-1])
    if known is None or known.value is None or new is None or new.value is None:
        phrase = first if known is None or known.value is None else last
        return f"None of the {nouns.claims} is {phrase}, so there is nothing to compare with."
    if metric.value is None:
        return (
            f"None of the {known.n:,} {nouns.claims} {first} is wrong, so there is no ratio; of those {last}, "
            f"{formats.percent(new.value)} are."
        )
    both = f"{formats.percent(new.value)} against {formats.percent(known.value)}"
    if metric.interval is not None and metric.interval[0] <= 1 <= metric.interval[1]:
        both += ", which may be chance (the interval contains 1)"
    elif metric.interval is None:
        both += ", of too few examples for an interval"
    return sentence(f"{nouns.claims} {last} are wrong {metric.value:.1f} times as often as those {first}: {both}")


def _calibration(metric: MetricResult, figures: FigureLookup) -> str:
    if metric.value is None:
        return "No prediction has a confidence."
    return (
        "Among predictions of similar confidence, confidence and accuracy differ by "
        f"{100 * metric.value:.1f} percentage points on average{_direction(figures)}."
    )


def _direction(figures: FigureLookup) -> str:
    """Whether it is over- or underconfident; empty if the interval of the accuracy contains the mean confidence."""
    right = figures.get("support_rate")
    bins = [(float(m.by["mean_confidence"]), m.n) for m in figures.named("reliability") if "mean_confidence" in m.by]
    total = sum(n for _, n in bins)
    if right is None or right.value is None or right.interval is None or not total:
        return ""
    mean_confidence, (low, high) = sum(mean * n for mean, n in bins) / total, right.interval
    if low <= mean_confidence <= high:
        return ""
    return (
        f"; the model is {'over-confident' if mean_confidence > high else 'under-confident'}: it states "
        f"{formats.percent(mean_confidence)} on average and is right in {formats.percent(right.value)}"
    )
