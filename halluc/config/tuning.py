"""The section ``tune``: what ``halluc tune`` searches, and how."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from halluc.config.evaluation import BoundsConfig
from halluc.config.section import DISTINCT, Section, SmallCount, Text

MOST_CHOICES, MOST_PARAMETERS, MOST_TRIALS, MOST_GRID = 1_000, 50, 100_000, 10_000
Number = Annotated[int, Field(ge=-(10**12), le=10**12)] | Annotated[float, Field(ge=-1e12, le=1e12)]


class RangeConfig(Section):
    """A range of a key whose value is a number; both ends are part of it."""

    low: Number = Field(description="minimum value")
    high: Number = Field(description="maximum value")
    log: bool = Field(default=False, description="search the logarithm of the value, as for learning rates")
    step: Number | None = Field(default=None, description="step between neighbouring values; null: any value")

    @model_validator(mode="after")
    def _is_a_range(self) -> RangeConfig:
        if self.low > self.high:
            raise ValueError(f"`low: {self.low:g}` is more than `high: {self.high:g}`")
        if self.log and self.low <= 0:
            raise ValueError(f"`log: true` needs a `low` above 0, not {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("`step` cannot be combined with `log: true`")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"`step` must be more than 0, not {self.step:g}")
        return self

    def values(self) -> list[int | float] | None:
        """Every value of a range with steps; None if it has no steps, or too many."""
        if self.step is None or (self.high - self.low) / self.step > MOST_GRID:
            return None
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        return [round(self.low + number * self.step, 12) for number in range(count)]


def _differ(choices: list[Any]) -> list[Any]:
    texts = [json.dumps(choice, sort_keys=True) for choice in choices]
    repeated = next((one for one in texts if texts.count(one) > 1), None)
    if repeated is not None:
        raise ValueError(f"the choice {repeated} is repeated")
    return choices


Choices = Annotated[list[Any], Field(min_length=1, max_length=MOST_CHOICES), AfterValidator(_differ)]


class ConstraintConfig(BoundsConfig):
    """Bounds of a figure on dev that a trial must keep."""

    what = "a constraint"


Direction = Literal["maximize", "minimize"]


class TuneConfig(Section):
    """The search space of ``halluc tune``; other commands ignore this section."""

    space: Annotated[dict[Text, RangeConfig | Choices], Field(min_length=1, max_length=MOST_PARAMETERS)] = Field(
        description="keys with the values to try: a list of values, or a range, such as {train.learning_rate: {low: "
        "1.0e-5, high: 1.0e-3, log: true}, train.batch_tokens: [512, 1024]}"
    )
    trials: int = Field(
        default=20, ge=1, le=MOST_TRIALS, description="total number of trials; trial 0 is the config itself"
    )
    metric: Text | Annotated[list[Text], Field(min_length=1, max_length=2), DISTINCT] | None = Field(
        default=None,
        description="the figure on dev to optimise, or two figures (Pareto front); null: that of `train.best`",
    )
    direction: Direction | Annotated[list[Direction], Field(min_length=1, max_length=2)] | None = Field(
        default=None, description="maximize or minimize, one for each metric; null: the better direction of the figure"
    )
    sampler: Literal["tpe", "random", "grid"] = Field(
        default="tpe",
        description="tpe: tree-structured Parzen estimator; random: random search; grid: every combination",
    )
    pruner: Literal["none", "median", "hyperband"] = Field(
        default="none",
        description="which trials are stopped early by their figure on dev. median: those below the median of earlier "
        "trials at the same evaluation, from the sixth trial on; hyperband: by successive halving",
    )
    batch: SmallCount = Field(
        default=1,
        description="how many trials are chosen at once, by the results of the batches before; `--on ray` runs them in "
        "parallel",
    )
    timeout: float | None = Field(
        default=None, gt=0, le=1e9, description="seconds after which a command starts no further trial; null: no limit"
    )
    constraints: dict[Text, ConstraintConfig] = Field(
        default={},
        max_length=20,
        description="bounds on figures on dev that the best trial must meet, such as {hallucination_rate: {max: 0.03}}",
    )
    keep_models: Literal["all", "best", "none"] = Field(
        default="best", description="which models of trials are kept on disk: all, those of the best trials, or none"
    )

    @property
    def metrics(self) -> list[str]:
        """The configured metrics; empty: the one of ``train.best``."""
        return [self.metric] if isinstance(self.metric, str) else list(self.metric or ())

    @property
    def directions(self) -> list[Direction]:
        return [self.direction] if isinstance(self.direction, str) else list(self.direction or ())

    @model_validator(mode="after")
    def _keys_go_together(self) -> TuneConfig:
        if self.direction is not None and len(self.directions) != max(1, len(self.metrics)):
            raise ValueError("`tune.direction` needs one direction for each figure of `tune.metric`")
        if self.pruner != "none" and len(self.metrics) > 1:
            raise ValueError("`tune.pruner` needs a single metric: Optuna cannot prune with two")
        if self.sampler == "grid":
            size = 1
            for name, one in self.space.items():
                values = one.values() if isinstance(one, RangeConfig) else one
                if values is None:
                    raise ValueError(f"`tune.sampler: grid` needs a `step` or a list for `{name}`")
                size *= len(values)
            if size > MOST_GRID:
                raise ValueError(f"the grid of `tune.space` has {size:,} points, more than {MOST_GRID:,}")
        return self
