"""The keys of a sequence GAN."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from halluc.augmentation.methods.base import MethodConfig
from halluc.config.section import DropoutRate, PositiveShare, Section, Share, SmallCount

_Rows = Annotated[int, Field(ge=2, le=4096)]


class LikelihoodConfig(Section):
    """Pre-training by likelihood, also used for the generator that the GAN is compared with."""

    epochs: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="most epochs; it ends after three without a better held-out perplexity; null: as many as have "
        "2,000 steps",
    )
    batch: _Rows = Field(default=64, description="sequences of a step, on average")
    learning_rate: PositiveShare = Field(default=2.0e-3, description="of Adam at the beginning; it falls to a tenth")
    dropout: DropoutRate = Field(default=0.3, description="of the generator while it is trained by likelihood")


class AdversarialConfig(Section):
    """Training of generator and discriminator against each other."""

    steps: int = Field(default=300, ge=0, le=1_000_000, description="steps of the generator; 0: likelihood alone")
    batch: _Rows = Field(default=64, description="sequences of a step")
    learning_rate: PositiveShare = Field(default=1.0e-4, description="of the generator")
    likelihood_steps: int = Field(
        default=1,
        ge=0,
        le=100,
        description="maximum-likelihood steps after each step of the generator, to prevent mode collapse; 0: none",
    )
    discriminator_learning_rate: PositiveShare = Field(default=5.0e-4, description="learning rate of the discriminator")
    discriminator_steps: int = Field(
        default=2, ge=1, le=100, description="steps of the discriminator before each step of the generator"
    )
    warmup_steps: int = Field(
        default=100,
        ge=0,
        le=100_000,
        description="pre-training steps of the discriminator before the first step of the generator",
    )
    dropout: DropoutRate = Field(default=0.25, description="dropout rate of the discriminator")
    rollouts: int = Field(
        default=4, ge=4, le=64, description="`seqgan`: number of rollouts of a prefix, whose mean reward is its value"
    )
    stride: SmallCount = Field(
        default=4, description="`seqgan`: pieces between the prefixes that are completed; 1 as in the paper"
    )
    sharpest: float = Field(
        default=100.0,
        ge=1,
        le=10_000,
        description="`relgan`: inverse temperature of the relaxed samples in the last step; it starts at 1 and "
        "increases exponentially",
    )


class CollapseConfig(Section):
    """Limits of the generator, relative to that after pre-training; if one is violated, adversarial training stops, and
    the last good generator is restored."""

    every: int = Field(default=10, ge=1, le=10_000, description="steps between checks, each of which is a checkpoint")
    samples: int = Field(default=256, ge=16, le=100_000, description="number of sequences that are sampled for a check")
    distinct_2: Share = Field(default=0.85, description="minimum share of distinct bigrams")
    valid_rate: Share = Field(default=0.85, description="minimum share of samples that are valid examples")
    perplexity: float = Field(default=1.15, ge=1, le=1000, description="maximum perplexity on held-out examples")


Temperature = Annotated[float, Field(ge=0.1, le=10)]


class GanSynthesisConfig(MethodConfig):
    type: Literal["gan_synthesis"]
    variant: Literal["seqgan", "relgan"] = Field(
        default="relgan",
        description="seqgan: policy gradient with rollouts (Yu et al. 2017); relgan: relativistic loss on "
        "Gumbel-softmax samples (Nie et al. 2019)",
    )
    vocabulary: int = Field(default=3000, ge=50, le=100_000, description="maximum number of word pieces")
    longest: int = Field(
        default=64,
        ge=4,
        le=1024,
        description="maximum number of word pieces and label tokens of an example; longer training examples are not "
        "used, longer samples are rejected",
    )
    embedding: int = Field(default=128, ge=4, le=4096, description="width of the embeddings of the generator")
    width: int = Field(default=256, ge=4, le=4096, description="width of the LSTM of the generator")
    filters: int = Field(default=64, ge=4, le=1024, description="convolutions of each width in the discriminator")
    likelihood: LikelihoodConfig = Field(default=LikelihoodConfig(), description="maximum-likelihood pre-training")
    adversarial: AdversarialConfig = Field(default=AdversarialConfig(), description="adversarial training")
    collapse: CollapseConfig = Field(
        default=CollapseConfig(), description="when adversarial training stops and the last good state is restored"
    )
    sample_from: Literal["gan", "likelihood", "better"] = Field(
        default="gan",
        description="gan; likelihood: the generator with only maximum-likelihood training; better: likelihood, "
        "unless the GAN is better",
    )
    temperature: Temperature | None = Field(
        default=None,
        description="temperature of sampling; null: the one of `temperatures` that is best on held-out examples",
    )
    temperatures: tuple[Temperature, ...] = Field(
        default=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
        min_length=1,
        max_length=50,
        strict=False,
        description="temperatures at which the GAN and likelihood alone are compared on held-out examples",
    )
