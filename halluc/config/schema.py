"""The shape of an experiment config. Unknown keys and implicit conversions are refused.

The sections ``task`` and ``data`` belong to components: their classes stand beside the component and are put in by
``experiment_type``, which is handed their types (``config.augmentation`` has those of ``augment``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model, model_validator

from halluc.config.bounds import (
    DISTINCT,
    MOST_EXAMPLES,
    MOST_LABELS,
    MOST_STEPS,
    Reference,
    Share,
    Text,
)
from halluc.core import registry
from halluc.core.labels import MOST_CHARACTERS, label_fault

# section of the config -> kind in the table; `task.type` selects the component of each
COMPONENT_SECTIONS = {"task": "task", "data": "reader"}

# The sections that decide the model: their hash finds a run again (DESIGN, "One run as data").
MODEL_SECTIONS = ("task", "data", "gap", "augment", "model", "train", "seed")


class Section(BaseModel):
    """Base of every part of a config: strict types, no unknown keys, immutable, text for people in descriptions.

    ``later_keys`` are those that the component did not have in its first version, ``undeciding_keys`` those that a
    trained model does not depend on (see ``config.hashing``).
    """

    later_keys: ClassVar[frozenset[str]] = frozenset()
    undeciding_keys: ClassVar[frozenset[str]] = frozenset()
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def training_files(self) -> list[Path]:
        """The files, corpora aside, that training reads because a key of this section names them."""
        return []


# More than BERT-large has in its layers; training takes 16 bytes for each. A layer of width w has 12 w^2.
_MOST_WEIGHTS = 350_000_000


def _fit_label(given: str) -> str:
    fault = label_fault(given)
    if fault is not None:
        raise ValueError(f"{fault}: a label is a short name, of visible characters")
    return given


# A name that becomes a label.
LabelName = Annotated[str, Field(min_length=1, max_length=MOST_CHARACTERS), AfterValidator(_fit_label)]


class ScratchConfig(Section):
    """An encoder that is not pre-trained: BERT's architecture with random weights, and a tokenizer of its own."""

    layers: int = Field(default=4, ge=1, le=100, description="transformer layers")
    width: int = Field(
        default=256, ge=1, le=4_096, description="hidden size; the feed-forward layers are four times as wide"
    )
    heads: int = Field(default=4, ge=1, le=256, description="attention heads; `width` must be a multiple of it")
    vocabulary: int = Field(
        default=8000,
        ge=100,
        le=1_000_000,
        description="maximum size of the WordPiece vocabulary, which is learned from the training split (cased)",
    )

    @model_validator(mode="after")
    def _heads_share_the_width(self) -> ScratchConfig:
        if self.width % self.heads:
            raise ValueError(f"`width: {self.width}` cannot be shared by `heads: {self.heads}`: it must be a multiple")
        weights = self.layers * 12 * self.width**2
        if weights > _MOST_WEIGHTS:
            raise ValueError(
                f"`layers: {self.layers}` of `width: {self.width}` are {weights:,} weights: more than {_MOST_WEIGHTS:,}"
            )
        return self


class ModelConfig(Section):
    name: Reference | None = Field(
        default=None,
        description="the pre-trained encoder: a local path, `hub:NAME@REVISION` (needs the network) or "
        "`package:IMPORT_NAME/FOLDER` (a model that an installed Python package carries)",
    )
    scratch: ScratchConfig | None = Field(
        default=None,
        description="instead of `name`: an encoder with random weights, and a tokenizer trained on the training split",
    )
    trust_remote_code: bool = Field(
        default=False,
        description="allow Python code from the model's repository to run; enable it only if you trust the repository",
    )
    dropout: float | None = Field(
        default=None, ge=0, lt=1, description="dropout rate of all layers; null: the rates in the model's own config"
    )
    freeze: int | None = Field(
        default=None, ge=0, le=1_000, description="freeze the embeddings and this many of the lowest layers"
    )

    @model_validator(mode="after")
    def _named_or_made(self) -> ModelConfig:
        if self.name is None and self.scratch is None:
            raise ValueError("`model` needs `name`, a pre-trained encoder, or `scratch`, one with random weights")
        if self.name is not None and self.scratch is not None:
            raise ValueError("`model` takes either `name` or `scratch`; an arm sets the other to null")
        if self.scratch is not None and self.freeze is not None:
            raise ValueError("`model.freeze` goes with `model.name`: what is made from scratch has to be trained")
        return self


class CheckpointsConfig(Section):
    """Which checkpoints stay on disk; it does not change the model."""

    keep: Literal["none", "last", "all"] = Field(
        default="none",
        description="checkpoints that stay after training. last: the last one and the best weights, for `--resume` "
        "with more epochs. During training, none and last keep the newest two",
    )


