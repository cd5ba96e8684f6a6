"""Attacks by configs and corpora that once broke something: values, labels, unbounded input, what is printed."""

from __future__ import annotations

import functools
import gzip
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attacking.made import Made, base, base_for, base_of_texts, write_config
from attacking.results import CLEAR, EQUAL, OTHER, SILENT, Bench, Verdict

HUGE = 10**30
# Values that replace sections of a valid config; `check` must refuse each.
_VALUES: dict[str, dict[str, Any]] = {
    "task: null": {"task": None},
    "task: 3": {"task": 3},
    "task: []": {"task": []},
    "data: x": {"data": "x"},
    "data: [1]": {"data": [1]},
    "data: null": {"data": None},
    "a NUL in runs_dir": {"runs_dir": "a\0b"},
    "a NUL in extends": {"extends": "a\0b.yaml"},
    "a NUL in a path of data": {"data": {"format": "conll", "train": "a\0b"}},
    "a NUL in model.name": {"model": {"name": "a\0b"}},
    "augment.size: 1000000000000": {"augment": {"size": 1_000_000_000_000, "methods": [{"type": "noise"}]}},
    "augment.size: 1e12x": {"augment": {"size": "1000000000000x", "methods": [{"type": "noise"}]}},
    "train.accumulation: 10**30": {"train": {"accumulation": HUGE}},
    "train.epochs: 10**30": {"train": {"epochs": HUGE}},
    "train.steps: 10**30": {"train": {"steps": HUGE}},
    "train.batch_tokens: 10**30": {"train": {"batch_tokens": HUGE}},
    "eval.batch_tokens: 10**30": {"eval": {"batch_tokens": HUGE}},
    "model.scratch.vocabulary: 10**30": {"model": {"scratch": {"vocabulary": HUGE}}},
    "model.scratch.width: 10**9": {"model": {"scratch": {"width": 10**9, "heads": 1}}},
    "model.scratch.heads: 10**9": {"model": {"scratch": {"width": 10**9, "heads": 10**9}}},
    "nonsense under a matrix": {"train": "nonsense", "matrix": {"train.epochs": [1, 2]}},
    "a gate with min above max": {"gates": {"entity_f1": {"min": 0.9, "max": 0.1}}},
    "eval.splits: dev 3,000 times": {"eval": {"splits": ["dev"] * 3000}},
    "a key of 70,000 characters": {"k" * 70_000: 1},
    "a value of 70,000 characters": {"train": {"schedule": "v" * 70_000}},
    "a name of 70,000 characters": {"name": "n" * 70_000},
}
_LABELS = {
    "an escape code": "\x1b[31mred", "a bidirectional control": "\u202eREP", "C1": "\x9b31m", "NEL": "A\u0085B",
    "a line feed": "A\nB", "a carriage return": "A\rB", "NUL": "A\0B", "a million characters": "x" * 1_000_000,
    "nothing visible": "\u200b",
}  # fmt: skip
_LINE = 600 << 20


Task = tuple[str, Callable[[Bench], Verdict]]


def groups(made: Made) -> dict[str, list[Task]]:
    return {
        "values": [*_values(made)],
        "labels and what is printed": [*_labels(made), *_printed(made)],
        "unbounded input": [*_devices(made), *_long(made)],
    }


def refused(bench: Bench, *arguments: object, never: str = "", says: str = "", **how: Any) -> Verdict:
    """Require an error with a code, with the text ``says`` and without the text ``never``."""
    call = bench.halluc(*arguments, **how)
    if call.refused and ((never and never in call.err) or says not in call.err):
        wrong = f"says {never!r}" if never and never in call.err else f"does not say {says!r}"
        return Verdict(OTHER, f"{call.command}: it {wrong}: {call.first_error}")
    if call.refused:
        return Verdict(CLEAR, call.first_error)
    return Verdict(OTHER if call.code else SILENT, f"{call.command}: exit {call.code}, no error")


def answered(bench: Bench, *arguments: object) -> Verdict:
    """Require an error or a result; ``Bench.faults`` checks the output for control characters."""
    call = bench.halluc(*arguments)
    return Verdict(CLEAR if call.refused else OTHER if call.code else EQUAL, call.first_error)


def _config(made: Made, bench: Bench, changes: dict[str, Any]) -> Path:
    return write_config(bench.given / "c.yaml", **{**base(made.folder), "runs_dir": str(bench.out), **changes})


def _config_of(made: Made, bench: Bench, format: str, train: object, **data: str) -> Path:
    """A config with this training split."""
    task = base_for(format, made.folder)["task"]
    return _config(made, bench, {"task": task, "data": {"format": format, "train": str(train), **data}})


