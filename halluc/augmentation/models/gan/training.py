"""The training of a sequence GAN, from maximum-likelihood pre-training to adversarial training.

Every step draws its random numbers from its own seed, so that a killed training resumes exactly from its last
checkpoint.
"""

from __future__ import annotations

import copy
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from halluc.augmentation.models.gan.adversaries import AdversarialStep, Adversaries, NotFinite, descend
from halluc.augmentation.models.gan.collapse import check, from_row, perplexity
from halluc.augmentation.models.gan.discriminator import ConvDiscriminator
from halluc.augmentation.models.gan.generator import LstmGenerator
from halluc.augmentation.models.gan.sequences import GanPlan, Sequences
from halluc.core.errors import first_line
from halluc.core.files import replacing
from halluc.core.messages import Tick, progress
from halluc.core.rng import keyed_seed
from halluc.engine import batching

Weights = dict[str, Tensor]
# The number of steps between two checkpoints, except in adversarial training.
_CHECKPOINT_EVERY = 50
# Likelihood training stops after this many epochs without better perplexity on held-out rows.
_PATIENCE = 3
# Likelihood steps if the config does not set epochs: ten epochs of 13,000 rows.
_USUAL_STEPS = 2000
_LAST_RATE = 0.1


@dataclass
class _Progress:
    """The progress of a training; plain values, for checkpoints."""

    stage: int = 0
    step: int = 0
    epoch: int = 0
    perplexities: list[float] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    stopped: dict[str, Any] | None = None


