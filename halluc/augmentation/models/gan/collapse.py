"""Detects the collapse of a generator: repetitive or invalid samples, or worse prediction of held-out rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from halluc.augmentation.models.gan.config import CollapseConfig
from halluc.augmentation.models.gan.generator import LstmGenerator, sample
from halluc.augmentation.models.gan.sequences import GanPlan, Sequences
from halluc.augmentation.pipeline.tally import distinct

# Rows that are processed at once; affects only memory.
_AT_ONCE = 256


@dataclass(frozen=True)
class Health:
    """The result of a check: ``distinct_2`` and ``valid_rate`` of samples, ``perplexity`` of held-out pieces."""

    distinct_2: float
    valid_rate: float
    perplexity: float

    def row(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in vars(self).items()}

    def fault(self, before: Health, limits: CollapseConfig) -> str | None:
        """The violated limit relative to ``before``, in words; None if no limit is violated."""
        if not self.perplexity <= limits.perplexity * before.perplexity:
            return f"perplexity rose from {before.perplexity:.1f} to {self.perplexity:.1f}"
        if self.valid_rate < limits.valid_rate * before.valid_rate:
            return f"the share of valid samples fell from {before.valid_rate:.3f} to {self.valid_rate:.3f}"
        if self.distinct_2 < limits.distinct_2 * before.distinct_2:
            return f"distinct-2 fell from {before.distinct_2:.3f} to {self.distinct_2:.3f}"
        return None


@torch.no_grad()
def perplexity(generator: LstmGenerator, rows: Sequences) -> float:
    """Perplexity of generated pieces, without conditions."""
    total = count = 0.0
    for part in torch.split(torch.arange(len(rows), device=rows.ids.device), _AT_ONCE):
        likelihoods = generator.log_likelihood(rows.rows(part))
        total, count = total + float(likelihoods.double().sum()), count + len(likelihoods)
    try:
        return math.exp(-total / count)
    except OverflowError:
        return math.inf


def sample_words(
    generator: LstmGenerator, plan: GanPlan, numbers: Sequence[int], temperature: float
) -> list[tuple[str, ...] | None]:
    """The words of a sample for the condition of each of the held-out rows ``numbers``; uses torch's generator."""
    result: list[tuple[str, ...] | None] = []
    for part in torch.split(torch.tensor(numbers, device=plan.held_out.ids.device), _AT_ONCE):
        samples = sample(generator, plan.held_out.rows(part), plan.config.longest, temperature)
        lengths, prefixes = samples.lengths.tolist(), samples.prefixes.tolist()
        for row, prefix, length, number in zip(samples.ids.tolist(), prefixes, lengths, part.tolist(), strict=True):
            result.append(plan.words(row[prefix:length], number))
    return result


def check(generator: LstmGenerator, plan: GanPlan) -> Health:
    """The health of a generator; uses torch's generator of random numbers."""
    samples = plan.config.collapse.samples
    numbers = [number % len(plan.held_out) for number in range(samples)]
    texts = [text for text in sample_words(generator, plan, numbers, 1.0) if text is not None]
    return Health(distinct(texts, 2) or 0.0, len(texts) / samples, perplexity(generator, plan.held_out))


def from_row(row: dict[str, Any]) -> Health:
    return Health(**{name: row[name] for name in Health.__dataclass_fields__})
