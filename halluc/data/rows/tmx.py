"""Translation memories in TMX: a row for each unit, with its text in every language that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from halluc.data.rows.row import BadLine, Row

# The field of a row that has the texts.
VARIANTS = "variants"
# Attributes in which a variant names its language: TMX 1.4, and versions before.
_LANGUAGE = ("xml:lang", "lang")
# Markup inside of a segment whose content is code of another format, and no text.
_CODE = frozenset(("bpt", "ept", "it", "ph", "ut"))
_MEND = "mend the file: is it whole, and TMX?"


def units(chunks: Iterable[str | BadLine], file: str) -> Iterator[Row | BadLine]:
    """Rows with ``id`` (where the unit has one) and ``variants``, texts by language in lower case, in order.

    Where a unit has several variants of a language the first one counts. What is no well-formed XML ends the rows.
    """
    parser = _Units(file)
    try:
        for chunk in chunks:
            if isinstance(chunk, BadLine):
                yield chunk
                return
            yield from parser.rows(chunk)
        yield from parser.rows("", final=True)
    except expat.ExpatError as error:
        problem = f"not readable as XML: {expat.ErrorString(error.code)}"
        yield BadLine("D107", file, error.lineno, problem, _MEND)
    except _DeclaresEntities as error:
        yield BadLine("D107", file, error.line, "the file declares entities", "write the characters themselves")


class _DeclaresEntities(Exception):
    """Entities may stand for texts of any length, so that none is read."""

    def __init__(self, line: int) -> None:
        self.line = line


class _Units:
    def __init__(self, file: str) -> None:
        self._file = file
        self._done: list[Row] = []
        self._unit: dict[str, str] = {}
        self._id: str | None = None
        self._line, self._number, self._codes = 1, 0, 0
        self._language = ""
        self._text: list[str] | None = None
        parser = self._parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = self._entity

    def rows(self, chunk: str, *, final: bool = False) -> Iterator[Row]:
        self._parser.Parse(chunk, final)
        yield from self._done
        self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tu":
            self._unit, self._id, self._line = {}, attributes.get("tuid"), self._parser.CurrentLineNumber
            self._number += 1
        elif name == "tuv":
            given = next((attributes[one] for one in _LANGUAGE if one in attributes), "")
            self._language = given.lower()
        elif name == "seg":
            self._text = []
        elif name in _CODE:
            self._codes += 1

    def _end(self, name: str) -> None:
        if name == "seg" and self._text is not None:
            self._unit.setdefault(self._language, "".join(self._text))
            self._text = None
        elif name in _CODE:
            self._codes -= 1
        elif name == "tu":
            fields = {VARIANTS: self._unit, **({} if self._id is None else {"id": self._id})}
            self._done.append(Row(self._file, self._line, fields, number=self._number))

    def _characters(self, text: str) -> None:
        if self._text is not None and not self._codes:
            self._text.append(text)

    def _entity(self, *_: object) -> None:
        raise _DeclaresEntities(self._parser.CurrentLineNumber)
