"""Damages every file of a run in every way, and runs every command that reads runs.

A call passes if it ends with an error with a code, if its results are equal byte for byte to those for the undamaged
run (times masked), or if it reports the damaged file on stderr or on the page.
"""

from __future__ import annotations

import functools
import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from attacking.calls import Call
from attacking.made import Made
from attacking.results import CLEAR, CRASHED, EQUAL, FALLBACK, SILENT, Attack, Bench, Verdict

# Name and content, times and paths masked.
Files = dict[str, bytes]

_TIMES = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(\+00:00| UTC|Z)?|(?<=seconds\": )[\d.]+|(?<=per_second\": )[\d.]+"
    rb"|(?<=^  \"sha256\": \")[0-9a-f]{64}",  # of a record's own content, which holds times
    re.MULTILINE,
)
# The results of each command; other files of a run, such as logs, are not compared.
_RESULTS = {
    "eval": ("eval/", "predictions/", "ledger/", "confidence.json"),
    "report": ("report/", "model/README.md"),
    "predict": ("predicted.jsonl",),
    "train --resume": ("model/", "augment/train.jsonl", "augment/provenance.jsonl", "coverage.json", "data.json"),
    "run": ("/eval/", "/predictions/", "/ledger/", "/model/", "report/", "study.json"),
}
COMMANDS = {
    "ner": ("eval", "report", "predict", "train --resume"),
    "texts": ("eval", "report", "predict", "train --resume"),
    "interrupted": ("train --resume",),
    "study": ("report", "run"),
}


def attacks(made: Made, seed: int, share: float) -> Iterator[Attack]:
    """A random ``share`` of all combinations, in which each file has each damage at least once."""
    for name, commands in COMMANDS.items():
        run: Path = getattr(made, name)
        chance = random.Random(f"{seed} {name}")
        for file in _files(run, name):
            for kind in KINDS:
                sure = chance.choice(commands)
                for command in commands:
                    if command == sure or chance.random() < share:
                        title = f"{name}: {command}, {file} = {kind}"
                        task = functools.partial(_attack, made, run, command, file, kind, f"{seed} {title}")
                        yield Attack("damage", title, task)


def _files(run: Path, name: str) -> list[str]:
    """The files of a run; for a study, those of one cell and those outside of cells."""
    found = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    if name != "study":
        return found
    first = min(one.split("/")[0] for one in found if "=" in one)
    return [one for one in found if "=" not in one or one.startswith(first + "/")]


def _attack(made: Made, run: Path, command: str, file: str, kind: str, seed: str, bench: Bench) -> Verdict:
    return attempt(made, run, command, file, lambda path: KINDS[kind](path, random.Random(seed)), bench)


def attempt(made: Made, run: Path, command: str, file: str, spoil: Callable[[Path], object], bench: Bench) -> Verdict:
    """Spoil a file of a copy of the run, call the command on it, and compare with the undamaged run."""
    copy = bench.folder / run.name
    known = control(made, run, command, bench)
    _copy(run, copy)
    try:
        spoil(copy / file)
    except NotPossible:
        return Verdict(EQUAL, "cannot be damaged so")
    written, call = _called(made, copy, command, bench)
    # A file that is written again must be equal to the undamaged one.
    again = {
        name: masked((run / name).read_bytes(), run)
        for name in written.keys() - known[0].keys()
        if (run / name).is_file()
    }
    return judge(call, written, ({**again, **known[0]}, known[1]), file, bench.folder)


def judge(call: Call, written: Files, known: tuple[Files, set[str]], file: str, folder: Path) -> Verdict:
    """The verdict on a call, from its results and those for the undamaged run."""
    if call.refused:
        return Verdict(CLEAR, call.first_error)
    if call.code:
        return Verdict(CRASHED, f"exit {call.code}: {call.first_error}")
    sound, lines = known
    differs = sorted(name for name in sound.keys() | written.keys() if sound.get(name) != written.get(name))
    if not differs:
        return Verdict(EQUAL)
    path = Path(file)
    names = [path.name] if path.parent == Path() else [path.name, f"/{path.parent.name}"]
    naming = [line for line in printed_lines(call, written, folder) - lines if any(name in line for name in names)]
    if naming:
        return Verdict(FALLBACK, f"{differs[0]} differs, and it is told: {naming[0]}")
    return Verdict(SILENT, f"{', '.join(differs[:3])} differ, and nobody says so")


def printed_lines(call: Call, written: Files, folder: Path) -> set[str]:
    """The lines of stderr and of the report."""
    texts = [masked(call.err.encode(), folder), *(text for name, text in written.items() if name.endswith("report.md"))]
    return {line for text in texts for line in text.decode("utf-8", "replace").splitlines()}


