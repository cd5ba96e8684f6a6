"""Paths as a report shows them: by one rule, and never absolute."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.reporting.collect import paths
from halluc.reporting.collect.paths import Paths
from halluc.runs.directory import RunDir
from halluc.runs.reports import ConfigLine

KNOWN = Paths(
    start=Path("/srv/anna/work"),
    names={"/srv/anna/work": "", "/srv/corpora": "${HALLUC_DATA}", "/srv/anna/work/data": "${OWN}"},
    configs=("/etc/studies", "/srv/anna"),
)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("data/train.txt", "data/train.txt"),
        ("package:mini/model", "package:mini/model"),
        ("/srv/anna/work/runs/a", "runs/a"),
        ("/srv/anna/work", "."),
        ("/srv/corpora/ner/train.txt", "${HALLUC_DATA}/ner/train.txt"),
        ("/srv/corpora", "${HALLUC_DATA}"),
        ("/srv/corpora-old/train.txt", "…/corpora-old/train.txt"),
        ("/srv/anna/work/data/train.txt", "${OWN}/train.txt"),  # the innermost folder says most
        ("/etc/studies/train.txt", "train.txt"),
        ("/srv/anna/other/train.txt", "other/train.txt"),
        ("/home/anna/models/best", "…/models/best"),
        ("/models", "…/models"),
    ],
)
def test_a_path_is_shown_by_one_rule(path, shown):
    assert KNOWN.of(path) == shown
    assert KNOWN.text(f"see {path}, line 3") == f"see {shown}, line 3"
    assert KNOWN.replace_in({path: [f"`{path}`:3", 7, None]}) == {shown: [f"`{shown}`:3", 7, None]}


def test_files_with_equal_names_are_distinguished():
    found = KNOWN.replace_in({"/x/a/train.txt": "1", "/y/a/train.txt": "2"})
    assert found == {"…/a/train.txt": "1", "…/a/train.txt, another": "2"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('train: "/home/anna berg/corpus/train.txt"', 'train: "…/corpus/train.txt"'),
        ("data.train=/srv/corpora/a.txt", "data.train=${HALLUC_DATA}/a.txt"),
        ("/srv/anna/work/configs/a.yaml:12", "configs/a.yaml:12"),
        ("of /home/anna/a/b.txt. Then", "of …/a/b.txt. Then"),
        ("file:///home/anna/a/b.txt", "…/a/b.txt"),
        ("https://example.org/a/b and/or 3 / 4 at 5/s", "https://example.org/a/b and/or 3 / 4 at 5/s"),
        ("../a/b and ./c and ~/d and ${HALLUC_DATA}/e", "../a/b and ./c and ~/d and ${HALLUC_DATA}/e"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("separator: '/'", "separator: '/'"),
    ],
)
def test_paths_are_found_in_texts_and_nothing_else_is_changed(text, shown):
    assert KNOWN.text(text) == shown
    assert KNOWN.text(shown) == shown


def test_a_home_folder_is_not_named(monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    found = Paths(None, {})
    assert found.of("/home/anna/model") == "…/model"
    assert found.text("at /home/anna/model, and /home/anna/a/b/c") == "at …/model, and …/b/c"


@given(st.lists(st.text("abc .-_é", min_size=1, max_size=6).map(lambda part: f"x{part}x"), min_size=1, max_size=6))
def test_no_path_stays_absolute(parts):
    path = "/" + "/".join(parts)
    assert not KNOWN.of(path).startswith("/")
    assert f'"{path}' not in KNOWN.text(f'at "{path}"')
    assert KNOWN.of(KNOWN.of(path)) == KNOWN.of(path)


def run_in(folder: Path, source: str = "name: demo\n") -> RunDir:
    run = RunDir(folder)
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "00-demo.yaml").write_text(source)
    return run


@pytest.mark.parametrize(
    ("runs_dir", "below", "is_found"),
    [("runs", "runs/demo/1", True), ("out/runs", "out/runs/demo/1", True), (".", "demo/1", True),
     ("runs", "elsewhere/demo/1", False), ("../runs", "runs/demo/1", False)],
)  # fmt: skip
def test_the_folder_to_start_in_is_above_the_runs(tmp_path, runs_dir, below, is_found):
    config = [ConfigLine(text=f"runs_dir: {runs_dir}", origin="default")]
    found = paths.known_paths([(run_in(tmp_path / "start" / below), config)])
    assert found.start == (tmp_path / "start" if is_found else None)


def test_paths_are_shown_with_the_variables_of_the_config(tmp_path, monkeypatch):
    monkeypatch.setenv("CORPORA", f"{tmp_path}/corpora/")
    monkeypatch.setenv("HALLUC_DATA", "data")  # a relative one stands for nothing
    run = run_in(tmp_path / "run", "data: {train: '${CORPORA:-x}/a.txt', dev: '$${NOT}/b'}\n")
    assert paths.variables(run) == ["CORPORA"]
    found = paths.known_paths([(run, [])])
    assert found.of(f"{tmp_path}/corpora/a.txt") == "${CORPORA}/a.txt"
    assert "${HALLUC_DATA}" not in found.names.values()
