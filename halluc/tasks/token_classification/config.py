"""The keys of ``task`` under ``type: token_classification``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.config.section import DISTINCT, Reference, Section, Share
from halluc.tasks.mention_masking import MentionLossConfig


class GazetteerConfig(Section):
    """Names by label, marked in the input of the model."""

    files: Annotated[list[Reference], Field(min_length=1, max_length=100), DISTINCT] = Field(
        description="files of `LABEL<TAB>name` lines, or .jsonl of {label, name}; a trained model accepts other "
        "files too"
    )
    dropout: Share = Field(default=0.5, description="in training, the share of the matched names that are not marked")


class TokenClassificationConfig(MentionLossConfig):
    later_keys: ClassVar[frozenset[str]] = frozenset(
        {
            "loss",
            "focal_gamma",
            "class_weights",
            "mention_masking",
            "border_smoothing",
            "context",
            "head",
            "gazetteer",
            "casing",
        }
    )

    replaceable_keys: ClassVar[frozenset[str]] = frozenset({"gazetteer"})

    type: Literal["token_classification"]
    head: Literal["linear", "crf"] = Field(
        default="linear",
        description="the layer on top of the encoder. crf: a conditional random field over tag sequences (Lafferty "
        "et al. 2001)",
    )
    context: int | None = Field(
        default=None,
        ge=16,
        le=100_000,
        description="document context: consecutive sentences of a document are read together, in at most this many "
        "word pieces including special ones; null: each sentence separately",
    )
    casing: bool = Field(
        default=False,
        description="the casing of each word as an input feature, for encoders whose tokenizer lowercases (Collobert "
        "et al. 2011)",
    )
    border_smoothing: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="boundary smoothing: share of the target at mention boundaries that goes to the tags with the "
        "boundary moved by one word (after Zhu & Li 2022)",
    )
    gazetteer: GazetteerConfig | None = Field(
        default=None,
        description="lists of names by label whose matches are an input feature, in training and in prediction; "
        "{files: [FILE], dropout: 0.5}",
    )

    @model_validator(mode="after")
    def _crf_excludes_loss_keys(self) -> Self:
        keys = ("loss", "class_weights", "label_smoothing", "border_smoothing")
        changed = [key for key in keys if getattr(self, key) != type(self).model_fields[key].default]
        if self.head == "crf" and changed:
            raise ValueError(
                f"`task.{changed[0]}` cannot be combined with `head: crf`, whose loss is over whole sentences"
            )
        return self

    def training_files(self) -> list[Path]:
        return [] if self.gazetteer is None else [Path(file).expanduser() for file in self.gazetteer.files]
