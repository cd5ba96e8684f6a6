"""How people speak of sentences, pairs and relations."""

from __future__ import annotations

from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled

PAIRS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="relations",
    mended="spans or relations",
    counts=(
        Count("sentences", one),
        Count("tokens", tokens),
        Count("relations", labelled),
        Count("no_relation", unlabelled, is_share=True, legend="pairs without a relation"),
    ),
    figure="micro F1",
)


class RelationWording:
    words: Words = PAIRS
