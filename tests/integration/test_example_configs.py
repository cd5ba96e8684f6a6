"""Configs for uses: sentiment over time with its alarm, recommendation by user, on what another tool predicts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import fisher_exact

from halluc.core.errors import HallucError
from halluc.data.rows.references import resolve
from halluc.runs.directory import RunDir
from halluc.workflows import run_state
from halluc.workflows.job import load

CONFIGS = Path(__file__).parent.parent.parent / "configs"


def predictions(path: Path, corpus: str, **more: object) -> Path:
    """The gold of the test split as predictions."""
    rows = [json.loads(line) for line in resolve(f"demo:{corpus}", "test").read_text().splitlines()]
    made = [{"id": row["id"], "predicted": row["label"], **more} for row in rows]
    path.write_text("\n".join(map(json.dumps, made)))
    return path


def evaluated(halluc, tmp_path: Path, corpus: str, **more: object):
    asked = ["eval", CONFIGS / f"{corpus}-demo.yaml", "--split", "test", "--set", f"runs_dir={tmp_path / 'runs'}"]
    outcome = halluc(*asked, "--predictions", predictions(tmp_path / "tool.jsonl", corpus, **more))
    (run,) = [path for path in (tmp_path / "runs" / f"{corpus}-demo").iterdir() if path.is_dir()]
    return outcome, run


def test_a_shift_is_an_alarm_and_is_in_the_report(halluc, tmp_path):
    outcome, run = evaluated(halluc, tmp_path, "finance")
    assert outcome.code == 5, outcome.err
    p = 5 * fisher_exact([[14, 6], [20, 60]]).pvalue  # week 5 against the weeks before; five weeks are tested
    assert f"shift_p {{'label': 'negative', 'period': 'any'}} on test is {p:.4f}, and must be at least" in outcome.err
    assert "70.0%*" in outcome.err and "smallest" in outcome.err
    metrics = json.loads((run / "eval/test.json").read_text())["metrics"]
    assert {"name": "accuracy", "period": "2025-W36", "value": 1.0} in [
        {"name": one["name"], "period": one["by"].get("period"), "value": one["value"]} for one in metrics
    ]
    assert json.loads((run / "predictions/test.jsonl").open().readline())["timestamp"] == "2025-08-04"
    assert halluc("report", run).code == 0
    page = (run / "report/index.html").read_text()
    assert '<section id="time">' in page
    assert "Filled points (1) differ" in page, page[page.index("Predicted labels over time") :][:900]
    assert "| 2025-W36 | 20 | **70.0%** [45.7, 88.1] |" in (run / "report/report.md").read_text()


def test_candidates_are_ranked_by_user_and_reported_by_novelty(halluc, tmp_path):
    outcome, run = evaluated(halluc, tmp_path, "recommendation", confidence=0.9)
    assert outcome.code == 0, outcome.err
    metrics = json.loads((run / "eval/test.json").read_text())["metrics"]
    found = {(one["name"], *one["by"].items()): (one["value"], one["n"]) for one in metrics}
    assert found["ndcg",] == found["group_auc",] == found["mrr",] == found["ranked_groups",] == (1, 16)
    assert found["ndcg", ("user", "new")] == (1, 12)
    assert found["ndcg", ("user", "seen")] == (1, 4)
    assert found["accuracy", ("item", "new")][1] == 73
    line = json.loads((run / "predictions/test.jsonl").open().readline())
    assert line["group"].startswith("user-") and line["positive"] in (0.9, 0.1)
    assert halluc("report", run).code == 0
    assert "the 16 groups with and without the positive label" in (run / "report/report.md").read_text()


def test_a_trained_bank_is_an_input_and_keys_of_figures_ask_for_an_evaluation_alone(halluc, tmp_path, tiny_encoder):
    rows = [
        {"text": f"{text} {n}", "label": label, "at": f"2025-0{n}-06"}
        for n in (1, 2) for text, label in (("the bank left", "a1"), ("anna met berg", "a2"))
    ]  # fmt: skip
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    bank = tmp_path / "bank.jsonl"
    bank.write_text('{"id": "a1", "question": "who left?"}\n{"id": "a2", "question": "who met?"}\n')
    config, runs = tmp_path / "answers.yaml", tmp_path / "runs"
    data = {split: str(tmp_path / "texts.jsonl") for split in ("train", "test")}
    made = {
        "name": "answers", "runs_dir": str(runs), "model": {"name": str(tiny_encoder)}, "train": {"epochs": 1},
        "task": {"type": "text_classification", "retrieval": {"bank": str(bank)}},
        "data": {"format": "texts", "timestamp_field": "at", **data}, "eval": {"splits": ["test"]},
    }  # fmt: skip
    config.write_text(json.dumps(made))
    assert (outcome := halluc("train", config, "-q")).code == 0, outcome.err
    (path,) = [path for path in (runs / "answers").iterdir() if path.is_dir() and not path.is_symlink()]
    run = RunDir(path)
    assert str(bank) in run.read().inputs
    for period, name in (("month", "2025-01"), ("week", "2025-W02")):
        asked = (f"task.period={period}",)
        assert not run_state.is_evaluated(run, load(config, asked), ("test",))
        assert (outcome := halluc("eval", config, "-q", "--set", *asked)).code == 0, outcome.err
        assert run_state.is_evaluated(run, load(config, asked), ("test",))
        assert f'"{name}"' in (path / "eval/test.json").read_text()
    bank.write_text('{"id": "a2", "question": "who met?"}\n{"id": "a3", "question": "who left?"}\n')
    with pytest.raises(HallucError, match="changed since"):
        run_state.is_trained(run)
