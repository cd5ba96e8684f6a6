"""Labelled texts in all their forms, and what is said of those that cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.components import TABLE
from halluc.core.errors import EXIT_DATA, HallucError, ManyErrors
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora, read_corpora, stream_corpora
from halluc.data.reader import Repaired
from halluc.data.rows.delimited import DELIMITERS, Cells, cut
from halluc.data.rows.row import BadLine
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.text_classification.reading.reader import TextsReader
from halluc.tasks.text_classification.wording import TEXTS


def config(**keys: Any) -> TextsConfig:
    return TextsConfig(**keys)


def read(folder: Path, content: str | bytes, name: str = "dev.csv", suffix: str = "", **keys: Any) -> Corpora:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_corpora(config(dev=f"{path}{suffix}", **keys), TABLE)


def texts(found: Corpora) -> list[tuple[str, tuple[str, ...]]]:
    return [(" ".join(one.tokens), one.labels) for one in found.splits["dev"]]


def errors(folder: Path, content: str | bytes, *args: Any, **keys: Any) -> list[HallucError]:
    with pytest.raises(HallucError) as caught:
        read(folder, content, *args, **keys)
    assert caught.value.exit_code == EXIT_DATA
    return list(caught.value.errors) if isinstance(caught.value, ManyErrors) else [caught.value]


def places(told: Sequence[HallucError]) -> list[tuple[str, int | None]]:
    return [(one.code, one.where.line if one.where else None) for one in told]


TWO = [("where is it", ("ask",)), ("a b", ("say",))]


@pytest.mark.parametrize(
    ("name", "content", "keys"),
    [
        ("d.jsonl", '{"text": "where is it", "label": "ask"}\n\n{"text": "a b", "label": "say"}\n', {}),
        ("d.json", '{"text": "where is it", "label": "ask"}\n{"text": "a b", "label": ["say"]}', {}),
        ("d.csv", "text,label\nwhere is it,ask\na b,say\n", {}),
        ("d.csv", 'label,id,text\nask,1,"where is it"\nsay,2,"a b"', {}),
        ("d.tsv", "label\ttext\nask\twhere is it\nsay\ta b\n", {}),
        ("d.csv", "utt;intent;x\nwhere is it;ask;,\na b;say;,,\n", {"text_field": "utt", "label_field": "intent"}),
        ("d.txt", "where is it\task\na b\tsay\n", {"text_field": 0, "label_field": 1}),
        ("d.dat", "ask|where is it\nsay|a b\n", {"delimiter": "|", "text_field": 1, "label_field": 0}),
        ("d.dat", "x|y\nask|where is it\nsay|a b\n", {"text_field": 1, "label_field": 0, "header": True}),
        ("d.txt", "ask where is it\nsay  a b\n", {}),
        ("d.txt", "ask\twhere is it\nsay\ta b\n", {"format": "lines"}),
        ("d.json", '{"a": [["where is it", "ask"],\n ["a b", "say"]]}', {}),
        ("d.json", '[{"text": "where is it", "label": "ask"},\n{"text": "a b", "label": "say"}]', {}),
        ("d.jsonl", '{"tokens": ["where", "is", "it"], "label": "ask"}\n{"tokens": ["a", "b"], "label": "say"}', {}),
    ],
)  # fmt: skip
def test_every_form_is_distinguished_and_read(tmp_path, name, content, keys):
    for data in (content, f"\ufeff{content}", content.replace("\n", "\r\n"), gzip.compress(content.encode())):
        assert texts(read(tmp_path, data, name, **keys)) == TWO
    found = read(tmp_path, content, name, **keys)
    streamed = list(stream_corpora(config(dev=str(tmp_path / name), **keys), TABLE)["dev"])
    assert streamed == list(found.splits["dev"].examples)
    assert len({one.id for one in streamed}) == 2


def test_lists_are_chosen_by_key_in_the_order_of_the_file(tmp_path):
    made = {"out": [["c", "oos"]], "rest": {"no": "list"}, "train": [["a", "x"], ["b", "y"]]}
    found = read(tmp_path, json.dumps(made, indent=1), "d.json", "#train+out", out_of_scope_label="oos")
    assert texts(found) == [("c", ()), ("a", ("x",)), ("b", ("y",))]
    assert [one.origin.line for one in found.splits["dev"]] == [3, 12, 16]
    assert [one.id for one in found.splits["dev"]] == ["dev-1", "dev-2", "dev-3"]
    assert found.files == [tmp_path / "d.json"]
    (error,) = errors(tmp_path, json.dumps(made), "d.json", "#trian")
    assert (error.code, error.help) == ("D116", "did you mean `#train`?")
    found = read(tmp_path, json.dumps(made), "d.json", out_of_scope_label="oos")  # what is no list is left alone
    assert texts(found) == [("c", ()), ("a", ("x",)), ("b", ("y",))]
    (error,) = errors(tmp_path, "a b\n", "d.txt", "#train", format="lines")
    assert error.code == "D116"


def test_a_file_that_is_named_so_has_no_keys(tmp_path):
    assert texts(read(tmp_path, "x a\n", "c#2.txt")) == [("a", ("x",))]


def test_quotes_hold_delimiters_lines_and_quotes(tmp_path):
    content = 'text,label\n"a, ""b""\nc\r\nd",x\ne "f" g,y\n"",\n"h","z"\n'
    found = read(tmp_path, content, tokenize="whitespace", on_bad_line="skip")
    assert texts(found) == [('a, "b" c d', ("x",)), ('e "f" g', ("y",)), ("h", ("z",))]
    assert [one.origin.line for one in found.splits["dev"]] == [2, 5, 7]
    plain = read(tmp_path, 'text\tlabel\n"a\tx\n', "d.tsv", quoting=False, tokenize="whitespace")
    assert texts(plain) == [('"a', ("x",))]


@given(
    st.lists(st.lists(st.text(st.sampled_from('ab,;\t|" \n'), max_size=6), min_size=2, max_size=3), max_size=5),
    st.sampled_from(DELIMITERS),
)
def test_rows_are_those_of_the_csv_module(table, delimiter):
    held = io.StringIO()
    csv.writer(held, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(table)
    lines = list(enumerate(held.getvalue().split("\n")[:-1], 1))
    found = list(cut(lines, delimiter, True, "f", 1 << 20))
    table = [cells for cells in table if len(cells) > 1 or cells[0].strip()]
    assert [row.cells for row in found if isinstance(row, Cells)] == table
    starts = [1]
    for cells in table:
        starts.append(starts[-1] + 1 + sum(cell.count("\n") for cell in cells))
    assert [row.line for row in found] == starts[:-1]


@given(st.text(st.sampled_from('ab,\t"\n \0{}[]:ü'), max_size=60), st.sampled_from(["auto", "csv", "jsonl", "json"]))
def test_no_file_crashes_the_reader(tmp_path_factory, content, form):
    path = tmp_path_factory.getbasetemp() / "fuzz.txt"
    path.write_text(content, encoding="utf-8")
    chosen = config(dev=str(path), format=form, text_field=0, label_field=1)
    try:
        items = list(TextsReader(chosen).read(str(path), "dev"))
    except HallucError as error:
        assert error.code in ("D116", "D117")
        return
    examples = [one.example if isinstance(one, Repaired) else one for one in items if not isinstance(one, BadLine)]
    assert items
    assert all(one.tokens and len(one.labels) < 2 for one in examples)
    assert len({one.id for one in examples}) == len(examples)


@pytest.mark.parametrize(
    ("name", "content", "keys", "wanted"),
    [
        ("d.csv", 'text,label\na,x\n"b,y\nc,z\n', {}, [("D118", 3)]),
        ("d.csv", 'text,label\n"a"b,x\nc,z\n', {}, [("D118", 2)]),
        ("d.csv", "text,label\na,x,y\nb\n", {}, [("D113", 2), ("D113", 3)]),
        ("d.csv", "text,text,label\n", {}, [("D116", 1)]),
        ("d.csv", "a,b\na,x\n", {}, [("D116", 2)]),
        ("d.csv", "a,b\nc,d\n", {"text_field": 0, "label_field": 5, "delimiter": ","}, [("D116", 1)]),
        ("d.csv", "just a text\nanother\n", {}, [("D116", 2)]),
        ("d.csv", "text,label\n,x\n ,x\na,\n", {}, [("D106", 2), ("D123", 4)]),
        ("d.csv", "text,label\na\0b,x\na,x\0\n", {}, [("D119", 2), ("D119", 3)]),
        ("d.csv", "text,b,label\na,,x\n", {"second_field": "b"}, [("D106", 2)]),
        ("d.csv", "text,label\na,x|oos\n", {"multi_separator": "|", "out_of_scope_label": "oos"}, [("D123", 2)]),
        ("d.csv", "", {}, [("D102", 1)]),
        ("d.csv", "text,label\n", {}, [("D102", 1)]),
        ("d.txt", "\n\n", {}, [("D102", 1)]),
        ("d.txt", "ask where\nask\n no label\n", {}, [("D106", 2), ("D123", 3)]),
        ("d.txt", b"ask caf\xe9\n", {}, [("D104", 1)]),
        ("d.txt", "a: b\n:c d\n", {"label_separator": ":", "label_level": 1}, [("D123", 1)]),
        ("d.jsonl", '{"text": "a"}\n{"text": "a", "label": null}\n', {}, [("D116", 1), ("D123", 2)]),
        ("d.jsonl", '{"txt": 2, "label": "x"}\n{"text": 1, "label": "x"}\n', {}, [("D116", 1), ("D107", 2)]),
        ("d.jsonl", '{"text": "a", "label": 1.5}\n{"text": "a", "label": true}\n', {}, [("D107", 1), ("D107", 2)]),
        ("d.jsonl", '{"text": "a", "label": ["x", ""]}\n{"text": "a", "label": {}}', {}, [("D123", 1), ("D107", 2)]),
        ("d.jsonl", '{"text": "\\ud800", "label": "x"}\n{"text": "a\\u0000", "label": "x"}',
         {}, [("D107", 1), ("D119", 2)]),
        ("d.jsonl", '{"text": "a", "label": "x", "id": 7}\n{"text": "b", "label": "x", "id": 7}', {}, [("D112", 2)]),
        ("d.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": "x", "id": "dev-1"}', {}, [("D112", 2)]),
        ("d.jsonl", '{"text": "b", "label": "x", "id": "dev-2"}\n{"text": "a", "label": "x"}', {}, [("D112", 2)]),
        ("d.jsonl", '{"tokens": ["a", "b"], "second": 2, "label": "x"}', {}, [("D107", 1)]),
        ("d.jsonl", '{"tokens": [], "label": "x"}\n{"tokens": "a", "label": "x"}', {}, [("D106", 1), ("D107", 2)]),
        ("d.jsonl", '{"text": "a", "text": "b", "label": "x"}\n{', {}, [("D107", 1), ("D107", 2)]),
        ("d.jsonl", '{"text": "a", "label": "x"}\n', {"second_field": "other"}, [("D116", 1)]),
        ("d.json", '{"a": [["x", "y"],\n["z"],\n["", "y"],\n{"text": "q", "text": "r", "label": "s"}]}',
         {}, [("D107", 2), ("D106", 3), ("D107", 4)]),
        ("d.json", '{"a": [["x", "y"],\n["\\ud800", "y"],\n["x" "y"]]}', {}, [("D107", 2), ("D107", 3)]),
        ("d.json", '{"a": [["x", "y"]],\n"a": []}', {}, [("D107", 2)]),
        ("d.json", '{\n"a": ' + "[" * 100_000, {}, [("D107", 2)]),
        ("d.json", '{\n"a": [["x", ' + "1" * 5000 + "]]}", {}, [("D107", 2)]),
        ("d.json", '[["x", "y"]] {}', {}, [("D107", 1)]),
        ("d.json", "nothing", {}, [("D107", 1)]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_reported_with_its_line(tmp_path, name, content, keys, wanted):
    told = errors(tmp_path, content, name, **keys)
    assert places(told) == wanted
    assert all(one.help or one.code in ("D107", "D112") for one in told)


def test_bad_lines_may_be_left_out(tmp_path):
    found = read(tmp_path, 'text,label\na,x\n,x\nb,y,z\nc,z\n"d,z\n', on_bad_line="skip")
    assert texts(found) == [("a", ("x",)), ("c", ("z",))]
    assert [one.line for one in found.skipped] == [3, 4, 6]


def test_an_unreadable_line_inside_quotes_loses_its_row_alone(tmp_path):
    found = read(tmp_path, b'text,label\n"a\n\xff\nb",x\nc,y\n', on_bad_line="skip")
    assert texts(found) == [("c", ("y",))]
    assert [one.line for one in found.skipped] == [3]


def test_labels_are_stripped_and_reported(tmp_path):
    found = read(tmp_path, "text,label\na, x \nb,x\n")
    assert texts(found) == [("a", ("x",)), ("b", ("x",))]
    assert [(one.line, one.what) for one in found.repairs] == [(2, "white space around the label `x`")]
    report = check_corpora(found, TEXTS)
    assert any("1 label was repaired" in warning for warning in report.warnings)


def test_several_labels_are_sorted_and_may_be_none(tmp_path):
    found = read(tmp_path, "text,label\na,y; x\nb,\nc,x;x\n", multi_separator=";")
    assert texts(found) == [("a", ("x", "y")), ("b", ()), ("c", ("x",))]
    assert [one.what for one in found.repairs] == ["the label `x` is repeated"]
    lists = read(tmp_path, '{"text": "a", "label": ["y", "x"]}\n{"text": "b", "label": []}\n', "d.jsonl")
    assert texts(lists) == [("a", ("x", "y")), ("b", ())]


def test_labels_may_be_cut_to_a_level(tmp_path):
    keys = {"label_separator": ":", "label_level": 1}
    assert texts(read(tmp_path, "A:b:c t\nA t\n", "d.txt", **keys)) == [("t", ("A",)), ("t", ("A",))]
    keys["label_level"] = 2
    assert texts(read(tmp_path, "A:b:c t\n", "d.txt", **keys)) == [("t", ("A:b",))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.tsv", "text\tb\tlabel\na b\tc\tx\n"),
        ("p.jsonl", '{"text": "a b", "b": "c", "label": "x"}'),
        ("p.jsonl", '{"tokens": ["a", "b", "c"], "second": 2, "label": ["x"]}'),
        ("p.json", '{"all": [["a b", "c", "x"]]}'),
    ],
)
def test_pairs_know_where_the_second_text_begins(tmp_path, name, content):
    (one,) = read(tmp_path, content, name, second_field="b").splits["dev"]
    assert (one.tokens, one.second, one.labels) == (("a", "b", "c"), 2, ("x",))


def test_what_augmentation_writes_is_read_without_any_option(tmp_path):
    record = {"id": "train-7~1", "tokens": ["a", "b"], "second": None, "label": []}
    (one,) = read(tmp_path, json.dumps(record), "train.jsonl").splits["dev"]
    assert (one.id, one.tokens, one.second, one.labels) == ("train-7~1", ("a", "b"), None, ())


def test_characters_are_tokens_of_texts_without_spaces(tmp_path):
    found = read(tmp_path, "好的 吗\tx\n", "d.tsv", text_field=0, label_field=1, tokenize="characters")
    assert found.splits["dev"].examples[0].tokens == ("好", "的", " ", "吗")
    assert not any("invisible" in warning for warning in check_corpora(found, TEXTS).warnings)


# --- out of scope ----------------------------------------------------------------------------------------------


def test_a_label_names_what_is_out_of_scope(tmp_path):
    found = read(tmp_path, "text,label\na,oos\nb,x\n", out_of_scope_label="oos")
    assert texts(found) == [("a", ()), ("b", ("x",))]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.txt", "\nwhat is this\n"),
        ("o.txt", "\nwhat\tis this\n"),
        ("o.csv", "n,text\n1,what is this\n"),
        ("o.jsonl", '\n{"text": "what is this"}\n'),
        ("o.json", '{\n"a": ["what is this"]}'),
        ("o.json", '{\n"a": [["what is this", "oos"]]}'),
    ],
)
def test_a_file_brings_texts_out_of_scope(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    labelled = tmp_path / "dev.csv"
    labelled.write_text("text,label\na,x\n")
    chosen = config(
        dev=str(labelled), test=str(labelled), out_of_scope={"dev": str(tmp_path / name)}, out_of_scope_label="oos"
    )
    found = read_corpora(chosen, TABLE)
    assert texts(found) == [("a", ("x",)), ("what is this", ())]
    assert len(found.splits["test"]) == 1
    one = found.splits["dev"].examples[1]
    assert (one.origin.file, one.origin.line) == (str(tmp_path / name), 2)
    assert one.id == ("dev-oos-1" if name == "o.json" else "dev-oos-2")
    assert found.files == [labelled, tmp_path / name]
    assert chosen.paths() == [labelled, tmp_path / name, labelled]


def test_one_file_out_of_scope_is_for_test(tmp_path):
    (tmp_path / "o.txt").write_text("what\n")
    (tmp_path / "t.csv").write_text("text,label\na,x\n")
    both = str(tmp_path / "t.csv")
    found = read_corpora(config(dev=both, test=both, out_of_scope=str(tmp_path / "o.txt")), TABLE)
    assert [len(corpus) for corpus in found.splits.values()] == [1, 2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("o.csv", "text,label\nwhat,y\n"),
        ("o.jsonl", '\n{"text": "what", "label": "y"}'),
        ("o.json", '{\n"a":[["w","y"]]}'),
    ],
)
def test_labels_in_a_file_out_of_scope_are_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (tmp_path / "t.csv").write_text("text,label\na,x\n")
    with pytest.raises(HallucError) as caught:
        read_corpora(config(test=str(tmp_path / "t.csv"), out_of_scope=str(tmp_path / name)), TABLE)
    assert places([caught.value]) == [("D123", 2)]


# --- dev held out of train -------------------------------------------------------------------------------------


def held_out(folder: Path, lines: Sequence[str], share: float = 0.3, **keys: Any) -> Corpora:
    path = folder / "train.txt"
    path.write_text("\n".join(lines))
    return read_corpora(config(train=str(path), dev_share=share, **keys), TABLE)


def test_a_share_of_train_is_held_out(tmp_path):
    lines = [f"x text number {n}" for n in range(1000)]
    found = held_out(tmp_path, lines)
    train, dev = ({one.tokens for one in found.splits[split]} for split in ("train", "dev"))
    assert not train & dev
    assert len(train) + len(dev) == 1000
    assert 250 < len(dev) < 350
    assert {one.id.split("-")[0] for one in found.splits["dev"]} == {"dev"}
    mixed = held_out(tmp_path, lines[::-1])
    assert {one.tokens for one in mixed.splits["dev"]} == dev
    more = held_out(tmp_path, lines, 0.5)
    assert dev < {one.tokens for one in more.splits["dev"]}
    assert found.files == [tmp_path / "train.txt"]


def test_copies_of_a_text_stay_on_one_side(tmp_path):
    found = held_out(tmp_path, [f"{label} {text} {n}" for n in range(200) for label in "xy" for text in ("Ab", "ab")])
    train, dev = ({" ".join(one.tokens).lower() for one in found.splits[split]} for split in ("train", "dev"))
    assert not train & dev


def test_a_bad_line_of_both_is_reported_once(tmp_path):
    with pytest.raises(HallucError) as caught:
        held_out(tmp_path, ["x a", "x", *(f"x {n}" for n in range(50))])
    assert places([caught.value]) == [("D106", 2)]


def test_a_share_that_leaves_a_side_empty_is_reported(tmp_path):
    with pytest.raises(HallucError) as caught:
        held_out(tmp_path, ["x a"], on_bad_line="skip")
    assert caught.value.code == "D102"
    assert "dev_share" in caught.value.help


# --- what check tells, and how much a file may hold -------------------------------------------------------------


def test_check_counts_texts_and_warns_of_labels_in_test_alone(tmp_path):
    (tmp_path / "train.txt").write_text("x a b\nx a b\ny a b\nx c\n")
    (tmp_path / "test.txt").write_text("z q\nx c\noos r\n")
    keys = {split: str(tmp_path / f"{split}.txt") for split in ("train", "test")}
    report = check_corpora(read_corpora(config(**keys, out_of_scope_label="oos"), TABLE), TEXTS)
    test = report.splits["test"]
    assert test.labels == {"x": 1, "z": 1}
    assert test.counts == {"texts": 3, "words": 3, "labels": 2, "out_of_scope": 1, "pairs": 0}
    assert {label: found.count for label, found in report.unseen_labels["test"].items()} == {"z": 1}
    told = "\n".join(report.warnings)
    for wanted in (
        "1 test text is also in train, with the same labels",
        "test has labels that do not occur in train: z (1, first: ",
        "train: 2 texts repeat an earlier one",
        "train: 1 text stands with different labels",
    ):
        assert wanted in told


@pytest.mark.parametrize("form", ["csv", "quoted", "jsonl", "lines", "json", "quotes"])
def test_a_line_of_megabytes_is_read_fast_and_reported(tmp_path, form):
    long = "word " * 1_000_000
    content = {
        "csv": f"text,label\na,x\n{long},y\n",
        "quoted": f'text,label\na,x\n"{long}",y\n',
        "quotes": 'text,label\na,x\n"' + 'w"" ' * 1_000_000 + '",y\n',
        "jsonl": f'{{"text": "a", "label": "x"}}\n{json.dumps({"text": long, "label": "y"})}\n',
        "lines": f"x a\ny {long}\n",
        "json": json.dumps({"a": [["a", "x"], [long, "y"]]}),
    }[form]
    start = time.perf_counter()
    found = read(
        tmp_path, content, "d.csv", format=form.replace("quoted", "csv").replace("quotes", "csv"), tokenize="whitespace"
    )
    assert time.perf_counter() - start < 10
    assert len(found.splits["dev"].examples[1].tokens) == 1_000_000
    assert any("longer than 10,000 words" in warning for warning in check_corpora(found, TEXTS).warnings)


def test_an_open_quote_is_given_up_and_fills_no_memory(tmp_path):
    path = tmp_path / "big.csv"
    with path.open("w") as file:
        file.write('text,label\na,x\n"b,y\n')
        for _ in range(1000):
            file.write("z" * 40_000 + ",y\n")
    tracemalloc.start()
    items = list(TextsReader(config(dev=str(path))).read(str(path), "dev"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(items[0], Labelled)
    assert [(one.code, one.line) for one in items[1:]] == [("D118", 3)]
    assert peak < 200_000_000  # a cell of 16 million characters, as the module csv holds it


@pytest.mark.parametrize("form", ["csv", "jsonl", "lines"])
def test_streaming_takes_constant_memory(tmp_path, form):
    path = tmp_path / "many.txt"
    line = {
        "csv": "some words here,x\n",
        "jsonl": '{"text": "some words here", "label": "x"}\n',
        "lines": "x some words\n",
    }
    path.write_text(("text,label\n" if form == "csv" else "") + line[form] * 20_000)
    stream = stream_corpora(config(train=str(path), format=form), TABLE)["train"]
    tracemalloc.start()
    assert sum(1 for _ in stream) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000


@pytest.mark.parametrize(
    "keys",
    [
        {"dev": "a", "train": "b", "dev_share": 0.1},
        {"test": "a", "dev_share": 0.1},
        {"train": "a", "delimiter": "ab"},
        {"train": "a", "delimiter": '"'},
        {"train": "a", "label_level": 1},
        {"train": "a", "header": False},
        {"train": "a", "text_field": -1},
        {"train": "a", "text_field": "label"},
        {"train": "a", "out_of_scope": "b"},
        {"train": "hub:#"},
        {},
    ],
)
def test_keys_that_do_not_go_together_are_refused(keys):
    with pytest.raises(ValidationError):
        config(**keys)


# --- the hub ---------------------------------------------------------------------------------------------------


def test_data_sets_of_the_hub_give_names_of_classes(tmp_path):
    datasets = pytest.importorskip("datasets", reason="the extra `hub` is not installed")
    (tmp_path / "set").mkdir()
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    table = {"text": ["a b", "", "c"], "label": [1, 0, -1]}
    datasets.Dataset.from_dict(table, features=features).to_parquet(tmp_path / "set" / "validation.parquet")
    reference = f"hub:{tmp_path / 'set'}"
    found = read_corpora(config(dev=reference, on_bad_line="skip"), TABLE)
    assert texts(found) == [("a b", ("yes",))]
    assert [one.what for one in found.skipped] == ["an empty text", "-1 is not a class of the label"]
    with pytest.raises(HallucError, match="no field `intent`"):
        read_corpora(config(dev=reference, label_field="intent"), TABLE)


@pytest.mark.data
def test_the_real_corpora_have_their_known_counts(real_data):
    folder = real_data / "cls"
    full = folder / "clinc150" / "data_full.json"
    lists = {"train": "train+oos_train", "dev": "val+oos_val", "test": "test+oos_test"}
    found = read_corpora(
        config(**{split: f"{full}#{keys}" for split, keys in lists.items()}, out_of_scope_label="oos"), TABLE
    )
    counts = {split: (len(c), sum(not one.labels for one in c)) for split, c in found.splits.items()}
    assert counts == {"train": (15100, 100), "dev": (3100, 100), "test": (5500, 1000)}
    trec = read_corpora(config(**{split: str(folder / "trec" / f"{split}.txt") for split in ("train", "test")}), TABLE)
    assert [len(corpus) for corpus in trec.splits.values()] == [5452, 500]
    assert len({label for one in trec.splits["train"] for label in one.labels}) == 50


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"format": "texts"}, {}),
        ({"format": "texts", "form": "auto", "quoting": True, "delimiter": "auto"}, {}),
        ({"format": "texts", "form": "csv", "quoting": False}, {"format": "csv", "quoting": False}),
        ({"format": "texts", "form": "jsonl", "delimiter": ";", "header": True}, {"format": "jsonl"}),
        ({"form": "lines", "quoting": True}, {"format": "lines"}),
    ],
)
def test_keys_of_earlier_versions_are_understood(old, new):
    assert config(train="a", **old) == config(train="a", **new)


def test_keys_of_other_formats_are_refused():
    for keys in (
        {"format": "jsonl", "delimiter": ";"},
        {"format": "csv", "label_position": "last"},
        {"format": "conll"},
    ):
        with pytest.raises(ValidationError):
            config(train="a", **keys)
    for keys in ({"label_field": []}, {"label_field": ["a", "a"]}, {"label_field": ["text"]}, {"no_label": [1.5]}):
        with pytest.raises(ValidationError):
            config(train="a", **keys)
