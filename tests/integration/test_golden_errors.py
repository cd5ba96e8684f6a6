"""The messages for broken configs and corpora, word for word.

After a change that is meant, run this file with ``HALLUC_UPDATE_GOLDEN=1`` and read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent.parent / "golden"
CONFIGS = sorted((GOLDEN / "configs").glob("*.yaml"))
CORPORA = sorted(path for path in (GOLDEN / "corpora").iterdir() if path.suffix != ".expected")

# What stands behind the name of a corpus in the config: a list in it, or more keys.
KEYS = {
    "texts_lists.json": "#trian+test",
    "texts_out_of_scope.csv": "', out_of_scope: {train: texts_out_of_scope.csv}, out_of_scope_label: 'oos",
    "texts_pairs.tsv": "', second_field: 'other",
}


def compare(path: Path, told: str) -> None:
    expected = path.with_name(path.name + ".expected")
    if os.environ.get("HALLUC_UPDATE_GOLDEN"):
        expected.write_text(told, encoding="utf-8")
    assert told == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_broken_config(halluc, path, monkeypatch):
    monkeypatch.chdir(path.parent)
    outcome = halluc("check", path.name)
    assert (outcome.code, outcome.out) == (2, "")
    compare(path, outcome.err)


@pytest.mark.parametrize("path", [*CORPORA, GOLDEN / "corpora" / "absent.txt"], ids=lambda path: path.name)
def test_a_broken_corpus(halluc, path, monkeypatch, tmp_path):
    monkeypatch.chdir(path.parent)
    config = tmp_path / "c.yaml"
    task, reader = "token_classification", "jsonl" if ".jsonl" in path.name else "conll"
    if path.name.startswith("texts_"):
        task, reader = "text_classification", "texts"
    keys = f"format: {reader}, train: '{path.name}{KEYS.get(path.name, '')}'"
    config.write_text(f"name: x\ntask: {{type: {task}}}\ndata: {{{keys}}}\nmodel: {{name: m}}\n")
    outcome = halluc("check", config)
    assert (outcome.code, outcome.out) == (3, "")
    compare(path, outcome.err)
