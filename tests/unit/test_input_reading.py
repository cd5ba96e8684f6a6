"""From a stream to texts to predict on: what format it has, where tokens stand, and what is broken in its place."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.core.examples import Span
from halluc.data import inputs
from halluc.data.inputs import InputText, in_chunks
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import TextStream
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.workflows.input_reading import Reading, options_help

# What is asked of a task here; columns of tokens are looked for where they mean something.
OF_TEXTS = SimpleNamespace(name="text_classification", examples=SimpleNamespace(takes_pairs=True, formats=("jsonl",)))
OF_TOKENS = SimpleNamespace(
    name="text_classification", examples=SimpleNamespace(takes_pairs=True, formats=("jsonl", "conll"))
)


def opened(content, form=None, *, name="input", task=OF_TOKENS, stream=None, **options):
    """How the input is read, in words, and its texts."""
    data = {key: options.pop(key) for key in list(options) if key in ("id_field", "max_line_bytes")}
    reading = Reading(options, form)
    reader = reading.reader(task, TextsConfig(train="x", **data))
    content = content if isinstance(content, bytes) else content.encode()
    source = TextStream(stream or io.BytesIO(content), name, reader.config.max_line_bytes, reader.config.encoding)
    return reading.texts(source, reader, task, lambda _: None)


def read(form, *contents: str, **keys) -> list:
    return list(opened("\n".join(contents), form, **keys)[1])


CONLL = ["Anna B-PER", "met O", "", "Oslo B-LOC"]


@pytest.mark.parametrize(
    ("contents", "form"),
    [
        (["", "  ", '{"text": "a"}'], "jsonl"),
        (['  {"broken'], "jsonl"),
        (['[{"text": "a"},', '{"text": "b"}]'], "json"),
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
def test_the_first_lines_show_the_form(contents, form):
    told, _ = opened("\n".join(contents))
    assert told.split(",")[0] == f"read as {form}"


PAIRS = {"text_field": "claim", "second_field": "proof"}


@pytest.mark.parametrize(
    ("contents", "name", "fields", "form"),
    [
        (["text,label", "a,b"], "", {}, "csv"),
        (["", "label;text"], "", {}, "csv"),
        (["label\ttext\tid"], "", {}, "csv"),
        ([",text,label", "0,a,b"], "", {}, "csv"),  # as pandas writes it
        (['"text","label"'], "", {}, "csv"),
        (["text, and then", "a, b"], "", {}, "text"),
        (["text", "a, b"], "", {}, "text"),
        (["Anna, Berg", "a, b"], "", {}, "text"),
        (["a\tb", "c\td"], "", {}, "text"),
        (["0,1", "2,3"], "", {"text_field": "1"}, "csv"),  # an option speaks of columns
        (["a, b"], "x.csv", {}, "csv"),
        (["a, b"], "x.TSV.gz", {}, "csv"),
        (["a, b"], "csv", {}, "text"),
        (['{"text": "a"}'], "x.jsonl", {}, "jsonl"),
        (["claim,proof,id"], "", PAIRS, "csv"),
    ],
)
def test_columns_are_recognised_by_name_or_header_and_never_by_a_comma(contents, name, fields, form):
    told, _ = opened("\n".join(contents), name=name, task=OF_TEXTS, **fields)
    assert told.split(",")[0].removesuffix(" (pairs)") == f"read as {form}"


def test_what_the_runs_own_data_has_for_columns_makes_no_columns():
    data = TextsConfig(train="x", text_field=0, label_field=1, delimiter=",", header=True)
    reading = Reading({})
    reader = reading.reader(OF_TEXTS, data)
    told, found = reading.texts(TextStream(io.BytesIO(b"a, b\nc, d\n"), "input"), reader, OF_TEXTS, print)
    assert (told, [text.text for text in found]) == ("read as text, texts split into words", ["a, b", "c, d"])


def test_texts_are_cut_as_the_runs_own_were():
    reading = Reading({})
    reader = reading.reader(OF_TEXTS, TextsConfig(train="x", tokenize="characters"))
    told, (text,) = reading.texts(TextStream(io.BytesIO(b"ab"), "input"), reader, OF_TEXTS, print)
    assert (told, text.tokens) == ("read as text, texts split into characters", ("a", "b"))


def test_tags_are_looked_for_where_they_mean_something():
    assert opened("\n".join(CONLL), task=OF_TEXTS)[0].startswith("read as text")
    assert opened("-DOCSTART- O", task=OF_TEXTS)[0].startswith("read as text")


class Endless(io.RawIOBase):
    """A stream of the same line without end, which counts the blocks that are taken."""

    def __init__(self, line: str) -> None:
        self.line, self.taken = line.encode(), 0

    def read1(self, size: int = -1) -> bytes:
        self.taken += 1
        return self.line * max(1, 1000 // len(self.line))


@pytest.mark.parametrize(("line", "form"), [("a text\n", "text"), ("0,a text\n", "csv"), ('{"text": "a"}\n', "jsonl")])
def test_no_more_is_read_than_a_chunk_and_what_shows_the_format(line, form):
    stream = Endless(line)
    options = {"text_field": "1", "delimiter": ","} if form == "csv" else {}
    told, items = opened("", stream=stream, task=OF_TEXTS, **options)
    assert told.startswith(f"read as {form}")
    assert len(next(in_chunks(items, 512, lambda: False))) == 512
    assert stream.taken < 40


def test_the_form_is_decided_on_a_bounded_number_of_lines():
    stream = Endless("\n")
    assert opened("", stream=stream)[0].startswith("read as text")
    assert opened("", stream=Endless("Oslo B-LOC\n"))[0].startswith("read as conll")


@pytest.mark.parametrize(
    ("told", "as_told"),
    [
        ("see `data.delimiter` and `data.quoting`", "see `--delimiter` and `--no-quoting`"),
        ("did you mean `data.text_field: my text`?", "did you mean `--text-field 'my text'`?"),
        ("or set `data.quoting: false`", "or set `--no-quoting`"),
        ("with `data.header: true`", "with `--header`"),
        (
            "name the encoding: `data.encoding: latin-1` (or cp1252)",
            "name the encoding: `--encoding latin-1` (or cp1252)",
        ),
        ('did you mean `data.delimiter: ","`?', "did you mean `--delimiter ,`?"),
        ("number: `data.second_field: 0`", "number: `--second-field 0`"),
        ("remove it, or set `data.on_bad_line: skip`", "remove it"),
        ("or raise `data.max_line_bytes`", "or raise `max_line_bytes` in the config of the run"),
        (None, None),
    ],
)
def test_keys_of_a_config_are_reported_as_options(told, as_told):
    assert options_help(told) == as_told


def test_a_broken_line_is_preserved_without_a_report():
    first, second = opened(b'\xff\n{"text": "a"}')[1]
    assert (first.code, first.line, second.text) == ("D104", 1, "a")
    assert "--encoding" in first.help


@pytest.mark.parametrize(
    ("content", "right"),
    [
        ("sentence\na\n", ["a"]),
        ("id,frage\n1,a\n", ["a"]),
        ("id,frage,label\n1,a,x\n", ["a"]),
        ("where is it\na\n", "set `--text-field 'where is it'`, or `--text-field 0` without a header"),
        (
            "frage,antwort\na,b\n",
            "set one, for example `--text-field frage`; for CSV without a header, set numbers, for example "
            "`--text-field 1`",
        ),
    ],
)
def test_fields_are_guessed_as_in_training_and_a_text_is_no_header(content, right):
    items = opened(content, name="x.csv", task=OF_TEXTS)[1]
    if isinstance(right, list):
        assert [item.text for item in items] == right
    else:
        with pytest.raises(HallucError) as caught:
            list(items)
        assert (caught.value.code, caught.value.help) == ("D116", right)


@pytest.mark.parametrize(
    ("encoding", "content"), [("latin-1", "caf\xe9".encode("latin-1")), ("utf-16", "café".encode("utf-16"))]
)
def test_an_encoding_is_an_option(encoding, content):
    (found,) = opened(content, encoding=encoding)[1]
    assert found.text == "café"
    with pytest.raises(HallucError, match="is not an encoding") as caught:
        opened(content, encoding="latin-99")
    assert caught.value.code == "C016"


def test_items_of_a_json_document_are_distinguished_by_their_number():
    found = read(None, '[{"text": "a"}, {"text": "b", "id": 7}, {"text": 1},', '["c"], ["d", "label"]]')
    told = [one.id if isinstance(one, InputText) else one.code for one in found]
    assert told == ["item-1", 7, "D107", "item-4", "item-5"]
    assert [one.line for one in found] == [1, 1, 1, 2, 2]


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
        ({"id": ""}, "line-1"),
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
def test_a_broken_record_is_reported_in_its_place(line):
    before, broken, behind = read("jsonl", '{"text": "a"}', line, '{"text": "b"}')
    assert (before.line, behind.line) == (1, 3)
    assert isinstance(broken, BadLine)
    assert (broken.code, broken.line) == ("D107", 2)
    assert broken.help
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
def test_given_tokens_are_located_in_the_text_of_the_record(tokens, text, bounds):
    (found,) = read("jsonl", json.dumps({"tokens": tokens, "text": text}))
    assert found.tokens == tuple(tokens)
    assert found.bounds == bounds
    assert found.text == (text if bounds else None)


def test_columns_are_sentences_of_their_first_cells():
    first, second = read("conll", "-DOCSTART- O", "Anna  B-PER", "\u00a0 O", "", "", "-DOCSTART- O", "word O")
    assert (first.line, first.tokens) == (2, ("Anna", "\u00a0"))
    assert (second.line, second.id, second.tokens, second.text) == (7, "line-7", ("word",), None)
    (tabs,) = read("conll", "New York\tB-LOC", "\tO")
    assert (tabs.line, tabs.tokens) == (1, ("New York", ""))
    alone = read("conll", "Anna", "met", "", "Oslo")
    assert [text.tokens for text in alone] == [("Anna", "met"), ("Oslo",)]


def test_a_sentence_with_a_broken_line_is_broken_and_no_other():
    bad, sound = opened(b"a O\n\xff\nb O\n\nc O", "conll")[1]
    assert (bad.code, bad.line) == ("D104", 2)
    assert (sound.line, sound.id, sound.tokens) == (5, "line-5", ("c",))


def test_an_endless_sentence_is_reported_and_not_stored():
    found = read("conll", *["word O"] * 300, "", "Oslo O", max_line_bytes=1024)
    assert (found[0].code, found[0].line) == ("D114", 1)
    assert found[1].tokens == ("Oslo",)


def test_chunks_are_bounded_and_keep_the_order(monkeypatch):
    many = read("text", *(f"text {number}" for number in range(10)))
    chunks = list(in_chunks(many, 4, lambda: False))
    assert [len(chunk) for chunk in chunks] == [4, 4, 2]
    assert [item for chunk in chunks for item in chunk] == many
    assert [len(chunk) for chunk in in_chunks(many, 4, lambda: True)] == [1] * 10
    monkeypatch.setattr(inputs, "_MOST_CHARACTERS", 13)  # two texts of six characters, and a third
    assert [len(chunk) for chunk in in_chunks(many, 4, lambda: False)] == [3, 3, 3, 1]
    tokens = [InputText(1, 1, ("abc", "def"))] * 4
    assert [len(chunk) for chunk in in_chunks(tokens, 4, lambda: False)] == [3, 1]


@given(
    st.binary(max_size=80) | st.text(st.sampled_from('ab,\t"\n \0{}[]:ü\r'), max_size=80).map(str.encode),
    st.sampled_from([None, "text", "jsonl", "json", "csv", "conll"]),
    st.sampled_from([{}, {"second_field": "b"}, {"text_field": "0"}]),
)
def test_no_input_crashes_the_reading_and_all_lines_are_accounted_for(content, form, options):
    if form in ("text", "conll") or "second_field" in options:
        options = {} if form in ("text", "conll") else options
    try:
        found = list(opened(content, form, **options)[1])
    except HallucError as error:
        assert error.code in ("D103", "D104", "D113", "D116", "D117", "D118")
        assert "data." not in (error.help or "")
        return
    lines = [one.line for one in found]
    assert lines == sorted(lines)
    assert all("`data." not in (one.help or "") for one in found if isinstance(one, BadLine))
