"""`halluc convert`: a corpus in another format, read back as it was."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import EXIT_DATA, EXIT_DONE, EXIT_USAGE
from halluc.data.corpora import read_corpora
from halluc.data.writers import writers_of

TAGGED, LABELLED = "token_classification", "text_classification"
DOCCANO = {"id": 7, "text": "Mira Holm pays in Turku.", "entities": [
    {"id": 1, "label": "PER", "start_offset": 0, "end_offset": 9},
    {"id": 2, "label": "LOC", "start_offset": 18, "end_offset": 23},
], "relations": []}  # fmt: skip
COLUMNS = "Anna\tB-PER\nBerg\tI-PER\nleft\tO\nOslo\tB-LOC\n.\tO\n\nNobody\tO\ncalled\tO\n"


def read(task: str, **keys):
    return read_corpora(registry.load(TABLE, "reader", task).Config(**keys), TABLE).splits


def lines(path: Path) -> list:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def file(tmp_path):
    def made(name: str, content: str) -> Path:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return made


@pytest.mark.parametrize("name", writers_of(TAGGED))
def test_the_demo_goes_into_each_format_and_comes_back(halluc, tmp_path, name):
    writer = writers_of(TAGGED)[name]
    out = tmp_path / f"out{writer.suffixes[0]}"
    outcome = halluc("convert", "demo:ner", out, "--split", "dev", "--to", name, "--json")
    assert outcome.code == EXIT_DONE, outcome.err
    record = json.loads(outcome.out)
    assert (record["task"], record["format"], record["splits"]["dev"]["examples"]) == (TAGGED, name, 112)
    (before,), (after,) = (read(TAGGED, dev="demo:ner").values(), read(TAGGED, **record["data"]).values())
    assert [(one.tokens, one.spans) for one in after] == [(one.tokens, one.spans) for one in before]


@pytest.mark.parametrize("name", writers_of(LABELLED))
def test_the_texts_of_the_demo_are_not_changed(halluc, tmp_path, name):
    out = tmp_path / f"out{writers_of(LABELLED)[name].suffixes[0]}"
    outcome = halluc("convert", "demo:intents", out, "--split", "train", "--to", name, "--json")
    assert outcome.code == EXIT_DONE, outcome.err
    record = json.loads(outcome.out)
    assert record["task"] == LABELLED
    keys = {**record["data"], "tokenize": "characters"}
    (before,), (after,) = (
        read(LABELLED, train="demo:intents", tokenize="characters").values(),
        read(LABELLED, **keys).values(),
    )
    mark = "__label__" if name == "fasttext" else ""
    assert [("".join(one.tokens), *one.labels) for one in after] == [
        ("".join(one.tokens), *(mark + label for label in one.labels)) for one in before
    ]


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_dates_and_groups_of_texts_are_preserved(halluc, file, tmp_path, suffix):
    rows = [{"text": t, "label": t, "at": f"2025-01-0{n}", "who": f"u{n}"} for n, t in enumerate("xyz", start=1)]
    keys = {"timestamp_field": "at", "group_field": "who"}
    given = file("given.jsonl", "\n".join(map(json.dumps, rows)))
    data = {"format": "texts", "train": str(given), **keys}
    config = {"name": "c", "task": {"type": LABELLED}, "model": {"name": "m"}, "train": {"epochs": 1}, "data": data}
    out = tmp_path / f"out.{suffix}"
    outcome = halluc("convert", file("c.yaml", json.dumps(config)), out, "--split", "train")
    assert outcome.code == EXIT_DONE, outcome.err
    (after,) = read(LABELLED, train=str(out), timestamp_field="timestamp", group_field="group").values()
    assert [(one.timestamp, one.group) for one in after] == [(row["at"], row["who"]) for row in rows]


def test_it_reports_how_the_input_was_read_and_how_to_read_the_output(halluc, file, tmp_path):
    outcome = halluc("convert", file("in.conll", COLUMNS), tmp_path / "out.jsonl")
    assert outcome.code == EXIT_DONE, outcome.err
    assert outcome.out == ""
    assert outcome.err.splitlines() == [
        f"read as {TAGGED}, IOB2 (every span starts with B-)",
        "read: tokens: column 0; tags: the last column",
        f"2 sentences written to {tmp_path / 'out.jsonl'} (jsonl)",
        f"to read it: data: {{train: {tmp_path / 'out.jsonl'}}}",
    ]
    assert lines(tmp_path / "out.jsonl")[0] == {
        "id": "train-1", "tokens": ["Anna", "Berg", "left", "Oslo", "."], "spans": [[0, 2, "PER"], [3, 4, "LOC"]],
    }  # fmt: skip


def test_texts_with_spans_stay_the_texts_that_they_are(halluc, file, tmp_path):
    source = file("in.jsonl", json.dumps(DOCCANO) + "\n")
    outcome = halluc("convert", source, tmp_path / "out.json", "--to", "spacy", "--set", "data.preset=doccano")
    assert outcome.code == EXIT_DONE, outcome.err
    assert "texts: unchanged" in outcome.err
    assert json.loads((tmp_path / "out.json").read_text()) == [
        [DOCCANO["text"], {"entities": [[0, 9, "PER"], [18, 23, "LOC"]]}]
    ]
    assert halluc("convert", tmp_path / "out.json", tmp_path / "out.conll", "--set", "data.preset=spacy").code == 0
    assert (tmp_path / "out.conll").read_text() == (
        "Mira\tB-PER\nHolm\tI-PER\npays\tO\nin\tO\nTurku\tB-LOC\n.\tO\n\n"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("join", "text", "place"), [("blank", "张 三 在 北 京", [6, 9]), ("none", "张三在北京", [3, 5])]
)
def test_characters_are_joined_as_asked(halluc, file, tmp_path, join, text, place):
    source = file("in.conll", "张 B-PER\n三 I-PER\n在 O\n北 B-LOC\n京 I-LOC\n")
    outcome = halluc("convert", source, tmp_path / "out.jsonl", "--to", "text_spans", "--join", join)
    assert outcome.code == EXIT_DONE, outcome.err
    (record,) = lines(tmp_path / "out.jsonl")
    assert (record["text"], record["spans"][1]) == (text, [*place, "LOC"])
    assert text[place[0] : place[1]].replace(" ", "") == "北京"


def test_tokens_without_blanks_between_are_joined_by_blanks(halluc, file, tmp_path):
    outcome = halluc("convert", file("in.conll", COLUMNS), tmp_path / "out.jsonl", "--to", "doccano")
    assert "texts: " in outcome.err
    assert lines(tmp_path / "out.jsonl")[0]["text"] == "Anna Berg left Oslo ."


def test_texts_by_characters_are_read_back_so(halluc, file, tmp_path):
    source = file("in.jsonl", json.dumps({"text": "哪里 有票", "label": "问"}) + "\n")
    outcome = halluc("convert", source, tmp_path / "out.csv", "--json", "--set", "data.tokenize=characters")
    record = json.loads(outcome.out)
    assert record["data"] == {"train": str(tmp_path / "out.csv"), "format": "csv", "tokenize": "characters"}
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "id,text,label\ntrain-1,哪里 有票,问\n"


CONFIG = "name: x\ntask: {{type: {task}}}\ndata: {{{data}}}\nmodel: {{scratch: {{layers: 1, width: 32, heads: 2}}}}\n"


def test_all_splits_of_a_config_go_into_a_folder(halluc, file, tmp_path):
    config = file("x.yaml", CONFIG.format(task=TAGGED, data="train: demo:ner, dev: demo:ner, test: demo:ner"))
    outcome = halluc("convert", config, tmp_path / "out", "--to", "gliner", "-q")
    assert outcome.code == EXIT_DONE, outcome.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["dev.json", "test.json", "train.json"]
    assert outcome.err.splitlines()[0] == f"420 sentences written to {tmp_path / 'out' / 'train.json'} (gliner)"
    alone = halluc("convert", config, tmp_path / "dev.jsonl", "--split", "dev", "-q")
    assert (alone.code, len(lines(tmp_path / "dev.jsonl"))) == (EXIT_DONE, 112)
    refused = halluc("convert", config, tmp_path / "one.json", "--to", "gliner")
    assert refused.code == EXIT_USAGE
    assert "is one file, but there are 3 splits" in refused.err


def test_a_split_that_is_held_out_is_the_one_that_training_has(halluc, file, tmp_path):
    texts = "\n".join(json.dumps({"text": f"What's number {n}?", "label": "ab"[n % 2]}) for n in range(60))
    source = file("in.jsonl", texts)
    config = file("x.yaml", CONFIG.format(task=LABELLED, data=f"train: {source}, dev_share: 0.3"))
    outcome = halluc("convert", config, tmp_path / "out", "--to", "jsonl", "-q")
    assert outcome.code == EXIT_DONE, outcome.err
    splits = read(LABELLED, train=str(source), dev_share=0.3)
    assert 5 < len(splits["dev"]) < 30
    for split, corpus in splits.items():
        written = lines(tmp_path / "out" / f"{split}.jsonl")
        assert [one["id"] for one in written] == [one.id for one in corpus]
        assert all(one["text"].startswith("What's number ") for one in written)


def test_lines_that_were_skipped_are_counted(halluc, file, tmp_path):
    source = file("in.jsonl", '{"tokens": ["a"], "tags": ["B-X"]}\n{"tokens": ["a"], "tags": []}\n')
    refused = halluc("convert", source, tmp_path / "out.conll", "--task", TAGGED)
    assert refused.code == EXIT_DATA
    assert not (tmp_path / "out.conll").exists()
    options = ("--task", TAGGED, "--set", "data.on_bad_line=skip")
    outcome = halluc("convert", source, tmp_path / "out.conll", *options)
    assert outcome.code == EXIT_DONE
    assert "1 skipped (first: " in outcome.err
    assert (tmp_path / "out.conll").read_text() == "a\tB-X\n\n"


def test_a_gzipped_csv_is_read_and_the_output_replaces_what_was_there(halluc, file, tmp_path):
    source = tmp_path / "in.csv.gz"
    source.write_bytes(gzip.compress(b'text,label\n"a, b",x\nc,y\n'))
    out = file("out.txt", "before")
    outcome = halluc("convert", source, out)
    assert outcome.code == EXIT_DONE, outcome.err
    assert out.read_text() == "x a, b\ny c\n"


@pytest.mark.parametrize(
    ("content", "out", "options", "code", "told"),
    [
        (COLUMNS, "out.doc", (), EXIT_USAGE, "format cannot be detected from the name"),
        (COLUMNS, "out.jsonl", ("--to", "spacey"), EXIT_USAGE, "did you mean `spacy`?"),
        (COLUMNS, "out.jsonl", ("--task", "tokens"), EXIT_USAGE, "no task `tokens`"),
        (COLUMNS, "out.jsonl", ("--split", "valid"), EXIT_USAGE, "no split `valid`"),
        (COLUMNS, "out.jsonl", ("--scheme", "iob1"), EXIT_USAGE, "--scheme cannot be used with the format jsonl"),
        (COLUMNS, "out.jsonl", ("--join", "none"), EXIT_USAGE, "--join cannot be used with the format jsonl"),
        (COLUMNS, "in.conll", (), EXIT_USAGE, "is the input"),
        (COLUMNS, "-", ("--to", "jsonl"), EXIT_USAGE, "is not a regular file"),
        (COLUMNS, "/dev/null", ("--to", "jsonl"), EXIT_USAGE, "is not a regular file"),
        (COLUMNS, "out.jsonl", ("--set", "data.tokens=3"), EXIT_USAGE, "unknown key `data.tokens`"),
        ("Anna B-a;b\n. O\n", "out.json", ("--to", "spacy", "--set", "train"), EXIT_USAGE, "does not have the form"),
        ("a b c", "out.jsonl", ("--task", TAGGED), EXIT_DATA, "D1"),
        (COLUMNS.replace("called", "-DOCSTART"), "out.conll", (), EXIT_DONE, "2 sentences"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(halluc, file, tmp_path, monkeypatch, content, out, options, code, told):
    monkeypatch.chdir(tmp_path)
    outcome = halluc("convert", file("in.conll", content), out, *options)
    assert (outcome.code, told in outcome.err) == (code, True), outcome.err
    if code != EXIT_DONE:
        assert outcome.out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["in.conll"]
        assert (tmp_path / "in.conll").read_text() == content


def test_the_task_is_distinguished_or_asked_for(halluc, file, tmp_path):
    texts = file("texts.csv", "text,label\nwhere is it,ask\nit is here,say\n")
    assert f"read as {LABELLED}" in halluc("convert", texts, tmp_path / "a.jsonl").err
    neither = halluc("convert", file("x.jsonl", '{"a": 1}\n'), tmp_path / "b.jsonl")
    assert neither.code == EXIT_DATA
    assert f"does not fit any task ({TAGGED}: " in neither.err
    assert "set the task with --task" in neither.err
    absent = halluc("convert", tmp_path / "absent.jsonl", tmp_path / "b.jsonl")
    assert (absent.code, absent.err.count("no such file")) == (EXIT_DATA, 1)
    labels_first = file("labels.txt", "good fine\n\nbad awful\n\ngood well\n")
    assert f"read as {LABELLED}" in halluc("convert", labels_first, tmp_path / "c.jsonl").err
    assert [(one["label"], one["text"]) for one in lines(tmp_path / "c.jsonl")] == [
        ("good", "fine"), ("bad", "awful"), ("good", "well"),
    ]  # fmt: skip
    for name, content in (
        ("io.txt", "Ann PER\nsaw O\nOslo LOC\n\nAnn PER\nleft O\n"),
        ("both.jsonl", '{"text": "a b", "tokens": ["a", "b"], "spans": [], "label": "x"}\n'),
    ):
        asked = halluc("convert", file(name, content), tmp_path / "d.jsonl")
        assert (asked.code, "set one with --task" in asked.err) == (EXIT_USAGE, True), asked.err
        assert halluc("convert", tmp_path / name, tmp_path / "d.jsonl", "--task", TAGGED).code == EXIT_DONE


def test_a_label_that_the_format_cannot_hold_is_reported_with_its_line(halluc, file, tmp_path):
    source = file("in.csv", "text,label\nwhere,ask\nthere,say so\n")
    outcome = halluc("convert", source, tmp_path / "out.txt", "--to", "lines")
    assert outcome.code == EXIT_DATA
    assert "error[D130]: the label `say so` contains white space, which ends a label on a line" in outcome.err
    assert f"--> {source}:3" in outcome.err
    assert not (tmp_path / "out.txt").exists()


def test_documents_are_read_from_the_field_that_the_output_names(halluc, file, tmp_path):
    rows = [{"id": str(n), "tokens": ["a"], "spans": [], "doc": doc} for n, doc in enumerate(["x", "y", "x", "z"])]
    source = file("in.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    outcome = halluc("convert", source, tmp_path / "out.jsonl", "--set", "data.document_field=doc", "--json")
    assert outcome.code == EXIT_DONE, outcome.err
    data = json.loads(outcome.out)["data"]
    assert data["document_field"] == "document"
    (after,) = read(TAGGED, **data).values()
    assert [one.origin.document for one in after] == [1, 2, 1, 3]
