"""The runs that tests make up are what real ones would be."""

from __future__ import annotations

import json

from halluc.runs import evaluations, matrix
from halluc.runs.directory import RunDir
from tests.made_runs import (
    HOSTILE_ARMS,
    MadeExample,
    Rates,
    hostile_config,
    hostile_examples,
    hostile_labels,
    make_run,
    make_study,
)

# Found; told wrongly; made up, beside gold that nothing touches.
TEXTS = [
    MadeExample(["Anna", "left"], [(0, 1, "PER")], [(0, 1, "PER", 0.9)]),
    MadeExample(["Acme", "Corp", "won"], [(0, 2, "ORG")], [(0, 1, "ORG", 0.8)]),
    MadeExample(["Friday", "in", "Oslo"], [(2, 3, "LOC")], [(0, 1, "LOC", 0.7)]),
]


def figures(run: RunDir) -> dict[str, float | None]:
    return {found.name: found.value for found in evaluations.read(run, "test").metrics if not found.by}


def test_figures_are_those_of_the_made_predictions(tmp_path):
    run = make_run(tmp_path, TEXTS, train=TEXTS[:1])
    found = figures(run)
    assert found["hallucination_rate"] == found["distortion_rate"] == found["omission_rate"] == 1 / 3
    lines = [json.loads(line) for line in run.ledger("test").read_text().splitlines()]
    assert [(line["text"], line.get("verdict"), line["novelty"]) for line in lines] == [
        ("Anna", "supported", "seen"), ("Acme", "distorted", "new"), ("Friday", "unsupported", "new"),
        ("Oslo", None, "new"),
    ]  # fmt: skip
    assert run.read().stages["eval"].status == "done"


def test_a_made_run_may_lack_an_evaluation(tmp_path):
    run = make_run(tmp_path, TEXTS, evaluated=False)
    assert not (run.path / "eval").exists()
    assert set(run.read().stages) == {"train"}


def test_dev_and_gates_and_calibration_are_possible(tmp_path):
    extra = "eval: {calibration: temperature}\ngates: {hallucination_rate: {max: 0.1}}\n"
    run = make_run(tmp_path, TEXTS, dev=TEXTS, config_extra=extra)
    assert evaluations.read(run, "dev").metrics
    assert run.read().stages["eval"].status == "done"  # the gate is not met, and the run stands


def test_hostile_text_reaches_the_files(tmp_path):
    texts = hostile_examples()
    run = make_run(tmp_path, texts, train=hostile_examples("train"), dev=texts, config_extra=hostile_config())
    lines = [json.loads(line) for line in run.ledger("test").read_text(encoding="utf-8").splitlines()]
    assert {line["label"] for line in lines} == set(hostile_labels())
    assert {line.get("verdict") for line in lines} >= {"supported", "distorted", "unsupported", None}
    assert any("\x00" in line["text"] for line in lines)


def test_arms_of_a_study_make_as_many_mistakes_as_they_are_reported(tmp_path):
    arms = {"calm": Rates(0.0, 0.0, 0.0), "bold": Rates(0.5, 0.0, 0.0)}
    home = make_study(tmp_path, arms=arms, fractions=(0.0, 0.5), seeds=(1,), sentences=40)
    known = matrix.read(home)
    assert known is not None
    rate = {
        (cell.choice["arm"], cell.choice["gap.fraction"]): figures(RunDir(home / cell.slug))["hallucination_rate"]
        for cell in known.cells
    }
    assert rate["calm", 0.0] == rate["calm", 0.5] == 0
    assert 0 < rate["bold", 0.0] < rate["bold", 0.5]


def test_a_study_may_have_hostile_arms_and_cells_that_were_not_run(tmp_path):
    arms = dict.fromkeys(HOSTILE_ARMS, Rates())
    home = make_study(tmp_path, arms=arms, fractions=(), seeds=(1,), sentences=10, leave_out=[1])
    known = matrix.read(home)
    assert known is not None
    assert [cell.choice["arm"] for cell in known.cells] == list(HOSTILE_ARMS)
    assert [(home / cell.slug / "run.json").is_file() for cell in known.cells] == [True, False, True, True, True]
