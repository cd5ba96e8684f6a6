"""Translation memories in TMX: a row for each unit, with its text in every language that it has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.parsers import expat

from halluc.data.rows.row import BadLine, Row

# The field of a row with the texts.
VARIANTS = "variants"
# Attributes with the language of a variant: TMX 1.4, and earlier versions.
_LANGUAGE = ("xml:lang", "lang")
# Markup in a segment whose content is code of another format, not text.
_CODE = frozenset(("bpt", "ept", "it", "ph", "ut"))
_MEND = "check that the file is complete and TMX"


def units(chunks: Iterable[str | BadLine], file: str, most: int) -> Iterator[Row | BadLine]:
    """Rows with ``id`` (if the unit has one) and ``variants``: texts by language, in lower case.

    If a unit has several variants of a language, the first one is used. The rows end at XML that is not well-formed.

    Args:
        most: maximum characters of the texts of a unit; a longer one ends the rows too.
    """
    parser = _Units(file, most)
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
    except _Refused as error:
        yield BadLine(error.code, file, error.line, error.problem, error.help)


class _Refused(Exception):
    """Well-formed XML that is not supported."""

    def __init__(self, code: str, line: int, problem: str, help: str) -> None:
        self.code, self.line, self.problem, self.help = code, line, problem, help


class _Units:
    def __init__(self, file: str, most: int) -> None:
        self._file, self._most, self._size = file, most, 0
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
        parser.SkippedEntityHandler = self._skipped

    def rows(self, chunk: str, *, final: bool = False) -> Iterator[Row]:
        problem = None
        try:
            self._parser.Parse(chunk, final)
        except (expat.ExpatError, _Refused) as error:
            problem = error
        yield from self._done  # including the units before the problem
        self._done.clear()
        if problem is not None:
            raise problem

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "tu":
            self._unit, self._id, self._line = {}, attributes.get("tuid"), self._parser.CurrentLineNumber
            self._number += 1
            self._size = 0
        elif name == "tuv":
            given = next((attributes[one] for one in _LANGUAGE if one in attributes), "")
            self._language = given.lower()
            self._count(len(given) + 1)
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
            self._count(len(text))
            self._text.append(text)

    def _count(self, characters: int) -> None:
        self._size += characters
        if self._size > self._most:
            problem = f"a unit of more than {self._most:,} characters"
            raise _Refused("D114", self._line, problem, "split it into several units, or raise `data.max_line_bytes`")

    def _entity(self, *_: object) -> None:
        # Entities may expand to texts of any length.
        line = self._parser.CurrentLineNumber
        raise _Refused("D107", line, "the file declares entities", "replace entities by the characters")

    def _skipped(self, name: str, is_parameter: bool) -> None:
        """Refuse an entity that an external DTD may declare, which expat leaves out without an error."""
        if not is_parameter:
            line = self._parser.CurrentLineNumber
            raise _Refused("D107", line, f"the entity `&{name};` is unknown", "replace it by the character")
