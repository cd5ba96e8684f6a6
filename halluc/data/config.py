"""The keys of ``data`` that every task has: where the splits are, and how their files become rows."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from halluc.config.section import (
    LINE_BYTES_BOUND,
    LONGEST_TEXT,
    MOST_LINE_BYTES,
    ExampleCount,
    OpenShare,
    Reference,
    Section,
    Text,
)
from halluc.data.rows.references import HUB, HUB_REFERENCE, SPLITS, SplitName, of_train, resolve
from halluc.data.rows.row import CorpusFormat, Format, Layout

# A number that a file uses for a label or tag, with the name of each; a list counts from 0.
Number = Annotated[int, Field(ge=-(1 << 63), le=1 << 63)]
SHORT_KEYS: Any = {"propertyNames": {"maxLength": LONGEST_TEXT}}
# A column or field by name, or a column by number, from 0.
Column = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)] | Annotated[int, Field(ge=-1_000, le=1_000)]
# Spellings of a tab, which is hard to write in single quotes of YAML and in shells.
TABS = ("\\t", "tab")
# The keys of a format that another format would ignore: they are refused if another format is configured.
ONLY_WITH: dict[str, tuple[Format, ...]] = {
    "delimiter": ("auto", "csv", "lines"),
    "header": ("auto", "csv", "conll"),
    "quoting": ("auto", "csv", "conll"),
    "separator": ("auto", "conll"),
    "comment": ("auto", "conll"),
    "columns": ("auto", "conll"),
    "sentence_column": ("auto", "conll"),
    "word_id_column": ("auto", "conll"),
    "subset": ("auto", "hub", "table"),
}  # fmt: skip


class DataConfig(Section):
    """The keys that every task has; the subclass of a task adds the fields that it reads."""

    task: ClassVar[str]
    # The formats of the task, the most usual first; the last is the default for plain lines.
    formats: ClassVar[tuple[Format, ...]] = get_args(CorpusFormat)
    # The keys that name fields of the data.
    field_keys: ClassVar[tuple[str, ...]] = ()

    train: Reference | None = Field(default=None, description="the training split: a path or `demo:ner`")
    dev: Reference | None = Field(default=None, description="the split for selecting checkpoints")
    test: Reference | None = Field(default=None, description="the split that is only used for evaluation")
    dev_share: OpenShare | None = Field(
        default=None,
        description="if there is no `dev`: the share of train to hold out as dev; whole "
        "documents, if the data has documents",
    )
    test_share: OpenShare | None = Field(default=None, description="the same for `test`")
    max_examples: ExampleCount | None = Field(
        default=None,
        description="only read the first N examples of each split (including dev and test), for quick trials",
    )

    format: CorpusFormat = Field(
        default="auto",
        description="jsonl, json (a list of records, or an object of such lists), csv, conll (one token per line), "
        "lines (`LABEL text`), table (Parquet or Arrow), hub, or tmx; auto: detected by name and content",
    )
    encoding: Text = Field(default="utf-8", description="encoding of text files; it is not detected")
    on_bad_line: Literal["error", "skip"] = Field(
        default="error", description="lines that cannot be read: error, or skip their example and report it"
    )
    max_line_bytes: int = Field(
        default=MOST_LINE_BYTES, ge=1 << 10, le=LINE_BYTES_BOUND, description="maximum size of a line, a quoted cell "
        "or an item of a JSON document, in bytes",
    )  # fmt: skip
    delimiter: Text = Field(
        default="auto", description="separator of CSV cells: one character or `tab`; auto: detected"
    )
    header: Literal["auto"] | bool = Field(
        default="auto",
        description="whether the first row names the columns; auto: yes, unless fields are column numbers",
    )
    quoting: Literal["auto"] | bool = Field(
        default="auto", description="whether double quotes enclose cells with delimiters or line breaks; auto: yes in "
        "CSV, and in conll with commas or semicolons",
    )  # fmt: skip
    separator: Text = Field(
        default="whitespace", description="separator of conll columns: whitespace, tab, space, or any text"
    )
    comment: Text | None = Field(default=None, description="conll lines that start with this are ignored")
    columns: int | None = Field(
        default=None,
        ge=2,
        le=1_000,
        description="number of conll columns; the rest of a line belongs to the last column, such as a label with "
        "spaces",
    )
    sentence_column: Column | None = Field(
        default=None, description="the conll column with the sentence number, if no blank lines separate sentences"
    )
    word_id_column: Column | None = Field(
        default=None, description="the conll column with the word number, as in CoNLL-U; ranges (`1-2`) and "
        "empty nodes (`1.1`) are ignored",
    )  # fmt: skip
    subset: Text | None = Field(default=None, description="configuration name of a Hub dataset")
    id_field: Column = Field(
        default="id", description="the field with a unique id; examples without an id are numbered"
    )

    @field_validator("delimiter")
    @classmethod
    def _of_tabs(cls, given: str) -> str:
        return "\t" if given in TABS else given

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, given: str) -> str:
        try:
            if not codecs.lookup(given)._is_text_encoding:
                raise LookupError
        except (LookupError, ValueError):
            raise ValueError(f"`{given}` is not an encoding of Python: utf-8, utf-16, latin-1, cp1252, …") from None
        return given

    @model_validator(mode="after")
    def _splits_go_together(self) -> Self:
        if not any(self.reference(split) for split in SPLITS):
            raise ValueError("`data` has no corpus: set at least one of `train`, `dev`, `test`")
        for split, share in (("dev", self.dev_share), ("test", self.test_share)):
            if share is not None and getattr(self, split) is not None:
                raise ValueError(
                    f"`data.{split}_share` holds {split} out of train: remove it, or remove `data.{split}`"
                )
            if share is not None and self.train is None:
                raise ValueError(f"`data.{split}_share` needs `data.train`, which it holds {split} out of")
        if (self.dev_share or 0) + (self.test_share or 0) >= 1:
            raise ValueError(
                "`data.dev_share` and `data.test_share` leave nothing to train on: their sum must be below 1"
            )
        return self

    def reference(self, split: SplitName) -> str | None:
        """The source of a split; a held-out split comes from train."""
        if self.train is not None and self.is_held_out(split):
            return of_train(self.train)
        return {"train": self.train, "dev": self.dev, "test": self.test}[split]

    def is_held_out(self, split: SplitName) -> bool:
        """Whether a split is a part of train."""
        return split != "train" and getattr(self, f"{split}_share") is not None and self.train is not None

    def extra_files(self, split: SplitName) -> tuple[str, ...]:
        """Further files of the split."""
        return ()

    def paths(self, splits: Iterable[SplitName] = SPLITS) -> list[Path]:
        """The files of all configured sources, except those of the hub.

        Raises:
            HallucError D101: a file does not exist.
        """
        return [
            resolve(name, split)
            for split in splits
            for name in (self.reference(split), *self.extra_files(split))
            if name and not name.startswith(HUB)
        ]

    @model_validator(mode="after")
    def _files_go_together(self) -> Self:
        if self.delimiter != "auto" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise ValueError('`data.delimiter` must be one character, such as ",", or `tab`, but not a quote')
        for key, formats in ONLY_WITH.items():
            if self.format not in formats and getattr(self, key) != type(self).model_fields[key].default:
                allowed = " or ".join(name for name in formats if name != "auto")
                raise ValueError(f"`data.{key}` only applies to `format: {allowed}`, not to `{self.format}`")
        for split in SPLITS:
            if (name := self.reference(split)) and name.startswith(HUB) and not HUB_REFERENCE.fullmatch(name):
                raise ValueError(f"`data.{split}` must be of the form `hub:NAME@REVISION#SPLIT`, not `{name}`")
        if self.format not in ("auto", *self.formats):
            raise ValueError(
                f"`data.format: {self.format}` is not supported by {self.task}; possible are "
                f"{', '.join(('auto', *self.formats))}"
            )
        return self

    def requested_fields(self) -> Mapping[str, str | int]:
        """The configured fields and columns, by key; by default those of ``field_keys``."""
        return {key: getattr(self, key) for key in self.field_keys}

    def unmet(self, splits: Mapping[str, Mapping[str, int]], unlabelled: int) -> Iterator[str]:
        """Messages about keys that match nothing in the corpora.

        Args:
            splits: the labels of each split, with their counts. unlabelled: how many examples have no label.
        """
        yield from ()

    def layout(self) -> Layout:
        """How files are converted to rows."""
        keys = {one.name: getattr(self, one.name) for one in fields(Layout) if one.name in type(self).model_fields}
        return Layout(**keys, formats=self.formats, requested_fields=tuple(self.requested_fields().values()))


def changed(config: Section) -> Iterator[tuple[str, Any]]:
    """The keys whose value is not the default, with their values."""
    for key, field in type(config).model_fields.items():
        if (value := getattr(config, key)) != field.default:
            yield key, value
