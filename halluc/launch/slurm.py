"""A study as a job array of SLURM: each task runs a shard of the cells, and a last job writes the report."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.config.launching import LaunchConfig, SlurmConfig
from halluc.config.matrix import Cell, Study, load_study
from halluc.core.errors import HallucError, environment_error
from halluc.core.files import make_folder, write_text
from halluc.core.messages import conclude, put, say, tell
from halluc.core.processes import commands_allowed
from halluc.runs.results import SubmitResult
from halluc.workflows import cells, evaluation, experiments, gate_reports
from halluc.workflows.cell_selection import Selection, choose

FOLDER = "slurm"
# SLURM's default, if scontrol is not available.
_MOST_ARRAY = 1_001
# Seconds before the time limit at which a task is signalled to write a checkpoint; and how often it is requeued.
_GRACE, _REQUEUES = 120, 100
_SECONDS = 60


@dataclass(frozen=True)
class Array:
    """An array: task I runs the I-th of ``shards`` shards; ``tasks`` are the tasks with unfinished cells."""

    tasks: tuple[int, ...]
    shards: int

    def spec(self, concurrency: int | None) -> str:
        """In the form of ``--array``: ``1-3,7%2``."""
        ranges: list[list[int]] = []
        for task in self.tasks:
            if ranges and ranges[-1][1] == task - 1:
                ranges[-1][1] = task
            else:
                ranges.append([task, task])
        text = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)
        return text + (f"%{concurrency}" if concurrency else "")


def submit(config: Path, overrides: Sequence[str], selection: Selection, *, dry_run: bool) -> experiments.CellOutcome:
    """Write the scripts of a study and submit them; with ``dry_run`` only show them.

    Raises:
        HallucError C020: the study cannot be an array. E482: sbatch is missing, or refuses.
    """
    if selection.shard is not None:
        raise HallucError(
            "C020", "--shard cannot be combined with --on slurm, which makes the shards itself", help="remove --shard"
        )
    if dry_run:  # nothing is written, and no old study is moved
        study = load_study(config, overrides, table=TABLE)
        chosen = choose(study, selection)
    else:
        study, chosen = cells.begin(config, overrides, selection)
    _refuse_unfit(study, chosen)
    for cell in chosen:
        evaluation.refuse_unscored(cell.loaded)
    settings = (chosen[0].loaded.experiment.launch or LaunchConfig()).slurm
    array = _array(chosen, _most_tasks())
    folder = Path.cwd() / study.home / FOLDER
    run = ["run", str(config), *_options(overrides, selection)]
    report = ["report", str(config), *_options(overrides, None)]
    scripts = {
        folder / "array.sh": _array_script(study.name, settings, array, folder, run),
        folder / "report.sh": _report_script(study.name, settings, folder, report),
    }
    if not array.tasks:
        del scripts[folder / "array.sh"]
    if dry_run:
        for path, text in scripts.items():
            say(f"# {path}", style="bold")
            for line in text.splitlines():
                say(line)
        return experiments.CellOutcome()
    make_folder(folder)
    jobs: list[str] = []
    for path, text in scripts.items():
        write_text(path, text)
        jobs.append(_submit(path, [f"--dependency=afterany:{jobs[0]}"] if jobs else []))
    put(
        SubmitResult(
            study=str(study.home), tasks=len(array.tasks), array=jobs[-2] if jobs[1:] else None, report=jobs[-1]
        )
    )
    if array.tasks:
        conclude(f"job {jobs[0]}: {len(array.tasks)} tasks for {len(chosen)} cells; job {jobs[-1]} writes the report")
    else:
        conclude(f"all {len(chosen)} cells are done; job {jobs[-1]} writes the report")
    tell(f"logs and scripts: {folder}")
    return experiments.CellOutcome()


def _refuse_unfit(study: Study, chosen: Sequence[Cell]) -> None:
    if not study.axes:
        raise HallucError("C020", "--on slurm needs a study, but this config has no `matrix`", help="docs/studies.md")
    if not chosen:
        raise HallucError("C020", "no cells are left to submit", help="see --only")
    named = study.named_cells & {str(cell.slug) for cell in chosen if not experiments.is_trained(cell)}
    if named:
        message = f"cells use the run of {', '.join(sorted(named))}, which has to be trained first"
        raise HallucError(
            "C020", message, help="run these first, with --only; or all with --jobs, which keeps the order"
        )
    if any(cell.loaded.experiment.launch != chosen[0].loaded.experiment.launch for cell in chosen):
        message = "the cells have different `launch` settings, but the tasks of an array must have the same"
        raise HallucError("C020", message, help="submit them separately with --only")


def _most_tasks() -> int:
    """The maximum number of tasks: task ids run from 1 to less than MaxArraySize."""
    result = _output(["scontrol", "show", "config"]) if shutil.which("scontrol") else ""
    match = re.search(r"^MaxArraySize\s*=\s*(\d+)", result, flags=re.MULTILINE)
    return max(1, (int(match[1]) if match else _MOST_ARRAY) - 1)


def _array(chosen: Sequence[Cell], most: int) -> Array:
    """A task for each unfinished cell; if there are more cells than tasks, each task runs several."""
    if len(chosen) > most:
        return Array(tuple(range(1, most + 1)), most)
    return Array(tuple(number for number, cell in enumerate(chosen, 1) if not _is_done(cell)), len(chosen))


def _is_done(cell: Cell) -> bool:
    try:
        return experiments.is_done(cell)
    except HallucError:
        return False  # its task reports the error


def _options(overrides: Sequence[str], selection: Selection | None) -> list[str]:
    options = [part for one in overrides for part in ("--set", one)]
    if selection is not None:
        options += [part for one in selection.only for part in ("--only", one)]
        options += ["--allow-commands"] if commands_allowed() else []
        options += ["--ci", str(kind)] if (kind := gate_reports.kind()) else []
    return options


def _array_script(name: str, settings: SlurmConfig, array: Array, folder: Path, command: Sequence[str]) -> str:
    directives = {
        "job-name": name, "array": array.spec(settings.concurrency), "output": _escaped(folder / "%A_%a.log"),
        "open-mode": "append", "signal": f"B:USR1@{_GRACE}", "cpus-per-task": settings.cpus, "gpus": settings.gpus,
        "time": settings.time, "mem": settings.memory,
    }  # fmt: skip
    return _script(settings, directives, ["--requeue", *settings.options], _body(command, array.shards))


def _body(command: Sequence[str], shards: int) -> list[str]:
    """On SIGTERM (preemption, scancel) and SIGUSR1 (near the time limit) halluc writes a checkpoint and exits. Only
    after SIGUSR1 the task requeues itself: SLURM requeues it after a preemption, and after scancel it must not be
    requeued.
    """
    shard = f'"$SLURM_ARRAY_TASK_ID/{shards}"'
    return [
        *_start(),
        "child=; near=0; stop=0",
        "trap 'stop=1; kill -TERM $child 2>/dev/null' TERM",
        "trap 'near=1; stop=1; kill -TERM $child 2>/dev/null' USR1",
        f"{_halluc(command)} --shard {shard} &",
        "child=$!",
        "[ $stop = 0 ] || kill -TERM $child",
        # A signal ends `wait`, whose exit code is then that of the signal.
        "while kill -0 $child 2>/dev/null; do wait $child; done",
        "wait $child; code=$?",
        f'if [ $near = 1 ] && [ $code = 130 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {_REQUEUES} ]; then',
        '  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"',
        "fi",
        "exit $code",
    ]


def _report_script(name: str, settings: SlurmConfig, folder: Path, command: Sequence[str]) -> str:
    directives = {"job-name": f"{name}-report", "output": _escaped(folder / "report-%j.log")}
    return _script(settings, directives, [], [*_start(), f"exec {_halluc(command)}"])


def _script(settings: SlurmConfig, directives: dict[str, Any], options: Sequence[str], body: Sequence[str]) -> str:
    where = {"partition": settings.partition, "account": settings.account, "qos": settings.qos}
    lines = [f"--{key}={value}" for key, value in {**directives, **where}.items() if value]
    return "\n".join(["#!/bin/bash", *(f"#SBATCH {line}" for line in (*lines, *options)), *body, ""])


def _start() -> list[str]:
    return [f"cd -- {shlex.quote(str(Path.cwd()))} || exit 4", 'export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"']


def _halluc(command: Sequence[str]) -> str:
    return shlex.join([sys.executable, "-m", "halluc", *command])


def _escaped(path: Path) -> str:
    """A path for a line of #SBATCH.

    Raises:
        HallucError C020: it cannot be quoted for sbatch.
    """
    text = str(path)
    if not re.fullmatch(r"[\w/.,:@%+~=-]+", text):
        message = f"the path {text} has characters that are not allowed in #SBATCH lines"
        raise HallucError("C020", message, help="choose a `runs_dir` without spaces and quotes")
    return text


def _submit(script: Path, options: Sequence[str]) -> str:
    """Submit a script; returns the number of the job."""
    text = _output(["sbatch", "--parsable", *options, str(script)])
    match = re.search(r"^(\d+)(;\S*)?$", text.strip())
    if not match:
        raise environment_error(
            "E482", f"sbatch did not print a job number: {text.strip()[:200]}", f"try: sbatch {script}"
        )
    return match[1]


def _output(command: Sequence[str]) -> str:
    """
    Raises:
        HallucError E482: the program is missing, fails, or does not answer.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False)
    except FileNotFoundError:
        help = "run this on a login node of the cluster; use --dry-run to see the scripts"
        raise environment_error("E482", f"the program {command[0]} is not installed here", help) from None
    except subprocess.TimeoutExpired:
        raise environment_error(
            "E482", f"{command[0]} did not respond in {_SECONDS} s", "check whether slurmctld is running"
        ) from None
    if done.returncode:
        text = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
        raise environment_error(
            "E482", f"{command[0]} failed: {text}", "correct `launch.slurm`, or ask the support of the cluster"
        )
    return done.stdout
