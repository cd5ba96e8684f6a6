"""The keys of ``task`` under ``type: text_classification``, and what goes together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from halluc.config.bounds import MOST_LABELS, Text
from halluc.config.schema import Section
from halluc.tasks.text_edits import Side
from halluc.tasks.text_windows import LongTexts


class TextClassificationConfig(Section):
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
    loss: Literal["cross_entropy", "focal"] = Field(
        default="cross_entropy", description="focal: what is already right counts less (Lin et al. 2017)"
    )
    focal_gamma: float = Field(default=2.0, ge=0, le=100, description="with `loss: focal`: how much less")
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced: a class weighs the more the rarer it is, from .1 to 10 times"
    )
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of the target spread over all labels")
    out_of_scope: Literal["class", "leave_out"] = Field(
        default="class",
        description="training texts out of scope. class: the model gets an output for them, which claims nothing; "
        "leave_out: they are not trained on",
    )
    locked_words: list[Text] = Field(
        default=[], max_length=MOST_LABELS, description="words and phrases that augmentation never changes, in any case"
    )
    augment_side: Side = Field(default="both", description="of pairs: which text augmentation changes")

    @model_validator(mode="after")
    def _keys_go_together(self) -> TextClassificationConfig:
        if self.threshold != 0.5 and not self.multi_label:
            raise ValueError("`task.threshold` goes with `multi_label: true`: else the most probable label is claimed")
        if self.pool != "mean" and self.long_texts != "windows":
            raise ValueError(f"`task.pool` goes with `long_texts: windows`, not with `{self.long_texts}`")
        if self.focal_gamma != 2.0 and self.loss != "focal":
            raise ValueError("`task.focal_gamma` goes with `loss: focal`")
        if self.out_of_scope == "leave_out" and self.multi_label:
            raise ValueError("`task.out_of_scope` goes with one label a text: of several, none may hold")
        return self
