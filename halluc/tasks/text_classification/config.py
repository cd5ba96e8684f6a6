"""The keys of ``task`` under ``type: text_classification``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, cast

from pydantic import Field, model_validator

from halluc.config.section import MOST_LABELS, LabelName, Reference, Section, Text
from halluc.data.config import Column
from halluc.data.rows.references import HUB, SplitName, resolve
from halluc.tasks.losses import LossConfig
from halluc.tasks.period_figures import Period
from halluc.tasks.text_classification.edits import Side

LongTexts = Literal["windows", "head", "tail", "head_tail"]


class RankingConfig(Section):
    """The texts of each group are ranked by the probability of one label."""

    positive: LabelName = Field(description="the positive label, whose probability ranks the texts of a group")
    k: int = Field(default=10, ge=1, le=10_000, description="NDCG@k counts the first k texts of a group")


class RetrievalConfig(Section):
    """Labels are the ids of answers in a bank, found by the similarity of a text to their questions."""

    bank: Reference = Field(
        description="the file of answers: JSON Lines, JSON, CSV or Parquet; rows with the same id are several "
        "questions with the same answer"
    )
    id_field: Column = Field(default="id", description="the field of the id, which is the label of texts")
    question_field: Column = Field(default="question", description="the field of the question that it answers")


class TextClassificationConfig(LossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"period", "ranking", "retrieval"})
    # Keys of figures only.
    undeciding_keys: ClassVar[frozenset[str]] = frozenset({"period", "ranking"})
    type: Literal["text_classification"]
    multi_label: bool = Field(
        default=False,
        description="whether a text may have several labels or none; each label is then predicted independently",
    )
    threshold: float = Field(
        default=0.5, gt=0, lt=1, description="with `multi_label`: labels with a higher probability are predicted"
    )
    long_texts: LongTexts = Field(
        default="windows",
        description="texts longer than the model's limit. windows: overlapping windows whose logits are pooled; "
        "head, tail: only one end is read; head_tail: a quarter of the limit from the start, the rest from the "
        "end. In a pair, the longer text is truncated first",
    )
    pool: Literal["mean", "max"] = Field(
        default="mean", description="how the logits of the windows of a text are pooled"
    )
    out_of_scope: Literal["class", "leave_out"] = Field(
        default="class",
        description="out-of-scope texts in training. class: the model gets an output for them, which is not a claim; "
        "leave_out: they are not used for training",
    )
    locked_words: list[Text] = Field(
        default=[],
        max_length=MOST_LABELS,
        description="words and phrases (case-insensitive) that augmentation never changes",
    )
    augment_side: Side = Field(default="both", description="for pairs: which text augmentation changes")

    period: Period = Field(
        default="month",
        description="with `data.timestamp_field`: the periods of figures over time. With more than 120 periods, the "
        "next longer period is used",
    )
    ranking: RankingConfig | None = Field(
        default=None,
        description="with `data.group_field`: AUC, MRR and NDCG@k of the texts of each group, such as the items shown "
        "to a user; {positive: clicked, k: 10}",
    )

    retrieval: RetrievalConfig | None = Field(
        default=None,
        description="answer retrieval: the labels are the answers of a bank, {bank: FILE}, and the model is a "
        "bi-encoder whose answer vectors are initialised with those of their questions",
    )

    def training_files(self) -> list[Path]:
        bank = None if self.retrieval is None else self.retrieval.bank
        return [] if bank is None or bank.startswith(HUB) else [resolve(bank, cast(SplitName, "bank"))]

    @model_validator(mode="after")
    def _keys_are_compatible(self) -> TextClassificationConfig:
        if self.threshold != 0.5 and not self.multi_label:
            raise ValueError(
                "`task.threshold` requires `multi_label: true`: otherwise the most probable label is predicted"
            )
        if self.pool != "mean" and self.long_texts != "windows":
            raise ValueError(f"`task.pool` requires `long_texts: windows`, not `{self.long_texts}`")
        if self.out_of_scope == "leave_out" and self.multi_label:
            raise ValueError(
                "`task.out_of_scope` cannot be combined with `multi_label: true`, where a text may have no label anyway"
            )
        if self.ranking is not None and self.multi_label:
            raise ValueError("`task.ranking` cannot be combined with `multi_label: true`")
        if self.retrieval is not None and self.multi_label:
            raise ValueError("`task.retrieval` cannot be combined with `multi_label: true`")
        return self
