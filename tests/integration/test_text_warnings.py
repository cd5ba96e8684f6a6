"""Warnings of train and eval about long texts that are split or truncated, and about labels unknown to train."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("how", "told"), [("windows", "split into overlapping windows"), ("head", "model's limit, truncated")]
)
def test_long_texts_and_unknown_labels_are_reported_with_their_place(halluc, tmp_path, how, told):
    rows = [f"question {n} of {'money' if n % 2 else 'travel'},{'pay' if n % 2 else 'go'}\n" for n in range(8)]
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(rows) + "word " * 900 + ",pay\n")
    (tmp_path / "test.csv").write_text("text,label\nwhat is old,go\nwhat is new,fresh\n")
    config = {
        "name": "told",
        "runs_dir": str(tmp_path / "runs"),
        "task": {"type": "text_classification", "long_texts": how},
        "data": {"format": "texts", "train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv")},
        "model": {"scratch": {"layers": 1, "width": 16, "heads": 2, "vocabulary": 200}},
        "train": {"steps": 1},
    }
    path = tmp_path / "told.yaml"
    path.write_text(json.dumps(config))
    trained = halluc("train", path)
    assert trained.code == 0, trained.err
    assert "train: 1 text longer than the model's limit" in trained.err
    assert told in trained.err
    counted = "11 windows" if how == "windows" else "9 texts"
    assert f", {counted}," in " ".join(trained.err.split())
    evaluated = halluc("eval", path)
    assert evaluated.code == 0, evaluated.err
    told_of = (
        f"test: 1 text with a label that the model cannot predict: counted as missed (first: {tmp_path}/test.csv:3)"
    )
    assert told_of in " ".join(evaluated.err.split())
