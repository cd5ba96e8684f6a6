"""What docs/data.md shows works: each example is read as the page says, and `check` prints what stands there."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.corpora import read_corpora
from halluc.tasks.token_classification.reading.presets import KEYS

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/data.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S+) ?(.*)\n((?:.*\n)*?)```$", PAGE, re.M)
FILES = {name: text for _, name, text in BLOCKS if name not in ("", "check")}
# A config, and what `check` prints of it, where the page shows that.
CONFIGS = [
    (text, lines if (kind, told) == ("text", "check") else "")
    for (first, _, text), (kind, told, lines) in pairwise([*BLOCKS, ("", "", "")])
    if first == "yaml"
]
# Behind `#`: what is read of train, or the error.
COUNTS = re.compile(r"# (\d+) (?:sentence|text)s?, (\d+) (?:mention|label)s?$|# error (D\d+)$", re.M)
TRIED = [(text, lines) for text, lines in CONFIGS if COUNTS.search(text)]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Write the files of the page into the working directory, and a config there."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        path, _, encoding = name.partition(" ")
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text, encoding=encoding or "utf-8")

    def written(text: str) -> Path:
        scratch = {"name": None, "scratch": {"layers": 1, "width": 32, "heads": 2}}
        base: dict[str, Any] = {"name": "page", "task": {"type": "token_classification"}, "model": scratch}
        path = tmp_path / "page.yaml"
        path.write_text(yaml.safe_dump(base | yaml.safe_load(text)), encoding="utf-8")
        return path

    return written


@pytest.mark.parametrize("text", [text for text, _ in CONFIGS], ids=lambda text: text.strip().split("\n")[-1])
def test_every_config_is_valid(config, text):
    assert load_study(config(text), table=TABLE, environ={}).name == "page"


@pytest.mark.parametrize(("text", "lines"), TRIED, ids=[text.strip().split("\n")[-1] for text, _ in TRIED])
def test_every_example_is_read_as_the_page_says(config, halluc, text, lines):
    path = config(text)
    examples, labels, code = COUNTS.search(text).groups()
    data = load_study(path, table=TABLE, environ={}).cells[0].loaded.experiment.data
    if code is None:
        train = read_corpora(data, TABLE).splits["train"]
        assert (len(train), sum(len(example.labels) for example in train)) == (int(examples), int(labels))
    else:
        with pytest.raises((HallucError, ManyErrors)) as raised:
            read_corpora(data, TABLE)
        assert {one.code for one in getattr(raised.value, "errors", [raised.value])} == {code}
    outcome = halluc("check", path)
    assert outcome.code == (0 if code is None else 3)
    printed = [line.strip() for line in outcome.err.splitlines()]
    assert [line for line in lines.splitlines() if line not in printed] == []


def test_every_preset_and_every_error_is_on_the_page():
    assert {name for name in KEYS if f"preset: {name}" not in "".join(text for text, _ in TRIED)} == set()
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "halluc").rglob("*.py"))
    table = PAGE.split("## Errors")[1].split("## Limits")[0]
    told = set(re.findall(r"^\| (D\d+) \|", table, re.M))
    for first, last in re.findall(r"^\| D(\d+) to D(\d+) \|", table, re.M):
        told |= {f"D{number}" for number in range(int(first), int(last) + 1)}
    assert told == set(re.findall(r'"(D1\d\d)"', sources))
