"""How to make a study, or runs beside each other, again: the lines of their runs, as far as they are on record."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from halluc.reporting.collect.reproducing import comparison_commands, study_commands
from halluc.runs.directory import RunDir
from halluc.wording.formats import ELLIPSIS
from tests.made_runs import Rates, made_examples, make_run, make_study


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return make_study(tmp_path_factory.mktemp("study"), fractions=(0.0,), seeds=(1,), sentences=20)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    return make_run(tmp_path_factory.mktemp("run"), made_examples(20, Rates(0.2, 0.1, 0.1)))


def cells(home: Path) -> list[RunDir]:
    return [RunDir(path) for path in sorted(home.iterdir()) if path.is_dir()]


def changed(run: RunDir, folder: Path, **changes: object) -> RunDir:
    shutil.copytree(run.path, folder / run.path.name)
    copy = RunDir(folder / run.path.name)
    record = json.loads((copy.path / "run.json").read_text())
    (copy.path / "run.json").write_text(json.dumps({**record, **changes}))
    return copy


def config_of(run: RunDir) -> str:
    """Its config lies in the folder to start in: it was named by its whole path, and is told without."""
    return f"{run.path.parent.name}.yaml"


def start_of(run: RunDir) -> str:
    return f"# start in the folder that contains {config_of(run)}"


def with_arguments(run: RunDir, train: list[str], evaluation: list[str]) -> dict[str, object]:
    stages = json.loads((run.path / "run.json").read_text())["stages"]
    return {
        "stages": {"train": stages["train"] | {"arguments": train}, "eval": stages["eval"] | {"arguments": evaluation}}
    }


def test_a_study_is_made_by_its_config_in_the_code_of_its_first_cell(home, tmp_path):
    first = cells(home)[0]
    sets = ["runs_dir=elsewhere"]
    git = {"commit": "ab" * 20, "dirty": True}
    cell = changed(first, tmp_path, git=git, versions={"torch": "2.1"}, **with_arguments(first, sets, sets))
    version = json.loads((first.path / "run.json").read_text())["halluc"]
    assert study_commands([cell, *cells(home)]) == [
        f"# halluc {version}, torch 2.1",
        f"# commit {'ab' * 20}, with local changes",
        start_of(first),
        f"halluc run {config_of(first)} --set runs_dir=elsewhere",
    ]


def test_a_study_evaluated_by_other_settings_is_made_in_two_steps(home, tmp_path):
    first = cells(home)[0]
    cell = changed(first, tmp_path, **with_arguments(first, [], ["eval.calibration=temperature"]))
    assert study_commands([cell])[-2:] == [
        f"halluc train {config_of(first)}",
        f"halluc eval {config_of(first)} --set eval.calibration=temperature",
    ]


def test_a_cell_without_figures_is_passed_over(home, tmp_path):
    first, second = cells(home)[:2]
    damaged = changed(first, tmp_path)
    (damaged.path / "run.json").write_text("{")
    assert study_commands([damaged, second]) == study_commands([second]) != []
    without = changed(second, tmp_path)
    shutil.rmtree(without.path / "source")
    assert study_commands([damaged, without]) == []


def test_runs_are_made_each_by_its_own_lines(run, home):
    cell = cells(home)[0]
    told = comparison_commands([run, cell])
    of_run, of_cell = told[: told.index(f"# {cell.path}:")], told[told.index(f"# {cell.path}:") :]
    assert of_run[0] == f"# {run.path}:"
    assert of_run[1].startswith("# halluc ")
    assert of_run[-1] == f"halluc run {config_of(run)}"
    only = " ".join(f"--only {axis}" for axis in cell.path.name.split(","))
    assert of_cell[-1] == f"halluc run {config_of(cell)} {only}"
    assert (of_run[-2], of_cell[-2]) == (start_of(run), start_of(cell))


def test_at_most_five_runs_are_reported_and_the_others_counted(run):
    told = comparison_commands([run] * 8)
    assert sum(line.startswith("halluc run") for line in told) == 5
    assert told[-1] == "# and 3 more, see the report of each"
    assert "more" not in comparison_commands([run] * 5)[-1]


def test_a_run_without_the_figure_is_named(run, tmp_path):
    damaged = changed(run, tmp_path)
    (damaged.path / "run.json").write_text("{")
    assert comparison_commands([damaged]) == [f"# {damaged.path}: its config is unknown"]


def test_a_model_from_elsewhere_is_evaluated(run, tmp_path):
    stages = json.loads((run.path / "run.json").read_text())["stages"]
    of_eval = changed(run, tmp_path, stages={"eval": stages["eval"]})
    checkpoint = json.loads(run.evaluation("test").read_text())["checkpoint"]
    assert checkpoint == str(run.model)
    beside_the_config = f"runs/made/{run.path.name}/model"
    assert comparison_commands([of_eval])[-1] == f"halluc eval {config_of(run)} --checkpoint {beside_the_config}"
    file = of_eval.evaluation("test")
    file.write_text(json.dumps({**json.loads(file.read_text()), "checkpoint": "/home/anna/models/best"}))
    assert shlex.split(comparison_commands([of_eval])[-1])[-2:] == ["--checkpoint", f"{ELLIPSIS}/models/best"]


def moved(run: RunDir, config: str) -> RunDir:
    """As if the run had been started above its ``runs_dir``, with a config of another folder."""
    home = run.path.parent.parent.parent
    text = run.config.read_text().replace(f"{home}/{config_of(run)}:", f"{config}:")
    run.config.write_text(re.sub(r"(?m)^runs_dir: \S+", "runs_dir: runs", text))
    return run


def test_a_config_outside_of_the_folder_to_start_in_is_replaced_by_the_one_that_the_run_keeps(tmp_path):
    run = moved(make_run(tmp_path, made_examples(20, Rates(0.2, 0.1, 0.1))), "/home/anna/made.yaml")
    kept = f"runs/made/{run.path.name}/config.yaml"
    assert comparison_commands([run])[-2:] == [f"# start in the folder that contains {kept}", f"halluc run {kept}"]


def test_of_a_study_with_such_a_config_the_beginning_of_its_path_is_left_to_fill_in(tmp_path):
    home = make_study(tmp_path, fractions=(0.0,), seeds=(1,), sentences=20)
    first = moved(cells(home)[0], "/home/anna/configs/study.yaml")
    told = study_commands([first])
    assert told[0] == f"# replace {ELLIPSIS}/ by the complete path"
    assert told[-2] == f"# start in the folder that contains runs/study/{first.path.name}/config.yaml"
    assert shlex.split(told[-1]) == ["halluc", "run", f"{ELLIPSIS}/configs/study.yaml"]
