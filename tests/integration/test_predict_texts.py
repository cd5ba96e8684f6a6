"""`halluc predict` on classifiers of texts and of pairs: what eval says, from raw lines, JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from halluc.core import selective
from halluc.runs.schema import EvalFile
from halluc.tasks.text_classification.records import PredictedLabels

TRAVEL = ["Anna visited Oslo", "Berg left for Paris", "met in Oslo and left for Paris", "Anna and Berg visited Paris"]
MONEY = ["the bank won", "Acme Corp said the bank won", "a bank of Acme", "the bank and Acme Corp"]
OUTSIDE = ["german german reuters", "reuters on german", "met on german reuters", "german . reuters german"]
MIXED = ["the bank left for Oslo", "reuters visited a german bank", "Acme met german Berg", "on"]


def singles(split: str) -> list[dict[str, object]]:
    rows = [
        {"text": text, "label": label}
        for texts in zip(TRAVEL, MONEY, OUTSIDE, strict=True)
        for text, label in zip(texts, ("travel", "money", "oos"), strict=True)
    ]
    if split == "train":
        return rows * 6
    # Some gold of dev is wrong, so that there is a temperature to fit; some of test is hard, and no text stands twice.
    if split == "dev":
        return rows * 2 + [{"text": text, "label": "travel"} for text in MONEY * 4]
    labels = ("money", "travel", "oos", "money")
    return rows + [{"text": text, "label": label} for text, label in zip(MIXED, labels, strict=True)]


def pairs(split: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for number, (travel, money) in enumerate(zip(TRAVEL, MONEY, strict=True)):
        rows += [{"claim": travel, "proof": TRAVEL[number - 1], "label": "same"}]
        rows += [{"claim": travel, "proof": money, "label": "other"}]
    return rows * (6 if split == "train" else 2)


def trained(
    home: Path, encoder: Path, rows, task: str = "", data: str = "", train: str = "epochs: 16", more: str = ""
) -> Path:
    """A run that was trained, and evaluated on its test split."""
    from halluc.__main__ import exit_code_of

    for split in ("train", "dev", "test"):
        (home / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(split)), encoding="utf-8")
    splits = "".join(f"  {split}: {home / split}.jsonl\n" for split in ("train", "dev", "test"))
    config = home / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {home / 'runs'}\ntask: {{type: text_classification{task}}}\n"
        f"data:\n  format: texts\n  out_of_scope_label: oos\n{splits}{data}model: {{name: {encoder}, dropout: 0.05}}\n"
        f"train: {{learning_rate: 0.004, batch_tokens: 32, {train}}}\n{more}",
        encoding="utf-8",
    )
    assert exit_code_of(["train", str(config), "-q"]) == 0
    assert exit_code_of(["eval", str(config), "-q", "--split", "test"]) == 0
    runs = home / "runs" / "texts"
    return runs / (runs / "latest").readlink()


@pytest.fixture(scope="module")
def of_singles(tmp_path_factory, tiny_encoder) -> Path:
    home, scaled = tmp_path_factory.mktemp("singles"), "eval: {calibration: temperature}\n"
    return trained(home, tiny_encoder, singles, train="epochs: 16, best: mcc", more=scaled)


@pytest.fixture(scope="module")
def of_pairs(tmp_path_factory, tiny_encoder) -> Path:
    fields = "  text_field: claim\n  second_field: proof\n"
    return trained(tmp_path_factory.mktemp("pairs"), tiny_encoder, pairs, data=fields)


@pytest.fixture
def predict(halluc, tmp_path):
    """Predicts on bytes or text from a file; gives the outcome with its records."""

    def call(model, content, *arguments, code=0, name="input"):
        source = tmp_path / name
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        outcome = halluc("predict", model, "--input", source, *arguments)
        assert outcome.code == code, outcome.err
        return outcome, [json.loads(line) for line in outcome.out.split("\n")[:-1]]

    return call


def said(record: dict) -> tuple:
    """What a record says of a text, whatever the form that it came in."""
    labels = [(one["label"], one["confidence"], one["novelty"]) for one in record["labels"]]
    return record["tokens"], record["second"], labels, record["out_of_scope"], record["in_scope"]


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def as_csv(rows, *columns: str, delimiter: str = ",", header: bool = True) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([*([columns] if header else []), *([row[column] for column in columns] for row in rows)])
    return out.getvalue()


# --- what eval says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("look_ahead", [1, 512])
def test_predictions_equal_those_of_eval_in_scope_and_out_of_scope(predict, of_singles, look_ahead):
    settings = json.loads((of_singles / "confidence.json").read_text())
    assert abs(settings["temperature"] - 1) > 0.05, "a temperature of 1 shows nothing"
    given = (of_singles.parents[2] / "test.jsonl").read_text()
    _, records = predict(of_singles, given, "--look-ahead", look_ahead)
    expected = lines_of(of_singles / "predictions" / "test.jsonl")
    assert len(records) == len(expected) == 16
    for record, line in zip(records, expected, strict=True):
        assert record["tokens"] == line["tokens"]
        assert [one["label"] for one in record["labels"]] == [label for label, _ in line["predicted"]]
        told = [one["confidence"] for one in record["labels"]]
        assert told == pytest.approx([confidence for _, confidence in line["predicted"]], abs=1.5e-6)
        assert record["in_scope"] == pytest.approx(line["in_scope"], abs=1.5e-6)
        assert record["out_of_scope"] is not bool(record["labels"])
        assert not told or record["in_scope"] == told[0]
    assert {record["out_of_scope"] for record in records} == {True, False}


def test_the_figures_of_eval_are_those_of_the_file(of_singles):
    lines = lines_of(of_singles / "predictions" / "test.jsonl")
    file = EvalFile.model_validate_json((of_singles / "eval" / "test.json").read_text())
    (figure,) = [m.value for m in file.metrics if m.name == "out_of_scope_auroc"]
    inside = [bool(line["gold"]) for line in lines]
    assert figure == pytest.approx(selective.auroc([line["in_scope"] for line in lines], inside), abs=1e-6)
    assert 0 < figure <= 1


def test_novelty_is_that_of_the_ledger(predict, of_singles):
    _, records = predict(of_singles, (of_singles.parents[2] / "test.jsonl").read_text())
    told = [
        (one["label"], one["novelty"], one["confusable"], one["abstained"])
        for record in records for one in record["labels"]
    ]  # fmt: skip
    claims = [line for line in lines_of(of_singles / "ledger" / "test.jsonl") if line["record"] == "claim"]
    assert told == [(c["label"], c["novelty"], c["confusable"], c["abstained"]) for c in claims]
    assert {novelty for _, novelty, _, _ in told} <= {"q1", "q2", "q3", "q4"}


def test_what_a_text_without_a_label_means_can_be_declared(predict, of_singles, tmp_path):
    run = shutil.copytree(of_singles, tmp_path / "runs" / "copy")
    (run / "confidence.json").write_text(json.dumps({"schema_version": 1, "threshold": 1.0}))
    _, (labelled, outside, blank) = predict(run, f"{MONEY[1]}\n{OUTSIDE[0]}\n \n")
    assert [one["abstained"] for one in labelled["labels"]] == [True]
    assert (labelled["out_of_scope"], outside["out_of_scope"], blank["out_of_scope"]) == (False, True, None)
    assert outside["labels"] == blank["labels"] == []
    assert (0 < outside["in_scope"] < 0.5, blank["in_scope"]) == (True, None)
    for record in (labelled, outside, blank):
        assert PredictedLabels.model_validate(record).model_dump(mode="json") == record


def test_of_several_labels_none_is_not_out_of_scope(predict, tmp_path, tiny_encoder):
    def several(split):
        rows = [{"text": text, "label": label} for text, label in [(TRAVEL[0], ["travel"]), (MONEY[0], ["money"])]]
        return [*rows, {"text": OUTSIDE[0], "label": []}] * (8 if split == "train" else 1)

    run = trained(tmp_path, tiny_encoder, several, ", multi_label: true, threshold: 0.999")
    _, records = predict(run, f"{TRAVEL[0]}\n{OUTSIDE[0]}\n")
    assert [(record["labels"], record["out_of_scope"], record["in_scope"]) for record in records] == [
        ([], False, None)
    ] * 2


# --- forms of the input ----------------------------------------------------------------------------------------


def test_all_forms_of_the_same_texts_are_reported_the_same(predict, of_singles):
    rows = [{"id": f"t{at}", "text": text, "other": "x"} for at, text in enumerate(TRAVEL + OUTSIDE)]
    _, plain = predict(of_singles, "".join(f"{row['text']}\n" for row in rows))
    expected = list(map(said, plain))
    for content, name in [
        ("".join(json.dumps(row) + "\n" for row in rows), "input"),
        (as_csv(rows, "other", "text", "id"), "input.csv"),
        (as_csv(rows, "other", "text", "id", delimiter="\t"), "in.TSV"),
        (as_csv([{**row, "label": "x"} for row in rows], "text", "label", "id"), "input"),  # its header tells
    ]:
        outcome, records = predict(of_singles, content, name=name)
        assert [record["id"] for record in records] == [row["id"] for row in rows]
        assert list(map(said, records)) == expected
    assert "read as csv, texts split into words\nfields: text: `text`; id: `id`\n" in outcome.err


def test_columns_are_named_numbered_and_cut_as_is_asked(predict, of_singles):
    rows = [{"a": at, "body": f'{text}; "so" it, is'} for at, text in enumerate(TRAVEL)]
    _, plain = predict(of_singles, "".join(f"{row['body']}\n" for row in rows))
    expected = list(map(said, plain))
    for content, *options in [
        (as_csv(rows, "a", "body"), "--text-field", "body"),
        (as_csv(rows, "a", "body", delimiter=";"), "--text-field", "body", "--delimiter", ";"),
        (as_csv(rows, "a", "body", delimiter="\t", header=False), "--text-field", "1"),
        (as_csv(rows, "a", "body", delimiter="\t"), "--text-field", "1", "--header", "--delimiter", r"\t"),
        (as_csv(rows, "a", "body", delimiter="\t", header=False), "--text-field", "1", "--delimiter", "tab"),
        (as_csv(rows, "body", header=False), "--text-field", "0", "--delimiter", ","),
        ("a\tbody\n" + "".join(f"{row['a']}\t{row['body']}\n" for row in rows), "--text-field=body", "--no-quoting"),
    ]:
        _, records = predict(of_singles, content, *options)
        assert list(map(said, records)) == expected, options


def test_columns_of_the_runs_own_data_are_the_defaults(predict, tmp_path, tiny_encoder):
    def renamed(split):
        return [{"q": row["text"], "label": row["label"], "key": at} for at, row in enumerate(singles(split))]

    fields = "  text_field: q\n  id_field: key\n  delimiter: '|'\n  quoting: false\n"
    run = trained(tmp_path, tiny_encoder, renamed, data=fields, train="steps: 1")
    _, (record,) = predict(run, 'key|q\nt1|"Anna, visited Oslo\n', name="x.csv")
    assert (record["id"], record["text"], record["line"]) == ("t1", '"Anna, visited Oslo', 2)
    _, (record,) = predict(run, '{"q": "the bank won", "text": 5, "key": "t2"}')
    assert (record["id"], record["text"]) == ("t2", "the bank won")
    _, (record,) = predict(run, '{"text": "the bank won", "id": "t3"}', "--text-field", "text")
    assert (record["id"], record["text"]) == ("t3", "the bank won")
    _, (record,) = predict(run, 'text;q\n"a;b";c\n', "--text-field", "text", "--delimiter", ";", "--quoting")
    assert record["text"] == "a;b"


def test_a_comma_in_a_text_makes_no_columns(predict, of_singles):
    raw = "text, and a comma\nthe bank won, Anna\n"
    outcome, records = predict(of_singles, raw)
    assert "read as text" in outcome.err
    assert [record["text"] for record in records] == raw.splitlines()


def test_broken_rows_are_reported_in_their_places(predict, of_singles):
    content = b'id,text\n1,Anna\n2\n3,"two\nlines"\n4,"x"y\n5,\xff\n,blank id\n7,\n8,"never closed\n9,z\n'
    outcome, records = predict(of_singles, content, "--look-ahead", "2", code=3, name="x.csv")
    assert [record["line"] for record in records] == [2, 3, 4, 6, 7, 8, 9, 10]
    codes = [record["error"]["code"] if "error" in record else None for record in records]
    assert codes == [None, "D113", None, "D118", "D104", None, None, "D118"]
    assert [record["id"] for record in records if "error" not in record] == ["1", "3", "line-8", "7"]
    assert (records[2]["text"], records[6]["text"], records[6]["labels"]) == ("two\nlines", "", [])
    assert "data." not in outcome.out
    assert "error[D115]: 4 of 8 texts" in outcome.err


@pytest.mark.parametrize(
    ("content", "options", "code", "line", "told"),
    [
        ("a,b\n1,2\n", ["--text-field", "txt"], "D116", 2, "no field `txt`; it has `a`, `b`"),
        ("a,texts\n1,2\n", ["--format", "csv"], "D116", 2, "set one, for example `--text-field texts`"),
        ("text,text\n1,2\n", ["--format", "csv"], "D116", 1, "is repeated"),
        ("a,b\n1,2\n", ["--text-field", "2", "--delimiter", ","], "D116", 1, "no column 2"),
        ("one\nand two\n", ["--text-field", "1"], "D117", 1, "--delimiter"),
        (b"te\xffxt,b\n1,2\n", ["--format", "csv"], "D104", 1, "--encoding latin-1"),
    ],
)
def test_columns_that_are_not_there_are_reported_with_the_line(predict, of_singles, content, options, code, line, told):
    outcome, _ = predict(of_singles, content, *options, code=3)
    assert f"error[{code}]" in outcome.err
    assert told in outcome.err
    assert f"input:{line}" in outcome.err
    assert (outcome.out, "`data." in outcome.err) == ("", False)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--delimiter", ";;"], "one character"),
        (["--delimiter", ""], "one character"),
        (["--delimiter", '"'], "not a quote"),
        (["--text-field", ""], "empty"),
        (["--no-header"], "--no-header"),
        (["--format", "text", "--delimiter", ","], "--delimiter cannot be combined with --format text"),
        (["--format", "conll", "--text-field", "x"], "--text-field cannot be combined with --format conll"),
        (["--format", "jsonl", "--no-quoting"], "--quoting cannot be combined with --format jsonl"),
        (["--second-field", "text"], "both texts of a pair are in the same field"),
        (["--format", "conll", "--second-field", "b"], "no second text"),
    ],
)  # fmt: skip
def test_options_that_do_not_go_together_are_refused_before_the_model_is_loaded(halluc, of_singles, options, told):
    outcome = halluc("predict", of_singles, "-i", "/dev/null", *options)
    assert outcome.code == 2
    assert "error[C016]" in outcome.err
    assert told in outcome.err
    assert "model:" not in outcome.err


def test_nothing_in_nothing_out(predict, of_singles):
    for content in ("", "text,label\n", "\n\n"):
        assert predict(of_singles, content, name="x.csv")[1] == []


def test_a_slow_writer_of_rows_is_answered_row_by_row(of_singles):
    command = [sys.executable, "-m", "halluc", "predict", str(of_singles), "-q"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": ""}, **pipes) as process:
        for line, text in (("id,text\n1,Anna met Oslo\n", "Anna met Oslo"), ('2,"won, the bank"\n', "won, the bank")):
            process.stdin.write(line.encode())
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 120)[0], "no answer"
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.close()
        assert process.wait(120) == 0


# --- pairs -----------------------------------------------------------------------------------------------------


def test_pairs_are_reported_the_same_in_every_form_and_as_eval_reports_them(predict, of_pairs):
    rows = pairs("test")
    _, records = predict(of_pairs, (of_pairs.parents[2] / "test.jsonl").read_text())
    expected = lines_of(of_pairs / "predictions" / "test.jsonl")
    assert [(r["tokens"], r["second"]) for r in records] == [(line["tokens"], line["second"]) for line in expected]
    told = [(one["label"], one["confidence"]) for record in records for one in record["labels"]]
    wanted = [tuple(one) for line in expected for one in line["predicted"]]
    assert [label for label, _ in told] == [label for label, _ in wanted]
    assert [c for _, c in told] == pytest.approx([c for _, c in wanted], abs=1.5e-6)
    assert len(told) == 16
    assert {label for label, _ in told} == {"same", "other"}
    assert [(r["text"], r["second_text"]) for r in records] == [(row["claim"], row["proof"]) for row in rows]
    for content, *options in [
        ("".join(f"{row['claim']}\t{row['proof']}\n" for row in rows), "-q"),
        (as_csv(rows, "proof", "label", "claim"), "-q"),  # its header tells
        (as_csv(rows, "proof", "claim", header=False), "--text-field", "1", "--second-field", "0"),
        ("".join(json.dumps({"tokens": line["tokens"], "second": line["second"]}) + "\n" for line in expected), "-q"),
    ]:
        _, found = predict(of_pairs, content, *options)
        assert list(map(said, found)) == list(map(said, records)), options


def test_what_it_wrote_of_pairs_it_reads_again(predict, of_pairs):
    outcome, _ = predict(of_pairs, "Anna  met\tOslo, Paris\n\nBerg\tthe bank\n")
    _, records = predict(of_pairs, outcome.out)
    assert [(r["text"], r["second_text"]) for r in records] == [
        ("Anna  met", "Oslo, Paris"), ("", None), ("Berg", "the bank"),
    ]  # fmt: skip
    assert list(map(said, records)) == list(map(said, (json.loads(line) for line in outcome.out.splitlines())))


def test_a_pair_with_one_side_missing_is_reported_in_its_place(predict, of_pairs):
    _, records = predict(of_pairs, "Anna\tOslo\nAnna\n\nAnna\t\n\tOslo\na\tb\tc\n", code=3)
    codes = [record["error"]["code"] if "error" in record else None for record in records]
    assert codes == [None, "D113", None, "D106", "D106", "D113"]
    assert "separated by one tab" in records[1]["error"]["help"]
    records = [
        {"claim": "a", "proof": "b"}, {"claim": "a"}, {"proof": "b"}, {"claim": "a", "proof": " "},
        {"claim": "a", "proof": None}, {"claim": "a", "proof": 5}, {"tokens": ["a", "b"]}, {"claim": "", "proof": ""},
        {"tokens": ["a", "b"], "second": 2}, {"tokens": ["a", "b"], "second": True},
        {"tokens": ["a", "b"], "second": 1},
    ]  # fmt: skip
    _, found = predict(of_pairs, "".join(json.dumps(record) + "\n" for record in records), code=3)
    codes = [record["error"]["code"] if "error" in record else None for record in found]
    assert codes == [None, "D107", "D107", "D106", "D107", "D107", "D107", "D106", "D107", "D107", None]
    assert all(
        record["error"]["help"] and "data." not in record["error"]["help"] for record in found if "error" in record
    )
    _, found = predict(of_pairs, "claim,proof\na,\n,b\na,b\n", code=3, name="x.csv")
    assert [(record["line"], record.get("error", {}).get("code")) for record in found] == [
        (2, "D106"), (3, "D106"), (4, None),
    ]  # fmt: skip


def test_a_second_text_is_left_alone_by_a_model_of_single_texts(predict, of_singles):
    _, (plain,) = predict(of_singles, "the bank won\n")
    for record in ({"second": "Anna"}, {"second": 12}, {"proof": "Anna"}):
        _, (found,) = predict(of_singles, json.dumps({"text": "the bank won", **record}))
        assert said(found) == said(plain)
    _, (found,) = predict(of_singles, "text,second\nthe bank won,Anna\n")
    assert said(found) == said(plain)
    _, (found,) = predict(of_singles, json.dumps({"tokens": ["the", "bank", "won"], "second": 12}))
    assert said(found) == said(plain)


def test_an_option_reports_that_a_model_from_elsewhere_is_one_of_pairs(predict, halluc, of_pairs, tmp_path):
    foreign = shutil.copytree(of_pairs / "model", tmp_path / "elsewhere")
    _, own = predict(of_pairs, "Anna visited Oslo\tthe bank won\n")
    given = json.dumps({"text": "Anna visited Oslo", "b": "the bank won"})
    for content in (given, "Anna visited Oslo\tthe bank won\n", "text,b\nAnna visited Oslo,the bank won\n"):
        _, (record,) = predict(foreign, content, "--second-field", "b")
        assert record["second"] == 3
        assert record["second_text"] == "the bank won"
        (one,), (other,) = record["labels"], own[0]["labels"]
        assert (one["label"], one["confidence"]) == (other["label"], pytest.approx(other["confidence"], abs=1.5e-6))
        assert one["novelty"] is None
    _, (record,) = predict(foreign, given)
    assert (record["second"], record["tokens"]) == (None, ["Anna", "visited", "Oslo"])


def test_a_foreign_model_of_several_labels_is_recognised(predict, tmp_path, tiny_encoder):
    def several(split):
        return [{"text": TRAVEL[0], "label": ["travel"]}, {"text": MONEY[0], "label": ["money", "travel"]}]

    run = trained(tmp_path, tiny_encoder, several, ", multi_label: true", train="steps: 1")
    foreign = shutil.copytree(run / "model", tmp_path / "elsewhere")
    _, own = predict(run, "the bank won\nAnna\n")
    outcome, records = predict(foreign, "the bank won\nAnna\n")
    assert "not a run of halluc" in outcome.err
    for record, other in zip(records, own, strict=True):
        assert [one["label"] for one in record["labels"]] == [one["label"] for one in other["labels"]]
        assert (record["out_of_scope"], record["in_scope"]) == (False, None)


def test_texts_that_are_read_in_part_are_reported(predict, of_singles):
    outcome, _ = predict(of_singles, "the bank won . " * 40 + "\nAnna\n")
    assert "1 text longer than the model's limit, split into overlapping windows" in outcome.err
    assert "out of scope" not in outcome.err
