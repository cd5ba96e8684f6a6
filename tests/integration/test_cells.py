"""A study from the command line: cells found, skipped, shared out, broken, changed and begun anew."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from halluc.__main__ import exit_code_of
from halluc.core.locks import locked
from halluc.runs.directory import RunDir
from halluc.runs.schema import MatrixFile, RunFile
from tests.conftest import Snapshot, write_corpus, write_experiment

pytestmark = pytest.mark.usefixtures("without_charts")

CELLS = [f"arm={arm},seed={seed}" for arm in ("baseline", "wide") for seed in (1, 2)]


def write_study(folder: Path, encoder: Path) -> Path:
    """Two arms by two seeds, one epoch each."""
    config = write_experiment(folder, encoder, write_corpus(folder))
    text = config.read_text(encoding="utf-8").replace("epochs: 6", "epochs: 1")
    matrix = "matrix:\n  arm: {baseline: {}, wide: {train: {batch_tokens: 128}}}\n  seed: [1, 2]\n"
    config.write_text(text + matrix, encoding="utf-8")
    return config


@pytest.fixture
def study(tmp_path: Path, tiny_encoder: Path) -> Path:
    return write_study(tmp_path, tiny_encoder)


@pytest.fixture
def home(study: Path) -> Path:
    return study.parent / "runs" / "tiny"


@pytest.fixture(scope="module")
def half_snapshot(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Snapshot:
    folder = tmp_path_factory.mktemp("half")
    assert exit_code_of(["train", str(write_study(folder, tiny_encoder)), "--only", "seed=1", "-q"]) == 0
    return Snapshot.of(folder)


@pytest.fixture
def half(half_snapshot: Snapshot) -> tuple[Path, Path]:
    """The study of which the cells of the first seed are trained, and its home; a test may change both."""
    folder = half_snapshot.restore()
    return folder / "tiny.yaml", folder / "runs" / "tiny"


def record(home: Path, slug: str) -> RunFile:
    return RunFile.model_validate_json((home / slug / "run.json").read_bytes())


def trained(home: Path) -> list[str]:
    return [slug for slug in CELLS if (home / slug / "model").is_dir()]


def started(home: Path) -> dict[str, tuple[str, float | None]]:
    """When each cell's training began and how long it took: tells whether one was trained again."""
    stages = {slug: record(home, slug).stages["train"] for slug in trained(home)}
    return {slug: (stage.started, stage.seconds) for slug, stage in stages.items()}


def test_a_study_runs_and_a_second_call_has_nothing_to_do(halluc, study, home):
    outcome = halluc("run", study)
    assert outcome.code == 0, outcome.err
    assert trained(home) == CELLS
    heads = [line for line in outcome.err.splitlines() if line.startswith("[")]
    assert [line.split(": ")[0] for line in heads] == [f"[{number}/4] {slug}" for number, slug in enumerate(CELLS, 1)]
    assert all(re.fullmatch(r".*: dev entity_f1 0\.\d{4}, .*\d s(; .*\d s left)?", line) for line in heads), heads
    assert [line.endswith(" left") for line in heads] == [True, True, True, False]
    assert " training on " not in outcome.err and "by label" not in outcome.err  # that is what -v tells
    for slug in CELLS:
        assert {"train", "eval"} == set(record(home, slug).stages)
        assert (home / slug / "eval" / "test.json").is_file()
    known = MatrixFile.model_validate_json((home / "matrix.json").read_bytes())
    assert known.axes == {"arm": ["baseline", "wide"], "seed": [1, 2]}
    assert [cell.slug for cell in known.cells] == CELLS
    assert known.cells[1].choice == {"arm": "baseline", "seed": 2}
    assert known.cells[1].config_sha256 == record(home, CELLS[1]).config_sha256
    before = {slug: (home / slug / "run.json").read_bytes() for slug in CELLS}
    again = halluc("run", study)
    assert again.code == 0
    assert again.err.splitlines()[:4] == [f"[{number}/4] {slug}: done before" for number, slug in enumerate(CELLS, 1)]
    assert again.err.splitlines()[-1].startswith("report: ")
    assert {slug: (home / slug / "run.json").read_bytes() for slug in CELLS} == before


def test_a_cell_has_the_weights_of_the_same_config_alone(halluc, study, home):
    assert halluc("train", study, "-q").code == 0
    alone = ["--set", "matrix=null", "--set", "train.batch_tokens=128", "--set", "seed=2"]
    assert halluc("train", study, "-q", "--run", study.parent / "alone", *alone).code == 0
    one, other = (load_file(run / "model" / "model.safetensors") for run in (home / CELLS[3], study.parent / "alone"))
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


