"""`halluc predict`: any text in, claims out, in the order of the input, whatever is in it."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import random
import select
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from halluc.runs.directory import RunDir
from halluc.runs.schema import UnreadText
from halluc.tasks.token_classification.records import PredictedText
from halluc.workflows import prediction
from halluc.workflows.trained_models import read_confidence
from tests.conftest import SENTENCES


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory, tiny_encoder) -> Path:
    """A run that was trained and evaluated on its test split; tests that change a run take a copy."""
    from halluc.__main__ import exit_code_of

    home = tmp_path_factory.mktemp("predict")
    for split, copies in (("train", 4), ("dev", 2), ("test", 3)):
        (home / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    config = home / "tiny.yaml"
    config.write_text(
        f"name: tiny\nruns_dir: {home / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data: {{format: conll, train: {home / 'train.txt'}, dev: {home / 'dev.txt'}, test: {home / 'test.txt'}}}\n"
        f"model: {{name: {tiny_encoder}}}\ntrain: {{epochs: 4, learning_rate: 0.01, batch_tokens: 64}}\n",
        encoding="utf-8",
    )
    assert exit_code_of(["train", str(config), "-q"]) == 0
    assert exit_code_of(["eval", str(config), "-q", "--split", "test"]) == 0
    runs = home / "runs" / "tiny"
    return runs / (runs / "latest").readlink()


@pytest.fixture
def own_run(shared_run, tmp_path) -> Path:
    return shutil.copytree(shared_run, tmp_path / "runs" / "copy")


@pytest.fixture
def predict(halluc, tmp_path):
    """Predicts on bytes or text from a file; gives the outcome with its records."""

    def call(model, content, *arguments, code=0):
        source = tmp_path / "input"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        outcome = halluc("predict", model, "--input", source, *arguments)
        assert outcome.code == code, outcome.err
        return outcome, [json.loads(line) for line in outcome.out.split("\n")[:-1]]

    return call


def spans_of(record) -> list[tuple]:
    return [(span["start"], span["end"], span["label"]) for span in record["spans"]]


def confidences(records) -> list[float]:
    return [span["confidence"] for record in records for span in record["spans"]]


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


@pytest.mark.parametrize("look_ahead", [1, 3, 512])
def test_predictions_equal_those_of_eval_with_any_look_ahead(predict, shared_run, look_ahead):
    columns = (shared_run.parents[2] / "test.txt").read_text()
    outcome, records = predict(shared_run, columns, "--look-ahead", look_ahead)
    assert "read as conll" in outcome.err
    expected = lines_of(shared_run / "predictions" / "test.jsonl")
    assert len(records) == len(expected) == 15
    for record, line in zip(records, expected, strict=True):
        assert record["tokens"] == line["tokens"]
        assert record["text"] is None
        assert spans_of(record) == [tuple(span[:3]) for span in line["predicted"]]
        assert confidences([record]) == pytest.approx([span[3] for span in line["predicted"]], abs=2e-6)
    assert sum(len(record["spans"]) for record in records) > 20


def test_novelty_is_that_of_the_ledger(predict, shared_run):
    columns = (shared_run.parents[2] / "test.txt").read_text() + "\nReuters O\nOslo O\nmet O\nAnna O\nParis O\n"
    _, records = predict(shared_run, columns)
    told = [
        (span["text"], span["label"], span["novelty"], span["confusable"], span["abstained"])
        for record in records[:-1] for span in record["spans"]
    ]  # fmt: skip
    claims = [line for line in lines_of(shared_run / "ledger" / "test.jsonl") if line["record"] == "claim"]
    assert told == [(c["text"], c["label"], c["novelty"], c["confusable"], c["abstained"]) for c in claims]
    novelties = {span["novelty"] for record in records for span in record["spans"]}
    assert {"seen"} < novelties <= {"seen", "partial", "new"}


def test_the_temperature_that_eval_fitted_is_applied(halluc, predict, shared_run, own_run):
    text = "\n".join(" ".join(line["tokens"]) for line in lines_of(shared_run / "predictions" / "test.jsonl"))
    _, plain = predict(own_run, text)
    assert halluc("eval", "--run", own_run, "--split", "test", "-q", "--set", "eval.calibration=temperature").code == 0
    outcome, scaled = predict(own_run, text)
    expected = [span[3] for line in lines_of(own_run / "predictions" / "test.jsonl") for span in line["predicted"]]
    assert confidences(scaled) == pytest.approx(expected, abs=2e-6)
    assert confidences(scaled) != pytest.approx(confidences(plain), abs=1e-3)
    assert f"by {own_run / 'confidence.json'}" in outcome.err


def test_claims_under_the_threshold_are_marked(predict, own_run):
    text = "Anna Berg visited Oslo .\nthe German bank won\nAcme Corp said Anna left"
    _, plain = predict(own_run, text)
    low, high = sorted(set(confidences(plain)))[1:3]
    threshold = (low + high) / 2
    (own_run / "confidence.json").write_text(json.dumps({"schema_version": 1, "threshold": threshold}))
    outcome, marked = predict(own_run, text)
    told = [(span["confidence"], span["abstained"]) for record in marked for span in record["spans"]]
    assert [abstained for _, abstained in told] == [confidence < threshold for confidence, _ in told]
    assert {abstained for _, abstained in told} == {True, False}
    assert "are withdrawn" in outcome.err
    (own_run / "confidence.json").unlink()
    outcome, records = predict(own_run, text)
    assert records == plain
    assert "no claim is withdrawn" in outcome.err


def test_a_guarantee_that_cannot_be_given_is_reported(predict, own_run):
    file = {"schema_version": 1, "guarantee": {"max_rate": 0.05}}
    (own_run / "confidence.json").write_text(json.dumps(file))
    assert "no threshold can give" in predict(own_run, "Anna\n")[0].err


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"temperature": 1}', '{"schema_version": 99}', '{"schema_version": 1, "temperature": "warm"}',
     '{"schema_version": 1, "temperature": 0}', '{"schema_version": 1, "temperature": NaN}', b"\xff"],
)  # fmt: skip
def test_a_damaged_confidence_file_is_refused(halluc, own_run, content):
    (own_run / "confidence.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    outcome = halluc("predict", own_run)
    assert outcome.code == 2
    assert "error[R114]" in outcome.err
    assert "halluc eval" in outcome.err


NASTY = ["  ", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "😀", "👩‍👩‍👧", "e\u0301", "北京", "שלום", "\u202e",
         "\u200b", "\x00", "\x1b[31m", "\ufeff", "...", "\r", "z" * 300, "\U0010ffff"]  # fmt: skip


@pytest.mark.parametrize("tokenize", ["words", "whitespace"])
def test_offsets_give_the_text_of_every_claim(predict, shared_run, tokenize):
    chance = random.Random(tokenize)
    words = ["Anna  Berg", "Oslo", "Acme Corp", "Paris", "visited", "the German bank", "said", *NASTY]
    gaps = [" ", "  ", "", "\t"]
    texts = [
        "".join(chance.choice(words) + chance.choice(gaps) for _ in range(chance.randint(1, 30))) for _ in range(200)
    ]
    content = "\n".join(json.dumps({"text": text}) for text in texts)
    _, records = predict(shared_run, content, "--tokenize", tokenize)
    assert [record["text"] for record in records] == texts
    found = [(record, span) for record in records for span in record["spans"]]
    for record, span in found:
        inside = record["tokens"][span["start"] : span["end"]]
        assert record["text"][span["start_char"] : span["end_char"]] == span["text"]
        assert span["text"].startswith(inside[0])
        assert span["text"].endswith(inside[-1])
    assert len(found) > 200
    assert sum(span["text"] == "Anna  Berg" for _, span in found) > 10  # in the text as it is, two spaces and all


def test_every_record_has_its_promised_shape(predict, shared_run):
    _, (good, bad, _) = predict(shared_run, b"Anna met Paris\n\xff\n\n", code=3)
    assert PredictedText.model_validate(good).model_dump(mode="json") == good
    assert UnreadText.model_validate(bad).model_dump(mode="json") == bad
    assert list(good) == ["id", "line", "text", "tokens", "spans"]


def test_what_cannot_be_read_is_reported_in_its_place(predict, shared_run):
    lines = [
        b'{"id": "a", "text": "Anna met Oslo"}', b"\xff\xfe", b'{"text": "cut', b'{"other": 1}', b'{"tokens": [1]}',
        b'{"id": 7, "tokens": ["Oslo", ""]}', b'{"text": "\\ud800"}', b'{"text": "a", "id": []}', b'{"text": 5}',
        b'{"text": ""}', b'{"text": "Paris"}',
    ]  # fmt: skip
    outcome, records = predict(shared_run, b"\n".join(lines), "--look-ahead", 4, code=3)
    assert [record["line"] for record in records] == list(range(1, 12))
    assert [record.get("id") for record in records if "error" not in record] == ["a", 7, "line-10", "line-11"]
    codes = [record["error"]["code"] if "error" in record else None for record in records]
    assert codes == [None, "D104", "D107", "D107", "D107", None, "D107", "D107", "D107", None, None]
    assert all(record["error"]["message"] and record["error"]["help"] for record in records if "error" in record)
    assert "error[D115]: 7 of 11 texts could not be read" in outcome.err
    assert spans_of(records[0])
    assert records[9]["spans"] == records[9]["tokens"] == []


def test_texts_keep_their_order_and_their_claims(predict, shared_run):
    chance = random.Random(1)
    texts = [" ".join(["the"] * chance.randint(0, 90) + [chance.choice(["Oslo", "Anna"])]) for _ in range(100)]
    _, together = predict(shared_run, "\n".join(texts))
    assert [record["text"] for record in together] == texts
    assert [record["id"] for record in together] == [f"line-{number}" for number in range(1, 101)]
    for number in (0, 50, 99):
        _, (alone,) = predict(shared_run, texts[number])
        assert spans_of(alone) == spans_of(together[number])


def test_a_text_of_many_windows_is_read_to_its_end(predict, shared_run):
    _, (record,) = predict(shared_run, "Anna Berg visited Oslo . " * 100)
    assert len(record["tokens"]) == 500
    found = {span["start"] // 5 for span in record["spans"] if span["text"] == "Oslo"}
    assert len(found) > 80
    assert max(found) == 99


def test_gzip_bom_and_crlf_are_read(predict, shared_run):
    _, expected = predict(shared_run, "Anna met Oslo\nParis won\n")
    content = b"\xef\xbb\xbfAnna met Oslo\r\nParis won\r\n"
    assert predict(shared_run, content)[1] == expected
    assert predict(shared_run, gzip.compress(content))[1] == expected


def test_standard_input_is_read_where_no_file_is_named(halluc, shared_run, monkeypatch):
    for arguments in ([], ["--input", "-", "--output", "-"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Anna met Oslo\n"), encoding="ascii"))
        outcome = halluc("predict", shared_run, *arguments)
        assert outcome.code == 0, outcome.err
        assert json.loads(outcome.out)["text"] == "Anna met Oslo"
        assert "input: standard input, read as text" in outcome.err


def test_nothing_in_nothing_out(predict, shared_run):
    outcome, records = predict(shared_run, "")
    assert records == []
    assert "0 texts" in outcome.err


def test_what_it_wrote_it_reads_again(predict, shared_run):
    outcome, _ = predict(shared_run, "Anna  met Oslo\n\n😀 Paris\tBerg\n")
    again, _ = predict(shared_run, outcome.out)
    assert again.out == outcome.out
    outcome, _ = predict(shared_run, "Anna B-PER\nmet O\n")
    assert predict(shared_run, outcome.out)[0].out == outcome.out


def test_a_configured_form_is_not_questioned(predict, shared_run):
    _, records = predict(shared_run, "Anna\nmet\n\nOslo\n", "--format", "conll")
    assert [record["tokens"] for record in records] == [["Anna", "met"], ["Oslo"]]
    _, records = predict(shared_run, '{"text": "a"}\n', "--format", "text", "--tokenize", "whitespace")
    assert records[0]["tokens"] == ['{"text":', '"a"}']


def test_the_output_file_is_whole_and_names_what_is_broken(predict, shared_run, tmp_path):
    target = tmp_path / "new" / "out.jsonl"
    outcome, _ = predict(shared_run, b"Anna\n\xff\nOslo\n", "--output", target, code=3)
    assert outcome.out == ""
    assert [("error" in record) for record in lines_of(target)] == [False, True, False]
    assert [path.name for path in target.parent.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_output_file_that_was_there_outlives_an_interruption(halluc, shared_run, tmp_path, monkeypatch, error):
    source, target = tmp_path / "texts", tmp_path / "out.jsonl"
    source.write_text("Anna\nOslo\nParis\n")
    target.write_text("old")
    made = prediction.Predictor.records

    def stumble(self, chunk):
        if chunk[0].line == 3:
            raise error
        return made(self, chunk)

    monkeypatch.setattr(prediction.Predictor, "records", stumble)
    outcome = halluc("predict", shared_run, "-i", source, "-o", target, "--look-ahead", "1")
    assert outcome.code == (130 if error is KeyboardInterrupt else 1)
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "texts"]


def test_a_pipe_that_is_named_as_output_stays_a_pipe(halluc, shared_run, tmp_path):
    source, target = tmp_path / "texts", tmp_path / "pipe"
    source.write_text("Anna\n")
    os.mkfifo(target)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(target.read_text()))
    reader.start()
    try:
        assert halluc("predict", shared_run, "-i", source, "-o", target).code == 0
    finally:
        if not target.is_fifo() or not received:
            reader.join(10)
    assert target.is_fifo()
    assert json.loads(received[0])["text"] == "Anna"


def test_inputs_and_outputs_that_cannot_be_are_reported_before_the_model_is_loaded(
    halluc, shared_run, tmp_path, monkeypatch
):
    monkeypatch.setattr(prediction.Predictor, "load", None)
    for arguments, code, told in [
        (["-i", tmp_path / "none"], 3, "no such file"),
        (["-i", tmp_path], 3, "is not a regular file (a folder)"),
        (["-i", "/dev/null", "-o", tmp_path], 2, "is a folder"),
        (["--look-ahead", "0"], 2, "look-ahead"),
        (["--format", "xml"], 2, "xml"),
    ]:
        outcome = halluc("predict", shared_run, *arguments)
        assert outcome.code == code, outcome.err
        assert told in outcome.err


def test_a_run_is_found_by_each_of_its_names(halluc, predict, shared_run, monkeypatch):
    _, expected = predict(shared_run, "Anna met Oslo\n")
    for name in (shared_run.parent / "latest", shared_run / "model", f"{shared_run}/model/"):
        assert predict(name, "Anna met Oslo\n")[1] == expected
    for folder, name in ((shared_run, "."), (shared_run, "model"), (shared_run / "model", ".")):
        monkeypatch.chdir(folder)
        assert predict(name, "Anna met Oslo\n")[1] == expected
    assert expected[0]["spans"][0]["novelty"] is not None


def test_a_model_from_elsewhere_has_its_own_confidence_and_no_novelty(predict, shared_run, tmp_path):
    foreign = shutil.copytree(shared_run / "model", tmp_path / "elsewhere")
    _, own = predict(shared_run, "Anna met Oslo\n")
    outcome, records = predict(foreign, "Anna met Oslo\n")
    assert spans_of(records[0]) == spans_of(own[0]) != []
    for span in records[0]["spans"]:
        assert (span["novelty"], span["confusable"], span["abstained"]) == (None, None, False)
    assert "not a run of halluc" in outcome.err


def test_what_is_no_model_is_reported(halluc, own_run, tiny_encoder, tmp_path):
    (own_run.parent / "latest").write_text("copy\n")
    (tmp_path / "empty").mkdir()
    shutil.rmtree(own_run / "model")
    for name, code, told in [
        (own_run, 2, "error[R105]"),
        (own_run.parent, 2, f"{own_run.parent / 'latest'}"),
        (tmp_path / "empty", 2, "is neither a run nor a model"),
        (tmp_path / "none", 2, "does not exist"),
        ("", 2, "empty"),
        ("package:no_such_package/model", 4, "no Python package"),
        (tiny_encoder, 4, "without a trained head"),
    ]:
        outcome = halluc("predict", name, "-i", "/dev/null")
        assert outcome.code == code, outcome.err
        assert told in outcome.err


def test_labels_that_the_run_renames_are_renamed(predict, own_run):
    config = own_run / "config.yaml"
    text = config.read_text(encoding="utf-8")
    assert "  labels: null" in text
    config.write_text(text.replace("  labels: null", "  labels: {PER: person, LOC: null}"), encoding="utf-8")
    _, (record,) = predict(own_run, "Anna Berg visited Oslo\n")
    assert [span["label"] for span in record["spans"]] == ["person"]


def test_texts_are_cut_as_is_asked(predict, shared_run):
    _, (record,) = predict(shared_run, "Anna-Berg")
    assert record["tokens"] == ["Anna", "-", "Berg"]
    outcome, (record,) = predict(shared_run, "Anna-Berg", "--tokenize", "whitespace")
    assert record["tokens"] == ["Anna-Berg"]
    assert "texts split into whitespace" in outcome.err


def test_a_run_that_was_not_evaluated_has_no_confidence(tmp_path):
    assert read_confidence(RunDir(tmp_path)) is None


def test_quiet_prints_nothing_but_errors(predict, shared_run):
    assert predict(shared_run, "Anna\n", "-q")[0].err == ""
    outcome, _ = predict(shared_run, b"\xff\n", "-q", code=3)
    assert outcome.err.startswith("error[D115]: 1 of 1 text could")


def test_help_starts_without_torch():
    code = (
        "import sys\nfrom halluc.__main__ import exit_code_of\nexit_code_of(['predict', '--help'])\n"
        "sys.exit(bool({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_slow_writer_is_answered_line_by_line_without_other_output(shared_run):
    command = [sys.executable, "-m", "halluc", "predict", str(shared_run)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        for line in ("Anna met Oslo", "", "😀 Paris"):
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 120)[0], "no answer"
            assert json.loads(process.stdout.readline())["text"] == line
        process.stdout.close()  # as `| head` does
        process.stdin.write(b"Oslo\n" * 100)
        process.stdin.close()
        told = process.stderr.read().decode().splitlines()
        assert process.wait(120) == 0
    assert [line.split(":")[0] for line in told] == ["model", "confidence", "input"]


def half_written(run: Path, target: Path) -> subprocess.Popen[bytes]:
    """A prediction that waits for more input, and has written some of its output."""
    command = [sys.executable, "-m", "halluc", "predict", str(run), "-q", "--look-ahead", "1", "-o", str(target)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    process.stdin.write(b"Anna met Oslo\n")
    process.stdin.flush()
    beside = target.with_name(f".{target.name}.{process.pid}.tmp")
    deadline = time.monotonic() + 120
    while not (beside.is_file() and beside.stat().st_size):
        assert time.monotonic() < deadline, "nothing is written"
        assert process.poll() is None
        time.sleep(0.01)
    return process


def test_what_a_killed_prediction_left_goes_with_the_next_one_and_a_living_one_is_left_alone(
    predict, shared_run, tmp_path
):
    target = tmp_path / "out" / "claims.jsonl"
    killed = half_written(shared_run, target)
    killed.kill()
    killed.communicate()
    assert [path.name for path in target.parent.iterdir()] == [f".claims.jsonl.{killed.pid}.tmp"]
    living = half_written(shared_run, target)
    assert [path.name for path in target.parent.iterdir()] == [f".claims.jsonl.{living.pid}.tmp"]
    predict(shared_run, "Oslo\nParis\n", "-o", target)
    assert {path.name for path in target.parent.iterdir()} == {"claims.jsonl", f".claims.jsonl.{living.pid}.tmp"}
    assert len(target.read_text().splitlines()) == 2
    living.communicate(b"Berg\nAcme\n")
    assert living.returncode == 0
    assert [path.name for path in target.parent.iterdir()] == ["claims.jsonl"]
    assert [json.loads(line)["text"] for line in target.open()] == ["Anna met Oslo", "Berg", "Acme"]


def test_a_full_disk_advises_another_output(halluc, shared_run, tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "in").write_text("Oslo\n")
    monkeypatch.setattr(os, "fsync", full)
    outcome = halluc("predict", shared_run, "-q", "-i", tmp_path / "in", "-o", tmp_path / "out")
    assert outcome.code == 4
    assert outcome.err.splitlines() == [
        f"error[E401]: cannot write {tmp_path / 'out'}: No space left on device",
        "   = help: free disk space, or choose another path for `--output`",
    ]
    if Path("/dev/full").exists():
        outcome = halluc("predict", shared_run, "-q", "-i", tmp_path / "in", "-o", "/dev/full")
        assert (outcome.code, "for `--output`" in outcome.err) == (4, True)


def test_thresholds_by_novelty_without_the_training_split_are_an_error(predict, shared_run, own_run):
    file = {"schema_version": 1, "by": "novelty", "guarantees": {"seen": {"threshold": 0.0}}}
    (own_run / "confidence.json").write_text(json.dumps(file))
    predict(own_run, "Anna flew to Paris .\n")
    (own_run / "coverage.json").unlink()
    train = shared_run.parents[2] / "train.txt"
    hidden = train.rename(train.with_name("hidden.txt"))
    try:
        outcome, made = predict(own_run, "Anna flew to Paris .\n", code=2)
    finally:
        hidden.rename(train)
    assert "error[C107]" in outcome.err and "eval.abstain.by=label" in outcome.err and not made


def test_processes_side_by_side_write_the_same_bytes(halluc, shared_run, tmp_path):
    """They are forked off a process of their own: one that has torch must not be forked."""
    texts = [
        {"text": f"{word} met Peter Blackburn in Rome .", "id": str(n)} for n, word in enumerate(["EU", "He"] * 40)
    ]
    lines = [json.dumps(one) for one in texts]
    lines[17] = "{"
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="utf-8")
    alone, together = (tmp_path / f"out-{jobs}.jsonl" for jobs in (1, 2))
    given = ["predict", shared_run, "--input", tmp_path / "in.jsonl", "--look-ahead", "7"]
    outcome = halluc(*given, "-o", alone, "--jobs", "1")
    command = [sys.executable, "-m", "halluc", *map(str, given), "-o", str(together), "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    for code, told in ((outcome.code, outcome.err), (done.returncode, done.stderr)):
        assert code == 3, told
        assert "80 texts" in told
        assert "1 of 80 texts could not be read" in told
    assert alone.read_bytes() == together.read_bytes()
    assert alone.read_bytes().count(b"\n") == 80


def test_one_process_needs_no_launcher(predict, shared_run, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("halluc.launch")]:
        monkeypatch.delitem(sys.modules, name)
    predict(shared_run, "Anna met Oslo\n", "--jobs", "1")
    assert "halluc.launch.local" not in sys.modules


@pytest.mark.parametrize(("jobs", "code"), [("2", "C016"), ("none", "C019"), ("0", "C019")])
def test_jobs_need_a_file_and_a_number(halluc, shared_run, jobs, code):
    outcome = halluc("predict", shared_run, "--jobs", jobs)
    assert outcome.code == 2
    assert code in outcome.err
