"""Continued pre-training of an encoder: masked language modelling on texts without labels before fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from halluc.augmentation.methods.base import OptionError, Workspace
from halluc.augmentation.models import training
from halluc.augmentation.models.fitted_models import Fitted, UnsavedModel, digest_of, digest_of_model, fit_or_load
from halluc.augmentation.models.masked_model import MaskedModel, PieceCodec, load, max_pieces
from halluc.augmentation.models.masked_training import (
    MaskableRow,
    MaskedFeatures,
    learning_rate_of,
    train_masked,
)
from halluc.augmentation.models.plain_texts import unlabelled_texts
from halluc.config.training import PretrainConfig, TrainConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.engine import runtime
from halluc.engine.pretrained import load_model, quiet_libraries, save
from halluc.engine.references import resolve_model
from halluc.engine.runtime import Runtime

FEWEST_TEXTS = 20
_HELD_OUT = 0.05
_LONGEST = 128
_CHECKPOINT_STEPS = 200
# The most different masks of a row with a given number of steps; then they repeat.
_MOST_TIMES = 100


def pretrain(
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

    def train(work: Path) -> UnsavedModel:
        torch.manual_seed(seed)  # for the weights of a random head
        loaded = load(source, trust_remote_code)
        with runtime.alone("auto", seed) as engine:
            facts = _train(config, loaded, texts, seed, engine, work)

        def write(folder: Path) -> None:
            quiet_libraries(verbose=False)
            # The encoder with the original pooler, if it had one: the masked language model has none.
            attention = runtime.attention_for("cpu")
            encoder, *_ = load_model("AutoModel", source, attention, {}, trust_remote_code=trust_remote_code)
            encoder.load_state_dict(loaded.model.base_model.state_dict(), strict=False)
            save(encoder, loaded.tokenizer, folder)

        return UnsavedModel(facts, write)

    return fit_or_load(workspace, "pretraining", identity, train)


def _train(
    config: PretrainConfig, loaded: MaskedModel, texts: Sequence[Editable], seed: int, engine: Runtime, work: Path
) -> dict[str, Any]:
    """Train the model in place; returns facts for the run."""
    codec = PieceCodec(loaded.tokenizer, max_pieces(loaded.model, loaded.tokenizer, _LONGEST))
    split = training.split_held_out(len(texts), _HELD_OUT, seed)
    for_training, held_out = (
        [MaskableRow(row, [config.mask] * len(row.words)) for number in numbers for row in codec.rows(texts[number])]
        for numbers in split
    )
    settings = TrainConfig(
        epochs=config.epochs,
        steps=config.steps,
        learning_rate=learning_rate_of(loaded, config.learning_rate),
        batch_tokens=config.batch_tokens,
        checkpoint_steps=_CHECKPOINT_STEPS,
    )
    features = MaskedFeatures(for_training, _times(config, for_training), seed, codec.mask, codec.pad)
    of_held_out = MaskedFeatures(held_out, 1, seed, codec.mask, codec.pad)
    done = train_masked(
        loaded, features, {"texts": of_held_out}, settings, engine, work, seed=seed, what="pre-training"
    )
    return {
        "head": done.head,
        "texts": len(split[0]),
        "held_out_texts": len(split[1]),
        "steps": done.steps,
        "best_step": done.best_step,
        "held_out_perplexity": done.perplexity["texts"],
    }


def _times(config: PretrainConfig, rows: Sequence[MaskableRow]) -> int:
    if config.steps is None:
        return config.epochs
    passes = config.steps * config.batch_tokens / max(1, sum(len(one.row.pieces) for one in rows))
    return min(_MOST_TIMES, math.ceil(passes) + 1)
