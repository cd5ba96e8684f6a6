"""How runs are found again: by `latest`, by their config, and what is said where none is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halluc.core.errors import HallucError

pytestmark = pytest.mark.usefixtures("without_charts")


def test_a_config_without_a_run_is_reported_what_the_nearest_one_differs_in(halluc, trained_experiment):
    config, run = trained_experiment
    assert halluc("train", config, "-q", "--set", "seed=5", "--set", "train.epochs=1").code == 0
    outcome = halluc("eval", config, "--set", "train.warmup=0.3")
    assert outcome.code == 2
    told = f"has no run of this config; the nearest, {run}, differs in `train.warmup` (0.1 there, 0.3 here)"
    assert told in outcome.err
    keys = ["seed=9", "train.epochs=9", "train.warmup=0.3", "train.schedule=cosine", "train.weight_decay=0.2"]
    sets = [part for one in [*keys, "train.max_grad_norm=2.0"] for part in ("--set", one)]
    many = halluc("eval", config, *sets).err
    assert "and 1 more" in many
    assert many.count(" there, ") == 5


def test_latest_moves_only_when_a_training_has_made_a_model(halluc, trained_experiment, monkeypatch):
    from halluc.engine import loop

    config, run = trained_experiment
    home = run.parent
    (home / "latest").unlink()
    (home / "latest").write_text(run.name + "\n")  # as earlier versions wrote it

    def fail(*_, **__):
        raise HallucError("T101", "the loss is nan in step 1")

    with monkeypatch.context() as patched:
        patched.setattr(loop, "fit", fail)
        assert halluc("train", config, "-q", "--set", "seed=2").code == 2
    assert (home / "latest").read_text() == run.name + "\n"
    assert halluc("eval", "--run", home / "latest", "--split", "test", "-q").code == 0
    assert halluc("train", config, "-q", "--set", "seed=3").code == 0
    newest = (home / "latest").readlink()
    assert newest != Path(run.name)
    assert json.loads((home / newest / "run.json").read_text())["seeds"] == {"seed": 3}


@pytest.mark.parametrize("as_link", [True, False])
def test_latest_is_accepted_as_a_run_or_model_and_is_in_no_record(halluc, trained_experiment, as_link, tmp_path):
    config, run = trained_experiment
    latest = run.parent / "latest"
    if not as_link:
        latest.unlink()
        latest.write_text(run.name + "\n")
    assert halluc("eval", config, "-q").code == 0
    assert halluc("eval", config, "--checkpoint", latest / "model", "--split", "test", "-q").code == 0
    assert halluc("report", latest, "-q").code == 0
    other = halluc("train", config, "--json", "--set", f"model.name={latest / 'model'}", "--set", "train.epochs=1")
    assert other.code == 0, other.err
    made = Path(json.loads(other.out)["run"])
    assert str(run / "model") in (made / "config.yaml").read_text()
    assert halluc("eval", "--run", made, "--split", "test", "-q").code == 0
    compared = halluc("report", run, made.parent / "latest", "--json")  # the new run by now
    command = json.loads(compared.out)["reproduce"][-1].split()
    assert command[:2] == ["halluc", "report"]
    assert [Path(one).name for one in command[2:]] == [run.name, made.name]
    assert "/latest" not in compared.out
    focus = ["--set", f"augment={{size: 2.0x, focus: gap, from: {run.parent / 'latest'}, methods: [{{type: case}}]}}"]
    (run.parent / "latest").unlink()
    (run.parent / "latest").symlink_to(run.name)
    shown = halluc("config", "show", config, *focus)
    assert f"from: {run}" in shown.out
    for file in [*run.rglob("*.json"), *made.rglob("*.json")]:
        assert "/latest" not in file.read_text(), file


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"gone\n", None])
def test_a_damaged_latest_is_reported_everywhere(halluc, trained_experiment, damage):
    config, run = trained_experiment
    latest = run.parent / "latest"
    latest.unlink()
    if damage is None:
        latest.symlink_to("gone")
    else:
        latest.write_bytes(damage)
    for arguments in [
        ("eval", "--run", latest), ("predict", latest), ("predict", latest / "model"), ("report", latest),
        ("report", run, latest), ("eval", config, "--checkpoint", latest / "model"),
        ("train", config, "--run", latest), ("train", config, "--set", f"model.name={latest}/model"),
    ]:  # fmt: skip
        outcome = halluc(*arguments)
        assert outcome.code == 2, (arguments, outcome.err)
        assert "error[R115]" in outcome.err
        assert "Traceback" not in outcome.err


def test_a_file_in_the_place_of_a_run_is_reported(halluc, experiment, tmp_path):
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna met Berg\n")
    untrained = halluc("predict", experiment)
    assert untrained.code == 2
    assert f"{experiment} is a config, not a run or a model; " in untrained.err
    assert f"train it first: halluc train {experiment}" in untrained.err
    run = json.loads(halluc("train", experiment, "--json", "--set", "train.epochs=1").out)["run"]
    assert "differs in `train.epochs` (1 there, 6 here)" in halluc("predict", experiment).err
    experiment.write_text(experiment.read_text().replace("epochs: 6", "epochs: 1"))
    assert f"use its run: halluc predict {run} --input TEXTS" in halluc("predict", experiment).err
    assert f"halluc predict RUN_OR_MODEL --input {texts}" in halluc("predict", texts).err
    for order in ((run, texts), (texts, run)):
        outcome = halluc("predict", *order)
        assert outcome.code == 2
        assert f"halluc predict {run} --input {texts}" in outcome.err
    assert "does not exist" in halluc("predict", tmp_path / "gone.yaml").err


def test_a_model_that_is_not_to_be_had_leaves_no_run(halluc, experiment, tmp_path):
    outcome = halluc("train", experiment, "--set", "model.name=hub:example/none")  # the tests are offline
    assert outcome.code == 4
    assert "error[E412]" in outcome.err
    assert "HF_HUB_OFFLINE is set" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_a_run_in_the_place_of_a_config_and_of_a_model_is_reported(halluc, trained_experiment):
    config, run = trained_experiment
    outcome = halluc("eval", run)  # as --run
    assert outcome.code == 0, outcome.err
    outcome = halluc("train", run)
    assert outcome.code == 2
    assert f"to use a run, write --run {run}" in outcome.err
    outcome = halluc("eval", config, "--checkpoint", run)  # as its model
    assert outcome.code == 0, outcome.err


def test_quiet_checks_say_how_much_is_odd_and_no_more(halluc, experiment, corpus_files):
    outcome = halluc("check", experiment, "--quiet")
    full = halluc("check", experiment)
    assert (outcome.code, outcome.out) == (0, "")
    warnings = full.err.count("warning: ")
    assert warnings > 1
    assert outcome.err == f"{warnings} warnings: run without --quiet to see them\n"
    corpus_files["dev"].write_text("one\n")
    broken = halluc("check", experiment, "-q")
    assert broken.code == 3
    assert broken.err.startswith("error[")
