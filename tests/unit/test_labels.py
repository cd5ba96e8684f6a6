from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.examples import Span
from halluc.core.labels import (
    MOST_CHARACTERS,
    SCHEMES,
    SchemeEvidence,
    UnknownTag,
    illegal,
    label_fault,
    read_spans,
    tag_set,
    write_tags,
)
from tests import hostile_texts

LABELS = ["PER", "ORG", "a-b", "名"]


@st.composite
def spans_of_a_sentence(draw):
    """A length and spans without overlap, adjacent ones with equal labels included."""
    length = draw(st.integers(0, 12))
    spans, start = [], 0
    while start < length:
        end = draw(st.integers(start + 1, length))
        if draw(st.booleans()):
            spans.append(Span(start, end, draw(st.sampled_from(LABELS))))
        start = end
    return length, tuple(spans)


@given(spans_of_a_sentence(), st.sampled_from(SCHEMES))
def test_spans_survive_writing_and_reading(sentence, scheme):
    length, spans = sentence
    tags = write_tags(length, spans, scheme)
    assert len(tags) == length
    assert read_spans(tags, scheme) == spans
    assert illegal(tags, scheme) == []


TAGS = st.lists(st.sampled_from(["O"] + [f"{p}-{label}" for p in "BIES" for label in ("X", "Y")]), max_size=12)


@given(TAGS)
def test_any_sequence_reads_as_seqeval_reads_it(tags):
    from seqeval.metrics.sequence_labeling import get_entities

    theirs = [Span(start, end + 1, label) for label, start, end in get_entities(tags)]
    assert list(read_spans(tags)) == theirs


@given(TAGS)
def test_a_repaired_sequence_is_legal(tags):
    for scheme in SCHEMES:
        assert illegal(write_tags(len(tags), read_spans(tags), scheme), scheme) == []


@pytest.mark.parametrize(
    ("scheme", "tags", "wrong"),
    [
        ("iob2", "O I-X B-X I-X", [1]),
        ("iob2", "B-X I-Y", [1]),
        ("iob1", "I-X I-X B-X I-Y", []),
        ("iob1", "O B-X", [1]),
        ("iob1", "I-Y B-X", [1]),
        ("bioes", "B-X E-X S-Y O", []),
        ("bioes", "B-X O", [1]),
        ("bioes", "B-X I-X", [1]),
        ("bioes", "E-X", [0]),
        ("bioes", "B-X S-X", [1]),
        ("bmes", "B-X M-X E-X", []),
        ("bmes", "M-X E-X", [0]),
        ("bmes", "W-X B-X", [1]),
        ("bilou", "B-X I-X L-X U-Y O", []),
        ("bilou", "B-X U-X", [1]),
        ("bilou", "L-X", [0]),
        ("io", "I-X I-Y O I-X", []),
    ],
)
def test_illegal_transitions_are_reported_with_their_positions(scheme, tags, wrong):
    assert illegal(tags.split(), scheme) == wrong


@pytest.mark.parametrize("tag", ["", "B", "B-", "PER", "X-PER", "o", "O-PER", "b-PER", "B_PER"])
def test_what_is_no_tag_is_reported(tag):
    with pytest.raises(UnknownTag) as caught:
        read_spans(["O", tag])
    assert (caught.value.tag, caught.value.position) == (tag, 1)


def test_a_tag_of_another_scheme_is_reported():
    with pytest.raises(UnknownTag, match="IOB2"):
        read_spans(["S-PER"], "iob2")


def test_io_cannot_write_mentions_of_one_label_that_touch():
    assert write_tags(3, [Span(0, 1, "X"), Span(1, 3, "Y")], "io") == ["I-X", "I-Y", "I-Y"]
    with pytest.raises(ValueError, match="is adjacent to another X"):
        write_tags(3, [Span(0, 1, "X"), Span(1, 3, "X")], "io")


@pytest.mark.parametrize("spans", [[Span(0, 0, "X")], [Span(1, 4, "X")], [Span(0, 2, "X"), Span(1, 3, "Y")]])
def test_spans_that_do_not_fit_are_refused(spans):
    with pytest.raises(ValueError, match="outside"):
        write_tags(3, spans)


