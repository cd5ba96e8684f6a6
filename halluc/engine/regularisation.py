"""Two regularisers of a training step: R-Drop and adversarial noise on word embeddings.

R-Drop (Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", equations 1 to 4, and the authors' code):
each example is processed twice with different dropout, and the difference of the two distributions is penalised. The
loss is

    (loss_1 + loss_2) / 2 + alpha * (KL(p_1 || p_2) + KL(p_2 || p_1)) / 2

The fast gradient method (FGM; Miyato et al. 2017, "Adversarial Training Methods for Semi-Supervised Text
Classification", equation 5) adds the loss of a second pass, in which the word embeddings of each example are moved by
``epsilon * g / ||g||``. ``g`` is the gradient of the loss with respect to these embeddings, and the norm is over all
pieces of the example. Unlike in the paper, the embeddings are not normalised before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch

from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError
from halluc.engine.batching import Batch


@runtime_checkable
class ComparableFeatures(Protocol):
    """Features whose outputs are distributions over classes, so that two passes can be compared."""

    def divergence(self, outputs: Any, others: Any, batch: Batch) -> torch.Tensor:
        """The mean of both Kullback-Leibler divergences, in nats, summed like ``Features.loss``; a scalar."""
        ...


def refuse_unsupported(config: TrainConfig, features: object) -> None:
    """
    Raises:
        HallucError C221: the config asks for a regulariser that this task does not support.
    """
    if isinstance(features, ComparableFeatures):
        return
    for key in ("r_drop", "adversarial"):
        if getattr(config, key):
            help = f"set `train.{key}: 0`; it needs a task with an encoder"
            raise HallucError("C221", f"`train.{key}` cannot be used with text generation", help=help)


def loss_of(model: Any, features: Any, batch: Batch, r_drop: float) -> torch.Tensor:
    """The loss summed over a batch, a scalar; with ``r_drop``, the R-Drop loss with this alpha.

    Both passes are one pass over the batch and a copy of it, as in the authors' code.
    """
    if not r_drop:
        loss: torch.Tensor = features.loss(model(**batch.inputs), batch)
        return loss
    outputs = model(**{name: torch.cat((tensor, tensor)) for name, tensor in batch.inputs.items()})
    rows = len(batch.indexes)
    first, second = (
        type(outputs)(**{name: value[part] for name, value in outputs.items() if isinstance(value, torch.Tensor)})
        for part in (slice(rows), slice(rows, None))
    )
    mean = (features.loss(first, batch) + features.loss(second, batch)) / 2
    compared: torch.Tensor = mean + r_drop * features.divergence(first, second, batch)
    return compared


class EmbeddingNoise:
    """Adversarial noise of norm ``epsilon`` for each example, added to the word embeddings of ``model``."""

    def __init__(self, model: Any, epsilon: float) -> None:
        self.embeddings, self.epsilon = model.get_input_embeddings(), epsilon
        self._seen: torch.Tensor | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A context that records the embeddings of a pass, so that their gradient is available after its backward
        pass."""
        self._seen = None
        handle = self.embeddings.register_forward_hook(self._watch)
        try:
            yield
        finally:
            handle.remove()

    def _watch(self, module: torch.nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
        if not output.requires_grad:  # frozen embeddings
            output.requires_grad_()
        output.retain_grad()
        self._seen = output
        return output

    @contextmanager
    def added(self, rows: int) -> Iterator[None]:
        """A context in which a pass over the same ``rows`` examples has noise along the gradient of the previous pass.

        Raises:
            RuntimeError: there was no backward pass before, which would be a bug.
        """
        noise = self._noise(rows)
        handle = self.embeddings.register_forward_hook(lambda module, args, output: output + noise.to(output.dtype))
        try:
            yield
        finally:
            handle.remove()

    def _noise(self, rows: int) -> torch.Tensor:
        """(rows, pieces, width); for an example that was processed twice, from the sum of both gradients."""
        seen, self._seen = self._seen, None
        if seen is None or seen.grad is None:
            raise RuntimeError("no gradient of the word embeddings is known")
        gradient = seen.grad.float()
        gradient = gradient.view(-1, rows, *gradient.shape[1:]).sum(0)
        norm = gradient.flatten(1).norm(dim=1).clamp(min=torch.finfo(torch.float32).tiny)
        noise: torch.Tensor = self.epsilon * gradient / norm[:, None, None]
        return noise
