"""Predictions of another tool: what is read of each form, and how it is joined to a split."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from halluc.core.errors import HallucError, ManyErrors
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.labels import write_tags
from halluc.data.predictions import joined, read_predictions, unknown_labels
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.workflows import external_predictions

SENTENCES = [
    ("Anna Berg visited Oslo .", [Span(0, 2, "PER"), Span(3, 4, "LOC")]),
    ("Acme said Anna left .", [Span(0, 1, "ORG"), Span(2, 3, "PER")]),
    ("said the bank .", []),
]
TAGGED = SpansConfig(format="conll", test="gold.txt")
TEXTS = TextsConfig(format="texts", test="gold.jsonl", out_of_scope_label="oos")
COMPLETE = [("what is it", ("a",)), ("who are you", ("b",)), ("blah", ())]


def sentences() -> Corpus[Tagged]:
    rows = [
        Tagged(f"test-{n}", Origin("gold.txt", n), tuple(t.split()), tuple(s)) for n, (t, s) in enumerate(SENTENCES)
    ]
    return Corpus("test", tuple(rows), "gold.txt")


def texts() -> Corpus[Labelled]:
    rows = [
        Labelled(f"t{n}", Origin("gold.jsonl", n), tuple(t.split()), names) for n, (t, names) in enumerate(COMPLETE)
    ]
    return Corpus("test", tuple(rows), "gold.jsonl")


def read(path: Path, data: Any = TAGGED, corpus: Any = None, scheme: Any = "iob2") -> Any:
    """The predictions in the order of the split, what they were joined by, and the file."""
    corpus = corpus or (texts() if isinstance(data, TextsConfig) else sentences())
    found, file = read_predictions(path, data, corpus, scheme)
    return *joined(found, corpus, file), file


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in records), encoding="utf-8")
    return path


def columns(path: Path, rows: list[tuple[list[str], ...]]) -> Path:
    blocks = ["\n".join(" ".join(cells) for cells in zip(*row, strict=True)) for row in rows]
    path.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return path


def codes(error: HallucError) -> list[str]:
    return [one.code for one in (error.errors if isinstance(error, ManyErrors) else [error])]


def refused(path: Path, data: Any = TAGGED) -> HallucError:
    with pytest.raises(HallucError) as caught:
        read(path, data)
    return caught.value


def gold_tags(number: int) -> list[str]:
    text, spans = SENTENCES[number]
    return write_tags(len(text.split()), spans)


def tokens(number: int) -> list[str]:
    return SENTENCES[number][0].split()


def test_the_last_of_three_columns_is_predicted_and_illegal_tags_are_read_as_conlleval_does(tmp_path):
    predicted = [["O", "I-PER", "O", "I-LOC", "B-LOC"], *(gold_tags(n) for n in (1, 2))]
    file = columns(tmp_path / "p.txt", [(tokens(n), gold_tags(n), predicted[n]) for n in range(3)])
    stated, by, told = read(file)
    assert by == "order"
    assert [one.example.spans for one in stated] == [
        (Span(1, 2, "PER"), Span(3, 4, "LOC"), Span(4, 5, "LOC")),
        *(tuple(SENTENCES[n][1]) for n in (1, 2)),
    ]
    assert stated[0].tags == tuple(predicted[0])
    assert stated[0].confidences == (None, None, None)
    assert told.notes == {"illegal_tags": 2}
    assert "2 predicted tags that are invalid in IOB2" in told.warnings[0]
    assert f"{file}:2" in told.warnings[0]


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_two_columns_and_other_schemes(tmp_path, separator):
    rows = [f"{t}{separator}{tag}" for t, tag in zip(tokens(0), ["B-PER", "E-PER", "O", "S-LOC", "O"], strict=True)]
    more = "\n\n".join("\n".join(f"{t}{separator}O" for t in tokens(n)) for n in (1, 2))
    (tmp_path / "p.txt").write_text("-DOCSTART- O\n\n" + "\n".join(rows) + "\n\n" + more, encoding="utf-8")
    stated, _, told = read(tmp_path / "p.txt")
    assert stated[0].example.spans == tuple(SENTENCES[0][1])
    assert stated[0].tags is None  # no IOB2: what the spans say is written as such
    assert told.notes == {}


def test_tags_that_look_like_iob1_are_illegal_iob2_unless_gold_is_of_iob1(tmp_path):
    tags = ["I-PER", "I-PER", "O", "I-LOC", "O"]
    file = columns(tmp_path / "p.txt", [(tokens(0), tags), (tokens(1), ["O"] * 5), (tokens(2), ["O"] * 4)])
    as_iob2, as_iob1 = (read(file, scheme=scheme) for scheme in ("iob2", "iob1"))
    assert as_iob2[0][0].example == as_iob1[0][0].example
    assert as_iob2[2].notes == {"illegal_tags": 2}
    assert as_iob1[2].notes == {}


def test_exchanged_columns_are_reported(tmp_path):
    predicted = [["O"] * len(tokens(0)), gold_tags(1), gold_tags(2)]
    file = columns(tmp_path / "p.txt", [(tokens(n), predicted[n], gold_tags(n)) for n in range(3)])
    # Without a label of gold in it the column could be anything, such as chunks or parts of speech.
    assert "is not the gold of test in 1 sentences" in read(file)[2].warnings[0]
    chunks = columns(tmp_path / "c.txt", [(tokens(n), ["B-NP"] * len(tokens(n)), gold_tags(n)) for n in range(3)])
    assert read(chunks)[2].warnings == []


@pytest.mark.parametrize(("column", "rows"), [
    (0, "{0} {1} {2}"), (1, "x {0} {1} {2}"), (-2, "{0} {2}"), (1, "{0} {2}"), (-1, "{0} {1} {2}"), (2, "x y {0} {2}"),
])  # fmt: skip
def test_tokens_are_at_their_position_in_the_data_or_first(tmp_path, column, rows):
    data = SpansConfig(format="conll", test="gold.txt", token_column=column, tag_column=-1 if column != -1 else 0)
    text = "\n\n".join(
        "\n".join(rows.format(t, g, p) for t, g, p in zip(tokens(n), gold_tags(n), gold_tags(n), strict=True))
        for n in range(3)
    )
    (tmp_path / "p.txt").write_text(text, encoding="utf-8")
    stated, _, told = read(tmp_path / "p.txt", data)
    assert [one.example.spans for one in stated] == [tuple(spans) for _, spans in SENTENCES]
    assert told.warnings == []


@pytest.mark.parametrize("bracket", ["{", "["])
def test_a_bracket_is_a_token_too(tmp_path, bracket):
    rows = [[bracket, "a", "}"], ["b"]]
    gold = Corpus("test", tuple(Tagged(str(n), Origin("g", n), tuple(r), ()) for n, r in enumerate(rows)), "g")
    file = columns(tmp_path / "p.txt", [(row, ["O"] * len(row)) for row in rows])
    assert [one.example.tokens for one in read(file, corpus=gold)[0]] == [(bracket, "a", "}"), ("b",)]


SPANS = [
    {"tokens": tokens(0), "predicted": [[0, 2, "PER", 0.9], [3, 4, "LOC", 0.25]]},
    {"tokens": tokens(0), "spans": [{"start": 0, "end": 2, "label": "PER", "score": 0.9}, [3, 4, "LOC", 0.25]]},
    {"text": SENTENCES[0][0], "entities": [
        {"entity_group": "PER", "score": 0.9, "start": 0, "end": 9},
        {"label": "LOC", "confidence": 0.25, "start": 18, "end": 22},
    ]},
    {"text": "ignored", "tokens": tokens(0), "spans": [
        {"start": 0, "end": 2, "start_char": 0, "label": "PER", "confidence": 0.9},
        {"start": 3, "end": 4, "start_char": 18, "label": "LOC", "confidence": 0.25},
    ]},
    {"tokens": tokens(0), "gold": [], "predicted": [[3, 4, "LOC", 0.25], [0, 2, "PER", 0.9]],
     "predicted_tags": ["B-PER", "I-PER", "O", "B-LOC", "O"], "gold_tags": ["O"] * 5},
]  # fmt: skip


@pytest.mark.parametrize("record", SPANS)
def test_spans_with_confidences_in_every_form(tmp_path, record):
    others = [{"tokens": tokens(n), "spans": []} for n in (1, 2)]
    stated, _, told = read(jsonl(tmp_path / "p.jsonl", record, *others))
    assert stated[0].example.spans == tuple(SENTENCES[0][1])
    assert stated[0].confidences == (0.9, 0.25)
    assert told.notes == {}


RECORDS = [{"tokens": tokens(n), "predicted": [[*span, 0.5] for span in SENTENCES[n][1]]} for n in range(3)]
TAGS = [{"tokens": tokens(n), "predicted": gold_tags(n), "tags": ["O"] * len(tokens(n))} for n in range(3)]
PLACES = [[(0, 9), (18, 22)], [(0, 4), (10, 14)], []]
PIPELINE = [
    {"text": text, "tokens": text.split(), "predicted": [
        {"entity_group": span.label, "word": "##piece", "score": 0.5, "start": start, "end": end}
        for span, (start, end) in zip(spans, places, strict=True)
    ]} for (text, spans), places in zip(SENTENCES, PLACES, strict=True)
]  # fmt: skip
LINES = ["".join(json.dumps(one) + "\n" for one in records).encode() for records in (RECORDS, TAGS, PIPELINE)]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", json.dumps(RECORDS).encode()), ("pretty.json", json.dumps(RECORDS, indent=1).encode()),
     ("p.jsonl.gz", gzip.compress(LINES[0])), ("utf16.jsonl", LINES[0].decode().encode("utf-16")),
     ("tags.jsonl", LINES[1]), ("characters.jsonl", LINES[2])],
)  # fmt: skip
def test_every_file_and_every_unit_that_gold_may_have(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    encoding = "utf-16" if name == "utf16.jsonl" else "utf-8"
    stated, _, told = read(tmp_path / name, SpansConfig(format="conll", test="gold.txt", encoding=encoding))
    assert [one.example.spans for one in stated] == [tuple(spans) for _, spans in SENTENCES]
    sure = None if name.startswith("tags") else 0.5
    assert [one.confidences for one in stated] == [(sure,) * len(spans) for _, spans in SENTENCES]
    assert (told.notes, told.warnings) == ({}, [])


def test_tags_without_prefixes_are_read_and_reported(tmp_path):
    rows = [(tokens(n), [tag[2:] or "O" for tag in gold_tags(n)]) for n in range(3)]
    stated, _, told = read(columns(tmp_path / "p.txt", rows))
    assert [one.example.spans for one in stated] == [tuple(spans) for _, spans in SENTENCES]
    assert "predicted tags are read as IO" in told.warnings[0]


def test_spans_that_cut_tokens_become_what_those_of_gold_do(tmp_path):
    records = [
        {"text": text, "predicted": [[1, 9, "PER", 0.9]] if n == 0 else []} for n, (text, _) in enumerate(SENTENCES)
    ]
    file = jsonl(tmp_path / "p.jsonl", *records)
    assert refused(file).code == "D110"
    stated, _, told = read(file, SpansConfig(format="jsonl", test="gold.jsonl", bad_spans="widen"))
    assert (stated[0].example.spans, stated[0].confidences) == ((Span(0, 2, "PER"),), (0.9,))
    assert told.notes == {"mended_spans": 1}
    assert refused(file, SpansConfig(format="jsonl", test="gold.jsonl", bad_spans="skip")).code == "D110"


def test_one_error_describes_all_lines_with_one_cause(tmp_path):
    records = [{"tokens": tokens(n), "tags": gold_tags(n), "prediction": []} for n in range(3)]
    error = refused(jsonl(tmp_path / "p.jsonl", *records))
    assert (error.code, "3 lines" in error.message, "did you mean `prediction`" in str(error.help)) == (
        "D107",
        True,
        True,
    )


def test_ends_are_those_of_the_data_but_halluc_s_own_are_exclusive(tmp_path):
    data = SpansConfig(format="jsonl", test="gold.jsonl", span_end="inclusive", spans_field="ents")
    record = {"text": SENTENCES[0][0], "ents": [{"start": 0, "end": 8, "label": "PER", "score": 0.5}]}
    others = [{"tokens": tokens(n), "predicted": []} for n in (1, 2)]
    stated, *_ = read(jsonl(tmp_path / "a.jsonl", record, *others), data)
    assert (stated[0].example.spans, stated[0].confidences) == ((Span(0, 2, "PER"),), (0.5,))
    own = {"tokens": tokens(0), "predicted": [[0, 2, "PER", 0.5]]}
    assert read(jsonl(tmp_path / "b.jsonl", own, *others), data)[0][0].example.spans == (Span(0, 2, "PER"),)


def test_overlapping_spans_leave_the_longest_and_are_counted(tmp_path):
    record = {"tokens": tokens(0), "spans": [[0, 2, "PER", 0.1], [1, 2, "LOC", 0.9]]}
    others = [{"tokens": tokens(n), "spans": []} for n in (1, 2)]
    stated, _, told = read(jsonl(tmp_path / "p.jsonl", record, *others))
    assert (stated[0].example.spans, stated[0].confidences) == ((Span(0, 2, "PER"),), (0.1,))
    assert told.notes == {"overlapping_spans": 1}


LABELS = {
    "lines.txt": "a\nb\noos\n",
    "named.csv": "id,predicted\nt2,oos\nt0,a\nt1,b\n",
    "semicolons.tsv": 'predicted;text\na;what is it\nb;"who are you"\noos;blah\n',
    "records.jsonl": '{"id": "t1", "label": "b"}\n{"id": "t0", "predicted": "a"}\n{"id": "t2", "predicted": null}\n',
    "pipeline.jsonl": "\n".join(json.dumps({"text": t, "labels": [{"label": n} for n in of]}) for t, of in COMPLETE),
    "own.jsonl": "\n".join(
        json.dumps({"tokens": t.split(), "predicted": [[n, None] for n in of]}) for t, of in COMPLETE
    ),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_in_every_form(tmp_path, name):
    (tmp_path / name).write_text(LABELS[name], encoding="utf-8")
    stated, *_ = read(tmp_path / name, TEXTS)
    assert [one.example.labels for one in stated] == [("a",), ("b",), ()]
    assert [one.confidences for one in stated] == [(None,), (None,), ()]


@pytest.mark.parametrize(
    "beside",
    [{"predicted": ["b", "a"], "confidence": [0.2, 0.1]}, {"predicted": [["b", 0.2], ["a", 0.1]]},
     {"labels": [{"label": "b", "score": 0.2}, {"label": "a", "score": 0.1}]}],
)  # fmt: skip
def test_confidences_go_with_their_labels(tmp_path, beside):
    others = [{"id": f"t{n}", "predicted": []} for n in (1, 2)]
    stated, *_ = read(jsonl(tmp_path / "p.jsonl", {"id": "t0", **beside}, *others), TEXTS)
    assert (stated[0].example.labels, stated[0].confidences) == (("a", "b"), (0.1, 0.2))


def test_the_text_may_have_its_usual_name(tmp_path):
    data = TextsConfig(format="texts", test="gold.jsonl", text_field="utterance", out_of_scope_label="oos")
    said = [{"text": text, "predicted": list(labels)} for text, labels in COMPLETE]
    assert [one.example.tokens for one in read(jsonl(tmp_path / "p.jsonl", *said), data)[0]] == [
        tuple(text.split()) for text, _ in COMPLETE
    ]
    said[1]["text"] = "who"
    assert refused(jsonl(tmp_path / "q.jsonl", *said), data).code == "D152"


def test_labels_are_cut_as_those_of_the_data(tmp_path):
    data = TextsConfig(format="texts", test="gold.jsonl", label_separator=":", label_level=1)
    (tmp_path / "p.txt").write_text("a:x\nb\nb:y\n", encoding="utf-8")
    assert [one.example.labels for one in read(tmp_path / "p.txt", data)[0]] == [("a",), ("b",), ("b",)]


def test_ids_that_are_none_of_the_split_leave_it_to_order_and_texts(tmp_path):
    records = [{"id": 100 + n, "tokens": tokens(n), "spans": []} for n in range(3)]
    assert read(jsonl(tmp_path / "p.jsonl", *records))[1] == "order"
    bare = [{"id": 100 + n, "label": "a"} for n in range(3)]
    assert codes(refused(jsonl(tmp_path / "q.jsonl", *bare), TEXTS)) == ["D151", "D150"]


def test_mismatches_of_ids_are_reported_together(tmp_path):
    records = [
        {"id": "test-0", "tokens": [*tokens(0)[:3], "Bergen", "."], "spans": []},
        {"id": "test-1", "tokens": tokens(1), "spans": []},
        {"id": "test-1", "tokens": tokens(1), "spans": []},
        {"id": "test-9", "tokens": ["x"], "spans": []},
    ]
    error = refused(jsonl(tmp_path / "p.jsonl", *records))
    assert codes(error) == ["D112", "D151", "D150", "D152"]
    twice, extra, missing, differing = error.errors
    assert (twice.where.line, "is already on line 2" in twice.message) == (3, True)
    assert (extra.where.line, "`test-9`" in extra.message) == (4, True)
    assert "no prediction for 1 of the 3 examples of test; the first: `test-2` (gold.txt:2)" in missing.message
    assert "Anna Berg visited Bergen ." in differing.message
    assert "Anna Berg visited Oslo ." in differing.message
    assert "token 4" in differing.message


@pytest.mark.parametrize(
    ("order", "code", "told"),
    [((0, 2), "D150", "`test-1`"), ((0,), "D150", "2 of the 3"), ((0, 1, 2, 2), "D151", "said the bank"),
     ((0, 1, 1, 2), "D151", "1 prediction without an example"), ((1, 0, 2), "D152", "2 predictions have other tokens")],
)  # fmt: skip
def test_mismatches_of_order(tmp_path, order, code, told):
    error = refused(columns(tmp_path / "p.txt", [(tokens(n), ["O"] * len(tokens(n))) for n in order]))
    assert (error.code, told in error.message) == (code, True), error.message


NO = {"tokens": tokens(0)}
BROKEN = [
    ({**NO, "spans": [[0, 2, "PER", 87]]}, "between 0 and 1"),
    ({**NO, "spans": [[0, 2, "PER", float("nan")]]}, "between 0 and 1"),
    ({**NO, "spans": [[0, 2, "PER", True]]}, "between 0 and 1"),
    ({**NO, "spans": [[0, 2]]}, "an item that is neither"),
    ({**NO, "spans": [[0, 9, "PER"]]}, "outside 0..5"),
    ({**NO, "spans": 7}, "neither a list nor a mapping"),
    ({**NO, "spans": [{"start": [1], "end": {}, "label": "x"}]}, "whole numbers"),
    ({**NO, "pred_spans": [], "spans": []}, "did you mean `pred_spans`"),
    ({**NO, "ner": []}, "no field `predicted`"),
    ({**NO, "predicted_tags": ["O"]}, "5 tokens but 1 tags"),
    ({**NO, "id": [1], "spans": []}, "the id is neither"),
    ({**NO, "id": 1.5, "spans": []}, "the id is neither"),
    ({"id": "test-0", "spans": []}, "neither `tokens` nor `text`"),
    ({"text": SENTENCES[0][0], "spans": [[0, 3, "PER"]]}, "cuts the token"),
    ({**NO, "spans": [{"entity": "B-PER", "score": 0.9, "index": 1, "word": "anna", "start": 0, "end": 4}]},
     "aggregation_strategy"),
]  # fmt: skip


@pytest.mark.parametrize(("record", "told"), BROKEN)
def test_broken_records_name_their_line(tmp_path, record, told):
    path = jsonl(tmp_path / "p.jsonl", {"tokens": tokens(0), "spans": []}, record)
    error = refused(path)
    assert told in f"{error.message} {error.help}"
    assert (error.where.file, error.where.line) == (str(path), 2)
    assert error.help
    assert "on_bad_line" not in error.help


def test_another_encoding_than_that_of_the_data_is_converted_and_not_set_for_gold_too(tmp_path):
    (tmp_path / "p.jsonl").write_bytes('{"tokens": ["Zoé"], "spans": []}\n'.encode("latin-1"))
    error = refused(tmp_path / "p.jsonl")
    assert (error.code, error.help) == (
        "D104", "convert the file to utf-8, the encoding of the data, for example with `iconv`",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("p.csv", "text,label\nx,a\n", "D116"), ("p.csv", "text,predicted\nx,a,b\n", "D113"),
     ("p.csv", "id,id,predicted\n1,2,a\n", "D116"), ("p.csv", "predicted,score,score\na,1,.5\n", "D116"),
     ("p.txt", "a\n\nb\n", "D123"), ("p.csv", 'predicted\n"a\n', "D118"), ("p.txt", "", "D102"),
     ("p.jsonl", '{"text": "x", "predicted": 1.5}', "D107"),
     ("p.jsonl", '{"text": "x", "label": "a", "prediction": "b"}', "D107"), ("p.jsonl", "{", "D107")],
)  # fmt: skip
def test_broken_labels(tmp_path, name, content, code):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert codes(refused(tmp_path / name, TEXTS))[0] == code


def test_a_file_that_is_none(tmp_path):
    assert refused(tmp_path / "absent.txt").code == "D101"
    assert "a folder" in refused(tmp_path).message
    (tmp_path / "blank.txt").write_text("\n\n")
    assert refused(tmp_path / "blank.txt").code == "D102"


def test_labels_are_renamed_or_left_out_and_unknown_ones_counted(tmp_path):
    record = {"tokens": tokens(0), "spans": [[0, 2, "PERSON", 0.5], [3, 4, "DATE", 0.4]]}
    others = [{"tokens": tokens(n), "spans": [[0, 1, "GPE"]]} for n in (1, 2)]
    stated, _, file = read(jsonl(tmp_path / "p.jsonl", record, *others))
    made = [file.renamed(one, {"PERSON": "PER", "DATE": None}) for one in stated]
    assert (made[0].example.spans, made[0].confidences, made[0].tags) == ((Span(0, 2, "PER"),), (0.5,), None)
    assert unknown_labels(made, sentences()) == {"GPE": 2}
    (tmp_path / "p.txt").write_text("x\nb\ny\n", encoding="utf-8")
    stated, _, file = read(tmp_path / "p.txt", TEXTS)
    labels = [file.renamed(one, {"x": "a", "y": None}) for one in stated]
    assert [one.example.labels for one in labels] == [("a",), ("b",), ()]


@st.composite
def predictions(draw: st.DrawFn) -> list[list[tuple[Span, float]]]:
    """Spans without overlap, with a confidence each, for every sentence."""
    found = []
    for number in range(len(SENTENCES)):
        size, at, spans = len(tokens(number)), 0, []
        while at < size:
            end = draw(st.integers(at + 1, size))
            if draw(st.booleans()):
                label = draw(st.sampled_from(["PER", "LOC", "a-b"]))
                spans.append((Span(at, end, label), round(draw(st.floats(0, 1)), 6)))
            at = end
        found.append(spans)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(predictions(), st.sampled_from(["iob2", "bioes", "bmes", "bilou"]))
def test_what_is_written_is_read_back(tmp_path, said, scheme):
    spans = [tuple(span for span, _ in one) for one in said]
    rows = [(tokens(n), gold_tags(n), write_tags(len(tokens(n)), spans[n], scheme)) for n in range(3)]
    stated, _, told = read(columns(tmp_path / "p.txt", rows))
    assert [one.example.spans for one in stated] == spans
    assert "illegal_tags" not in told.notes
    records = [{"tokens": tokens(n), "predicted": [[*span, sure] for span, sure in said[n]]} for n in range(3)]
    stated, *_ = read(jsonl(tmp_path / "p.jsonl", *records))
    assert [list(zip(one.example.spans, one.confidences, strict=True)) for one in stated] == said


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                ['{"tokens": ["a"]', '"spans": [', "[0, 1,", '"X", 0.5', "]", "}", "\n", "a B-X", " I-X", "\t", '"',
                 ",", "predicted", '"predicted":', "null", "{", "1e999", "[[", "\ufeff", "\r", "-DOCSTART- O",
                 '"text": 3']
            ), max_size=24,
        ).map(lambda parts: "".join(parts).encode()),
    ),
    st.sampled_from([TAGGED, TEXTS, TextsConfig(format="texts", test="g", text_field=0, label_field=1)]),
    st.sampled_from(["p.txt", "p.jsonl", "p.csv"]),
)  # fmt: skip
def test_any_bytes_are_read_or_refused(tmp_path, content, data, name):
    (tmp_path / name).write_bytes(content)
    try:
        stated, by, _ = read(tmp_path / name, data)
    except HallucError as error:
        assert all(code.startswith(("D", "C")) for code in codes(error))
    else:
        assert len(stated) == 3
        assert by in ("id", "order")


def test_pairs_of_texts_that_are_divided_elsewhere_belong_to_another_split(tmp_path):
    data = TextsConfig(train="x", second_field="second")
    own, other = (
        Corpus(split, (Labelled(f"{split}-1", Origin("gold.jsonl", 1), ("a", "b", "c"), ("x",), second=second),), split)
        for split, second in (("test", 1), ("dev", 2))
    )
    path = jsonl(tmp_path / "p.jsonl", {"text": "a", "second": "b c", "predicted": "x"})
    found, file = read_predictions(path, data, own, None)
    job = SimpleNamespace(corpora=lambda splits: SimpleNamespace(splits={"test": own, "dev": other}))
    assert [external_predictions._fits(found, split, job, file) for split in ("test", "dev")] == [True, False]
