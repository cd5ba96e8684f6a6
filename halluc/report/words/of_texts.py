"""What the figures of whole texts say, where it is not said of names: how new a text is, and what is out of scope."""

from __future__ import annotations

from halluc.report import formats
from halluc.report.collect.figures import Figures, count
from halluc.report.words.nouns import Nouns
from halluc.report.words.wording import against, may_be_chance
from halluc.runs.schema import TEXT_NOVELTIES, MetricResult

# Of fewer hallucinations no share is told.
FEW = 8


def newest(figures: Figures) -> str | None:
    """The last quarter that any claim is about; None where that is the first, or novelty is not known."""
    return next((q for q in reversed(TEXT_NOVELTIES[1:]) if figures.n("over_claim", novelty=q)), None)


def _newest_texts(quarter: str) -> str:
    """The texts of the last quarter with claims: a table beside it calls those of the last of all the newest."""
    return "the newest texts" if quarter == TEXT_NOVELTIES[-1] else "the newest texts that have a claim"


def where(figures: Figures, rate: MetricResult, split: str) -> str:
    """How many hallucinations are about the newest texts, against how many claims are."""
    total, found = count(rate), newest(figures)
    behind = "has nothing behind it" if total == 1 else "have nothing behind them"
    claims = "claim" if rate.n == 1 else "claims"
    without = f"of its {rate.n:,} {claims} on {split} {behind}"
    share = None if found is None else figures.get("share_of_hallucinations", novelty=found)
    if found is None or share is None or share.value is None:
        return f"{formats.metric(rate)} {without}; how new the texts are is not known, or the same of all."
    about = f"{_newest_texts(found)} ({found}: the most words that training never shows)"
    if total < FEW:
        return f"{total} {without}, {round(share.value * total)} on {about}: too few to conclude where."
    expected = figures.n("over_claim", novelty=found) / rate.n
    told = f"{formats.metric(rate)} {without}; {formats.metric(share)} of these {total:,} are about {about}"
    return f"{told}, {against(share, expected, 'of all claims are', 'shows the words')}."


def scope(figures: Figures) -> list[str]:
    """What it does with texts that none of its labels fits."""
    found = figures.get("out_of_scope_acceptance")
    if found is None or found.value is None:
        return []
    if found.n == 1:
        return [f"It {'claims a label for' if found.value else 'does not label'} the one text that is out of scope."]
    return [f"It claims a label for {formats.metric(found)} of the {found.n:,} texts that are out of scope."]


def omissions(metric: MetricResult, nouns: Nouns) -> str:
    """What is annotated and nothing is claimed for, as the beginning of a sentence."""
    value = formats.metric(metric)
    if nouns.several:
        of = "the one label that is" if metric.n == 1 else f"the {metric.n:,} labels that are"
        return f"It misses {value} of {of} annotated"
    of = "the one text that has" if metric.n == 1 else f"the {metric.n:,} texts that have"
    return f"It claims nothing for {value} of {of} a label"


def accuracy(metric: MetricResult, figures: Figures) -> str:
    """The share of texts that get their label."""
    if not metric.n:
        return "No text has a label: the figure is 0 by convention."
    texts = "text that has one" if metric.n == 1 else f"{metric.n:,} texts that have one"
    outside = figures.n("out_of_scope_acceptance")
    beside = f" ({outside:,} more are out of scope)" if outside else ""
    return f"It claims the annotated label for {formats.percent(metric.value)} of the {texts}{beside}."


def micro_f1(metric: MetricResult, figures: Figures) -> str:
    """What is found of the labels, and what is right of what is claimed."""
    recall, precision = figures.value("micro_recall"), figures.value("micro_precision")
    if not metric.n or recall is None or precision is None:
        return "No text has a label: the figure is 0 by convention."
    found = f"It finds {formats.percent(recall)} of the labels that are annotated"
    return f"{found}; {formats.percent(precision)} of what it claims is right."


def hallucination(figures: Figures) -> str:
    """The part of the hallucinations that is about texts out of scope, as the end of a sentence."""
    found = figures.get("out_of_scope_acceptance")
    if found is None or not count(found):
        return ""
    return f", {count(found):,} of them about texts that are out of scope"


def acceptance(metric: MetricResult, figures: Figures) -> str:
    """What it claims of texts out of scope, and how well its confidence tells them."""
    texts = "text that is" if metric.n == 1 else f"{metric.n:,} texts that are"
    told = f"It claims a label for {count(metric):,} of the {texts} out of scope"
    ranked = figures.value("out_of_scope_auroc")
    if ranked is None:
        return f"{told}."
    return f"{told}; beside one that is in scope, it is less sure of such a text in {formats.percent(ranked)} of pairs."


def gap_ratio(metric: MetricResult, figures: Figures) -> str:
    """How often claims about the newest texts are wrong, beside those about the least new."""
    found, first = newest(figures), figures.get("over_claim", novelty=TEXT_NOVELTIES[0])
    if first is None or first.value is None:
        return "No claim is about a text of the least new: there is nothing to compare with."
    last = None if found is None else figures.get("over_claim", novelty=found)
    if found is None or last is None or last.value is None:
        return "All claims are about texts of the least new: there is nothing to compare with."
    sides = f"about {_newest_texts(found)} ({found})", f"about the least new ({TEXT_NOVELTIES[0]})"
    if metric.value is None:
        return (
            f"None of its {first.n:,} claims {sides[1]} is wrong, so that there is no ratio; {sides[0]} "
            f"{formats.percent(last.value)} are."
        )
    return (
        f"Claims {sides[0]} are wrong {metric.value:.1f} times as often as those {sides[1]}: "
        f"{formats.percent(last.value)} against {formats.percent(first.value)}{may_be_chance(metric)}"
    )