def test_nothing_is_evaluated_that_is_not_trained(halluc, study):
    assert halluc("eval", study, "--only", "seed=1").code == 2


def test_evaluation_is_done_again_where_anything_it_depends_on_has_changed(halluc, half):
    study, home = half
    test = study.with_name("test.txt")
    only = ["--only", "seed=1", "--only", "arm=wide"]
    assert "done before" not in halluc("eval", study, *only, "--split", "dev").err
    assert "done before" in halluc("eval", study, *only, "--split", "dev").err
    assert "done before" not in halluc("eval", study, *only, "--split", "test").err
    assert "done before" in halluc("eval", study, *only).err  # dev and test, each of which was asked for
    assert "done before" not in halluc("eval", study, *only, "--set", "eval.batch_tokens=50").err
    assert "done before" not in halluc("eval", study, *only).err
    test.write_text(test.read_text() + "\nOslo B-LOC\n", encoding="utf-8")
    assert "done before" not in halluc("eval", study, *only).err
    (home / CELLS[2] / "eval" / "test.json").unlink()
    assert "done before" not in halluc("eval", study, *only).err
    assert "done before" in halluc("eval", study, *only).err


def test_data_that_changed_under_a_study_is_reported(halluc, half):
    study, _ = half
    train = study.with_name("train.txt")
    train.write_text(train.read_text() + "\nOslo B-LOC\n", encoding="utf-8")
    outcome = halluc("train", study, "--only", "seed=1")
    assert outcome.code == 2
    assert "error[R109]" in outcome.err
    assert f"{train} changed" in outcome.err


