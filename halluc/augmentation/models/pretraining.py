"""Continued pre-training of an encoder: masked language modelling on texts without labels before fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from halluc.augmentation.methods.base import OptionError, Workspace
from halluc.augmentation.models import training
from halluc.augmentation.models.fitted import Fitted, Fitting, digest_of, digest_of_model, fitted
from halluc.augmentation.models.masked_model import MaskedModel, PieceCodec, load, room_of
from halluc.augmentation.models.masked_training import LEARNING_RATE, OF_RANDOM_HEAD, MaskableRow, MaskedFeatures
from halluc.augmentation.models.plain_texts import unlabelled_texts
from halluc.config.training import PretrainConfig, TrainConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.engine import runtime
from halluc.engine.language_modelling import SelectedPositions, mean_loss
from halluc.engine.pretrained import load_model, quiet_libraries, save
from halluc.engine.references import resolve_model
from halluc.engine.runtime import Runtime

FEWEST_TEXTS = 20
_HELD_OUT = 0.05
_LONGEST = 128
_CHECKPOINT_STEPS = 200
# The most different masks of a row with a given number of steps; then they repeat.
_MOST_TIMES = 100


def pretrained(
    config: PretrainConfig,
    model: str,
    own: Iterable[Sequence[str]],
    workspace: Workspace,
    trust_remote_code: bool = False,
) -> Fitted:
    """The encoder ``model`` after masked language modelling, in a folder with its tokenizer, from the cache or trained
    now.

    Args:
        own: the texts of the training split, as tokens; read if the config includes them.

    Raises:
        HallucError D101, D103, D104, D114, D140: a file of texts cannot be read. E401, E410 to E412, T101, T102.
        OptionError D142, D144: no text in a file, or fewer than 20 in all. E411: the model has no mask token.
    """
    texts = [Editable(one) for one in unlabelled_texts(config.texts, config.lines, "texts")]
    if config.own:
        texts += [Editable(tuple(one)) for one in own if one]
    if len(texts) < FEWEST_TEXTS:
        message = f"{len(texts)} texts are too few for pre-training, which needs {FEWEST_TEXTS}"
        raise OptionError("texts", "D144", message, "add files, or remove `train.pretrain`", EXIT_DATA)
    source, seed = resolve_model(model), workspace.seed
    identity = {
        "pretrain": config.model_dump(mode="json", exclude={"texts", "lines", "own"}),
        "weights": digest_of_model(source),
        "seed": seed,
        "texts": digest_of(texts),
    }

    def make(work: Path) -> Any:
        torch.manual_seed(seed)  # for the weights of a random head
        loaded = load(source, trust_remote_code)
        with runtime.alone("auto", seed) as engine:
            facts = _trained(config, loaded, texts, seed, engine, work)

        def write(folder: Path) -> dict[str, Any]:
            quiet_libraries(verbose=False)
            # The encoder with the original pooler, if it had one: the masked language model has none.
            attention = runtime.attention_for("cpu")
            encoder, *_ = load_model("AutoModel", source, attention, {}, trust_remote_code=trust_remote_code)
            encoder.load_state_dict(loaded.model.base_model.state_dict(), strict=False)
            save(encoder, loaded.tokenizer, folder)
            return facts

        return write

    return fitted(workspace, Fitting("pretraining", identity, make))


def _trained(
    config: PretrainConfig, loaded: MaskedModel, texts: Sequence[Editable], seed: int, engine: Runtime, work: Path
) -> dict[str, Any]:
    """Train the model in place; returns facts for the run."""
    for_training, held_out_numbers = training.split_held_out(len(texts), _HELD_OUT, seed)
    codec = PieceCodec(loaded.tokenizer, room_of(loaded.model, loaded.tokenizer, _LONGEST))
    rows = _rows(codec, (texts[number] for number in for_training), config.mask)
    held_out = MaskedFeatures(
        _rows(codec, (texts[number] for number in held_out_numbers), config.mask), 1, seed, codec.mask, codec.pad
    )
    features = MaskedFeatures(rows, _times(config, rows), seed, codec.mask, codec.pad)
    model = SelectedPositions(loaded.model).to(engine.device)

    def evaluate(module: torch.nn.Module) -> dict[str, float]:
        budget = 4 * config.batch_tokens
        return {"log_likelihood": -mean_loss(module, held_out, budget, engine.device, engine.accelerator.autocast)}

    before = evaluate(model)
    done = training.train(model, _plan(config, features, evaluate, loaded, seed), engine, work)
    after = done.held_out or before
    return {
        "head": "random" if loaded.missing else "trained",
        "texts": len(for_training),
        "held_out_texts": len(held_out_numbers),
        "steps": done.steps,
        "best_step": done.best_step,
        "held_out_perplexity": {
            "before": training.perplexity(-before["log_likelihood"]),
            "after": training.perplexity(-after["log_likelihood"]),
        },
    }


def _rows(codec: PieceCodec, texts: Iterable[Editable], mask: float) -> list[MaskableRow]:
    return [MaskableRow(row, [mask] * len(row.words)) for text in texts for row in codec.rows(text)]


def _times(config: PretrainConfig, rows: Sequence[MaskableRow]) -> int:
    if config.steps is None:
        return config.epochs
    passes = config.steps * config.batch_tokens / max(1, sum(len(one.row.pieces) for one in rows))
    return min(_MOST_TIMES, math.ceil(passes) + 1)


def _plan(
    config: PretrainConfig, features: MaskedFeatures, evaluate: Any, loaded: MaskedModel, seed: int
) -> training.TrainingPlan:
    settings = TrainConfig(
        epochs=config.epochs,
        steps=config.steps,
        learning_rate=config.learning_rate or (OF_RANDOM_HEAD if loaded.missing else LEARNING_RATE),
        batch_tokens=config.batch_tokens,
        checkpoint_steps=_CHECKPOINT_STEPS,
    )
    what = "pre-training"
    return training.TrainingPlan(features, settings, evaluate, "log_likelihood", seed, what, features.by_epoch)
