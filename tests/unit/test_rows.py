"""Files of every format become the rows that they hold, with their lines; broken ones say why."""

from __future__ import annotations

import csv
import io
import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.data.rows.reading import open_rows, read_rows
from halluc.data.rows.row import BadLine, Layout, Notice, Row
from halluc.data.rows.streams import TextStream

SPANS = Layout(
    formats=("jsonl", "json", "csv", "table", "hub", "conll"), requested_fields=("tokens", "tags", "text", "spans")
)
TEXTS = Layout(formats=("jsonl", "json", "csv", "table", "hub", "lines"), requested_fields=("text", "label"))


def rows(content: str | bytes, layout: Layout, name: str = "input", step: int | None = None) -> tuple[str, list]:
    stored = content.encode() if isinstance(content, str) else content
    stream = io.BytesIO(stored)
    if step is not None:
        whole, stream.read1 = stream.read, lambda size=-1: whole(min(size, step))
    form, found = read_rows(TextStream(stream, name), layout)
    return form, list(found)


def told(found: list) -> list:
    return [
        (one.line, dict(one.fields)) if isinstance(one, Row) else (one.line, getattr(one, "code", "notice"))
        for one in found
    ]


RECORDS = [{"text": "one, two", "label": "x"}, {"text": "drei \u00e4\n", "label": "y"}, {"text": '"4"', "label": "x"}]


@pytest.mark.parametrize("step", [1, 3, 1 << 20])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_list_is_read_an_item_at_a_time(step, indent):
    form, found = rows(json.dumps(RECORDS, indent=indent), TEXTS, step=step)
    assert form == "json"
    assert [row.fields for row in found] == RECORDS
    assert [row.number for row in found] == [1, 2, 3]
    assert [row.line for row in found] == ([1, 1, 1] if indent is None else [2, 6, 10])


@given(
    st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=8,
        ),
        max_size=6,
    ),
    st.integers(1, 40),
    st.sampled_from([None, 0, 1]),
    st.booleans(),
)
def test_any_json_list_is_read_however_it_arrives(items, step, indent, ascii):
    _, found = rows(json.dumps(items, indent=indent, ensure_ascii=ascii), TEXTS, step=step)
    expected = [
        item if isinstance(item, dict) else dict(enumerate(item)) if isinstance(item, list) else {0: item}
        for item in items
    ]
    assert [dict(row.fields) for row in found] == expected


def test_an_object_of_lists_is_read_by_the_lists_that_are_named():
    content = json.dumps({"version": "2.0", "oos": [["a", "x"]], "dev": [["b", "y"], ["c", "z"]]})
    assert told(rows(content, TEXTS)[1]) == [(1, {0: "a", 1: "x"}), (1, {0: "b", 1: "y"}), (1, {0: "c", 1: "z"})]
    assert len(rows(content, replace(TEXTS, lists=("dev",)))[1]) == 2
    with pytest.raises(HallucError, match="no list `dve` in the file") as caught:
        rows(content, replace(TEXTS, lists=("dve",)))
    assert (caught.value.code, caught.value.help) == ("D116", "did you mean `#dev`?")
    with pytest.raises(HallucError, match="`version` is not a list"):
        rows(content, replace(TEXTS, lists=("version",)))


def test_lists_that_are_splits_are_not_read_as_one_corpus():
    content = '{"train": [["a", "x"]],\n "oos": [["c", "oos"]],\n "Test": [["b", "y"]]}'
    with pytest.raises(HallucError, match="`train` and `Test` are splits") as caught:
        rows(content, TEXTS, "d.json")
    assert (caught.value.code, caught.value.where.line) == ("D116", 3)
    assert "`d.json#train`" in caught.value.help
    assert told(rows(content, replace(TEXTS, lists=("train", "oos")))[1]) == [
        (1, {0: "a", 1: "x"}),
        (2, {0: "c", 1: "oos"}),
    ]


