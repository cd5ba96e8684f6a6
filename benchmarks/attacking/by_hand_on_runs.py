"""Attacks on runs that once broke something: weights, pointers and states, evidence, full disks."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attacking import damage
from attacking.by_hand import Task
from attacking.made import AUGMENT, Made, base, write_config
from attacking.results import CLEAR, EQUAL, FALLBACK, OTHER, SILENT, Bench, Verdict, left_behind

_PROGRESS = (
    ("step", -5), ("step", 10**9), ("step", "7"), ("step", None), ("step", 1.5), ("step", True),
    ("best_step", -5), ("best_step", 10**9), ("best_step", "7"), ("best_step", None), ("best_step", 1.5),
    ("best", "x"), ("best", None), ("best", 0.1), ("best", 1e400), ("best_metrics", 3), ("best_metrics", "x"),
    ("best_metrics", None), ("best_metrics", {"x": "y"}), ("evaluations", -1), ("evaluations", "x"), ("stale", "x"),
    ("varied", 3), ("varied", None),
)  # fmt: skip
_STATE = (
    ("epoch", -5), ("epoch", "x"), ("epoch", 10**9), ("files", {}), ("files", []), ("version", 99), ("progress", 3),
)  # fmt: skip


def groups(made: Made) -> dict[str, list[Task]]:
    return {
        "weights and states": [*_states(made), *_weights(made)],
        "evidence": [*_without_record(made), *_evidence(made)],
        "full disks, and advice": [*_full(made), *_advice(made)],
    }


def _named(run: Path, pattern: str) -> str:
    """The last file of a run that matches, relative to the run."""
    return str(max(run.glob(pattern)).relative_to(run))


def _edit(change: Callable[[Any], None]) -> Callable[[Path], object]:
    """A change of a JSON file that keeps it valid."""

    def spoil(path: Path) -> None:
        record = json.loads(path.read_text())
        change(record)
        path.write_text(json.dumps(record, indent=2))

    return spoil


def _states(made: Made) -> Iterator[Task]:
    run = made.interrupted
    attempt = functools.partial(damage.attempt, made, run, "train --resume")
    newest, best = (_named(run, f"checkpoints/{kind}-*/state.json") for kind in ("step", "best"))
    for key, value in _PROGRESS:
        spoil = _edit(lambda state, key=key, value=value: state["progress"].update({key: value}))
        yield f"train --resume, {key}: {value!r} in the newest state.json", functools.partial(attempt, newest, spoil)
    for key, value in _STATE:
        spoil = _edit(lambda state, key=key, value=value: state.update({key: value}))
        for which, file in (("newest", newest), ("best", best)):
            name = f"train --resume, {key}: {value!r} in the {which} state.json"
            yield name, functools.partial(attempt, file, spoil)


def _flip(share: float) -> Callable[[Path], object]:
    """Flip the highest bit of the exponent of a weight, which changes predictions."""

    def spoil(path: Path) -> None:
        content = bytearray(path.read_bytes())
        place = int(len(content) * share) // 4 * 4 + 3
        content[place] ^= 0x40
        path.write_bytes(content)

    return spoil


def _weights(made: Made) -> Iterator[Task]:
    run = made.interrupted
    best = _named(run, "checkpoints/best-*/model.safetensors")
    attempt = functools.partial(damage.attempt, made, run, "train --resume", best)

    yield "train --resume, a bit of the best weights flipped", functools.partial(attempt, _flip(0.97))
    yield (
        "train --resume, the best weights removed",
        functools.partial(attempt, lambda path: shutil.rmtree(path.parent)),
    )
    for command in ("eval", "predict", "report"):
        for share in (0.5, 0.97, 0.999):
            name = f"{command}, a bit of model/model.safetensors flipped at {share}"
            yield name, functools.partial(_changed_model, made, command, _flip(share))
    swapped = _edit(lambda config: config.update(id2label=dict(zip(
        config["id2label"], reversed(config["id2label"].values()), strict=True))))  # fmt: skip
    for command in ("eval", "predict"):
        task = functools.partial(damage.attempt, made, made.ner, command, "model/config.json", swapped)
        yield f"{command}, the labels in model/config.json in reverse", task


def _changed_model(made: Made, command: str, spoil: Callable[[Path], object], bench: Bench) -> Verdict:
    """A changed model must be reported, even if the result is equal."""
    _, lines = damage.control(made, made.ner, command, bench)
    verdict = damage.attempt(made, made.ner, command, "model/model.safetensors", spoil, bench)
    page = bench.folder / "ner" / "report" / "report.md"
    printed_lines = damage.printed_lines(
        bench.calls[-1], {"report.md": damage.masked(page.read_bytes(), bench.folder)}, bench.folder
    )
    page_of_made = damage.masked((made.ner / "report" / "report.md").read_bytes(), made.folder)
    known = lines | set(page_of_made.decode().splitlines())
    if verdict.outcome == EQUAL and not any("model" in line for line in printed_lines - known):
        return Verdict(SILENT, "nobody says that model/ is not what was trained")
    return verdict


def _without_record(made: Made) -> Iterator[Task]:
    """If run.json is damaged, a new run must not be started without a message."""

    def attack(run: Path, kind: str, named: bool, bench: Bench) -> Verdict:
        home = bench.folder / "runs" / "ner"
        copy = home / "20260101-000000-aaaaaa"
        shutil.copytree(run, copy)
        damage.KINDS[kind](copy / "run.json", damage.random.Random(1))
        where = ["--run", copy] if named else ["--set", f"runs_dir={bench.folder / 'runs'}"]
        call = bench.halluc("train", made.folder / "ner.yaml", "--resume", *where)
        if call.refused:
            return Verdict(CLEAR, call.first_error)
        if "run.json" in call.err:
            return Verdict(FALLBACK)
        others = sorted(one.name for one in home.iterdir() if one != copy)
        return Verdict(SILENT, f"{call.command}: exit {call.code}, run.json is not named; new beside it: {others}")

    for run in (made.interrupted, made.ner):
        for kind in ("missing", "truncated", "empty", "JSON of another type"):
            for named in (True, False):
                how = "--run" if named else "found by its name"
                yield f"train --resume, {how}, {run.name}, run.json {kind}", functools.partial(attack, run, kind, named)


def _evidence(made: Made) -> Iterator[Task]:
    def figure(record: Any) -> None:
        metric = next(one for one in record["metrics"] if one["name"] == "entity_f1" and not one["by"])
        metric["value"] = 0.99

    several: dict[str, tuple[str, Callable[[Path], object]]] = {
        "a figure edited": ("eval/test.json", _edit(figure)),
        "eval/test.json missing": ("eval/test.json", Path.unlink),
    }
    for file in ("augment/provenance.jsonl", "augment/train.jsonl", "ledger/test.jsonl", "predictions/test.jsonl"):
        for kind in ("missing", "truncated", "garbage"):
            damaged = damage.KINDS[kind]
            several[f"{file} {kind}"] = (file, lambda path, do=damaged: do(path, damage.random.Random(1)))
    for name, (file, spoil) in several.items():
        yield f"report, {name}", functools.partial(damage.attempt, made, made.ner, "report", file, spoil)


def _full(made: Made) -> Iterator[Task]:
    """A file system of a few hundred kilobytes; requires the permission to mount."""

    def attack(command: str, kilobytes: int, blamed: str, bench: Bench) -> Verdict:
        disk = bench.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", disk], check=False, capture_output=True
        )
        if mounted.returncode:
            return Verdict(EQUAL, "not tried: no right to mount a file system")
        try:
            return _on_full(made, bench, command, disk, blamed)
        finally:
            subprocess.run(["umount", "-l", disk], check=True)

    for command, kilobytes, blamed in (
        ("augment", 60, "augment"),
        ("augment", 100, "augment"),
        ("augment", 16, ""),
        ("train", 400, ""),
        ("train", 6_000, ""),
        ("predict", 0, "claims.jsonl"),
        ("report", 200, "report"),
    ):
        yield f"{command} on a disk of {kilobytes} KB", functools.partial(attack, command, kilobytes or 4, blamed)


def _on_full(made: Made, bench: Bench, command: str, disk: Path, blamed: str) -> Verdict:
    config = write_config(
        bench.given / "c.yaml", **{**base(made.folder), "augment": {**AUGMENT, "size": "5x"}, "runs_dir": str(disk)}
    )
    arguments = {
        "augment": ["augment", config],
        "train": ["train", config, "--set", "augment=null"],
        "predict": ["predict", made.ner, "--input", made.input, "--output", disk / "claims.jsonl"],
        "report": ["report", made.ner, "--output", disk / "report"],
    }[command]
    if command == "predict":
        (disk / "filler").write_bytes(b"x" * 4096)
    call = bench.halluc(*arguments)
    if left := left_behind(disk):
        return Verdict(OTHER, f"{call.command}: leaves {left}")
    if not call.refused:
        return Verdict(SILENT if call.code == 0 else OTHER, f"{call.command}: exit {call.code}: {call.first_error}")
    error = call.err[call.err.index("error[") :].split(" = help")[0]
    if blamed not in error.replace(str(disk), ""):
        return Verdict(
            OTHER, f"{call.command}: it names another file than the one that filled the disk: {call.first_error}"
        )
    return Verdict(CLEAR, call.first_error)


def _advice(made: Made) -> Iterator[Task]:
    """If a path cannot be written, the help must name an option of this command."""

    def attack(arguments: tuple[str, ...], advised: str, bench: Bench) -> Verdict:
        blocking = bench.put("file", "x") / "in" / "x"
        call = bench.halluc(
            *[one.replace("HERE", str(blocking)).replace("MADE", str(made.folder)) for one in arguments]
        )
        help = call.err.partition(" = help")[2]
        if call.refused and (advised not in help or ("halluc report" in help and arguments[0] != "report")):
            return Verdict(OTHER, f"{call.command}: the help is not about {advised}:{help.strip()[:200]}")
        return Verdict(CLEAR if call.refused else SILENT, call.first_error)

    for arguments, advised in (
        (("predict", "MADE/ner", "--input", "MADE/input.txt", "--output", "HERE"), "--output"),
        (("report", "MADE/ner", "--output", "HERE"), "--output"),
        (("train", "MADE/ner.yaml", "--set", "runs_dir=HERE"), "runs_dir"),
        (("augment", "MADE/ner.yaml", "--set", "runs_dir=HERE"), "runs_dir"),
        (("config", "schema", "--output", "HERE"), "--output"),
    ):
        yield f"{' '.join(arguments)}, below a file", functools.partial(attack, arguments, advised)
