"""How people speak of sentences, mentions and tags."""

from __future__ import annotations

from collections.abc import Callable

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.wording import formats, sentences
from halluc.wording.figure_lookup import Figures
from halluc.wording.nouns import Nouns

# A single sentence that is longer, or has more ends of sentences in it, is a whole file.
_LONG, _MOST_ENDS = 100, 2
_ENDS = frozenset(".!?…。！？।؟")


def _lone(split: str, source: str, example: Example) -> str | None:
    """A sentence alone cannot be trained on either."""
    size, ends = len(example.tokens), sum(token in _ENDS for token in example.tokens)
    if not ((split == "train" and size > 2) or size > _LONG or ends > _MOST_ENDS):
        return None
    do = "a blank line ends a sentence; or is there a column with its number? set `data.sentence_column`"
    if ".json" in source:
        do = "write a record for each sentence"
    return f"all of it is one sentence of {size:,} tokens: {do}"


SENTENCES = Words(
    tokens="tokens",
    labelled="mentions",
    annotation="tags",
    mended="tags or spans",
    counts=(
        Count("sentences", one),
        Count("tokens", tokens),
        Count("mentions", labelled),
        Count("entity_free", unlabelled, is_share=True, legend="sentences without any mention"),
    ),
    figure="entity F1",
    has_surfaces=True,
    lone=_lone,
)


def _f1(metric: MetricResult, figures: Figures) -> str:
    recall, precision = figures.value("entity_recall"), figures.value("entity_precision")
    if not metric.n:
        return "No mention is annotated: the figure is 0 by convention."
    if recall is None or precision is None:
        return f"Counted over {metric.n:,}: {metric.protocol}."
    found = f"{formats.percent(recall)} of the {metric.n:,} annotated mentions are found with the right boundary and"
    return f"{found} label; {formats.percent(precision)} of the predicted mentions are right."


MENTIONS: Nouns = Nouns(
    one="mention",
    many="mentions",
    gold="mention",
    golds="mentions",
    claims="predicted mentions",
    unsupported="invented",
    nothing="nothing",
    exact="found with the right boundary and label",
    counted="mentions",
    gap_of="mentions",
    novelty="whether training showed the mention with that label",
    loss_of="loss of a labelled token",
    has_places=True,
    does="marks mentions in text and labels them as",
    pipeline=("token-classification", "Token Classification"),
    reasons={
        "label": "with a wrong label",
        "boundary": "with a wrong boundary",
        "both": "with a wrong label and boundary",
        "duplicate": "that repeat part of a mention",
    },
    in_training={"seen": "seen in training", "partial": "partly in training", "new": "new to training"},
    meanings={
        "entity_f1": _f1,
        "hallucination_rate": lambda metric, figures: sentences.hallucination(metric, figures, MENTIONS),
        "gap_ratio": lambda metric, figures: sentences.gap_ratio(metric, figures, MENTIONS),
    },
)


class MentionWording:
    words: Words = SENTENCES
    nouns: Nouns = MENTIONS

    def wrong(self, figures: Figures, rate: MetricResult, split: str, label: Callable[[], list[str]]) -> list[str]:
        first, wrong = sentences.wrong(figures, rate, split, self.nouns)
        return [first, *sentences.where(figures, rate, wrong, self.nouns), *label()]

    def omissions(self, omitted: MetricResult, figures: Figures) -> str:
        return sentences.omissions(omitted, figures, self.nouns)
