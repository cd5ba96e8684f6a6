"""YAML with positions: PyYAML's parser with YAML 1.2 core scalars, without duplicate keys and tags.

PyYAML's own constructor reads YAML 1.1 (``NO`` is false, ``1:30`` is 90, ``5e-5`` is text), silently keeps the last of
two equal keys, and drops positions.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import accumulate
from typing import Any

import yaml

from halluc.core.errors import HallucError, Location, cut, refuse

Path = tuple[str | int, ...]

# PyYAML takes 65 microseconds per node and one per character, so these limits keep loading under ten seconds; they also
# stop an alias bomb ("billion laughs") before it fills the memory.
MOST_NODES = 50_000
MOST_CHARACTERS = 4_000_000
LONGEST_KEY = 1_000
MOST_DEPTH = 50
# A number with more digits is out of bounds for every key, and Python refuses to print some of them.
_MOST_DIGITS = 1_000

# Plain scalars that are not text: words with their values, and patterns of numbers with their parsers.
_WORDS = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], float]], ...] = (
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]+"), partial(int, base=8)),
    (re.compile(r"0x[0-9a-fA-F]+"), partial(int, base=16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)


@dataclass(frozen=True)
class Source:
    """Text to read as YAML, and its name in locations.

    For a command-line override, ``whole`` is the whole override, and ``shift`` the number of columns before the text.
    """

    name: str
    text: str
    shift: int = 0
    whole: str | None = None

    def location(self, mark: Any, end: Any = None) -> Location:
        line = bisect_right(self._starts, mark.index) - 1
        column, text = mark.index - self._starts[line], self._lines[line]
        is_within = end is not None and bisect_right(self._starts, end.index) - 1 == line
        width = end.index - mark.index if is_within else len(text) - column
        if self.whole is not None:  # a command-line override: one line, without number
            return Location(self.name, None, column + self.shift + 1, max(1, width), self.whole)
        return Location(self.name, line + 1, column + 1, max(1, width), text)

    @cached_property
    def _lines(self) -> list[str]:
        return [line.rstrip("\r") for line in self.text.split("\n")]

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of each line of the text."""
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n")[:-1])]


@dataclass
class Located:
    """A plain value, with the location of every key and every value, by path."""

    value: Any
    keys: dict[Path, Location]
    values: dict[Path, Location]

    def forget(self, path: Path) -> None:
        """Drop the locations of ``path`` and of everything below it."""
        for places in (self.keys, self.values):
            for old in [p for p in places if p[: len(path)] == path]:
                del places[old]

    def below(self, path: Path) -> Located:
        """The value at ``path`` as a separate document that shares nothing with this one."""
        value = self.value
        for part in path:
            value = value[part]
        part_of = Located(copy_tree(value), {}, {})
        for here in _paths(value, ()):
            for source, target in ((self.keys, part_of.keys), (self.values, part_of.values)):
                if (*path, *here) in source:
                    target[here] = source[(*path, *here)]
        return part_of


def copy_tree(node: Any) -> Any:
    """A copy of mappings and lists with their content; much faster than ``copy.deepcopy``."""
    if isinstance(node, dict):
        return {key: copy_tree(value) for key, value in node.items()}
    return [copy_tree(value) for value in node] if isinstance(node, list) else node


def _paths(node: Any, path: Path) -> Iterator[Path]:
    """``path`` and the paths of everything below it."""
    yield path
    if isinstance(node, (dict, list)):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _paths(value, (*path, key))


