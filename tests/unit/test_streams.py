"""The lines of an input that nobody vouches for: cut, numbered and decoded as the readers do, however they arrive."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import os
import re
import zipfile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from halluc.config.section import MOST_LINE_BYTES
from halluc.core.errors import HallucError
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import BLOCK, TextStream, numbered_lines, opened


class Dribble(io.BufferedIOBase):
    """Gives at most ``step`` bytes at a time, and counts them."""

    def __init__(self, content: bytes, step: int = 1 << 30) -> None:
        self.content, self.step, self.given = io.BytesIO(content), step, 0

    def read1(self, size: int = -1) -> bytes:
        block = self.content.read(min(size, self.step))
        self.given += len(block)
        return block


def lines(content: bytes, step: int = 1 << 30, most: int = MOST_LINE_BYTES) -> list:
    return list(TextStream(Dribble(content, step), "input", most))


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


def test_of_utf_16_the_first_line_is_reported_and_the_encoding_reads_it():
    content = "one\r\nzw\u00f6lf".encode("utf-16")
    [found] = lines(content)
    assert isinstance(found, BadLine)
    assert "`data.encoding: utf-16`" in (found.help or "")
    for step in (1, 3, 1 << 20):
        assert list(TextStream(Dribble(content, step), "input", encoding="utf-16")) == [(1, "one"), (2, "zw\u00f6lf")]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16-le", "utf-8-sig", "shift_jis", "big5", "koi8-r"])
def test_a_named_encoding_is_read(encoding):
    text = {"shift_jis": "\u6771\u4eac", "big5": "\u4e2d\u6587", "koi8-r": "\u041c\u0438\u0440"}.get(
        encoding, "na\u00efve"
    )
    content = f"{text}\nplain\n{text}".encode(encoding)
    assert list(TextStream(Dribble(content, 5), "input", encoding=encoding)) == [(1, text), (2, "plain"), (3, text)]


def test_a_byte_that_is_not_of_the_encoding_is_reported_with_its_line():
    with pytest.raises(HallucError, match="byte 0x81 is not cp1252") as caught:
        list(TextStream(Dribble(b"one\ntwo\n\x81", 3), "input", encoding="cp1252"))
    assert (caught.value.code, str(caught.value.where)) == ("D104", "input:3")


@pytest.mark.parametrize("step", [1, 2, 5, 1 << 20])
def test_a_carriage_return_alone_ends_lines_where_there_is_no_line_feed(step):
    assert lines(b"Anna B-PER\rwalks O\r\rOslo B-LOC\r", step) == [
        (1, "Anna B-PER"), (2, "walks O"), (3, ""), (4, "Oslo B-LOC"),
    ]  # fmt: skip
    assert lines(b"one\r\ntwo\r\n", step) == [(1, "one"), (2, "two")]
    assert lines(b"one\ntwo\rthree\n", step) == [(1, "one"), (2, "two\rthree")]


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("how", PACKERS)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_what_is_packed_is_unpacked(how, step):
    content = b"".join(b"line %d\n" % number for number in range(3000))
    packed = PACKERS[how](content)
    assert lines(packed, step) == [(number + 1, f"line {number}") for number in range(3000)]
    *_, damage = lines(packed[: len(packed) // 2], step)
    assert (damage.code, damage.problem.startswith(f"not readable as {how}")) == ("D103", True)


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)


def test_a_zip_archive_is_read_if_it_has_one_file(tmp_path):
    path = tmp_path / "data.zip"
    zipped(path, train__txt="one\ntwo\n")
    assert list(numbered_lines(path, str(path))) == [(1, "one"), (2, "two")]
    zipped(path, train__txt="one", dev__txt="two")
    with pytest.raises(HallucError, match=r"a ZIP archive with 2 files \(train.txt, dev.txt\)") as caught:
        list(numbered_lines(path, str(path)))
    assert caught.value.code == "D104"
    with pytest.raises(HallucError, match="cannot be read from a pipe"):
        lines(path.read_bytes())
    path.write_bytes(path.read_bytes()[:40])
    assert [item.code for item in numbered_lines(path, str(path))] == ["D103"]
    zipped(path, **{"[Content_Types]__xml": "x", "sheet__xml": "y"})
    with pytest.raises(HallucError, match="spreadsheet"):
        list(numbered_lines(path, str(path)))


@given(pieces.map(b"".join), st.integers(1, 9), st.integers(0, 6))
def test_chunks_hold_the_text_of_the_lines(content, step, peeked):
    stream = TextStream(Dribble(content, step), "input")
    told = list(itertools.islice(stream.peek(), peeked))
    chunks = list(stream.chunks())
    expected = lines(content, step)
    if all(isinstance(line, tuple) for line in expected) and not stream._is_utf16:
        text = "".join(chunks)
        whole = text.removesuffix("\n").split("\n") if text else []
        assert [line.removesuffix("\r") for line in whole] in ([line for _, line in expected], [""][len(expected) :])
        assert told == expected[:peeked]
    else:
        assert isinstance(chunks[-1], BadLine)


def test_truncation_is_reported_after_the_readable_part():
    stored = gzip.compress(b"one\ntwo\n" + os.urandom(1000))[:-200]
    *sound, damage = lines(stored, 7)
    assert sound[:2] == [(1, "one"), (2, "two")]
    assert (damage.code, damage.line) == ("D103", len(sound) + 1)
    assert [item.code for item in lines(b"\x1f\x8b\x08")] == ["D103"]


def test_an_endless_line_is_reported_and_not_stored():
    found = lines(b"0123456789\n" + b"x" * 11 + b"\nshort\n" + b"y" * 100, step=3, most=10)
    assert [item if isinstance(item, tuple) else (item.line, item.code) for item in found] == [
        (1, "0123456789"), (2, "D114"), (3, "short"), (4, "D114"),
    ]  # fmt: skip


def test_no_more_is_read_than_is_asked_for():
    source = Dribble(b"one line of twenty-four\n" * 200_000)
    stream = TextStream(source, "input")
    assert len(list(itertools.islice(stream, 5000))) == 5000
    assert source.given < 5000 * 24 + 2 * BLOCK


def test_it_waits_only_where_no_whole_line_is_there():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        os.write(writer, b"one\ntwo\nthr")
        stream = TextStream(source, "pipe")
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
        stream = TextStream(source, "pipe")
        assert not any(stream.waits() for _ in itertools.islice(stream, 5000))
        os.close(writer)


def test_a_single_byte_is_read_before_the_next_is_there():
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as source:
        os.write(writer, b"\n")
        assert next(iter(TextStream(source, "pipe"))) == (1, "")
        os.close(writer)


def test_files_that_are_not_there_are_reported(tmp_path):
    (tmp_path / "texts.txt").touch()
    for path, told in [(tmp_path, "is not a regular file (a folder)"), (tmp_path / "text.txt", "no such file")]:
        with pytest.raises(HallucError, match=re.escape(told)) as caught, opened(path):
            pass
        assert caught.value.exit_code == 3
    assert "did you mean `texts.txt`?" in (caught.value.help or "")
