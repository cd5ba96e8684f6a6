"""What happens during training, as plain values. The loop yields them; loggers and checkpoints listen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Started:
    """Training begins: optimizer steps in all, epochs that begin, features and word pieces an epoch, share of padding.

    With `train.steps` the last epoch may be cut.

    ``waiting`` tells how threads on a CPU wait for work, and why so.

    After ``resumed_step`` the steps of an interrupted run are told again: of two lines for one step the later counts.
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
    """One optimizer step; ``loss`` is a labelled token's mean, ``grad_norm`` the norm before clipping.

    ``features`` and ``pieces`` are those of the whole batch, over all processes. ``evaluates`` where an evaluation on
    dev follows, if there is a dev split.
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
    """Metrics on dev after ``step``; ``best`` where they choose the checkpoint so far."""

    step: int
    epoch: int
    metrics: dict[str, float]
    best: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """Weights are on disk, whole."""

    step: int
    path: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """Training ended: why, how many features were seen since it started, and how long their steps took."""

    step: int
    reason: str
    interrupted: bool
    seconds: float
    features: int


Event = Started | Step | Evaluated | Checkpointed | Stopped


def as_record(event: Event) -> dict[str, Any]:
    """The line of ``events.jsonl``."""
    return {"event": type(event).__name__.lower(), **asdict(event)}
