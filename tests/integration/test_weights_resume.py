"""Averaged weights, layer-wise rates, gradual unfreezing: an interrupted training ends with the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import write_corpus, write_experiment
from tests.interruptions import interrupted_after

KEYS = "epochs: 3, evaluate_steps: 5, learning_rate: 0.01, batch_tokens: 40"


@pytest.mark.parametrize(
    ("keys", "stop"),
    [
        ("average: {kind: exponential, decay: 0.9}", 7),
        ("average: {kind: checkpoints, last: 2}, layer_decay: 0.5, unfreeze: {every: 6}", 11),
    ],
)
def test_a_training_that_was_interrupted_ends_with_the_same_bytes(halluc, tiny_encoder, tmp_path, keys, stop):
    files = write_corpus(tmp_path, train=6)
    config = write_experiment(tmp_path, tiny_encoder, files, f"{KEYS}, {keys}")
    whole, stopped, plain = (tmp_path / name for name in ("whole", "stopped", "plain"))
    assert halluc("train", config, "--run", whole, "-q").code == 0
    with interrupted_after(stop):
        assert halluc("train", config, "--run", stopped, "-q").code == 130
    assert halluc("train", config, "--run", stopped, "--resume", "-q").code == 0
    model = Path("model", "model.safetensors")
    assert (whole / model).read_bytes() == (stopped / model).read_bytes()
    best = [json.loads((run / "run.json").read_text())["best"] for run in (whole, stopped)]
    assert best[0] == best[1]
    # The key does something: the same training without it ends with other weights.
    write_experiment(tmp_path, tiny_encoder, files, KEYS)
    assert halluc("train", config, "--run", plain, "-q").code == 0
    assert (plain / model).read_bytes() != (whole / model).read_bytes()
