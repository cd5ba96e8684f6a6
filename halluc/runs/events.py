"""The events of a training, as plain values. The loop yields them; loggers and checkpoints consume them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Started:
    """Start of a training: total optimizer steps and epochs, features and word pieces per epoch, share of padding.

    With `train.steps` the last epoch may be incomplete. ``waiting`` says how threads on a CPU wait for work, and why.
    A resumed run repeats the steps after ``resumed_step``: of two lines for the same step, the later one is valid.
    """

    steps: int
    epochs: int
    features: int
    pieces: int
    padding: float
    device: str
    precision: str
    threads: int
    waiting: str
    processes: int
    resumed_step: int


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step; ``loss`` is the mean per labelled token, ``grad_norm`` the norm before clipping.

    ``features`` and ``pieces`` are those of the whole batch, over all processes. ``evaluates``: an evaluation on dev
    follows, if there is a dev split.
    """

    step: int
    epoch: int
    loss: float
    learning_rate: float
    grad_norm: float
    features: int
    pieces: int
    seconds: float
    ends_epoch: bool
    evaluates: bool


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Metrics on dev after ``step``; ``best`` if they are the best so far."""

    step: int
    epoch: int
    metrics: dict[str, float]
    best: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """Complete weights are on disk."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """End of a training: the reason, the number of features since its start, and the duration of their steps."""

    step: int
    reason: str
    interrupted: bool
    seconds: float
    features: int


Event = Started | Step | Evaluated | Checkpointed | Stopped


def as_record(event: Event) -> dict[str, Any]:
    """The line of ``events.jsonl``."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
