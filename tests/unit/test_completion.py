"""What the shell completes, and that it does so without the libraries that take seconds to import."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from halluc.commands import completion
from tests.conftest import REPOSITORY


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("runs/demo/20260101-120000-1a2b3c", "runs/empty", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "runs/demo/20260101-120000-1a2b3c/run.json").write_text("{}")
    (tmp_path / "runs/demo/latest").symlink_to("20260101-120000-1a2b3c")
    for name in ("demo.yaml", "other.yml", "notes.txt"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_configs_and_folders_are_completed(home):
    assert completion.configs("") == ["demo.yaml", "other.yml", "runs/"]
    assert completion.configs("de") == ["demo.yaml"]
    assert completion.configs(f"{home}/ot") == [f"{home}/other.yml"]


def test_runs_are_completed(home):
    assert completion.runs("") == ["runs/demo/latest", "runs/"]
    assert completion.runs("runs/") == ["runs/demo/", "runs/empty/"]
    assert completion.runs("runs/demo/") == ["runs/demo/20260101-120000-1a2b3c", "runs/demo/latest"]
    assert completion.targets("d") == ["demo.yaml"]
    assert completion.runs("missing/") == completion.configs("\x00/") == completion.runs("~nobody-here/") == []


@pytest.mark.parametrize(
    ("typed", "some"),
    [
        ("train.lea", "train.learning_rate="),
        ("", "train."),
        ("eval.abstain.gu", "eval.abstain.guarantee."),
        ("task.", "task.loss="),
        ("data.", "data.train="),
        ("augment.", "augment.size="),
        ("see", "seed="),
    ],
)
def test_config_keys_are_completed_a_section_at_a_time(typed, some):
    found = completion.overrides(typed)
    assert some in found
    assert all(one.startswith(typed) for one in found) and len(set(found)) == len(found)


def test_values_and_unknown_sections_have_no_completion():
    assert completion.overrides("train.epochs=") == completion.overrides("nothing.at.all") == []


def test_formats_follow_each_other():
    assert completion.formats("html,p") == ["html,pdf", "html,png"]
    assert completion.splits("t") == ["train", "test"]
    assert "tasks" in completion.kinds("") and "translation" in completion.tasks("tr")


def test_the_shell_is_answered_without_torch(home):
    words = "halluc train --set task.lo"
    script = (
        "import sys, atexit\nsys.argv = ['halluc']\n"
        "names = 'torch', 'transformers', 'matplotlib', 'scipy'\n"
        "heavy = lambda: print('HEAVY', [name for name in names if name in sys.modules])\n"
        "atexit.register(heavy)\nfrom halluc.__main__ import main\nmain()\n"
    )
    asked = {"_HALLUC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **asked, "PYTHONPATH": str(REPOSITORY)}, cwd=home,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    *found, heavy = done.stdout.splitlines()
    assert "task.loss=" in found, done.stderr
    assert heavy == "HEAVY []"
