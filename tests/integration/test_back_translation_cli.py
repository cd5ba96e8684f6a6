"""``halluc augment`` with back-translation by a program, from a config on the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

TEXT = "The O\nold O\nbank O\nof O\nOslo B-LOC\nhad O\nbeen O\nsold O\nby O\nAnna B-PER\nBerg I-PER\n. O\n"
OTHER = "It O\nsaid O\non O\nMonday O\nthat O\nthe O\nold O\ntown O\nof O\nParis B-LOC\nwas O\nfull O\n. O\n"
BACK = "import sys; sys.stdout.write(sys.stdin.read().replace(' old ', ' ancient ').replace('The', 'That'))"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "train.conll").write_text("\n".join([TEXT, OTHER]))
    method = {
        "type": "back_translation",
        "engine": {"type": "command", "forward": ["cat"], "backward": [sys.executable, "-c", BACK]},
    }
    tree = {
        "name": "bt",
        "runs_dir": str(tmp_path / "runs"),
        "task": {"type": "token_classification"},
        "data": {"format": "conll", "train": str(tmp_path / "train.conll")},
        "model": {"scratch": {}},
        "augment": {"size": "2x", "methods": [method]},
    }
    path = tmp_path / "bt.yaml"
    path.write_text(json.dumps(tree))
    return path


def files(config: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in config.parent.glob("runs/bt/2*/augment/*.jsonl")}


def test_a_program_translates_once_it_is_allowed(halluc, config):
    refused = halluc("augment", config)
    assert refused.code == 2
    assert "error[C148]" in refused.err
    assert "--allow-commands" in refused.err
    assert not files(config)

    made = halluc("augment", config, "--allow-commands")
    assert made.code == 0, made.err
    first = files(config)
    lines = [json.loads(line) for line in first["train.jsonl"].splitlines()]
    assert len(lines) == 4
    after = " ".join(lines[2]["tokens"])
    assert after == "That ancient bank of Oslo had been sold by Anna Berg ."
    assert lines[2]["spans"] == [[4, 5, "LOC"], [9, 11, "PER"]]
    whys = {edit["why"] for line in first["provenance.jsonl"].splitlines() for edit in json.loads(line)["edits"]}
    assert whys == {"back-translation, command"}
    (manifest,) = config.parent.glob("runs/bt/2*/augment/manifest.json")
    assert json.loads(manifest.read_text())["methods"]["back_translation"]["engine"] == "command"


def test_an_engine_that_fails_is_an_error_at_its_key(halluc, config):
    tree = json.loads(config.read_text())
    tree["augment"]["methods"][0]["engine"]["backward"] = ["head", "-n", "1"]
    config.write_text(json.dumps(tree, indent=1))
    failed = halluc("augment", config, "--allow-commands")
    assert failed.code == 4
    assert "error[E440]" in failed.err
    assert "returned 1 lines for 2" in failed.err
    row = next(n for n, line in enumerate(config.read_text().splitlines(), 1) if '"engine"' in line)
    assert f"{config.name}:{row}:" in failed.err
    assert not list(config.parent.glob("runs/bt/2*/augment/manifest.json"))
