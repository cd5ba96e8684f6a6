"""Generator and discriminator with their optimizers, and what one adversarial step of either variant is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from halluc.augmentation.models.gan.discriminator import ConvDiscriminator
from halluc.augmentation.models.gan.generator import LstmGenerator
from halluc.augmentation.models.gan.sequences import Sequences

# The largest norm of a gradient (Pascanu et al. 2013).
_LARGEST_NORM = 5.0


class NotFinite(Exception):
    """A loss or gradient is infinite or no number: the training has diverged."""


@dataclass
class Adversaries:
    """The two networks and their optimizers."""

    generator: LstmGenerator
    discriminator: ConvDiscriminator
    generator_optimizer: torch.optim.Optimizer
    discriminator_optimizer: torch.optim.Optimizer

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds of them."""
        return {name: getattr(self, name).state_dict() for name in vars(self)}

    def load(self, state: Mapping[str, Any]) -> None:
        for name in vars(self):
            getattr(self, name).load_state_dict(state[name])


class AdversarialStep(Protocol):
    """A variant: one step of the generator against the discriminator, and one of the discriminator."""

    def generator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        """To minimise over the generator; ``done`` is the share of the training that is over."""

    def discriminator_loss(self, players: Adversaries, real: Sequences, done: float) -> Tensor:
        """To minimise over the discriminator."""


def descend(loss: Tensor, model: nn.Module, optimizer: torch.optim.Optimizer) -> float:
    """One step down the gradient of ``loss``, which is returned.

    Raises:
        NotFinite: loss or gradient; nothing is changed.
    """
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(model.parameters(), _LARGEST_NORM)
    if not bool(torch.isfinite(loss.detach()) & torch.isfinite(norm)):
        raise NotFinite
    optimizer.step()
    return float(loss.detach())
