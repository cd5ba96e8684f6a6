"""Plain texts of files: lines, tokens for training a model, and pools of texts that replace examples."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from halluc.augmentation.filters.text_hashes import exact_hash
from halluc.augmentation.methods.base import OptionError
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA, HallucError, refuse
from halluc.core.rng import Draws
from halluc.data.rows.references import refuse_unless_file
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import numbered_lines
from halluc.data.word_files import entries


class PlacedText(NamedTuple):
    place: str
    text: str


def text_lines(references: Sequence[str]) -> Iterator[PlacedText]:
    """Every line, including blank ones, with its place (file:line).

    Raises:
        HallucError D104, D114: a line that cannot be read.
    """
    for reference in references:
        for line in numbered_lines(Path(reference).expanduser(), reference):
            if isinstance(line, BadLine):
                raise line.error()
            number, text = line
            yield PlacedText(f"{reference}:{number}", text)


def refuse_missing(references: Sequence[str], key: str) -> None:
    """
    Raises:
        HallucError D101: a file, which ``key`` of the config names, does not exist, or is not a regular file.
    """
    for reference in references:
        help = f"`{key}` must list files of plain text, one text per line"
        refuse_unless_file(Path(reference).expanduser(), help)


_FORM = 'write one sentence per line; in a .jsonl file, {"text": …} or {"tokens": […]}'


def unlabelled_texts(references: Sequence[str], most: int, key: str) -> list[tuple[str, ...]]:
    """The tokens of the lines of all files, at most ``most`` lines; ``key`` is the key of the config that names them.

    Raises:
        HallucError D101, D103, D104, D114, D140: a file, or a line of it, cannot be read. OptionError D142: a file has
            no text.
    """
    lines: list[tuple[str, ...]] = []
    for reference in references:
        before = len(lines)
        errors: list[HallucError] = []
        found = entries(reference, _parse_line, _parse_object, errors, code="D140", form=_FORM)
        lines += (tokens for _, tokens in islice(found, most - len(lines)))
        refuse(errors)
        if len(lines) >= most:
            break
        if len(lines) == before:
            raise OptionError(key, "D142", f"{reference} has no texts", _FORM, EXIT_DATA)
    return lines


def _parse_line(line: str) -> tuple[str, ...] | str:
    return tuple(line.split())


def _parse_object(record: Mapping[str, Any]) -> tuple[str, ...] | str:
    """The tokens of a record, or a message."""
    tokens, text = record.get("tokens"), record.get("text")
    if isinstance(tokens, list) and tokens and all(isinstance(one, str) and one for one in tokens):
        return tuple(tokens)
    if isinstance(text, str) and text.strip():
        return tuple(text.split())
    return "neither a list of words in the field `tokens` nor a text in the field `text`"


@dataclass
class TextPool:
    """The texts of one group, and the training examples that they are drawn for, both sorted by length.

    ``keys`` has a number for each training example: see ``length_key``.
    """

    texts: list[Editable] = field(default_factory=list)
    keys: array[int] = field(default_factory=lambda: array("Q"))

    def sort(self) -> None:
        self.texts.sort(key=lambda one: len(one.tokens))
        self.keys = array("Q", sorted(self.keys))

    def draw(self, like: Editable, draws: Draws) -> Editable:
        """A text at about the same quantile of length as ``like``.

        If there are at least as many texts as training examples, each example has its own range of texts, so that no
        two get the same text. If there are fewer, half of the draws are from a wider range, and half of those from a
        still wider one, so that a further attempt may get another text.
        """
        size, examples = len(self.texts), max(1, len(self.keys))
        rank = min(bisect_left(self.keys, length_key(like)), examples - 1)
        start = rank * size // examples
        end = max(start + 1, (rank + 1) * size // examples)
        width = end - start
        while width < size < examples and draws.chance(0.5):
            width *= 4
        first = max(0, min((start + end - width) // 2, size - width))
        return self.texts[first + draws.below(min(width, size))]


def length_key(example: Editable) -> int:
    """A number that sorts examples by length, and differs between those of the same length."""
    return min(len(example.tokens), (1 << 20) - 1) << 44 | exact_hash(example.tokens) >> 20
