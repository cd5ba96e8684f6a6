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
        description="word pieces that the model reads at once: question, special pieces and a part of the context; at "
        "most what the model takes",
    )
    stride: int = Field(
        default=128,
        ge=1,
        le=1 << 16,
        description="word pieces from the beginning of a window to the beginning of the next (Devlin et al. 2019, "
        "`doc_stride`)",
    )
    max_question: int = Field(
        default=64, ge=1, le=1 << 16, description="word pieces of the question that are read; longer ones are cut"
    )
    candidates: int = Field(
        default=20, ge=1, le=1_000, description="the best starts of a window are combined with as many best ends"
    )
    max_answer: int = Field(default=30, ge=1, le=10_000, description="tokens of the longest answer")
    no_answer_threshold: float | None = Field(
        default=None,
        ge=-1e6,
        le=1e6,
        description="a question is answered if the score of no answer exceeds that of the best answer by at most this; "
        "null: the threshold that is kept in the model, which is fitted on dev after training",
    )
    normalisation: Form = Field(
        default="auto",
        description="how answers are compared. squad: without case, punctuation and articles, by words; cmrc: Chinese, "
        "without punctuation, by characters; auto: cmrc for contexts in scripts without blanks",
    )
    augment_side: Side = Field(
        default="both", description="what augmentation changes: the question, the context outside its answers, or both"
    )

    @model_validator(mode="after")
    def _windows_overlap(self) -> QuestionAnsweringConfig:
        if self.stride >= self.window:
            raise ValueError("`task.stride` is under `task.window`: else parts of a context are never read")
        return self
