"""YAML with positions: PyYAML's parser, YAML 1.2 core scalars, no duplicates, no tags, no surprises.

PyYAML's own constructor reads YAML 1.1 (``NO`` is false, ``1:30`` is 90, ``5e-5`` is text) and lets the last of two
equal keys win. Here the node tree is read instead, and every key and value keeps its place.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from halluc.core.errors import HallucError, Location, refuse

Path = tuple[str | int, ...]

# A config is small; the bound stops an alias bomb ("billion laughs") before it fills the memory.
MOST_NODES = 100_000

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


@dataclass(frozen=True)
class Source:
    """Text to read as YAML, and how to name places in it. ``shift`` columns stand before the text (``--set a=``)."""

    name: str
    text: str
    shift: int = 0
    whole: str | None = None

    def location(self, mark: Any, end: Any = None) -> Location:
        lines = self.text.split("\n")
        line = min(mark.line, len(lines) - 1)
        text = lines[line].rstrip("\r")
        width = (end.column - mark.column) if end is not None and end.line == mark.line else len(text) - mark.column
        if self.whole is not None:  # a command-line override: one line, no number
            return Location(self.name, None, mark.column + self.shift + 1, max(1, width), self.whole)
        return Location(self.name, line + 1, mark.column + 1, max(1, width), text)


@dataclass
class Located:
    """A plain value, with the place of every key and every value by path."""

    value: Any
    keys: dict[Path, Location]
    values: dict[Path, Location]

    def forget(self, path: Path) -> None:
        """Drop the places of ``path`` and of all below it."""
        for places in (self.keys, self.values):
            for old in [p for p in places if p[: len(path)] == path]:
                del places[old]

    def below(self, path: Path) -> Located:
        """What stands at ``path``, as a document of its own that shares nothing with this one."""
        value = self.value
        for part in path:
            value = value[part]
        keys, values = (
            {p[len(path) :]: where for p, where in places.items() if p[: len(path)] == path}
            for places in (self.keys, self.values)
        )
        return Located(copy.deepcopy(value), keys, values)


def scalar(text: str) -> Any:
    """A plain scalar by the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2)."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    if _INT.fullmatch(text):
        return int(text) if len(text) < 4000 else text
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEX.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return -math.inf if text.startswith("-") else math.inf
    if _NAN.fullmatch(text):
        return math.nan
    return text


def read(source: Source) -> Located:
    """Read one document.

    Raises:
        HallucError C001 (no YAML), C002 (duplicate key), C003 (a feature of YAML that configs do not use).
    """
    try:
        node = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = source.location(mark) if mark else None
        told = " ".join(part for part in (error.context, error.problem) if part)
        raise HallucError("C001", f"not readable as YAML: {told}", _one_wide(where), _syntax_help(told)) from None
    except yaml.reader.ReaderError as error:
        raise HallucError(
            "C001", f"not readable as YAML: character U+{int(error.character):04X} is not allowed",
            Location(source.name), "save the file as UTF-8 text without control characters",
        ) from None  # fmt: skip
    except RecursionError:
        raise HallucError("C001", "nested too deeply to read", Location(source.name)) from None
    if node is None:
        return Located(None, {}, {})
    builder = _Builder(source)
    try:
        value = builder.build(node, ())
    except RecursionError:
        raise HallucError("C001", "nested too deeply to read", Location(source.name)) from None
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
        if id(node) in self.open:
            raise HallucError("C003", "an alias refers to what contains it", where)
        collection = isinstance(node, yaml.CollectionNode)
        if collection and node.tag not in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.errors.append(HallucError("C003", f"YAML tag `{node.tag}`", where, "configs use plain values only"))
        self.values[path] = where
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return dict(self._pairs(node, path))
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, where)
        finally:
            self.open.discard(id(node))

    def _pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, Location] = {}
        for key_node, value_node in node.value:
            where = self.source.location(key_node.start_mark, key_node.end_mark)
            if not isinstance(key_node, yaml.ScalarNode):
                self.errors.append(HallucError("C003", "a key must be a plain word", where))
                continue
            key = key_node.value
            if key == "<<" and key_node.style is None:
                help = "YAML 1.2 has no merge keys: use `extends:` with a file of the shared part"
                self.errors.append(HallucError("C003", "merge key `<<`", where, help))
                continue
            if key in seen:
                help = f"it stands first on line {seen[key].line}: keep one of the two"
                self.errors.append(HallucError("C002", f"duplicate key `{dotted((*path, key))}`", where, help))
                continue
            seen[key] = where
            self.keys[(*path, key)] = where
            yield key, self.build(value_node, (*path, key))

    def _scalar(self, node: yaml.Node, where: Location) -> Any:
        text = str(node.value)
        standard = node.tag.startswith("tag:yaml.org,2002:") and node.tag != "tag:yaml.org,2002:python"
        explicit = self.source.text[node.start_mark.index : node.start_mark.index + 1] == "!"
        if explicit and node.tag == "tag:yaml.org,2002:str":
            return text
        if explicit or not standard:
            self.errors.append(HallucError("C003", f"YAML tag `{node.tag}`", where, "configs use plain values only"))
            return None
        return scalar(text) if isinstance(node, yaml.ScalarNode) and node.style is None else text


def _one_wide(where: Location | None) -> Location | None:
    return where and Location(where.file, where.line, where.column, 1, where.text)


def _syntax_help(told: str) -> str | None:
    if "'\\t'" in told:
        return "YAML indents with spaces: replace the tab"
    if "mapping values are not allowed" in told:
        return "a value that contains `: ` needs quotes, and a key needs a line of its own"
    if "expected <block end>" in told or "could not find expected ':'" in told:
        return "check the indentation of this line and the one before it, and for a missing `:`"
    if "expected a single document" in told:
        return "one config a file: remove the `---`"
    if "undefined alias" in told:
        return "a value that starts with `*` needs quotes"
    return None


def dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)
