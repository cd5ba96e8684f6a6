"""WordNet (Miller 1995; Fellbaum 1998) read from its own database files, in the format of its manual, wndb(5)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple

from halluc.augmentation.language.wordnet_files import PARTS_OF_SPEECH, Buffer, Database

PartOfSpeech = Literal["noun", "verb", "adj", "adv"]

# The first digit of a sense key after its lemma; satellites of adjectives are adjectives.
_OF_DIGIT: Mapping[bytes, PartOfSpeech] = {b"1": "noun", b"2": "verb", b"3": "adj", b"4": "adv", b"5": "adj"}
# A single word and the digit of its sense key, and a count above 0 at the end of the line.
_SENSE = re.compile(rb"\n([^%\n_]+)%(\d)[^\n]* ([1-9]\d*)(?=\r?\n)")


class Member(NamedTuple):
    """A word of a synset as WordNet writes it, with "_" between its parts, and an adjective's marker: a, p or ip."""

    word: str
    marker: str


class WordNet:
    """The single words of WordNet, their senses and tag counts.

    Creating it reads the indexes (about 0.3 s); the rest is read on demand.
    """

    def __init__(self, database: Database) -> None:
        self._index = {part: _index(database.read(f"index.{part}")) for part in PARTS_OF_SPEECH}
        self._data = {part: _parts_with_offsets(database.parts(f"data.{part}")) for part in PARTS_OF_SPEECH}
        self._counts = _tag_counts(database.read("index.sense") or database.read("cntlist.rev"))
        self.exceptions: dict[PartOfSpeech, dict[str, tuple[str, ...]]] = {
            part: _exceptions(database.read(f"{part}.exc")) for part in _OF_DIGIT.values()
        }

    def has(self, lemma: str, part: PartOfSpeech) -> bool:
        return lemma in self._index[part]

    def synsets(self, lemma: str, part: PartOfSpeech) -> Iterator[tuple[Member, ...]]:
        """The members of each synset of a lemma, most frequently tagged sense first."""
        fields = self._fields(lemma, part)
        for offset in fields[-int(fields[1]) :] if fields else ():
            yield self._members(int(offset), part)

    def frequency(self, lemma: str, part: PartOfSpeech) -> int:
        """How often the senses of a lemma were tagged in WordNet's corpora; the number of its tagged senses if no file
        has these counts."""
        fields = self._fields(lemma, part)
        if not fields:
            return 0
        if self._counts is None:
            return int(fields[-int(fields[1]) - 1])
        return self._counts.get((lemma, part), 0)

    def _fields(self, lemma: str, part: PartOfSpeech) -> list[str]:
        """A line of the index after its lemma: part of speech, number of synsets, …, tagged senses, synsets."""
        return self._index[part].get(lemma, "").split()

    def _members(self, offset: int, part: PartOfSpeech) -> tuple[Member, ...]:
        start, buffer = next((start, buffer) for start, buffer in reversed(self._data[part]) if start <= offset)
        end = buffer.find(b"\n", offset - start)
        fields = buffer[offset - start : end if end >= 0 else None].split(b" ")
        words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        return tuple(_member(word.decode()) for word in words)


@lru_cache(maxsize=2)
def open_wordnet(database: Database) -> WordNet:
    """WordNet at a location, read once per process."""
    return WordNet(database)


def _index(buffer: Buffer) -> dict[str, str]:
    """Each single word with its line; lines that begin with a space are the licence."""
    result: dict[str, str] = {}
    for line in buffer[:].decode().split("\n"):
        lemma, _, rest = line.partition(" ")
        if lemma and "_" not in lemma:
            result[lemma] = rest
    return result


def _parts_with_offsets(parts: list[Buffer]) -> list[tuple[int, Buffer]]:
    """The parts of a data file with the byte offset of each; a synset's line begins with its own offset."""
    return [(int(part[:8]) if number else 0, part) for number, part in enumerate(parts)]


def _member(word: str) -> Member:
    stem, _, marker = word.partition("(")
    return Member(stem, marker.removesuffix(")"))


def _exceptions(buffer: Buffer) -> dict[str, tuple[str, ...]]:
    """Irregular forms with their lemmas."""
    lines = (line.decode().split() for line in buffer[:].split(b"\n"))
    return {fields[0]: tuple(fields[1:]) for fields in lines if len(fields) > 1}


def _tag_counts(buffer: Buffer) -> dict[tuple[str, PartOfSpeech], int] | None:
    """How often each single word was tagged as each part of speech; a line is a sense key, …, and its count."""
    if not buffer:
        return None
    result: dict[tuple[str, PartOfSpeech], int] = {}
    for lemma, digit, count in _SENSE.findall(b"\n" + buffer[:] + b"\n"):
        part = _OF_DIGIT.get(digit)
        if part is not None:
            key = lemma.decode(), part
            result[key] = result.get(key, 0) + int(count)
    return result
