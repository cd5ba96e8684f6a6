"""How people speak of sentences, mentions and tags."""

from __future__ import annotations

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, labelled, one, tokens, unlabelled

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


class MentionWording:
    words: Words = SENTENCES
