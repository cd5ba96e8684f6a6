from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from halluc.core import files
from halluc.core.characters import printable
from halluc.core.errors import EXIT_ENVIRONMENT, HallucError, Location, render
from halluc.core.files import (
    TO_OUTPUT,
    elsewhere,
    irregular,
    json_line,
    recover,
    replace_folder,
    replace_link,
    replacing,
    write_json,
    write_jsonl,
    write_text,
)


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError, match="half way"), replacing(path) as file:
        file.write("half")
        raise RuntimeError("half way")
    assert json.loads(path.read_text()) == {"a": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_numbers_that_are_no_json_are_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.json"
    write_json(path, 1)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HallucError) as caught:
        write_json(path, 2)
    assert caught.value.exit_code == EXIT_ENVIRONMENT
    assert str(path) in caught.value.message
    assert "No space left" in caught.value.message
    assert path.read_text() == "1\n"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_folder_is_swapped_whole(tmp_path):
    folder = tmp_path / "model"
    replace_folder(folder, lambda f: (f / "a").write_text("1"))
    replace_folder(folder, lambda f: (f / "b").write_text("2"))
    assert [p.name for p in folder.iterdir()] == ["b"]

    def breaks(f):
        (f / "c").write_text("3")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        replace_folder(folder, breaks)
    assert [p.name for p in folder.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_files_of_a_folder_can_be_read_by_those_who_can_read_the_folder(tmp_path):
    def fill(folder):
        (folder / "private").touch(mode=0o600)  # as safetensors writes its files

    replace_folder(tmp_path / "x", fill)
    folder, file = (tmp_path / "x").stat().st_mode, (tmp_path / "x" / "private").stat().st_mode
    assert file & 0o777 == folder & 0o666


@pytest.mark.parametrize("text", ["\ud800", "a\u2028b", "a\u0085b", "\x00", "é名"])
def test_any_text_becomes_one_readable_line(tmp_path, text):
    line = json_line({"a": text})
    assert len(line.splitlines()) == 1
    assert json.loads(line) == {"a": text}
    assert write_jsonl(tmp_path / "x.jsonl", [{"a": text}]) == 1


def test_an_error_shows_code_place_caret_and_help():
    where = Location("c.yaml", 6, 3, 9, "  batchsize: 16")
    told = render(HallucError("C101", "unknown key `train.batchsize`", where, "did you mean `batch_size`?"))
    assert told.splitlines() == [
        "error[C101]: unknown key `train.batchsize`",
        "  --> c.yaml:6:3",
        "   |",
        " 6 |   batchsize: 16",
        "   |   ^^^^^^^^^",
        "   = help: did you mean `batch_size`?",
    ]


def test_a_line_of_megabytes_is_cut_around_its_place():
    told = render(HallucError("D1", "x", Location("f", 1, 500_000, 3, "a" * 499_999 + "bad" + "c" * 500_000)))
    assert len(told) < 600
    excerpt, carets = told.splitlines()[3:5]
    assert excerpt[carets.index("^") : carets.rindex("^") + 1] == "bad"


def test_control_characters_cannot_act_on_the_terminal():
    assert printable("a\x1b[31mb\u202ec\x07") == "a\\u001b[31mb\\u202ec\\u0007"
    assert printable("名 é\n") == "名 é\n"


def test_the_caret_is_under_its_column_after_escapes_and_wide_characters():
    for before, room in (("ab", 2), ("名前", 4), ("\x1b", 6), ("e\u0301", 1)):
        told = render(HallucError("D1", "x", Location("f", 1, len(before) + 1, 3, before + "bad")))
        assert told.splitlines()[-1] == "   | " + " " * room + "^^^"


def test_a_folder_stopped_between_its_two_renames_comes_back(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    replace_folder(folder, lambda f: (f / "a").write_text("1"))
    rename = Path.rename

    def stops(self, target):
        if self.name.endswith(".tmp"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stops)
    with pytest.raises(KeyboardInterrupt):
        replace_folder(folder, lambda f: (f / "b").write_text("2"))
    assert [p.name for p in folder.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_what_a_killed_process_left_is_put_right(tmp_path):
    for name in (".model.7.old", ".model.7.tmp", ".best.8.old", "best"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name.strip(".")).write_text("")
    (tmp_path / ".run.json.9.tmp").write_text("{")
    recover(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best", "model"]
    assert (tmp_path / "model" / "model.7.old").exists()
    assert (tmp_path / "best" / "best").exists()


ELSEWHERE = "choose another `runs_dir`"


@pytest.mark.parametrize(
    ("number", "helps"),
    [
        (errno.ENOSPC, "free disk space, or {}"),
        (errno.EDQUOT, "free disk space, or {}"),
        (errno.EROFS, "{}"),
        (errno.EACCES, "you have no write permission there: get it, or {}"),
        (errno.EIO, "{}"),
    ],
)
def test_what_helps_depends_on_the_cause_and_the_command(tmp_path, monkeypatch, number, helps):
    def failing(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)

    def help_of() -> str:
        with pytest.raises(HallucError) as caught:
            write_json(tmp_path / "x.json", 2)
        assert caught.value.code == "E401"
        return caught.value.help

    assert help_of() == helps.format(ELSEWHERE)
    with elsewhere(TO_OUTPUT):
        assert help_of() == helps.format("choose another path for `--output`")
    assert help_of() == helps.format(ELSEWHERE)


def test_what_is_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x.json", tmp_path / "file" / "sub" / "x.json"):
        with pytest.raises(HallucError) as caught:
            write_json(path, 1)
        assert caught.value.help.startswith(f"{tmp_path / 'file'} is a file where a folder should be")
    with pytest.raises(HallucError) as caught:
        write_json(tmp_path / "folder", 1)
    assert caught.value.help == f"{tmp_path / 'folder'} is a folder where a file should be: move it away"


def test_a_forbidden_folder_is_an_error_and_no_traceback():
    with pytest.raises(HallucError, match="cannot write"), replacing(Path("/proc/no/such/folder/x")):
        pass


def test_what_is_no_regular_file_is_named(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("/dev/zero")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    listening.close()
    found = {name: irregular(tmp_path / name) for name in ("pipe", "file", "link", "socket", "absent", "")}
    assert found == {
        "pipe": "a named pipe", "file": None, "link": "a character device", "socket": "a socket", "absent": None,
        "": "a folder",
    }  # fmt: skip
    assert irregular(Path("/proc/self/status")) == "a kernel file"
    assert irregular(Path("nul\0byte")) is None


# --- leftovers -------------------------------------------------------------------------------------------------

WRITES = """
import sys
from pathlib import Path
from halluc.core.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(sys.argv[2])
    file.flush()
    print("half", flush=True)
    sys.stdin.read()
"""


def writer(path: Path, text: str) -> subprocess.Popen[str]:
    """A process that has written half of the file."""
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-c", WRITES, str(path), text], stdin=pipe, stdout=pipe, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half\n"
    return process


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_next_writer_removes_what_killed_ones_left_and_spares_the_living(tmp_path):
    path = tmp_path / "out [1].jsonl"
    killed, living = writer(path, "killed"), writer(path, "living")
    killed.kill()
    killed.communicate()
    left, at_work = (f".{path.name}.{process.pid}.tmp" for process in (killed, living))
    assert names(tmp_path) == {left, at_work}
    write_text(path, "mine")
    assert names(tmp_path) == {path.name, at_work}
    living.communicate("")
    assert names(tmp_path) == {path.name}
    assert path.read_text() == "living"


def test_what_belongs_to_another_file_is_no_leftover_of_this_one(tmp_path):
    others = {
        ".other.7.tmp",
        ".x.json.7.old",
        ".x.json.tmp",
        "x.json.7.tmp",
        ".x.json.seven.tmp",
        ".x.json.7.tmp.7.tmp",
    }
    for name in others:
        (tmp_path / name).write_text("")
    (tmp_path / ".x.json.8.tmp").mkdir()
    (tmp_path / ".x.json.9.tmp").write_text("half")
    write_json(tmp_path / "x.json", 1)
    assert names(tmp_path) == {*others, ".x.json.8.tmp", "x.json"}


def test_a_process_of_the_same_id_on_another_host_is_waited_for(tmp_path, monkeypatch):
    path = tmp_path / "x"
    living = writer(path, "living")
    monkeypatch.setattr(os, "getpid", lambda: living.pid)
    done = threading.Thread(target=write_text, args=(path, "mine"))
    done.start()
    done.join(0.3)
    assert done.is_alive()
    assert (tmp_path / f".x.{living.pid}.tmp").read_text() == "living"
    living.communicate("")
    done.join(20)
    assert path.read_text() == "mine"
    assert names(tmp_path) == {"x"}


def test_without_locks_files_are_written_and_leftovers_stay(tmp_path, monkeypatch):
    def without(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(files.fcntl, "flock", without)
    (tmp_path / ".x.7.tmp").write_text("half")
    write_text(tmp_path / "x", "a longer text")
    write_text(tmp_path / "x", "text")
    assert (tmp_path / "x").read_text() == "text"
    assert names(tmp_path) == {"x", ".x.7.tmp"}


def test_the_first_error_is_reported_though_closing_fails_too(tmp_path):
    with pytest.raises(RuntimeError, match="first"), replacing(tmp_path / "x") as file:
        file.write("half")
        os.close(file.fileno())
        raise RuntimeError("first")
    assert names(tmp_path) == set()


def test_a_link_is_a_leftover_when_it_is_old(tmp_path):
    (tmp_path / "run").mkdir()
    for name in (".latest.7.tmp", ".latest.8.tmp"):
        (tmp_path / name).symlink_to("run")
    long_ago = time.time() - 3600
    os.utime(tmp_path / ".latest.7.tmp", (long_ago, long_ago), follow_symlinks=False)
    assert replace_link(tmp_path / "latest", "run")
    assert names(tmp_path) == {"run", "latest", ".latest.8.tmp"}


def test_recovering_leaves_what_halluc_did_not_write(tmp_path):
    for name in (".notes.x.tmp", ".a.tmp", "b.7.tmp", ".c.7.tmp"):
        (tmp_path / name).write_text("")
    recover(tmp_path)
    assert names(tmp_path) == {".notes.x.tmp", ".a.tmp", "b.7.tmp"}


def test_a_folder_that_cannot_be_restored_is_not_deleted_and_the_first_error_is_reported(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    replace_folder(folder, lambda f: (f / "a").write_text("1"))
    rename = Path.rename

    def fails(self, target):
        if self.name.endswith((".tmp", ".old")):
            raise OSError(errno.EIO, f"cannot move {self.name}")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(HallucError, match=r"cannot move \.model\.\d+\.tmp"):
        replace_folder(folder, lambda f: (f / "b").write_text("2"))
    monkeypatch.setattr(Path, "rename", rename)
    recover(tmp_path)
    assert names(tmp_path) == {"model"}
    assert names(folder) == {"a"}
