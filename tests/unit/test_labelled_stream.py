"""Labelled examples as sequences of numbers and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.methods.base import Rejected
from halluc.augmentation.models.labelled_stream import StreamCodec
from halluc.core.edits import Editable
from halluc.core.examples import Span
from tests.stream_tokens import token_name

MARY = Editable(("Mary", "met", "U.S.", "troops", "in", "1,984.5", "."), (Span(0, 1, "PER"), Span(2, 3, "ORG")))
PLAIN = Editable(("It", "rained", "."))
ROLES = Editable(
    ("Ann", "founded", "Acme", "Inc."),
    (Span(0, 1, "head PER founded_by"), Span(2, 4, "tail ORG founded_by")),
    ((0, 1), (2, 4)),
)
PAIR = Editable(("Is", "it", "?", "Yes", "."), (), ((3, 3),), ("entailment",))


def codec_of(*examples, vocabulary=500):
    return StreamCodec.of(examples, vocabulary)


def sampled(codec, example):
    """What stands behind the condition."""
    return codec.encode(example)[len(codec.condition(example)) :]


def spelled(codec, ids):
    return [token_name(codec, number) for number in ids]


def test_labels_are_in_the_stream():
    codec = codec_of(*[MARY] * 5, *[PLAIN] * 5)
    assert spelled(codec, codec.encode(MARY)) == [
        "<has ORG>", "<has PER>", "<start>", "<PER>", "Mary", "</PER>", "met", "<ORG>", "U.S.", "</ORG>",
        "troops", "in", "1,984.5", ".", "<end>",
    ]  # fmt: skip
    assert spelled(codec, codec.encode(PLAIN)) == ["<no mention>", "<start>", "It", "rained", ".", "<end>"]
    assert spelled(codec, codec.encode_unlabelled(("It", "rained"))) == [
        "<unlabelled>", "<start>", "It", "rained", "<end>",
    ]  # fmt: skip


def test_rare_words_come_back_exactly():
    codec = codec_of(*[PLAIN] * 5, MARY)
    assert "1,984.5" not in codec.spelling.pieces
    assert codec.decode(sampled(codec, MARY), MARY) == MARY


@pytest.mark.parametrize("example", [MARY, PLAIN, ROLES, PAIR], ids=["mentions", "none", "relation", "pair"])
def test_an_example_comes_back(example):
    codec = codec_of(MARY, PLAIN) if example in (MARY, PLAIN) else codec_of(example)
    assert codec.decode(sampled(codec, example), example) == example
    assert set(codec.encode(example)) <= set(range(codec.size))
    assert not set(sampled(codec, example)) & set(codec.never_sampled)


def test_labels_of_the_whole_are_the_condition_alone():
    examples = [Editable(("great", "film"), labels=("good",)), Editable(("bad", "film"), labels=("bad",))]
    codec = codec_of(*examples)
    assert spelled(codec, codec.condition(examples[0])) == ["<label good>", "<start>"]
    assert codec.decode(sampled(codec, examples[1]), examples[0]).labels == ("good",)


def test_mentions_side_by_side_and_at_the_end():
    example = Editable(("A", "B", "C"), (Span(0, 1, "X"), Span(1, 2, "X"), Span(2, 3, "Y")))
    codec = codec_of(example)
    assert codec.decode(sampled(codec, example), example) == example


def number_of(codec, name):
    return next(number for number in range(codec.size) if token_name(codec, number) == name)


@pytest.mark.parametrize(
    ("written", "like", "reason"),
    [
        (["met"], PLAIN, "too long"),
        (["<end>"], PLAIN, "empty text"),
        (["<PER>", "Mary", "<end>"], MARY, "unclosed label"),
        (["<PER>", "<ORG>", "Mary", "</ORG>", "</PER>", "<end>"], MARY, "nested label"),
        (["Mary", "</PER>", "<end>"], MARY, "unopened label"),
        (["<PER>", "Mary", "</ORG>", "<end>"], MARY, "unopened label"),
        (["met", "<PER>", "</PER>", "<end>"], MARY, "empty mention"),
        (["<PER>", "Mary", "</PER>", "met", "<end>"], MARY, "other labels than asked"),
        (["met", "<end>"], MARY, "other labels than asked"),
        (["<PER>", "Mary", "</PER>", "<end>"], PLAIN, "other labels than asked"),
        (["<unknown>", "<end>"], PLAIN, "unknown word"),
        (["met", "<start>", "<end>"], PLAIN, "misplaced token"),
        (["met", "<has PER>", "<end>"], PLAIN, "misplaced token"),
        (["##e", "<end>"], PLAIN, "broken word"),
        (["<PER>", "Mary", "</PER>", "##e", "<ORG>", "met", "</ORG>", "<end>"], MARY, "broken word"),
        (["met", "<border>", "in", "<end>"], PLAIN, "other number of texts"),
        (["met", "<border>", "<border>", "in", "<end>"], PLAIN, "empty text"),
        (["met", "<border>", "<end>"], PLAIN, "empty text"),
        (["<PER>", "met", "<border>", "in", "</PER>", "<end>"], MARY, "unclosed label"),
    ],
)
def test_what_is_no_valid_example_is_rejected(written, like, reason):
    codec = codec_of(*[MARY] * 3, PLAIN)
    ids = [number_of(codec, name) for name in written]
    with pytest.raises(Rejected) as rejected:
        codec.decode(ids, like)
    assert rejected.value.reason == reason


def test_a_role_comes_exactly_once():
    codec = codec_of(*[ROLES] * 3)
    head = sampled(codec, ROLES)[:-1]
    with pytest.raises(Rejected, match="other labels than asked"):
        codec.decode([*head, *head, codec.end], ROLES)


def test_a_label_may_come_more_than_once():
    codec = codec_of(*[MARY] * 3)
    body = sampled(codec, MARY)[:-1]
    assert len(codec.decode([*body, *body, codec.end], MARY).spans) == 4


def test_locked_words_cannot_be_kept():
    codec = codec_of(*[PLAIN] * 3)
    with pytest.raises(Rejected, match="locked"):
        codec.decode(sampled(codec, PLAIN), PLAIN._replace(locked=((0, 1),)))


def test_an_unknown_label_is_rejected():
    codec = codec_of(MARY)
    with pytest.raises(Rejected, match="unknown label"):
        codec.condition(ROLES)
    with pytest.raises(Rejected, match="unknown label"):
        codec.condition(PAIR)


@pytest.mark.parametrize("word", ["", "x" * 101, "\ue000a", "\ud800", "Ω"])
def test_what_cannot_be_spelled_is_unknown(word):
    codec = codec_of(*[MARY] * 3, Editable((word,)) if word != "Ω" else PLAIN)
    assert codec.word(word) == [codec.unknown]


def test_text_that_looks_like_a_token_is_text():
    example = Editable(("<PER>", "<end>", "##a", "[UNK]", "<unknown>", "a\u00a0b"), (Span(0, 1, "PER"),))
    codec = codec_of(example, example)
    assert codec.decode(sampled(codec, example), example) == example


def test_a_small_vocabulary_makes_rare_characters_unknown():
    codec = codec_of(*[PLAIN] * 9, MARY, vocabulary=8)
    assert codec.spelling.size == 8
    assert codec.unknown in codec.encode(MARY)


def test_saved_and_loaded(tmp_path):
    codec = codec_of(MARY, PLAIN, ROLES, PAIR)
    codec.save_pretrained(tmp_path)
    again = StreamCodec.load(tmp_path)
    assert (again.size, again.encode(MARY), again.never_sampled) == (
        codec.size, codec.encode(MARY), codec.never_sampled,
    )  # fmt: skip


LABELS = st.sampled_from(["PER", "ORG", "x y"])
WORDS = st.text(min_size=1, max_size=6).filter(lambda word: "\ue000" not in word)


@st.composite
def examples(draw):
    tokens = tuple(draw(st.lists(WORDS, min_size=1, max_size=8)))
    cuts = sorted(draw(st.sets(st.integers(0, len(tokens)), max_size=6)))
    spans = [Span(a, b, draw(LABELS)) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return Editable(tokens, tuple(spans))


@given(st.lists(examples(), min_size=1, max_size=5))
def test_any_example_comes_back(several):
    codec = StreamCodec.of(several, 2000)
    for example in several:
        assert codec.decode(sampled(codec, example), example) == example


@given(examples(), st.lists(st.integers(0, 40), max_size=12))
def test_any_numbers_make_a_valid_example_or_are_rejected(like, numbers):
    codec = StreamCodec.of([MARY, like], 60)
    try:
        made = codec.decode([*(n % codec.size for n in numbers), codec.end], like)
    except Rejected:
        return
    assert {s.label for s in made.spans} == {s.label for s in like.spans}
    assert all(0 <= s.start < s.end <= len(made.tokens) for s in made.spans)
    assert all(a.end <= b.start for a, b in zip(made.spans, made.spans[1:], strict=False))
    assert all(made.tokens)
