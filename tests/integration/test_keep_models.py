"""`keep_models` of a study: which models stay once the cells are evaluated, and what commands say of a removed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from halluc.__main__ import exit_code_of
from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.runs.directory import RunDir
from halluc.workflows import retention
from tests.conftest import Snapshot, write_corpus, write_experiment

pytestmark = pytest.mark.usefixtures("without_charts")

CELLS = ["seed=1", "seed=2", "seed=3"]
TWO_CELLS = ["--set", "matrix.seed=[1, 2]"]


def write_study(folder: Path, encoder: Path) -> Path:
    config = write_experiment(folder, encoder, write_corpus(folder))
    text = config.read_text(encoding="utf-8").replace("epochs: 6", "epochs: 1")
    config.write_text(text + "matrix: {seed: [1, 2, 3]}\n", encoding="utf-8")
    return config


@pytest.fixture
def study(tmp_path: Path, tiny_encoder: Path) -> Path:
    return write_study(tmp_path, tiny_encoder)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Snapshot:
    """A study of which all cells are evaluated; trained once for all tests."""
    config = write_study(tmp_path_factory.mktemp("study"), tiny_encoder)
    assert exit_code_of(["run", str(config), "-q"]) == 0
    return Snapshot.of(config.parent)


@pytest.fixture
def evaluated(finished: Snapshot) -> Path:
    """The finished study, with its runs as they were."""
    return finished.restore() / "tiny.yaml"


@pytest.fixture
def cells(evaluated: Path) -> Path:
    return evaluated.parent / "runs" / "tiny"


@pytest.fixture
def home(study: Path) -> Path:
    return study.parent / "runs" / "tiny"


def models(home: Path) -> list[str]:
    return [slug for slug in CELLS if (home / slug / "model").is_dir()]


def give_dev_figures(home: Path, figures: list[float]) -> None:
    for slug, figure in zip(CELLS, figures, strict=True):
        run = RunDir(home / slug)
        record = run.read()
        assert record.best["chosen_by"] == "entity_f1"
        record.best["dev"]["entity_f1"] = figure
        run.write(record)


def test_none_removes_each_model_once_its_cell_is_evaluated(halluc, study, home):
    none = ["--set", "keep_models=none"]
    outcome = halluc("run", study, *none)
    assert outcome.code == 0, outcome.err
    assert models(home) == []
    assert "3 of 3 models are removed" not in outcome.err  # each was removed at once
    for slug in CELLS:
        assert RunDir(home / slug).read().model_removed == "none"
        assert (home / slug / "eval" / "test.json").is_file()
        assert not list((home / slug).glob(".*tmp"))
    started = [RunDir(home / slug).read().stages["train"].started for slug in CELLS]
    half = home / CELLS[0] / ".model.7.tmp"  # of a process that was killed while it removed the model
    half.mkdir()
    (half / "model.safetensors").write_text("half")
    again = halluc("run", study, *none)
    assert again.code == 0
    assert not half.exists()
    assert [line for line in again.err.splitlines() if "done before" in line] == [
        f"[{number}/3] {slug}: done before" for number, slug in enumerate(CELLS, 1)
    ]
    assert halluc("train", study, "-q").code == 0
    assert halluc("report", study, "-q").code == 0
    assert halluc("report", home / CELLS[0], "-q").code == 0
    assert [RunDir(home / slug).read().stages["train"].started for slug in CELLS] == started


def test_a_removed_model_is_reported_with_the_command_that_makes_it_again(halluc, evaluated, cells, tmp_path):
    before = (cells / CELLS[0] / "model" / "model.safetensors").read_bytes()
    assert halluc("run", evaluated, "-q", "--only", "seed=1", "--set", "keep_models=none").code == 0
    assert models(cells) == CELLS[1:]
    texts = tmp_path / "texts.txt"
    texts.write_text("Anna Berg\n")
    cell = cells / CELLS[0]
    for refused in (
        halluc("eval", "--run", cell),
        halluc("predict", cell, "--input", texts),
        halluc("eval", evaluated, "--only", "seed=1", "--set", "eval.batch_tokens=50"),
        halluc("run", evaluated, "--only", "seed=1", "--set", "eval.batch_tokens=50"),
    ):
        assert refused.code == 2, refused.err
        assert "error[R118]" in refused.err
        assert "removed by `keep_models: none`" in refused.err
        assert f"halluc train {cell}/config.yaml --run {cell} --resume" in refused.err
    assert halluc("train", cell / "config.yaml", "--run", cell, "--resume", "-q").code == 0
    assert (cell / "model" / "model.safetensors").read_bytes() == before
    assert RunDir(cell).read().model_removed is None
    assert halluc("eval", "--run", cell, "-q").code == 0


def test_a_removed_model_is_restored_from_the_last_checkpoint_if_there_is_one(halluc, study, home):
    only = ["-q", "--only", "seed=1", "--set", "train.checkpoints.keep=last"]
    assert halluc("run", study, *only).code == 0
    cell = home / CELLS[0]
    before = (cell / "model" / "model.safetensors").read_bytes()
    assert halluc("run", study, *only, "--set", "keep_models=none").code == 0
    events = (cell / "events.jsonl").read_text().count('"event": "step"')
    assert halluc("train", cell / "config.yaml", "--run", cell, "--resume", "-q").code == 0
    assert (cell / "model" / "model.safetensors").read_bytes() == before
    assert (cell / "events.jsonl").read_text().count('"event": "step"') == events  # nothing was trained again


@pytest.mark.parametrize(("figures", "best"), [([0.1, 0.3, 0.2], 1), ([0.3, 0.1, 0.3], 0), ([0.0, 0.0, 0.0], 0)])
def test_best_keeps_the_first_of_the_best_on_dev(halluc, evaluated, cells, figures, best):
    assert models(cells) == CELLS
    give_dev_figures(cells, figures)
    outcome = halluc("run", evaluated, "--set", "keep_models=best")
    assert outcome.code == 0, outcome.err
    assert models(cells) == [CELLS[best]]
    assert "`keep_models: best`: 2 of 3 models are removed" in outcome.err
    assert f"best on dev: {cells / CELLS[best]}" in outcome.err
    assert [RunDir(cells / slug).read().model_removed for slug in CELLS].count("best") == 2


def test_best_waits_until_all_cells_are_evaluated(halluc, study, home):
    best = ["--set", "keep_models=best", "-q"]
    assert halluc("run", study, *best, "--shard", "1/2").code == 0  # cells 1 and 3
    assert models(home) == [CELLS[0], CELLS[2]]
    assert halluc("run", study, *best, "--shard", "2/2").code == 0
    assert len(models(home)) == 1


def test_best_is_decided_although_a_gate_is_not_met(halluc, study, home):
    gate = ["--set", "gates.entity_f1={min: 1.0, max: 1.0}", "--set", "train.learning_rate=1e-6"]
    assert halluc("run", study, "-q", "--set", "keep_models=best", *TWO_CELLS, *gate).code == 5
    assert len(models(home)) == 1


def test_without_a_dev_figure_all_models_stay(halluc, study, home):
    text = study.read_text()
    dev = next(line for line in text.splitlines() if line.startswith("  dev:"))
    study.write_text(text.replace(dev + "\n", ""))
    outcome = halluc("run", study, "--set", "keep_models=best", *TWO_CELLS)
    assert outcome.code == 0
    assert "no model is removed" in outcome.err
    assert models(home) == CELLS[:2]


def test_a_cell_that_is_being_written_keeps_its_model(halluc, evaluated, cells):
    found = load_study(evaluated, ["keep_models=none"], table=TABLE)
    with RunDir(cells / CELLS[1]).locked():
        retention.apply(found, found.cells)
    assert models(cells) == [CELLS[1]]
    assert RunDir(cells / CELLS[1]).read().model_removed is None


@pytest.mark.parametrize("command", ["check", "train", "run"])
def test_without_a_matrix_it_is_an_error_at_its_line(halluc, experiment, command):
    experiment.write_text(experiment.read_text() + "keep_models: best\n")
    line = len(experiment.read_text().splitlines())
    outcome = halluc(command, experiment)
    assert outcome.code == 2
    assert "error[C129]: `keep_models: best` requires a `matrix`" in outcome.err
    assert f"{experiment}:{line}" in outcome.err
    assert halluc("check", experiment, "--set", "keep_models=null").code == 0


def test_it_is_no_part_of_a_cells_config_nor_of_its_hash(halluc, study, home):
    plain = load_study(study, table=TABLE)
    asked = load_study(study, ["keep_models=none"], table=TABLE)
    assert (plain.keep_models, asked.keep_models) == ("all", "none")
    assert [cell.loaded.sha256 for cell in plain.cells] == [cell.loaded.sha256 for cell in asked.cells]
    shown = halluc("config", "show", study, "--set", "keep_models=none").out
    assert "\nkeep_models: none" in shown
    file = study.parent / "shown.yaml"
    file.write_text(shown)
    assert load_study(file, table=TABLE).keep_models == "none"
    wrong = halluc("check", study, "--set", "keep_models=some")
    assert wrong.code == 2
    assert "keep_models" in wrong.err
    axis = study.read_text().replace("matrix: {seed: [1, 2, 3]}", "matrix: {keep_models: [all, none]}")
    study.write_text(axis)
    assert "C123" in halluc("check", study).err


def test_the_record_of_a_removed_model_is_in_run_json(halluc, evaluated, cells):
    assert halluc("run", evaluated, "-q", "--only", "seed=2", "--set", "keep_models=none").code == 0
    assert json.loads((cells / CELLS[1] / "run.json").read_text())["model_removed"] == "none"


@pytest.mark.parametrize("reference", ["arm=plain", "arm=plain/model"])
def test_a_model_that_another_cell_names_stays(halluc, study, home, reference):
    text = study.read_text().partition("matrix:")[0]
    taught = f"{{train: {{teacher: {{runs: ['{home / reference}']}}}}}}"
    study.write_text(f"{text}matrix: {{arm: {{plain: {{}}, taught: {taught}}}}}\n")
    outcome = halluc("run", study, "--set", "keep_models=none")
    assert outcome.code == 0, outcome.err
    assert (home / "arm=plain" / "model").is_dir()
    assert not (home / "arm=taught" / "model").is_dir()
    assert f"the model of {home / 'arm=plain'} is kept, because another cell uses it" in outcome.err