class TrainConfig(Section):
    epochs: int = Field(
        default=3, ge=1, le=100_000, description="passes over the training split; ignored if `steps` is set"
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        le=MOST_STEPS,
        description="total number of optimizer steps, instead of `epochs`",
    )
    learning_rate: float = Field(
        default=5.0e-5,
        gt=0,
        le=1,
        description="peak learning rate, at the end of the warm-up; small encoders need a higher one",
    )
    batch_tokens: int = Field(
        default=1024,
        ge=1,
        le=100_000_000,
        description="batch size of an optimizer step, in word pieces without padding, over all processes",
    )
    batching: Literal["buckets", "random"] = Field(
        default="buckets",
        description="buckets: batches of examples of similar length, in random order; random: no grouping by length",
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        default="linear", description="learning-rate decay after the warm-up"
    )
    warmup: float = Field(
        default=0.1, ge=0, le=1, description="share of the steps in which the learning rate increases"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, le=100, description="weight decay of AdamW; biases and normalization layers have none"
    )
    max_grad_norm: float = Field(default=1.0, gt=0, le=1_000_000, description="gradient clipping: the maximum norm")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="auto: bf16 (autocast) if the device supports it, else fp32; fp16 needs CUDA"
    )
    best: Text | None = Field(
        default=None, description="the figure on dev that chooses the checkpoint; null: the primary figure of the task"
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="early stopping: stop after this many evaluations without improvement; null: never",
    )
    evaluate_steps: int | None = Field(
        default=None,
        ge=1,
        le=MOST_STEPS,
        description="evaluate on dev every N steps and after the last step; null: after each epoch",
    )
    accumulation: int = Field(
        default=1,
        ge=1,
        le=1_000,
        description="gradient accumulation: split each optimizer step into N forward passes, to save memory",
    )
    checkpoint_steps: int | None = Field(
        default=None,
        ge=1,
        le=MOST_STEPS,
        description="save a checkpoint every N steps, in addition to the one after each epoch",
    )
    checkpoints: CheckpointsConfig = Field(default=CheckpointsConfig(), description="which checkpoints stay on disk")
    compile: bool = Field(
        default=False, description="use torch.compile: about a minute of compilation, then slightly faster"
    )


class GapConfig(Section):
    """What is withheld from the training split on purpose (DEFINITIONS, section 2)."""

    unit: Literal["mention", "label", "example", "word", "pair", "entity", "answer", "question", "context"] = Field(
        default="mention",
        description="what is withheld: distinct mentions (surface and label), content words of texts, pairs or "
        "entities of relations, distinct answers, questions or contexts, whole labels, or examples. Training examples "
        "that contain a withheld unit are dropped",
    )
    fraction: Share = Field(
        description="the share of the units that is withheld; the units of .25 are among those of .5"
    )
    labels: Annotated[list[Text], Field(min_length=1, max_length=MOST_LABELS), DISTINCT] | None = Field(
        default=None, description="with `unit: label`: the labels to withhold, by name"
    )
    control: Literal["matched", "none"] = Field(
        default="matched",
        description="matched: every fraction trains on the same number of examples of each kind (sentences with 0, 1, "
        "2, 3 or more mentions; texts of each class and length); none: on all remaining examples",
    )
    fractions: Annotated[list[Share], Field(min_length=1, max_length=1_000)] | None = Field(
        default=None,
        description="the fractions of the study, from which matched sizes are computed; null: 0, .25, .5 (for labels "
        "0, 1; for words 0, .1, .25)",
    )
    size: int | None = Field(
        default=None,
        ge=1,
        le=MOST_EXAMPLES,
        description="with `control: matched`: train on this many examples; null: as many as the largest fraction "
        "leaves",
    )

    @model_validator(mode="after")
    def _keys_go_together(self) -> GapConfig:
        if self.unit == "label" and not self.labels:
            raise ValueError("`gap.unit: label` needs `gap.labels`, the labels to withhold")
        if self.unit != "label" and self.labels:
            raise ValueError(f"`gap.labels` goes with `gap.unit: label`, not with `{self.unit}`")
        if self.size is not None and self.control == "none":
            raise ValueError("`gap.size` goes with `gap.control: matched`, not with `none`")
        return self


class GuaranteeConfig(Section):
    """Abstention with a guarantee (Learn then Test; Angelopoulos et al. 2021)."""

    max_rate: float = Field(gt=0, lt=1, description="upper bound of the rate of unsupported claims")
    probability: float = Field(
        default=0.95, gt=0, lt=1, description="the probability with which the bound holds, over random dev splits"
    )
    unit: Literal["example", "claim"] = Field(
        default="example",
        description="what is assumed to be independent: examples (Hoeffding-Bentkus), or claims (exact binomial)",
    )