def texts(node: Any) -> Iterator[str]:
    """Every string in mappings and lists, without keys."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, (dict, list)):
        for part in node.values() if isinstance(node, dict) else node:
            yield from texts(part)


def scalar(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MOST_DIGITS:
        return text
    return next((number(text) for pattern, number in _NUMBERS if pattern.fullmatch(text)), text)


_LARGE_HELP = "a config contains settings: put data into a file and set its path in `data`"


class _Loader(yaml.SafeLoader):
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise _Endless
        return super().compose_node(parent, index)


class _Endless(Exception):
    """A document of more than ``MOST_NODES`` nodes."""


def read(source: Source) -> Located:
    """Read one document.

    Raises:
        HallucError C001 (invalid YAML), C002 (duplicate key), C003 (not allowed in configs: other features of YAML, NUL
            characters, more than ``MOST_CHARACTERS`` or ``MOST_NODES``).
    """
    if len(source.text) > MOST_CHARACTERS:
        raise HallucError("C003", f"more than {MOST_CHARACTERS:,} characters", Location(source.name), _LARGE_HELP)
    builder = _Builder(source)
    try:
        node = yaml.compose(source.text, Loader=_Loader)
        value = None if node is None else builder.build(node, ())
    except _Endless:
        raise HallucError("C003", f"more than {MOST_NODES:,} values", Location(source.name), _LARGE_HELP) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = replace(source.location(mark), width=1) if mark else None
        text = cut(" ".join(part for part in (error.context, error.problem) if part), 300)
        help = next((help for part, help in _SYNTAX_HELP.items() if part in text), None)
        raise HallucError("C001", f"not readable as YAML: {text}", where, help) from None
    except yaml.reader.ReaderError as error:
        raise HallucError(
            "C001", f"not readable as YAML: character U+{int(error.character):04X} is not allowed",
            Location(source.name), "save the file as UTF-8 text without control characters",
        ) from None  # fmt: skip
    except (ValueError, OverflowError):  # PyYAML passes such escapes to chr() unchecked
        message, help = "not readable as YAML: an escape above \\U0010FFFF", "this is the last Unicode character"
        raise HallucError("C001", message, Location(source.name), help) from None
    except RecursionError:
        raise HallucError("C001", "nested too deeply", Location(source.name)) from None
    refuse(builder.errors)
    return Located(value, builder.keys, builder.values)


class _Builder:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.keys: dict[Path, Location] = {}
        self.values: dict[Path, Location] = {}
        self.errors: list[HallucError] = []
        self.open: set[int] = set()
        self.count = 0

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        where = self.source.location(node.start_mark, node.end_mark)
        if self.count > MOST_NODES:
            raise HallucError("C003", f"more than {MOST_NODES:,} values (are aliases nested?)", where)
        if len(path) > MOST_DEPTH:
            raise HallucError("C003", f"nested too deeply: more than {MOST_DEPTH} levels", where)
        if id(node) in self.open:
            raise HallucError("C003", "an alias refers to its own parent", where)
        if isinstance(node, yaml.CollectionNode) and node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.errors.append(
                HallucError("C003", f"YAML tag `{cut(node.tag)}`", where, "configs only use plain values")
            )
        self.values[path] = where
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(node, path))
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path, where)
        finally:
            self.open.discard(id(node))

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Location] = {}
        for key_node, value_node in node.value:
            where = self.source.location(key_node.start_mark, key_node.end_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.errors.append(HallucError("C003", "a key must be a plain scalar", where))
                continue
            key = key_node.value
            if key == "<<" and key_node.style is None:
                help = "YAML 1.2 has no merge keys: put the shared part into a file and use `extends:`"
                self.errors.append(HallucError("C003", "merge key `<<`", where, help))
                continue
            if len(key) > LONGEST_KEY or unusable(key):
                what = unusable(key) or f"{len(key):,} characters, more than {LONGEST_KEY:,}"
                self.errors.append(HallucError("C003", f"the key `{cut(key)}` has {what}", where))
                continue
            if key in seen:
                help = f"it is also on line {seen[key].line}: keep one of the two"
                self.errors.append(HallucError("C002", f"duplicate key `{cut(dotted((*path, key)))}`", where, help))
                continue
            seen[key] = where
            self.keys[(*path, key)] = where
            yield key, self.build(value_node, (*path, key))

    def _scalar(self, node: yaml.Node, path: Path, where: Location) -> Any:
        text = str(node.value)
        if what := unusable(text):
            self.errors.append(HallucError("C003", f"`{cut(dotted(path))}` has {what}", where, "remove it"))
            return None
        standard = node.tag.startswith("tag:yaml.org,2002:") and node.tag != "tag:yaml.org,2002:python"
        explicit = self.source.text[node.start_mark.index : node.start_mark.index + 1] == "!"
        if explicit and node.tag == "tag:yaml.org,2002:str":
            return text
        if explicit or not standard:
            self.errors.append(
                HallucError("C003", f"YAML tag `{cut(node.tag)}`", where, "configs only use plain values")
            )
            return None
        return scalar(text) if isinstance(node, yaml.ScalarNode) and node.style is None else text


_CHECK_LINES = "check the indentation of this line and the one before it, and for a missing `:`"
# Parts of PyYAML's messages, and advice.
_SYNTAX_HELP = {
    "'\\t'": "YAML indents with spaces: replace the tab",
    "mapping values are not allowed": "quote values that contain `: `, and write each key on its own line",
    "expected <block end>": _CHECK_LINES,
    "could not find expected ':'": _CHECK_LINES,
    "expected a single document": "write one config per file: remove the `---`",
    "undefined alias": "quote values that start with `*`",
}


def unusable(text: str) -> str | None:
    """The fault that makes a text unusable as a path or in a file of a run; None if it is usable."""
    if "\0" in text:
        return "a NUL character (U+0000)"
    half = next((char for char in text if "\ud800" <= char <= "\udfff"), None) if not text.isascii() else None
    return None if half is None else f"an unpaired surrogate (U+{ord(half):04X})"


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
