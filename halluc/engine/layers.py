"""The layers of a transformer, recognised by parameter names, and which of them are trained."""

from __future__ import annotations

import re

import torch

from halluc.config.training import UnfreezeConfig
from halluc.core.errors import HallucError

# encoder.layer.3. (BERT, RoBERTa, ELECTRA), transformer.layer.3. (DistilBERT), layers.3. (ModernBERT), h.3. (GPT-2)
_LAYER = re.compile(r"(.*?)\.(?:layer|layers|h|block)\.(\d+)\.")


def freeze(model: torch.nn.Module, layers: int) -> None:
    """Freeze the embeddings and the lowest ``layers`` layers.

    Raises:
        HallucError C202: the model has fewer layers, or its layers cannot be recognised by name.
    """
    places = {name: _layer_of(name) for name, _ in model.named_parameters()}
    depth = max((place[1] + 1 for place in places.values() if place is not None), default=0)
    if layers > depth:
        raise HallucError("C202", f"`model.freeze: {layers}` is more than the {depth} layers of this model")
    for name, parameter in model.named_parameters():
        place = places[name]
        if _is_embedding(name) or (place is not None and place[1] < layers):
            parameter.requires_grad_(False)


def _is_embedding(name: str) -> bool:
    return "embedding" in name or ".wte." in name or ".wpe." in name


def ranks(model: torch.nn.Module, key: str) -> dict[str, int]:
    """The distance of each parameter from the output: 0 for the head, 1 for the top layer, …, highest for embeddings.

    Encoder and decoder of one model are counted separately, each from its top. Parameters outside of layers and
    embeddings, such as a pooler or a last normalization, count as head.

    Args:
        key: the config key that needs this, for the message.

    Raises:
        HallucError C202: no layers can be recognised by parameter names.
    """
    named = list(model.named_parameters())
    places = {name: _layer_of(name) for name, _ in named}
    depths: dict[str, int] = {}
    for stack, number in filter(None, places.values()):
        depths[stack] = max(depths.get(stack, 0), number + 1)
    if not depths:
        message = (
            f"`{key}` needs a transformer with a list of layers, which this model does not have under a known name"
        )
        raise HallucError("C202", message, help=f"remove `{key}`, or use another model")
    get_read = getattr(model, "get_input_embeddings", None)
    read = [] if get_read is None else list(get_read().parameters())
    results = {}
    for name, parameter in named:
        place = places[name]
        if place is not None:
            results[name] = depths[place[0]] - place[1]
        else:
            embeds = _is_embedding(name) or any(parameter is one for one in read)
            results[name] = max(depths.values()) + 1 if embeds else 0
    return results


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The layers of all stacks of a model, in order; none if they cannot be recognised by parameter names."""
    matches = [match for name, _ in model.named_parameters() if (match := _LAYER.match(name))]
    return [model.get_submodule(path) for path in dict.fromkeys(match[0].rstrip(".") for match in matches)]


def _layer_of(name: str) -> tuple[str, int] | None:
    """The stack of a parameter, such as ``bert.encoder``, and the number of its layer, from 0."""
    match = _LAYER.match(name)  # the outermost list: T5 has nested ones within its layers
    return None if match is None else (match[1], int(match[2]))


class GradualUnfreezing:
    """Trains the head first, then one more layer from the top after each interval (Howard & Ruder 2018).

    The trained layers depend only on step and epoch, so that a resumed training needs no state.
    """

    def __init__(self, model: torch.nn.Module, config: UnfreezeConfig, *, switches: bool) -> None:
        """
        Args:
            switches: do not compute unneeded gradients; otherwise they are computed and dropped, which several
                processes and compiled models require.

        Raises:
            HallucError C202: see ``ranks``.
        """
        self.config, self._switches = config, switches
        of = ranks(model, "train.unfreeze")
        trained = [(of[name], one) for name, one in model.named_parameters() if one.requires_grad]
        # A model whose output layer is tied to its embeddings may have no head of its own.
        self.groups = [[one for rank, one in trained if rank == wanted] for wanted in sorted({r for r, _ in trained})]
        self._open = len(self.groups)

    def begin(self, step: int, epoch: int) -> None:
        """Set the trained layers for optimizer step ``step``, from 0, in ``epoch``, from 1."""
        intervals = epoch - 1 if self.config.every == "epoch" else step // self.config.every
        wanted = min(1 + intervals, len(self.groups))
        if wanted != self._open and self._switches:
            for number, group in enumerate(self.groups):
                for one in group:
                    one.requires_grad_(number < wanted)
        self._open = wanted

    def drop_gradients(self) -> None:
        """Remove the gradients of layers that are not trained yet."""
        for group in self.groups[self._open :]:
            for one in group:
                one.grad = None
