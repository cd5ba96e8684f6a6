"""Rows of a corpus as sentences with tags or spans, and rows to predict as their tokens."""

from __future__ import annotations

import re
import sys
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
from halluc.data.rows.columns import column, named
from halluc.data.rows.reading import open_rows
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine, LeftOut, Notice, Row, Skipped, Unreadable, quoted
from halluc.data.tokenization import Tokenizer
from halluc.data.writers import Writer
from halluc.tasks.token_classification.reading import forms, presets, values
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
# Common header names of token and tag columns.
_TOKEN_NAMES = frozenset(("token", "tokens", "word", "words", "form", "text", "id", "index", "#", "sentence"))
_TAG_NAMES = frozenset((
    "tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "entity", "iob", "bio", "ne", "pos", "chunk",
))  # fmt: skip
_FEATURE = re.compile(r"(\w+)=")


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
        self._tag_names = config.names_of_tags

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
            yield from self._columns(chain(first, rows), examples, split)
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

    # --- columns

    def _columns(self, rows: Iterable[Any], examples: list[Row], split: SplitName) -> Iterator[Item]:
        config = self.config
        token_column, tag_column = config.token_column, config.tag_column
        self.mapping = f"tokens: {named(token_column)}; tags: {named(tag_column)}"
        if config.tag_key is not None:
            self.mapping += f", `{config.tag_key}`"
        self._refuse_features(examples)
        self._refuse_other_columns(examples)
        renames = config.tag_key is not None or self._tag_names is not None
        number = 0
        for row in rows:
            number += not isinstance(row, Notice) or isinstance(row, LeftOut)
            if not isinstance(row, Row):
                yield row
                continue
            try:
                tokens, tags = row.fields[token_column], row.fields[tag_column]
                if renames:
                    tags = tuple([self._tag(tag) for tag in tags])
                yield self._sentence(row, tokens, tags, split, number)
            except Unreadable as bad:
                yield row.bad(bad)

    def _sentence(
        self, row: Row, tokens: tuple[str, ...], tags: tuple[str, ...], split: SplitName, number: int
    ) -> RawSentence:
        lines = row.lines
        cleaned, kept = self.tokenizer.cleaned(tokens)
        if cleaned is not tokens:  # words that occur in many sentences are stored once
            cleaned = tuple(map(sys.intern, cleaned))
        if kept is not None:
            tags = values.kept_tags(tags, kept, self.config.outside_tags)
            lines = tuple(lines[at] for at in kept)
        return RawSentence(f"{split}-{row.line}", row.file, lines, row.document, cleaned, tags, number=number)

    def _tag(self, cell: str) -> str:
        """The tag in a cell: the value of a key in it, or the name of a number."""
        key, names = self.config.tag_key, self._tag_names
        if key is not None:
            cell = next((one[len(key) + 1 :] for one in cell.split("|") if one.startswith(f"{key}=")), "O")
        if names is not None and cell.lstrip("-").isdecimal():
            if int(cell) not in names:
                raise Unreadable("D121", f"{cell} is not the number of a tag", "see `data.tag_names`")
            return names[int(cell)]
        return cell

    def _refuse_other_columns(self, examples: list[Row]) -> None:
        """Refuse a header, or numbers of words or sentences, that were read as tokens."""
        config, first = self.config, examples[0]
        where = first.bad(Unreadable("D121", "")).error().where
        tokens = [first.fields.get(column, ("",))[0] for column in (config.token_column, config.tag_column)]
        if tokens[0].strip().casefold() in _TOKEN_NAMES and tokens[1].strip().casefold() in _TAG_NAMES:
            raise data_error(
                "D121",
                f"the first line is a header: `{tokens[0]}` and `{tokens[1]}`",
                where,
                "set `data.header: true`, or remove the line",
            )
        if "token_column" in config.model_fields_set:
            return
        cells = [cell for row in examples for cell in row.fields.get(config.token_column, ())]
        if len(cells) > 1 and all(map(forms.is_tag, cells)) and any(len(cell) > 1 for cell in cells):
            raise data_error(
                "D121",
                f"every token looks like a tag, such as `{max(cells, key=len)}`",
                where,
                "set `data.token_column` and `data.tag_column`; `data.token_column: 0` if these are the tokens",
            )
        if len(cells) > 1 and all(map(str.isdecimal, cells)):
            counts = "words" if all(row.fields[config.token_column][0] == "1" for row in examples) else "sentences"
            raise data_error(
                "D121",
                f"every token is a number, so {named(config.token_column)} may count {counts}",
                where,
                "set `data.token_column` to the column of the words, such as `1`, or to `0` if the tokens are numbers",
            )

    def _refuse_features(self, examples: list[Row]) -> None:
        """Refuse a column of features (``name=B-PER``) without the key of the tag feature, or with a key that does not
        occur."""
        cells = {cell for row in examples for cell in row.fields.get(self.config.tag_column, ())}
        keys = list(dict.fromkeys(key for cell in sorted(cells) for key in _FEATURE.findall(cell)))
        key = self.config.tag_key
        where = examples[0].bad(Unreadable("D121", "")).error().where
        if key is None and keys and all(cell == "_" or _FEATURE.match(cell) for cell in cells):
            raise data_error(
                "D121",
                f"the tags are features, such as `{next(cell for cell in sorted(cells) if '=' in cell)}`",
                where,
                f"set `data.tag_key` to the feature with the tag: {', '.join(keys[:8])}",
            )
        if key is not None and key not in keys:
            have = quoted(keys) if keys else "no key"
            raise data_error(
                "D121",
                f"no cell of {named(self.config.tag_column)} has `{key}=`; the first sentences have {have}",
                where,
                "see `data.tag_key` and `data.tag_column`",
            )

    # --- records

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
