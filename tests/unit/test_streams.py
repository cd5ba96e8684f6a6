"""The lines of an input that nobody vouches for: cut, numbered and decoded as the readers do, however they arrive."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from halluc.config.bounds import MOST_LINE_BYTES
from halluc.core.errors import HallucError
from halluc.data.readers.base import BadLine
from halluc.data.readers.lines import BLOCK, numbered_lines
from halluc.data.streams import LineStream, opened


class Dribble(io.BufferedIOBase):
    """Gives at most ``step`` bytes at a time, and counts them."""

    def __init__(self, content: bytes, step: int = 1 << 30) -> None:
        self.content, self.step, self.given = io.BytesIO(content), step, 0

    def read1(self, size: int = -1) -> bytes:
        block = self.content.read(min(size, self.step))
        self.given += len(block)
        return block


def lines(content: bytes, step: int = 1 << 30, most: int = MOST_LINE_BYTES) -> list:
    return list(LineStream(Dribble(content, step), "input", most))


pieces = st.lists(
    st.sampled_from([b"a", b"\n", b"\r", b"\xc3\xa9", b"\xff", b"\xef\xbb\xbf", b"\x1f", b"\xe2\x80\xa8"])
)


@given(pieces.map(b"".join), st.integers(1, 5), st.booleans())
def test_lines_are_those_of_the_readers_however_they_arrive(tmp_path_factory, content, step, zipped):
    assume(not content.startswith((b"\xff\xfe", b"\xfe\xff")))
    stored = gzip.compress(content) if zipped else content
    file = tmp_path_factory.getbasetemp() / "lines"
    file.write_bytes(stored)
    assert lines(stored, step) == list(numbered_lines(file, "input"))


def test_every_line_of_utf_16_is_told(tmp_path):
    found = lines("one\ntwo".encode("utf-16"))
    assert isinstance(found[0], BadLine)
    assert "UTF-16" in (found[0].help or "")
    assert len(found) == 2


def test_what_is_cut_short_is_told_behind_what_can_be_read():
    stored = gzip.compress(b"one\ntwo\n" + os.urandom(1000))[:-200]
    *sound, damage = lines(stored, 7)
    assert sound[:2] == [(1, "one"), (2, "two")]
    assert (damage.code, damage.line) == ("D103", len(sound) + 1)
    assert [item.code for item in lines(b"\x1f\x8b\x08")] == ["D103"]


def test_a_line_that_never_ends_is_told_and_not_kept():
    found = lines(b"0123456789\n" + b"x" * 11 + b"\nshort\n" + b"y" * 100, step=3, most=10)
    assert [item if isinstance(item, tuple) else (item.line, item.code) for item in found] == [
        (1, "0123456789"), (2, "D114"), (3, "short"), (4, "D114"),
    ]  # fmt: skip


def test_no_more_is_read_than_is_asked_for():
    source = Dribble(b"one line of twenty-four\n" * 200_000)
    stream = LineStream(source, "input")
    assert len(list(itertools.islice(stream, 5000))) == 5000
    assert source.given < 5000 * 24 + 2 * BLOCK


def test_it_waits_only_where_no_whole_line_is_there():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        os.write(writer, b"one\ntwo\nthr")
        stream = LineStream(source, "pipe")
        found = iter(stream)
        assert next(found) == (1, "one")
        assert not stream.waits()
        assert next(found) == (2, "two")
        assert stream.waits()  # half a line is no line
        os.write(writer, b"ee\n")
        assert not stream.waits()
        assert next(found) == (3, "three")
        os.close(writer)
        assert not stream.waits()
        assert list(found) == []


def test_what_is_zipped_never_waits():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        lines_of_17 = b"\n".join(os.urandom(8).hex().encode() for _ in range(6000))
        os.write(writer, gzip.compress(lines_of_17)[:60_000])  # all that there is for now, and more lines than a block
        stream = LineStream(source, "pipe")
        assert not any(stream.waits() for _ in itertools.islice(stream, 5000))
        os.close(writer)


def test_a_single_byte_is_read_before_the_next_is_there():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        os.write(writer, b"\n")
        assert next(iter(LineStream(source, "pipe"))) == (1, "")
        os.close(writer)


def test_files_that_are_not_there_are_told(tmp_path):
    (tmp_path / "texts.txt").touch()
    for path, told in [(tmp_path, "is not a regular file (a folder)"), (tmp_path / "text.txt", "no such file")]:
        with pytest.raises(HallucError, match=re.escape(told)) as caught, opened(path):
            pass
        assert caught.value.exit_code == 3
    assert "did you mean `texts.txt`?" in (caught.value.help or "")
