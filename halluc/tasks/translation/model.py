"""Part 2 of translation: if configured, its outputs are tested with perturbed sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from halluc.tasks.text_generation.examples import WrittenText
from halluc.tasks.text_generation.loading import TextWriter
from halluc.tasks.text_generation.model import GenerationModel
from halluc.tasks.text_generation.source_text import Sourced
from halluc.tasks.translation.figures import bleu_of
from halluc.tasks.translation.perturbation import (
    GOOD,
    PerturbationConfig,
    Perturbed,
    TokenPools,
    adjusted_bleu,
    chosen,
    perturbations,
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
        """The predictions; for tested sources with the outputs of the perturbed sources in ``perturbed``, which is
        empty if the original output was not good enough (Lee et al. 2018)."""
        made, config = list(predictions), self.perturbation
        if config is None:
            return made
        metric = bleu_of(examples, max_ngram_order=2)
        pools = TokenPools.from_sources(training, seed)
        asked = {
            number: list(perturbations(examples[number], pools, config, seed))
            if adjusted_bleu(metric, made[number].text, examples[number].targets) > GOOD
            else []
            for number in chosen(examples, config, seed)
        }
        sources = [source for of in asked.values() for *_, source in of]
        encoded = self.encode(sources, loaded)
        outputs = iter(self.predict(loaded.model, encoded, budget, runtime, None) if sources else ())
        for number, of in asked.items():
            gold = examples[number].targets
            texts = [next(outputs).text for _ in of]
            results = [
                Perturbed(*phrase[:3], text, adjusted_bleu(metric, text, gold))
                for phrase, text in zip(of, texts, strict=True)
            ]
            made[number] = replace(made[number], perturbed=tuple(results))
        return made
