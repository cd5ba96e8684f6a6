"""``task.class_weights`` and ``task.loss`` through the command line, for both tasks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file

from tests.interruptions import interrupted_after

TRAIN = [("where is my parcel", "parcel"), ("cancel the order", "cancel"), ("tell a joke", "oos")] * 3


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    lines = [json.dumps({"text": text, "label": label}) + "\n" for text, label in TRAIN]
    (tmp_path / "texts.jsonl").write_text("".join(lines))
    config = tmp_path / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data: {{format: texts, out_of_scope_label: oos, train: {tmp_path}/texts.jsonl}}\n"
        "model: {scratch: {layers: 1, width: 16, heads: 2, vocabulary: 120}}\ntrain: {steps: 2}\n"
    )
    return config


def weights_of(halluc, config: Path, *overrides: str):
    run = config.parent / f"run{len(list(config.parent.glob('run*')))}"
    sets = (part for override in overrides for part in ("--set", override))
    outcome = halluc("train", config, "--run", run, "-q", *sets)
    assert outcome.code == 0, outcome.err
    return load_file(run / "model/model.safetensors")


def same(one, other) -> bool:
    return all((one[name] == other[name]).all() for name in one)


def test_of_tokens_each_key_changes_what_is_learned(halluc, experiment):
    plain = weights_of(halluc, experiment, "train.steps=3")
    assert same(plain, weights_of(halluc, experiment, "train.steps=3", "task.class_weights=none"))
    for override in ("class_weights=balanced", "class_weights={O: 0.5, PER: 2}", "loss=focal"):
        assert not same(plain, weights_of(halluc, experiment, "train.steps=3", f"task.{override}")), override


def test_of_texts_weights_by_label_change_what_is_learned(halluc, texts):
    plain = weights_of(halluc, texts)
    for override in ("class_weights={out_of_scope: 0.5}", "class_weights={parcel: 3, cancel: 2}"):
        assert not same(plain, weights_of(halluc, texts, f"task.{override}")), override


@pytest.mark.parametrize("command", ["check", "train"])
def test_a_label_that_training_does_not_have_is_a_mistake_before_a_run_is_made(halluc, experiment, texts, command):
    experiment.write_text(
        experiment.read_text().replace(
            "task: {type: token_classification}",
            "task:\n  type: token_classification\n  class_weights:\n    O: 0.5\n    PRE: 2\n    o: 1\n",
        )
    )
    outcome = halluc(command, experiment)
    assert outcome.code == 2
    assert "error[C103]: `task.class_weights` has `PRE`, which does not occur in training" in outcome.err
    assert "tiny.yaml:7:" in outcome.err
    assert "did you mean `PER`?" in outcome.err
    assert "has `o`" in outcome.err
    assert "did you mean `O`?" in outcome.err
    outcome = halluc(command, texts, "--set", "task.class_weights={oos: 2}")
    assert outcome.code == 2
    assert "it has `cancel`, `parcel`, `out_of_scope`" in outcome.err
    outcome = halluc(command, texts, "--set", "task.class_weights={O: 2}")
    assert outcome.code == 2
    assert not (texts.parent / "runs").exists()


def test_a_label_that_is_withheld_may_have_a_weight(halluc, experiment):
    """One arm of a study withholds what another one trains on, with the same weights."""
    gap = "gap={unit: label, labels: [PER], fraction: 1.0, fractions: [0.0, 1.0]}"
    weights_of(halluc, experiment, "train.steps=1", gap, "task.class_weights={PER: 2, O: 0.5}")
    assert halluc("check", experiment, "--set", gap, "--set", "task.class_weights={PER: 2}").code == 0


def test_a_training_with_weights_that_was_interrupted_ends_as_if_it_had_not_been(halluc, experiment):
    sets = ("--set", "task.class_weights={O: 0.5, PER: 2}", "--set", "task.loss=focal")
    whole, cut = experiment.parent / "whole", experiment.parent / "cut"
    assert halluc("train", experiment, "--run", whole, "-q", *sets).code == 0
    with interrupted_after(8):
        assert halluc("train", experiment, "--run", cut, "-q", *sets).code == 130
    assert halluc("train", experiment, "--run", cut, "--resume", "-q", *sets).code == 0
    assert same(*(load_file(run / "model/model.safetensors") for run in (whole, cut)))
