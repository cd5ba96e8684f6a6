"""The keys of ``data`` of text classification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.config.section import LONGEST_TEXT, MOST_LABELS, LabelName, Reference, Section, Text
from halluc.core.errors import cut, did_you_mean
from halluc.data.config import SHORT_KEYS, Column, DataConfig, Number
from halluc.data.rows.references import SPLITS, SplitName
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize

Preset = Literal["doccano", "label_studio", "prodigy"]
# Names by number.
LabelNames = (
    Annotated[list[LabelName], Field(min_length=1, max_length=MOST_LABELS)]
    | Annotated[
        dict[Text | Number, LabelName], Field(min_length=1, max_length=MOST_LABELS, json_schema_extra=SHORT_KEYS)
    ]
)
# Fields that are optional in texts to predict and in out-of-scope texts.
_ATTRIBUTES = ("timestamp_field", "group_field")
# Earlier versions had ``format: texts`` with a key ``form``; only CSV used the keys of ``_CSV_KEYS``.
_OLD_FORMAT, _OLD_KEY, _CSV_KEYS = "texts", "form", ("delimiter", "header", "quoting")


class OutOfScopeFiles(Section):
    """Unlabelled texts for each split, all out of scope."""

    train: Reference | None = Field(default=None, description="a file of out-of-scope texts for train")
    dev: Reference | None = Field(default=None, description="the same for dev")
    test: Reference | None = Field(default=None, description="the same for test")


class _Fields(TokenizationKeys):
    preset: Preset | None = Field(
        default=None, description="the export of an annotation tool: doccano, label_studio or prodigy; rejected or "
            "unfinished records are skipped and counted",
    )  # fmt: skip
    text_field: Column = Field(
        default="text", description="the field or column of the text, or a column's number; if a file has no field "
            "`text`, the only one that fits is used",
    )  # fmt: skip
    second_field: Column | None = Field(default=None, description="for pairs: the field of the second text")
    label_field: Column | Annotated[list[Column], Field(max_length=MOST_LABELS)] = Field(
        default="label", description="the field of the label, or of a list of labels; or a list of columns with 0 or "
            "1, one for each label",
    )  # fmt: skip
    timestamp_field: Column | None = Field(
        default=None, description="the field of the date of a text, ISO 8601 such as 2024-03-31 or "
            "2024-03-31T09:30:00Z, for figures over time by `task.period`",
    )  # fmt: skip
    group_field: Column | None = Field(
        default=None, description="the field of the group of a text, such as the user of a recommendation: figures "
            "by whether group and second text occur in training; with `task.ranking`, texts are ranked by group",
    )  # fmt: skip
    label_position: Literal["first", "last"] = Field(
        default="first", description="of `format: lines`: the position of the label in a line; with `last`, lines "
            "are split at the last `delimiter`, by default a space",
    )  # fmt: skip
    tokenize: Tokenize = Field(
        default="words",
        description="how texts are split into tokens: words and punctuation, white space, or characters",
    )


class _Labels(Section):
    label_names: LabelNames | None = Field(
        default=None, description="the names of numeric labels: a list from 0, or a mapping"
    )
    no_label: list[Annotated[str, Field(max_length=LONGEST_TEXT)] | Number | None] = Field(
        default=[], max_length=100, description="values that mean 'no label', such as -1; these examples are skipped "
            "and counted",
    )  # fmt: skip
    label_separator: Text | None = Field(default=None, description="separator of the parts of a label")
    label_level: int | None = Field(
        default=None, ge=1, le=100, description="number of leading parts of a label to keep; null: all"
    )
    multi_separator: Text | None = Field(default=None, description="separator of several labels in a cell")
    out_of_scope_label: LabelName | None = Field(
        default=None,
        description="the label of out-of-scope texts; `null`, in quotes, is also the null of JSON",
    )
    out_of_scope: Reference | OutOfScopeFiles | None = Field(
        default=None, description="a file of out-of-scope texts without labels for test; or {dev: FILE, test: …}"
    )


class TextsConfig(DataConfig, _Labels, _Fields):
    task: ClassVar[str] = "text_classification"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "csv", "table", "hub", "lines")

    @model_validator(mode="before")
    @classmethod
    def _convert_older_keys(cls, given: Any) -> Any:
        """Convert the keys of earlier versions; those that had no effect are removed."""
        if not isinstance(given, Mapping) or not (given.get("format") == _OLD_FORMAT or _OLD_KEY in given):
            return given
        keys = {key: value for key, value in given.items() if key != _OLD_KEY}
        if keys.get("format") in (_OLD_FORMAT, None):
            keys["format"] = given.get(_OLD_KEY, "auto")
        if keys.get("quoting") is True:  # the earlier default, and the present one of CSV
            keys.pop("quoting")
        if keys["format"] not in ("auto", "csv") and keys.get("label_position", "first") == "first":
            keys = {key: value for key, value in keys.items() if key not in _CSV_KEYS}
        return keys

    @property
    def label_columns(self) -> tuple[Column, ...]:
        """The label column, or one column for each label."""
        return tuple(self.label_field) if isinstance(self.label_field, list) else (self.label_field,)

    @property
    def by_number(self) -> bool:
        """Whether columns are given by number."""
        return any(isinstance(column, int) for column in self.requested_fields().values())

    def extra_files(self, split: SplitName) -> tuple[str, ...]:
        files = self.out_of_scope
        if isinstance(files, str):
            return (files,) if split == "test" else ()
        file = getattr(files, split, None)
        return (file,) if file else ()

    def requested_fields(self) -> dict[str, Column]:
        second = {} if self.second_field is None else {"second_field": self.second_field}
        return {
            "text_field": self.text_field,
            **second,
            **{f"label_field {place}": column for place, column in enumerate(self.label_columns)},
            **{key: column for key in _ATTRIBUTES if (column := getattr(self, key)) is not None},
        }

    def unmet(self, splits: Mapping[str, Mapping[str, int]], unlabelled: int) -> Iterator[str]:
        if self.out_of_scope_label is None or unlabelled:
            return
        near = did_you_mean(self.out_of_scope_label, {label for labels in splits.values() for label in labels})
        meant = f": did you mean `{near}`?" if near else ""
        yield f"no text has the label `{self.out_of_scope_label}` of `data.out_of_scope_label`{meant}"

    @model_validator(mode="after")
    def _keys_are_compatible(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        names = list(self.requested_fields().values())
        if self.label_position == "last" and self.format not in ("auto", "lines"):
            yield f"`data.label_position` only applies to `format: lines`, not to `{self.format}`"
        if self.id_field in names:
            yield f"`data.id_field` and another field are both `{cut(str(self.id_field))}`: they must differ"
        if self.label_separator is not None and self.label_separator == self.multi_separator:
            yield "`data.label_separator` and `data.multi_separator` must differ"
        if self.label_level is not None and self.label_separator is None:
            yield "`data.label_level` needs `data.label_separator`"
        if self.header is False and any(isinstance(name, str) for name in names):
            yield "without a header, set columns by number: `text_field: 0`, `label_field: 1`"
        if any(isinstance(name, int) and name < 0 for name in names):
            yield "`data.text_field` and the other fields must be names, or numbers from 0"
        if not self.label_columns:
            yield "`data.label_field` is an empty list: list the columns of the labels, one for each label"
        if len({str(name) for name in names}) < len(names):
            yield "`data.text_field`, `second_field`, `label_field` and the other fields must differ"
        for split in SPLITS:
            if self.extra_files(split) and self.reference(split) is None:
                yield f"`data.out_of_scope` has texts for {split}, but `data.{split}` is not set"
