"""The language model of ``lm_synthesis``: training on the labelled stream, and sampling."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import torch

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace
from halluc.augmentation.models import causal, training
from halluc.augmentation.models.fitted_models import UnsavedModel, digest_of, digest_of_model, fit_or_load
from halluc.augmentation.models.grammar import Grammar
from halluc.augmentation.models.labelled_stream import StreamCodec
from halluc.augmentation.models.plain_texts import unlabelled_texts
from halluc.augmentation.models.sample_statistics import sample_statistics
from halluc.config.training import TrainConfig
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.rng import Draws
from halluc.engine import runtime
from halluc.engine.generation import Constraint, Decoding, SpecialTokens, generate
from halluc.engine.language_modelling import SequenceFeatures, mean_loss
from halluc.engine.pretrained import quiet_libraries, save
from halluc.engine.runtime import Runtime

if TYPE_CHECKING:
    from halluc.augmentation.models.causal_config import LmSynthesisConfig

# The number of examples sampled at once, and of samples described in the manifest.
_AT_ONCE, _TRIAL = 128, 256
# Keys of the config that do not affect the fitted model, only sampling.
_OF_SAMPLING = frozenset({"share", "temperature", "top_k", "top_p", "constrained"})
_SEQUENCES_READ = 60_000
_LEARNING_RATES = {"scratch": 2e-3, "full": 5e-5, "lora": 2e-4}


@dataclass
class LanguageModel:
    """A trained model with its codec; ``facts`` are for the manifest."""

    config: LmSynthesisConfig
    model: Any
    codec: StreamCodec
    facts: dict[str, Any]

    @classmethod
    def fit_or_load(cls, config: LmSynthesisConfig, examples: Iterable[Editable], workspace: Workspace) -> Self:
        """The model for these examples, from the cache or trained now.

        Raises:
            HallucError: see ``LmSynthesis.fit``.
        """
        texts = unlabelled_texts(config.unlabelled, config.unlabelled_lines, "unlabelled")
        identity = {
            "config": {key: one for key, one in config.model_dump(mode="json").items() if key not in _OF_SAMPLING},
            "weights": {} if config.model is None else digest_of_model(causal.pretrained_source(config)),
            "seed": workspace.seed,
            "examples": digest_of(examples),
            "unlabelled": digest_of(map(Editable, texts)),
        }

        def train(work: Path) -> UnsavedModel:
            with runtime.alone("auto", workspace.seed) as engine:
                model, codec, facts = _train(config, examples, texts, workspace.seed, engine, work)
            quiet_libraries(verbose=False)
            # Adapters are merged into the weights.
            return UnsavedModel(facts, lambda folder: save(model, codec, folder))

        ready = fit_or_load(workspace, "lm_synthesis", identity, train)
        model, codec = causal.read(ready.folder)
        result = cls(config, model, codec, ready.facts)
        result.facts = {**ready.facts, **sample_statistics(list(examples), result.sample_many, workspace.seed, _TRIAL)}
        return result

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """A new example with the labels of each of ``like``, or the reason why there is none."""
        prompts = [self.codec.prompt(one, self.config.longest) for one in like]
        valid = [number for number, prompt in enumerate(prompts) if not isinstance(prompt, Rejected)]
        samples: list[Editable | Rejected] = [one if isinstance(one, Rejected) else Rejected("") for one in prompts]
        for start in range(0, len(valid), _AT_ONCE):
            numbers = valid[start : start + _AT_ONCE]
            constraint = self._grammar.rows([like[number] for number in numbers]) if self._grammar else None
            written = self._generate(
                [prompts[number] for number in numbers], [draws[number] for number in numbers], constraint
            )
            for number, ids in zip(numbers, written, strict=True):
                samples[number] = self.codec.decode_or_reject(ids, like[number])
        return samples

    @cached_property
    def _grammar(self) -> Grammar | None:
        return Grammar(self.codec, self.model.device) if self.config.constrained else None

    def _generate(
        self, prompts: Sequence[Any], draws: Sequence[Draws], constraint: Constraint | None
    ) -> list[list[int]]:
        config = self.config
        room = config.longest - max(map(len, prompts))
        decoding = Decoding(
            max_new_tokens=room,
            temperature=config.temperature,
            top_k=config.top_k,
            top_p=config.top_p,
            batch_tokens=_AT_ONCE * config.longest,
        )
        special = SpecialTokens(self.codec.end, self.codec.pad, self.codec.never_sampled)
        kind = self.model.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=runtime.computes_bf16(kind == "cuda")):
            return generate(self.model, prompts, decoding, special, draws, constraint)


class _SplitStream(NamedTuple):
    """Training and held-out sequences, and what was left out, by reason."""

    train: SequenceFeatures
    held_out: SequenceFeatures
    held_out_words: int
    left_out: dict[str, int]


def _train(
    config: LmSynthesisConfig,
    examples: Iterable[Editable],
    texts: Sequence[tuple[str, ...]],
    seed: int,
    engine: Runtime,
    work: Path,
) -> tuple[Any, StreamCodec, dict[str, Any]]:
    """The model with its best weights, its codec, and the facts for the manifest."""
    torch.manual_seed(seed)
    model, codec = causal.make(config, itertools.chain(examples, map(Editable, texts)))
    split = _split(config, codec, examples, texts, seed)
    chosen = "full" if config.model is not None and config.lora is None else "lora" if config.lora else "scratch"
    settings = TrainConfig(
        epochs=config.epochs or min(10, max(3, math.ceil(_SEQUENCES_READ / len(split.train.sequences)))),
        learning_rate=config.learning_rate or _LEARNING_RATES[chosen],
        batch_tokens=config.batch_tokens,
        patience=config.patience,
    )

    def evaluate(module: torch.nn.Module) -> dict[str, float]:
        autocast = engine.accelerator.autocast
        loss = mean_loss(module, split.held_out, 4 * config.batch_tokens, engine.device, autocast)
        return {"log_likelihood": -loss}

    what = "training the language model"
    done = training.train(model, split.train, settings, engine, work, seed=seed, what=what, evaluate=evaluate)
    loss = -(done.held_out or {"log_likelihood": -math.inf})["log_likelihood"]
    tokens = sum(split.held_out.weights)
    facts = {
        "model": config.model or "from scratch",
        "parameters": sum(one.numel() for one in model.parameters()),
        "trained_parameters": sum(one.numel() for one in model.parameters() if one.requires_grad),
        "vocabulary": codec.size,
        "training_sequences": len(split.train.sequences),
        "unlabelled_sequences": len(texts),
        "left_out": split.left_out,
        "held_out_sequences": len(split.held_out.sequences),
        "steps": done.steps,
        "best_step": done.best_step,
        "perplexity_of_a_token": round(math.exp(loss), 3),
        "perplexity_of_a_word": training.perplexity(loss * tokens / max(1, split.held_out_words)),
    }
    return model, codec, facts


def _split(
    config: LmSynthesisConfig,
    codec: StreamCodec,
    examples: Iterable[Editable],
    texts: Sequence[tuple[str, ...]],
    seed: int,
) -> _SplitStream:
    """Training and held-out sequences; only labelled ones are held out."""
    sequences: list[list[int]] = []
    words: list[int] = []
    left_out: Counter[str] = Counter()
    for example in examples:
        sequence = codec.encode(example)
        if example.tokens and len(sequence) <= config.longest:
            sequences.append(sequence)
            words.append(len(example.tokens))
        else:
            left_out["too long" if example.tokens else "empty"] += 1
    if len(sequences) < 2:
        message = f"`longest: {config.longest}` leaves {len(sequences)} training examples"
        raise OptionError("longest", "D144", message, "increase `longest`", EXIT_DATA)
    trained, held_out = training.split_held_out(len(sequences), config.held_out, seed)
    unlabelled = [codec.encode_unlabelled(tokens)[: config.longest] for tokens in texts]
    return _SplitStream(
        _features(codec, [*(sequences[number] for number in trained), *unlabelled]),
        _features(codec, [sequences[number] for number in held_out]),
        sum(words[number] for number in held_out),
        left_out,
    )


def _features(codec: StreamCodec, sequences: Sequence[list[int]]) -> SequenceFeatures:
    starts = [sequence.index(codec.start) + 1 for sequence in sequences]
    return SequenceFeatures(sequences, starts, codec.pad, frozenset({codec.unknown}))
