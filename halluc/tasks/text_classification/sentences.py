"""What the figures of text classification say, where it differs from mentions: new texts, and texts out of scope."""

from __future__ import annotations

from halluc.runs.schema import MetricResult
from halluc.tasks.text_classification.coverage import QUARTERS
from halluc.wording import formats
from halluc.wording.figure_lookup import Figures, count
from halluc.wording.phrases import FEW, against, listed, may_be_chance, too_few


def newest(figures: Figures) -> str | None:
    """The last quarter that any claim is about; None where that is the first, or novelty is not known."""
    return next((q for q in reversed(QUARTERS[1:]) if figures.n("over_claim", novelty=q)), None)


def _newest_texts(quarter: str) -> str:
    """The texts of the last quarter with claims: a table beside it calls those of the last of all the newest."""
    return "the newest texts" if quarter == QUARTERS[-1] else "the newest texts that get a label"


def wrong(figures: Figures, rate: MetricResult, split: str) -> str:
    """All wrong labels, apart those of texts that none of the labels fits: the parts add up to them."""
    total, labels = count(rate), "label" if rate.n == 1 else "labels"
    if not total:
        none = f"None of the {rate.n:,} predicted labels" if rate.n > 1 else "The only predicted label"
        return f"{none} on {split} is {'wrong' if rate.n > 1 else 'right'} ({formats.metric(rate)} wrong)."
    are = "is" if total == 1 else "are"
    told = f"{total:,} of {rate.n:,} predicted {labels} on {split} {are} wrong ({formats.metric(rate)})"
    scope = figures.get("out_of_scope_acceptance")
    if scope is None or scope.value is None:
        return f"{told}."
    outside = count(scope)  # a text has one label at most: each such text is one wrong label
    texts = ((total - outside, "annotated with another label"), (outside, "out of scope"))
    parts = [f"{n:,} on {'a text' if n == 1 else 'texts'} {what}" for n, what in texts if n > 0]
    return f"{told}: {', '.join(parts)}."


def where(figures: Figures, rate: MetricResult) -> str:
    """How many wrong labels are of the newest texts, against how many of all predicted labels are."""
    total, found = count(rate), newest(figures)
    share = None if found is None else figures.get("share_of_hallucinations", novelty=found)
    if found is None or share is None or share.value is None:
        return "How new the texts are is not known, or the same of all: nothing is said of where they are."
    if total < FEW:
        return too_few(total, "is wrong")
    about = f"{_newest_texts(found)} ({found}: the largest share of words that training never shows)"
    expected = figures.n("over_claim", novelty=found) / rate.n
    told = f"{formats.metric(share)} of the {total:,} wrong labels are of {about}"
    return f"{told}, {against(share, expected, 'of all predicted labels are', 'less new texts')}."


def scope(figures: Figures) -> list[str]:
    """What it does with texts that none of its labels fits."""
    found = figures.get("out_of_scope_acceptance")
    if found is None or found.value is None:
        return []
    if found.n == 1:
        return [f"The only text that is out of scope gets {'a label' if found.value else 'no label'}."]
    return [f"{count(found):,} of {found.n:,} texts that are out of scope get a label ({formats.metric(found)})."]


def omissions(omitted: MetricResult, figures: Figures, *, several: bool) -> str:
    """What becomes of the annotated labels, as the beginning of a sentence: parts that add up."""
    missed = count(omitted)
    if several:
        labels = "annotated label" if omitted.n == 1 else "annotated labels"
        return f"{missed:,} of {omitted.n:,} {labels} ({formats.metric(omitted)}) {_be(missed)} not predicted"
    texts = "text that has" if omitted.n == 1 else "texts that have"
    right = figures.get("accuracy")
    if right is None or right.value is None or right.n != omitted.n:
        return f"{missed:,} of {omitted.n:,} {texts} a label ({formats.metric(omitted)}) {_get(missed)} none"
    exact = count(right)
    parts = [f"{exact:,} {_get(exact)} it ({formats.metric(right)})"]
    if other := omitted.n - exact - missed:
        parts.append(f"{other:,} {_get(other)} another one")
    parts.append(f"{missed:,} {_get(missed)} none ({formats.metric(omitted)})")
    return f"Of {omitted.n:,} {texts} a label, {listed(parts)}"


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _get(number: int) -> str:
    return "gets" if number == 1 else "get"


def accuracy(metric: MetricResult, figures: Figures) -> str:
    """The share of texts that get their label."""
    if not metric.n:
        return "No text has a label: the figure is 0 by convention."
    texts = "text that has a label gets" if metric.n == 1 else f"{metric.n:,} texts that have a label get"
    outside = figures.n("out_of_scope_acceptance")
    beside = f" ({outside:,} more are out of scope)" if outside else ""
    return f"{formats.percent(metric.value)} of the {texts} the annotated one{beside}."


def micro_f1(metric: MetricResult, figures: Figures) -> str:
    """What is found of the labels, and what is right of what is predicted."""
    recall, precision = figures.value("micro_recall"), figures.value("micro_precision")
    if not metric.n or recall is None or precision is None:
        return "No text has a label: the figure is 0 by convention."
    found = f"{formats.percent(recall)} of the annotated labels are predicted"
    return f"{found}; {formats.percent(precision)} of the predicted labels are right."


def hallucination(metric: MetricResult, figures: Figures) -> str:
    """How many of the labels are wrong, apart those of texts out of scope."""
    told = f"{formats.percent(metric.value)} of the predicted labels are wrong: {count(metric):,} of {metric.n:,}"
    found = figures.get("out_of_scope_acceptance")
    if found is None or not count(found):
        return f"{told}."
    return f"{told}, {count(found):,} of them on texts that are out of scope."


def acceptance(metric: MetricResult, figures: Figures) -> str:
    """What it predicts for texts out of scope, and how well its confidence tells them."""
    texts = "text that is out of scope gets" if metric.n == 1 else f"{metric.n:,} texts that are out of scope get"
    told = f"{count(metric):,} of the {texts} a label"
    ranked = figures.value("out_of_scope_auroc")
    if ranked is None:
        return f"{told}."
    pairs = f"in {formats.percent(ranked)} of pairs of a text in scope and one out of scope"
    return f"{told}; {pairs}, the model is less confident of the one out of scope."


def gap_ratio(metric: MetricResult, figures: Figures) -> str:
    """How often labels of the newest texts are wrong, beside those of the least new."""
    found, first = newest(figures), figures.get("over_claim", novelty=QUARTERS[0])
    if first is None or first.value is None:
        return "No label is predicted for the least new texts: there is nothing to compare with."
    last = None if found is None else figures.get("over_claim", novelty=found)
    if found is None or last is None or last.value is None:
        return "All predicted labels are of the least new texts: there is nothing to compare with."
    sides = f"of {_newest_texts(found)} ({found})", f"of the least new ({QUARTERS[0]})"
    if metric.value is None:
        return (
            f"None of the {first.n:,} predicted labels {sides[1]} is wrong, so there is no ratio; {sides[0]} "
            f"{formats.percent(last.value)} are."
        )
    return (
        f"Labels {sides[0]} are wrong {metric.value:.1f} times as often as those {sides[1]}: "
        f"{formats.percent(last.value)} against {formats.percent(first.value)}{may_be_chance(metric)}"
    )