def test_an_arrow_stream_is_recognised_by_its_name(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("datasets")
    table = pyarrow.table({"tokens": [["Oslo"]], "ner_tags": [["B-LOC"]]})
    path = tmp_path / "data-00000-of-00001.arrow"
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert told(list(open_rows(str(path), "train", SPANS)[1])) == [(1, {"tokens": ["Oslo"], "ner_tags": ["B-LOC"]})]


def test_what_a_stream_begins_with_is_known_after_a_look_at_its_lines():
    stream = TextStream(io.BytesIO(b"PAR1\x15\x04"), "input")
    stream.head()
    [bad] = read_rows(stream, replace(TEXTS, format="text"))[1]
    assert (bad.code, bad.problem) == ("D104", "this is a Parquet file, not text")


def test_a_line_that_is_lost_takes_both_sentences_that_it_may_be_of():
    content = "1 a O\n1 b O\n2\n2 d B-P\n3 e O\n"
    found = columns(content, sentence_column=0, requested_fields=(1, -1))
    assert told(found) == [(3, "D105"), (5, {1: ("e",), -1: ("O",)})]


@pytest.mark.parametrize("line", ["b,B-Drug, Name", '"b",B-Drug, Name'])
def test_columns_between_commas_may_be_counted(line):
    [row] = columns(f"a,O\n{line}\n", separator=",", columns=2)
    assert row.fields == {0: ("a", "b"), -1: ("O", "B-Drug, Name")}


def test_a_header_of_many_columns_takes_linear_time():
    names = ["text", *(f"c{place}" for place in range(60_000)), "c0", ""]
    started = time.monotonic()
    _, [row] = rows("\n".join([",".join(names), ",".join("x" for _ in names)]), replace(TEXTS, format="csv"))
    assert time.monotonic() - started < 5
    assert list(row.fields)[-2:] == ["c0#60001", "#60002"]


def test_a_labelled_line_without_the_delimiter_is_reported():
    found = rows("a;one\ntwo\n", replace(TEXTS, format="lines", delimiter=";"))[1]
    assert told(found) == [(1, {"label": "a", "text": "one"}), (2, "D123")]


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        ('[{"text": "a"}, {"text": "b", "text": "c"}, {"text": "d"}]', "D107", 1),
        ('[{"text": "a"},\n {"text": "\\ud800"}]', "D107", 2),
        ('[{"text": "a"},\n {"text": "b"', "D107", 2),
        ('[{"text": "a"},\n {"text": }]', "D107", 2),
        ('[{"text": "a"}]\nmore', "D107", 2),
        ('{\n "text": "a",\n "label": "x"\n}\n{\n "text": "b"\n}', "D107", 2),
        ('{"version": 1}', "D107", 1),
        ("[" * 100_000, "D107", 1),
        ('[{"text": ' + "1" * 5000 + "}]", "D107", 1),
    ],
)
def test_broken_json_is_reported_with_its_line(content, code, line):
    bad = [one for one in rows(content, TEXTS, "f.json")[1] if isinstance(one, BadLine)]
    assert [(one.code, one.line) for one in bad] == [(code, line)]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_document_in_another_encoding_is_not_called_empty(encoding):
    (bad,) = rows('[{"text": "é"}]'.encode(encoding), TEXTS, "a.json")[1]
    assert (bad.code, bad.line) == ("D104", 1)


def test_json_lines_and_documents_are_distinguished():
    line = json.dumps({"text": "a", "spans": [[0, 1, "X"]]})
    assert rows(f"{line}\n{line}\n", SPANS, "f.json")[0] == "jsonl"
    assert rows(line, SPANS, "f.jsonl")[0] == "jsonl"
    assert rows(f"[{line}]", SPANS, "f.txt")[0] == "json"
    pair = json.dumps(["a", {"entities": []}])
    form, found = rows(f"{pair}\n{pair}\n", SPANS, "f.jsonl")
    assert (form, [row.fields for row in found]) == ("jsonl", [{0: "a", 1: {"entities": []}}] * 2)
    form, found = rows(f"[{pair},\n {pair}]", replace(SPANS, format="jsonl"), "f.jsonl")
    assert (form, [row.line for row in found]) == ("json", [1, 2])
    assert rows(json.dumps({"data": [{"text": "a"}]}), SPANS)[0] == "json"
    assert rows(json.dumps({"data": [{"text": "a"}]}, indent=1), SPANS)[0] == "json"


