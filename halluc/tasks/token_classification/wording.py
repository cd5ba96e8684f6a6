"""The words for sentences, mentions and tags."""

from __future__ import annotations

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, example_count, labelled, tokens, unlabelled
from halluc.task import Wording
from halluc.wording.nouns import Nouns, read_texts

# A single sentence that is longer, or has more sentence ends, is probably a whole file.
_LONG, _MOST_ENDS = 100, 2
_ENDS = frozenset(".!?…。！？।؟")


def _lone(split: str, source: str, example: Example) -> str | None:
    """A single sentence cannot be trained on either."""
    size, ends = len(example.tokens), sum(token in _ENDS for token in example.tokens)
    if not ((split == "train" and size > 2) or size > _LONG or ends > _MOST_ENDS):
        return None
    do = "end each sentence with a blank line, or set `data.sentence_column`"
    if ".json" in source:
        do = "write a record for each sentence"
    return f"all of it is one sentence of {size:,} tokens: {do}"


SENTENCES = Words(
    tokens="tokens",
    labelled="mentions",
    annotation="tags",
    repaired="tags or spans",
    counts=(
        Count("sentences", example_count),
        Count("tokens", tokens),
        Count("mentions", labelled),
        Count("entity_free", unlabelled, is_share=True, legend="sentences without any mention"),
    ),
    figure="entity F1",
    has_surfaces=True,
    single_example_warning=_lone,
)
MENTIONS = Nouns.of(read_texts(__file__))
WORDING = Wording(SENTENCES, MENTIONS)
