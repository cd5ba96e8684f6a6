"""Experiment trackers: what they receive, and that none of them ends a training."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import ClassVar

import pytest

from halluc.api.calls import Callbacks
from halluc.components import TABLE
from halluc.config import loading
from halluc.core.messages import listening
from halluc.loggers import trackers
from halluc.runs.directory import RunDir
from halluc.runs.evaluations import read as read_evaluation
from halluc.wording.nouns import FigureLookup
from halluc.workflows import tracking

SHORT = ("--set", "train.epochs=2", "-q")


class FakeTracker:
    """Keeps what it receives; raises where it is told to."""

    opened: ClassVar[list[FakeTracker]] = []
    breaks_at = ""

    def __init__(self, tracked, resumed_step=None):
        self.tracked, self.resumed_step = tracked, resumed_step
        self.key = tracked.key or f"key {len(self.opened)}"
        self.values, self.texts, self.status = {}, {}, ""
        self.opened.append(self)
        self._break("init")

    def _break(self, at):
        if at == self.breaks_at:
            raise RuntimeError("the server is gone")

    def scalars(self, values, step):
        self._break("scalars")
        for name, value in values.items():
            self.values.setdefault(name, []).append((step, value))

    def text(self, name, content):
        self.texts[name] = content

    def close(self, status):
        self._break("close")
        self.status = status


@pytest.fixture
def fake(monkeypatch):
    """W&B is a ``FakeTracker``."""
    monkeypatch.setattr(FakeTracker, "opened", [])
    monkeypatch.setitem(trackers._KINDS, "wandb", FakeTracker)
    monkeypatch.setattr("halluc.core.errors.find_spec", lambda name: object())
    return FakeTracker


def run_of(experiment) -> RunDir:
    return RunDir(next(path for path in (experiment.parent / "runs" / "tiny").iterdir() if not path.is_symlink()))


def events(run, kind) -> list[dict]:
    found = [json.loads(line) for line in run.events.read_text().splitlines()]
    return [event for event in found if event["event"] == kind]


def test_a_tracker_receives_config_events_figures_and_fingerprint(experiment, halluc, fake):
    assert halluc("run", experiment, *SHORT, "--set", "loggers=[wandb]", "--set", "upload_text=true").code == 0
    run = run_of(experiment)
    training, evaluation, report = fake.opened
    assert training.tracked.config["train.epochs"] == 2
    assert training.tracked.tags["config_sha256"] == run.read().config_sha256
    assert training.values["train/loss"] == [(e["step"], e["loss"]) for e in events(run, "step")]
    assert training.values["train/learning_rate"] == [(e["step"], e["learning_rate"]) for e in events(run, "step")]
    told = [(e["step"], e["metrics"]["entity_f1"]) for e in events(run, "evaluated")]
    assert training.values["dev/entity_f1"] == told
    assert evaluation.key == training.key == json.loads((run.path / "trackers.json").read_text())["wandb"]
    for split in ("dev", "test"):
        figure = FigureLookup(read_evaluation(run, split).metrics).get("entity_f1")
        received = [evaluation.values[f"eval/{split}/entity_f1{end}"][0][1] for end in ("", "/low", "/high")]
        assert received == [figure.value, *figure.interval]
    assert (training.status, evaluation.status) == ("done", "done")
    assert evaluation.texts["ledger/dev.jsonl"] == run.ledger("dev").read_text()
    assert report.texts["report.md"] == (run.path / "report" / "report.md").read_text()
    # The corpus stays here unless `upload_text` is set.
    loaded = loading.load(run.config, ["upload_text=false"], table=TABLE, stored=True)
    tracking.track_evaluation(loaded, run, [read_evaluation(run, "dev")])
    tracking.track_report(loaded, run, run.path / "report" / "report.md")
    assert [one.texts for one in fake.opened[3:]] == [{}]


def test_a_tracker_that_fails_warns_once_and_ends_no_training(experiment, halluc, fake, monkeypatch):
    monkeypatch.setattr(fake, "breaks_at", "scalars")
    outcome = halluc("train", experiment, *SHORT, "--set", "loggers=[wandb]")
    assert outcome.code == 0
    assert outcome.err.count("the server is gone") == 1
    assert "wandb is disabled" in outcome.err
    assert run_of(experiment).is_trained()


@pytest.mark.parametrize("at", ["init", "close"])
def test_a_tracker_may_fail_at_both_ends(fake, monkeypatch, tmp_path, at):
    monkeypatch.setattr(fake, "breaks_at", at)
    said: list[str] = []
    tracked = trackers.Tracked(RunDir(tmp_path), "a/run", "a", tmp_path, {}, {})
    with listening(Callbacks(said.append, None)), trackers.Trackers(["wandb"], tracked) as open_ones:
        open_ones.begin()
        open_ones.figures("dev", [], 0)
    assert len(said) == 1
    assert "the server is gone" in said[0]


def test_a_resumed_training_continues_its_tracker_run(experiment, halluc, fake, monkeypatch):
    take, steps = fake.scalars, []

    def interrupting(self, values, step):
        take(self, values, step)
        steps.append(step)
        if len(steps) == 9:
            os.kill(os.getpid(), 2)

    with monkeypatch.context() as patched:
        patched.setattr(fake, "scalars", interrupting)
        assert halluc("train", experiment, "-q", "--set", "loggers=[wandb]").code == 130
    assert halluc("train", experiment, "-q", "--set", "loggers=[wandb]", "--resume").code == 0
    first, second = fake.opened
    run = run_of(experiment)
    assert halluc("eval", run.path, "-q", "--set", "loggers=[]").code == 0
    assert len(fake.opened) == 2, "nothing is tracked unless it is named"
    assert (first.status, second.status) == ("interrupted", "done")
    assert second.key == first.key
    assert second.resumed_step == first.values["train/loss"][-1][0]
    assert second.values["train/loss"][0][0] == second.resumed_step + 1


def test_a_missing_package_is_reported_before_training(experiment, halluc, monkeypatch):
    monkeypatch.setattr("halluc.core.errors.find_spec", lambda name: None)
    outcome = halluc("train", experiment, "--set", "loggers=[mlflow]")
    assert outcome.code == 4
    assert 'pip install "halluc[mlflow]"' in outcome.err
    assert not (experiment.parent / "runs").exists()


def test_tensorboard_reads_the_losses_back(experiment, halluc):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert halluc("run", experiment, *SHORT, "--set", "loggers=[tensorboard]").code == 0
    run = run_of(experiment)
    found = EventAccumulator(str(run.path / "trackers" / "tensorboard"))
    found.Reload()
    losses = [(one.step, one.value) for one in found.Scalars("train/loss")]
    assert losses == [(e["step"], pytest.approx(e["loss"])) for e in events(run, "step")]
    (value,) = found.Scalars("eval/test/entity_f1")
    assert value.value == pytest.approx(FigureLookup(read_evaluation(run, "test").metrics).value("entity_f1"))
    (config,) = found.Tensors("config")
    assert b"train.epochs: 2" in config.tensor_proto.string_val[0]


@contextlib.contextmanager
def mlflow_server(folder: Path, program: list[str]):
    """A real MLflow server on loopback; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*program, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/server.db", "--artifacts-destination", str(folder / "art")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)
    try:
        for _ in range(240):
            assert server.poll() is None, (folder / "server.log").read_text()[-2_000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.mark.tracker
def test_an_mlflow_server_has_the_run(experiment, halluc, tmp_path, monkeypatch):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    program = [
        os.environ.get("HALLUC_MLFLOW", "")
    ]  # of another environment, as `mlflow` itself allows no current pandas
    if program == [""]:
        for package in ("flask", "flask_cors"):
            pytest.importorskip(
                package, reason=f"HALLUC_MLFLOW names no program `mlflow`, and {package} is not installed"
            )
        program = [sys.executable, "-m", "mlflow"]
    from mlflow.tracking import MlflowClient

    with mlflow_server(tmp_path, program) as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        outcome = halluc("run", experiment, *SHORT, "--set", "loggers=[mlflow]", "--set", "upload_text=true")
        assert (outcome.code, outcome.out) == (0, "")
        run = run_of(experiment)
        client = MlflowClient(address)
        key = json.loads((run.path / "trackers.json").read_text())["mlflow"]
        found = client.get_run(key)
        assert found.info.status == "FINISHED"
        assert found.data.params["train.epochs"] == "2"
        assert found.data.tags["config_sha256"] == run.read().config_sha256
        losses = [(one.step, one.value) for one in client.get_metric_history(key, "train/loss")]
        assert losses == [(e["step"], pytest.approx(e["loss"])) for e in events(run, "step")]
        assert "eval/dev/entity_f1/low" in found.data.metrics
        assert {one.path for one in client.list_artifacts(key)} == {"ledger", "report.md"}


@pytest.mark.tracker
def test_mlflow_keeps_its_database_in_the_folder_of_runs(experiment, halluc, monkeypatch):
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
    from mlflow.tracking import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert halluc("train", experiment, *SHORT, "--set", "loggers=[mlflow]").code == 0
    client = MlflowClient(f"sqlite:///{experiment.parent}/runs/mlflow.db")
    key = json.loads((run_of(experiment).path / "trackers.json").read_text())["mlflow"]
    assert client.get_run(key).info.status == "FINISHED"


def leveldb_records(content: bytes):
    """The records of a W&B file: LevelDB's log format, after a header of 7 bytes; in blocks of 32 KiB."""
    place, record = 7, b""
    while place + 7 <= len(content):
        if 32_768 - place % 32_768 < 7:
            place += 32_768 - place % 32_768
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        record += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield record
            record = b""


@pytest.mark.tracker
def test_wandb_writes_an_offline_run(experiment, halluc, monkeypatch):
    pytest.importorskip("wandb", reason="wandb is not installed")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.delenv("WANDB_MODE", raising=False)
    assert halluc("train", experiment, *SHORT, "--set", "loggers=[wandb]").code == 0
    run = run_of(experiment)
    (file,) = (run.path / "trackers" / "wandb").glob("offline-run-*/*.wandb")
    losses, config = [], {}
    for data in leveldb_records(file.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            row = {one.key or ".".join(one.nested_key): json.loads(one.value_json) for one in record.history.item}
            losses += [(row["step"], row["train/loss"])] if "train/loss" in row else []
        if record.WhichOneof("record_type") == "run":
            config |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
    assert losses == [(e["step"], pytest.approx(e["loss"])) for e in events(run, "step")]
    assert config["train.epochs"] == 2
    assert config["fingerprint"]["config_sha256"] == run.read().config_sha256
