"""A study through a real SLURM on loopback, whose tasks are stopped and queued again."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from halluc.runs.directory import RunDir
from tests import slurm_cluster
from tests.launched import CELLS, compared, write_study

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    reason = slurm_cluster.lacks()
    if reason is not None:
        pytest.skip(reason)
    try:
        with slurm_cluster.cluster(tmp_path_factory.mktemp("slurm")) as environ:
            yield environ
    except RuntimeError as error:
        pytest.skip(str(error))


def queue(environ: dict[str, str]) -> str:
    return subprocess.run(
        ["squeue", "-h", "-o", "%i %T"], env=environ, capture_output=True, text=True, check=True
    ).stdout


def wait_for(there, environ: dict[str, str], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, queue(environ)
        time.sleep(0.1)


def test_tasks_that_are_stopped_are_queued_again_and_give_the_bytes_of_one_machine(slurm, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    study = write_study(tmp_path, tiny_encoder)
    longer = ["--set", "train.epochs=20"]
    assert exit_code_of(["run", str(study), "-q", *longer]) == 0
    runs = tmp_path / "cluster"
    command = [sys.executable, "-m", "halluc", "run", str(study), *longer, "--set", f"runs_dir={runs}", "--on", "slurm"]
    done = subprocess.run(command, env=slurm, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (RunDir(runs / "tiny" / slug) for slug in CELLS)
    job = done.stderr.split(":")[0].removeprefix("job ")
    wait_for(first.has_checkpoint, slurm)  # as if its time were nearly over
    subprocess.run(["scancel", "--batch", "--signal=USR1", f"{job}_1"], env=slurm, check=True)
    wait_for(second.has_checkpoint, slurm)  # as a preemption does
    subprocess.run(["scontrol", "requeue", f"{job}_2"], env=slurm, check=True)
    wait_for(lambda: not queue(slurm).strip(), slurm)
    logs = {path.name: path.read_text() for path in (runs / "tiny" / "slurm").glob("*.log")}
    assert all("continue with the same command and --resume" in logs[f"{job}_{task}.log"] for task in (1, 2)), logs
    assert compared(runs / "tiny") == compared(tmp_path / "runs" / "tiny")
    assert (runs / "tiny" / "report" / "index.html").is_file()


def test_a_task_that_is_cancelled_is_not_queued_again(slurm, tmp_path, tiny_encoder):
    study = write_study(tmp_path, tiny_encoder)
    command = [sys.executable, "-m", "halluc", "run", str(study), "--set", "train.epochs=100000", "--on", "slurm"]
    done = subprocess.run(command, env=slurm, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    runs = [RunDir(Path(tmp_path / "runs" / "tiny" / slug)) for slug in CELLS]
    wait_for(lambda: all(run.has_checkpoint() for run in runs), slurm)
    subprocess.run(["scancel", done.stderr.split(":")[0].removeprefix("job ")], env=slurm, check=True)
    wait_for(lambda: not queue(slurm).strip(), slurm)
    assert all(run.read().status == "interrupted" for run in runs)
