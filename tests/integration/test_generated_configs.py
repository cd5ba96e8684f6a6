"""Nonsense in configs ends in an error with its place: never in a traceback, and never while a model is trained."""

from __future__ import annotations

import time

import pytest

from tests.generated_configs import generated_configs

# Of three hundred by hand: `benchmarks/attacks.py`.
SEEDS = range(3)
A_SEED = 15
DATA, ENVIRONMENT, USAGE = 3, 4, 2


@pytest.mark.parametrize("seed", SEEDS)
def test_no_config_ends_in_a_traceback(halluc, tmp_path, monkeypatch, seed):
    monkeypatch.chdir(tmp_path)
    for text in generated_configs(seed, A_SEED):
        (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
        begin = time.process_time()
        shown = halluc("config", "show", "c.yaml")
        checked = halluc("check", "c.yaml")
        seconds = time.process_time() - begin
        assert shown.code in (0, USAGE), (text[:2000], shown.err[-2000:])
        assert checked.code in (0, USAGE, DATA), (text[:2000], checked.err[-2000:])
        assert shown.code == 0 or checked.code == shown.code, text[:2000]
        assert len(shown.err) < 20_000, text[:2000]
        assert seconds < 20, text[:2000]


def test_what_check_accepts_is_trained_for_a_step(halluc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained = 0
    for text in generated_configs(7, 20):
        (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
        if halluc("check", "c.yaml").code == 0:
            outcome = halluc("train", "c.yaml", "--set", "train.steps=1")
            # No training split, or a folder that cannot be made, is no fault that a check would find.
            assert outcome.code in (0, USAGE, ENVIRONMENT), (text[:2000], outcome.err[-2000:])
            trained += outcome.code == 0
    assert trained > 2


def test_the_same_seed_gives_the_same_configs():
    assert list(generated_configs(3, 20)) == list(generated_configs(3, 20))
    assert list(generated_configs(3, 20)) != list(generated_configs(4, 20))
