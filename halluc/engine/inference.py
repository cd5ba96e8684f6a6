"""Forward passes without gradients, in length-sorted batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from halluc.core.errors import environment_error
from halluc.engine.batching import Batch, sorted_batches
from halluc.engine.exported import ArrayFeatures, ExportedModel

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime


class Collates(Protocol):
    @property
    def lengths(self) -> Sequence[int]: ...

    def collate(self, indexes: Sequence[int]) -> Batch: ...


def forward(
    model: torch.nn.Module | ExportedModel, features: Collates, budget: int, runtime: Runtime
) -> Iterator[tuple[Any, Any]]:
    """Each batch with its logits, float32 on the CPU; ``budget`` is padded word pieces per pass.

    If the head returns start and end logits, these are the last axis, (…, pieces, 2). An exported model takes and
    returns arrays (``ArrayRows``), other models take a ``Batch`` and return tensors.

    Raises:
        HallucError E411: the tokenizer does not fit the model. T101: the logits of an example are NaN. T102: out of
            memory.
    """
    if isinstance(model, ExportedModel):
        yield from model.forward(cast(ArrayFeatures, features), budget)
        return
    import torch

    from halluc.engine.reduced_precision import reduced_weights

    model.train(runtime.sample is not None)
    if runtime.sample is not None:
        runtime.seed(runtime.sample)
    with reduced_weights(model, runtime), torch.inference_mode():
        for indexes in sorted_batches(features.lengths, budget):
            batch = features.collate(indexes)
            try:
                with runtime.accelerator.autocast():
                    logits = logits_of(model(**batch.to(runtime.device).inputs)).float().cpu()
            except torch.OutOfMemoryError as error:
                rows, columns = batch.inputs["input_ids"].shape
                message = f"out of memory in a batch of {rows} examples by {columns} positions"
                raise environment_error("T102", message, f"set `eval.batch_tokens: {max(1, budget // 2)}`") from error
            except IndexError as error:
                message = "the tokenizer has word pieces without an embedding in the model"
                raise environment_error("E411", message, "restore the tokenizer that was saved with it") from error
            if logits.flatten(1)[:, :1].isnan().any():  # one number is enough: NaN spreads to all of an example
                help = "its weights may be damaged: use another model, or set `train.precision: fp32`"
                raise environment_error("T101", "the model computes NaN (not a number)", help)
            yield batch, logits


def logits_of(outputs: Any) -> torch.Tensor:
    """The logits that a model of transformers returns, in the form of ``forward``."""
    if "start_logits" in outputs:
        import torch

        return torch.stack((outputs.start_logits, outputs.end_logits), dim=-1)
    logits: torch.Tensor = outputs.logits
    return logits
