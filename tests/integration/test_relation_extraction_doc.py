"""What docs/relation-extraction.md shows works: configs are valid, files are read as it says, links lead somewhere."""

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

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "relation-extraction.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\S*) ?(.*)\n((?:.*\n)*?)```$", PAGE, re.M)
FILES = {name: text for _, name, text in BLOCKS if name not in ("", "check")}
# A config, and what `check` prints of it, where the page shows that.
CONFIGS = [
    (text, lines if told == "check" else "")
    for (first, _, text), (_, told, lines) in pairwise([*BLOCKS, ("", "", "")])
    if first == "yaml"
]
FIRST = yaml.safe_load(CONFIGS[0][0])
COUNTS = re.compile(r"# (\d+) sentences?, (\d+) relations?$|# error (D\d+)$", re.M)
TRIED = [(text, lines) for text, lines in CONFIGS if COUNTS.search(text)]


def merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = {key: merged(base[key], more[key]) for key in base.keys() & more.keys() if isinstance(more[key], dict)}
    return {**base, **more, **both}


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Write the files of the page into the working directory, and a config over the first one there."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")

    def written(text: str) -> Path:
        path = tmp_path / "firms.yaml"
        path.write_text(yaml.safe_dump(merged(FIRST, yaml.safe_load(text))), encoding="utf-8")
        return path

    return written


def test_the_page_has_what_is_tried_here():
    assert len(FILES) == 8
    assert len(TRIED) == len(FILES)
    assert len(CONFIGS) == len(TRIED) + 3


@pytest.mark.parametrize("text", [text for text, _ in CONFIGS], ids=lambda text: text.strip().split("\n")[-1])
def test_every_config_is_valid(config, text):
    assert load_study(config(text), table=TABLE, environ={}).name == "firms"


@pytest.mark.parametrize(("text", "lines"), TRIED, ids=[text.strip().split("\n")[0] for text, _ in TRIED])
def test_every_file_is_read_as_the_page_says(config, halluc, text, lines):
    path = config(text)
    sentences, relations, code = COUNTS.search(text).groups()
    data = load_study(path, table=TABLE, environ={}).cells[0].loaded.experiment.data
    if code is None:
        train = read_corpora(data, TABLE).splits["train"]
        assert (len(train), sum(len(one.labels) for one in train)) == (int(sentences), int(relations))
    else:
        with pytest.raises((HallucError, ManyErrors)) as raised:
            read_corpora(data, TABLE)
        assert {one.code for one in getattr(raised.value, "errors", [raised.value])} == {code}
    outcome = halluc("check", path)
    assert outcome.code == (0 if code is None else 3), outcome.err
    printed = [line.strip() for line in outcome.err.splitlines()]
    assert [line for line in lines.splitlines() if line not in printed] == []


def test_every_link_leads_to_a_file_and_a_heading():
    for name, heading in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", PAGE):
        path = (DOCS / name).resolve()
        assert path.is_file(), name
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
        assert not heading or heading in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
