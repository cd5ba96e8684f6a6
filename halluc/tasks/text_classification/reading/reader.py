"""From rows to labelled texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from halluc.core.characters import is_invisible
from halluc.core.examples import Origin
from halluc.data.config import Column, DataConfig
from halluc.data.fields import Ids, kind, nul, own_id, whole, written_list
from halluc.data.inputs import InputText, given_tokens, identity_of, paired, single
from halluc.data.predictions import PredictionFile
from halluc.data.reader import Reader, Repaired
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import HUB, SplitName
from halluc.data.rows.row import MEND, BadLine, Layout, LeftOut, Notice, Row, Skipped, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.data.writers import Writer
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.attributes import group_of, timestamp_of
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.text_classification.reading.fields import (
    SECOND,
    TOKENS,
    TextFields,
    choose,
    is_header,
    item_fields,
    missing_field_error,
)
from halluc.tasks.text_classification.reading.labels import Labels, LabelsAndRepairs
from halluc.tasks.text_classification.reading.predictions import TextPredictions
from halluc.tasks.text_classification.reading.presets import detect_preset, translate_record
from halluc.tasks.text_classification.reading.warnings import FirstRows
from halluc.tasks.text_classification.writers import WRITERS

_EMPTY = "remove it, or set `data.on_bad_line: skip`"
_BLANK = {"text": ""}  # a blank line of plain text
_ABSENT: Any = object()  # the value of a missing field, which differs from null


class TextsReader(Reader):
    """Labelled texts, or pairs: JSON Lines, JSON, CSV, `LABEL text` lines, tables, the hub; and texts out of scope."""

    Config: ClassVar[type[DataConfig]] = TextsConfig
    Predictions: ClassVar[type[PredictionFile] | None] = TextPredictions
    writers: ClassVar[Mapping[str, Writer]] = WRITERS

    def __init__(self, config: TextsConfig) -> None:
        self.config = config
        self.mapping = ""
        self._inputs = _Mapper(config, "", labelled=False, tokenizer=Tokenizer.of(config))

    def read(self, reference: str, split: SplitName) -> Iterator[Labelled | Repaired | BadLine | LeftOut | Notice]:
        ids = Ids()
        yield from self._texts(reference, split, ids, outside=False)
        for name in self.config.extra_files(split):
            yield from self._texts(name, split, ids, outside=True)

    def input_of(self, row: Row) -> InputText:
        """The text or pair of a row; labels are ignored.

        Raises:
            Unreadable: it has no text. Unmapped: it is the first row, and the text field cannot be determined.
        """
        text = self._inputs.input_of(row)
        self.mapping = self._inputs.mapping_text
        return text

    def _texts(
        self, reference: str, split: SplitName, ids: Ids, outside: bool
    ) -> Iterator[Labelled | Repaired | BadLine | LeftOut | Notice]:
        file, rows = open_rows(reference, split, self._layout(outside))
        prefix = f"{split}-oos" if outside else split
        labels = Labels(self.config, file, outside=outside, hides=reference.startswith(HUB))
        mapper = _Mapper(self.config, file, labelled=not outside, tokenizer=self._inputs.tokenizer, labels=labels)
        first_rows = FirstRows()
        for row in rows:
            if not isinstance(row, Row):
                yield row
                continue
            if outside and row.fields == _BLANK:
                continue
            number = row.number or row.line
            identity = f"{prefix}-{number}"
            try:
                example, repairs = mapper.example(row, identity)
                ids.add(example.id, prefix, number, row.line, example.id is not identity)
            except Unreadable as bad:
                yield row.bad(bad)
            except Skipped as why:
                yield LeftOut(file, row.line, str(why))
            else:
                yield Repaired(example, repairs) if repairs else example
                if not outside:
                    first_rows.add(row, example)
            if not outside and mapper.mapping_text:
                self.mapping, mapper.mapping_text = mapper.mapping_text, ""
        yield from labels.notices()
        if self.config.label_position == "first" and not self.config.by_number:
            for what in first_rows.notices():
                yield Notice(file, 1, what)

    def _layout(self, outside: bool) -> Layout:
        layout = self.config.layout()
        if not outside:
            return replace(layout, format="lines") if self.config.label_position == "last" else layout
        # Out-of-scope files may have another format than the data; their lines have no labels.
        formats = tuple("text" if name == "lines" else name for name in layout.formats)
        requested_fields = tuple(
            column for key, column in self.config.requested_fields().items() if not key.startswith("label_field")
        )
        return replace(layout, format="auto", formats=formats, requested_fields=requested_fields)


class _Mapper:
    """Maps the rows of one file by the fields of its first row.

    ``mapping_text`` names the fields that are read; it is empty before the first row.
    """

    def __init__(
        self, config: TextsConfig, file: str, *, labelled: bool, tokenizer: Tokenizer, labels: Labels | None = None
    ) -> None:
        self.config, self.file, self.tokenizer, self.mapping_text = config, file, tokenizer, ""
        self._labelled, self._labels = labelled, labels
        self._fields: TextFields | None = None
        self._preset = config.preset
        self._columns: dict[tuple[object, ...], LabelsAndRepairs] = {}
        self._is_pair, self._by_number = config.second_field is not None, config.by_number

    def example(self, row: Row, identity: str) -> tuple[Labelled, tuple[str, ...]]:
        """The example, and its repairs; ``identity`` is its id if the row has none.

        Raises:
            Unreadable: text, id, label, group or date is missing or has a wrong type. Skipped: it is intentionally not
                an example.
        """
        is_first = self._fields is None and not self.mapping_text
        given, fields = self._map_row(row)
        text = given.get(fields.text, _ABSENT)
        if is_first and fields.labels and is_header(text, given.get(fields.labels[0])):
            help = "remove it; or, if it is the header of a table, set `data.format: csv` and `data.header: true`"
            raise Unreadable("D116", f"the first row is a header: `{text}` and `{given[fields.labels[0]]}`", help)
        second = None
        if text is _ABSENT:
            tokens, second = self._tokens(given, fields)
        else:
            tokens = self._tokenize(text, fields.text, "an empty text")
            if self._is_pair:
                tokens, second = tokens + self._second(given, fields), len(tokens)
        labels, repairs = self._parse_labels(given, fields, row.line)
        name = identity
        if fields.id is not None and (own := own_id(given.get(fields.id), fields.id)) is not None:
            name = str(own)
        outside = self._labels is not None and self._labels.outside
        group = group_of(given, self.config.group_field, optional=outside)
        timestamp = timestamp_of(given, self.config.timestamp_field, optional=outside)
        return Labelled(name, Origin(self.file, row.line), tokens, labels, second, group, timestamp), repairs

    def input_of(self, row: Row) -> InputText:
        """See ``TextsReader.input_of``; null counts as a missing field."""
        identity = identity_of(row, self.config.id_field)
        if row.lines:  # one token per line
            return given_tokens(row.line, identity, row.fields[0], self.tokenizer)
        given = row.fields
        if 0 not in given:
            given = {name: value for name, value in given.items() if value is not None}
        fields = self._row_fields(given)
        if TOKENS in given:
            texts = given.get(fields.text, given.get("text")), given.get("second_text")
            return given_tokens(
                row.line, identity, given[TOKENS], self.tokenizer, texts, self._border(given, given[TOKENS])
            )
        first = self._text(given, fields.text, "text_field")
        if not self._is_pair:
            return single(row.line, identity, first, self.tokenizer)
        second = self._text(given, fields.second, "second_field")
        return paired(row.line, identity, first, second, self.tokenizer)

    def _border(self, given: Mapping[str | int, Any], words: Any) -> int | None:
        """The start of the second text among given tokens; None if they belong to one text."""
        place = given.get(SECOND)
        if isinstance(words, list) and whole(place) and 0 < place < len(words):
            return place
        if self._is_pair and words:
            raise Unreadable(
                "D107",
                f"a pair has two texts, but `{SECOND}` is not the first token of the second one",
                f"set `{SECOND}` to the index of this token, from 0",
            )
        return None

    def _text(self, given: Mapping[str | int, Any], column: Column | None, key: str) -> str:
        text = None if column is None else given.get(column)
        if text is None:
            raise Unreadable("D107", *missing_field_error(given, column, key))
        if not isinstance(text, str):
            raise Unreadable("D107", f"`{column}` is {kind(text)}, not a string", f"see `data.{key}`")
        return text

    def _map_row(self, row: Row) -> tuple[Mapping[str | int, Any], TextFields]:
        """The row, translated if an annotation tool wrote it, and its fields."""
        given = row.fields
        if self._fields is None and self._preset is None and self._labelled:
            self._preset = detect_preset(given)
        if self._preset is not None and self._labelled:
            given = translate_record(given, self._preset, self.config)
        return given, self._row_fields(given)

    def _row_fields(self, given: Mapping[str | int, Any]) -> TextFields:
        """The fields of a row: those of the first row, unless this row is a JSON list."""
        if not self._by_number and 0 in given:
            fields = item_fields(given, self.config, labelled=self._labelled)
            self.mapping_text = self.mapping_text or fields.describe(given, self._labels is not None).replace(
                "column", "item"
            )
            return fields
        if self._fields is None:
            self._fields = choose(given, self.config, labelled=self._labelled)
            self.mapping_text = self._mapping_line(given, self._fields)
        fields = self._fields
        if fields.was_guessed and self.config.text_field in given:
            usual = self.config.text_field
            raise Unreadable(
                "D116",
                f"`{usual}` occurs here, but not in the first row, where `{fields.text}` was used as the text",
                f"set the field, for example `data.text_field: {fields.text}`",
            )
        return fields

    def _mapping_line(self, given: Mapping[str | int, Any], fields: TextFields) -> str:
        """The mapping in one line, from the first row."""
        text = fields.describe(given, self._labels is not None)
        label = given.get(fields.labels[0]) if len(fields.labels) == 1 else None
        is_plain = isinstance(label, str) and self.config.multi_separator is None
        if self._labels is not None and is_plain and written_list(str(label)) is not None:
            text = text.replace("label: ", "labels, as lists written as text: ")
            self._labels.reports_written = False
        extra = {"timestamp": self.config.timestamp_field, "group": self.config.group_field}
        text += "".join(
            f"; {what}: {column}" for what, column in extra.items() if column is not None and self._labelled
        )
        return f"{text}; preset: {self._preset}" if self._preset is not None else text

    def _parse_labels(self, given: Mapping[str | int, Any], fields: TextFields, line: int) -> LabelsAndRepairs:
        labels = self._labels
        assert labels is not None, "examples have labels"
        columns = fields.labels
        if len(columns) == 1 and not isinstance(self.config.label_field, list):
            label = given.get(columns[0], _ABSENT)
            if label is not _ABSENT:
                return labels.of(label, line)
        elif columns:
            cells = tuple([given.get(column) for column in columns])
            try:
                result = self._columns.get(cells)
            except TypeError:  # a list or an object in a cell
                return labels.parse_columns(columns, cells, line)
            if result is None:
                result = self._columns[cells] = labels.parse_columns(columns, cells, line)
            return result
        if labels.outside:
            return (), ()
        raise Unreadable("D123", *missing_field_error(given, self.config.label_columns[0], "label_field"))

    def _tokens(self, given: Mapping[str | int, Any], fields: TextFields) -> tuple[tuple[str, ...], int | None]:
        """The tokens in the file, and the first token of the second text of a pair."""
        words = given.get(TOKENS)
        if words is None:
            raise Unreadable("D107", *missing_field_error(given, fields.text, "text_field"))
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise Unreadable("D107", f"`{TOKENS}` is not a list of strings", MEND)
        if any("\0" in word for word in words):
            raise nul("text")
        second = given.get(SECOND)
        tokens, kept = self.tokenizer.cleaned(tuple(words))
        if kept is not None and whole(second):
            second = sum(place < second for place in kept)
        if all(is_invisible(token) for token in tokens):
            raise Unreadable("D106", "an empty text", _EMPTY)
        if second is None:
            if self._is_pair:
                raise Unreadable(
                    "D107", "no `second`: a pair of tokens needs the index where its second text starts", MEND
                )
            return tokens, None
        if not whole(second) or not 0 < second < len(tokens):
            raise Unreadable(
                "D107",
                f"`second` is not an index of a second text among {len(tokens)} tokens: "
                f"{kind(second, with_number=True)}",
                MEND,
            )
        return tokens, second

    def _second(self, given: Mapping[str | int, Any], fields: TextFields) -> tuple[str, ...]:
        assert fields.second is not None, "of pairs"
        text = given.get(fields.second, _ABSENT)
        if text is _ABSENT:
            problem, help = missing_field_error(given, fields.second, "second_field")
            raise Unreadable("D107", problem, f"a pair needs two texts; {help}")
        return self._tokenize(text, fields.second, "the second text is empty")

    def _tokenize(self, text: object, field: Column, empty: str) -> tuple[str, ...]:
        """The tokens of a text; ``empty`` is the message if there are none."""
        if text is None or text == "":
            raise Unreadable("D106", empty, _EMPTY)
        if not isinstance(text, str):
            help = "use the field `tokens` for a list of words" if isinstance(text, list) else MEND
            named = self.config.text_field if field == 0 else field  # of a list
            raise Unreadable("D107", f"`{named}` is {kind(text)}, not a string", help)
        if "\0" in text:
            raise nul("text")
        if not "!" <= text[0] <= "~" and is_invisible(text):
            raise Unreadable("D106", empty if not text.strip() else f"{empty}: no visible characters", _EMPTY)
        tokens = self.tokenizer.tokens(text)
        if not tokens:
            raise Unreadable("D106", f"{empty}: no visible characters", _EMPTY)
        return tokens
