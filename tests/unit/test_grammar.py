"""Which token may follow which in the labelled stream."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.methods.base import Rejected
from halluc.augmentation.models.grammar import Grammar
from halluc.augmentation.models.labelled_stream import StreamCodec
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws
from tests.stream_tokens import token_name

MARY = Editable(("Mary", "met", "U.S.", "troops", "in", "1,984.5", "."), (Span(0, 1, "PER"), Span(2, 3, "ORG")))
ENDING = Editable(("in", "New", "York"), (Span(1, 3, "LOC"),))
PLAIN = Editable(("It", "rained", "."))
PAIR = Editable(("Is", "it", "?", "Yes", "."), (), ((3, 3),))
CODEC = StreamCodec.of([MARY, ENDING, PLAIN, PAIR, MARY], 90)
GRAMMAR = Grammar(CODEC, torch.device("cpu"))
EXAMPLES = [MARY, ENDING, PLAIN, PAIR]


def may_follow(rows, row: int) -> set[int]:
    logits = rows.restrict(torch.zeros(1, CODEC.size), torch.tensor([row]))[0]
    return {number for number, one in enumerate(logits.tolist()) if one == 0}


def test_every_example_may_be_written():
    rows = GRAMMAR.rows(EXAMPLES)
    for row, example in enumerate(EXAMPLES):
        written = CODEC.encode(example)
        for token in written[written.index(CODEC.start) + 1 :]:
            assert token in may_follow(rows, row), token_name(CODEC, token)
            rows.advance(torch.tensor([row]), torch.tensor([token]))


def names(tokens: set[int]) -> set[str]:
    return {token_name(CODEC, token) for token in tokens if token >= CODEC.spelling.size}


def test_labels_are_those_that_were_asked_for():
    rows = GRAMMAR.rows(EXAMPLES)
    assert names(may_follow(rows, 0)) == {"<PER>", "<ORG>"}
    assert names(may_follow(rows, 2)) == set()
    rows.advance(torch.tensor([2]), torch.tensor(CODEC.word("It")[:1]))
    assert names(may_follow(rows, 2)) == {"<end>"}
    rows.advance(torch.tensor([3]), torch.tensor(CODEC.word("Is")[:1]))
    assert names(may_follow(rows, 3)) == {"<border>", "<end>"}


def test_a_mention_has_a_word_and_is_closed_by_its_own_label():
    rows = GRAMMAR.rows([MARY])
    rows.advance(torch.tensor([0]), torch.tensor([CODEC.opening("PER")]))
    assert names(may_follow(rows, 0)) == set()
    assert not any(CODEC.spelling.is_inside(piece) for piece in may_follow(rows, 0))
    rows.advance(torch.tensor([0]), torch.tensor(CODEC.word("Mary")[:1]))
    assert names(may_follow(rows, 0)) == {"</PER>"}
    rows.advance(torch.tensor([0]), torch.tensor([CODEC.closing("PER")]))
    assert names(may_follow(rows, 0)) == {"<PER>", "<ORG>", "<end>"}
    assert not any(CODEC.spelling.is_inside(piece) for piece in may_follow(rows, 0) if piece < CODEC.spelling.size)


def test_rows_are_apart_from_each_other():
    rows = GRAMMAR.rows([MARY, MARY])
    rows.advance(torch.tensor([1]), torch.tensor([CODEC.opening("ORG")]))
    assert names(may_follow(rows, 0)) == {"<PER>", "<ORG>"}
    assert names(may_follow(rows, 1)) == set()


@given(st.integers(0, 10**9), st.sampled_from(EXAMPLES))
def test_what_may_be_written_can_be_read(seed, like):
    draws, rows, written = Draws.of(seed), GRAMMAR.rows([like]), []
    while len(written) < 40 and CODEC.end not in written:
        token = draws.choice(sorted(may_follow(rows, 0)))
        written.append(token)
        rows.advance(torch.tensor([0]), torch.tensor([token]))
    try:
        made = CODEC.decode(written, like)
    except Rejected as rejected:
        assert rejected.reason in ("too long", "other labels than asked", "other number of texts", "empty text")
    else:
        assert {span.label for span in made.spans} == {span.label for span in like.spans}
