"""What docs/question-answering.md shows works: configs are valid, and files are read as it says."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.core.errors import HallucError, ManyErrors
from halluc.data.corpora import read_corpora

PAGE = (Path(__file__).parent.parent.parent / "docs/question-answering.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", PAGE, re.M)
FILES = {name: text for _, name, text in BLOCKS if name not in ("", "check")}
CONFIGS = [
    (yaml.safe_load(text), text, lines if told == "check" else "")
    for (first, _, text), (_, told, lines) in pairwise([*BLOCKS, ("", "", "")])
    if first == "yaml"
]
COUNTS = re.compile(r"# (\d+) questions?, (\d+) answers?$|# error (D\d+)$", re.M)


@pytest.mark.parametrize(
    ("more", "text", "lines"), CONFIGS, ids=[text.strip().split("\n")[-1] for _, text, _ in CONFIGS]
)
def test_the_page_shows_what_is_read(tmp_path, monkeypatch, halluc, more, text, lines):
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        Path(name).write_text(content, encoding="utf-8")
    first = CONFIGS[0][0]
    task = {**first["task"], **more.get("task", {})}
    path = tmp_path / "firms.yaml"
    path.write_text(yaml.safe_dump({**first, **more, "task": task}), encoding="utf-8")
    data = load_study(path, table=TABLE, environ={}).cells[0].loaded.experiment.data
    if (found := COUNTS.search(text)) is None:
        return
    questions, answers, code = found.groups()
    if code is None:
        train = read_corpora(data, TABLE).splits["train"]
        assert (len(train), sum(bool(one.answers) for one in train)) == (int(questions), int(answers))
        printed = [line.strip() for line in halluc("check", path).err.splitlines()]
        assert [line for line in lines.splitlines() if line not in printed] == []
    else:
        with pytest.raises((HallucError, ManyErrors)) as raised:
            read_corpora(data, TABLE)
        assert {one.code for one in getattr(raised.value, "errors", [raised.value])} == {code}


def test_every_file_of_the_page_is_read():
    assert len(FILES) == sum(bool(COUNTS.search(text)) for _, text, _ in CONFIGS) == 4
