"""What is counted of a split, under the names of its task."""

from __future__ import annotations

import pytest

from halluc.core.examples import Origin, Span
from halluc.core.quantities import quantity
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.wording import LABEL_SETS, TEXTS
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.wording import SENTENCES

NOWHERE = Origin("f", 1)
TAGGED = [
    Tagged("a", NOWHERE, ("Anna", "met", "Bo"), (Span(0, 1, "PER"), Span(2, 3, "PER"))),
    Tagged("b", NOWHERE, ("nothing", "here"), ()),
]
LABELLED = [
    Labelled("a", NOWHERE, ("where", "is", "it"), ("track",)),
    Labelled("b", NOWHERE, ("sing", "a", "song"), ()),
    Labelled("c", NOWHERE, ("it", "is", "here"), ("same",), 1),
    Labelled("d", NOWHERE, ("my", "money"), ("refund", "track")),
]


@pytest.mark.parametrize(
    ("words", "examples", "counts"),
    [
        (SENTENCES, TAGGED, {"sentences": 2, "tokens": 5, "mentions": 2, "entity_free": 1}),
        (TEXTS, LABELLED[:3], {"texts": 3, "words": 9, "labels": 2, "out_of_scope": 1, "pairs": 1}),
        (LABEL_SETS, LABELLED, {"texts": 4, "words": 11, "labels": 4, "without_label": 1, "pairs": 1}),
        (TEXTS, [], {"texts": 0, "words": 0, "labels": 0, "out_of_scope": 0, "pairs": 0}),
    ],
)
def test_counts_are_exact_and_in_their_order(words, examples, counts):
    found = words.count(iter(examples))
    assert found == counts
    assert list(found) == list(counts)
    assert words.examples == next(iter(counts))


@pytest.mark.parametrize(
    ("count", "things", "told"),
    [
        (
            1,
            "texts longer than the model's limit, read in windows",
            "1 text longer than the model's limit, read in windows",
        ),
        (1, "very long words truncated to the first pieces", "1 very long word truncated to the first pieces"),
        (1350, "texts out of scope", "1,350 texts out of scope"),
        (0, "words", "0 words"),
    ],
)
def test_one_is_reported_in_the_singular(count, things, told):
    assert quantity(count, things) == told
