"""The words for sentences, pairs and relations."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.task import Wording
from halluc.tasks.relation_extraction.examples import NO_RELATION
from halluc.wording.nouns import Nouns, read_texts

PAIRS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="pairs or relations",
    repaired="spans or relations",
    counts=(
        Count("sentences", example_count),
        Count("tokens", tokens),
        Count("relations", labelled),
        Count(NO_RELATION, unlabelled, is_share=True, legend="pairs without a relation"),
    ),
    figure="micro F1",
)
RELATIONS = Nouns.of(read_texts(__file__), no_label=NO_RELATION)
WORDING = Wording(PAIRS, RELATIONS)