_controls: dict[tuple[Path, str], tuple[Files, set[str]]] = {}


def control(made: Made, run: Path, command: str, bench: Bench) -> tuple[Files, set[str]]:
    """The results and the printed lines of a command for the undamaged run; computed once per process."""
    if (run, command) not in _controls:
        copy = bench.folder / run.name
        both = []
        for _ in range(2):
            _copy(run, copy)
            written, call = _called(made, copy, command, bench)
            assert call.code == 0, call
            both.append(written)
            shutil.rmtree(copy)
        assert both[0] == both[1], f"{command}: of the same run other files, so that nothing can be compared"
        if run.name == "interrupted" and command == "train --resume":
            whole = _as_compared(made.ner, made.ner, bench)
            assert all(whole[name] == content for name, content in both[0].items() if name.startswith("model/"))
        _controls[run, command] = (both[0], printed_lines(call, both[0], bench.folder))
        bench.calls.clear()
    return _controls[run, command]


def _called(made: Made, copy: Path, command: str, bench: Bench) -> tuple[Files, Call]:
    """Call the command; returns the result files that it wrote, with times and paths masked."""
    before = {path: (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in copy.rglob("*")}
    arguments = {
        "eval": ["eval", "--run", copy],
        "report": ["report", copy],
        "predict": ["predict", copy, "--input", made.input, "--output", copy / "predicted.jsonl"],
        "train --resume": ["train", made.config(copy), "--run", copy, "--resume"],
        "run": ["run", made.config(copy), "--set", f"runs_dir={bench.folder}"],
    }[command]
    call = bench.halluc(*arguments)
    written = {}
    for path in copy.rglob("*"):
        name = str(path.relative_to(copy))
        wanted = any(one in name if one.startswith("/") else name.startswith(one) for one in _RESULTS[command])
        is_new = before.get(path) != (path.lstat().st_ino, path.lstat().st_mtime_ns)
        if wanted and is_new and path.is_file() and not (command == "train --resume" and path.name == "README.md"):
            written[name] = masked(path.read_bytes(), bench.folder)
    return written, call


def _as_compared(run: Path, home: Path, bench: Bench) -> Files:
    return {str(p.relative_to(run)): masked(p.read_bytes(), home) for p in run.rglob("*") if p.is_file()}


def masked(content: bytes, folder: Path) -> bytes:
    return _TIMES.sub(b"TIME", content.replace(str(folder).encode(), b"HERE"))


def _copy(run: Path, copy: Path) -> None:
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(run, copy, symlinks=True)


class NotPossible(Exception):
    """A file cannot be damaged in this way."""


def _flip_bit(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _write_other_type(path: Path, chance: random.Random) -> None:
    """Replace the content, or one line of JSON Lines, by valid JSON of another type."""
    value = chance.choice(("null", "[]", '"x"', "3", "{}", '{"schema_version": 1}', "[[]]", "true"))
    if path.suffix == ".jsonl":
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[chance.randrange(len(lines))] = value
        value = "\n".join(lines)
    path.write_text(value + "\n")


def _edit_number(path: Path, chance: random.Random) -> None:
    """Change one number, or one digit if there is no number."""
    text = "" if path.suffix in (".safetensors", ".pt") else path.read_text(encoding="utf-8", errors="surrogateescape")
    numbers = list(re.finditer(r"(?<![\w.\"-])\d+(\.\d+)?(?![\w.\":-])", text)) or list(re.finditer(r"\d", text))
    if not numbers:
        raise NotPossible
    chosen = chance.choice(numbers)
    new = str(int(chosen[0]) + 1) if chosen[0].isdecimal() else json.dumps(float(chosen[0]) / 2)
    path.write_text(text[: chosen.start()] + new + text[chosen.end() :], encoding="utf-8", errors="surrogateescape")


def _replace_by_folder(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _replace_by_endless(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


KINDS: dict[str, Callable[[Path, random.Random], object]] = {
    "missing": lambda path, chance: path.unlink(),
    "empty": lambda path, chance: path.write_bytes(b""),
    "truncated": lambda path, chance: os.truncate(path, path.stat().st_size // 2),
    "a bit flipped": _flip_bit,
    "garbage": lambda path, chance: path.write_bytes(chance.randbytes(1000)),
    "JSON of another type": _write_other_type,
    "a number edited": _edit_number,
    "a folder": _replace_by_folder,
    "a link to /dev/zero": _replace_by_endless,
}
