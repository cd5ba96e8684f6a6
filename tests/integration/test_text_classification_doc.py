"""What docs/text-classification.md shows works: its configs are valid, its files are read, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.data.corpora import read_corpora
from halluc.tasks.text_classification.reading.config import TextsConfig

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "text-classification.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", PAGE, re.M)
CONFIGS = [yaml.safe_load(text) for kind, _, text in BLOCKS if kind == "yaml"]
FILES = {name: text for _, name, text in BLOCKS if name}


def merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = {key: merged(base[key], more[key]) for key in base.keys() & more.keys() if isinstance(more[key], dict)}
    return {**base, **more, **both}


def test_the_page_has_what_is_tried_here():
    assert len(CONFIGS) >= 7
    assert set(FILES) == {"questions.csv", "questions.jsonl", "questions.txt", "questions.json", "pairs.tsv"}


@pytest.mark.parametrize("more", CONFIGS, ids=lambda more: " ".join(more))
def test_every_config_is_valid_over_the_first(tmp_path, more):
    path = tmp_path / "questions.yaml"
    path.write_text(yaml.safe_dump(merged(CONFIGS[0], more)), encoding="utf-8")
    study = load_study(path, table=TABLE, environ={})
    assert study.name == "questions"


@pytest.mark.parametrize(
    ("name", "keys", "labels"),
    [
        ("questions.csv", {}, ["track", "track", "refund"]),
        ("questions.jsonl", {}, ["track", "refund"]),
        ("questions.txt", {}, ["track", "refund"]),
        ("questions.json#train+extra", {"out_of_scope_label": "oos"}, ["track", "refund", None]),
        ("pairs.tsv", CONFIGS[2]["data"], ["yes", "no"]),
    ],
)
def test_every_file_is_read(tmp_path, name, keys, labels):
    path = tmp_path / name.partition("#")[0]
    path.write_text(FILES[path.name], encoding="utf-8")
    found = read_corpora(TextsConfig(**{**keys, "train": str(tmp_path / name)}), TABLE).splits["train"]
    assert [example.labels[0] if example.labels else None for example in found] == labels
    assert all((example.second is not None) == ("second_field" in keys) for example in found)
