"""From lines to texts: what form they have, where tokens stand, and what is broken in its place."""

from __future__ import annotations

import itertools
import json

import pytest

from halluc.core.examples import Span
from halluc.data import texts, texts_rows
from halluc.data.rows.row import BadLine
from halluc.data.texts import InputText, in_chunks
from halluc.data.texts_fields import Fields
from halluc.data.texts_reading import read_texts
from halluc.data.texts_rows import with_delimiter
from halluc.data.texts_sniffing import sniff


def numbered(*contents: str) -> list:
    return list(enumerate(contents, 1))


def read(form, *contents: str, tokenize="words", **fields) -> list:
    return list(read_texts(numbered(*contents), form, tokenize, Fields(**fields)))


CONLL = ["Anna B-PER", "met O", "", "Oslo B-LOC"]


@pytest.mark.parametrize(
    ("contents", "form"),
    [
        (["", "  ", '{"text": "a"}'], "jsonl"),
        (['  {"broken'], "jsonl"),
        (["-DOCSTART- -X- O O"], "conll"),
        (CONLL, "conll"),
        (["EU NNP B-NP B-ORG", "rejects VBZ B-VP O"], "conll"),
        (["SOCCER O", "", "Oslo B-LOC", ""], "conll"),
        (["\tO", "met\tO"], "text"),  # one cell alone: --format conll says it
        (["Anna met Oslo ."], "text"),
        (["My blood group is O"], "text"),
        (["the vitamin B-12", "", "and so on"], "text"),
        (["group O", "blood group O"], "text"),
        (["Anna B-PER", "met nobody"], "text"),
        (["Anna", "met"], "text"),
        (["a {brace}"], "text"),
        ([], "text"),
        (["", ""], "text"),
    ],
)
def test_the_first_lines_tell_the_form(contents, form):
    found, lines = sniff(numbered(*contents))
    assert found == form
    assert list(lines) == numbered(*contents)


PAIRS = Fields(text="claim", second="proof")


@pytest.mark.parametrize(
    ("contents", "name", "fields", "form"),
    [
        (["text,label", "a,b"], "", Fields(), "csv"),
        (["", "label;text"], "", Fields(), "csv"),
        (["label\ttext\tid"], "", Fields(), "csv"),
        ([",text,label", "0,a,b"], "", Fields(), "csv"),  # as pandas writes it
        (['"text","label"'], "", Fields(), "csv"),
        (["text, and then", "a, b"], "", Fields(), "text"),
        (["text", "a, b"], "", Fields(), "text"),
        (["Anna, Berg", "a, b"], "", Fields(), "text"),
        (["a\tb", "c\td"], "", Fields(), "text"),
        (["0,1", "2,3"], "", Fields(text=1), "text"),
        (["a, b"], "x.csv", Fields(), "csv"),
        (["a, b"], "x.TSV.gz", Fields(), "csv"),
        (["a, b"], "csv", Fields(), "text"),
        (['{"text": "a"}'], "x.csv", Fields(), "jsonl"),
        (CONLL, "x.tsv", Fields(), "conll"),
        (["claim,proof,id"], "", PAIRS, "csv"),
        (["claim,text"], "", PAIRS, "text"),
    ],
)
def test_columns_are_told_by_name_or_header_and_never_by_a_comma(contents, name, fields, form):
    found, lines = sniff(numbered(*contents), fields, name)
    assert found == form
    assert list(lines) == numbered(*contents)


def test_tags_are_looked_for_where_they_mean_something():
    assert sniff(numbered(*CONLL), tags=False)[0] == "text"
    assert sniff(numbered("-DOCSTART- O"), tags=False)[0] == "text"


def test_of_columns_no_more_is_held_than_the_delimiter_takes():
    taken = []
    endless = (taken.append(number) or (number, "0,a text") for number in itertools.count(1))
    fields, lines = with_delimiter(endless, Fields(text=1), "input", lambda: False)
    assert (fields.delimiter, len(taken)) == (",", 200)
    chunks = in_chunks(read_texts(lines, "csv", "words", fields), 512, lambda: False)
    assert len(next(chunks)) == 512
    assert len(taken) == 512
    for waits, content, looked_at in ((True, "0,a text", 1), (False, "text,label", 1), (False, "x" * (1 << 21), 1)):
        taken.clear()
        endless = (taken.append(number) or (number, content) for number in itertools.count(1))
        with_delimiter(endless, Fields(text="text"), "input", lambda waits=waits: waits)
        assert len(taken) == looked_at


