"""``latest``: a link to the newest trained run, else a text file, and what may be wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.runs import directory


@pytest.fixture
def home(tmp_path):
    for name in ("one", "two"):
        (tmp_path / "x" / name / "model").mkdir(parents=True)
        (tmp_path / "x" / name / "run.json").write_text("{}")
    return tmp_path / "x"


def test_the_link_is_relative_and_moves_with_its_folder(home):
    latest.point(home / "one")
    assert (home / "latest").readlink() == Path("one")
    latest.point(home / "two")
    assert (home / "latest").readlink() == Path("two")
    moved = home.rename(home.with_name("y"))
    assert (moved / "latest/model").is_dir()
    assert sorted(path.name for path in moved.iterdir()) == ["latest", "one", "two"]


def test_a_text_file_is_written_where_links_cannot_be_made_and_a_link_takes_its_place_later(home, monkeypatch):
    def refuse(self, target, target_is_directory=False):
        raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "symlink_to", refuse)
        latest.point(home / "one")
    assert not (home / "latest").is_symlink()
    assert (home / "latest").read_text() == "one\n"
    assert latest.resolve(home / "latest/model") == home / "one/model"
    latest.point(home / "two")
    assert (home / "latest").readlink() == Path("two")


@pytest.mark.parametrize("as_link", [True, False])
@pytest.mark.parametrize("rest", ["", "model", "eval/test.json"])
def test_latest_is_replaced_by_the_run(home, as_link, rest):
    if as_link:
        latest.point(home / "two")
    else:
        (home / "latest").write_text("two\n")
    assert latest.resolve(home / "latest" / rest) == home / "two" / rest
    assert latest.resolve_text(str(home / "latest" / rest)) == str(home / "two" / rest)


def test_an_absolute_link_into_its_own_folder_is_as_good(home):
    (home / "latest").symlink_to((home / "one").resolve())
    assert latest.resolve(home / "latest") == home / "one"


def test_a_relative_path_stays_one(home, monkeypatch):
    latest.point(home / "one")
    monkeypatch.chdir(home.parent)
    assert latest.resolve(Path("x/latest/model")) == Path("x/one/model")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is damaged: it is empty"),
        (b" \n", "is damaged: it is empty"),
        (b"\xff\xfe\n", "is damaged: it is not UTF-8 text"),
        (b"gone\n", "is damaged: it points to `gone`, which does not exist"),
        (b"../../x\n", "which does not exist"),
        (b"..\n", "is outside"),
        (b"one/..\n", "is outside"),
        (b"a\0b\n", "which does not exist"),
        (b"a" * 5000, "which does not exist"),
    ],
)
def test_a_damaged_text_file_is_reported(home, content, told):
    (home / "latest").write_bytes(content)
    with pytest.raises(HallucError, match="is damaged") as caught:
        directory.open_run(home / "latest")
    assert caught.value.code == "R115"
    assert caught.value.exit_code == 2
    assert told in caught.value.message


def test_a_damaged_link_is_reported(home, tmp_path):
    pointer = home / "latest"
    for target, told in [
        ("gone", "points to `gone`, which does not exist"),
        ("latest", "points to `latest`, which does not exist"),
        (str(tmp_path / "elsewhere"), f"is outside {home}"),
        ("../elsewhere", f"is outside {home}"),
    ]:
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        (tmp_path / "elsewhere/run.json").write_text("{}")
        pointer.symlink_to(target)
        with pytest.raises(HallucError) as caught:
            latest.resolve(pointer / "model")
        assert (caught.value.code, caught.value.exit_code) == ("R115", 2)
        assert told in caught.value.message
        pointer.unlink()


def test_a_link_to_bytes_that_are_no_text_is_reported(home):
    run = home / os.fsdecode(b"\xff")
    run.mkdir()
    (run / "run.json").write_text("{}")
    (home / "latest").symlink_to(run.name)
    with pytest.raises(HallucError, match="it is not UTF-8 text"):
        latest.resolve(home / "latest")


def test_links_of_others_and_folders_of_that_name_are_left_alone(home, tmp_path):
    (tmp_path / "models/v3").mkdir(parents=True)
    (tmp_path / "models/latest").symlink_to("v3")
    (tmp_path / "latest/run").mkdir(parents=True)
    for path in (tmp_path / "models/latest", tmp_path / "latest/run", tmp_path / "absent/latest", home / "one"):
        assert latest.resolve(path) == path
    assert latest.resolve_text("hub:someone/latest") == "hub:someone/latest"


def test_a_run_is_met_once_though_latest_names_it_too(home):
    latest.point(home / "one")
    assert sorted(path.name for path in directory.folders(home)) == ["one", "two"]


def test_a_folder_in_its_way_is_reported_and_stays(home):
    (home / "latest").mkdir()
    with pytest.raises(HallucError, match="cannot write") as caught:
        latest.point(home / "one")
    assert caught.value.code == "E401"
    assert (home / "latest").is_dir()


@given(content=st.binary(max_size=40))
def test_any_content_of_the_text_file_is_a_sibling_run_or_an_error(tmp_path_factory, content):
    home = tmp_path_factory.mktemp("any")
    (home / "run").mkdir()
    (home / "latest").write_bytes(content)
    try:
        found = latest.resolve(home / "latest")
    except HallucError as error:
        assert error.code == "R115"
    else:
        assert found.parent == home
        assert found.is_dir()
