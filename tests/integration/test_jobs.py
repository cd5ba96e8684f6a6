"""`halluc run --jobs`: the bytes of one cell after the other, and what becomes of processes that are killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from halluc.core.processes import is_running
from halluc.launch import local
from halluc.launch.scheduling import LOG_FILE
from halluc.runs.directory import RunDir
from tests.launched import CELLS, compared, write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory, tiny_encoder) -> Path:
    return write_study(tmp_path_factory.mktemp("jobs"), tiny_encoder)


@pytest.fixture(scope="module")
def alone(study) -> dict[str, bytes]:
    """The files of the study, made one cell after the other."""
    from halluc.__main__ import exit_code_of

    assert exit_code_of(["run", str(study), "-q"]) == 0
    return compared(study.parent / "runs" / "tiny")


def start(study: Path, runs: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "halluc", "run", str(study), "--set", f"runs_dir={runs}", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.05)


def writer(run: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(json.loads((run / ".lock").read_text())["pid"])
    return None


def test_cells_side_by_side_give_the_bytes_of_one_after_the_other_though_a_process_is_killed(study, alone, tmp_path):
    home = tmp_path / "tiny"
    process = start(study, tmp_path, "--jobs", "2", "--json")
    wait_for(RunDir(home / CELLS[0]).has_checkpoint, process)
    os.kill(writer(home / CELLS[0]), signal.SIGKILL)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert f"{CELLS[0]}: its process was killed by SIGKILL; it is restarted" in err
    assert compared(home) == alone
    lines = [json.loads(line) for line in out.splitlines()]
    assert {line["cell"] for line in lines if "cell" in line} == set(CELLS)
    assert lines[-1]["figures"]["cells"]
    assert (home / CELLS[0] / LOG_FILE).is_file()


def test_a_second_call_has_nothing_to_do_and_starts_no_process(halluc, study, alone, monkeypatch):
    monkeypatch.setattr(local, "CellProcess", None)
    outcome = halluc("run", study, "--jobs", "2")
    assert outcome.code == 0, outcome.err
    assert outcome.err.splitlines()[:2] == [f"[{number}/2] {slug}: done before" for number, slug in enumerate(CELLS, 1)]
    assert outcome.err.splitlines()[-1].startswith("report: ")


def test_a_signal_makes_every_process_write_a_checkpoint(study, tmp_path):
    home = tmp_path / "tiny"
    longer = ("--set", "train.epochs=500", "--set", "train.checkpoint_steps=100000")
    process = start(study, tmp_path, "--jobs", "2", *longer)
    runs = [RunDir(home / slug) for slug in CELLS]
    wait_for(lambda: all(run.events.is_file() for run in runs), process)
    workers = [writer(run.path) for run in runs]
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "running cells write a checkpoint (2)" in err
    assert all(run.has_checkpoint() and run.read().status == "interrupted" for run in runs)
    assert not any(map(is_running, workers))


def test_an_error_of_a_cell_is_reported_with_its_place_and_exit_code(halluc, study, tmp_path):
    bad = tmp_path / "bad.txt"
    bad.write_text("Anna B-PER extra columns\n\nOslo\n", encoding="utf-8")
    arms = f"matrix={{arm: {{a: {{data: {{train: '{bad}'}}}}, b: {{data: {{train: missing.txt}}}}}}}}"
    arguments = ("run", study, "--set", f"runs_dir={tmp_path / 'runs'}", "--set", arms)
    together, after = halluc(*arguments, "--jobs", "2"), halluc(*arguments)
    assert (together.code, together.code != 0) == (after.code, True)
    assert sorted(together.err.splitlines()) == sorted(after.err.splitlines())


@pytest.mark.parametrize("jobs", ["0", "abc"])
def test_what_is_no_number_is_refused_before_anything_is_read(halluc, jobs):
    outcome = halluc("run", "there-is-none.yaml", "--jobs", jobs)
    assert outcome.code == 2
    assert "error[C019]" in outcome.err


def test_one_experiment_runs_in_this_process(halluc, study, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "LocalProcesses", None)
    single = ("--set", "matrix=null", "--set", f"runs_dir={tmp_path}", "--set", "train.epochs=1")
    outcome = halluc("run", study, *single, "--jobs", "4", "-q")
    assert outcome.code == 0, outcome.err


def test_a_study_folder_that_cannot_be_written_is_reported_once(halluc, study, tmp_path):
    (tmp_path / "file").write_text("")
    outcome = halluc("run", study, "--set", f"runs_dir={tmp_path / 'file'}", "--jobs", "2")
    assert (outcome.code, outcome.err.count("error[E401]")) == (4, 1)
