"""``halluc runs``: state, figures, size and age of runs and studies."""

from __future__ import annotations

import json

import pytest

from halluc.core import locks
from halluc.runs.directory import LOCK_FILE
from tests.made_runs import made_examples, make_run, make_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("listing")
    make_run(folder, made_examples(20), name="plain")
    make_run(folder, made_examples(5), name="unevaluated", evaluated=False)
    make_study(folder, fractions=(), seeds=(1, 2), sentences=10, leave_out=(3,))
    return folder / "runs"


def listed(halluc, folder):
    outcome = halluc("runs", folder, "--json")
    assert outcome.code == 0, outcome.err
    return {found["name"]: found for found in map(json.loads, outcome.out.splitlines())}


def test_runs_and_studies_are_listed_with_their_state_and_figures(halluc, folder):
    found = listed(halluc, folder)
    assert {name: one["state"] for name, one in found.items()} == {
        "plain": "evaluated", "unevaluated": "trained", "study": "3 of 4 cells evaluated",
    }  # fmt: skip
    (evaluation,) = (folder / "plain").glob("2*/eval/test.json")
    figures = {one["name"]: one["value"] for one in json.loads(evaluation.read_text())["metrics"] if not one["by"]}
    assert found["plain"]["figures"]["hallucination_rate"] == figures["hallucination_rate"]
    assert found["plain"]["split"] == "test" and found["plain"]["task"] == "token_classification"
    assert found["plain"]["bytes"] == sum(
        file.lstat().st_size for file in evaluation.parents[1].rglob("*") if not file.is_dir()
    )
    shown = halluc("runs", folder).err
    assert "token_classification, evaluated, " in shown
    assert "hallucination rate" in shown


def test_one_run_and_one_study_can_be_named(halluc, folder):
    (run,) = (folder / "plain").glob("2*")
    assert list(listed(halluc, run)) == ["plain"]
    assert listed(halluc, folder / "study")["study"]["kind"] == "study"


def test_a_killed_a_busy_and_a_damaged_run_are_distinguished(halluc, tmp_path):
    run = make_run(tmp_path, made_examples(3))
    record = run.read()
    record.status, record.command = "running", "eval"
    run.write(record)
    assert listed(halluc, tmp_path / "runs")["made"]["state"] == "eval interrupted, evaluated"
    with locks.locked(run.path / LOCK_FILE, run.path):
        assert listed(halluc, tmp_path / "runs")["made"]["state"] == "eval running, evaluated"
    (run.path / "run.json").write_text("{")
    assert listed(halluc, tmp_path / "runs")["made"]["state"] == "unreadable (R101)"


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_runs_is_an_error(halluc, tmp_path, made):
    folder = tmp_path / "nothing"
    if made:
        folder.mkdir()
    outcome = halluc("runs", folder)
    assert (outcome.code, "error[R101]" in outcome.err) == (2, True)