class GanTraining:
    """Trains ``generator`` and ``discriminator``; ``file`` is its checkpoint."""

    def __init__(
        self,
        plan: GanPlan,
        variant: AdversarialStep,
        generator: LstmGenerator,
        discriminator: ConvDiscriminator,
        file: Path,
    ) -> None:
        self.plan, self.variant, self.file = plan, variant, file
        self.generator, self.discriminator = generator, discriminator
        self.progress = _Progress()
        # "likelihood" is the generator trained without a discriminator, "good" the last one that passed a check.
        self.kept: dict[str, Weights] = {}
        self.optimizers = self._new_optimizers()

    def _new_optimizers(self) -> dict[str, torch.optim.Optimizer]:
        likelihood, adversarial = self.plan.config.likelihood, self.plan.config.adversarial
        rates = {
            "likelihood": (self.generator, likelihood.learning_rate),
            "generator": (self.generator, adversarial.learning_rate),
            "teacher": (self.generator, adversarial.learning_rate),
            "discriminator": (self.discriminator, adversarial.discriminator_learning_rate),
        }
        return {name: torch.optim.Adam(model.parameters(), rate) for name, (model, rate) in rates.items()}

    @property
    def players(self) -> Adversaries:
        return Adversaries(
            self.generator, self.discriminator, self.optimizers["generator"], self.optimizers["discriminator"]
        )

    def run(self) -> None:
        """Train to the end; afterwards ``kept`` has the weights ``likelihood`` and ``good``.

        Raises:
            NotFinite: maximum-likelihood training diverged. HallucError E401: a checkpoint cannot be written.
        """
        self._resume()
        stages: tuple[tuple[str, Callable[[Tick], None]], ...] = (
            ("maximum-likelihood training of the generator", self._likelihood),
            ("training the discriminator", self._warmup),
            ("training the GAN", self._adversarial),
            ("training the generator to compare with", self._baseline),
        )
        devices = [self.generator.bias.device] if self.generator.bias.is_cuda else []
        with torch.random.fork_rng(devices):
            while self.progress.stage < len(stages):
                what, stage = stages[self.progress.stage]
                with progress(what) as tick:
                    stage(tick)
                self.progress.stage, self.progress.step = self.progress.stage + 1, 0
                self._save()

    # --- stages ------------------------------------------------------------------------------------------------

    def _likelihood(self, tick: Tick) -> None:
        """Maximum likelihood; ends with the weights of the epoch that predicts held-out rows best."""
        keys, state, result = self.plan.config.likelihood, self.progress, self.progress.perplexities
        lengths = self.plan.train.lengths.tolist()
        budget = max(max(lengths), math.ceil(keys.batch * sum(lengths) / len(lengths)))
        epochs = keys.epochs or math.ceil(_USUAL_STEPS * keys.batch / len(lengths))
        while state.epoch < epochs and not _is_over(result):
            batches = batching.plan(lengths, budget=budget, seed=self.plan.seed, epoch=state.epoch).steps
            for number in range(state.step, len(batches)):
                done = (state.epoch + number / len(batches)) / epochs
                tick(int(1000 * done), 1000)
                rate = keys.learning_rate * (1 - (1 - _LAST_RATE) * done)
                self.optimizers["likelihood"].param_groups[0]["lr"] = rate
                self._seed("likelihood", state.epoch, number)
                self._likelihood_step("likelihood", torch.tensor(batches[number][0]))
                self._advance(number + 1, _CHECKPOINT_EVERY)
            result.append(perplexity(self.generator, self.plan.held_out))
            if result[-1] == min(result):
                self.kept["likelihood"] = _copy_weights(self.generator.state_dict())
            state.epoch, state.step = state.epoch + 1, 0
            self._save()
        self.generator.load_state_dict(self.kept["likelihood"])
        self.kept["good"] = self.kept["likelihood"]

    def _warmup(self, tick: Tick) -> None:
        """Train the discriminator on rows of the pre-trained generator and real rows."""
        steps = self.plan.config.adversarial.warmup_steps if self.plan.config.adversarial.steps else 0
        for step in range(self.progress.step, steps):
            tick(step, steps)
            self._seed("warmup", step)
            try:
                self._discriminator_step(0.0)
            except NotFinite:
                self.progress.stopped = {"step": 0, "restored": 0, "reason": "the discriminator's loss is not finite"}
                return
            self._advance(step + 1, _CHECKPOINT_EVERY)

    def _adversarial(self, tick: Tick) -> None:
        keys, every = self.plan.config.adversarial, self.plan.config.collapse.every
        for step in range(self.progress.step, keys.steps):
            if self.progress.stopped is not None:
                break
            tick(step, keys.steps)
            if step == 0:
                self._check(0)
            self._seed("adversarial", step)
            try:
                self._adversarial_step(step / keys.steps)
            except NotFinite:
                self._stop(step + 1, "a loss is not finite")
                break
            if (step + 1) % every == 0 or step + 1 == keys.steps:
                self._check(step + 1)
            self._advance(step + 1, every)
        self.generator.load_state_dict(self.kept["good"])

    def _baseline(self, tick: Tick) -> None:
        """Train the baseline of the GAN with as many further likelihood steps, from the same weights on the same rows.

        Its weights are kept if they predict held-out rows better.
        """
        taken = self.progress.stopped["step"] if self.progress.stopped else self.plan.config.adversarial.steps
        if self.progress.step == 0:
            self.generator.load_state_dict(self.kept["likelihood"])
            self.optimizers["teacher"] = self._new_optimizers()["teacher"]
        for step in range(self.progress.step, taken):
            tick(step, taken)
            self._seed("teacher", step)
            for _ in range(self.plan.config.adversarial.likelihood_steps):
                self._likelihood_step("teacher", self._random_rows())
            self._advance(step + 1, _CHECKPOINT_EVERY)
        if perplexity(self.generator, self.plan.held_out) < min(self.progress.perplexities):
            self.kept["likelihood"] = _copy_weights(self.generator.state_dict())
        self.generator.load_state_dict(self.kept["good"])

    # --- steps -------------------------------------------------------------------------------------------------

    def _adversarial_step(self, done: float) -> None:
        for _ in range(self.plan.config.adversarial.discriminator_steps):
            self._discriminator_step(done)
        loss = self.variant.generator_loss(self.players, self._real(), done)
        descend(loss, self.generator, self.optimizers["generator"])
        self._seed("teacher", self.progress.step)
        for _ in range(self.plan.config.adversarial.likelihood_steps):
            self._likelihood_step("teacher", self._random_rows())

    def _discriminator_step(self, done: float) -> None:
        loss = self.variant.discriminator_loss(self.players, self._real(), done)
        descend(loss, self.discriminator, self.optimizers["discriminator"])

    def _likelihood_step(self, optimizer: str, rows: Tensor) -> None:
        batch = self.plan.train.rows(rows.to(self.plan.train.ids.device))
        loss = -self.generator.log_likelihood(batch, self.plan.config.likelihood.dropout).mean()
        descend(loss, self.generator, self.optimizers[optimizer])

    def _random_rows(self) -> Tensor:
        """The numbers of a batch of random rows."""
        return torch.randint(len(self.plan.train), (self.plan.config.adversarial.batch,))

    def _real(self) -> Sequences:
        return self.plan.train.rows(self._random_rows().to(self.plan.train.ids.device))

    def _check(self, step: int) -> None:
        """Check the generator: it becomes the last good one, or adversarial training stops."""
        self._seed("check")  # equal in all checks, so that their results differ only by the generator
        keys = self.plan.config.collapse
        result = check(self.generator, self.plan)
        self.progress.checks.append({"step": step, **result.row()})
        fault = result.fault(from_row(self.progress.checks[0]), keys) if step else None
        if fault is None:
            self.kept["good"] = _copy_weights(self.generator.state_dict())
        else:
            self._stop(step, fault)

    def _stop(self, step: int, reason: str) -> None:
        good = [one["step"] for one in self.progress.checks if one["step"] < step]
        self.progress.stopped = {"step": step, "restored": good[-1] if good else 0, "reason": reason}

    # --- state -------------------------------------------------------------------------------------------------

    def _seed(self, *keys: object) -> None:
        torch.manual_seed(keyed_seed(self.plan.seed, *keys) >> 1)

    def _advance(self, steps: int, every: int) -> None:
        self.progress.step = steps
        if steps % every == 0:
            self._save()

    def _save(self) -> None:
        """Replace the checkpoint; raises HallucError E401 if that is not possible."""
        content = io.BytesIO()  # since torch's errors do not tell that a disk is full
        torch.save(
            {
                "progress": copy.deepcopy(vars(self.progress)),
                "kept": self.kept,
                "networks": [self.generator.state_dict(), self.discriminator.state_dict()],
                "optimizers": {name: one.state_dict() for name, one in self.optimizers.items()},
            },
            content,
        )
        with replacing(self.file, "wb") as file:
            file.write(content.getbuffer())

    def _resume(self) -> None:
        if not self.file.is_file():
            return
        device = self.generator.bias.device
        try:
            state: Mapping[str, Any] = torch.load(self.file, map_location=device, weights_only=True)
            self.generator.load_state_dict(state["networks"][0])
            self.discriminator.load_state_dict(state["networks"][1])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            self.kept, self.progress = dict(state["kept"]), _Progress(**state["progress"])
        except Exception as error:  # damaged data may raise any error
            raise DamagedTraining(first_line(error)) from error


class DamagedTraining(Exception):
    """A checkpoint cannot be read; networks and optimizers may be partly loaded."""


def _copy_weights(weights: Mapping[str, Tensor]) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def _is_over(perplexities: list[float]) -> bool:
    """Whether there was no better epoch among the last ``_PATIENCE``."""
    return bool(perplexities) and len(perplexities) - 1 - perplexities.index(min(perplexities)) >= _PATIENCE
