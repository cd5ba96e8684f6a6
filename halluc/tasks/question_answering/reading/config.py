"""The keys of ``data`` of question answering."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, model_validator

from halluc.data.config import Column, DataConfig
from halluc.data.rows.row import Format
from halluc.data.tokenization import TokenizationKeys, Tokenize


class QuestionsConfig(DataConfig, TokenizationKeys):
    task: ClassVar[str] = "question_answering"
    formats: ClassVar[tuple[Format, ...]] = ("jsonl", "json", "csv", "table", "hub")
    field_keys: ClassVar[tuple[str, ...]] = ("question_field", "context_field", "answers_field")
    question_field: Column = Field(default="question", description="the field of the question")
    context_field: Column = Field(default="context", description="the field of the context")
    answers_field: Column = Field(
        default="answers", description="the field of the answers: {text: […], answer_start: […]} or a list of {text, "
            "answer_start}, in characters of the context; empty lists if there is no answer. Files of SQuAD and CMRC "
            "2018 need no field",
    )  # fmt: skip
    title_field: Column = Field(
        default="title", description="the field of the document of a context: `dev_share` keeps documents together; "
            "without it, each context is a document",
    )  # fmt: skip
    answerable_only: bool = Field(
        default=False, description="remove the questions without an answer from every split; they are counted"
    )
    tokenize: Tokenize = Field(
        default="words",
        description="how texts are split into tokens: words and punctuation, white space, or characters",
    )

    @model_validator(mode="after")
    def _answers_are_exact(self) -> QuestionsConfig:
        if self.normalise != "none":
            raise ValueError(
                "`data.normalise` is not supported, because answers must be exact parts of their context: normalise "
                "the file instead"
            )
        return self
