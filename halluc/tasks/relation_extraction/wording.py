"""How people speak of sentences, pairs and relations."""

from __future__ import annotations

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words


def _related(example: Example) -> int:
    return len(example.pairs)


WORDS = Words(
    tokens="tokens",
    labelled="relations",
    annotation="relations",
    mended="spans or relations",
    counts=(
        Count("sentences", lambda example: 1),
        Count("tokens", lambda example: len(example.tokens)),
        Count("relations", _related),
        Count("no_relation", lambda example: not _related(example), is_share=True, legend="pairs without a relation"),
    ),
)


class RelationWording:
    words: Words = WORDS
