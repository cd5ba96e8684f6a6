"""What `halluc clean` deletes of a folder of runs, and what it must never touch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.core.locks import locked
from halluc.runs import cleaning, directory
from halluc.runs.directory import RunDir
from halluc.runs.schema import CleanResult, RunFile, Stage

NAME = "20260102-030405-abcdef"


def make_run(path: Path, *, status: str | None = "done", model: bool = True, keep: str = "none") -> RunDir:
    path.mkdir(parents=True)
    run = RunDir(path)
    stages = {} if status is None else {"train": Stage(status=status, started="2026-01-02T03:04:05")}
    run.write(
        RunFile(
            name=path.parent.name,
            command="train",
            status=status or "running",
            config_sha256="0" * 64,
            halluc="0",
            stages=stages,
            keep_checkpoints=keep,
        )
    )
    (path / "config.yaml").write_text("name: x\n")
    (path / ".lock").write_text("1")
    if model:
        run.model.mkdir()
        (run.model / "model.safetensors").write_bytes(b"m" * 500)
    return run


def add_checkpoints(run: RunDir, size: int = 1000) -> None:
    for name in ("step-00000010", "step-00000020", "best-00000005"):
        (run.checkpoints / name).mkdir(parents=True)
        (run.checkpoints / name / "model.safetensors").write_bytes(b"c" * size)


def age(*paths: Path) -> None:
    before = time.time() - cleaning.QUIET - 60
    for path in paths:
        os.utime(path, (before, before), follow_symlinks=False)


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def deleted(result: CleanResult) -> list[str]:
    return sorted(item.path for item in result.deleted)


def a_dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_checkpoints_of_a_finished_training_go_and_are_counted(tmp_path):
    run = make_run(tmp_path / "runs" / "x" / NAME)
    add_checkpoints(run)
    result = cleaning.clean(tmp_path / "runs", dry_run=False)
    assert deleted(result) == [f"x/{NAME}/checkpoints/{name}" for name in
                               ("best-00000005", "step-00000010", "step-00000020")]  # fmt: skip
    assert result.bytes == 3 * 1000
    assert result.runs == 1
    assert not run.checkpoints.exists()
    assert (run.model / "model.safetensors").read_bytes() == b"m" * 500
    assert cleaning.clean(run.path, dry_run=False).deleted == []


def test_a_dry_run_names_the_same_and_changes_nothing(tmp_path):
    run = make_run(tmp_path / "x" / NAME)
    add_checkpoints(run)
    before = everything(tmp_path)
    planned = cleaning.clean(tmp_path / "x", dry_run=True)
    assert everything(tmp_path) == before
    done = cleaning.clean(tmp_path / "x", dry_run=False)
    assert planned.model_copy(update={"dry_run": False}) == done
    assert done.bytes == 3000


@pytest.mark.parametrize(
    ("status", "model", "keep", "told"),
    [
        ("interrupted", False, "none", "not finished"),
        ("running", True, "none", "not finished"),
        ("done", True, "last", "keep: last"),
        ("done", True, "all", "keep: all"),
    ],
)
def test_checkpoints_that_are_needed_stay(tmp_path, status, model, keep, told):
    run = make_run(tmp_path / NAME, status=status, model=model, keep=keep)
    add_checkpoints(run)
    before = everything(tmp_path)
    result = cleaning.clean(run.path, dry_run=False)
    assert result.deleted == []
    (left,) = result.left
    assert (left.path, left.bytes) == ("checkpoints", 3000)
    assert told in left.reason
    assert everything(tmp_path) == before


def test_a_training_that_continues_to_a_new_total_keeps_its_checkpoints(tmp_path):
    run = make_run(tmp_path / NAME)
    run.write(run.read().model_copy(update={"model_sha256": "1" * 64}))
    add_checkpoints(run)
    assert cleaning.clean(run.path, dry_run=False).deleted == []


def test_a_run_that_another_process_writes_is_left_alone(tmp_path):
    run = make_run(tmp_path / NAME)
    add_checkpoints(run)
    before = everything(tmp_path)
    code = (
        f"import sys; from pathlib import Path; from halluc.runs.directory import RunDir\n"
        f"with RunDir(Path({str(run.path)!r})).locked():\n    print('locked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    for dry_run in (True, False):
        result = cleaning.clean(tmp_path / NAME, dry_run=dry_run)
        assert result.deleted == []
        assert [item.reason for item in result.left] == ["another process is writing it"]
    process.communicate("")
    assert {k: v for k, v in everything(tmp_path).items() if ".lock" not in k} == {
        k: v for k, v in before.items() if ".lock" not in k
    }
    assert len(cleaning.clean(tmp_path / NAME, dry_run=False).deleted) == 3


def test_leftovers_of_killed_processes_go_and_others_stay(tmp_path):
    run, dead = make_run(tmp_path / "x" / NAME), a_dead_process()
    (run.path / "eval").mkdir()
    (run.path / "eval" / "test.json").write_text("{}")
    names = {
        f".run.json.{dead}.tmp": True,
        f"eval/.test.json.{dead}.tmp": True,
        f"eval/.test.json.{dead}.old": True,
        f"eval/.dev.json.{dead}.old": False,  # dev.json is not there: this is all that is left of it
        f".new.json.{dead}.tmp": False,  # written a moment ago, perhaps by another machine
        f".live.json.{os.getpid()}.tmp": False,
        ".notes.tmp": False,
        f"{dead}.tmp": False,
    }
    for name in names:
        (run.path / name).write_text("half")
    (tmp_path / "x" / f".study.json.{dead}.tmp").write_text("half")
    (run.path / f".model.{dead}.tmp").mkdir()
    (run.path / f".model.{dead}.tmp" / "model.safetensors").write_bytes(b"h" * 77)
    age(*(run.path / name for name in names if "new" not in name), run.path / f".model.{dead}.tmp")
    age(tmp_path / "x" / f".study.json.{dead}.tmp")
    result = cleaning.clean(tmp_path / "x", dry_run=False)
    expected = [f"{NAME}/{name}" for name, goes in names.items() if goes]
    assert deleted(result) == sorted([*expected, f".study.json.{dead}.tmp", f"{NAME}/.model.{dead}.tmp"])
    assert result.bytes == 4 * 4 + 77
    assert all((run.path / name).exists() is not goes for name, goes in names.items())


def test_empty_runs_are_removed_after_some_time(tmp_path):
    old, new, used = (tmp_path / "x" / f"{NAME}-{number}" for number in (2, 3, 4))
    for folder in (old, new, used):
        (folder / "source").mkdir(parents=True)
        (folder / "config.yaml").write_text("name: x\n")
    (used / "notes.txt").write_text("mine")
    begun = make_run(tmp_path / "x" / NAME, status=None, model=False).path
    age(old, used, begun)
    assert deleted(cleaning.clean(tmp_path / "x", dry_run=False)) == [NAME, f"{NAME}-2"]
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == [f"{NAME}-3", f"{NAME}-4"]


def test_links_are_not_followed_and_nothing_outside_is_touched(tmp_path):
    outside = tmp_path / "outside"
    (outside / "step-00000010").mkdir(parents=True)
    (outside / "step-00000010" / "precious").write_text("p")
    elsewhere = make_run(outside / NAME)
    add_checkpoints(elsewhere)
    (outside / f".x.{a_dead_process()}.tmp").write_text("half")
    age(*outside.iterdir())
    home = tmp_path / "runs" / "x"
    linked_folder = make_run(home / NAME)
    linked_folder.checkpoints.symlink_to(outside)
    (linked_folder.path / "eval").symlink_to(outside)
    one_link = make_run(home / f"{NAME}-2")
    add_checkpoints(one_link)
    (one_link.checkpoints / "step-00000030").symlink_to(outside / "step-00000010")
    (one_link.checkpoints / "step-00000010" / "link").symlink_to(outside / "step-00000010" / "precious")
    (home / f"{NAME}-3").symlink_to(elsewhere.path)  # a run that is a link
    linked_record = make_run(home / f"{NAME}-4")  # a run.json that is a link
    add_checkpoints(linked_record)
    (linked_record.path / "run.json").rename(tmp_path / "run.json")
    (linked_record.path / "run.json").symlink_to(tmp_path / "run.json")
    linked_lock = make_run(home / f"{NAME}-5")
    add_checkpoints(linked_lock)
    (linked_lock.path / ".lock").unlink()
    (linked_lock.path / ".lock").symlink_to(outside / "step-00000010" / "precious")
    before, kept = everything(outside), everything(linked_record.path)
    result = cleaning.clean(tmp_path / "runs", dry_run=False)
    assert everything(outside) == before
    assert deleted(result) == [f"x/{NAME}-2/checkpoints/{name}" for name in
                               ("best-00000005", "step-00000010", "step-00000020")]  # fmt: skip
    assert (one_link.checkpoints / "step-00000030").is_symlink()
    assert everything(linked_record.path) == kept
    assert len(list(linked_lock.checkpoints.iterdir())) == 3
    assert (tmp_path / "run.json").is_file()


def test_a_folder_that_is_a_link_is_refused(tmp_path):
    run = make_run(tmp_path / NAME)
    add_checkpoints(run)
    (tmp_path / "other").symlink_to(run.path)
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "latest").symlink_to(Path("..") / NAME)
    with pytest.raises(HallucError, match="symbolic link") as error:
        cleaning.clean(tmp_path / "other", dry_run=False)
    assert str(run.path) in error.value.help
    with pytest.raises(HallucError, match="which is outside"):
        cleaning.clean(tmp_path / "x" / "latest", dry_run=False)
    assert len(list(run.checkpoints.iterdir())) == 3


@pytest.mark.parametrize("kind", ["link", "text"])
def test_the_newest_run_may_be_named_as_latest(tmp_path, kind):
    run = make_run(tmp_path / NAME)
    add_checkpoints(run)
    if kind == "link":
        (tmp_path / "latest").symlink_to(NAME)
    else:
        (tmp_path / "latest").write_text(f"{NAME}\n")
    result = cleaning.clean(tmp_path / "latest", dry_run=False)
    assert result.root == str(run.path)
    assert len(result.deleted) == 3


@pytest.mark.parametrize("name", ["absent", "file", "empty", "other"])
def test_a_folder_without_runs_is_an_error(tmp_path, halluc, name):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "checkpoints" / "step-00000010").mkdir(parents=True)
    (tmp_path / "other" / "a=b").mkdir()
    age(tmp_path / "other" / "a=b")
    before = everything(tmp_path)
    outcome = halluc("clean", tmp_path / name)
    assert outcome.code == 2
    assert "error[R101]" in outcome.err
    assert everything(tmp_path) == before


def test_a_damaged_run_is_reported_and_left(tmp_path):
    run = make_run(tmp_path / "x" / NAME)
    add_checkpoints(run)
    (run.path / "run.json").write_text("{")
    before = everything(tmp_path)
    (left,) = cleaning.clean(tmp_path / "x", dry_run=False).left
    assert left.path == NAME
    assert "cannot be read" in left.reason
    assert everything(tmp_path) == before


def test_the_command_reports_sizes_reasons_and_the_total(tmp_path, halluc):
    run = make_run(tmp_path / "x" / NAME)
    add_checkpoints(run, 2_000_000)
    told = halluc("clean", tmp_path / "x", "--dry-run")
    assert told.code == 0
    lines = told.err.splitlines()
    assert lines[0].startswith(f"would delete   2.0 MB  {run.checkpoints / 'best-00000005'}  (the training is finished")
    assert lines[-1] == "6.0 MB would be freed: 3 items in 1 run"
    found = CleanResult.model_validate(json.loads(halluc("clean", tmp_path / "x", "--dry-run", "--json").out))
    assert found.bytes == 6_000_000
    assert halluc("clean", run.path, "-q").err == "6.0 MB freed: 3 items in 1 run\n"


@given(
    name=st.from_regex(r"\.?[a-z.]{0,6}(\.[0-9]{1,12})?\.?(tmp|old|json)?", fullmatch=True).filter(
        lambda n: n not in ("", ".", "..") and "/" not in n
    )
)
def test_only_names_of_atomic_writes_are_leftovers(name, tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs") / NAME)
    file = run.path / name
    if file.exists():
        return
    file.write_text("x")
    age(file)
    gone = deleted(cleaning.clean(run.path, dry_run=False))
    parts = name.split(".")
    ours = name.startswith(".") and len(parts) >= 4 and parts[-2].isdigit() and parts[-1] in ("tmp", "old")
    assert not gone or (gone == [name] and ours)


def test_fitted_models_are_removed_after_a_day_without_use(tmp_path):
    """Not one that a process holds, and neither paid answers nor a fit that was interrupted."""
    make_run(tmp_path / "x" / NAME)
    home = tmp_path / directory.FITTED
    for name in ("lm_synthesis-1", "lm_synthesis-2", "lm_synthesis-3", "llm_synthesis-4", "gan-5.checkpoints"):
        (home / name).mkdir(parents=True)
        (home / name / ("fitted.json" if name.startswith("lm") else "other")).write_text("12345")
        (home / f"{name}.lock").write_text("")
    other = make_run(home / "cross-fit-6" / "part-1-of-2").path
    before = time.time() - cleaning.UNUSED - 60
    for path in (*home.iterdir(), other / "run.json"):
        if path.name != "lm_synthesis-2":
            os.utime(path, (before, before))
    with locked(home / "lm_synthesis-3.lock", home / "lm_synthesis-3"):
        result = cleaning.clean(tmp_path, dry_run=False)
    assert deleted(result) == [".fitted/cross-fit-6", ".fitted/lm_synthesis-1"]
    kept = [item.path for item in result.left]
    assert kept == [
        f".fitted/{n}" for n in ("gan-5.checkpoints", "llm_synthesis-4", "lm_synthesis-2", "lm_synthesis-3")
    ]
    assert {*deleted(cleaning.clean(tmp_path, dry_run=False))} == {".fitted/lm_synthesis-3"}
