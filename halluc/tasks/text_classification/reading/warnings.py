"""Warnings if the first texts and labels look like a misread file: swapped columns, or another format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from halluc.data.rows.delimited import DELIMITERS, guess_delimiter
from halluc.data.rows.row import Row
from halluc.tasks.text_classification.labelled_text import Labelled

# How many of the first rows are examined.
_MOST_ROWS = 100
# The minimum evidence: lines that end in a label, lines that look like rows of a table, texts of a label that all begin
# with the same word.
_LEAST, _LEAST_ROWS, _LEAST_TEXTS = 3, 4, 5
# Characters before a label at the end of a line, and fastText's prefix of labels.
_BEFORE_LABELS, _PREFIX = "@|#;,", "__label__"

LabelledLines = Sequence[tuple[str, str]]


class FirstRows:
    """Labels and texts of the first rows with one label, and whether the file has `LABEL text` lines or lists."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.are_lines = self.are_lists = False

    def add(self, row: Row, example: Labelled) -> None:
        if len(self.pairs) >= _MOST_ROWS or len(example.labels) != 1:
            return
        values = list(map(str, row.fields.values()))
        self.are_lines = tuple(row.fields) == ("label", "text") and row.shown == " ".join(values)
        self.are_lists = 0 in row.fields
        self.pairs.append((example.labels[0], values[1] if self.are_lines else " ".join(example.tokens)))

    def notices(self) -> Iterator[str]:
        pairs = self.pairs
        if self.are_lists and _are_swapped(pairs):
            yield (
                "the labels have more words than the texts, and do not repeat more often: put the text first in lists; "
                "to read [label, text], set `data.text_field: 1` and `data.label_field: 0`"
            )
        if not self.are_lines:
            return
        if (do := label_at_the_end(pairs)) is not None:
            yield f"the label seems to be at the end of each line: {do}"
        elif (delimiter := _delimiter(pairs)) is not None:
            text = "tab" if delimiter == "\t" else f'"{delimiter}"'
            yield f"each line looks like a row of a table: if so, set `data.format: csv` and `data.delimiter: {text}`"
        elif (words := _label_with_blank(pairs)) is not None:
            label, word = words
            yield f"each text of the label `{label}` starts with `{word}`: a label ends at the first space of a line"


def label_at_the_end(lines: LabelledLines) -> str | None:
    """Advice if the labels of ``LABEL text`` lines seem to be at the end of lines.

    Either every line ends in a word with fastText's prefix, or every line ends in a word after the same character, and
    there are no more different last words than first words.

    Args:
        lines: the label and the text of each.
    """
    if len(lines) < _LEAST:
        return None
    if all(text.rpartition(" ")[2].startswith(_PREFIX) and not label.startswith(_PREFIX) for label, text in lines):
        return "set `data.label_position: last`"
    firsts = len({label for label, _ in lines})
    for delimiter in _BEFORE_LABELS:
        ends = [text.rpartition(delimiter)[2].strip() if delimiter in text else "" for _, text in lines]
        if all(end and " " not in end for end in ends) and len(set(ends)) <= firsts:
            return f'set `data.label_position: last` and `data.delimiter: "{delimiter}"`'
    return None


def _delimiter(lines: LabelledLines) -> str | None:
    """The delimiter that every label contains (as if each first cell had a blank), or that splits all lines alike."""
    for delimiter in DELIMITERS:
        if lines and all(delimiter in label for label, _ in lines):
            return delimiter
    if len(lines) < _LEAST_ROWS:
        return None
    return guess_delimiter([(at, f"{label} {text}") for at, (label, text) in enumerate(lines, 1)], True, (), 2)


def _label_with_blank(lines: LabelledLines) -> tuple[str, str] | None:
    """A label of several texts that all begin with the same word, and that word."""
    first_words = defaultdict(list)
    for label, text in lines:
        first_words[label].append(text.split(maxsplit=1)[0])
    alike = (
        (label, words[0]) for label, words in first_words.items() if len(words) >= _LEAST_TEXTS and len({*words}) == 1
    )
    return next(alike, None)


def _are_swapped(pairs: LabelledLines) -> bool:
    """Whether the texts look like labels: they have fewer words, and not more different values, than the labels."""
    labels, texts = zip(*pairs, strict=True) if pairs else ((), ())
    return len(set(labels)) >= len(set(texts)) and _words(labels) > _words(texts)


def _words(values: Sequence[str]) -> int:
    return sum(len(value.split()) for value in values)
