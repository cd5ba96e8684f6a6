"""The keys of ``data`` under ``format: texts``, and what goes together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from halluc.config.bounds import LONGEST_TEXT, Reference, Text
from halluc.config.schema import LabelName, Section
from halluc.core.errors import cut
from halluc.data.readers.base import HUB, SPLITS, DataConfig, SplitName
from halluc.data.readers.hub import check_reference
from halluc.data.tokenization import Tokenize

Form = Literal["jsonl", "csv", "lines", "json"]
Column = Annotated[str, Field(max_length=LONGEST_TEXT)] | Annotated[int, Field(ge=0, le=1_000)]
# What people write for a tab, which single quotes of YAML and shells make hard to write.
TABS = ("\\t", "tab")


class OutOfScopeFiles(Section):
    """Unlabelled texts for each split, all out of scope."""

    train: Reference | None = Field(default=None, description="a file of texts out of scope, for train")
    dev: Reference | None = Field(default=None, description="the same for dev")
    test: Reference | None = Field(default=None, description="the same for test")


class _Fields(Section):
    form: Literal["auto", "jsonl", "csv", "lines", "json"] = Field(
        default="auto", description="JSON Lines, columns, `LABEL text` lines, or one JSON object of lists; auto: told "
        "apart by name and first line",
    )  # fmt: skip
    text_field: Column = Field(default="text", description="the field or column of the text, or a column's number")
    second_field: Column | None = Field(default=None, description="of pairs: that of the second text")
    label_field: Column = Field(default="label", description="that of the label, or of a list of labels")
    id_field: Text = Field(default="id", description="an id, unique in its file; texts without one get their number")
    tokenize: Tokenize = Field(
        default="words", description="how a text becomes tokens: words and punctuation, white space, or each character"
    )


class _Columns(Section):
    delimiter: Text = Field(default="auto", description="of columns: one character, tab, or told apart")
    header: Literal["auto"] | bool = Field(
        default="auto", description="whether the first row names the columns; auto: yes, where they are asked by name"
    )
    quoting: bool = Field(default=True, description="whether a cell in double quotes may hold delimiters and lines")

    @field_validator("delimiter")
    @classmethod
    def _of_tabs(cls, given: str) -> str:
        return "\t" if given in TABS else given


class _Labels(Section):
    label_separator: Text | None = Field(default=None, description="between the parts of a label")
    label_level: int | None = Field(
        default=None, ge=1, le=100, description="keep so many first parts of a label; null: all"
    )
    multi_separator: Text | None = Field(default=None, description="between several labels in one cell")
    out_of_scope_label: LabelName | None = Field(
        default=None, description="the label that says that a text is out of scope"
    )
    out_of_scope: Reference | OutOfScopeFiles | None = Field(
        default=None, description="a file of texts without labels, all out of scope, for test; or {dev: FILE, test: …}"
    )


class TextsConfig(DataConfig, _Labels, _Columns, _Fields):
    format: Literal["texts"]
    subset: Text | None = Field(default=None, description="of the hub: the data set's configuration")
    dev_share: float | None = Field(
        default=None, gt=0, lt=1, description="without `dev`: hold out this share of train's texts as dev"
    )

    def reference(self, split: SplitName) -> str | None:
        """Where a split comes from; a dev that is held out comes from train."""
        if split == "dev" and self.held_out:
            return self.train
        return super().reference(split)

    def beside(self, split: SplitName) -> tuple[str, ...]:
        found = self.out_of_scope
        if isinstance(found, str):
            return (found,) if split == "test" else ()
        named = getattr(found, split, None)
        return (named,) if named else ()

    @property
    def held_out(self) -> bool:
        """Whether dev is a part of train."""
        return self.dev_share is not None and self.dev is None and self.train is not None

    @property
    def by_number(self) -> bool:
        """Whether columns are asked for by number."""
        return any(isinstance(field, int) for field in (self.text_field, self.second_field, self.label_field))

    def asked(self, outside: bool) -> dict[str, Column]:
        """The columns that a file must have, by the keys that name them; ``outside``: one of texts without labels."""
        second = {} if self.second_field is None else {"second_field": self.second_field}
        label = {} if outside else {"label_field": self.label_field}
        return {"text_field": self.text_field, **second, **label}

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        for split in SPLITS:
            if (name := self.reference(split)) and name.startswith(HUB):
                check_reference(name, split)
        return self

    def _problems(self) -> Iterator[str]:
        names = (self.text_field, self.second_field, self.label_field)
        if self.id_field in names:
            yield f"`data.id_field` and another field are both `{cut(self.id_field)}`: they must differ"
        if self.label_separator is not None and self.label_separator == self.multi_separator:
            yield "`data.label_separator` and `data.multi_separator` must differ"
        if self.dev_share is not None and self.dev is not None:
            yield "`data.dev_share` holds dev out of train: take it away, or `data.dev`"
        if self.dev_share is not None and self.train is None:
            yield "`data.dev_share` needs `data.train`, which it holds dev out of"
        if self.delimiter != "auto" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            yield '`data.delimiter` is one character, such as ",", or `tab`, and no quote'
        if self.label_level is not None and self.label_separator is None:
            yield "`data.label_level` needs `data.label_separator`, between the parts of a label"
        if self.header is False and any(isinstance(name, str) for name in names):
            yield "without a header, columns are named by number: `text_field: 0`, `label_field: 1`"
        if any(isinstance(name, int) and name < 0 for name in names) or any(name == "" for name in names):
            yield "`data.text_field`, `second_field` and `label_field` are names, or numbers from 0"
        if len({str(name) for name in names if name is not None}) < 2 + (self.second_field is not None):
            yield "`data.text_field`, `second_field` and `label_field` must differ"
        for split in SPLITS:
            if self.beside(split) and self.reference(split) is None:
                yield f"`data.out_of_scope` brings texts for {split}, and `data.{split}` is not named"
