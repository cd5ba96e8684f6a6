"""The keys of ``task`` under ``type: question_answering``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from halluc.config.section import Section

Side = Literal["both", "question", "context"]
Form = Literal["auto", "squad", "cmrc"]


class QuestionAnsweringConfig(Section):
    type: Literal["question_answering"]
    window: int = Field(
        default=384,
        ge=16,
        le=1 << 16,
        description="word pieces in a window: question, special pieces and a part of the context; at most the limit "
        "of the model",
    )
    stride: int = Field(
        default=128,
        ge=1,
        le=1 << 16,
        description="word pieces from the start of a window to the start of the next one (Devlin et al. 2019, "
        "`doc_stride`)",
    )
    max_question: int = Field(
        default=64,
        ge=1,
        le=1 << 16,
        description="maximum number of word pieces of the question; longer questions are truncated",
    )
    candidates: int = Field(
        default=20,
        ge=1,
        le=1_000,
        description="number of best starts of a window, which are combined with as many best ends",
    )
    max_answer: int = Field(default=30, ge=1, le=10_000, description="maximum number of tokens of an answer")
    no_answer_threshold: float | None = Field(
        default=None,
        ge=-1e6,
        le=1e6,
        description="a question is answered if the no-answer score minus the score of the best answer is at most "
        "this threshold; null: the threshold that is stored in the model, which is fitted on dev after training",
    )
    normalisation: Form = Field(
        default="auto",
        description="normalisation for comparing answers. squad: by words, without case, punctuation and articles; "
        "cmrc: by characters, without punctuation, for Chinese; auto: cmrc for contexts in scripts without spaces",
    )
    augment_side: Side = Field(
        default="both", description="what augmentation changes: the question, the context outside its answers, or both"
    )

    @model_validator(mode="after")
    def _windows_overlap(self) -> QuestionAnsweringConfig:
        if self.stride >= self.window:
            raise ValueError("`task.stride` must be below `task.window`, or parts of a context would not be read")
        return self