def _values(made: Made) -> Iterator[Task]:
    def check(changes: dict[str, Any], bench: Bench) -> Verdict:
        return refused(bench, "check", _config(made, bench, changes))

    for name, changes in _VALUES.items():
        yield f"check, {name}", functools.partial(check, changes)
    for column in (0, -2):
        changes = {"data": {**base(made.folder)["data"], "token_column": 0, "tag_column": column}}
        yield f"check, token column 0 is tag column {column}", functools.partial(check, changes)
    yield (
        "eval --split dev 3,000 times",
        lambda bench: refused(bench, "eval", "--run", made.ner, *["--split", "dev"] * 3000),
    )
    yield (
        "check --set with a key of 70,000 characters",
        lambda bench: refused(bench, "check", made.folder / "ner.yaml", "--set", "k" * 70_000 + "=1"),
    )

    def latest(command: str, bench: Bench) -> Verdict:
        pointer = bench.put("runs/x/latest", b"\xff\xfe\x80run")
        if command == "check":
            return refused(bench, "check", _config(made, bench, {"model": {"name": f"{pointer}/model"}}))
        return refused(bench, *command.split(), pointer)

    for command in ("check", "eval --run", "report", "predict", "clean"):
        yield f"{command}, a latest that is not UTF-8", functools.partial(latest, command)


def _labelled(made: Made, bench: Bench, form: str, label: str) -> Path:
    """A config whose training split has the label, in one of the forms that a corpus may have."""
    tokens = ["Anna", "left", "."]
    if form == "conll":
        text: str | bytes = f"Anna B-{label}\nleft O\n. O\n\n"
    elif form == "texts":
        text = json.dumps({"text": "Anna left .", "label": label}) + "\n"
    elif form == "jsonl tags":
        text = json.dumps({"tokens": tokens, "tags": [f"B-{label}", "O", "O"]}) + "\n"
    else:
        text = json.dumps({"tokens": tokens, "spans": [[0, 1, label]]}) + "\n"
    file = bench.put("train.txt" if form == "conll" else "train.jsonl", text)
    return _config_of(made, bench, form.split()[0], file)


def _labels(made: Made) -> Iterator[Task]:
    for form in ("conll", "jsonl spans", "jsonl tags", "texts"):
        for name, label in _LABELS.items():
            if form != "conll" or not set(label) & set("\n\r"):
                yield (
                    f"check, a label with {name} in {form}",
                    lambda bench, form=form, label=label: refused(bench, "check", _labelled(made, bench, form, label)),
                )


_ACTING = "\x1b[31m\u202ea\x9bb\u2066c\x07"


def _printed(made: Made) -> Iterator[Task]:
    """Hostile tokens, ids and paths in a corpus that is otherwise valid; both splits have the same sentences."""

    def on(commands: str, task: str, bench: Bench) -> Verdict:
        lines = [{"id": f"{_ACTING}{n}", "tokens": ["Anna", _ACTING, "."], "spans": [[0, 1, "PER"]]} for n in range(9)]
        if task == "texts":
            lines = [{"id": one["id"], "text": f"a {_ACTING}", "label": "xy"[n % 2]} for n, one in enumerate(lines)]
        text = "".join(json.dumps(one) + "\n" for one in lines)
        data = {s: str(bench.put(f"a\x1b[32m\u202e/{s}.jsonl", text)) for s in ("train", "dev")}
        data["format"] = "texts" if task == "texts" else "jsonl"
        settings = {**base_for(task, made.folder), "data": data}
        settings["augment"] = {"size": "2x", "workers": 1, "methods": [{"type": "noise"}]}
        config = bench.given / "a\x1b[32m\u202e" / "c.yaml"
        return answered(
            bench, *commands.format(write_config(config, **{**settings, "runs_dir": str(bench.out)})).split()
        )

    for task in ("spans", "texts"):
        for command in ("check {}", "check {} --json", "augment {} --preview 5", "augment {} --preview 5 --json"):
            yield (
                f"{command.format('C')}: tokens, ids and paths with control characters, {task}",
                functools.partial(on, command, task),
            )
    for command in ("config show {}", "config show {} --json", "augment {} --json", "train {} --json -v"):
        yield (
            f"{command.format('C')}: tokens, ids and paths with control characters",
            functools.partial(on, command, "spans"),
        )

    def twice(bench: Bench) -> Verdict:
        line = json.dumps({"id": _ACTING, "text": "a b", "label": "x"}) + "\n"
        data = {"format": "texts", "train": str(bench.put("t.jsonl", line * 2))}
        config = write_config(bench.given / "c.yaml", **{**base_of_texts(made.folder), "data": data})
        return refused(bench, "check", config)

    yield "check: an id with control characters that stands twice", twice


