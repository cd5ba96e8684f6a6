"""Weight averaging: training continues with its own weights, and their average is evaluated and published."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch

from halluc.config.training import AverageConfig

Weights = dict[str, torch.Tensor]


def mean_of(state: Mapping[str, torch.Tensor]) -> Weights:
    """The averaged weights, by parameter, from the result of ``WeightAverage.state``; empty for an average of
    checkpoints before the first evaluation."""
    copies = _copies(state)
    return _mean(copies) if copies else {}


def _copies(state: Mapping[str, torch.Tensor]) -> list[Weights]:
    copies: dict[int, Weights] = {}
    for key, tensor in state.items():
        number, _, name = key.partition("/")
        copies.setdefault(int(number), {})[name] = tensor
    return [copies[number] for number in sorted(copies)]


def _mean(copies: list[Weights]) -> Weights:
    if len(copies) == 1:
        return dict(copies[0])
    summed = {name: tensor.clone() for name, tensor in copies[0].items()}
    for one in copies[1:]:
        torch._foreach_add_(list(summed.values()), [one[name] for name in summed])
    torch._foreach_div_(list(summed.values()), float(len(copies)))
    return summed


class WeightAverage:
    """The average of the weights that require a gradient when this object is created.

    An exponential average (Polyak & Juditsky 1992; as in Tarvainen & Valpola 2017) is one copy of the weights,
    updated after each step: a_t = d_t a_(t-1) + (1 - d_t) w_t, from a_0 = w_0. The decay d_t is min(d, (1 + t) / (10 +
    t)): a constant one would keep the initial weights in the average for 1 / (1 - d) steps. An average of checkpoints
    (Izmailov et al. 2018) keeps the weights of the last evaluations, and is their mean.
    """

    def __init__(self, model: torch.nn.Module, config: AverageConfig) -> None:
        self.config = config
        self.parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
        self.copies: list[Weights] = [self._copy()] if config.kind == "exponential" else []

    def _copy(self) -> Weights:
        return {name: one.detach().clone() for name, one in self.parameters.items()}

    @torch.no_grad()
    def after_step(self, step: int, *, evaluates: bool) -> None:
        """Add the weights after optimizer step ``step``, from 1; ``evaluates``: an evaluation on dev follows."""
        if self.config.kind == "exponential":
            weights = [one.detach() for one in self.parameters.values()]
            decay = min(self.config.most_decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(self.copies[0].values()), weights, 1 - decay)
        elif evaluates:
            self.copies = [*self.copies, self._copy()][-self.config.most_checkpoints :]

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the model has the averaged weights; the trained ones as long as there is no average."""
        trained = {name: one.data for name, one in self.parameters.items()}
        self.apply()
        try:
            yield
        finally:
            for name, one in self.parameters.items():
                one.data = trained[name]

    def apply(self) -> None:
        """Give the model the averaged weights permanently; it must not be trained further."""
        if self.copies:
            averaged = _mean(self.copies)
            for name, one in self.parameters.items():
                one.data = averaged[name]

    def state(self) -> Weights:
        """All copies as one mapping, for a checkpoint: keys are ``<number of the copy>/<parameter>``."""
        return {f"{number}/{name}": one for number, copy in enumerate(self.copies) for name, one in copy.items()}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Continue from the result of ``state``.

        Raises:
            ValueError: it is of another model or another kind of average.
        """
        copies, kind = _copies(state), self.config.kind
        forms = {name: (one.shape, one.dtype) for name, one in self.parameters.items()}
        if any({name: (one.shape, one.dtype) for name, one in copy.items()} != forms for copy in copies):
            raise ValueError("its average lacks weights, or has weights of another shape or type")
        if len(copies) != 1 if kind == "exponential" else len(copies) > self.config.most_checkpoints:
            raise ValueError("its average of the weights is of another kind")
        self.copies = [{name: copy[name].to(one.device) for name, one in self.parameters.items()} for copy in copies]