def test_an_interrupted_study_resumes(halluc, study, home, monkeypatch):
    from halluc.workflows import model_training

    whole, calls = model_training._train, []

    def stopped_in_the_second(job):
        calls.append(job.target.path.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(job)

    monkeypatch.setattr(model_training, "_train", stopped_in_the_second)
    outcome = halluc("train", study)
    assert outcome.code == 130
    assert calls == CELLS[:2]
    assert trained(home) == CELLS[:1]
    assert record(home, CELLS[1]).status == "interrupted"
    assert len(MatrixFile.model_validate_json((home / "matrix.json").read_bytes()).cells) == 4
    monkeypatch.setattr(model_training, "_train", whole)
    before = started(home)
    again = halluc("train", study)
    assert again.code == 0
    assert f"[1/4] {CELLS[0]}: done before" in again.err
    assert trained(home) == CELLS
    assert started(home)[CELLS[0]] == before[CELLS[0]]


def test_a_killed_study_resumes_from_the_checkpoint_of_its_cell(halluc, study, home):
    text = (
        study.read_text().replace("epochs: 1", "epochs: 15, checkpoint_steps: 1").replace("seed: [1, 2]", "seed: [1]")
    )
    study.write_text(text, encoding="utf-8")
    process = subprocess.Popen([sys.executable, "-m", "halluc", "run", str(study), "-q"], stderr=subprocess.PIPE)
    checkpoints = RunDir(home / CELLS[0])
    deadline = time.monotonic() + 60
    while not checkpoints.has_checkpoint() and process.poll() is None:
        assert time.monotonic() < deadline, "training does not move"
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode == -signal.SIGKILL
    outcome = halluc("run", study, "--only", "arm=baseline", "-v")
    assert outcome.code == 0, outcome.err
    assert "resumed at step" in outcome.err


def test_shards_share_the_cells_out_exactly_once(halluc, study, home):
    first = halluc("train", study, "--shard", "1/2")
    assert first.code == 0, first.err
    assert trained(home) == CELLS[0::2]
    assert "[2/2] arm=wide,seed=1" in first.err
    before = started(home)
    assert halluc("train", study, "--shard", "2/2").code == 0
    assert trained(home) == CELLS
    assert {slug: started(home)[slug] for slug in before} == before
    assert "no cells are left" in halluc("train", study, "--shard", "9/9").err


def test_two_equal_processes_at_once_do_every_cell_once(halluc, study, home):
    command = [sys.executable, "-m", "halluc", "run", str(study), "-v"]
    other = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    deadline = time.monotonic() + 60
    while not (home / CELLS[0]).is_dir() and other.poll() is None:
        assert time.monotonic() < deadline, "the other process does not begin"
        time.sleep(0.002)
    this = halluc("run", study, "-v")
    told = other.communicate(timeout=120)[1]
    assert (this.code, other.returncode) == (0, 0), told + this.err
    # Which of the two trains a cell, and whether one comes to a cell that the other writes, is a matter of scheduling.
    assert len(re.findall(r"^ *\d+:\d\d training on ", told + this.err, flags=re.MULTILINE)) == len(CELLS)
    assert trained(home) == CELLS
    assert sorted(path.name for path in (home / "report").iterdir()) == ["index.html", "report.json", "report.md"]
    assert json.loads((home / "report" / "report.json").read_text())["figures"]["missing"] == {}
    for slug in CELLS:
        assert record(home, slug).status == "done"
        assert len(record(home, slug).inputs) == 2
        events = [json.loads(line)["event"] for line in (home / slug / "events.jsonl").open()]
        assert events.count("started") == 1, slug


def test_only_the_last_process_writes_the_report(halluc, study, home):
    (home / CELLS[0]).mkdir(parents=True)
    with RunDir(home / CELLS[0]).locked():
        outcome = halluc("run", study, "--only", "arm=baseline", "-q")
    assert outcome.code == 0
    assert "no report yet: the last `halluc run` process of this study writes it" in outcome.err
    assert not (home / "report").exists()


def test_who_left_a_cell_that_was_finished_meanwhile_writes_the_report(halluc, study, home, monkeypatch):
    """The other process trains the first cell, and is through before this one is."""
    from halluc.workflows import experiments

    whole, only = experiments.run_cell, ("--only", "arm=baseline")
    (home / CELLS[0]).mkdir(parents=True)
    other = contextlib.ExitStack()
    other.enter_context(RunDir(home / CELLS[0]).locked())

    def after_the_other(cell, *arguments):
        if str(cell.slug) == CELLS[1]:
            other.close()
            monkeypatch.undo()
            assert exit_code_of(["run", str(study), *only, "--only", "seed=1", "-q", "--shard", "1/1"]) == 0
        return whole(cell, *arguments)

    monkeypatch.setattr(experiments, "run_cell", after_the_other)
    outcome = halluc("run", study, *only)
    assert outcome.code == 0, outcome.err
    assert f"[1/2] {CELLS[0]}: skipped, because another process is writing it" in outcome.err
    assert outcome.err.splitlines()[-1] == f"report: {home / 'report' / 'index.html'}"


def test_two_that_are_through_at_the_same_moment_write_the_report_one_after_the_other(halluc, half):
    study, home = half
    assert halluc("run", study, "--only", "seed=1", "-q").code == 0
    shutil.rmtree(home / "report")
    command = [sys.executable, "-m", "halluc", "run", str(study), "--only", "seed=1"]
    with locked(home / ".report.lock", home):
        others = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        with pytest.raises(subprocess.TimeoutExpired):
            others[0].wait(8)
        others[1].kill()  # one that waits is killed: nothing of it stays
        others[1].communicate()
        assert not (home / "report").exists()
    told = others[0].communicate(timeout=60)[1]
    assert others[0].returncode == 0, told
    assert sorted(path.name for path in (home / "report").iterdir()) == ["index.html", "report.json", "report.md"]


def test_a_cell_that_another_process_writes_is_left_to_it(halluc, study, home):
    assert halluc("train", study, "--only", "seed=2", "-q").code == 0
    (home / CELLS[0]).mkdir()
    with RunDir(home / CELLS[0]).locked():
        outcome = halluc("train", study, "--only", "seed=1")
    assert outcome.code == 0
    assert f"[1/2] {CELLS[0]}: skipped, because another process is writing it" in outcome.err
    assert "1 of 2 cells are run by other processes" in outcome.err
    assert trained(home) == CELLS[1:]


def test_a_changed_config_names_the_keys_and_fresh_moves_the_old_study_aside(halluc, half):
    study, home = half
    before = started(home)
    changed = ["--set", "train.epochs=2", "--set", "model.dropout=0.2"]
    outcome = halluc("train", study, *changed)
    assert outcome.code == 2
    assert "`train.epochs`" in outcome.err
    assert "`model.dropout`" in outcome.err
    assert "--fresh" in outcome.err
    assert "2 cells" in outcome.err
    assert started(home) == before
    with RunDir(home / CELLS[0]).locked():
        assert "R103" in halluc("train", study, *changed, "--fresh").err
    anew = halluc("train", study, *changed, "--fresh", "--only", "seed=2", "-q")
    assert anew.code == 0, anew.err
    assert trained(home) == CELLS[1::2]
    (old,) = home.parent.glob("tiny.old-*")
    assert f"the old study is moved to {old}" in anew.err
    assert started(old) == before
    assert halluc("eval", "--run", old / CELLS[0], "--split", "dev", "-q").code == 0


def test_an_edited_evaluation_is_no_changed_config(halluc, half):
    study, home = half
    outcome = halluc("run", study, "--only", "seed=1", "--set", "eval.splits=[test]")
    assert outcome.code == 0, outcome.err
    assert not (home / CELLS[0] / "eval" / "dev.json").exists()


def test_a_study_grows_by_values_and_not_by_axes(halluc, study, home):
    assert halluc("train", study, "--set", "matrix.seed=[2]", "--only", "arm=wide", "-q").code == 0
    assert halluc("train", study, "--set", "matrix.seed=[1]", "--only", "arm=wide", "-q").code == 0
    known = MatrixFile.model_validate_json((home / "matrix.json").read_bytes())
    assert known.axes == {"arm": ["baseline", "wide"], "seed": [1, 2]}
    assert [cell.slug for cell in known.cells] == CELLS
    outcome = halluc("train", study, "--set", "matrix.train.warmup=[0.2]")
    assert outcome.code == 2
    assert "over `arm`, `seed`, but this one is over `arm`, `seed`, `train.warmup`" in outcome.err


def test_a_broken_cell_does_not_stop_the_others_and_is_reported_last(halluc, study, home, corpus_files):
    broken = study.parent / "broken.txt"
    broken.write_text("Anna B-PER\nx Q-PER\n", encoding="utf-8")
    text = study.read_text().replace("baseline: {}", f"baseline: {{data: {{train: {broken}}}}}")
    study.write_text(text, encoding="utf-8")
    outcome = halluc("run", study)
    assert outcome.code == 3
    assert trained(home) == CELLS[2:]
    lines = outcome.err.splitlines()
    last = lines.index("2 of 4 cells failed; the other cells were run:")
    assert any(line.startswith("error[D") for line in lines[:last])
    assert [line for line in lines[last:] if line.startswith(f"error[D121]: {CELLS[0]}: ")]
    assert [line for line in lines[last:] if line.startswith(f"error[D121]: {CELLS[1]}: ")]
    assert "bug in halluc" not in outcome.err


def test_a_gate_that_is_not_met_breaks_its_cell_now_and_the_next_time(halluc, half):
    study, home = half
    gate = ["--set", "gates={entity_f1: {min: 1.01}}", "--only", "seed=1"]
    first = halluc("run", study, *gate)
    assert first.code == 5, first.err
    assert set(trained(home)) == {CELLS[0], CELLS[2]}
    before = (home / CELLS[0] / "run.json").read_bytes()
    second = halluc("run", study, *gate)
    assert second.code == 5
    assert f"{CELLS[2]}: gate not met: entity_f1 on test" in second.err
    assert (home / CELLS[0] / "run.json").read_bytes() == before
    assert halluc("run", study, "--only", "seed=1").code == 0


def test_a_bug_is_no_broken_cell(halluc, study, monkeypatch):
    from halluc.workflows import model_training

    monkeypatch.setattr(model_training, "_train", lambda job: 1 / 0)
    outcome = halluc("train", study)
    assert outcome.code == 1
    assert "bug in halluc" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--only", "sed=1"], "C014", "did you mean `seed`?"),
        (["--only", "arm=wid"], "C014", "did you mean `wide`?"),
        (["--only", "seed=7"], "C014", "its values are 1, 2"),
        (["--only", "seed"], "C014", "the axes are arm, seed"),
        (["--shard", "0/2"], "C013", "with I from 1 to N"),
        (["--shard", "3/2"], "C013", "with I from 1 to N"),
        (["--shard", "half"], "C013", "with I from 1 to N"),
        (["--shard", "1/2", "--fresh"], "C012", "before the shards start"),
        (["--set", "matrix=null", "--shard", "1/2", "--only", "a=b"], "C012", "this config has no `matrix`"),
        (["--set", "matrix=null", "--fresh"], "C012", "this config has no `matrix`"),
    ],
)
def test_options_that_choose_cells_are_checked(halluc, study, home, arguments, code, told):
    outcome = halluc("run", study, *arguments)
    assert outcome.code == 2
    assert f"error[{code}]" in outcome.err
    assert told in outcome.err
    assert not home.exists()


