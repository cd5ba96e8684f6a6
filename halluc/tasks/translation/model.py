"""The model of translation, with an optional perturbation test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from halluc.tasks.text_generation.loading import TextWriter
from halluc.tasks.text_generation.model import GenerationModel
from halluc.tasks.text_generation.source_text import Sourced, WrittenText
from halluc.tasks.translation.figures import bleu_of
from halluc.tasks.translation.perturbation import (
    GOOD,
    PerturbationConfig,
    Perturbed,
    TokenPools,
    adjusted_bleu,
    perturbations,
    sample_examples,
)

if TYPE_CHECKING:
    from halluc.engine.runtime import Runtime


class TranslationModel(GenerationModel):
    """Writes a translation of a source."""

    perturbation: PerturbationConfig | None = None

    @property
    def asks_training(self) -> bool:
        return self.perturbation is not None

    def tested(
        self,
        loaded: TextWriter,
        examples: Sequence[Sourced],
        predictions: Sequence[WrittenText],
        training: Sequence[Sourced],
        budget: int,
        runtime: Runtime,
        seed: int,
    ) -> list[WrittenText]:
        """The predictions; those of tested sources have the outputs for perturbed sources in ``perturbed``, which is
        empty if the original output was not good enough (Lee et al. 2018)."""
        results, config = list(predictions), self.perturbation
        if config is None:
            return results
        metric = bleu_of(examples, max_ngram_order=2)
        pools = TokenPools.from_sources(training, seed)
        perturbed = {
            number: list(perturbations(examples[number], pools, config, seed))
            if adjusted_bleu(metric, results[number].text, examples[number].targets) > GOOD
            else []
            for number in sample_examples(examples, config, seed)
        }
        sources = [source for of_example in perturbed.values() for *_, source in of_example]
        encoded = self.encode(sources, loaded)
        outputs = iter(self.predict(loaded.model, encoded, budget, runtime, None) if sources else ())
        for number, of_example in perturbed.items():
            gold = examples[number].targets
            tests = []
            for kind, position, token, _ in of_example:
                text = next(outputs).text
                tests.append(Perturbed(kind, position, token, text, adjusted_bleu(metric, text, gold)))
            results[number] = replace(results[number], perturbed=tuple(tests))
        return results
