"""Training of a masked language model on masked words, outside of mentions and in them (MELM)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy
import torch
from torch.nn import functional

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.models import training
from halluc.augmentation.models.masked_model import MaskedModel, PieceCodec, PieceRow, max_pieces
from halluc.config.training import TrainConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import keyed_generator
from halluc.engine.batching import Batch
from halluc.engine.language_modelling import SelectedPositions, mean_loss, padded
from halluc.engine.runtime import Runtime

if TYPE_CHECKING:
    from halluc.augmentation.models.masked_config import MaskedInfillConfig

_LEARNING_RATE, _OF_RANDOM_HEAD = 5e-5, 3e-4
_TEXTS_READ = 20_000
# Common abbreviations of labels.
_LONG_FORMS = {
    "per": "person", "pers": "person", "loc": "location", "org": "organization", "misc": "miscellaneous",
    "gpe": "place", "fac": "building", "corp": "corporation",
}  # fmt: skip


class MaskableRow(NamedTuple):
    """A row, with the probability of each of its words to be masked."""

    row: PieceRow
    shares: Sequence[float]


@dataclass(frozen=True)
class MaskedFeatures:
    """Rows with masked words, each row ``times`` times with different masks: feature ``n`` is row ``n % len(rows)``.

    At least one word of a row is masked, so one of its probabilities must be above 0.
    """

    rows: Sequence[MaskableRow]
    times: int
    seed: int
    mask: int
    pad: int

    @property
    def by_epoch(self) -> list[range]:
        """The features of each epoch, which has every row once."""
        return [range(len(self.rows) * epoch, len(self.rows) * (epoch + 1)) for epoch in range(self.times)]

    @cached_property
    def masked_words(self) -> list[list[int]]:
        """The masked words of each feature."""
        return [self._choose_words(number) for number in range(len(self.rows) * self.times)]

    @cached_property
    def lengths(self) -> Sequence[int]:
        return [len(one.row.pieces) for one in self.rows] * self.times

    @cached_property
    def weights(self) -> Sequence[int]:
        """The number of masked pieces of each feature."""
        return [len(self._positions(number)) for number in range(len(self.masked_words))]

    def collate(self, indexes: Sequence[int]) -> Batch:
        """A batch whose ``labels`` are the masked pieces of all rows; ``selected`` are their positions in the flattened
        rows."""
        rows = [list(self.rows[index % len(self.rows)].row.pieces) for index in indexes]
        width = max(map(len, rows))
        selected: list[int] = []
        labels: list[int] = []
        for number, (index, row) in enumerate(zip(indexes, rows, strict=True)):
            for at in self._positions(index):
                selected.append(number * width + at)
                labels.append(row[at])
                row[at] = self.mask
        inputs = {**padded(rows, self.pad), "selected": torch.tensor(selected)}
        return Batch(inputs, torch.tensor(labels), tuple(indexes), len(labels))

    def loss(self, outputs: Any, batch: Batch) -> torch.Tensor:
        """Cross-entropy in nats, summed over the masked pieces; ``outputs`` are logits (masked pieces, vocabulary)."""
        return functional.cross_entropy(outputs.float(), batch.labels, reduction="sum")

    def ids(self, indexes: Sequence[int]) -> list[str]:
        return [f"text {index % len(self.rows) + 1}" for index in indexes]

    def _positions(self, index: int) -> list[int]:
        words = self.rows[index % len(self.rows)].row.words
        return [at for number in self.masked_words[index] for at in range(*words[number][1:])]

    def _choose_words(self, index: int) -> list[int]:
        shares = numpy.asarray(self.rows[index % len(self.rows)].shares)
        draws = keyed_generator("masked words", self.seed, index).random(len(shares))
        chosen: list[int] = numpy.flatnonzero(draws < shares).tolist()
        # At least one word is masked: the one with the smallest draw.
        return chosen or [int(numpy.argmin(draws + (shares == 0)))]


def prepare(config: MaskedInfillConfig, loaded: MaskedModel, labels: Sequence[str]) -> PieceCodec:
    """Add embeddings for two markers per label, initialised with those of the words of the label's meaning."""
    model, tokenizer = loaded.model, loaded.tokenizer
    first = model.get_input_embeddings().num_embeddings
    codec = PieceCodec(tokenizer, max_pieces(model, tokenizer, config.longest), labels, first)
    if not labels:
        return codec
    model.resize_token_embeddings(first + 2 * len(labels), mean_resizing=False)
    embeddings = model.get_input_embeddings().weight
    for number, label in enumerate(labels):
        words = label_meaning(label, config.label_words).split() or [label]
        pieces = tokenizer(words, is_split_into_words=True, add_special_tokens=False)["input_ids"]
        if pieces:
            at = first + 2 * number
            with torch.no_grad():
                embeddings[at : at + 2] = embeddings[pieces].mean(0)
    return codec


def label_meaning(label: str, label_words: dict[str, str]) -> str:
    """The meaning of a label in words: from the config, or the parts of the label as words."""
    named = label_words.get(label)
    if named is not None:
        return named
    parts = re.findall(r"[^\W_]+", label.encode("utf-8", "replace").decode())
    return " ".join(_LONG_FORMS.get(part.lower(), part.lower()) for part in parts)