def test_one_run_is_not_many(halluc, study, tiny_encoder):
    assert "C128" in halluc("train", study, "--run", study.parent / "r").err
    assert "C012" in halluc("train", study, "--run", study.parent / "r", "--only", "seed=1").err
    assert "C128" in halluc("eval", study, "--checkpoint", tiny_encoder).err
    assert "C012" in halluc("eval", "--run", study.parent, "--shard", "1/2").err


def test_only_takes_a_number_however_it_is_written(halluc, study, home):
    arguments = ["--set", "matrix={train.warmup: [0.1, 0.25]}", "--only", "train.warmup=0.250", "-q"]
    assert halluc("train", study, *arguments).code == 0
    assert [path.name for path in home.iterdir() if path.is_dir() and not path.is_symlink()] == ["train.warmup=0.25"]


def test_json_has_a_line_for_every_cell(halluc, study):
    lines = list(map(json.loads, halluc("train", study, "--only", "seed=1", "--json").out.splitlines()))
    assert [line["cell"] for line in lines] == [CELLS[0], CELLS[2]]
    assert Path(lines[0]["model"]).is_dir()
    arguments = ["--only", "arm=wide", "--set", "eval.splits=[test]", "--json"]
    *lines, reported = map(json.loads, halluc("run", study, *arguments).out.splitlines())
    assert [line["cell"] for line in lines] == [CELLS[2], CELLS[2], CELLS[3], CELLS[3]]
    assert lines[1]["split"] == "test"
    assert reported["name"] == "tiny"
    *lines, _ = map(json.loads, halluc("run", study, *arguments).out.splitlines())
    assert lines == [{"cell": slug, "skipped": "done before"} for slug in CELLS[2:]]


