"""Compares the GAN with the generator trained only by likelihood, at several temperatures.

A generator may improve quality at the cost of diversity, so either figure alone is misleading, and a GAN must be
compared with a language model at its best temperature (Caccia et al. 2020).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy
import torch

from halluc.augmentation.models.gan.collapse import sample_words
from halluc.augmentation.models.gan.generator import LstmGenerator
from halluc.augmentation.models.gan.sequences import GanPlan
from halluc.augmentation.models.gan.training import Weights
from halluc.augmentation.pipeline.tally import distinct
from halluc.core.messages import progress
from halluc.core.rng import keyed_seed

GAN, LIKELIHOOD, TRAINING_SPLIT = "gan", "likelihood", "training split"
# The order of n-grams. Longer ones rarely occur in the few hundred held-out texts.
ORDER = 3
# The number of parts of samples and held-out texts, whose figures give the standard error of the mean.
PARTS = 5
# The 97.5% point of Student's distribution with PARTS - 1 degrees of freedom.
_STUDENT = 2.776

Texts = Sequence[tuple[str, ...]]


class References:
    """Reference texts for a comparison: the maximum frequency of each n-gram in any of them."""

    def __init__(self, texts: Texts) -> None:
        self._lengths = sorted(len(text) for text in texts)
        self._most: Counter[tuple[str, ...]] = Counter()
        # The second largest frequency, to compare the text that has the largest one with all others.
        self._second: Counter[tuple[str, ...]] = Counter()
        for text in texts:
            for gram, count in _ngrams(text).items():
                if count > self._most[gram]:
                    self._second[gram], self._most[gram] = self._most[gram], count
                elif count > self._second[gram]:
                    self._second[gram] = count

    def bleu(self, texts: Texts, *, but_itself: bool = False) -> float | None:
        """Corpus-level BLEU-3 of texts (Papineni et al. 2002) against all references.

        A precision without matches counts as half a match. None if there is no text, 0 if there are no references.
        ``but_itself``: the texts are among the references, and each is compared with all others.
        """
        matched, total = [0.0] * ORDER, [0] * ORDER
        length = closest = 0
        for text in texts:
            grams = _ngrams(text)
            for gram, count in grams.items():
                most = self._most[gram]
                if but_itself and count == most:
                    most = self._second[gram]
                matched[len(gram) - 1] += min(count, most)
                total[len(gram) - 1] += count
            length += len(text)
            closest += min(self._lengths, key=lambda other: (abs(other - len(text)), other), default=0)
        if not length:
            return None
        if not self._lengths:
            return 0.0
        orders = [(hits or 0.5) / of for hits, of in zip(matched, total, strict=True) if of]
        brevity = min(0.0, 1 - closest / length)
        return math.exp(brevity + sum(map(math.log, orders)) / len(orders))


def _ngrams(text: Sequence[str]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(text[at : at + n]) for n in range(1, ORDER + 1) for at in range(len(text) - n + 1))


@dataclass(frozen=True)
class GeneratorFigures:
    """Samples of one generator at one temperature, compared with held-out texts.

    ``quality`` is the BLEU-3 of samples against held-out texts, ``coverage`` that of held-out texts against samples,
    ``harmonic`` the harmonic mean of both (BLEU-F, BLEU-B and BLEU-HA in Shi et al. 2018). ``self_bleu`` is that of
    samples against each other (Zhu et al. 2018): lower is more diverse. ``parts`` has ``harmonic`` of each part.
    """

    generator: str
    temperature: float | None
    valid: float
    quality: float
    coverage: float
    harmonic: float
    self_bleu: float
    distinct_2: float
    parts: tuple[float, ...]

    def row(self) -> dict[str, Any]:
        """A row of the table, as plain values."""
        row = {name: _round(value) for name, value in vars(self).items() if name != "parts"}
        return {**row, "harmonic_error": _round(_error(self.parts))}


def measure(
    generator: str, temperature: float | None, samples: Sequence[tuple[str, ...] | None], held_out: Texts
) -> GeneratorFigures:
    """Compare samples with as many held-out texts; a sample is None if it was not a valid example.

    Every figure is the mean over parts, each compared with all texts of the other side.
    """
    of_held_out = References(held_out)
    references = References([text for text in samples if text])
    sums: list[tuple[float, ...]] = []
    for part in range(PARTS):
        texts = [text for text in samples[part::PARTS] if text]
        quality = of_held_out.bleu(texts) or 0.0
        coverage = references.bleu(held_out[part::PARTS]) or 0.0
        both = quality + coverage
        harmonic = 2 * quality * coverage / both if both else 0.0
        own = references.bleu(texts, but_itself=True)
        sums.append((quality, coverage, harmonic, 1.0 if own is None else own, distinct(texts, 2) or 0.0))
    quality, coverage, harmonic, own_mean, different = (float(numpy.mean(column)) for column in zip(*sums, strict=True))
    valid = sum(text is not None for text in samples) / len(samples) if samples else 0.0
    parts = tuple(one[2] for one in sums)
    return GeneratorFigures(generator, temperature, valid, quality, coverage, harmonic, own_mean, different, parts)


@dataclass(frozen=True)
class Verdict:
    """The difference between the harmonic means of two generators, and the half-width of its 95% interval (Student's t
    over paired parts)."""

    difference: float
    error: float

    @classmethod
    def of(cls, one: GeneratorFigures, other: GeneratorFigures) -> Verdict:
        differences = [a - b for a, b in zip(one.parts, other.parts, strict=True)]
        return cls(float(numpy.mean(differences)), _STUDENT * _error(differences))

    @property
    def outcome(self) -> Literal["better", "worse", "no better"]:
        """What the first generator is."""
        if self.difference > self.error:
            return "better"
        return "worse" if self.difference < -self.error else "no better"


def best(rows: Sequence[GeneratorFigures]) -> GeneratorFigures:
    """The row with the largest harmonic mean; for ties the temperature closest to 1."""
    return max(rows, key=lambda row: (row.harmonic, -abs((row.temperature or 1.0) - 1)))


def _error(values: Sequence[float]) -> float:
    """The standard error of the mean."""
    return float(numpy.std(values, ddof=1) / math.sqrt(len(values)))


def _round(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def compare(
    generator: LstmGenerator, weights: dict[str, Weights], plan: GanPlan, held_out: Texts, training: Texts
) -> dict[str, Any]:
    """Sample from both generators under the conditions of the held-out texts, at each temperature; facts for the
    manifest, with the quality-diversity table and the best temperature of each generator.

    Both use the same random numbers. ``training`` has as many real texts, for comparison in the last row of the table.
    The weights of ``generator`` are changed.
    """
    rows: dict[str, list[GeneratorFigures]] = {}
    devices = [generator.bias.device] if generator.bias.is_cuda else []
    temperatures = plan.config.temperatures
    with torch.random.fork_rng(devices), progress("comparing the GAN with likelihood alone") as tick:
        for number, (name, temperature) in enumerate((name, one) for name in weights for one in temperatures):
            tick(number, len(weights) * len(temperatures))
            generator.load_state_dict(weights[name])
            torch.manual_seed(keyed_seed(plan.seed, "comparison", temperature) >> 1)
            numbers = range(len(held_out))
            samples = sample_words(generator, plan, numbers, temperature)
            rows.setdefault(name, []).append(measure(name, temperature, samples, held_out))
    real = measure(TRAINING_SPLIT, None, training, held_out)
    chosen = {name: best(of_generator) for name, of_generator in rows.items()}
    gan, likelihood = chosen[GAN], chosen[LIKELIHOOD]
    verdict = Verdict.of(gan, likelihood)
    sentence = (
        f"the GAN is {verdict.outcome} than the generator that was trained by likelihood alone: harmonic mean of "
        f"quality and coverage {gan.harmonic:.3f} at temperature {gan.temperature} against {likelihood.harmonic:.3f} "
        f"at {likelihood.temperature} (difference {verdict.difference:+.3f} ± {verdict.error:.3f})"
    )
    return {
        "is_better": verdict.outcome == "better",
        "verdict": sentence,
        "difference": round(verdict.difference, 4),
        "difference_error": round(verdict.error, 4),
        "temperatures": {name: row.temperature for name, row in chosen.items()},
        "quality_diversity": [row.row() for of_one in (*rows.values(), [real]) for row in of_one],
    }
