"""`fidelity` from the command line: with the model of a run, and with models trained for it by cross-fitting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halluc.runs.directory import RunDir


@pytest.fixture
def augmented(experiment: Path) -> Path:
    text = experiment.read_text(encoding="utf-8").replace("epochs: 6", "epochs: 4")
    experiment.write_text(text, encoding="utf-8")
    return experiment


def config(experiment: Path, filter: str) -> list[str]:
    return [
        "--set",
        f"augment={{size: 2x, methods: [{{type: label_wise_replacement, rate: 0.5}}], filters: [{filter}]}}",
    ]


def augment_folder(home: Path) -> Path:
    return RunDir(home / (home / "latest").readlink() if (home / "latest").exists() else max(home.iterdir())).augment


def test_candidates_are_judged_by_the_model_of_a_run(halluc, augmented, tmp_path):
    outcome = halluc("train", augmented)
    assert outcome.code == 0, outcome.err
    home = augmented.parent / "runs" / "tiny"
    run = home / (home / "latest").readlink()
    filter = f"{{type: fidelity, model: {run}, action: relabel, min_confidence: 0.0}}"
    outcome = halluc("augment", augmented, *config(augmented, filter), "--run", tmp_path / "new")
    assert outcome.code == 0, outcome.err
    provenance = [json.loads(line) for line in (tmp_path / "new/augment/provenance.jsonl").read_text().splitlines()]
    assert provenance
    assert all(set(line["methods"]) <= {"label_wise_replacement", "relabelled", "copy"} for line in provenance)
    again = halluc("augment", augmented, *config(augmented, filter), "--run", tmp_path / "again")
    assert again.code == 0, again.err
    for name in ("train.jsonl", "provenance.jsonl"):
        assert (tmp_path / "new/augment" / name).read_bytes() == (tmp_path / "again/augment" / name).read_bytes()


def test_cross_fitted_models_are_trained_once_and_cached(halluc, augmented, tmp_path):
    outcome = halluc(
        "augment", augmented, *config(augmented, "{type: fidelity, cross_fit: 2}"), "--run", tmp_path / "one"
    )
    assert outcome.code == 0, outcome.err
    (folder,) = (augmented.parent / "runs" / ".fitted").glob("cross-fit-*")
    parts = sorted(folder.iterdir())
    assert [part.name for part in parts] == ["part-1-of-2", "part-2-of-2"]
    started = [RunDir(part).read().stages["train"].started for part in parts]
    sizes = [json.loads((part / "data.json").read_text())["splits"]["train"]["counts"]["sentences"] for part in parts]
    train = (tmp_path / "one/augment/train.jsonl").read_text().splitlines()
    manifest = json.loads((tmp_path / "one/augment/manifest.json").read_text())
    assert len(train) == manifest["originals"] + manifest["made"]
    assert sum(sizes) == manifest["originals"], "each example is left out once"
    outcome = halluc(
        "augment", augmented, *config(augmented, "{type: fidelity, cross_fit: 2}"), "--run", tmp_path / "two"
    )
    assert outcome.code == 0, outcome.err
    assert [RunDir(part).read().stages["train"].started for part in parts] == started
    assert (tmp_path / "two/augment/train.jsonl").read_bytes() == (tmp_path / "one/augment/train.jsonl").read_bytes()


def test_a_model_of_another_task_is_refused(halluc, augmented, tmp_path):
    filter = f"{{type: fidelity, model: {tmp_path / 'nothing'}}}"
    outcome = halluc("augment", augmented, *config(augmented, filter), "--run", tmp_path / "new")
    assert outcome.code == 2
    assert "does not exist" in outcome.err
    outcome = halluc("check", augmented, *config(augmented, "{type: fidelity}"))
    assert outcome.code == 2
    assert "either `model` or `cross_fit`" in outcome.err
