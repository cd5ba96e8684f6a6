"""Spans on tokens: what offsets count, and spans that cut a token, overlap or contradict what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from halluc.core.examples import Span
from halluc.data.rows.row import Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.records import Records
from tests.unit.test_span_forms import EMOJI, THERE, corpora, error, errors, mentions, read

UTF16, BYTES = [[3, 9, "PER"], [13, 18, "LOC"]], [[5, 12, "PER"], [16, 22, "LOC"]]
CHARACTERS = [[2, 8, "PER"], [12, 17, "LOC"]]


def inclusive(spans):
    return [[start, end - 1, label] for start, end, label in spans]


def from_one(spans):
    return [[start + 1, end + 1, label] for start, end, label in spans]


COUNTED = {
    "characters": (CHARACTERS, {}),
    "characters, named": (CHARACTERS, {"span_unit": "characters"}),
    "utf16": (UTF16, {"span_unit": "utf16"}),
    "bytes": (BYTES, {"span_unit": "bytes"}),
    "inclusive": (inclusive(CHARACTERS), {"span_end": "inclusive"}),
    "utf16, inclusive": (inclusive(UTF16), {"span_unit": "utf16", "span_end": "inclusive"}),
    "bytes, inclusive": (inclusive(BYTES), {"span_unit": "bytes", "span_end": "inclusive"}),
    "from one": (from_one(CHARACTERS), {"span_base": 1}),
    "utf16 from one": (from_one(UTF16), {"span_unit": "utf16", "span_base": 1}),
    "tokens": ([[1, 3, "PER"], [4, 5, "LOC"]], {"span_unit": "tokens"}),
    "tokens, inclusive": ([[1, 2, "PER"], [4, 4, "LOC"]], {"span_unit": "tokens", "span_end": "inclusive"}),
    "tokens from one, inclusive": (
        [[2, 3, "PER"], [5, 5, "LOC"]],
        {"span_unit": "tokens", "span_end": "inclusive", "span_base": 1},
    ),
}


@pytest.mark.parametrize("unit", COUNTED)
def test_offsets_are_read_in_every_unit(tmp_path, unit):
    spans, keys = COUNTED[unit]
    assert read(tmp_path, [{"text": EMOJI, "spans": spans}], **keys) == [THERE]


@pytest.mark.parametrize("unit", [name for name, (_, keys) in COUNTED.items() if keys and "named" not in name])
def test_where_spans_say_their_text_the_error_names_the_keys_with_which_all_fit(tmp_path, unit):
    spans, keys = COUNTED[unit]
    told = [
        {"start": start, "end": end, "label": label, "text": surface}
        for (start, end, label), (surface, _) in zip(spans, THERE, strict=True)
    ]
    start, end = {"bytes": (4, 8), "tokens": (1, 2)}.get(keys.get("span_unit", ""), (3, 6))
    start, end = start + keys.get("span_base", 0), end + keys.get("span_base", 0) - ("span_end" in keys)
    other = {"text": "né Åsa", "spans": [{"start": start, "end": end, "label": "PER", "text": "Åsa"}]}
    one = errors(tmp_path, [{"text": EMOJI, "spans": told}, other])[0]
    assert one.help is not None and one.help.startswith("every span fits if "), one.help
    for key, value in keys.items():
        assert f"`data.{key}: {value}`" in one.help
    assert read(tmp_path, [{"text": EMOJI, "spans": told}, other], **keys) == [THERE, [("Åsa", "PER")]]


def test_what_spans_say_decides_the_reading_though_some_cut_tokens(tmp_path):
    spans = [{"start": 0, "end": 2, "label": "X", "text": "Ann"}, {"start": 9, "end": 10, "label": "Y", "text": "mg"}]
    one = errors(tmp_path, [{"text": "Ann took 5mg", "spans": [spans[0], spans[1] | {"start": 10, "end": 11}]}])[0]
    assert one.code == "D109" and one.help == ("every span fits if ends are inclusive: set `data.span_end: inclusive`")


def test_a_contradiction_shows_both_texts(tmp_path):
    one = error(
        tmp_path, [{"text": "Ann likes Oslo", "spans": [{"start": 0, "end": 3, "text": "Oslo", "label": "LOC"}]}]
    )
    assert one.code == "D109" and 'has the text "Oslo", but its offsets give "Ann"' in one.message


@pytest.mark.parametrize("key", ["text", "surface", "word", "mention", "value", "surface_form"])
def test_a_span_with_a_surface_is_never_read_as_another_text(tmp_path, key):
    record = {"text": "Ann likes Oslo", "spans": [{"start": 4, "end": 9, key: "Oslo", "label": "LOC"}]}
    assert error(tmp_path, [record]).code == "D109"
    record["spans"][0][key] = "likes"
    assert read(tmp_path, [record]) == [[("likes", "LOC")]]


def test_line_breaks_in_a_span_may_be_blanks_in_its_surface(tmp_path):
    record = {"text": "Ann\nHolm", "spans": [{"start": 0, "end": 8, "text": "Ann Holm", "label": "PER"}]}
    assert read(tmp_path, [record]) == [[("Ann Holm", "PER")]]


def test_offsets_inside_of_a_character_are_refused(tmp_path):
    one = error(tmp_path, [{"text": EMOJI, "spans": [[1, 9, "PER"]]}], span_unit="utf16")
    assert one.code == "D109" and "inside a character" in one.message


def test_it_is_reported_where_offsets_fit_in_characters_and_in_utf16(tmp_path):
    records = [{"text": "😀😀a b c d e", "spans": [[4, 5, "X"]]}]
    found = corpora(tmp_path, records)
    assert mentions(found) == [[("b", "X")]]
    assert "data.span_unit: utf16" in found.notices[0].what
    assert corpora(tmp_path, records, span_unit="characters").notices == []
    assert corpora(tmp_path, [{"text": "a b c", "spans": [[0, 1, "X"]]}]).notices == []


# --- a text and its tokens

WORDS = ["Ann", "Holm", "likes", "Oslo", "."]
BESIDE = {"text": "Ann Holm likes Oslo.", "tokens": WORDS}


def test_in_records_with_text_and_tokens_the_only_unit_that_fits_is_used(tmp_path):
    assert read(tmp_path, [BESIDE | {"spans": [[9, 14, "X"], [15, 19, "LOC"]]}]) == [[("likes", "X"), ("Oslo", "LOC")]]
    assert read(tmp_path, [BESIDE | {"spans": [[0, 2, "PER"], [3, 4, "LOC"]]}]) == [
        [("Ann Holm", "PER"), ("Oslo", "LOC")]
    ]
    assert (
        corpora(tmp_path, [BESIDE | {"spans": [[0, 2, "PER"]]}])
        .mappings["train"]
        .endswith("offsets count tokens from 0, ends exclusive")
    )


@pytest.mark.parametrize(
    "spans",
    [
        [[0, 3, "PER"]],  # Ann, or Ann Holm likes
        [[0, 3, "PER"], [2, 3, "LOC"]],  # half of the spans fit in characters, all in tokens
        [[0, 3, "PER"], [1, 9, "X"]],  # neither
    ],
)
def test_where_both_units_fit_or_none_a_key_must_say(tmp_path, spans):
    one = error(tmp_path, [BESIDE | {"spans": spans}])
    assert one.code == "D109" and "data.span_unit" in one.help


def test_a_key_sets_the_unit_of_offsets_in_records_with_text_and_tokens(tmp_path):
    record = BESIDE | {"spans": [[0, 3, "PER"]]}
    assert read(tmp_path, [record], span_unit="characters") == [[("Ann", "PER")]]
    assert read(tmp_path, [record], span_unit="tokens") == [[("Ann Holm likes", "PER")]]


def test_what_spans_say_decides_the_unit(tmp_path):
    spans = [{"start": 0, "end": 3, "label": "PER", "text": "Ann"}]
    assert read(tmp_path, [BESIDE | {"spans": spans}]) == [[("Ann", "PER")]]
    spans = [{"start": 0, "end": 3, "label": "PER", "text": "Ann Holm likes"}]
    assert read(tmp_path, [BESIDE | {"spans": spans}]) == [[("Ann Holm likes", "PER")]]


def test_rows_without_spans_decide_nothing(tmp_path):
    records = [BESIDE | {"spans": []}] * 120 + [BESIDE | {"spans": [[15, 19, "LOC"]]}]
    assert read(tmp_path, records)[-1] == [("Oslo", "LOC")]


def test_tokens_that_do_not_occur_in_the_text_are_counted(tmp_path):
    record = {"text": "Ann likes ``Oslo''", "tokens": ["Ann", "likes", '"', "Oslo"], "spans": [[3, 4, "LOC"]]}
    assert read(tmp_path, [record]) == [[("Oslo", "LOC")]]
    one = error(tmp_path, [record], span_unit="characters")
    assert one.code == "D109" and "do not occur in the text" in one.message


def test_tokens_alone_may_have_spans_in_characters_of_the_words_with_blanks_between(tmp_path):
    record = {"tokens": WORDS, "spans": [[15, 19, "LOC"]]}
    assert "data.span_unit: characters" in error(tmp_path, [record]).help
    assert read(tmp_path, [record], span_unit="characters") == [[("Oslo", "LOC")]]


# --- spans that are no whole tokens

CUT = {"text": "take 5mg of Zorin", "spans": [[6, 8, "UNIT"], [12, 17, "DRUG"]]}


def test_a_span_that_cuts_a_token_is_refused_with_the_token(tmp_path):
    one = error(tmp_path, [CUT])
    assert (one.code, one.message) == ("D110", 'span [6, 8] UNIT "mg" cuts the token "5mg"')
    assert "data.bad_spans: drop" in one.help


def test_it_alone_is_left_out_or_widened_and_counted(tmp_path):
    found = corpora(tmp_path, [CUT], bad_spans="drop")
    assert mentions(found) == [[("Zorin", "DRUG")]]
    assert [one.what for one in found.repairs] == ['span [6, 8] UNIT "mg" cuts the token "5mg": removed']
    found = corpora(tmp_path, [CUT], bad_spans="widen")
    assert mentions(found) == [[("5mg", "UNIT"), ("Zorin", "DRUG")]]
    assert [one.what for one in found.repairs] == ['span [6, 8] UNIT "mg" cuts the token "5mg": widened']


def test_or_its_example_is_skipped_and_counted(tmp_path):
    found = corpora(tmp_path, [CUT, {"text": "in Oslo", "spans": [[3, 7, "LOC"]]}], bad_spans="skip")
    assert mentions(found) == [[("Oslo", "LOC")]]
    assert [(one.line, one.what) for one in found.skipped] == [(1, 'span [6, 8] UNIT "mg" cuts the token "5mg"')]


WIDENED = {
    "inside of a token": ([[13, 15, "X"]], [("Zorin", "X")]),
    "over a border": ([[6, 11, "X"]], [("5mg of", "X")]),
    "two tokens cut": ([[1, 6, "X"]], [("take 5mg", "X")]),
    "from a blank": ([[4, 8, "X"]], [("5mg", "X")]),
    "to a blank": ([[5, 9, "X"]], [("5mg", "X")]),
    "blanks on both sides": ([[4, 9, "X"]], [("5mg", "X")]),
    "two pieces of one token": ([[5, 6, "X"], [6, 8, "X"]], [("5mg", "X")]),
    "the first letter": ([[0, 1, "X"]], [("take", "X")]),
    "the last letter": ([[16, 17, "X"]], [("Zorin", "X")]),
    "all but a letter": ([[1, 16, "X"]], [("take 5mg of Zorin", "X")]),
    "whole tokens": ([[5, 8, "X"]], [("5mg", "X")]),
}


@pytest.mark.parametrize("what", WIDENED)
def test_widened_spans_are_the_tokens_that_they_touch(tmp_path, what):
    spans, expected = WIDENED[what]
    assert read(tmp_path, [{"text": CUT["text"], "spans": spans}], bad_spans="widen") == [expected]


def test_widened_spans_that_overlap_are_refused_or_the_longest_is_kept(tmp_path):
    record = {"text": CUT["text"], "spans": [[5, 6, "X"], [6, 8, "Y"]]}
    assert error(tmp_path, [record], bad_spans="widen").code == "D111"
    assert read(tmp_path, [record], bad_spans="widen", overlaps="longest") == [[("5mg", "X")]]


BLANKS = {
    "behind": ("we saw Ann Holm ", [7, 16], "ends with white space", "Ann Holm"),
    "behind, inside of the text": ("in Oslo now", [3, 8], "ends with white space", "Oslo"),
    "before": ("in Oslo now", [2, 7], "starts with white space", "Oslo"),
    "both": ("in Oslo now", [2, 8], "starts and ends with white space", "Oslo"),
    "a line break": ("Oslo\nnow", [0, 5], "ends with white space", "Oslo"),
    "a no-break space": ("Oslo\u00a0now", [0, 5], "ends with white space", "Oslo"),
    "several": ("in   Oslo   now", [2, 12], "starts and ends with white space", "Oslo"),
    "a tab": ("in\tOslo", [2, 7], "starts with white space", "Oslo"),
    "the first character": (" Oslo", [0, 5], "starts with white space", "Oslo"),
    "an ideographic space": ("Oslo\u3000now", [0, 5], "ends with white space", "Oslo"),
    "before punctuation": ("Oslo , now", [0, 5], "ends with white space", "Oslo"),
}


@pytest.mark.parametrize("what", BLANKS)
def test_a_blank_at_the_border_of_a_span_is_named_and_stripped_by_a_key(tmp_path, what):
    text, (start, end), problem, surface = BLANKS[what]
    records = [{"text": text, "spans": [[start, end, "X"]]}]
    one = error(tmp_path, records)
    assert one.code == "D110" and problem in one.message and "data.strip_spans: true" in one.help
    found = corpora(tmp_path, records, strip_spans=True)
    assert mentions(found) == [[(surface, "X")]]
    assert "stripped" in found.repairs[0].what


def test_a_span_of_blanks_is_left_out_or_refused(tmp_path):
    records = [{"text": "a  b", "spans": [[1, 3, "X"]]}]
    assert error(tmp_path, records, strip_spans=True).code == "D110"
    assert read(tmp_path, records, bad_spans="drop") == [[]]


@pytest.mark.parametrize("span", [[-1, 3], [3, 3], [4, 2], [0, 99], [99, 100], [-5, -2]])
def test_spans_outside_of_the_text_are_refused(tmp_path, span):
    one = error(tmp_path, [{"text": "Ann likes Oslo", "spans": [[*span, "X"]]}], bad_spans="widen")
    assert (one.code, "is empty or outside 0..14" in one.message) == ("D109", True)


NESTED = {
    # of "University of North Oslo Press Club"
    "nested": ([[0, 24, "ORG"], [14, 24, "LOC"]], ["ORG"], ["LOC"], ["ORG"]),
    "three deep": ([[0, 35, "A"], [0, 24, "B"], [20, 24, "C"]], ["A"], ["C"], ["A"]),
    "two inside of one": ([[0, 35, "A"], [0, 10, "B"], [20, 24, "C"]], ["A"], ["B", "C"], ["A"]),
    "beside": ([[0, 10, "B"], [14, 24, "C"]], ["B", "C"], ["B", "C"], ["B", "C"]),
    "touching": ([[0, 10, "B"], [11, 19, "C"]], ["B", "C"], ["B", "C"], ["B", "C"]),
    "one start": ([[0, 10, "B"], [0, 24, "C"]], ["C"], ["B"], ["C"]),
    "one end": ([[14, 24, "B"], [0, 24, "C"]], ["C"], ["B"], ["C"]),
    "crossing": ([[0, 19, "B"], [14, 35, "C"]], ["C"], None, None),
    "one extent, two labels": ([[0, 10, "B"], [0, 10, "A"]], ["A"], None, None),
    "equal and nested": ([[0, 10, "B"], [0, 10, "B"], [0, 24, "C"]], ["C"], ["B"], ["C"]),
    "crossing inside of one": ([[0, 35, "A"], [0, 19, "B"], [14, 24, "C"]], ["A"], None, ["A"]),
}


@pytest.mark.parametrize("what", NESTED)
def test_of_spans_that_overlap_the_longest_innermost_or_outermost_are_kept(tmp_path, what):
    spans, *expected = NESTED[what]
    records = [{"text": "University of North Oslo Press Club", "spans": spans}]
    for how, labels in zip(("longest", "innermost", "outermost"), expected, strict=True):
        if labels is None:
            one = error(tmp_path, records, overlaps=how)
            assert one.code == "D111" and "`data.overlaps: longest`" in one.help
        else:
            found = corpora(tmp_path, records, overlaps=how)
            assert [label for _, label in mentions(found)[0]] == labels, how
            assert len(found.repairs) == len({tuple(span) for span in spans}) - len(labels)
    if len(expected[0]) < len(spans):
        assert error(tmp_path, records).code == "D111"


# --- properties

LETTERS = st.sampled_from(["a", "b", "Z", "é", "e\u0301", "ß", "र", "\u0947", "क", "ก", "م", "中", "7", "_"])
SYMBOLS = st.sampled_from(["😀", "👩‍👩‍👧", "🇫🇮", "1️⃣", ".", ",", "€", "𝒜", "-"])
BETWEEN = st.sampled_from([" ", "  ", "\n", "\u00a0"])
TEXTS = st.lists(st.one_of(LETTERS, SYMBOLS, BETWEEN), min_size=1, max_size=25).map("".join)


def size(text: str, unit: str) -> int:
    return {"characters": len(text), "bytes": len(text.encode()), "utf16": len(text.encode("utf-16-le")) // 2}[unit]


def sentence(record: dict[str, object], **keys: object):
    row = Row("f.jsonl", 1, record, json.dumps(record))
    config = SpansConfig(train="f.jsonl", **keys)
    return Records(config, Tokenizer.of(config), [row]).sentence(row, "train")


@given(TEXTS, st.data())
@settings(max_examples=300, deadline=None)
def test_offsets_in_every_unit_give_the_same_spans(text, data):
    bounds = Tokenizer().cut(text)[0]
    assume(bounds)
    borders = data.draw(st.sets(st.integers(0, len(bounds)), min_size=2).map(sorted))
    spans = [Span(one, other, "X") for one, other in zip(borders[::2], borders[1::2], strict=False)]
    for unit in ("characters", "utf16", "bytes"):
        for last in (0, 1):
            given_ = [
                {
                    "start": size(text[: bounds[span.start][0]], unit),
                    "end": size(text[: bounds[span.end - 1][1]], unit) - last,
                    "label": "X",
                    "text": text[bounds[span.start][0] : bounds[span.end - 1][1]],
                }
                for span in spans
            ]
            end = "inclusive" if last else "exclusive"
            found = sentence({"text": text, "spans": given_}, span_unit=unit, span_end=end)
            assert list(found.spans or ()) == spans
    for last in (0, 1):
        given_ = [{"start": span.start, "end": span.end - last, "label": "X"} for span in spans]
        end = "inclusive" if last else "exclusive"
        assert list(sentence({"text": text, "spans": given_}, span_unit="tokens", span_end=end).spans or ()) == spans
        listed = [text[start:stop] for start, stop in bounds]
        assert list(sentence({"tokens": listed, "spans": given_}, span_end=end).spans or ()) == spans


@given(TEXTS, st.integers(-2, 40), st.integers(-2, 40), TEXTS, st.data())
@settings(max_examples=500, deadline=None)
def test_a_span_with_a_surface_must_have_this_text(text, start, end, told, data):
    keys = {
        "span_unit": data.draw(st.sampled_from(["auto", "characters", "utf16", "bytes", "tokens"])),
        "span_end": data.draw(st.sampled_from(["exclusive", "inclusive"])),
        "span_base": data.draw(st.sampled_from([0, 1])),
        "strip_spans": data.draw(st.booleans()),
        "tokenize": data.draw(st.sampled_from(["words", "whitespace", "characters"])),
    }
    bounds = Tokenizer(keys["tokenize"]).cut(text)[0]
    if data.draw(st.booleans()):  # texts that may fit
        told = text[max(start, 0) : max(end, 0)]
    try:
        found = sentence({"text": text, "spans": [{"start": start, "end": end, "label": "X", "text": told}]}, **keys)
    except Unreadable as bad:
        assert bad.code in ("D106", "D109", "D110")
        return
    (span,) = found.spans or ()
    surface = text[bounds[span.start][0] : bounds[span.end - 1][1]]
    assert surface.split() == told.split()


def test_many_spans_of_a_long_text_are_read_in_time(tmp_path: Path):
    text = "word " * 20_000
    spans = [[5 * at, 5 * at + 4, "X"] for at in range(20_000)]
    assert len(read(tmp_path, [{"text": text, "spans": spans}])[0]) == 20_000
    spans = [[0, 5 * at + 4, "X"] for at in range(3_000)]
    assert len(read(tmp_path, [{"text": text, "spans": spans}], overlaps="innermost")[0]) == 1
    spans = [[5 * at, 5 * at + 9, "X"] for at in range(19_000)]
    assert len(read(tmp_path, [{"text": text, "spans": spans}], overlaps="longest")[0]) == 9_500


def test_a_span_of_a_blank_may_count_otherwise(tmp_path):
    one = error(tmp_path, [{"text": "\U0001f600 \U0001f600 b, Ann", "spans": [[6, 7, "X"], [9, 12, "X"]]}])
    assert one.code == "D110" and "starts and ends with white space" in one.message
    assert "`data.span_unit: utf16`" in one.help
