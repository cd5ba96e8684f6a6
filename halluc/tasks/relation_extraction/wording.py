"""How people speak of sentences, pairs and relations."""

from __future__ import annotations

from collections.abc import Callable

from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled
from halluc.runs.schema import MetricResult
from halluc.tasks.relation_extraction.examples import NO_RELATION
from halluc.wording import formats, sentences
from halluc.wording.figure_lookup import Figures
from halluc.wording.nouns import Nouns

PAIRS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="pairs or relations",
    mended="spans or relations",
    counts=(
        Count("sentences", one),
        Count("tokens", tokens),
        Count("relations", labelled),
        Count(NO_RELATION, unlabelled, is_share=True, legend="pairs without a relation"),
    ),
    figure="micro F1",
)


def _micro_f1(metric: MetricResult, figures: Figures) -> str:
    recall, precision = figures.value("micro_recall"), figures.value("micro_precision")
    if not metric.n or recall is None or precision is None:
        return "No relation is annotated: the figure is 0 by convention."
    found = f"{formats.percent(recall)} of the {metric.n:,} annotated relations are found with the right direction"
    return f"{found}; {formats.percent(precision)} of the predicted relations are right."


RELATIONS: Nouns = Nouns(
    one="pair",
    many="pairs",
    gold="relation",
    golds="relations",
    claims="predicted relations",
    unsupported="invented",
    nothing="no relation",
    no_label=NO_RELATION,
    exact="found with the right direction",
    counted="pairs",
    gap_of="related pairs",
    novelty="whether training showed head and tail with that relation",
    loss_of="loss of a pair",
    has_places=True,
    does="labels pairs of marked spans in a sentence with their relation:",
    reasons={"label": "with another relation", "direction": "with the wrong direction"},
    in_training={"seen": "pair seen in training", "partial": "partly in training", "new": "new to training"},
    titles={
        "unsupported": "Unsupported: invented relations",
        "distorted": "Distorted: another relation or the wrong direction",
        "omission": "Omitted: annotated, but no relation predicted",
    },
    meanings={
        "micro_f1": _micro_f1,
        "hallucination_rate": lambda metric, figures: sentences.hallucination(metric, figures, RELATIONS),
        "gap_ratio": lambda metric, figures: sentences.gap_ratio(metric, figures, RELATIONS),
    },
)


class RelationWording:
    words: Words = PAIRS
    nouns: Nouns = RELATIONS

    def wrong(self, figures: Figures, rate: MetricResult, split: str, label: Callable[[], list[str]]) -> list[str]:
        first, wrong = sentences.wrong(figures, rate, split, self.nouns)
        return [first, *sentences.where(figures, rate, wrong, self.nouns), *label()]

    def omissions(self, omitted: MetricResult, figures: Figures) -> str:
        return sentences.omissions(omitted, figures, self.nouns)
