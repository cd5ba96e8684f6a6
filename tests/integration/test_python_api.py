"""`import halluc`: what the commands do, as functions with typed results."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import halluc as api
from halluc.data import corpora
from halluc.runs.directory import RunDir
from halluc.runs.reports import RunReport
from halluc.runs.results import CheckResult, EvalResult, TrainResult
from halluc.tasks.token_classification.records import PredictedText
from tests.conftest import REPOSITORY, SENTENCES

TEXTS = ["Anna Berg met Reuters in Oslo .", "", "corp of Paris", "\u00e9t\u00e9 \U0001f600 the bank", "Anna"] * 3


@pytest.fixture(scope="module")
def config(tmp_path_factory, tiny_encoder) -> Path:
    home = tmp_path_factory.mktemp("api")
    for split, copies in (("train", 4), ("dev", 2), ("test", 3)):
        (home / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    path = home / "tiny.yaml"
    path.write_text(
        f"name: tiny\nruns_dir: {home / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data: {{format: conll, train: {home / 'train.txt'}, dev: {home / 'dev.txt'}, test: {home / 'test.txt'}}}\n"
        f"model: {{name: {tiny_encoder}}}\ntrain: {{epochs: 4, learning_rate: 0.01, batch_tokens: 64}}\n"
        "eval: {calibration: temperature, abstain: {threshold: 0.6}}\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def outcome(config):
    """All that one call of ``halluc.run`` made, with what it said and how far it told that it was."""
    said, ticks = [], []
    made = api.run(config, messages=said.append, progress=lambda *tick: ticks.append(tick))
    return made, said, ticks


@pytest.fixture(scope="module")
def run(outcome) -> str:
    return outcome[0].trainings[0].run


def test_a_run_is_returned_typed_and_nothing_is_printed(config, capsys, outcome):
    made, said, ticks = outcome
    [trained] = made.trainings
    assert isinstance(trained, TrainResult) and trained.best["chosen_by"] == "entity_f1" and trained.cell is None
    assert Path(trained.model).is_dir()
    assert [(type(one), one.split) for one in made.evaluations] == [(EvalResult, "dev"), (EvalResult, "test")]
    assert isinstance(made.report, RunReport) and made.report.split == "test"
    assert any("training on" in line for line in said) and any(line.startswith("report: ") for line in said)
    steps = [(done, total) for what, done, total in ticks if what == "training"]
    assert steps[0][0] == 0 and steps[-1][0] == steps[-1][1] > 0
    assert steps == sorted(steps)
    assert api.report(trained.run) == made.report
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_results_are_what_json_prints(config, halluc, run):
    [checked] = api.check(config)
    assert isinstance(checked, CheckResult) and checked.splits["train"].counts["mentions"] > 0
    assert checked.model_dump(mode="json") == json.loads(halluc("check", config, "--json").out)
    made = [one.model_dump(mode="json") for one in api.evaluate(run=run, splits=["test"])]
    assert made == [json.loads(halluc("eval", "--run", run, "--split", "test", "--json").out)]
    assert api.report(run).model_dump(mode="json") == json.loads(halluc("report", run, "--json").out)


def test_init_runs_and_doctor_return_what_the_commands_print(halluc, run, tmp_path, capsys):
    made = api.init("demo:ner", tmp_path / "a.yaml")
    printed = json.loads(halluc("init", "demo:ner", "-o", tmp_path / "b.yaml", "--json").out)
    assert made.model_dump(mode="json") | {"config": printed["config"]} == printed
    (listed,) = api.list_runs(Path(run).parent)
    assert listed.state == "evaluated" and listed.model_dump(mode="json") == json.loads(
        halluc("runs", Path(run).parent, "--json").out
    )
    capsys.readouterr()
    found = api.doctor()
    assert found.halluc == api.__version__ and capsys.readouterr() == ("", "")
    assert json.loads(halluc("doctor", "--json").out).keys() == found.model_dump(mode="json").keys()


def test_records_are_those_of_the_command(halluc, run, tmp_path):
    (tmp_path / "texts.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    written = halluc("predict", run, "--input", tmp_path / "texts.txt", "--format", "text")
    assert written.code == 0, written.err
    lines = [json.loads(line) for line in written.out.splitlines()]
    predictor, ticks = api.load(run), []
    records = predictor.predict(TEXTS, progress=lambda *tick: ticks.append(tick))
    assert [record.model_dump(mode="json") for record in records] == lines
    assert all(isinstance(record, PredictedText) for record in records)
    assert ticks == [(len(TEXTS), len(TEXTS))]
    spans = [span for record in records for span in record.spans]
    assert {span.novelty for span in spans} & {"seen", "new"} and {span.abstained for span in spans} <= {True, False}
    kept = json.loads(RunDir(Path(run)).confidence.read_text())
    assert (predictor.temperature, predictor.threshold) == (kept["temperature"], 0.6)
    assert predictor.temperature != 1
    assert [record.model_dump(mode="json") for record in api.predict(run, TEXTS)] == lines


def test_eight_threads_get_what_one_gets(run):
    predictor = api.load(run)
    parts = [TEXTS[number % 5 : number % 5 + 7] for number in range(32)]
    alone = [predictor.predict(part) for part in parts]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(predictor.predict, parts)) == alone
    again = predictor.predict(TEXTS)
    assert predictor.notes["words"] == 2 * sum(map(words, parts)) + words(TEXTS), "no count is lost"
    assert len(again) == len(TEXTS)


def words(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)


def test_errors_are_halluc_errors(config, run, tmp_path):
    with pytest.raises(api.HallucError) as caught:
        api.load(tmp_path)
    assert (caught.value.code, caught.value.exit_code) == ("R101", 2)
    with pytest.raises(api.HallucError) as caught:
        api.evaluate(config, ["gates.hallucination_rate={min: 1.0}"], run=run)
    assert (caught.value.code, caught.value.exit_code) == ("G100", 5)
    with pytest.raises(api.HallucError) as caught:
        api.train(config, ["train.best=nothing"])
    assert (caught.value.code, caught.value.exit_code) == ("C103", 2) and "one of" in caught.value.help
    with pytest.raises(AttributeError):
        _ = api.no_such_function


def test_training_reads_each_corpus_file_once(config, monkeypatch):
    """Augmentation streams are not counted: they pass over the training file as often as they need, in constant
    memory, since a corpus to augment may be larger than that; and what they wrote is a file of its own."""
    opened = []
    begin = corpora.SplitReader.__init__

    def noted(self, settings, table, split, *rest):
        opened.append(split)
        begin(self, settings, table, split, *rest)

    monkeypatch.setattr(corpora.SplitReader, "__init__", noted)
    runs = [f"runs_dir={config.parent / 'once'}", "train.steps=1"]
    api.train(config, runs)
    assert opened == ["train", "dev"]
    opened.clear()
    api.train(config, [*runs, "gap={unit: mention, fraction: 0.2, control: none}"])
    assert opened == ["train", "dev"]


def test_the_import_is_light():
    code = (
        "import sys, halluc\nhalluc.train, halluc.load, halluc.HallucError\n"
        "heavy = {'torch', 'transformers', 'numpy', 'rich', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first = "import sys, halluc\nsys.exit(len([one for one in sys.modules if one.startswith('halluc.')]))"
    assert subprocess.run([sys.executable, "-c", first], check=False).returncode == 0


def test_the_service_of_the_docs_answers(run, tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/python.md").read_text(), flags=re.DOTALL)
    service = tmp_path / "service.py"
    service.write_text(next(block for block in blocks if "ThreadingHTTPServer" in block), encoding="utf-8")
    assert len([line for line in service.read_text().splitlines() if line.strip()]) <= 20
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([sys.executable, str(service), run, str(port)], stderr=subprocess.PIPE) as process:
        try:
            request = urllib.request.Request(f"http://127.0.0.1:{port}", json.dumps(TEXTS).encode())
            answer, deadline = None, time.monotonic() + 60
            while answer is None:
                assert process.poll() is None and time.monotonic() < deadline
                try:
                    with urllib.request.urlopen(request, timeout=30) as response:
                        answer = json.load(response)
                except urllib.error.URLError:
                    time.sleep(0.1)
        finally:
            process.kill()
    assert answer == [record.model_dump(mode="json") for record in api.load(run).predict(TEXTS)]
