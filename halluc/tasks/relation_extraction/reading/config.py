"""The keys of ``data`` of relation extraction."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from halluc.config.section import LONGEST_TEXT, MOST_LABELS, LabelName
from halluc.data.config import SHORT_KEYS, Column, DataConfig, Number
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize

# Labels of pairs without a relation: in halluc's records, in TACRED, and in other corpora.
NONE_LABELS = ("none", "no_relation", "no relation", "NA")


class RelationsConfig(DataConfig, TokenizationKeys):
    task: ClassVar[str] = "relation_extraction"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "csv", "table", "hub", "text")
    field_keys: ClassVar[tuple[str, ...]] = ("text_field", "head_field", "tail_field", "label_field")
    text_field: Column = Field(
        default="text", description="the field of the sentence, with `<e1>…</e1>` and `<e2>…</e2>` around head and "
            "tail if no fields have their positions; `sentence` is also read",
    )  # fmt: skip
    head_field: Column = Field(
        default="head", description="the field of the head: {start, end, label} or [start, end, label], in "
            "characters of the text, or in tokens if the row has `tokens`; `h`, and `subj_start`, … of TACRED are "
            "also read",
    )  # fmt: skip
    tail_field: Column = Field(
        default="tail", description="the field of the tail, in the same forms; `t` and `obj_start`, … are also read"
    )
    label_field: Column = Field(default="relation", description="the field of the relation; `label` is also read")
    none_labels: list[Annotated[str, Field(max_length=LONGEST_TEXT)]] | None = Field(
        default=None, max_length=100, description="labels that mean 'no relation'; null: none, no_relation, NA, and "
            "`Other` in files of SemEval-2010 Task 8. Rows with null have no relation either",
    )  # fmt: skip
    label_names: (
        Annotated[list[LabelName], Field(min_length=1, max_length=MOST_LABELS)]
        | Annotated[dict[Number, LabelName], Field(min_length=1, max_length=MOST_LABELS, json_schema_extra=SHORT_KEYS)]
        | None
    ) = Field(default=None, description="the names of numeric relations: a list from 0, or a mapping")
    tokenize: Tokenize = Field(
        default="words",
        description="how texts are split into tokens: words and punctuation, white space, or characters",
    )
