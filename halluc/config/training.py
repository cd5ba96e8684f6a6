"""The section ``train``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from halluc.config.bounds import DISTINCT, MOST_MEMBERS, MOST_STEPS, Reference, Share, Text
from halluc.config.section import Section


class CheckpointsConfig(Section):
    """Which checkpoints stay on disk; it does not change the model."""

    keep: Literal["none", "last", "all"] = Field(
        default="none",
        description="checkpoints that stay after training. last: the last one and the best weights, for `--resume` "
        "with more epochs. During training, none and last keep the newest two",
    )


class TeacherConfig(Section):
    """Knowledge distillation (Hinton et al. 2015)."""

    runs: Annotated[list[Reference], Field(min_length=1, max_length=MOST_MEMBERS), DISTINCT] = Field(
        description="runs or models with the same labels; the mean of their probabilities is the soft target"
    )
    temperature: float = Field(
        default=2.0, ge=0.1, le=100, description="what logits of teachers and student are divided by"
    )
    weight: Share = Field(default=0.5, description="share of the soft loss; the rest is the loss of the annotation")


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
    teacher: TeacherConfig | None = Field(
        default=None, description="distillation: learn from the probabilities of trained models too"
    )
    compile: bool = Field(
        default=False, description="use torch.compile: about a minute of compilation, then slightly faster"
    )
