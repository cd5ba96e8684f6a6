"""Rows of a corpus as sentences with tags or spans, and rows to predict as their tokens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path as FilePath
from typing import Any, ClassVar

from halluc.core.errors import data_error
from halluc.data.config import DataConfig
from halluc.data.fields import Ids, rejection
from halluc.data.inputs import InputText
from halluc.data.predictions import PredictionFile
from halluc.data.reader import ExampleBuilder, Reader
from halluc.data.rows import brat
from halluc.data.rows.columns import column
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine, LeftOut, Notice, Row, Skipped, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.data.writers import Writer
from halluc.tasks.token_classification.reading import presets
from halluc.tasks.token_classification.reading.columns import TagColumns
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.decoding import TagDecoder
from halluc.tasks.token_classification.reading.fields import MOST_ROWS
from halluc.tasks.token_classification.reading.predictions import SentencePredictions
from halluc.tasks.token_classification.reading.records import Records
from halluc.tasks.token_classification.tagged_sentence import RawSentence
from halluc.tasks.token_classification.writers import WRITERS

Item = RawSentence | BadLine | LeftOut | Notice

# Separator and token column if the config does not set them.
_USUAL = ("whitespace", 0)
# The maximum number of characters of the first rows, which are buffered.
_MOST_HELD = 1 << 20


class SpansReader(Reader):
    """Token classification: tokens with tags, tokens with spans, or a text with spans."""

    Config: ClassVar[type[DataConfig]] = SpansConfig
    Builder: ClassVar[type[ExampleBuilder]] = TagDecoder
    Predictions: ClassVar[type[PredictionFile] | None] = SentencePredictions
    writers: ClassVar[Mapping[str, Writer]] = WRITERS

    def __init__(self, config: DataConfig) -> None:
        assert isinstance(config, SpansConfig)
        self.given, self.config = config, config.resolved()
        self.tokenizer = Tokenizer.of(config)
        self.mapping = ""
        self._inputs: Records | None = None

    def read(self, reference: str, split: SplitName) -> Iterator[Item]:
        """
        Raises:
            HallucError D107: the contents of fields cannot be determined from the first rows.
        """
        if FilePath(reference).suffix == ".spacy":
            raise data_error(
                "D107",
                f"{reference} is a DocBin, which only spaCy can read",
                help="convert it to JSON Lines: `json.dumps(doc.to_json())` for each doc, with `data.preset: spacy`",
            )
        self._refuse_other_forms(FilePath(reference).expanduser())
        if self.given.preset == "brat":
            rows: Iterator[Row | BadLine | LeftOut | Notice] = brat.rows(reference, split, self.config.encoding)
        else:
            _, rows = open_rows(reference, split, self.config.layout())
        yield from self.sentences(rows, split)

    def _refuse_other_forms(self, path: FilePath) -> None:
        """Refuse a file that fits a preset if neither a preset nor columns are configured."""
        config = self.given
        is_usual = config.format == "auto" and (config.separator, config.token_column) == _USUAL
        help = presets.proposal_for(path) if config.preset is None and is_usual else None
        if help is not None:
            raise data_error("D107", f"{path} cannot be read", help=help)

    def sentences(self, rows: Iterator[Row | BadLine | LeftOut | Notice], split: SplitName) -> Iterator[Item]:
        """The rows of one file as sentences; the first rows determine the contents of fields."""
        first: list[Row | BadLine | LeftOut | Notice] = []
        characters = 0
        for item in rows:
            first.append(item)
            characters += _size(item) if isinstance(item, Row) else 1
            if len(first) >= MOST_ROWS or characters > _MOST_HELD:
                break
        examples = [item for item in first if isinstance(item, Row)]
        if any(row.lines for row in examples):
            columns = TagColumns(self.config, self.tokenizer)
            self.mapping = columns.mapping
            yield from columns.sentences(chain(first, rows), examples, split)
        else:
            yield from self._records(chain(first, rows), examples, split)

    def input_of(self, row: Row) -> InputText:
        """A row to predict; its annotation may be missing and is ignored.

        Raises:
            Unreadable: it has neither tokens nor a text.
        """
        if row.lines:
            tokens, _ = self.tokenizer.cleaned(column(row, self.config.token_column))
            return InputText(row.line, f"line-{row.line}", tokens, document=row.document)
        if self._inputs is None:
            self._inputs = Records(self.given, self.tokenizer, [row], gold=False)
        return self._inputs.input_of(row)

    def _records(self, rows: Iterable[Any], examples: list[Row], split: SplitName) -> Iterator[Item]:
        accepted = [row for row in examples if rejection(row.fields, self.given.answer_field) is None]
        records: Records | None = None
        ids = Ids()
        place = 0
        for row in rows:
            place += not isinstance(row, Notice) or isinstance(row, LeftOut)
            if not isinstance(row, Row):
                yield row
                continue
            if (why := rejection(row.fields, self.given.answer_field)) is not None:
                yield LeftOut(row.file, row.line, why)
                continue
            if records is None:
                records = Records(self.given, self.tokenizer, accepted or [row])
                self.mapping = records.mapping
                yield from records.notices()
            try:
                sentence = records.sentence(row, split, place)
                number = row.number or row.line
                ids.add(sentence.id, split, number, row.line, own=sentence.id != f"{split}-{number}")
                yield sentence
            except Skipped as skipped:
                yield LeftOut(row.file, row.line, str(skipped))
            except Unreadable as bad:
                advice = presets.proposal([row.fields], self.given.preset) if bad.code == "D107" else None
                yield row.bad(Unreadable(bad.code, bad.problem, advice or bad.help))


def _size(row: Row) -> int:
    return len(row.shown) + sum(len(value) for value in row.fields.values() if isinstance(value, (str, list, tuple)))