class AbstainConfig(Section):
    """Which claims are withdrawn because their confidence is low."""

    threshold: Share | None = Field(default=None, description="withdraw claims with lower confidence than this")
    guarantee: GuaranteeConfig | None = Field(
        default=None, description="choose the threshold on dev so that the rate of unsupported claims is bounded"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> AbstainConfig:
        if (self.threshold is None) == (self.guarantee is None):
            raise ValueError("`eval.abstain` takes either `threshold` or `guarantee`")
        return self


Bound = Annotated[float, Field(ge=-1_000_000, le=1_000_000)]


class GateConfig(Section):
    """Bounds of one figure; `halluc eval` ends with exit code 5 if one is not met."""

    min: Bound | None = Field(default=None, description="the smallest accepted value")
    max: Bound | None = Field(default=None, description="the largest accepted value")
    use: Literal["value", "interval"] = Field(
        default="value", description="what is compared with the bounds: the value, or the worse end of its 95% interval"
    )
    split: Literal["train", "dev", "test"] | None = Field(
        default=None,
        description="the split that is checked, dev or test; null: the last one evaluated",
    )
    by: dict[Text, Text] = Field(
        default={}, max_length=10, description="the slice, such as {label: PER} or {novelty: new}; empty: all"
    )

    @model_validator(mode="after")
    def _bounds_something(self) -> GateConfig:
        if self.min is None and self.max is None:
            raise ValueError("a gate needs `min` or `max`")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"no figure can meet this gate: its `min: {self.min:g}` is more than its `max: {self.max:g}`"
            )
        return self


Decoding = Literal["constrained", "argmax"]


class EvalConfig(Section):
    splits: Annotated[list[Literal["train", "dev", "test"]], Field(min_length=1, max_length=3), DISTINCT] | None = (
        Field(
            default=None,
            description="the splits that `halluc eval` evaluates; null: dev and test, if present",
        )
    )
    batch_tokens: int = Field(
        default=4096, ge=1, le=100_000_000, description="batch size of a forward pass, in word pieces with padding"
    )
    decode: Decoding = Field(
        default="constrained",
        description="decoding of tags. constrained: the most probable sequence that is legal in the tag scheme "
        "(Viterbi); argmax: the most probable tag of each word, which may give illegal sequences",
    )
    labels: Annotated[dict[Text, LabelName | None], Field(max_length=MOST_LABELS)] | None = Field(
        default=None,
        description="maps labels of the model to labels of the data, such as {PERSON: PER, DATE: null}, or unnamed "
        "outputs to tags, such as {LABEL_0: O, LABEL_1: B-PER}; null: no label",
    )
    calibration: Literal["none", "temperature"] = Field(
        default="none",
        description="temperature: temperature scaling of confidences, fitted on dev (Guo et al. 2017)",
    )
    abstain: AbstainConfig | None = Field(
        default=None, description="abstention: withdraw claims with low confidence, by a threshold or with a guarantee"
    )


class Experiment(Section):
    """A whole config, with ``task`` and ``data`` typed by the components that they name."""

    name: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$",
        description="name of the folder under `runs_dir`: letters, digits, dot, hyphen, underscore",
    )
    seed: int = Field(default=1, ge=0, lt=2**31, description="random seed of everything")
    runs_dir: Reference = Field(default="runs", description="the folder of run directories")
    keep_models: Literal["all", "best", "none"] | None = Field(
        default=None,
        description="in a study (`matrix`): which models `halluc run` keeps after evaluation: all (also null), the "
        "best on dev by `train.best`, or none. A cell whose model was deleted still counts as trained",
    )
    task: Any = Field(description="the task and its settings; see `halluc list tasks`")
    data: Any = Field(description="the corpus: `data: {train: FILE}`")
    model: ModelConfig = Field(description="the encoder to fine-tune: `model: {name: …}`")
    gap: GapConfig | None = Field(default=None, description="what to withhold from the training split; null: nothing")
    augment: Any = Field(default=None, description="data augmentation of the training split; null: none")
    train: TrainConfig = TrainConfig()
    eval: EvalConfig = EvalConfig()
    gates: dict[Text, GateConfig] = Field(
        default={},
        max_length=1_000,
        description="bounds that `halluc eval` checks, by figure: {hallucination_rate: {max: 0.05}}",
    )


def component_configs(table: registry.Table, kind: str) -> dict[str, type[Section]]:
    """Every component of a kind with its config class."""
    return {name: registry.load(table, kind, name).Config for name in table[kind]}


def experiment_type(chosen: Mapping[str, type[Section]]) -> type[Experiment]:
    """``Experiment`` with the sections of ``chosen`` typed; a section left out takes anything."""
    fields: dict[str, Any] = {
        name: (section, Field(description=Experiment.model_fields[name].description))
        for name, section in chosen.items()
    }
    return create_model("Experiment", __base__=Experiment, **fields)
