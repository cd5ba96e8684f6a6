"""The section ``train``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from halluc.config.section import (
    DISTINCT,
    MOST_MEMBERS,
    BatchSize,
    EpochCount,
    LargeCount,
    LossWeight,
    PositiveShare,
    Reference,
    Section,
    Share,
    SmallCount,
    StepCount,
    Text,
)


class CheckpointsConfig(Section):
    """Which checkpoints stay on disk; it does not change the model."""

    keep: Literal["none", "last", "all"] = Field(
        default="none",
        description="checkpoints that are kept after training. last: the last checkpoint and the best weights, for "
        "`--resume` with more epochs. During training, none and last keep the newest two",
    )


_DECAY, _LAST = 0.999, 3


class AverageConfig(Section):
    """Weight averaging: dev, checkpoint selection and the published model use the averaged weights."""

    kind: Literal["exponential", "checkpoints"] = Field(
        description="exponential: a moving average, updated after every step; checkpoints: the mean of the weights at "
        "the last evaluations"
    )
    decay: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description=f"decay of the exponential average; null: {_DECAY}. In step t it is at most (1 + t) / (10 + t)",
    )
    last: int | None = Field(
        default=None, ge=1, le=100, description=f"number of evaluations whose checkpoints are averaged; null: {_LAST}"
    )

    @property
    def most_decay(self) -> float:
        return _DECAY if self.decay is None else self.decay

    @property
    def most_checkpoints(self) -> int:
        return _LAST if self.last is None else self.last

    @model_validator(mode="after")
    def _keys_go_together(self) -> AverageConfig:
        for key, kind in (("decay", "exponential"), ("last", "checkpoints")):
            if getattr(self, key) is not None and self.kind != kind:
                raise ValueError(f"`train.average.{key}` requires `kind: {kind}`, not `{self.kind}`")
        return self


class UnfreezeConfig(Section):
    """Gradual unfreezing (Howard & Ruder 2018): the head is trained first, then one more layer after each interval."""

    every: Literal["epoch"] | StepCount = Field(
        default="epoch", description="the interval: `epoch`, or a number of steps"
    )


class PretrainConfig(Section):
    """Continued pre-training by masked language modelling (Gururangan et al. 2020), before fine-tuning."""

    texts: Annotated[list[Reference], Field(max_length=100), DISTINCT] = Field(
        default=[],
        description="text files without labels: one sentence per line, split into tokens at white space; .jsonl: the "
        "field "
        "`tokens` or `text`",
    )
    own: bool = Field(default=False, description="also use the texts of the training split")
    lines: LargeCount = Field(default=20_000, description="maximum number of lines that are read from `texts`")
    epochs: EpochCount = Field(
        default=3, description="number of epochs, each with new masks; ignored if `steps` is set"
    )
    steps: StepCount | None = Field(default=None, description="total number of optimizer steps")
    learning_rate: PositiveShare | None = Field(
        default=None,
        description="peak learning rate; null: 5.0e-5, or 3.0e-4 if the masked-LM head of the model is random",
    )
    batch_tokens: LargeCount = Field(default=1_024, description="batch size in word pieces, without padding")
    mask: float = Field(default=0.15, gt=0, le=0.9, description="share of the words that are masked")

    @model_validator(mode="after")
    def _has_texts(self) -> PretrainConfig:
        if not self.texts and not self.own:
            raise ValueError("`train.pretrain` needs `texts`, files without labels, or `own: true`")
        return self


class TeacherConfig(Section):
    """Knowledge distillation (Hinton et al. 2015)."""

    runs: Annotated[list[Reference], Field(min_length=1, max_length=MOST_MEMBERS), DISTINCT] = Field(
        description="runs or models with the same labels; the mean of their probabilities is the soft target"
    )
    temperature: float = Field(
        default=2.0, ge=0.1, le=100, description="temperature: the logits of teachers and student are divided by it"
    )
    weight: Share = Field(default=0.5, description="weight of the soft loss; the rest is the loss on the annotation")


class TrainConfig(Section):
    epochs: int = Field(default=3, ge=1, le=100_000, description="number of epochs; ignored if `steps` is set")
    steps: StepCount | None = Field(default=None, description="total number of optimizer steps, instead of `epochs`")
    learning_rate: PositiveShare = Field(
        default=5.0e-5, description="peak learning rate, at the end of the warm-up; small encoders need a higher one"
    )
    batch_tokens: BatchSize = Field(
        default=1024, description="batch size of an optimizer step, in word pieces without padding, over all processes"
    )
    batching: Literal["buckets", "random"] = Field(
        default="buckets",
        description="buckets: batches of examples of similar length, in random order; random: no grouping by length",
    )
    schedule: Literal["linear", "cosine", "constant"] = Field(
        default="linear", description="learning-rate decay after the warm-up"
    )
    warmup: Share = Field(default=0.1, description="share of the steps in which the learning rate increases (warm-up)")
    weight_decay: float = Field(
        default=0.01, ge=0, le=100, description="weight decay of AdamW; biases and normalization layers have none"
    )
    max_grad_norm: float = Field(default=1.0, gt=0, le=1_000_000, description="gradient clipping: the maximum norm")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="auto: bf16 (autocast) if the device supports it, else fp32; fp16 needs CUDA"
    )
    best: Text | None = Field(
        default=None, description="the figure on dev that selects the checkpoint; null: the primary figure of the task"
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="early stopping: stop after this many evaluations without improvement; null: never",
    )
    evaluate_steps: StepCount | None = Field(
        default=None, description="evaluate on dev every N steps and after the last step; null: after each epoch"
    )
    accumulation: SmallCount = Field(
        default=1, description="gradient accumulation: split each optimizer step into N forward passes, to save memory"
    )
    checkpoint_steps: StepCount | None = Field(
        default=None, description="save a checkpoint every N steps, in addition to the one after each epoch"
    )
    checkpoints: CheckpointsConfig = Field(
        default=CheckpointsConfig(), description="which checkpoints are kept on disk"
    )
    average: AverageConfig | None = Field(
        default=None, description="weight averaging, such as `average: {kind: exponential}`; null: none"
    )
    layer_decay: PositiveShare | None = Field(
        default=None,
        description="layer-wise learning rate decay: the rate of each layer is that of the layer above times this; "
        "the head and the top layer have the full rate, the embeddings the lowest. null: the same rate for all",
    )
    unfreeze: UnfreezeConfig | None = Field(
        default=None,
        description="gradual unfreezing, such as `unfreeze: {every: epoch}`; null: all layers are "
        "trained from the start",
    )
    pretrain: PretrainConfig | None = Field(
        default=None, description="continued pre-training of the encoder on texts without labels; null: none"
    )
    teacher: TeacherConfig | None = Field(
        default=None, description="distillation: also learn from the probabilities of trained models"
    )
    gradient_checkpointing: bool = Field(
        default=False,
        description="recompute activations in the backward pass, to save memory; a step takes about a third longer",
    )
    fsdp: bool = Field(
        default=False,
        description="fully sharded data parallelism: several processes divide weights, gradients and optimizer "
        "state among them, to save memory; no effect in one process",
    )
    compile: bool = Field(
        default=False, description="use torch.compile: about a minute of compilation, then slightly faster"
    )
    r_drop: LossWeight = Field(
        default=0.0,
        description="R-Drop (Liang et al. 2021): weight of the divergence between two passes that differ "
        "in their dropout; 0: off",
    )
    adversarial: float = Field(
        default=0.0,
        ge=0,
        le=1_000,
        description="adversarial training (FGM, Miyato et al. 2017): norm of the noise on the word embeddings of an "
        "example; 0: off",
    )

    @model_validator(mode="after")
    def _keys_go_together(self) -> TrainConfig:
        if self.adversarial and self.compile:
            raise ValueError(
                "`train.adversarial` cannot be combined with `compile: true`: set one of them to its default"
            )
        whole = [key for key in ("average", "unfreeze", "adversarial", "compile") if getattr(self, key)]
        if self.precision == "fp16":
            whole.append("precision")
        if self.fsdp and whole:
            raise ValueError(f"`train.fsdp` cannot be combined with `train.{whole[0]}`: set one of them to its default")
        return self