cell = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)


@given(st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=5), st.sampled_from(",;\t|"))
def test_csv_is_what_the_module_csv_wrote(table, delimiter):
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "text", "label"])
    writer.writerows(table)
    form, found = rows(file.getvalue(), TEXTS)
    assert form == "csv"
    assert [tuple(row.fields[name] for name in ("id", "text", "label")) for row in found] == table


def test_rows_of_csv_have_the_line_that_they_begin_on():
    content = 'text,label\n"one\ntwo",x\n\nthree,y\n"open,z\n'
    found = rows(content, TEXTS, "f.csv")[1]
    assert told(found) == [(2, {"text": "one\ntwo", "label": "x"}), (5, {"text": "three", "label": "y"}), (6, "D118")]
    assert told(rows('text,label\n"a" b,x\nc,y\n', TEXTS, "f.csv")[1]) == [
        (2, "D118"),
        (3, {"text": "c", "label": "y"}),
    ]
    assert told(rows("text,label\na,b,c\nc,y\n", TEXTS, "f.csv")[1])[0] == (2, "D113")
    assert told(rows("text,label\na\rb,c\nc,y\n", TEXTS, "f.csv")[1])[0] == (2, "D124")
    with pytest.raises(HallucError, match="the column `text` is repeated"):
        rows("text,text,label\na,b,c\n", TEXTS, "f.csv")
    assert told(rows("a\xe9,b\n".encode("latin-1"), Layout(format="csv", requested_fields=(0, 1)), "f.csv")[1]) == [
        (1, "D104")
    ]


def columns(content: str, **keys) -> list:
    return rows(content, Layout(**{"format": "conll", "requested_fields": (0, -1), **keys}))[1]


def test_columns_are_sentences():
    content = "-DOCSTART- O\n\nAnn B-PER\nHolm I-PER\n\n \t\n-DOCSTART- O\nOslo B-LOC\n"
    first, second = columns(content)
    assert (first.fields, list(first.lines), first.document) == (
        {0: ("Ann", "Holm"), -1: ("B-PER", "I-PER")},
        [3, 4],
        1,
    )
    assert (second.fields, list(second.lines), second.document) == ({0: ("Oslo",), -1: ("B-LOC",)}, [8], 2)


def test_a_column_may_number_sentences():
    content = "0,Harry,B-PER\n0,sees,O\n1,rain,O\n"
    keys = {"separator": ",", "requested_fields": (1, -1)}
    [_, notice] = columns(content, **keys)
    assert isinstance(notice, Notice) and "`data.sentence_column: 0`" in notice.what
    assert [row.fields[1] for row in columns(content, **keys, sentence_column=0)] == [("Harry", "sees"), ("rain",)]
    kaggle = 'Sentence #,Word,POS,Tag\nSentence: 1,"He, said",X,O\n,"""",X,O\nSentence: 2,Oslo,X,B-geo\n'
    found = columns(kaggle, separator=",", header=True, requested_fields=("Word", "Tag"), sentence_column="Sentence #")
    assert [dict(row.fields) for row in found] == [
        {"Word": ("He, said", '"'), "Tag": ("O", "O")}, {"Word": ("Oslo",), "Tag": ("B-geo",)},
    ]  # fmt: skip


def test_columns_of_conll_u():
    content = "# newdoc id = a\n1-2\tdu\t_\n1\tde\tO\n2\tle\tO\n2.1\tx\tO\n\n# newdoc\n1\tOslo\tB-LOC\n"
    found = columns(content, separator="tab", comment="#", word_id_column=0, requested_fields=(1, -1))
    assert [(row.fields[1], row.document) for row in found] == [(("de", "le"), 1), (("Oslo",), 2)]