def test_check_looks_at_each_distinct_part_once(halluc, study):
    gap = ["--set", "matrix.gap.fraction=[0.0, 0.3]", "--set", "gap={unit: example, control: none}"]
    outcome = halluc("check", study, *gap)
    assert outcome.code == 0, outcome.err
    heads = [line for line in outcome.err.splitlines() if line.startswith("[")]
    assert heads == [f"[1/2] {CELLS[0]},gap.fraction=0.0", f"[2/2] {CELLS[0]},gap.fraction=0.3"]
    lines = list(map(json.loads, halluc("check", study, *gap, "--json").out.splitlines()))
    assert [len(line["cells"]) for line in lines] == [4, 4]
    assert len(halluc("check", study, "--json").out.splitlines()) == 1
    assert not (study.parent / "runs").exists()


def test_config_show_prints_a_study_that_loads_to_the_same_cells(halluc, study):
    shown = study.parent / "shown.yaml"
    outcome = halluc("config", "show", study, "--set", "matrix.arm.wide.model={name: 'a$: \"b'}")
    shown.write_text(outcome.out, encoding="utf-8")
    assert "4 cells" in outcome.err
    first = json.loads(
        halluc("config", "show", study, "--set", "matrix.arm.wide.model={name: 'a$: \"b'}", "--json").out
    )
    assert json.loads(halluc("config", "show", shown, "--json").out) == first
    assert [cell["slug"] for cell in first["cells"]] == CELLS
    assert first["axes"] == {"arm": ["baseline", "wide"], "seed": [1, 2]}


def test_run_of_a_single_experiment_trains_evaluates_and_resumes(halluc, study, home, corpus_files):
    single = ["--set", "matrix=null"]
    assert halluc("train", study, *single, "-q").code == 0
    (run,) = [path for path in home.iterdir() if path.is_dir() and not path.is_symlink()]
    outcome = halluc("run", study, *single)
    assert outcome.code == 0, outcome.err
    assert (run / "eval" / "test.json").is_file()
    again = halluc("run", study, *single)
    assert again.code == 0
    assert "nothing to do" in again.err
    assert [path for path in home.iterdir() if path.is_dir() and not path.is_symlink()] == [run]
    corpus_files["train"].write_text(corpus_files["train"].read_text() + "\nOslo B-LOC\n", encoding="utf-8")
    assert halluc("run", study, *single, "-q").code == 0
    runs = [path for path in home.iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(runs) == 2
    assert all((path / "eval" / "test.json").is_file() for path in runs)


def test_a_single_experiment_is_not_mistaken_for_a_cell(halluc, study, home):
    assert halluc("train", study, "--only", "arm=baseline", "-q").code == 0
    outcome = halluc("eval", study, "--set", "matrix=null")
    assert outcome.code == 2
    assert "no run" in outcome.err
