"""Sentences with a column of tokens and a column of tags."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from halluc.core.errors import data_error
from halluc.data.rows.columns import named
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import LeftOut, Notice, Row, Unreadable, quoted
from halluc.data.tokenization import Tokenizer
from halluc.tasks.token_classification.reading import forms, values
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import RawSentence

# Common header names of token and tag columns.
_TOKEN_NAMES = frozenset(("token", "tokens", "word", "words", "form", "text", "id", "index", "#", "sentence"))
_TAG_NAMES = frozenset((
    "tag", "tags", "label", "labels", "ner", "ner_tag", "ner_tags", "entity", "iob", "bio", "ne", "pos", "chunk",
))  # fmt: skip
_FEATURE = re.compile(r"(\w+)=")


class TagColumns:
    """Reads sentences from the columns of the config."""

    def __init__(self, config: SpansConfig, tokenizer: Tokenizer) -> None:
        self.config, self.tokenizer = config, tokenizer
        self._tag_names = config.names_of_tags

    @property
    def mapping(self) -> str:
        """The columns that are read."""
        config = self.config
        key = "" if config.tag_key is None else f", `{config.tag_key}`"
        return f"tokens: {named(config.token_column)}; tags: {named(config.tag_column)}{key}"

    def sentences(self, rows: Iterable[Any], examples: Sequence[Row], split: SplitName) -> Iterator[Any]:
        """The rows of one file as sentences, and all other items; ``examples`` are its first rows."""
        config = self.config
        token_column, tag_column = config.token_column, config.tag_column
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
            tags = values.select_tags(tags, kept, self.config.outside_tags)
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

    def _refuse_other_columns(self, examples: Sequence[Row]) -> None:
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

    def _refuse_features(self, examples: Sequence[Row]) -> None:
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