def test_a_cell_longer_than_a_text_may_be_is_told():
    fields = Fields(text=0, delimiter=",", most=9)
    found = list(read_texts(numbered('"aaaa', 'bbbbb"', "c"), "csv", "words", fields))
    assert [(one.code, one.line) if isinstance(one, BadLine) else one.text for one in found] == [("D114", 1), "c"]


@pytest.mark.parametrize(
    ("told", "as_told"),
    [
        ("see `data.delimiter` and `data.quoting`", "see `--delimiter` and `--no-quoting`"),
        ("did you mean `data.text_field: my text`?", "did you mean `--text-field 'my text'`?"),
        ("or set `data.quoting: false`", "or set `--no-quoting`"),
        ("number: `data.second_field: 0`", "number: `--second-field 0`"),
        (None, None),
    ],
)
def test_keys_of_a_config_are_told_as_options(told, as_told):
    assert texts_rows.as_options(told) == as_told


def test_a_broken_line_tells_nothing_and_is_kept():
    bad = BadLine("D104", "input", 1, "no UTF-8")
    found, lines = sniff([bad, (2, "{}")])
    assert found == "jsonl"
    assert next(lines) is bad


def test_the_form_is_decided_on_a_bounded_number_of_lines():
    endless = ((number, "") for number in itertools.count(1))
    found, lines = sniff(endless)
    assert found == "text"
    assert next(lines) == (1, "")
    tagged = ((number, "Oslo B-LOC") for number in itertools.count(1))
    assert sniff(tagged)[0] == "conll"
    taken = []
    sniff(taken.append(line) or line for line in [(1, "x" * 3_000_000 + " O"), (2, "y O"), (3, "z O")])
    assert len(taken) == 1


@pytest.mark.parametrize("tokenize", ["words", "whitespace", "characters"])
@pytest.mark.parametrize(
    "text", ["Anna  met\tOslo", "😀Oslo e\u0301 \u200b", "我在北京", "‏שלום עולם‎", "a\u2028b\u0085c", "\x00\x07 x"]
)
def test_tokens_are_the_text_between_their_bounds(text, tokenize):
    (found,) = read("text", text, tokenize=tokenize)
    assert found.text == text
    assert [text[start:end] for start, end in found.bounds] == list(found.tokens)
    assert found.characters(Span(0, len(found.tokens), "X")) == (found.bounds[0][0], found.bounds[-1][1])


def test_a_blank_text_has_no_tokens():
    for tokenize in ("words", "whitespace", "characters"):
        assert [t.tokens for t in read("text", "", " \t\u3000", "a", tokenize=tokenize)] == [(), (), ("a",)]
    assert read("jsonl", '{"text": " "}')[0].tokens == ()
    assert read("jsonl", '{"tokens": []}')[0].tokens == ()


def test_blank_lines_between_records_are_no_texts():
    assert [text.line for text in read("jsonl", '{"text": "a"}', "", '{"text": "b"}')] == [1, 3]


@pytest.mark.parametrize(
    ("record", "identity"),
    [
        ({"id": "x"}, "x"),
        ({"id": 7}, 7),
        ({"id": 1.5}, 1.5),
        ({"id": None}, "line-1"),
        ({}, "line-1"),
        ({"id": ""}, ""),
    ],
)
def test_an_id_is_kept_as_it_is_given(record, identity):
    (found,) = read("jsonl", json.dumps({"text": "a", **record}))
    assert found.id == identity
    assert type(found.id) is type(identity)


