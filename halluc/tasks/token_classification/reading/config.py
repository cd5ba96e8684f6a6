"""The keys of ``data`` for token classification: tags, fields and spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from halluc.config.section import DISTINCT, LONGEST_TEXT, MOST_LABELS, LabelName, Section, Text
from halluc.core.errors import cut
from halluc.data.config import SHORT_KEYS, Column, DataConfig, Number
from halluc.data.rows import brat
from halluc.data.rows.references import SPLITS, SplitName
from halluc.data.rows.row import Format, Layout
from halluc.data.tokenization import TokenizationKeys, Tokenize
from halluc.tasks.token_classification.reading.presets import KEYS, Preset

Unit = Literal["characters", "tokens", "utf16", "bytes"]
# Common names of the tags field: corpora on the hub use others.
TAGS_FIELD, HUB_TAGS_FIELD = "tags", "ner_tags"


_Scheme = Literal["auto", "iob1", "iob2", "bioes", "bmes", "bilou", "io"]
_OutsideTag = Annotated[str, Field(max_length=LONGEST_TEXT)]


class SplitSchemes(Section):
    """A scheme for each split."""

    train: _Scheme = Field(default="auto", description="scheme of the training split")
    dev: _Scheme = Field(default="auto", description="scheme of the dev split")
    test: _Scheme = Field(default="auto", description="scheme of the test split")


class _Tags(Section):
    scheme: Annotated[_Scheme, Tag("one")] | Annotated[SplitSchemes, Tag("each")] = Field(
        default="auto",
        description="tag scheme, for all splits or as {train: iob2, test: iob1}; auto: detected for each split, and "
        "printed by `check`",
        discriminator=Discriminator(lambda value: "each" if isinstance(value, dict | SplitSchemes) else "one"),
    )
    label: LabelName | None = Field(default=None, description="the label of tags that have none, such as B, I and O")
    outside_tags: Annotated[list[_OutsideTag], Field(min_length=1, max_length=100), DISTINCT] = Field(
        default=["O"], description="tags of tokens outside of all mentions"
    )
    rename_labels: Annotated[dict[Text, LabelName | None], Field(max_length=MOST_LABELS)] = Field(
        default={}, description="renames labels, such as {PERpart: PER, MISC: null}; null removes these mentions"
    )

    @model_validator(mode="after")
    def _names_labels(self) -> Self:
        outside = [old for old, new in self.rename_labels.items() if new == "O"]
        if outside:
            raise ValueError(
                f"`data.rename_labels.{cut(outside[0])}: O` is not a label: use null to remove its mentions"
            )
        return self

    bad_tags: Literal["error", "repair"] = Field(
        default="error", description="invalid tags: error, or repair: read them as conlleval does and report them"
    )
    tag_names: (
        Annotated[list[Text], Field(max_length=MOST_LABELS)]
        | Annotated[dict[Number, Text], Field(max_length=MOST_LABELS, json_schema_extra=SHORT_KEYS)]
        | None
    ) = Field(default=None, description="the names of numeric tags: a list, starting with 0, or {0: O, 1: B-PER}")
    tag_key: Text | None = Field(
        default=None,
        description="the tag is the value of this key in the cell, such as `name` in `SpaceAfter=No|name=B-PER`; a "
        "cell without the key is outside of all mentions",
    )


class _FieldKeys(Section):
    tokens_field: Column = Field(default="tokens", description="a list of words, as texts or objects")
    tags_field: Column = Field(
        default=TAGS_FIELD, description=f"a list of tags, one per word; with `format: hub` it is {HUB_TAGS_FIELD}"
    )
    text_field: Column = Field(default="text", description="a string, read if there is no list of words")
    spans_field: Column = Field(
        default="spans",
        description="[[start, end, label], …], objects with such keys (start_offset, begin, labels, type, …) or "
        "{label: {surface: [[start, end], …]}}; a path may go into objects and lists: `annotations.0.result`",
    )
    document_field: Column | None = Field(
        default=None,
        description="the field of a record with the name of its document, for `task.context` and "
        "`eval.consistency`; null: none. In conll, `-DOCSTART-` lines start documents",
    )
    answer_field: Column = Field(
        default="answer",
        description="the field that marks accepted records: records with `reject` or `ignore` are skipped and "
        "counted; with another field also those in which it is false or empty",
    )
    span_label_field: Text | None = Field(
        default=None,
        description="the key of a span with its label, if there are several candidates (`type`, `entity`, …)",
    )
    token_column: Column = Field(
        default=0, description="the column of conll with the token: a number from 0, negative from the right, or a name"
    )
    tag_column: Column = Field(default=-1, description="the column of conll with the tag: a number or a name")


class _Spans(Section):
    span_unit: Literal["auto", Unit] = Field(
        default="auto",
        description="the unit of offsets: characters, tokens, utf16 (as in JavaScript) or bytes of UTF-8; auto: "
        "characters of a text, tokens of a list; if there are both, the one that all spans fit",
    )
    span_end: Literal["exclusive", "inclusive"] = Field(
        default="exclusive",
        description="exclusive: the end of a span is the first position after it; inclusive: its last position",
    )
    span_base: Literal[0, 1] = Field(default=0, description="the offset of the first character or token")
    bad_spans: Literal["error", "drop", "widen", "skip"] = Field(
        default="error",
        description="spans that cut a token: error, drop the span, widen it to whole tokens, or skip the example; "
        "all but error are counted",
    )
    strip_spans: bool = Field(default=False, description="remove white space at the ends of spans")
    overlaps: Literal["error", "longest", "innermost", "outermost"] = Field(
        default="error",
        description="overlapping spans: error, or keep the longest, the innermost or the outermost spans",
    )
    tokenize: Tokenize = Field(
        default="words",
        description="how texts are split into tokens: words and punctuation, white space, or characters",
    )


class SpansConfig(DataConfig, _Tags, _FieldKeys, _Spans, TokenizationKeys):
    """The keys of token classification. The order of the bases is that of the keys in a config, last first."""

    task: ClassVar[str] = "token_classification"
    formats: ClassVar[tuple[Format, ...]] = ("conll", "jsonl", "json", "csv", "table", "hub")
    field_keys: ClassVar[tuple[str, ...]] = ("tokens_field", "text_field", "tags_field", "spans_field")

    preset: Preset | None = Field(
        default=None, description="the tool that wrote the file: sets other keys that have their default (docs/data.md)"
    )

    @model_validator(mode="before")
    @classmethod
    def _tags_of_the_hub(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("format") == "texts":
            known = ", ".join(("auto", *cls.formats))
            text = "`data.format: texts` is an old name of `auto` under `task.type: text_classification`"
            raise ValueError(f"{text}; token_classification has {known}")
        if isinstance(given, dict) and given.get("format") == "hub" and "tags_field" not in given:
            return {**given, "tags_field": HUB_TAGS_FIELD}
        return given

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if self.token_column == self.tag_column:
            raise ValueError(f"`data.token_column` and `data.tag_column` are both {self.tag_column}: they must differ")
        # The same field may be a list of words in some files and a text in others.
        names = [{self.tokens_field, self.text_field}, {self.tags_field}, {self.spans_field}, {self.id_field}]
        every = list(chain(*names))
        for name in every:
            same = [key for key in type(self).model_fields if key.endswith("_field") and getattr(self, key) == name]
            # A configured name may be the default of an unused key.
            if every.count(name) > 1 and self.model_fields_set.issuperset(same):
                keys = [f"`data.{key}`" for key in same]
                raise ValueError(f"{' and '.join(keys)} are both `{cut(str(name))}`: they must differ")
        return self

    def resolved(self, keys: Mapping[str, Any] | None = None) -> SpansConfig:
        """Defaults are replaced by the ``keys`` of a form of the preset, by default its first form."""
        if keys is None:
            keys = KEYS[self.preset][0] if self.preset is not None else {}
        fields = type(self).model_fields
        update = {key: value for key, value in keys.items() if getattr(self, key) == fields[key].default}
        return self.model_copy(update=update) if update else self

    @property
    def names_of_tags(self) -> Mapping[int, str] | None:
        """The names of tags that are numbers."""
        return dict(enumerate(self.tag_names)) if isinstance(self.tag_names, list) else self.tag_names

    def requested_fields(self) -> Mapping[str, str | int]:
        return super(SpansConfig, self.resolved()).requested_fields()

    def layout(self) -> Layout:
        resolved = self.resolved()
        columns = (resolved.token_column, resolved.tag_column)
        layout = replace(super(SpansConfig, resolved).layout(), token_columns=columns)
        if layout.header == "auto" and any(isinstance(column, str) for column in columns):
            layout = replace(layout, header=True)
        return layout

    def paths(self, splits: Iterable[SplitName] = SPLITS) -> list[Path]:
        if self.preset != "brat":
            return super().paths(splits)
        named = [(name, split) for split in splits if (name := self.reference(split))]
        return list(chain.from_iterable(brat.files(name, split) for name, split in named))
