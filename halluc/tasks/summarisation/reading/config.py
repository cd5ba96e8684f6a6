"""The keys of ``data`` of summarisation."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from halluc.config.section import DISTINCT, Text
from halluc.data.config import Column, DataConfig
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize

MOST_REFERENCES = 100


class SummariesConfig(DataConfig, TokenizationKeys):
    task: ClassVar[str] = "summarisation"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "csv", "table", "hub")
    document_field: Column | None = Field(
        default=None,
        description="the field of the text to summarise; null: the first of `document`, `dialogue`, `article`, "
        "`source`, `text`, `content` and `report` that the row has",
    )
    summary_field: (
        Column | Annotated[list[Column], Field(min_length=1, max_length=MOST_REFERENCES), DISTINCT] | None
    ) = Field(
        default=None,
        description="the field of the summary, a text or a list of texts, or a list of fields with one summary each; "
        "null: the first of `summary`, `highlights`, `abstract`, `target` and `tldr` that the row has, or `summary1`, "
        "`summary2` and so on",
    )
    language: Text | None = Field(
        default=None, description="language code, such as `en`, if rows have no field `language`; null: detected "
        "from each text",
    )  # fmt: skip
    tokenize: Tokenize = Field(
        default="words",
        description="how documents are split into tokens: words and punctuation, white space, or characters",
    )

    @property
    def summary_fields(self) -> tuple[Column, ...]:
        """The configured fields of summaries; empty if they are detected."""
        given = self.summary_field
        return () if given is None else tuple(given) if isinstance(given, list) else (given,)

    def requested_fields(self) -> dict[str, Column]:
        document = {} if self.document_field is None else {"document_field": self.document_field}
        return document | {f"summary_field {number}": name for number, name in enumerate(self.summary_fields)}

    @model_validator(mode="after")
    def _fields_differ(self) -> Self:
        if self.document_field is not None and self.document_field in self.summary_fields:
            raise ValueError("`data.document_field` and `data.summary_field` are the same: they must differ")
        return self
