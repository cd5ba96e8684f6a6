"""What writers share: their options, the error of what a format cannot hold, and text made of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

from halluc.core.characters import is_invisible
from halluc.core.errors import HallucError, Location, data_error
from halluc.core.examples import Example
from halluc.core.labels import Scheme
from halluc.data.fields.values import written_list
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.token_classification.tagged_sentence import Tagged

MARK = "\ufeff"  # a byte order mark, which readers of plain text drop where it begins a file


@dataclass(frozen=True)
class Options:
    """How examples are written; each format uses some of these.

    ``joiner`` stands between the tokens of a text, and ``tokenize`` makes tokens of that again. ``keeps_text``: the
    tokens are the characters of the original text. ``out_of_scope`` is the label that is written where there is none.
    ``pairs`` and ``one_label`` say of a corpus of texts whether each is a pair, and whether one string can be the label
    of each.
    """

    scheme: Scheme = "iob2"
    separator: str = "\t"
    joiner: str = " "
    tokenize: str = "whitespace"
    keeps_text: bool = False
    out_of_scope: str | None = None
    pairs: bool = False
    one_label: bool = True


Files = Sequence[IO[Any]]
Write = Callable[[Files, Iterable[Any], Options], None]


@dataclass(frozen=True)
class Writer:
    """One format that holds the examples of a task.

    ``write`` is given the open files and the examples of one split. ``suffixes`` are those of its files; ``parts``, of
    a format that needs several files, that of each. ``keys`` of ``data`` read it back. ``options`` names what it uses.
    """

    summary: str
    write: Write
    suffixes: tuple[str, ...]
    keys: Mapping[str, Any] = field(default_factory=dict)
    options: frozenset[str] = frozenset()
    mode: Literal["w", "wb"] = "w"
    parts: tuple[str, ...] = ()

    def files(self, path: Path) -> list[Path]:
        """The files that hold the corpus of ``path``; readers are given the first."""
        return [path.with_suffix(part) for part in self.parts] or [path]

    def read_by(self, options: Options) -> dict[str, Any]:
        """The keys of ``data`` that read what was written under ``options``."""
        keys = dict(self.keys)
        if "scheme" in self.options and options.scheme != "iob2":
            keys["scheme"] = options.scheme
        if "separator" in self.options:
            keys["separator"] = {"\t": "tab", " ": "space"}[options.separator]
        if "join" in self.options and options.tokenize != "words":
            keys["tokenize"] = options.tokenize
        if options.pairs:
            keys["second_field"] = "second"
        if options.out_of_scope is not None:
            keys["out_of_scope_label"] = options.out_of_scope
        return keys


def unfit(example: Example, problem: str, help: str) -> HallucError:
    """D130: the format cannot hold this example, with its place."""
    where = example.origin
    return data_error("D130", problem, Location(where.file, where.line), help)


class Mention(NamedTuple):
    """A span by the characters of a text, half open."""

    start: int
    end: int
    label: str
    surface: str


def text_of(example: Tagged, options: Options) -> tuple[str, list[tuple[int, int]], list[Mention]]:
    """The tokens as one text, the bounds of each token in it, and the mentions by characters.

    Raises:
        HallucError D130: the text shows nothing, or a mention begins or ends with white space, which reads as another.
    """
    text = options.joiner.join(example.tokens)
    bounds, start = [], 0
    for token in example.tokens:
        bounds.append((start, start + len(token)))
        start += len(token) + len(options.joiner)
    if not text.strip():
        raise unfit(example, "a text of white space alone", "write jsonl, which keeps tokens")
    mentions = []
    for span in example.spans:
        start, end = bounds[span.start][0], bounds[span.end - 1][1]
        surface = text[start:end]
        if not options.keeps_text and (not surface or surface != surface.strip()):
            problem = f"the mention {surface!r} is empty, or begins or ends with white space"
            raise unfit(example, problem, "write jsonl or prodigy, which keep tokens")
        mentions.append(Mention(start, end, span.label, surface))
    return text, bounds, mentions


def texts_of(example: Labelled, options: Options) -> tuple[str, str | None]:
    """The text, and the second one of a pair.

    Raises:
        HallucError D130: one of them shows nothing, or holds a NUL, which readers of texts take for damage.
    """
    cut = len(example.tokens) if example.second is None else example.second
    first = options.joiner.join(example.tokens[:cut])
    second = None if example.second is None else options.joiner.join(example.tokens[cut:])
    for text in (first,) if second is None else (first, second):
        if is_invisible(text):
            raise unfit(example, "a text in which nothing is visible", "take it out")
        if "\0" in text:
            raise unfit(example, "a NUL character in a text", "take it out")
    return first, second


def labels_of(example: Labelled, options: Options) -> list[str]:
    """The labels of a text, or that of texts out of scope where it has none."""
    return list(example.labels) or ([] if options.out_of_scope is None else [options.out_of_scope])


def lone_label(labels: Sequence[str]) -> str | None:
    """The one label of a text; None where there is another number of them, or where it would be read as a list."""
    return labels[0] if len(labels) == 1 and written_list(labels[0]) is None else None


def each(record: Callable[[Any, Options], Any]) -> Callable[[Iterable[Any], Options], Iterator[Any]]:
    """What gives a record of one example, as what gives those of all."""

    def records(examples: Iterable[Any], options: Options) -> Iterator[Any]:
        return (record(example, options) for example in examples)

    return records