class MaskedTraining(NamedTuple):
    """The result of ``train_masked``; ``perplexity`` is that of the held-out rows, by their name."""

    head: Literal["random", "trained"]
    steps: int
    best_step: int
    perplexity: dict[str, dict[Literal["before", "after"], float]]


def train_masked(
    loaded: MaskedModel,
    features: MaskedFeatures,
    held_out: Mapping[str, MaskedFeatures],
    settings: TrainConfig,
    engine: Runtime,
    work: Path,
    *,
    seed: int,
    what: str,
) -> MaskedTraining:
    """Train the model in place; its held-out perplexity selects the weights. For arguments see ``training.train``."""
    model = SelectedPositions(loaded.model).to(engine.device)

    def evaluate(module: torch.nn.Module) -> dict[str, float]:
        losses = {
            name: mean_loss(module, one, 4 * settings.batch_tokens, engine.device, engine.accelerator.autocast)
            for name, one in held_out.items()
        }
        return {**losses, "log_likelihood": -sum(losses.values()) / max(1, len(losses))}

    before = evaluate(model)
    chosen_by, by_epoch = evaluate if held_out else None, features.by_epoch
    done = training.train(
        model, features, settings, engine, work, seed=seed, what=what, evaluate=chosen_by, by_epoch=by_epoch
    )
    after = {**before, **(done.held_out or {})}
    perplexity: dict[str, dict[Literal["before", "after"], float]] = {
        name: {"before": training.perplexity(before[name]), "after": training.perplexity(after[name])}
        for name in held_out
    }
    return MaskedTraining("random" if loaded.missing else "trained", done.steps, done.best_step, perplexity)


def learning_rate_of(loaded: MaskedModel, configured: float | None) -> float:
    """The peak learning rate; if none is configured, a random head needs a higher one."""
    return configured or (_OF_RANDOM_HEAD if loaded.missing else _LEARNING_RATE)


def fit_model(
    config: MaskedInfillConfig,
    loaded: MaskedModel,
    codec: PieceCodec,
    texts: tuple[Iterable[Editable], Sequence[Editable]],
    seed: int,
    engine: Runtime,
    work: Path,
) -> dict[str, Any]:
    """Train the model in place on the training split and unlabelled texts; returns facts for the manifest."""
    assert config.fit is not None
    fit, examples = config.fit, [example for example in texts[0] if example.tokens]
    for_training, held_out_numbers = training.split_held_out(len(examples), fit.held_out, seed)
    kept = [*(examples[number] for number in for_training), *texts[1]]
    features = _features(config, codec, kept, seed)
    if not features.rows:
        help = "add `texts` to `fit`, or set `fill: context`"
        raise OptionError("fit", "D144", "there are no words to mask in training", help, EXIT_DATA)
    held_out = _held_out(config, codec, [examples[number] for number in held_out_numbers], seed)
    settings = TrainConfig(
        epochs=features.times,
        learning_rate=learning_rate_of(loaded, fit.learning_rate),
        batch_tokens=fit.batch_tokens,
        patience=fit.patience,
    )
    what = "training the masked language model"
    done = train_masked(loaded, features, held_out, settings, engine, work, seed=seed, what=what)
    return {
        "head": done.head,
        "training_texts": len(kept) - len(texts[1]),
        "unlabelled_texts": len(texts[1]),
        "held_out_texts": len(held_out_numbers),
        "steps": done.steps,
        "best_step": done.best_step,
        "held_out_perplexity": done.perplexity,
    }


def _features(config: MaskedInfillConfig, codec: PieceCodec, examples: Iterable[Editable], seed: int) -> MaskedFeatures:
    assert config.fit is not None
    fit = config.fit
    rows = _rows(codec, examples, fit.masked, fit.masked_mentions if config.fills_mentions else fit.masked)
    epochs = fit.epochs or min(30, max(3, math.ceil(_TEXTS_READ / max(1, len(rows)))))
    return MaskedFeatures(rows, epochs, seed, codec.mask, codec.pad)


def _held_out(
    config: MaskedInfillConfig, codec: PieceCodec, examples: Sequence[Editable], seed: int
) -> dict[str, MaskedFeatures]:
    """Rows with constant masks: of words outside of mentions, and, if mentions are filled, of words in mentions."""
    assert config.fit is not None
    rows = {"context": _rows(codec, examples, config.fit.masked, 0.0)}
    if config.fills_mentions:
        rows["mentions"] = _rows(codec, examples, 0.0, config.fit.masked_mentions)
    return {name: MaskedFeatures(some, 1, seed, codec.mask, codec.pad) for name, some in rows.items() if some}


def _rows(codec: PieceCodec, examples: Iterable[Editable], context: float, mentions: float) -> list[MaskableRow]:
    """The rows that have a word to mask; ``context`` and ``mentions`` are the probabilities of words outside of
    mentions and in them.

    Only words of one known piece are masked. A model that learns to predict the first piece of longer words would fill
    in fragments.
    """
    rows = []
    for example in examples:
        marked = {at for start, end, _ in example.spans for at in range(start, end)}
        for row in codec.rows(example):
            shares = [
                (mentions if number in marked else context)
                if end == start + 1 and row.pieces[start] != codec.unknown
                else 0.0
                for number, start, end in row.words
            ]
            if any(shares):
                rows.append(MaskableRow(row, shares))
    return rows