@pytest.mark.parametrize(
    "line",
    [
        "no json", "[1]", '{"a": 1', '{"text": 1}', '{"tokens": "a"}', '{"tokens": [1]}', '{"tokens": {}}', "{}",
        '{"tokens": ["a"], "text": 1}', '{"other": "a"}', '{"text": null}', '{"text": "a", "id": []}',
        '{"text": "a", "id": true}', '{"text": "a", "id": NaN}', '{"text": "a", "id": 1e999}', '{"text": "\\ud800"}',
        '{"tokens": ["\\ud800"]}', '{"text": "a", "text": "b"}', '{"text": "a", "x": ' + "[" * 100_000 + "}",
        '{"text": "a", "id": ' + "9" * 5000 + "}",
    ],
)  # fmt: skip
def test_a_broken_record_is_told_in_its_place(line):
    before, broken, behind = read("jsonl", '{"text": "a"}', line, '{"text": "b"}')
    assert (before.line, behind.line) == (1, 3)
    assert isinstance(broken, BadLine)
    assert (broken.code, broken.line) == ("D107", 2)
    assert "data." not in f"{broken.problem}{broken.help}"  # keys of a config, which predict has not


def test_gold_of_a_record_is_left_alone():
    (found,) = read("jsonl", '{"tokens": ["a"], "tags": ["B-X", "O"], "spans": "broken"}')
    assert found.tokens == ("a",)


@pytest.mark.parametrize(
    ("tokens", "text", "bounds"),
    [
        (["Anna", "met"], "Anna \n met", [(0, 4), (7, 10)]),
        (["a", " ", "b"], "a b", [(0, 1), (1, 2), (2, 3)]),
        (["", "a", "."], " a.", [(0, 0), (1, 2), (2, 3)]),
        (["a", "b"], "a, b", None),
        (["a", "b"], "a", None),
    ],
)
def test_given_tokens_are_found_in_the_text_that_stands_beside_them(tokens, text, bounds):
    (found,) = read("jsonl", json.dumps({"tokens": tokens, "text": text}))
    assert found.tokens == tuple(tokens)
    assert found.bounds == bounds
    assert found.text == (text if bounds else None)


def test_columns_are_sentences_of_their_first_cells():
    lines = ["-DOCSTART- O", "Anna  X B-PER", "\u00a0 O", "", "", "New York\tB-LOC", "\tO", "-DOCSTART- O", "word"]
    first, second, third = read("conll", *lines)
    assert (first.line, first.tokens) == (2, ("Anna", "\u00a0"))
    assert (second.line, second.tokens) == (6, ("New York", ""))
    assert (third.line, third.id, third.tokens, third.text) == (9, "line-9", ("word",), None)


def test_a_sentence_with_a_broken_line_is_broken_and_no_other():
    bad = BadLine("D104", "input", 2, "no UTF-8")
    found = list(read_texts([(1, "a O"), bad, (3, "b O"), (4, ""), (5, "c O")], "conll", "words"))
    assert found[0] is bad
    assert found[1:] == [InputText(5, "line-5", ("c",))]


def test_a_sentence_that_never_ends_is_told_and_not_kept():
    found = read("conll", *["word O"] * 10, "", "Oslo O", most=20)
    assert (found[0].code, found[0].line) == ("D114", 1)
    assert found[1].tokens == ("Oslo",)


def test_chunks_are_bounded_and_keep_the_order(monkeypatch):
    many = read("text", *(f"text {number}" for number in range(10)))
    chunks = list(in_chunks(many, 4, lambda: False))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert [item for chunk in chunks for item in chunk] == many
    assert [len(chunk) for chunk in in_chunks(many, 4, lambda: True)] == [1] * 10
    monkeypatch.setattr(texts, "_MOST_CHARACTERS", 13)  # two texts of six characters, and a third
    assert [len(chunk) for chunk in in_chunks(many, 4, lambda: False)] == [3, 3, 3, 1]
    tokens = [InputText(1, 1, ("abc", "def"))] * 4
    assert [len(chunk) for chunk in in_chunks(tokens, 4, lambda: False)] == [3, 1]


def test_no_more_is_held_than_a_chunk():
    taken = []
    endless = (taken.append(number) or (number, "a text") for number in itertools.count(1))
    chunks = in_chunks(read_texts(endless, "text", "words"), 512, lambda: False)
    assert len(next(chunks)) == 512
    assert len(taken) == 512
