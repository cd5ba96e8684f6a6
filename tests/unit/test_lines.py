"""The lines of files that nobody vouches for: bounded in memory and time, and told with their place."""

from __future__ import annotations

import gzip
import os
import socket
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.errors import HallucError
from halluc.data import corpora
from halluc.data.corpora import read_corpora
from halluc.data.rows import compressed, lines
from halluc.data.rows.lines import LineSplitter
from halluc.data.rows.references import resolve
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import BLOCK, STANDARD_INPUT, TextStream, numbered_lines, opened, watched
from halluc.data.word_files import read_gazetteer
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.token_classification.reading.config import SpansConfig


def told(path: Path, most: int = 1 << 24) -> list:
    with path.open("rb") as file:
        return [(one.line, one.code) if isinstance(one, BadLine) else one for one in TextStream(file, "f", most)]


@given(st.lists(st.binary(max_size=12)), st.integers(1, 8))
def test_blocks_are_cut_into_the_lines_that_they_hold(blocks, most):
    content = b"".join(blocks)
    whole = content.removesuffix(b"\n").split(b"\n") if content else []
    splitter, found = LineSplitter("f", most), []
    pieces = [content[at : at + most] for at in range(0, len(content), most)]
    for block in [*pieces, b""]:
        for chunk in splitter.split(block):
            found += [None] if chunk is None else chunk.removesuffix(b"\n").split(b"\n")
    assert found == [line if len(line) <= most else None for line in whole]


@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_that_is_too_long_is_reported_and_the_others_are_read(tmp_path, zipped):
    content = b"one\n" + b"x" * 5000 + b"\nthree\r\n" + b"y" * 2048 + b"\n" + b"z" * 2049
    (tmp_path / "f").write_bytes(gzip.compress(content) if zipped else content)
    assert told(tmp_path / "f", 2048) == [(1, "one"), (2, "D114"), (3, "three"), (4, "y" * 2048), (5, "D114")]


def test_a_byte_that_is_not_utf_8_spoils_its_line_alone(tmp_path):
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfone\ntwo\xff\nthree\r\n\n")
    assert told(tmp_path / "f") == [(1, "one"), (2, "D104"), (3, "three"), (4, "")]


def test_a_file_without_a_line_end_takes_little_memory_and_is_no_file_of_text(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_MOST_SKIPPED", 1 << 22)
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(1 << 30)  # zeros that take no room
    config = SpansConfig(format="conll", train=str(path), max_line_bytes=1 << 20, on_bad_line="skip")
    tracemalloc.start()
    with pytest.raises(HallucError, match="a line of more than 4,194,304 bytes: nothing after it is read") as caught:
        read_corpora(config, TABLE)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert (caught.value.code, str(caught.value.where)) == ("D114", f"{path}:1")


def test_gzip_that_unpacks_too_far_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(compressed, "_ALWAYS_UNPACKED", 1 << 18)
    path = tmp_path / "a bomb.gz"
    path.write_bytes(gzip.compress(b"a O\n\n" * 100_000))
    with pytest.raises(HallucError, match="more than 100 times its size") as caught:
        list(numbered_lines(path, str(path)))
    help = f"if you trust it, unpack it and use the new file: `gzip -dc < '{path}' > '{tmp_path / 'a bomb'}'`"
    assert (caught.value.code, caught.value.help) == ("D103", help)
    (tmp_path / "a bomb").touch()  # never to be overwritten
    with pytest.raises(HallucError) as caught:
        list(numbered_lines(path, str(path)))
    assert f"> '{tmp_path / 'a bomb.unpacked'}'`" in caught.value.help
    with path.open("rb") as file, pytest.raises(HallucError, match="more than 100 times its size") as caught:
        list(TextStream(file, STANDARD_INPUT))
    assert caught.value.help == "if you trust it, unpack it in the pipe with `gzip -dc`"
    path.write_bytes(gzip.compress(os.urandom(1 << 18).hex().encode()))
    assert len(told(path)) == 1


def test_the_bytes_that_are_read_are_counted(tmp_path):
    path, counted = tmp_path / "f", []
    path.write_bytes(b"word\n" * BLOCK)
    with watched(counted.append):
        assert len(told(path)) == BLOCK
    assert sum(counted) == 5 * BLOCK
    assert told(path)
    assert sum(counted) == 5 * BLOCK


def special(kind: str, folder: Path) -> Path:
    path = folder / kind.replace(" ", "-")
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    elif kind == "a folder":
        path.mkdir()
    else:
        return Path({"a character device": "/dev/zero", "a kernel file": "/proc/self/status"}[kind])
    return path


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a folder", "a character device", "a kernel file"])
def test_what_is_no_regular_file_is_never_read(tmp_path, kind):
    path = special(kind, tmp_path)
    out_of_scope = TextsConfig(format="texts", test="demo:intents", out_of_scope=str(path))
    calls = [
        lambda: resolve(str(path), "train"),
        lambda: resolve(f"{path}#train", "train"),
        lambda: read_gazetteer(str(path), ["PER"]),
        lambda: read_corpora(out_of_scope, TABLE),
    ]
    if kind != "a named pipe":
        calls.append(lambda: opened(path).__enter__())
    for call in calls:
        with pytest.raises(HallucError) as caught:
            call()
        assert (caught.value.code, caught.value.exit_code) == ("D101", 3)
        assert caught.value.message == f"{path} is not a regular file ({kind})"
        assert caught.value.help


def test_a_json_document_is_bounded_too(tmp_path):
    path = tmp_path / "d.json"
    path.write_text('{"train": [\n' + ",\n".join(['["a text", "label"]'] * 99) + f',["{"x" * 3000}", "label"]]}}')
    with pytest.raises(HallucError, match="an item of more than 1,024 characters") as caught:
        read_corpora(TextsConfig(format="texts", train=str(path), max_line_bytes=1024), TABLE)
    assert caught.value.code == "D114"
    assert len(read_corpora(TextsConfig(format="texts", train=str(path)), TABLE).splits["train"]) == 100


@pytest.mark.parametrize("on_bad_line", ["error", "skip"])
def test_a_file_of_bad_lines_alone_is_not_read_to_its_end(tmp_path, monkeypatch, on_bad_line):
    monkeypatch.setattr(corpora, "_MOST_BROKEN", 20)
    path = tmp_path / "f"
    path.write_text("a O\n\n" + "bad\n" * 1000)
    with pytest.raises(HallucError, match="1 column, but 2 are needed; 31 lines could not be read so far") as caught:
        read_corpora(SpansConfig(format="conll", train=str(path), on_bad_line=on_bad_line), TABLE)
    assert (caught.value.code, str(caught.value.where)) == ("D105", f"{path}:3:1")