def gathered(*sentences: list[str]) -> SchemeEvidence:
    evidence = SchemeEvidence()
    for number, tags in enumerate(sentences, 1):
        parsed = [("O", "") if tag == "O" else (tag[0], tag[2:]) for tag in ("O", *tags)]
        for before, tag in itertools.pairwise(parsed):
            evidence.add(before, tag, f"line {number}")
    return evidence


def decide(*sentences: str):
    return gathered(*map(str.split, sentences)).decide()


@pytest.mark.parametrize(
    ("sentences", "scheme"),
    [
        (["B-X I-X O"], "iob2"),
        (["B-X B-X"], "iob2"),
        (["I-X I-X B-X O"], "iob1"),
        (["I-X O I-Y"], "iob1"),
        (["B-X E-X O S-Y"], "bioes"),
        (["S-X"], "bioes"),
        (["B-X I-X E-X"], "bioes"),
        (["B-X M-X E-X"], "bmes"),
        (["B-X E-X", "W-X"], "bmes"),
        (["B-X L-X"], "bilou"),
        (["B-X I-X L-X U-Y"], "bilou"),
        (["I-X I-X O"], "iob1"),
        (["O O"], "iob2"),
    ],
)
def test_schemes_are_distinguished(sentences, scheme):
    assert decide(*sentences)[0] == scheme


def test_two_possible_iob_schemes_are_reported():
    assert "IOB1 would give the same" in decide("O O")[1]


@pytest.mark.parametrize(
    ("sentences", "others"),
    [
        (["O O"], {"iob1", "iob2", "bioes", "bmes", "bilou", "io"}),
        (["B-X", "I-X"], {"iob1", "iob2"}),
        (["B-X E-X"], {"bioes", "bmes"}),
        (["B-X I-X"], set()),
        (["I-X"], set()),
        (["U-X"], set()),
        (["B-X I-X E-X"], set()),
    ],
)
def test_weak_evidence_leaves_the_choice_to_other_files(sentences, others):
    assert gathered(*map(str.split, sentences)).others() == others


@pytest.mark.parametrize(
    "sentences", [["O I-X", "B-X I-X"], ["B-X I-X M-X"], ["U-X", "S-X"], ["B-X L-X", "B-X E-X"], ["S-X", "W-X"]]
)
def test_contradicting_evidence_decides_nothing_and_names_both_places(sentences):
    scheme, note = decide(*sentences)
    assert scheme is None
    assert note.count("line") == 2


@given(spans_of_a_sentence())
def test_the_scheme_of_written_tags_reads_them_back_alike(sentence):
    length, spans = sentence
    for scheme in SCHEMES:
        tags = write_tags(length, spans, scheme)
        found, note = gathered(tags).decide()
        assert found is not None, note
        assert read_spans(tags, found) == spans


def test_the_tags_of_a_model_are_in_a_fixed_order():
    assert tag_set({"PER", "LOC"}) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]


@pytest.mark.parametrize("label", [*LABELS, *hostile_texts.LABELS, "क्‍ष", "می‌خواهم", "👩‍👩‍👧", "x" * MOST_CHARACTERS])
def test_a_name_is_a_label(label):
    assert label_fault(label) is None


@pytest.mark.parametrize("label", ["", *hostile_texts.REFUSED_LABELS, "\ud800", "y" * 1_000_000])
def test_what_no_table_can_show_is_no_label(label):
    fault = label_fault(label)
    assert fault is not None and len(fault) < 160
    assert not hostile_texts.acting(fault) and "\n" not in fault


def test_a_fault_names_the_character_and_shows_the_label():
    assert label_fault("PER\x9b31m") == "the control character U+009B in a label: `PER\\u009b31m`"
    assert label_fault("a\u2066b") == "the control character U+2066 in a label: `a\\u2066b`"
    assert label_fault("a\u2028b") == "a line break in a label: `a\\u2028b`"
    assert label_fault("\u200b") == "a label without visible characters: `\\u200b`"
    assert label_fault("y" * 1001) == f"a label with 1,001 characters: `{'y' * 53}…{'y' * 26}`"
