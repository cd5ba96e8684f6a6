"""Kill halluc at random times, repeat the command, and compare the results with those of an uninterrupted run.

    python benchmarks/attacks.py --only kills [--seed 1]

Trainings, evaluations, reports, predictions, augmentations and studies are killed with SIGKILL: the process group, or
only the main process, as the out-of-memory killer does. The final files must be equal byte for byte (times masked), and
no incomplete file, lock or process may remain. Most trainings are killed after their first checkpoint.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from attacking.damage import Files, masked
from attacking.made import AUGMENT, Made, base, write_config
from attacking.results import EQUAL, OTHER, SILENT, Attack, Bench, Verdict, left_behind

# Locks must be released, and workers must end, within this many seconds after a kill.
_GRACE = 2.0
_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """A command that is killed; ``begin`` writes its inputs, ``writes`` are parts of the names of its results.

    ``steps``: kill after a number of training steps, else after a random time. ``alone``: kill only the main process.
    """

    name: str
    kills: int
    command: Callable[[Made, Path], list[Any]]
    begin: Callable[[Made, Path], object]
    writes: tuple[str, ...]
    steps: bool = False
    alone: bool = False
    signal: signal.Signals = signal.SIGKILL


@dataclass
class _Count:
    hits: int = 0
    after_checkpoint: int = 0
    faults: list[str] = field(default_factory=list)


def _trained(made: Made, home: Path) -> None:
    """The run in its state after training."""
    shutil.copytree(made.ner, home / "ner")
    for name in ("eval", "predictions", "ledger", "report", "confidence.json"):
        path = home / "ner" / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _evaluated(made: Made, home: Path) -> None:
    shutil.copytree(made.ner, home / "ner")
    shutil.rmtree(home / "ner" / "report")


def _texts(made: Made, home: Path) -> None:
    (home / "many.txt").write_text(made.input.read_text() * 400)


def _large(made: Made, home: Path) -> None:
    config = {**base(made.folder), "runs_dir": str(home)}
    write_config(home / "large.yaml", **config, augment={**AUGMENT, "size": "30x", "workers": 2})


def _jobs(made: Made) -> Iterator[Job]:
    def nothing(made: Made, home: Path) -> None:
        pass

    def train(made: Made, home: Path) -> list[Any]:
        return ["train", made.folder / "ner.yaml", "--run", home / "ner", "--resume"]

    def predict(made: Made, home: Path) -> list[Any]:
        return ["predict", made.ner, "--input", home / "many.txt", "--output", home / "claims.jsonl"]

    def augment(made: Made, home: Path) -> list[Any]:
        return ["augment", home / "large.yaml"]

    def study(made: Made, home: Path) -> list[Any]:
        return ["run", made.folder / "study.yaml", "--set", f"runs_dir={home}"]

    of_training = ("ner/model/", "ner/augment/", "ner/coverage.json")
    of_evaluation = ("ner/eval/", "ner/predictions/", "ner/ledger/", "ner/confidence.json")
    for number in range(10):
        yield Job("train", 8, train, nothing, of_training, steps=True, alone=bool(number % 2))
    for number in range(2):
        alone = bool(number)
        yield Job("eval", 4, lambda _, home: ["eval", "--run", home / "ner"], _trained, of_evaluation, alone=alone)
        yield Job("report", 3, lambda _, home: ["report", home / "ner"], _evaluated, ("ner/report/",), alone=alone)
        yield Job("predict -o", 4, predict, _texts, ("claims.jsonl",), alone=alone)
        yield Job("augment", 6, augment, _large, ("augment/",), alone=alone)
    yield Job("augment, SIGTERM", 3, augment, _large, ("augment/",), alone=True, signal=signal.SIGTERM)
    for number in range(3):
        written = ("/model/", "/eval/", "/ledger/", "study/report/", "study.json")
        yield Job("run of a study", 5, study, nothing, written, alone=bool(number % 2))


def attacks(made: Made, seed: int) -> Iterator[Attack]:
    for number, job in enumerate(_jobs(made)):
        whom = "main process alone" if job.alone else "process group"
        title = f"{job.name}, {job.kills} times, the {whom}, {number}"
        yield Attack("kills", title, functools.partial(_attack, made, job, f"{seed} {title}"), _SECONDS)


def _attack(made: Made, job: Job, seed: str, bench: Bench) -> Verdict:
    seconds, known = _undisturbed(made, job, bench)
    home = bench.out / "home"
    home.mkdir()
    job.begin(made, home)
    chance, count = random.Random(seed), _Count()
    for _ in range(4 * job.kills):
        if count.hits == job.kills:
            break
        _once(made, job, home, chance, seconds, bench, count)
    last = bench.halluc(*job.command(made, home), longest=_SECONDS)
    if last.code:
        count.faults.append(f"the same command again: exit {last.code}: {last.first_error}")
    found = _written(job, home)
    differs = sorted(name for name in known.keys() | found.keys() if known.get(name) != found.get(name))
    if left := left_behind(home):
        count.faults.append(f"left behind: {', '.join(left[:3])}")
    shows = "; ".join(dict.fromkeys(count.faults))
    if differs:
        missing = "" if all(name in found for name in differs) else ", some missing"
        return Verdict(
            SILENT, f"other than undisturbed: {differs[:3]}{missing}; {shows}", count.hits, count.after_checkpoint
        )
    return Verdict(OTHER if shows else EQUAL, shows, count.hits, count.after_checkpoint)


_known: dict[str, tuple[float, Files]] = {}


def _undisturbed(made: Made, job: Job, bench: Bench) -> tuple[float, Files]:
    """Seconds and results of the command without a kill."""
    key = job.name.split(",")[0]
    if key not in _known:
        home = bench.out / "home"
        home.mkdir()
        job.begin(made, home)
        clock = time.monotonic()
        process = _start(job.command(made, home), bench)
        _, status = os.waitpid(process, 0)
        assert status == 0, f"{job.name} does not even work undisturbed: {(bench.logs / 'err').read_text()}"
        _known[key] = (time.monotonic() - clock, _written(job, home))
        shutil.rmtree(home)
    return _known[key]


def _written(job: Job, home: Path) -> Files:
    """The results of the command, with times and paths masked."""
    files = {}
    for path in home.rglob("*"):
        name = str(path.relative_to(home))
        # The names of folders of runs contain the time.
        wanted = any(one in f"/{name}" for one in job.writes) and path.is_file()
        if wanted and not any(part.startswith(".") for part in path.parts):
            parts = (part for part in path.relative_to(home).parts if not part[:8].isdecimal())
            files["/".join(parts)] = masked(path.read_bytes(), home)
    return files


def _start(command: list[Any], bench: Bench) -> int:
    """Start the command in a new session; returns its process id."""
    arguments = [sys.executable, "-m", "halluc", *map(str, command), "-q"]
    with (bench.logs / "err").open("wb") as errors:
        started = subprocess.Popen(
            arguments, cwd=bench.cwd, stderr=errors, stdout=subprocess.DEVNULL, start_new_session=True
        )
    started.returncode = 0  # the caller waits for it by its id
    return started.pid


def _once(made: Made, job: Job, home: Path, chance: random.Random, seconds: float, bench: Bench, count: _Count) -> None:
    """Start the command, kill it at a random time, and check for remaining locks and processes."""
    begun = _steps(home)
    steps, delay = chance.randint(3, 14), chance.uniform(0, 0.02 if job.steps else 0.7 * seconds)
    process = _start(job.command(made, home), bench)
    while job.steps and _steps(home) - begun < steps and not _ended(process):
        time.sleep(0.002)
    until = time.monotonic() + delay
    while time.monotonic() < until and not _ended(process):
        time.sleep(0.002)
    if _ended(process):
        _, status = os.waitpid(process, 0)
        if status:
            told = (bench.logs / "err").read_text(errors="replace").strip().splitlines()
            count.faults.append(f"the same command again: {told[0] if told else status}")
        return
    count.hits += 1
    count.after_checkpoint += any(home.rglob("checkpoints/step-*"))
    (os.kill if job.alone else os.killpg)(process, job.signal)
    os.waitpid(process, 0)
    count.faults += _survivors(process, home)


def _steps(home: Path) -> int:
    return sum(file.read_bytes().count(b'"event": "step"') for file in home.glob("*/events.jsonl"))


def _ended(process: int) -> bool:
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _survivors(process: int, home: Path) -> list[str]:
    """Messages about locks and processes that remain after their main process ended; the processes are killed."""
    until = time.monotonic() + _GRACE
    while (held := [lock for lock in home.rglob(".lock") if not _free(lock)]) or _lives(process):
        if time.monotonic() > until:
            alive = _lives(process)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            time.sleep(0.1)
            return ["a lock is held by a process whose main process is dead"] * bool(held) + ["workers go on"] * alive
        time.sleep(0.02)
    return []


def _free(lock: Path) -> bool:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def _lives(process: int) -> bool:
    """Whether the process group has a process that is not a zombie."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[2]) == process and fields[0] != "Z":
                return True
    return False
