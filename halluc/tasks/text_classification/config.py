"""The keys of ``task`` under ``type: text_classification``, and what goes together."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, cast

from pydantic import Field, model_validator

from halluc.config.section import MOST_LABELS, LabelName, Reference, Section, Text
from halluc.data.config import Column
from halluc.data.rows.references import HUB, SplitName, resolve
from halluc.tasks.losses import LossConfig
from halluc.tasks.over_time import Period
from halluc.tasks.text_classification.edits import Side

LongTexts = Literal["windows", "head", "tail", "head_tail"]


class RankingConfig(Section):
    """The texts of each group are ranked by the probability of one label."""

    positive: LabelName = Field(description="the label whose probability ranks the texts of a group")
    k: int = Field(default=10, ge=1, le=10_000, description="NDCG@k counts the first k texts of a group")


class RetrievalConfig(Section):
    """Labels are the ids of answers in a bank, found by the similarity of a text to their questions."""

    bank: Reference = Field(
        description="the file of answers: JSON Lines, JSON, CSV or Parquet; rows of one id are several questions"
    )
    id_field: Column = Field(default="id", description="the field of the id, which is the label of texts")
    question_field: Column = Field(default="question", description="the field of the question that it answers")


class TextClassificationConfig(LossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset({"period", "ranking", "retrieval"})
    # Keys of figures.
    undeciding_keys: ClassVar[frozenset[str]] = frozenset({"period", "ranking"})
    type: Literal["text_classification"]
    multi_label: bool = Field(
        default=False, description="whether a text may have several labels, or none; each is then judged by itself"
    )
    threshold: float = Field(
        default=0.5, gt=0, lt=1, description="with `multi_label`: labels of more probability are claimed"
    )
    long_texts: LongTexts = Field(
        default="windows",
        description="texts longer than the model's limit. windows: read whole, in overlapping windows whose logits are "
        "pooled; head, tail: one end is read; head_tail: a quarter of the limit from the beginning, the rest from the "
        "end. Of a pair the longer text is cut first",
    )
    pool: Literal["mean", "max"] = Field(default="mean", description="how the logits of windows become a text's")
    out_of_scope: Literal["class", "leave_out"] = Field(
        default="class",
        description="training texts out of scope. class: the model gets an output for them, which claims nothing; "
        "leave_out: they are not trained on",
    )
    locked_words: list[Text] = Field(
        default=[], max_length=MOST_LABELS, description="words and phrases that augmentation never changes, in any case"
    )
    augment_side: Side = Field(default="both", description="of pairs: which text augmentation changes")

    period: Period = Field(
        default="month",
        description="with `data.timestamp_field`: the periods of figures over time. Of more than 120 periods, the next "
        "longer ones are taken",
    )
    ranking: RankingConfig | None = Field(
        default=None,
        description="with `data.group_field`: AUC, MRR and NDCG@k of the texts of each group, such as the items shown "
        "to a user; {positive: clicked, k: 10}",
    )

    retrieval: RetrievalConfig | None = Field(
        default=None,
        description="answer retrieval: the labels are the answers of a bank, {bank: FILE}, and the model is a "
        "bi-encoder whose vectors of answers begin as those of their questions",
    )

    def training_files(self) -> list[Path]:
        bank = None if self.retrieval is None else self.retrieval.bank
        return [] if bank is None or bank.startswith(HUB) else [resolve(bank, cast(SplitName, "bank"))]

    @model_validator(mode="after")
    def _keys_go_together(self) -> TextClassificationConfig:
        if self.threshold != 0.5 and not self.multi_label:
            raise ValueError("`task.threshold` goes with `multi_label: true`: else the most probable label is claimed")
        if self.pool != "mean" and self.long_texts != "windows":
            raise ValueError(f"`task.pool` goes with `long_texts: windows`, not with `{self.long_texts}`")
        if self.out_of_scope == "leave_out" and self.multi_label:
            raise ValueError("`task.out_of_scope` goes with one label a text: of several, none may hold")
        if self.ranking is not None and self.multi_label:
            raise ValueError("`task.ranking` goes with one label a text")
        if self.retrieval is not None and self.multi_label:
            raise ValueError("`task.retrieval` goes with one label a text")
        return self
