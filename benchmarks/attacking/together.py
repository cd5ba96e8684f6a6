"""Two commands at the same time on one study, run or corpus; each may wait or refuse, but no result may be lost."""

from __future__ import annotations

import functools
import itertools
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attacking import calls
from attacking.calls import Call
from attacking.damage import masked
from attacking.made import Made
from attacking.results import CLEAR, EQUAL, OTHER, SILENT, Attack, Bench, Verdict, left_behind

_TRIES = 4
# The limit of processor time is high, because these commands train.
_SECONDS = 60


def attacks(made: Made, seed: int) -> Iterator[Attack]:
    for name, attack in (
        ("two halluc run of one study", _studies),
        ("two halluc train --run of one run", _named),
        ("two halluc train --resume", _resumed),
        ("two halluc augment", _augments),
        ("halluc clean beside a training", _cleaned),
    ):
        for number in range(_TRIES):
            delay = 0.0 if number == 0 else random.Random(f"{seed} {name} {number}").uniform(0, 1.5)
            task = functools.partial(attack, made, delay)
            yield Attack("two at once", f"{name}, {delay:.2f} s apart", task, _SECONDS)


def _both(bench: Bench, delay: float, first: list[object], second: list[object]) -> list[Call]:
    one = calls.start(first, bench.cwd, bench.logs, name="1")
    time.sleep(delay)
    other = calls.start(second, bench.cwd, bench.logs, name="2")
    ended = [calls.finish(started, 120) for started in (one, other)]
    bench.calls += ended
    return ended


def _ended(both: list[Call], wanted: Callable[[], str | None]) -> Verdict:
    """Each command must end well or be refused, at least one must end well, and the results must be complete."""
    for call in both:
        if call.code and not call.refused:
            return Verdict(OTHER, f"{call.command}: exit {call.code}: {call.first_error}")
    if all(call.code for call in both):
        return Verdict(OTHER, f"neither is done: {both[0].first_error}; {both[1].first_error}")
    missing = wanted()
    if missing:
        return Verdict(SILENT, f"{' and '.join(sorted({call.command for call in both}))}: {missing}")
    return Verdict(CLEAR if any(call.code for call in both) else EQUAL)


def _same(found: Path, home: Path, known: Path, known_home: Path, names: list[str]) -> str | None:
    """The first file that is missing in ``found`` or differs from ``known``, with paths and times masked."""
    for name in names:
        if not (found / name).is_file():
            return f"{name} is missing"
        pairs = itertools.zip_longest(_text(found / name, home), _text(known / name, known_home))
        other = next((pair for pair in pairs if pair[0] != pair[1]), None)
        if other is not None:
            return f"{name} is not what one command alone writes: {other[0]!r:.200} in the place of {other[1]!r:.200}"
    left = left_behind(found)
    return f"left behind: {left}" if left else None


def _text(path: Path, home: Path) -> list[bytes]:
    """Masked lines, without commands and without hashes of inputs, which contain paths."""
    lines = masked(path.read_bytes(), home).splitlines()
    ignored = (
        b"halluc run ", b"halluc report ", b"start in the folder", b"by the complete path", b"<pre class", b"# halluc ",
        b'"fingerprint"',
    )  # fmt: skip
    return [line for line in lines if not any(one in line for one in ignored)]


def _studies(made: Made, delay: float, bench: Bench) -> Verdict:
    home = bench.out / "runs"
    command = ["run", made.folder / "study.yaml", "--set", f"runs_dir={home}"]
    both = _both(bench, delay, command, command)
    cells = [path.name for path in made.study.iterdir() if "=" in path.name]
    names = [f"{cell}/{file}" for cell in cells for file in ("model/model.safetensors", "eval/test.json")]
    names += ["study.json", "report/report.md", "report/index.html"]
    home_of_made = made.folder / "runs"
    return _ended(both, lambda: _same(home / "study", home, made.study, home_of_made, names))


_MODEL = ["model/model.safetensors", "augment/train.jsonl"]


def _named(made: Made, delay: float, bench: Bench) -> Verdict:
    run = bench.out / "ner"
    command = ["train", made.folder / "ner.yaml", "--run", run]
    both = _both(bench, delay, command, command)
    return _ended(both, lambda: _same(run, bench.out, made.ner, made.folder, _MODEL))


def _resumed(made: Made, delay: float, bench: Bench) -> Verdict:
    run = bench.out / "interrupted"
    shutil.copytree(made.interrupted, run)
    command = ["train", made.folder / "interrupted.yaml", "--run", run, "--resume"]
    both = _both(bench, delay, command, command)
    return _ended(both, lambda: _same(run, bench.out, made.ner, made.folder, _MODEL))


def _augments(made: Made, delay: float, bench: Bench) -> Verdict:
    command = ["augment", made.folder / "ner.yaml", "--set", f"runs_dir={bench.out}"]
    both = _both(bench, min(delay, 0.3), command, command)

    def wanted() -> str | None:
        found = [path.parent.parent for path in bench.out.rglob("augment/manifest.json")]
        faults = [_same(run, bench.out, made.ner, made.folder, ["augment/train.jsonl"]) for run in found]
        return next(filter(None, faults), None) if found else "no augmented corpus"

    return _ended(both, wanted)


def _cleaned(made: Made, delay: float, bench: Bench) -> Verdict:
    """``clean`` repeatedly during a training."""
    home = bench.out / "runs"
    command = ["train", made.folder / "ner.yaml", "--set", f"runs_dir={home}"]
    training = calls.start(command, bench.cwd, bench.logs, name="1")
    time.sleep(delay)
    while os.waitid(os.P_PID, training.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if home.is_dir():
            bench.halluc("clean", home, "-q")
    done = calls.finish(training)
    bench.calls.append(done)
    run = next((path.parent for path in home.rglob("run.json")), home)
    broken = [call for call in bench.calls if call.code]
    if broken:
        return Verdict(OTHER, f"{broken[0].command}: {broken[0].first_error}")
    return _ended([done], lambda: _same(run, home, made.ner, made.folder, _MODEL))
