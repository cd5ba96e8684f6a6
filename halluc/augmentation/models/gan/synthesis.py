"""A sequence GAN for labelled examples: from the training split to a fitted model, and from that to new examples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace, tags
from halluc.augmentation.models.gan.adversaries import AdversarialStep, NotFinite
from halluc.augmentation.models.gan.comparison import GAN, LIKELIHOOD, Comparison, compare
from halluc.augmentation.models.gan.discriminator import ConvDiscriminator
from halluc.augmentation.models.gan.generator import LstmGenerator, sample
from halluc.augmentation.models.gan.relativistic_gan import RelativisticGan
from halluc.augmentation.models.gan.sequence_gan import SequenceGan
from halluc.augmentation.models.gan.sequences import Pieces, Sequences
from halluc.augmentation.models.gan.store import FittedGan, GanStore
from halluc.augmentation.models.gan.training import DamagedTraining, GanTraining, TrainingPlan
from halluc.augmentation.models.labelled_stream import StreamCodec, refuse_locked
from halluc.core.edits import Editable
from halluc.core.errors import EXIT_DATA
from halluc.core.messages import Tick, progress, warn
from halluc.core.rng import Draws, keyed_generator, keyed_seed

if TYPE_CHECKING:
    from halluc.augmentation.methods.gan_synthesis import GanSynthesisConfig

FEWEST_EXAMPLES = 100
# Held out: this share of the examples, within bounds.
_HELD_OUT, _FEWEST_HELD_OUT, _MOST_HELD_OUT = 0.05, 20, 500
# Keys of the config that do not decide the weights.
_LATER_KEYS = {"type", "share", "sample_from", "temperature"}


@dataclass(frozen=True)
class GanModel:
    """A fitted generator; ``facts`` are for the manifest."""

    codec: StreamCodec
    generator: LstmGenerator
    longest: int
    temperature: float
    facts: dict[str, Any]

    def sample(self, like: Sequence[Editable], draws: Sequence[Draws]) -> list[Editable | Rejected]:
        """A new example with the labels of each of ``like``, from its own draws."""
        made: list[Editable | Rejected] = []
        prefixes: dict[int, list[int]] = {}
        for number, one in enumerate(like):
            try:
                refuse_locked(one)
                prefixes[number] = self.codec.condition(one)
                made.append(Rejected("too long"))
            except Rejected as rejected:
                made.append(rejected)
        if not prefixes:
            return made
        lengths = [len(prefix) for prefix in prefixes.values()]
        conditions = Sequences.of([*prefixes.values()], lengths, self.codec.pad).to(self.generator.bias.device)
        rows = sample(
            self.generator, conditions, self.longest, self.temperature, [draws[number] for number in prefixes]
        )  # fmt: skip
        for number, row, prefix in zip(prefixes, rows.ids.tolist(), lengths, strict=True):
            try:
                made[number] = self.codec.decode(row[prefix:], like[number])
            except Rejected as rejected:
                made[number] = rejected
        return made


def fit(config: GanSynthesisConfig, examples: Iterable[Editable], workspace: Workspace) -> GanModel:
    """Train a GAN on examples, or load the one that was; see ``GanSynthesis.fit`` for what it raises."""
    codec = StreamCodec.of(examples, config.vocabulary)
    keys = {"seed": workspace.seed, "config": config.model_dump(mode="json", exclude=_LATER_KEYS)}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    store = GanStore.of(workspace.folder, [keys, device.type], examples)
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(keyed_seed(workspace.seed, "networks") >> 1)
        pieces = Pieces(codec.size, codec.pad, codec.end, codec.never_sampled)
        generator = LstmGenerator(pieces, config.embedding, config.width).to(device)
        discriminator = ConvDiscriminator(pieces, config.embedding // 2, config.filters).to(device)
    fitted = store.load()
    if fitted is None:
        fitted = _trained(config, codec, examples, workspace, generator, discriminator, store)
    asked: str = config.sample_from
    if asked == "better":
        asked = GAN if fitted.facts["is_better"] else LIKELIHOOD
    generator.load_state_dict(fitted.weights[asked])
    temperature = config.temperature or fitted.facts["temperatures"][asked]
    facts = {"sampled_from": asked, "sampled_at": temperature, **fitted.facts}
    return GanModel(codec, generator, config.longest, temperature, facts)


def _trained(
    config: GanSynthesisConfig,
    codec: StreamCodec,
    examples: Iterable[Editable],
    workspace: Workspace,
    generator: LstmGenerator,
    discriminator: ConvDiscriminator,
    store: GanStore,
) -> FittedGan:
    """Train, compare and store."""
    rows = _Rows.of(config, codec, examples, workspace.seed)
    device = generator.bias.device
    held_out = rows.held_out

    def words(ids: Sequence[int], number: int) -> tuple[str, ...] | None:
        try:
            return labelled_words(codec.decode(ids, held_out[number]))
        except Rejected:
            return None

    plan = TrainingPlan(
        rows.sequences(rows.train, codec).to(device),
        rows.sequences(held_out, codec).to(device),
        words,
        config.longest,
        workspace.seed,
        config.likelihood,
        config.adversarial,
        config.collapse,
    )
    initial = [{name: one.clone() for name, one in net.state_dict().items()} for net in (generator, discriminator)]
    training = GanTraining(plan, _variant(config), generator, discriminator, store.checkpoint)
    with progress("fitting gan_synthesis") as tick:
        try:
            training.run(tick)
        except DamagedTraining as error:
            warn(f"{store.checkpoint} is damaged ({error}): the training begins again")
            store.checkpoint.unlink()
            generator.load_state_dict(initial[0])
            discriminator.load_state_dict(initial[1])
            training = GanTraining(plan, _variant(config), generator, discriminator, store.checkpoint)
            training.run(tick)
        except NotFinite:
            message = "training by likelihood diverged: its loss is not finite"
            help = "lower `likelihood.learning_rate`"
            raise OptionError("likelihood", "D145", message, help, EXIT_DATA) from None
        compared = _compared(config, training, plan, rows, tick)
    fitted = FittedGan(
        {GAN: training.kept["good"], LIKELIHOOD: training.kept["likelihood"]},
        {**rows.facts(), **_training_facts(config, training), **compared.facts()},
    )
    store.save(fitted)
    return fitted


def _variant(config: GanSynthesisConfig) -> AdversarialStep:
    keys = config.adversarial
    if config.variant == "seqgan":
        return SequenceGan(config.longest, keys.rollouts, keys.stride, keys.dropout)
    return RelativisticGan(config.longest, keys.sharpest, keys.dropout)


def _compared(
    config: GanSynthesisConfig, training: GanTraining, plan: TrainingPlan, rows: _Rows, tick: Tick
) -> Comparison:  # fmt: skip
    held_out = [labelled_words(one) for one in rows.held_out]
    real = [labelled_words(one) for one in rows.train[: len(held_out)]]
    weights = {GAN: training.kept["good"], LIKELIHOOD: training.kept["likelihood"]}
    return compare(training.generator, weights, plan, held_out, real, config.temperatures, tick)


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
    """Each word with its tag: a wrong label counts like a wrong word."""
    return tuple(f"{word}\x1f{tag}" for word, tag in zip(example.tokens, tags(example), strict=True))


@dataclass(frozen=True)
class _Rows:
    """What is learned from and what is held out; how many examples were left out, and why."""

    train: list[Editable]
    held_out: list[Editable]
    too_long: int
    locked: int

    @classmethod
    def of(cls, config: GanSynthesisConfig, codec: StreamCodec, examples: Iterable[Editable], seed: int) -> _Rows:
        """
        Raises:
            OptionError C147: nothing is without locked words. D144: too few examples are left.
        """
        usable: list[Editable] = []
        read = too_long = locked = 0
        for example in examples:
            read += 1
            try:
                refuse_locked(example)
            except Rejected:
                locked += 1
                continue
            if len(codec.encode(example)) > config.longest:
                too_long += 1
            elif example.tokens:
                usable.append(example)
        if read and locked == read:
            message = "every training example has locked words, which nothing that is sampled can keep"
            raise OptionError("type", "C147", message, "leave this method out: others edit what is not locked")
        if len(usable) < FEWEST_EXAMPLES:
            message = f"{len(usable)} training examples are too few for a GAN: it needs {FEWEST_EXAMPLES}"
            longer = f"; {too_long} are longer than `longest: {config.longest}`" if too_long else ""
            help = "give it a larger training split, or leave this method out"
            raise OptionError("longest" if too_long else "type", "D144", message + longer, help, EXIT_DATA)
        held_out = min(max(int(_HELD_OUT * len(usable)), _FEWEST_HELD_OUT), _MOST_HELD_OUT)
        order = keyed_generator(seed, "held out").permutation(len(usable)).tolist()
        chosen = [usable[number] for number in order]
        return cls(chosen[held_out:], chosen[:held_out], too_long, locked)

    @staticmethod
    def sequences(examples: Sequence[Editable], codec: StreamCodec) -> Sequences:
        encoded = [codec.encode(one) for one in examples]
        return Sequences.of(encoded, [len(codec.condition(one)) for one in examples], codec.pad)

    def facts(self) -> dict[str, Any]:
        return {
            "examples": len(self.train),
            "held_out": len(self.held_out),
            "left_out": {"too long": self.too_long, "locked": self.locked},
        }
