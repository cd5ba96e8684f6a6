"""Runs whose files were damaged, edited or removed: resumed to equal weights, or refused before anything is trained."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from halluc.__main__ import exit_code_of
from halluc.core.errors import HallucError
from halluc.runs.directory import RunDir
from halluc.workflows.job import Job, load
from tests.conftest import SENTENCES
from tests.interruptions import interrupted_after

pytestmark = pytest.mark.usefixtures("without_charts")


@dataclass(frozen=True)
class Trained:
    """A config, its finished run, and one that was interrupted two checkpoints after the best one."""

    config: Path
    whole: Path
    stopped: Path

    def copy(self, template: Path, to: Path) -> Path:
        shutil.copytree(template, to)
        return to


@pytest.fixture(scope="module")
def trained(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:

    folder = tmp_path_factory.mktemp("trained")
    splits = ""
    for split, copies in (("train", 16), ("dev", 1), ("test", 1)):
        (folder / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
        splits += f"  {split}: {folder / f'{split}.txt'}\n"
    config = folder / "tiny.yaml"
    config.write_text(
        f"name: tiny\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data:\n  format: conll\n{splits}model: {{name: {tiny_encoder}}}\n"
        "train: {steps: 46, learning_rate: 0.01, batch_tokens: 64, checkpoint_steps: 4, evaluate_steps: 10}\n"
    )
    made = Trained(config, folder / "whole", folder / "stopped")
    assert exit_code_of(["train", str(config), "--run", str(made.whole), "-q"]) == 0
    assert exit_code_of(["eval", "--run", str(made.whole), "--split", "test", "-q"]) == 0
    with interrupted_after(37):
        assert exit_code_of(["train", str(config), "--run", str(made.stopped), "-q"]) == 130
    steps = sorted(path.name for path in (made.stopped / "checkpoints").iterdir())
    assert steps == ["best-00000020", "step-00000036", "step-00000037"]
    return made


def weights_of(run: Path) -> bytes:
    return (run / "model" / "model.safetensors").read_bytes()


def steps_trained(run: Path) -> int:
    return (run / "events.jsonl").read_text().count('"event": "step"')


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["model.safetensors", "state.json"])
@pytest.mark.parametrize("damage", [flip, Path.unlink], ids=["flipped", "removed"])
def test_without_whole_best_weights_nothing_is_trained(halluc, trained, tmp_path, damage, name):
    run = trained.copy(trained.stopped, tmp_path / "run")
    damage(run / "checkpoints" / "best-00000020" / name)
    outcome = halluc("train", trained.config, "--run", run, "--resume")
    assert outcome.code == 2
    assert "error[R107]" in outcome.err
    assert f"the best weights, in best-00000020: {name}" in outcome.err
    assert "start a new run without --resume" in outcome.err
    assert steps_trained(run) == steps_trained(trained.stopped)
    assert not (run / "model").exists()


@pytest.mark.parametrize("key", ["best", "step"])
def test_an_edited_state_is_reported_and_the_result_is_the_same(halluc, trained, tmp_path, key):
    run = trained.copy(trained.stopped, tmp_path / "run")
    file = run / "checkpoints" / "step-00000037" / "state.json"
    state = json.loads(file.read_text())
    state["progress"][key] = {"best": 0.99, "step": -5}[key]
    file.write_text(json.dumps(state))
    outcome = halluc("train", trained.config, "--run", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert "step-00000037 is damaged" in outcome.err
    assert "resumed at step 36" in outcome.err
    assert weights_of(run) == weights_of(trained.whole)


def test_a_best_checkpoint_that_is_lost_is_trained_again(halluc, trained, tmp_path):
    """With all checkpoints kept, those before the best one do not need it."""
    run, keep = tmp_path / "run", ["--set", "train.checkpoints.keep=all"]
    assert halluc("train", trained.config, "--run", run, "-q", *keep).code == 0
    shutil.rmtree(run / "model")
    flip(run / "checkpoints" / "step-00000020" / "model.safetensors")
    outcome = halluc("train", trained.config, "--run", run, "--resume", *keep)
    assert outcome.code == 0, outcome.err
    assert "the best weights, in step-00000020: model.safetensors was changed after it was written" in outcome.err
    assert "resumed at step 16" in outcome.err
    assert weights_of(run) == weights_of(trained.whole)


def test_more_epochs_are_refused_before_the_run_is_changed(halluc, trained, tmp_path):
    run = trained.copy(trained.stopped, tmp_path / "run")
    flip(run / "checkpoints" / "best-00000020" / "model.safetensors")
    before = {name: (run / name).read_bytes() for name in ("run.json", "config.yaml", "events.jsonl")}
    outcome = halluc("train", trained.config, "--run", run, "--resume", "--set", "train.steps=50")
    assert outcome.code == 2
    assert "error[R107]" in outcome.err
    assert {name: (run / name).read_bytes() for name in before} == before


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


RECORDS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_text(""),
    "truncated": lambda file: file.write_text(file.read_text()[:200]),
    "a list": lambda file: file.write_text("[]"),
    "deeply nested": lambda file: file.write_text("[" * 200_000),
    "not UTF-8": lambda file: file.write_bytes(b"\xff\xfe"),
    "a pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "of a wrong type": lambda file: replace(file, '"stages": {', '"stages": [], "x": {'),
    "of another version": lambda file: replace(file, '"schema_version": 1', '"schema_version": 9'),
}


@pytest.mark.parametrize("damage", RECORDS.values(), ids=RECORDS)
def test_a_run_without_a_readable_record_is_no_reason_for_a_new_one(halluc, trained, tmp_path, damage):
    """Named by --run, and searched in `runs_dir`."""
    home = tmp_path / "runs" / "tiny"
    sha256 = load(trained.config, ()).sha256
    run = trained.copy(trained.stopped, home / f"20260101-000000-{sha256[:6]}")
    damage(run / "run.json")
    before = sorted(home.iterdir())
    for where in (["--run", run], ["--set", f"runs_dir={tmp_path / 'runs'}"]):
        outcome = halluc("train", trained.config, "--resume", *where)
        assert outcome.code == 2, outcome.err
        assert str(run) in outcome.err
        assert "Traceback" not in outcome.err
        assert "restore" in outcome.err or "use the version of halluc that wrote it" in outcome.err
        assert sorted(home.iterdir()) == before
        assert steps_trained(run) == steps_trained(trained.stopped)
    assert "error[R119]" in outcome.err


@pytest.mark.parametrize("command", ["eval", "report"])
def test_no_older_run_takes_the_place_of_the_newest_that_is_damaged(halluc, trained, tmp_path, command):
    home = tmp_path / "runs" / "tiny"
    sha256 = load(trained.config, ()).sha256
    trained.copy(trained.whole, home / f"20260101-000000-{sha256[:6]}")
    newest = trained.copy(trained.whole, home / f"20260201-000000-{sha256[:6]}")
    (newest / "run.json").write_text("{")
    outcome = halluc(command, trained.config, "--set", f"runs_dir={tmp_path / 'runs'}")
    assert outcome.code == 2
    assert f"error[R119]: the newest run of this config is damaged: {newest / 'run.json'} cannot be read" in outcome.err


def test_what_cannot_be_read_counts_where_it_may_be_the_run_that_is_looked_for(halluc, trained, tmp_path):
    home, loaded = tmp_path / "runs" / "tiny", load(trained.config, ())
    older = trained.copy(trained.stopped, home / f"20260101-000000-{loaded.sha256[:6]}")
    (older / "run.json").write_text("")
    newer = trained.copy(trained.stopped, home / f"20260201-000000-{loaded.sha256[:6]}")
    from halluc.workflows import run_locations

    def placed(*overrides: str, **how: bool) -> tuple[RunDir, bool]:
        wanted = load(trained.config, (f"runs_dir={tmp_path / 'runs'}", *overrides))
        return run_locations.place(Job(wanted), None, True, **how)

    assert placed() == (RunDir(newer), True)  # the newest can be read
    assert placed("train.steps=60", to_new_total=True) == (RunDir(newer), True)
    assert placed("seed=9")[0].path not in (older, newer)  # another config: a new run
    (newer / "run.json").unlink()
    for overrides in ((), ("train.steps=60",)):
        with pytest.raises(HallucError) as error:
            placed(*overrides, to_new_total=True)
        assert error.value.code == "R119"
        assert str(newer) in error.value.message
    shutil.rmtree(newer / "checkpoints")  # a run that was killed in its first moment: nothing is lost
    shutil.rmtree(older)
    assert placed()[0].path not in (older, newer)


def test_a_cell_without_its_record_is_not_begun_anew_over_its_checkpoints(halluc, trained, tmp_path):
    matrix = tmp_path / "study.yaml"
    matrix.write_text(
        f"extends: {trained.config}\nname: cells\nruns_dir: {tmp_path / 'runs'}\nmatrix: {{seed: [1, 2]}}\n"
    )
    trained.copy(trained.stopped, tmp_path / "runs" / "cells" / "seed=1")
    (tmp_path / "runs" / "cells" / "seed=1" / "run.json").unlink()
    outcome = halluc("train", matrix, "-q", "--only", "seed=1")
    assert outcome.code == 2
    assert "error[R119]" in outcome.err


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_text("name: [")], ids=["missing", "damaged"])
def test_a_lost_config_is_reported_and_written_again(halluc, trained, tmp_path, damage):
    run = trained.copy(trained.stopped, tmp_path / "run")
    damage(run / "config.yaml")
    outcome = halluc("train", trained.config, "--run", run, "--resume")
    assert outcome.code == 0, outcome.err
    assert f"warning: {run / 'config.yaml'} cannot be read: it is written again" in outcome.err
    assert (run / "config.yaml").read_text() == (trained.stopped / "config.yaml").read_text()
    assert weights_of(run) == weights_of(trained.whole)


def test_a_kill_after_the_model_is_published_is_made_good(halluc, trained, tmp_path, monkeypatch):
    from halluc.workflows import model_training

    run = trained.copy(trained.stopped, tmp_path / "run")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # after the model, before the record
        patched.setattr(model_training.integrity, "of_model", killed)
        assert halluc("train", trained.config, "--run", run, "--resume", "-q").code == 130
    record = json.loads((run / "run.json").read_text())
    record["stages"]["train"]["status"] = "running"  # a kill notes nothing
    (run / "run.json").write_text(json.dumps(record))
    assert weights_of(run) == weights_of(trained.whole)
    assert halluc("eval", "--run", run).code == 2
    with monkeypatch.context() as patched:  # after the record, before the checkpoints
        patched.setattr(model_training, "_conclude", killed)
        assert halluc("train", trained.config, "--run", run, "--resume", "-q").code == 130
    assert (run / "checkpoints").is_dir()
    outcome = halluc("train", trained.config, "--run", run, "--resume")
    assert outcome.code == 0
    assert "nothing to resume" in outcome.err
    assert not (run / "checkpoints").exists()
    assert weights_of(run) == weights_of(trained.whole)
    best = [json.loads((folder / "run.json").read_text())["best"] for folder in (run, trained.whole)]
    assert best[0] == best[1]


CHANGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "model.safetensors": (lambda path: flip(path), "was changed after the training", "Restore it, or train again: "),
    "config.json": (
        lambda path: path.write_text(path.read_text() + "\n"), "was changed after the training", "Restore it, or train",
    ),
    "added_tokens.json": (
        lambda path: path.write_text("{}"), "was added after training", "Remove it if it is not needed.",
    ),
    "tokenizer_config.json": (lambda path: path.unlink(), "is missing", "Restore it, or train again: "),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_model_is_reported_with_the_file(halluc, trained, tmp_path, name):
    change, what, remedy = CHANGES[name]
    run = trained.copy(trained.whole, tmp_path / "run")
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna met Berg\n")
    (run / "model" / "README.md").write_text("what nobody loads")
    told = f"warning: {run / 'model'} is not the model that training wrote: {name} {what}; "
    for warned in (False, True):
        outcome = halluc("eval", "--run", run, "--split", "test", "--json")
        assert outcome.code == 0, outcome.err
        assert json.loads(outcome.out)["changed_model_files"] == ([name] if warned else [])
        assert (told in outcome.err) == warned
        predicted = halluc("predict", run, "--input", texts, "-q")
        assert predicted.code == 0, predicted.err
        assert predicted.err.count(told) == warned
        if not warned:
            change(run / "model" / name)
    reported = halluc("report", run, "-q")
    (warning,) = (line for line in reported.err.splitlines() if line.startswith("warning: model/"))
    assert warning.startswith(f"warning: model/{name} {what}")
    assert remedy in warning


def test_the_files_of_the_model_are_recorded(trained):
    recorded = json.loads((trained.whole / "run.json").read_text())["model_files"]
    assert sorted(recorded) == sorted(path.name for path in (trained.whole / "model").iterdir())
    for name, sha256 in recorded.items():
        assert hashlib.sha256((trained.whole / "model" / name).read_bytes()).hexdigest() == sha256


def put(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda model: (model / name).write_bytes(content)


def edit(name: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def apply(model: Path) -> None:
        content = json.loads((model / name).read_text())
        change(content)
        (model / name).write_text(json.dumps(content))

    return apply


UNLOADABLE: dict[str, Callable[[Path], object]] = {
    f"{name} {kind}": put(name, content)
    for name in ("config.json", "tokenizer.json", "model.safetensors")
    for kind, content in {"empty": b"", "a list": b"[]", "a number": b"5", "binary": b"\xff\xfe\x00"}.items()
} | {
    "a claim of 2^60 bytes": lambda model: (model / "model.safetensors").write_bytes((2**60).to_bytes(8, "little")),
    "no config": lambda model: (model / "config.json").unlink(),
    "a pipe": lambda model: ((model / "tokenizer.json").unlink(), os.mkfifo(model / "tokenizer.json")),
    "outputs without a label": edit("config.json", lambda c: c["id2label"].update({"99": c["id2label"].pop("1")})),
    "fewer labels": edit("config.json", lambda c: c["id2label"].pop("1")),
    "labels in a list": edit("config.json", lambda c: c.update(id2label=["O"])),
    "another width": edit("config.json", lambda c: c.update(hidden_size=64)),
    "endless layers": edit("config.json", lambda c: c.update(num_hidden_layers=10**7)),
    "a width that is no number": edit("config.json", lambda c: c.update(hidden_size="x")),
    "a length that is no number": edit("tokenizer_config.json", lambda c: c.update(model_max_length="x")),
    "no room": edit("tokenizer_config.json", lambda c: c.update(model_max_length=0)),
    "pieces without an embedding": edit("tokenizer.json", lambda c: c["model"]["vocab"].update(anna=9999)),
}


@pytest.mark.parametrize("damage", UNLOADABLE.values(), ids=UNLOADABLE)
def test_a_model_that_cannot_be_loaded_is_an_error_and_no_traceback(halluc, trained, tmp_path, damage):
    run, texts = trained.copy(trained.whole, tmp_path / "run"), tmp_path / "texts.txt"
    texts.write_text("Anna met Berg\n")
    damage(run / "model")
    outcome = halluc("predict", run, "--input", texts, "-q")
    assert outcome.code == 4, outcome.err
    assert "is not the model that training wrote" in outcome.err
    assert "error[E41" in outcome.err
    assert "Traceback" not in outcome.err