def _special(bench: Bench, kind: str) -> str:
    """The path of a special file."""
    if kind == "a fifo":
        os.mkfifo(bench.given / "fifo")
        return str(bench.given / "fifo")
    if kind == "a socket":
        path = bench.given / "s"
        socket.socket(socket.AF_UNIX).bind(os.path.relpath(path))
        return str(path)
    return kind


_SPECIAL = ("/dev/zero", "/dev/random", "a fifo", "a socket", "/proc/kmsg", "/proc/self/environ")

_DEVICE = {"never": "did you mean", "says": "not a regular file"}


def _devices(made: Made) -> Iterator[Task]:
    def extends(kind: str, bench: Bench) -> Verdict:
        return refused(bench, "check", _config(made, bench, {"extends": _special(bench, kind)}), **_DEVICE)

    def itself(kind: str, bench: Bench) -> Verdict:
        return refused(bench, "check", _special(bench, kind), **_DEVICE)

    def data(format: str, kind: str, bench: Bench) -> Verdict:
        return refused(bench, "check", _config_of(made, bench, format, _special(bench, kind)), **_DEVICE)

    for kind in _SPECIAL:
        yield f"check, extends: {kind}", functools.partial(extends, kind)
        yield f"check {kind}", functools.partial(itself, kind)
        for format in ("conll", "jsonl", "texts"):
            yield f"check, data.train: {kind}, {format}", functools.partial(data, format, kind)
    yield (
        "train, model.name: /dev/zero",
        lambda bench: refused(
            bench, "train", _config(made, bench, {"model": {"name": "/dev/zero"}}), never="did you mean"
        ),
    )
    yield "predict --input /dev/zero", lambda bench: refused(bench, "predict", made.ner, "--input", "/dev/zero")


def _long(made: Made) -> Iterator[Task]:
    def twice_each(bench: Bench) -> Verdict:
        write_config(bench.given / "40.yaml", **base(made.folder))
        for number in range(40):
            write_config(bench.given / f"{number}.yaml", extends=[f"{number + 1}.yaml"] * 2)
        return answered(bench, "check", bench.given / "0.yaml")

    def labels(bench: Bench) -> Verdict:
        return answered(
            bench, "check", _config(made, bench, {"eval": {"labels": {f"l{n}": "A" for n in range(16_000)}}})
        )

    def line(format: str, start: bytes, packed: bool, bench: Bench) -> Verdict:
        file = bench.given / ("t.jsonl" if start.startswith(b"{") else "t.txt")
        content = (start, *[b"a" * (1 << 20)] * (_LINE >> 20))
        with gzip.open(file, "wb", 1) if packed else file.open("wb") as into:
            into.writelines(content)
        if format == "predict":
            return refused(bench, "predict", made.ner, "--input", file)
        return refused(bench, "check", _config_of(made, bench, format, file))

    def bomb(format: str, one: bytes, bench: Bench) -> Verdict:
        """Eight gigabytes in eight megabytes: a gzip file that repeats one member."""
        member = gzip.compress(one * ((64 << 20) // len(one)), 6)
        file = bench.put("t", member * 128)
        form = {"form": "json"} if one == b"[" else {}
        return refused(bench, "check", _config_of(made, bench, format, file, **form))

    yield "check, 40 files of which each extends the next twice", twice_each
    yield "check, eval.labels with 16,000 entries", labels
    for packed in (False, True):
        how = "gzip" if packed else "plain"
        for format, start in (
            ("conll", b"a O\n"),
            ("jsonl", b'{"tokens": ["'),
            ("texts", b'{"text": "'),
            ("texts", b"x "),
        ):
            name = f"check, one line of 600 MB, {how}, {format} {start.decode().strip()}"
            yield name, functools.partial(line, format, start, packed)
        yield f"predict --input, one line of 600 MB, {how}", functools.partial(line, "predict", b"", packed)
    yield "check, 8 GB in 8 MB of gzip, conll", functools.partial(bomb, "conll", b"a O\n")
    yield "check, 8 GB in 8 MB of gzip, texts as one JSON", functools.partial(bomb, "texts", b"[")
    yield "check, 8 GB in 8 MB of gzip, no line end", functools.partial(bomb, "jsonl", b" ")
