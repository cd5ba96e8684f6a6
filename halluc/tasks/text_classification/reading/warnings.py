"""Signs of a misread file in its first texts and labels: exchanged columns, a header, another format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from halluc.data.rows.delimited import DELIMITERS, guess_delimiter
from halluc.data.rows.row import Row
from halluc.tasks.text_classification.labelled_text import Labelled

# How many first rows are compared; how many lines show the position of labels; how many show that they are rows of a
# table; and how many texts of a label that begin alike show that the label continues in the text.
_MOST_ROWS, _LEAST, _LEAST_ROWS, _LEAST_TEXTS = 100, 3, 4, 5
# What precedes labels at the end of a line, and fastText's prefix of labels.
_BEFORE_LABELS, _MARK = "@|#;,", "__label__"

LabelledLines = Sequence[tuple[str, str]]


class FirstRows:
    """Labels and texts of the first rows with one label each, and whether they are lines or lists."""

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
        """Warnings about them."""
        pairs = self.pairs
        if self.are_lists and _are_exchanged(pairs):
            what = (
                "the labels have more words than the texts, and do not repeat more often: put the text first in lists"
            )
            yield f"{what}; to read [label, text], set `data.text_field: 1` and `data.label_field: 0`"
        if not self.are_lines:
            return
        if (do := label_at_the_end(pairs)) is not None:
            yield f"the label seems to be at the end of each line: {do}"
        elif (result := _delimiter(pairs)) is not None:
            text = "tab" if result == "\t" else f'"{result}"'
            yield f"each line looks like a row of a table: if so, set `data.format: csv` and `data.delimiter: {text}`"
        elif (words := _label_with_blank(pairs)) is not None:
            label, word = words
            yield f"each text of the label `{label}` starts with `{word}`: a label ends at the first space of a line"


def label_at_the_end(lines: LabelledLines) -> str | None:
    """Advice if the labels of ``LABEL text`` lines seem to be at the end of lines.

    This is the case if every line ends in the same character and a word, and there are no more such words than first
    words; or if every line ends in a label with fastText's prefix.

    Args:
        lines: the label and the text of each.
    """
    if len(lines) < _LEAST:
        return None
    if all(text.rpartition(" ")[2].startswith(_MARK) and not label.startswith(_MARK) for label, text in lines):
        return "set `data.label_position: last`"
    firsts = len({label for label, _ in lines})
    for delimiter in _BEFORE_LABELS:
        ends = [text.rpartition(delimiter)[1:] for _, text in lines]
        known = all(result and end.strip() and " " not in end.strip() for result, end in ends)
        if known and len({end.strip() for _, end in ends}) <= firsts:
            return f'set `data.label_position: last` and `data.delimiter: "{delimiter}"`'
    return None


def _delimiter(lines: LabelledLines) -> str | None:
    """The delimiter that every label contains, as if the first cell has a blank, or that splits all lines alike."""
    for delimiter in DELIMITERS:
        if lines and all(delimiter in label for label, _ in lines):
            return delimiter
    if len(lines) < _LEAST_ROWS:
        return None
    return guess_delimiter([(at, f"{label} {text}") for at, (label, text) in enumerate(lines, 1)], True, (), 2)


def _label_with_blank(lines: LabelledLines) -> tuple[str, str] | None:
    """A label of several texts that all begin with the same word, and that word."""
    begins = defaultdict(list)
    for label, text in lines:
        begins[label].append(text.split(maxsplit=1)[0])
    alike = ((label, words) for label, words in begins.items() if len(words) >= _LEAST_TEXTS and len({*words}) == 1)
    return next(((label, words[0]) for label, words in alike), None)


def _are_exchanged(pairs: LabelledLines) -> bool:
    """Whether the texts rather seem to be labels: fewer words, and fewer different ones."""
    labels, texts = zip(*pairs, strict=True) if pairs else ((), ())
    return len(set(labels)) >= len(set(texts)) and _words(labels) > _words(texts)


def _words(values: Sequence[str]) -> int:
    return sum(len(value.split()) for value in values)
