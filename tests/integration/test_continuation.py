"""`halluc train --resume` with more epochs or steps goes on to the new total."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from halluc.__main__ import exit_code_of
from tests.conftest import Snapshot, write_corpus, write_experiment
from tests.integration.test_resume import equal, evaluated, interrupted, weights
from tests.interruptions import interrupted_after

pytestmark = pytest.mark.usefixtures("without_charts")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Snapshot:
    folder = tmp_path_factory.mktemp("finished")
    train = "epochs: 2, checkpoints: {keep: last}, learning_rate: 0.01, batch_tokens: 64"
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), train)
    assert exit_code_of(["train", str(config), "-q"]) == 0
    assert exit_code_of(["eval", str(config), "-q"]) == 0
    return Snapshot.of(folder)


@pytest.fixture
def finished_experiment(snapshot: Snapshot) -> tuple[Path, Path]:
    """A config and its training of two epochs with the last checkpoint, evaluated; a test may change both."""
    config = snapshot.restore() / "tiny.yaml"
    return config, only(config)


def only(config: Path) -> Path:
    (run,) = (config.parent / "runs" / "tiny").glob("2*")
    return run


def record(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def events(run: Path, kind: str) -> list[dict]:
    return [
        event for event in map(json.loads, (run / "events.jsonl").read_text().splitlines()) if event["event"] == kind
    ]


def test_a_finished_training_continues_to_more_epochs(halluc, finished_experiment):
    experiment, finished = finished_experiment
    before, old = weights(finished), record(finished)
    steps = events(finished, "started")[0]["steps"]
    outcome = halluc("train", experiment, "--resume", "--set", "train.epochs=5")
    assert outcome.code == 0, outcome.err
    assert only(experiment) == finished
    assert f"continues from step {steps}, epoch 2, to 5 epochs (before: 2 epochs)" in outcome.err
    started = events(finished, "started")[-1]
    assert started["resumed_step"] == steps
    assert started["steps"] == steps // 2 * 5
    done = [event["step"] for event in events(finished, "step")]
    assert done == list(range(1, started["steps"] + 1))  # nothing is trained twice
    assert evaluated(finished) == [steps // 2 * epoch for epoch in range(1, 6)]
    new = record(finished)
    assert new["config_sha256"] != old["config_sha256"]
    assert new["earlier_totals"] == [
        {"config_sha256": old["config_sha256"], "epochs": 2, "steps": None, "resumed_step": steps}
    ]
    assert new["model_sha256"] is None
    assert yaml.safe_load((finished / "config.yaml").read_text())["train"]["epochs"] == 5
    figures = [event["metrics"]["entity_f1"] for event in events(finished, "evaluated")]
    assert new["best"]["dev"]["entity_f1"] == max(figures)
    assert new["best"]["step"] > steps  # else the weights would be the old ones, and this test would show nothing
    assert not equal(before, weights(finished))


def test_the_learning_rate_is_that_of_the_new_total_from_there_on(halluc, finished_experiment):
    experiment, finished = finished_experiment
    steps = events(finished, "started")[0]["steps"]
    assert halluc("train", experiment, "--resume", "-q", "--set", f"train.steps={2 * steps}").code == 0
    rates = {event["step"]: event["learning_rate"] for event in events(finished, "step")}
    rising = -(-2 * steps // 10)  # warm-up: a tenth of the new total, rounded up
    for step in range(steps, 2 * steps):
        assert rates[step + 1] == pytest.approx(0.01 * (1 - (step - rising) / (2 * steps - rising)))


def test_an_evaluation_of_the_earlier_model_is_not_used_for_the_new_one(halluc, finished_experiment):
    experiment, finished = finished_experiment
    assert halluc("report", finished, "-q").code == 0
    old = (finished / "eval" / "test.json").read_bytes()
    longer = ["--set", "train.epochs=4"]
    assert halluc("train", experiment, "--resume", "-q", *longer).code == 0
    assert "eval" not in record(finished)["stages"]
    assert not (finished / "eval").exists()
    assert (finished / "earlier" / "1" / "eval" / "test.json").read_bytes() == old
    assert (finished / "earlier" / "1" / "report" / "index.html").is_file()
    refused = halluc("report", finished)
    assert refused.code == 2
    assert "R112" in refused.err
    assert halluc("eval", experiment, *longer, "-q").code == 0
    assert (finished / "eval" / "test.json").is_file()
    assert halluc("report", finished, "-q").code == 0
    assert "a finished training" in halluc("train", experiment, "--run", finished, *longer).err


def test_during_further_training_the_earlier_model_remains_but_is_not_evaluated_as_the_new(halluc, finished_experiment):
    experiment, finished = finished_experiment
    before = weights(finished)
    longer = ["--set", "train.epochs=5"]
    text = experiment.read_text()
    experiment.write_text(text.replace("epochs: 2", "epochs: 5"))
    experiment_run = ["--run", finished]
    with interrupted_after(1):
        assert halluc("train", experiment, "--run", finished, "--resume", "-q").code == 130
    assert equal(before, weights(finished))
    assert record(finished)["model_sha256"] == record(finished)["earlier_totals"][0]["config_sha256"]
    refused = halluc("eval", *experiment_run)
    assert refused.code == 2
    assert "R105" in refused.err
    assert "--resume" in refused.err
    assert halluc("eval", experiment).code == 2
    assert halluc("clean", finished, "-q").code == 0
    assert "an interrupted training" in halluc("train", experiment, "--run", finished).err
    assert halluc("train", experiment, "--resume", "-q").code == 0
    assert len(record(finished)["earlier_totals"]) == 1
    assert halluc("eval", experiment, "-q").code == 0
    stopped = weights(finished)
    # The same without the interruption has the same weights.
    again = experiment.parent / "again"
    experiment.write_text(text)
    assert halluc("train", experiment, "--run", again, "-q").code == 0
    assert halluc("train", experiment, "--run", again, "--resume", "-q", *longer).code == 0
    assert equal(stopped, weights(again))


def test_an_interrupted_training_continues_to_another_total(halluc, experiment, tmp_path):
    experiment.write_text(experiment.read_text().replace("epochs: 6", "epochs: 3"))
    run = tmp_path / "runs" / "tiny" / "20260101-000000-abcdef"
    assert interrupted(experiment, run, 4) == 130
    outcome = halluc("train", experiment, "--resume", "--set", "train.epochs=2")
    assert outcome.code == 0, outcome.err
    assert "continues from step" in outcome.err
    assert only(experiment) == run
    assert not (run / "checkpoints").exists()  # keep: none


@pytest.mark.parametrize("named", [False, True])
def test_without_its_checkpoint_training_cannot_continue_and_the_error_names_the_key(halluc, experiment, named):
    experiment.write_text(experiment.read_text().replace("epochs: 6", "epochs: 1"))
    assert halluc("train", experiment, "-q").code == 0
    before = (only(experiment) / "run.json").read_bytes()
    run = ["--run", only(experiment)] if named else []
    outcome = halluc("train", experiment, "--resume", "--set", "train.epochs=2", *run)
    assert outcome.code == 2
    assert "error[R116]" in outcome.err
    assert "deleted" in outcome.err
    assert "`train.checkpoints: {keep: last}`" in outcome.err
    assert (only(experiment) / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("less", "key"), [("train.epochs=1", "`train.epochs: 1`"), ("train.steps=3", "`train.steps: 3`")]
)
def test_less_than_is_done_is_refused_and_nothing_changes(halluc, finished_experiment, less, key):
    experiment, finished = finished_experiment
    before = {name: (finished / name).read_bytes() for name in ("run.json", "config.yaml", "eval/test.json")}
    outcome = halluc("train", experiment, "--resume", "--set", less)
    assert outcome.code == 2
    assert "error[R117]" in outcome.err
    assert key in outcome.err
    assert {name: (finished / name).read_bytes() for name in before} == before
    assert halluc("eval", experiment, "-q").code == 0


def test_another_difference_makes_another_run(halluc, finished_experiment):
    experiment, finished = finished_experiment
    outcome = halluc("train", experiment, "--resume", "-q", "--set", "train.epochs=3", "--set", "seed=2")
    assert outcome.code == 0
    assert len(list((experiment.parent / "runs" / "tiny").glob("2*"))) == 2
    named = halluc("train", experiment, "--resume", "--run", finished, "--set", "seed=2")
    assert named.code == 2
    assert "R104" in named.err


def test_data_that_changed_is_refused(halluc, finished_experiment):
    experiment, finished = finished_experiment
    before = (finished / "run.json").read_bytes()
    train = experiment.with_name("train.txt")
    train.write_text(train.read_text() + "\nOslo B-LOC\n", encoding="utf-8")
    outcome = halluc("train", experiment, "--resume", "--set", "train.epochs=3")
    assert outcome.code == 2
    assert "error[R109]" in outcome.err
    assert (finished / "run.json").read_bytes() == before


def test_without_resume_and_in_halluc_run_a_new_run_is_made(halluc, finished_experiment):
    experiment, finished = finished_experiment
    assert halluc("train", experiment, "-q", "--set", "train.epochs=1").code == 0
    assert halluc("run", experiment, "-q", "--set", "train.epochs=3").code == 0
    assert len(list((experiment.parent / "runs" / "tiny").glob("2*"))) == 3
    assert record(finished)["earlier_totals"] == []


def test_a_dev_evaluation_between_the_totals_is_not_left_out(halluc, experiment):
    keys = "steps: 7, evaluate_steps: 5, checkpoints: {keep: last}"
    experiment.write_text(experiment.read_text().replace("epochs: 6", keys))
    assert halluc("train", experiment, "-q").code == 0
    assert halluc("train", experiment, "--resume", "-q", "--set", "train.steps=16").code == 0
    assert evaluated(only(experiment)) == [5, 7, 10, 15, 16]
