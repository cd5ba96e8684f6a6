"""A sequence GAN for labelled examples: fitting on the training split, and sampling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace, refuse_all_locked, refuse_too_few, tags
from halluc.augmentation.models.fitted_models import UnsavedModel, digest_of, fit_or_load
from halluc.augmentation.models.gan.adversaries import AdversarialStep, NotFinite, RelativisticGan, SequenceGan
from halluc.augmentation.models.gan.comparison import GAN, LIKELIHOOD, compare
from halluc.augmentation.models.gan.discriminator import ConvDiscriminator
from halluc.augmentation.models.gan.generator import LstmGenerator, sample
from halluc.augmentation.models.gan.sequences import GanPlan, Pieces, Sequences
from halluc.augmentation.models.gan.training import DamagedTraining, GanTraining, Weights
from halluc.augmentation.models.labelled_stream import StreamCodec, has_locked_words
from halluc.augmentation.models.sample_statistics import sample_statistics
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.files import replacing
from halluc.core.messages import warn
from halluc.core.rng import Draws, keyed_generator, keyed_seed
from halluc.engine.runtime import default_device

if TYPE_CHECKING:
    from halluc.augmentation.models.gan.config import GanSynthesisConfig

FEWEST_EXAMPLES = 100
# The held-out share of the examples, within bounds.
_HELD_OUT, _FEWEST_HELD_OUT, _MOST_HELD_OUT = 0.1, 20, 500
# Keys of the config that do not affect the fitted model, only sampling.
_OF_SAMPLING = frozenset({"share", "sample_from", "temperature"})
# Number of samples described in the manifest.
_TRIAL = 256
_CHECKPOINT, _WEIGHTS = "training.pt", "weights.safetensors"


@dataclass(frozen=True)
class GanModel:
    """A fitted generator; ``facts`` are for the manifest."""

    codec: StreamCodec
    generator: LstmGenerator
    longest: int
    temperature: float
    facts: dict[str, Any]

    def sample_many(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """A new example with the labels of each of ``like``, from its own draws."""
        prompts = [self.codec.prompt(one, self.longest) for one in like]
        samples: list[Editable | Rejected] = [one if isinstance(one, Rejected) else Rejected("") for one in prompts]
        prefixes = {number: one for number, one in enumerate(prompts) if not isinstance(one, Rejected)}
        if not prefixes:
            return samples
        lengths = [len(prefix) for prefix in prefixes.values()]
        conditions = Sequences.of([*prefixes.values()], lengths, self.codec.pad).to(self.generator.bias.device)
        rows = sample(
            self.generator, conditions, self.longest, self.temperature, [draws[number] for number in prefixes]
        )  # fmt: skip
        for number, row, start in zip(prefixes, rows.ids.tolist(), lengths, strict=True):
            samples[number] = self.codec.decode_or_reject(row[start:], like[number])
        return samples


def fit(config: GanSynthesisConfig, examples: Iterable[Editable], workspace: Workspace) -> GanModel:
    """Train a GAN on examples, or load the trained one; see ``GanSynthesis.fit`` for errors."""
    rows = _SplitSequences.of(config, StreamCodec.of(examples, config.vocabulary), examples, workspace.seed)
    device = default_device()
    identity = {
        "config": config.model_dump(mode="json", exclude={*_OF_SAMPLING}),
        "seed": workspace.seed,
        "examples": digest_of(examples),
        "device": device.type,
    }

    def train(work: Path) -> UnsavedModel:
        weights, facts = _train(config, rows, workspace.seed, device, work / _CHECKPOINT)
        return UnsavedModel(facts, lambda folder: _write_weights(weights, folder / _WEIGHTS))

    result = fit_or_load(workspace, "gan_synthesis", identity, train)
    chosen: str = config.sample_from
    if chosen == "better":
        chosen = GAN if result.facts["is_better"] else LIKELIHOOD
    generator = _networks(config, rows.codec, workspace.seed, device)[0]
    generator.load_state_dict(_read_weights(result.folder / _WEIGHTS)[chosen])
    temperature = config.temperature or result.facts["temperatures"][chosen]
    model = GanModel(rows.codec, generator, config.longest, temperature, {})
    like = rows.train + rows.held_out
    facts = {"sampled_from": chosen, "sampled_at": temperature, **result.facts}
    return replace(model, facts={**facts, **sample_statistics(like, model.sample_many, workspace.seed, _TRIAL)})


def _networks(
    config: GanSynthesisConfig, codec: StreamCodec, seed: int, device: torch.device
) -> tuple[LstmGenerator, ConvDiscriminator]:
    """Both networks with their initial weights, which depend on the seed."""
    pieces = Pieces(codec.size, codec.pad, codec.end, codec.never_sampled)
    with torch.random.fork_rng([]):
        torch.manual_seed(keyed_seed(seed, "networks") >> 1)
        generator = LstmGenerator(pieces, config.embedding, config.width)
        discriminator = ConvDiscriminator(pieces, config.embedding // 2, config.filters)
    return generator.to(device), discriminator.to(device)


def _train(
    config: GanSynthesisConfig, rows: _SplitSequences, seed: int, device: torch.device, checkpoint: Path
) -> tuple[dict[str, Weights], dict[str, Any]]:
    """Train and compare; returns the weights of both generators, and the facts for the manifest."""

    def words(ids: Sequence[int], number: int) -> tuple[str, ...] | None:
        sample = rows.codec.decode_or_reject(ids, rows.held_out[number])
        return None if isinstance(sample, Rejected) else labelled_words(sample)

    train, held_out = (rows.sequences(part).to(device) for part in (rows.train, rows.held_out))
    plan = GanPlan(train, held_out, words, config, seed)

    def run() -> GanTraining:
        training = GanTraining(plan, _variant(config), *_networks(config, rows.codec, seed, device), checkpoint)
        training.run()
        return training

    try:
        try:
            training = run()
        except DamagedTraining as error:
            warn(f"{checkpoint} is damaged ({error}): the training starts again")
            checkpoint.unlink()
            training = run()
    except NotFinite:
        message = "maximum-likelihood training diverged: its loss is not finite"
        help = "lower `likelihood.learning_rate`"
        raise OptionError("likelihood", "D145", message, help, EXIT_DATA) from None
    weights = {GAN: training.kept["good"], LIKELIHOOD: training.kept["likelihood"]}
    texts = [labelled_words(one) for one in rows.held_out]
    real = [labelled_words(one) for one in rows.train[: len(texts)]]
    compared = compare(training.generator, weights, plan, texts, real)
    return weights, {**rows.facts(), **_training_facts(config, training), **compared}


def _write_weights(weights: Mapping[str, Weights], path: Path) -> None:
    """Raises HallucError E401 if the disk is full or read-only."""
    named = {f"{name}/{key}": tensor for name, one in weights.items() for key, tensor in one.items()}
    content = safetensors.torch.save({name: tensor.cpu().clone() for name, tensor in named.items()})
    with replacing(path, "wb") as file:
        file.write(content)


def _read_weights(path: Path) -> dict[str, Weights]:
    weights: dict[str, Weights] = {}
    for name, tensor in safetensors.torch.load(path.read_bytes()).items():
        generator, key = name.split("/", 1)
        weights.setdefault(generator, {})[key] = tensor
    return weights


def _variant(config: GanSynthesisConfig) -> AdversarialStep:
    keys = config.adversarial
    if config.variant == "seqgan":
        return SequenceGan(config.longest, keys.rollouts, keys.stride, keys.dropout)
    return RelativisticGan(config.longest, keys.sharpest, keys.dropout)


def _training_facts(config: GanSynthesisConfig, training: GanTraining) -> dict[str, Any]:
    done = training.progress
    return {
        "variant": config.variant,
        "parameters": sum(one.numel() for one in training.generator.parameters()),
        "held_out_perplexities": [round(one, 2) for one in done.perplexities],
        "adversarial_steps": done.stopped["step"] if done.stopped else config.adversarial.steps,
        "stopped": done.stopped,
        "checks": done.checks,
    }


def labelled_words(example: Editable) -> tuple[str, ...]:
    """Each word with its tag, so that figures of words also measure labels."""
    return tuple(f"{word}\x1f{tag}" for word, tag in zip(example.tokens, tags(example), strict=True))


@dataclass(frozen=True)
class _SplitSequences:
    """The training and held-out examples, and the numbers of those that were left out."""

    codec: StreamCodec
    train: list[Editable]
    held_out: list[Editable]
    too_long: int
    locked: int

    @classmethod
    def of(
        cls, config: GanSynthesisConfig, codec: StreamCodec, examples: Iterable[Editable], seed: int
    ) -> _SplitSequences:
        """
        Raises:
            OptionError C147: every example has locked words. D144: too few examples are left.
        """
        usable: list[Editable] = []
        read = too_long = locked = 0
        for example in examples:
            read += 1
            if has_locked_words(example):
                locked += 1
            elif len(codec.encode(example)) > config.longest:
                too_long += 1
            elif example.tokens:
                usable.append(example)
        refuse_all_locked(read, locked)
        longer = f"; {too_long} are longer than `longest: {config.longest}`" if too_long else ""
        refuse_too_few(len(usable), FEWEST_EXAMPLES, "a GAN", "longest" if too_long else "type", more=longer)
        held_out = min(max(int(_HELD_OUT * len(usable)), _FEWEST_HELD_OUT), _MOST_HELD_OUT)
        order = keyed_generator(seed, "held out").permutation(len(usable)).tolist()
        chosen = [usable[number] for number in order]
        return cls(codec, chosen[held_out:], chosen[:held_out], too_long, locked)

    def sequences(self, examples: Sequence[Editable]) -> Sequences:
        encoded = [self.codec.encode(one) for one in examples]
        return Sequences.of(encoded, [len(self.codec.condition(one)) for one in examples], self.codec.pad)

    def facts(self) -> dict[str, Any]:
        return {
            "examples": len(self.train),
            "held_out": len(self.held_out),
            "left_out": {"too long": self.too_long, "locked": self.locked},
        }
