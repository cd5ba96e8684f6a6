"""What people give for labelled texts by mistake: each is told with its line, what is wrong and what to do."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.checks import check_corpora
from halluc.data.corpora import read_corpora
from halluc.data.oddities import odd_labels
from halluc.data.reader import Repaired
from halluc.data.rows.row import BadLine
from halluc.engine.scratch import make_tokenizer
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.text_classification.reading.reader import TextsReader
from halluc.tasks.text_classification.wording import TEXTS

CSV = "text,label\nwhere is it,ask\na b,say\n"
RECORD = '{"text": "a b", "label": "say"}\n'


def config(**keys: Any) -> TextsConfig:
    return TextsConfig(**keys)


def read(folder: Path, content: str | bytes, name: str, suffix: str = "", **keys: Any) -> list[Labelled]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_corpora(config(train=f"{path}{suffix}", **keys), TABLE).splits["train"].examples)


@pytest.mark.parametrize(
    ("name", "content", "keys", "line", "wrong", "do"),
    [
        # Files that are no text, or damaged.
        ("d.csv", b"PK\x03\x04\x14\xff\n\xff\n", {}, 1, "not readable as a ZIP archive", "damaged"),
        ("d.csv", b"%PDF-1.4\n\xff", {}, 1, "a PDF file", "CSV or JSON Lines"),
        ("d.csv.gz", gzip.compress(CSV.encode() * 99, mtime=0)[:12], {}, 1, "not readable as gzip", "download it"),
        # Columns that are not there.
        ("d.csv", "a,b\na,x\n", {}, 2, "several could be the text: `a` or `b`", "for example `data.text_field: a`"),
        ("d.csv", CSV, {"second_field": "b"}, 2, "no field `b`; it has `text`, `label`", "data.second_field"),
        ("d.csv", CSV, {"text_field": "txt"}, 2, "no field `txt`", "did you mean `data.text_field: text`?"),
        ("d.csv", CSV, {"delimiter": ";"}, 2, "it has `text,label`", 'did you mean `data.delimiter: ","`?'),
        ("d.csv", CSV.replace(",", "\t"), {"delimiter": ","}, 2, "no field", "did you mean `data.delimiter: tab`?"),
        ("d.csv", "text,label\na,x,\n", {}, 2, "3 columns, but the first row has 2", "ends with a delimiter"),
        ("d.csv", 'text,label\n"a\nb\nc",x\n,x\n', {}, 5, "an empty text", "remove it"),
        # Pairs that nobody asked for.
        ("d.jsonl", '{"premise": "a", "hypothesis": "b", "label": 1}', {}, 1, "`premise` and `hypothesis` could both",
         "set `data.text_field: premise`, and for pairs `data.second_field: hypothesis`"),
        # Other forms than the name says.
        ("d.jsonl", CSV, {}, 1, "not readable as JSON", "check `data.format`"),
        ("d.jsonl", RECORD + "[1]\n", {}, 2, "not a JSON object", "`data.format: json`"),
        ("d.json", '{\n "text": "a",\n "label": "b"\n}\n', {}, 2, "a record over several lines", "JSON Lines"),
        ("d.json", '[["a", "x"],\n["b"]]', {}, 2, "an item must be [text, label], or an object", "fix it"),
        # Fields of the wrong kind.
        ("d.jsonl", '{"text": "a", "url": "x"}', {}, 1, "no field `label`; it has `text`, `url`", "an empty list"),
        ("d.jsonl", '{"text": "a", "x": 1, "y": 2}', {}, 1, "several could be the label: `x` or `y`", "label_field: x"),
        ("d.jsonl", '{"text": ["a", "b"], "label": "x"}', {}, 1, "`text` is a list", "use the field `tokens`"),
        ("d.jsonl", '{"tokens": ["a", 1], "label": "x"}', {}, 1, "not a list of strings", "fix it"),
        ("d.json", '[[["a", 1], "x"]]', {}, 1, "`text` is a list", "use the field `tokens`"),
        ("d.jsonl", '{"tokens": ["a", "b"], "label": "x"}', {"second_field": "b"}, 1, "no `second`", "fix it"),
        ("d.jsonl", '{"text": "a", "label": true}', {}, 1, "the label is true or false", "a string, a whole number"),
        ("d.jsonl", '{"text": "a", "label": "x", "id": [1]}', {}, 1, "`id` is a list", "data.id_field"),
        # Texts and labels that show nothing, or more than they say.
        ("d.csv", "text,label\n\u200b\u202e\x01,x\n", {}, 2, "no visible characters", "remove it"),
        ("d.csv", "text,label\na,\u200b\n", {}, 2, "a label without visible characters", "fix it"),
        ("d.csv", 'text,label\na,"two\nlines"\n', {}, 2, "a line break in a label", "fix it"),
        ("d.csv", "text,label\na,x\x1b[31my\n", {}, 2, "the control character U+001B in a label", "fix it"),
        ("d.csv", "text,label\na,x\u202ey\n", {}, 2, "U+202E in a label", "fix it"),
        ("d.csv", f"text,label\na,{'y' * 5_000_000}\n", {}, 2, "a label with 5,000,000 characters", "this is the text"),
    ],
)  # fmt: skip
def test_each_is_reported_with_its_line_and_what_to_do(tmp_path, name, content, keys, line, wrong, do):
    with pytest.raises(HallucError) as caught:
        read(tmp_path, content, name, **keys)
    first = caught.value.errors[0] if isinstance(caught.value, ManyErrors) else caught.value
    assert first.exit_code == 3
    assert (first.where.file, first.where.line) == (str(tmp_path / name), line)
    assert wrong in first.message
    assert do in first.help


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("d.txt", CSV, {}),  # a header that names both columns is enough
        ("d.csv", CSV.replace(",", "\t"), {"delimiter": "tab"}),
        ("d.csv", CSV.replace(",", "\t"), {"delimiter": "\\t"}),
        ("d.csv", CSV.replace(",", "|"), {}),
        ("d.csv", CSV.replace("\n", "\r\n"), {}),
        ("d.ndjson", '{"text": "where is it", "label": "ask", "id": null}\n{"text": "a b", "label": "say"}', {}),
    ],
)  # fmt: skip
def test_what_is_clear_is_read(tmp_path, name, content, keys):
    found = [(" ".join(one.tokens), one.labels) for one in read(tmp_path, content, name, **keys)]
    assert found == [("where is it", ("ask",)), ("a b", ("say",))]


def test_keys_name_lists_of_one_json_object_alone(tmp_path):
    with pytest.raises(HallucError) as caught:
        read(tmp_path, CSV, "d.csv", "#train")
    assert caught.value.code == "D116"
    assert "selects lists of a JSON object" in caught.value.help


def test_odd_but_readable_labels_are_labels(tmp_path):
    labels = ["__proto__", "<script>", "a/b", "../../etc", "a|b", "ярлык", "👩‍👩‍👧", "0", "x" * 1000]
    found = read(tmp_path, "".join(json.dumps({"text": "a", "label": one}) + "\n" for one in labels), "d.jsonl")
    assert [one.labels for one in found] == [(label,) for label in labels]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)
FIELDS = st.sampled_from(["text", "tokens", "second", "b", "label", "id"])


@given(st.lists(st.dictionaries(FIELDS, VALUES, min_size=1), min_size=1, max_size=4), st.sampled_from([None, "b"]))
def test_no_record_crashes_the_reader(tmp_path_factory, records, second):
    path = tmp_path_factory.getbasetemp() / "records.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    chosen = config(train=str(path), format="jsonl", second_field=second, multi_separator="|")
    items = list(TextsReader(chosen).read(str(path), "train"))
    examples = [one.example if isinstance(one, Repaired) else one for one in items if not isinstance(one, BadLine)]
    assert len(items) == len(records)
    assert all(any(token.strip() for token in one.tokens) and all(map(str.strip, one.labels)) for one in examples)
    assert all(one.second is not None for one in examples) or second is None


# --- labels that are perhaps not meant so ------------------------------------------------------------------------


def test_labels_that_look_alike_are_reported():
    (told,) = odd_labels({"train": {"pay": 3, "go": 2}, "test": {"Pay ": 1, "P ay": 2, "go": 1}})
    assert "`P ay` (2) and `Pay ` (1) and `pay` (3)" in told
    assert not list(odd_labels({"train": {"pay": 3, "go": 2}, "test": {"pay": 1}}))


def test_a_label_for_every_text_is_reported(tmp_path):
    lines = [f"text{n} label" for n in range(12)]  # the text stands first
    path = tmp_path / "train.txt"
    path.write_text("\n".join(lines))
    report = check_corpora(read_corpora(config(train=str(path)), TABLE), TEXTS)
    assert any("12 of 12 labels occur only once" in warning for warning in report.warnings)
    assert not list(odd_labels({"train": {f"l{n}": 1 + n % 2 for n in range(12)}}))


def test_a_header_in_the_middle_is_reported(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(CSV + "text,label\n")
    report = check_corpora(read_corpora(config(train=str(path)), TABLE), TEXTS)
    assert f"{path}:4: this row equals the header; remove it, and others like it" in report.warnings


def test_the_error_of_a_shared_file_names_the_key_that_is_set(tmp_path):
    with pytest.raises(HallucError) as caught:
        read_corpora(config(train=str(tmp_path), dev_share=0.1), TABLE)
    assert caught.value.help.startswith("`data.train` must be a regular file")


def test_an_out_of_scope_label_that_never_occurs_is_reported():
    chosen, labels = config(train="a", out_of_scope_label="oss"), {"train": {"oos": 3, "pay": 2}}
    (told,) = chosen.unmet(labels, 0)
    assert "`oss`" in told
    assert "did you mean `oos`?" in told
    assert not list(chosen.unmet(labels, 3))
    assert not list(config(train="a").unmet(labels, 0))


def test_a_word_of_megabytes_teaches_a_tokenizer_nothing():
    plain, odd = (make_tokenizer([["anna", "left"], *more], 60) for more in ([], [["w" * 1_000_000]]))
    assert odd.get_vocab() == plain.get_vocab()
    assert odd.tokenize("w" * 101) == ["[UNK]"]
