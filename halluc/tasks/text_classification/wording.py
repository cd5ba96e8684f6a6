"""How people speak of texts and their labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from halluc.core.examples import Example
from halluc.core.labels import OUT_OF_SCOPE
from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.tasks.text_classification import sentences
from halluc.wording.figure_lookup import Figures, count
from halluc.wording.nouns import Nouns

# A single text that is longer is a whole file.
_LONG = 1_000


def _lone(split: str, source: str, example: Example) -> str | None:
    size = len(example.tokens)
    return f"all of it is one text of {size:,} words; is each text on a line of its own?" if size > _LONG else None


def _is_pair(example: Any) -> int:
    return example.second is not None


def _of_texts(without_label: Count) -> Words:
    return Words(
        tokens="words",
        labelled="labels",
        annotation="labels",
        mended="labels",
        counts=(
            Count("texts", one),
            Count("words", tokens),
            Count("labels", labelled),
            without_label,
            Count("pairs", _is_pair, is_share=True),
        ),
        has_blanks=True,
        lone=_lone,
    )


# Of one label a text, and of any number.
TEXTS = _of_texts(Count("out_of_scope", unlabelled, is_share=True, legend="texts without a label"))
LABEL_SETS = _of_texts(Count("without_label", unlabelled, is_share=True))


_ONE = Nouns(
    one="text",
    many="texts",
    gold="label",
    golds="labels",
    claims="predicted labels",
    unsupported="wrong",
    nothing="out of scope",
    no_label=OUT_OF_SCOPE,
    counted="words",
    gap_of="content words",
    novelty="the share of a text's content words that training never shows",
    loss_of="loss of a text",
    has_places=False,
    does="labels texts as",
    pipeline=("text-classification", "Text Classification"),
    buckets={"q1": "least new", "q2": "less new", "q3": "newer", "q4": "newest"},
    titles={"unsupported": "Unsupported: wrong labels", "omission": "Omitted: annotated, but not predicted"},
    gap_note="By label, unseen words are in no training text of that label, new ones in none at all.",
    meanings={
        "accuracy": sentences.accuracy,
        "micro_f1": sentences.micro_f1,
        "hallucination_rate": sentences.hallucination,
        "out_of_scope_acceptance": sentences.acceptance,
        "gap_ratio": sentences.gap_ratio,
    },
)


class TextWording:
    def __init__(self, multi_label: bool) -> None:
        self.words: Words = LABEL_SETS if multi_label else TEXTS
        self.nouns: Nouns = replace(_ONE, nothing="no label", several=True) if multi_label else _ONE

    def wrong(self, figures: Figures, rate: MetricResult, split: str, label: Callable[[], list[str]]) -> list[str]:
        """What the model does out of scope takes the place of which label is worst."""
        where = [sentences.where(figures, rate)] if count(rate) else []
        about = sentences.scope(figures) or (label() if count(rate) else [])
        return [sentences.wrong(figures, rate, split), *where, *about]

    def omissions(self, omitted: MetricResult, figures: Figures) -> str:
        return sentences.omissions(omitted, figures, several=self.nouns.several)
