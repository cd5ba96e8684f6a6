"""From rows to documents and their summaries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from halluc.core.examples import Origin
from halluc.data.config import Column, DataConfig
from halluc.data.fields import unpacked, value_of
from halluc.data.reader import Unmapped
from halluc.data.rows.row import Row, quoted
from halluc.tasks.summarisation.examples import DOCUMENT, SUMMARY
from halluc.tasks.summarisation.reading.config import SummariesConfig
from halluc.tasks.text_generation.reading import SourcedReader, first_with_value, reference_texts, visible_text
from halluc.tasks.text_generation.source_text import Sourced

# The fields of common corpora, in the order of detection.
_DOCUMENTS = (DOCUMENT, "dialogue", "article", "source", "text", "content", "report")
_SUMMARIES = (SUMMARY, "highlights", "abstract", "target", "tldr")
_NUMBERED = re.compile(r"(?:summary|reference)_?\d+")


class SummariesReader(SourcedReader):
    """Documents and summaries, one or several per document: JSON Lines, JSON, CSV, tables, the hub."""

    Config: ClassVar[type[DataConfig]] = SummariesConfig

    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Sourced]:
        field, fields = self._document(row.fields), self._summaries(row.fields)
        self.say(f"document from `{field}`, summary from {quoted(fields)}")
        targets = [text for name in fields for text in reference_texts(_several(value_of(row.fields, name)), str(name))]
        return (self._example(row.fields, origin, identity, field, targets),)

    def source(self, row: Row) -> Sourced | None:
        is_plain = set(row.fields) == {"text"}  # a line of plain text
        field: Column = "text" if is_plain else self._document(row.fields)
        text = value_of(row.fields, field)
        if isinstance(text, str) and not text.strip():
            return None
        return self._example(row.fields, Origin("", 0), "", field, ())

    def _example(
        self, given: Mapping[Any, Any], origin: Origin, identity: str, field: Column, targets: Sequence[str]
    ) -> Sourced:
        text = visible_text(value_of(given, field), DOCUMENT, field)
        return self.make_example(given, origin, identity, [(DOCUMENT, text)], targets)

    def _document(self, given: Mapping[Any, Any]) -> Column:
        """
        Raises:
            Unmapped D116: no field of a document.
        """
        configured = self.config.document_field
        column = first_with_value(given, _DOCUMENTS) if configured is None else configured
        if column is None or value_of(given, column) is None:
            if column is not None and column in given:
                raise Unmapped("D116", f"`{column}` is null", "set `data.document_field`")
            what = "no field of a document" if configured is None else f"no field `{configured}`"
            raise Unmapped("D116", f"{what}; the row has {quoted(given)}", "set `data.document_field`")
        return column

    def _summaries(self, given: Mapping[Any, Any]) -> Sequence[Column]:
        """
        Raises:
            Unmapped D116: no field of a summary, not even one with null.
        """
        configured: Sequence[Column] = self.config.summary_fields
        if not configured:
            numbered = [name for name in given if isinstance(name, str) and _NUMBERED.fullmatch(name)]
            single = first_with_value(given, _SUMMARIES)
            configured = [single] if single is not None else numbered
            if configured:
                return configured
        elif all(name in given or value_of(given, name) is not None for name in configured):
            return configured
        missing = [name for name in configured if name not in given]
        what = f"no field {quoted(missing)}" if missing else "no field of a summary"
        help = "set `data.summary_field`, or write null if there is no summary"
        raise Unmapped("D116", f"{what}; the row has {quoted(given)}", help)


def _several(given: Any) -> Any:
    """A summary, or a list of several, which may be written as text in a cell of a table."""
    value = unpacked(given) if isinstance(given, str) and given.lstrip()[:1] == "[" else given
    return list(value) if isinstance(value, (list, tuple)) else given