def test_what_is_wrong_with_columns_is_reported():
    assert told(columns("a O\nb\nc O\n\nd O\n")) == [(2, "D105"), (5, {0: ("d",), -1: ("O",)})]
    [bad] = columns("FE -X- _ O\nOslo -X- _ B-Drug Name\n")
    assert (bad.code, bad.line) == ("D113", 2)
    assert "`data.columns: 4`" in bad.help
    [row] = columns("FE -X- _ O\nOslo -X- _ B-Drug Name\n", columns=4)
    assert row.fields[-1] == ("O", "B-Drug Name")
    assert told(columns("a O\rb O\nc O\n")) == [(1, "D124")]
    with pytest.raises(HallucError, match="are the same one of 2 columns") as caught:
        columns("a O\n", requested_fields=(1, -1))
    assert caught.value.code == "C106"


def test_lines_of_a_label_and_a_text():
    def lines(content, **keys):
        return told(rows(content, Layout(**{"format": "lines", **keys}))[1])

    assert lines("x one two\n\ny\tthree\n") == [
        (1, {"label": "x", "text": "one two"}),
        (3, {"label": "y", "text": "three"}),
    ]
    assert lines("__label__a __label__b the __label__ text\n") == [
        (1, {"label": ["__label__a", "__label__b"], "text": "the __label__ text"})
    ]
    assert lines("a__label__ __label__b c\n") == [(1, {"label": "a__label__", "text": "__label__b c"})]
    assert lines(" x\n") == [(1, "D123")]
    assert lines("alone\n") == [(1, {"label": "alone", "text": ""})]
    assert lines("up 8 % @ home@good\nnone\n", label_position="last", delimiter="@") == [
        (1, {"label": "good", "text": "up 8 % @ home"}), (2, "D123"),
    ]  # fmt: skip


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "stream"])
def test_tables_have_the_names_of_their_classes(tmp_path, suffix):
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["O", "B-PER"])
    features = datasets.Features({"tokens": datasets.List(datasets.Value("string")), "tags": datasets.List(names)})
    data = datasets.Dataset.from_dict({"tokens": [["a", "b"], ["c"]], "tags": [[0, 1], [-1]]}, features=features)
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        data.to_parquet(str(path))
    else:
        import pyarrow

        schema = data.features.arrow_schema
        make = pyarrow.ipc.new_file if suffix == "arrow" else pyarrow.ipc.new_stream
        with make(str(path), schema) as writer:
            writer.write_table(data.data.table.cast(schema))
    layout = Layout(formats=SPANS.formats, format="table" if suffix == "stream" else "auto")
    _, found = open_rows(str(path), "train", layout)
    assert [dict(row.fields) for row in found] == [
        {"tokens": ["a", "b"], "tags": ["O", "B-PER"]},
        {"tokens": ["c"], "tags": [-1]},
    ]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(HallucError) as caught:
        list(open_rows(str(path), "train", layout)[1])
    assert caught.value.code == "D104"


PIECES = [
    "a", " ", "\t", "\n", "\r", '"', ",", ";", "{", "}", "[", "]", ":", "1", "\\u", "O", "B-X", "\0", "\u00e9",
    "\ufeff",
    "__label__", "-DOCSTART-", '{"text": "a"}',
]  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(st.sampled_from(PIECES)).map("".join),
    st.sampled_from([SPANS, TEXTS]),
    st.sampled_from(["auto", "jsonl", "json", "csv", "conll", "lines", "text"]),
    st.integers(1, 50),
)
def test_any_text_gives_rows_or_says_why_not(content, layout, form, step):
    try:
        _, found = rows(
            content,
            replace(layout, format=form, requested_fields=(0, -1) if form == "conll" else layout.requested_fields),
            step=step,
        )
    except HallucError as error:
        assert error.code in ("D104", "D114", "D116", "D117", "D118", "D124", "C106")
        return
    assert all(one.line >= 1 for one in found)
