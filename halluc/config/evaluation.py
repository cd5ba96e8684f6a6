"""The sections ``eval`` and ``gates``."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.config.section import (
    DISTINCT,
    MOST_LABELS,
    MOST_MEMBERS,
    BatchSize,
    LabelName,
    OpenShare,
    Reference,
    Section,
    Share,
    Text,
)


class GuaranteeConfig(Section):
    """Abstention with a guarantee (Learn then Test; Angelopoulos et al. 2021)."""

    max_rate: OpenShare = Field(description="upper bound of the rate of unsupported claims")
    probability: OpenShare = Field(
        default=0.95, description="the probability with which the bound holds, over random dev splits"
    )
    unit: Literal["example", "claim"] = Field(
        default="example",
        description="the units that are assumed to be independent: examples (Hoeffding-Bentkus) or claims (exact "
        "binomial)",
    )


class AbstainConfig(Section):
    """Which claims are withdrawn because their confidence is low."""

    threshold: Share | None = Field(default=None, description="withdraw claims with a lower confidence")
    guarantee: GuaranteeConfig | None = Field(
        default=None, description="choose the threshold on dev so that the rate of unsupported claims is bounded"
    )

    by: Literal["label", "novelty"] | None = Field(
        default=None,
        description="with `guarantee`: one threshold per label or novelty class; the guarantees hold jointly with "
        "`probability`; claims of a class without a threshold are withdrawn",
    )

    @model_validator(mode="after")
    def _threshold_or_guarantee(self) -> AbstainConfig:
        if (self.threshold is None) == (self.guarantee is None):
            raise ValueError("`eval.abstain` takes either `threshold` or `guarantee`")
        if self.by is not None and self.guarantee is None:
            raise ValueError("`eval.abstain.by` requires `guarantee`")
        return self


class UncertaintyConfig(Section):
    """Confidences from several stochastic passes of the model (Gal & Ghahramani 2016)."""

    kind: Literal["dropout"] = Field(
        default="dropout", description="dropout: forward passes with dropout, each with its own seed"
    )
    samples: int = Field(
        default=8, ge=2, le=1_000, description="number of forward passes; their probabilities are averaged"
    )


Bound = Annotated[float, Field(ge=-1_000_000, le=1_000_000)]
Increase = Annotated[float, Field(ge=0, le=1_000_000)]


class BoundsConfig(Section):
    """Bounds of one figure; ``what`` is their name in messages, and ``needs`` names the required keys."""

    what: ClassVar[str] = "a gate"
    needs: ClassVar[str] = "`min` or `max`"

    min: Bound | None = Field(default=None, description="minimum accepted value")
    max: Bound | None = Field(default=None, description="maximum accepted value")

    @model_validator(mode="after")
    def _has_bound(self) -> Self:
        if not self.is_bound:
            raise ValueError(f"{self.what} needs {self.needs}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(
                f"no value can meet this {self.what.removeprefix('a ')}: its `min: {self.min:g}` is more than its "
                f"`max: {self.max:g}`"
            )
        return self

    @property
    def is_bound(self) -> bool:
        return self.min is not None or self.max is not None


class GateConfig(BoundsConfig):
    """Bounds of one figure; `halluc eval` ends with exit code 5 if one is not met."""

    needs: ClassVar[str] = "`min`, `max`, or a `baseline` with `max_increase` or `max_decrease`"

    max_increase: Increase | None = Field(
        default=None, description="maximum accepted increase over `baseline`, on the same examples"
    )
    max_decrease: Increase | None = Field(
        default=None, description="maximum accepted decrease below `baseline`, on the same examples"
    )
    baseline: Reference | None = Field(
        default=None, description="the evaluated run that `max_increase` and `max_decrease` are relative to"
    )
    use: Literal["value", "interval"] = Field(
        default="value",
        description="what is compared with the bounds: the value (or its difference from `baseline`), or the worse "
        "bound of its 95% interval",
    )
    split: Literal["train", "dev", "test"] | None = Field(
        default=None, description="the split that is checked, dev or test; null: the last evaluated split"
    )
    by: dict[Text, Text] = Field(
        default={}, max_length=10, description="the subset, such as {label: PER} or {novelty: new}; empty: all"
    )

    @model_validator(mode="after")
    def _compares_with_a_baseline(self) -> Self:
        if (self.baseline is None) != (self.max_increase is None and self.max_decrease is None):
            raise ValueError("`max_increase` and `max_decrease` require `baseline`, the run to compare with")
        return self

    @property
    def is_bound(self) -> bool:
        return super().is_bound or self.max_increase is not None or self.max_decrease is not None


Decoding = Literal["constrained", "argmax"]


class EvalConfig(Section):
    splits: Annotated[list[Literal["train", "dev", "test"]], Field(min_length=1, max_length=3), DISTINCT] | None = (
        Field(default=None, description="the splits that `halluc eval` evaluates; null: dev and test, if present")
    )
    batch_tokens: BatchSize = Field(
        default=4096, description="batch size of a forward pass, in word pieces with padding"
    )
    decode: Decoding = Field(
        default="constrained",
        description="decoding of tags. constrained: the most probable sequence that is valid in the tag scheme "
        "(Viterbi); argmax: the most probable tag of each word, which may give invalid sequences",
    )
    consistency: Literal["none", "document"] = Field(
        default="none",
        description="document: all mentions with the same text in a document get the same label, the one with the "
        "highest mean probability",
    )
    labels: Annotated[dict[Text, LabelName | None], Field(max_length=MOST_LABELS)] | None = Field(
        default=None,
        description="maps labels of the model to labels of the data, such as {PERSON: PER, DATE: null}, or unnamed "
        "outputs to tags, such as {LABEL_0: O, LABEL_1: B-PER}; null: no label",
    )
    calibration: Literal["none", "temperature"] = Field(
        default="none", description="temperature: temperature scaling of confidences, fitted on dev (Guo et al. 2017)"
    )
    ensemble: Annotated[list[Reference], Field(min_length=1, max_length=MOST_MEMBERS), DISTINCT] | None = Field(
        default=None, description="ensemble: runs or models whose probabilities are averaged with those of the run"
    )
    uncertainty: UncertaintyConfig | None = Field(
        default=None, description="Monte Carlo dropout: predict by the mean probabilities of passes with dropout on"
    )
    abstain: AbstainConfig | None = Field(
        default=None, description="abstention: withdraw claims with low confidence, by a threshold or with a guarantee"
    )
