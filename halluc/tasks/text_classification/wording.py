"""The words for texts and their labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from halluc.core.examples import Example
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.task import Wording
from halluc.wording import formats
from halluc.wording.nouns import FigureLookup, Nouns, count, read_texts

# A split of one text that is longer than this is probably a whole file.
_LONG = 1_000


def _lone(split: str, source: str, example: Example) -> str | None:
    size = len(example.tokens)
    return f"all of it is one text of {size:,} words; write each text on its own line" if size > _LONG else None


def _is_pair(example: Any) -> int:
    return example.second is not None


def _text_words(without_label: Count) -> Words:
    return Words(
        tokens="words",
        labelled="labels",
        annotation="labels",
        repaired="labels",
        counts=(
            Count("texts", example_count),
            Count("words", tokens),
            Count("labels", labelled),
            without_label,
            Count("pairs", _is_pair, is_share=True),
        ),
        has_blanks=True,
        single_example_warning=_lone,
    )


# For one label per text, and for several.
TEXTS = _text_words(Count("out_of_scope", unlabelled, is_share=True, legend="texts without a label"))
LABEL_SETS = _text_words(Count("without_label", unlabelled, is_share=True))


def _accuracy(metric: MetricResult, figures: FigureLookup) -> str:
    if not metric.n:
        return "No text has a label: the figure is 0 by convention."
    outside = figures.n("out_of_scope_acceptance")
    excluded = f" ({outside:,} more are out of scope)" if outside else ""
    return (
        f"{formats.percent(metric.value)} of the {metric.n:,} texts that have a label get the annotated one{excluded}."
    )


def _acceptance(metric: MetricResult, figures: FigureLookup) -> str:
    """The predictions for texts out of scope, and how well the confidence separates them."""
    text = f"{count(metric):,} of the {metric.n:,} out-of-scope texts get a label"
    ranked = figures.value("out_of_scope_auroc")
    if ranked is None:
        return f"{text}."
    pairs = f"in {formats.percent(ranked)} of pairs of a text in scope and one out of scope"
    return f"{text}; {pairs}, the model is less confident about the one out of scope."


def _ndcg(metric: MetricResult, figures: FigureLookup) -> str:
    return (
        f"How well the {metric.n:,} groups with and without the positive label are ranked by its probability: 1 if "
        "its texts are first in every group."
    )


_ONE = Nouns.of(
    read_texts(__file__),
    no_label=OUT_OF_SCOPE,
    meanings={"accuracy": _accuracy, "out_of_scope_acceptance": _acceptance, "ndcg": _ndcg},
)
_SEVERAL = replace(
    _ONE,
    nothing="no label",
    annotated="annotated labels",
    found="predicted",
    missed="not predicted",
    card=replace(
        _ONE.card,
        usage=_ONE.card.usage.replace("(TEXT)", "(TEXT, top_k=None)"),
        definition=_ONE.card.definition.replace(" (for out-of-scope texts, any label)", "").replace(
            "an annotated label of a text for which nothing is predicted",
            "a label that is annotated and not predicted",
        ),
    ),
    glossary={term: text for term, text in _ONE.glossary.items() if term != "out of scope"}
    | {"omission": _ONE.glossary["omission"].replace("of a text for which nothing is", "that is annotated and not")},
)


def wording(multi_label: bool) -> Wording:
    return Wording(LABEL_SETS, _SEVERAL) if multi_label else Wording(TEXTS, _ONE)
