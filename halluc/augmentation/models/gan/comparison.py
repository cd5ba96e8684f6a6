"""The GAN and the generator that is trained by likelihood alone, side by side at several temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from halluc.augmentation.models.gan.collapse import sampled_words
from halluc.augmentation.models.gan.generator import LstmGenerator
from halluc.augmentation.models.gan.training import GanPlan, Weights
from halluc.augmentation.models.quality import GeneratorFigures, Texts, Verdict, best, measure
from halluc.core.messages import progress
from halluc.core.rng import keyed_seed

GAN, LIKELIHOOD, TRAINING_SPLIT = "gan", "likelihood", "training split"


@dataclass(frozen=True)
class GeneratorComparison:
    """``rows`` are the quality-diversity table; ``best`` has the row of each generator's best temperature."""

    rows: tuple[GeneratorFigures, ...]
    best: dict[str, GeneratorFigures]
    verdict: Verdict

    def facts(self) -> dict[str, Any]:
        gan, likelihood = self.best[GAN], self.best[LIKELIHOOD]
        outcome = "better" if self.verdict.is_better else "worse" if self.verdict.is_worse else "no better"
        said = (
            f"the GAN is {outcome} than the generator that was trained by likelihood alone: harmonic mean of quality "
            f"and coverage {gan.harmonic:.3f} at temperature {gan.temperature} against {likelihood.harmonic:.3f} at "
            f"{likelihood.temperature} (difference {self.verdict.difference:+.3f} ± {self.verdict.error:.3f})"
        )
        return {
            "is_better": self.verdict.is_better,
            "verdict": said,
            "difference": round(self.verdict.difference, 4),
            "difference_error": round(self.verdict.error, 4),
            "temperatures": {name: row.temperature for name, row in self.best.items()},
            "quality_diversity": [row.row() for row in self.rows],
        }


def compare(
    generator: LstmGenerator,
    weights: dict[str, Weights],
    plan: GanPlan,
    held_out: Texts,
    training: Texts,
    temperatures: Sequence[float],
) -> GeneratorComparison:
    """Sample from both generators under the conditions of the held-out texts, at each temperature.

    Both take the same random numbers. ``training`` are as many real texts: the last row, which says what the figures
    can be. ``generator`` is left with other weights.
    """
    rows: dict[str, list[GeneratorFigures]] = {}
    devices = [generator.bias.device] if generator.bias.is_cuda else []
    with torch.random.fork_rng(devices), progress("comparing the GAN with likelihood alone") as tick:
        for number, (name, temperature) in enumerate((name, one) for name in weights for one in temperatures):
            tick(number, len(weights) * len(temperatures))
            generator.load_state_dict(weights[name])
            torch.manual_seed(keyed_seed(plan.seed, "comparison", temperature) >> 1)
            numbers = range(len(held_out))
            made = sampled_words(generator, plan.held_out, numbers, plan.longest, temperature, plan.words)
            rows.setdefault(name, []).append(measure(name, temperature, made, held_out))
    chosen = {name: best(result) for name, result in rows.items()}
    real = measure(TRAINING_SPLIT, None, training, held_out)
    every = (*(row for result in rows.values() for row in result), real)
    return GeneratorComparison(every, chosen, Verdict.of(chosen[GAN], chosen[LIKELIHOOD]))
