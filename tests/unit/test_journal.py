"""Files that survive a kill up to the last commit, and the shares of several machines."""

from __future__ import annotations

import errno
import json
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.pipeline import journal as journalling
from halluc.augmentation.pipeline.journal import Journal
from halluc.augmentation.pipeline.shards import Shard, finished_shards
from halluc.core.errors import HallucError

NAMES = ("a.jsonl", "b.jsonl")


def begun(folder: Path, fingerprint: str = "f") -> Journal:
    return Journal(folder, NAMES, fingerprint)


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """A journal with two committed lines, and one written after the last commit."""
    with begun(tmp_path) as journal:
        journal.write("a.jsonl", "1")
        journal.write("b.jsonl", '"é"')
        journal.commit({"next": 7})
        journal.write("a.jsonl", "22")
    return tmp_path


def test_what_was_not_committed_is_cut_off(committed):
    assert (committed / "a.jsonl").read_text() == "1\n22\n"
    with begun(committed) as journal:
        assert journal.state == {"next": 7}
        assert list(journal.lines("a.jsonl")) == [1]
        assert list(journal.lines("b.jsonl")) == ["é"]
        journal.write("a.jsonl", "3")
        journal.commit({"next": 8})
    assert (committed / "a.jsonl").read_bytes() == b"1\n3\n"
    assert (committed / "b.jsonl").read_bytes() == '"é"\n'.encode()


def test_a_kill_before_the_first_commit_starts_anew(tmp_path):
    with begun(tmp_path) as journal:
        journal.write("a.jsonl", "1")
    with begun(tmp_path) as journal:
        assert journal.state == {}
        journal.write("a.jsonl", "2")
    assert (tmp_path / "a.jsonl").read_text() == "2\n"


def damage_progress(folder: Path) -> None:
    (folder / "progress.json").write_text('{"fingerprint": "f", ')


def lose_a_file(folder: Path) -> None:
    (folder / "b.jsonl").unlink()


def shorten_a_file(folder: Path) -> None:
    (folder / "a.jsonl").write_text("")


def forget_a_size(folder: Path) -> None:
    known = json.loads((folder / "progress.json").read_text())
    del known["sizes"]["b.jsonl"]
    (folder / "progress.json").write_text(json.dumps(known))


def be_no_mapping(folder: Path) -> None:
    (folder / "progress.json").write_text("[1]")


@pytest.mark.parametrize("harm", [damage_progress, lose_a_file, shorten_a_file, forget_a_size, be_no_mapping])
def test_a_journal_that_cannot_be_trusted_is_begun_anew(committed, harm):
    harm(committed)
    with begun(committed) as journal:
        assert journal.state == {}
    assert [(committed / name).read_bytes() for name in NAMES] == [b"", b""]


def test_a_journal_of_other_work_is_begun_anew(committed):
    with begun(committed, "other") as journal:
        assert journal.state == {}
    assert (committed / "a.jsonl").read_bytes() == b""


def test_a_damaged_line_is_reported_with_its_number(committed):
    (committed / "a.jsonl").write_text("{\n22\n")
    with begun(committed) as journal, pytest.raises(HallucError) as caught:
        list(journal.lines("a.jsonl"))
    assert caught.value.code == "R130"
    assert "a.jsonl is damaged on line 1" in caught.value.message
    assert str(committed) in str(caught.value.help)


def test_a_commit_is_due_after_some_seconds(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(journalling.time, "monotonic", lambda: now[0])
    with begun(tmp_path) as journal:
        assert not journal.is_due()
        now[0] += 5.5
        assert journal.is_due()
        journal.commit({})
        assert not journal.is_due()


def test_a_full_disk_is_reported_with_the_file(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with begun(tmp_path) as journal:
        monkeypatch.setattr(journalling.os, "fsync", full)
        with pytest.raises(HallucError, match=r"a\.jsonl: No space left") as caught:
            journal.commit({})
    assert (caught.value.code, caught.value.exit_code) == ("E401", 4)


def test_the_file_that_cannot_be_closed_is_reported_and_hides_no_earlier_error(tmp_path):
    for first in (None, ZeroDivisionError("first")):
        journal = begun(tmp_path).__enter__()
        journal.write("b.jsonl", "1")
        os.close(journal._files["b.jsonl"].fileno())  # what is buffered cannot be written any more
        if first is None:
            with pytest.raises(HallucError, match=r"cannot write .*b\.jsonl"):
                journal.__exit__(None, None, None)
        else:
            journal.__exit__(type(first), first, None)


# --- shards ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(1, 40))
def test_shards_share_out_all_examples_in_order_and_evenly(size, of):
    ranges = [Shard(number, of).range(size) for number in range(1, of + 1)]
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(one[1] == other[0] for one, other in pairwise(ranges))
    sizes = [last - first for first, last in ranges]
    assert max(sizes) - min(sizes) <= 1


def finish(folder: Path, number: int, of: int, lines: list[str], fingerprint: str = "f", done: bool = True) -> None:
    shard = Shard(number, of)
    with Journal(folder / shard.folder, (shard.FILE,), fingerprint) as journal:
        for line in lines:
            journal.write(Shard.FILE, json.dumps(line))
        journal.commit({"next": 1, "done": done})


def found(folder: Path) -> list[list[str]] | None:
    shards = finished_shards(folder, "f")
    return None if shards is None else [list(lines) for lines in shards]


def test_shards_are_put_together_once_all_are_done(tmp_path):
    assert found(tmp_path) is None
    finish(tmp_path, 2, 2, ["c"])
    assert found(tmp_path) is None
    finish(tmp_path, 1, 2, ["a", "b"])
    assert found(tmp_path) == [["a", "b"], ["c"]]


@pytest.mark.parametrize("spoilt", [{"fingerprint": "other"}, {"done": False}])
def test_a_shard_of_other_work_or_half_done_does_not_count(tmp_path, spoilt):
    finish(tmp_path, 1, 2, ["a"])
    finish(tmp_path, 2, 2, ["b"], **spoilt)
    assert found(tmp_path) is None


def test_a_shard_whose_file_was_cut_does_not_count(tmp_path):
    finish(tmp_path, 1, 1, ["a", "b"])
    file = tmp_path / Shard(1, 1).folder / Shard.FILE
    file.write_bytes(file.read_bytes()[:-2])
    assert found(tmp_path) is None


def test_a_complete_set_is_used_rather_than_an_incomplete_one(tmp_path):
    finish(tmp_path, 1, 3, ["x"])
    finish(tmp_path, 1, 2, ["a"])
    finish(tmp_path, 2, 2, ["b"])
    finish(tmp_path, 1, 10, ["y"])
    assert found(tmp_path) == [["a"], ["b"]]
