"""The progress of a training, as checkpoints store it."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

Count = Annotated[int, Field(ge=0)]
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


@dataclass(config=STRICT)
class Progress:
    """The progress of a training, besides weights and optimizer.

    ``step`` counts optimizer steps, ``evaluations`` the evaluations on dev; ``best`` is the best figure so far and
    ``stale`` the number of evaluations since then. ``varied`` says whether the figure has had two values: a constant
    one cannot rank checkpoints.
    """

    step: Count = 0
    evaluations: Count = 0
    best: float | None = None
    best_step: Count = 0
    best_metrics: dict[str, float] | None = None
    stale: Count = 0
    varied: bool = False

    @model_validator(mode="after")
    def _is_possible(self) -> Progress:
        figures = [None] if self.best_metrics is None else list(self.best_metrics.values())
        if self.best not in figures:
            raise ValueError("`best` is not in `best_metrics`")
        if self.best_step > self.step:
            raise ValueError("`best_step` is after `step`")
        if self.stale > self.evaluations:
            raise ValueError("`stale` is more than `evaluations`")
        return self

    @property
    def is_chosen(self) -> bool:
        """Whether dev selected the best checkpoint: by a figure that varied, or in the only evaluation."""
        return self.best_metrics is not None and (self.varied or self.evaluations == 1)
