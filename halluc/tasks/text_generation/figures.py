"""Figures of all text generation tasks: properties of the outputs, independent of their meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy

from halluc.core.significance import Figure, Ratio, Sheet
from halluc.tasks.defaults import FiguresDefaults, values_of
from halluc.tasks.text_generation.records import GenerationLine
from halluc.tasks.text_generation.source_text import Sourced, WrittenText, target_length, words_of

OUTPUTS = "outputs"


class GenerationFigures(FiguresDefaults):
    """A subclass defines ``overlap``: the figures that compare outputs with references or knowledge."""

    overlap: Callable[[Sequence[Sourced], Sequence[WrittenText], Sheet], list[Figure]]

    # No claim is distorted, and most references have no statements besides sentences.
    excluded: ClassVar[frozenset[str]] = frozenset(
        ("hallucination_rate_wide", "distortion_rate", "false_claim_rate", "negative_sentence_rate")
    )
    named: ClassVar[Mapping[str, str]] = {}

    def figures(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        return [*self.overlap(examples, predictions, sheet), *self.output_figures(examples, predictions, sheet)]

    def headline(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, float]:
        sheet = Sheet(len(examples))
        values = values_of(self.overlap(examples, predictions, sheet), sheet)
        # A checkpoint cannot be selected by an undefined figure.
        return {name: float(numpy.nan_to_num(value)) for name, value in values.items()}

    def of_lines(
        self, examples: Sequence[Sourced], lines: Sequence[GenerationLine], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        """The overall figures of ``overlap``, from stored outputs."""
        outputs = [WrittenText(line.id, line.output, ()) for line in lines]
        return [one for one in self.overlap(examples, outputs, sheet) if not one.by]

    def output_figures(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        every = sheet.column(numpy.ones(len(predictions)))
        criteria: dict[str, Callable[[WrittenText], bool]] = {
            "outputs_without_claims": lambda one: not one.confidences,
            "empty_outputs": lambda one: not one.text.strip(),
            "unended_outputs": lambda one: not one.ended,
            "repeated_outputs": lambda one: one.repeated,
        }
        if predictions and all(one.logprob is None for one in predictions):
            del criteria["unended_outputs"]  # another tool wrote them, whose limit is unknown
        columns = {name: sheet.column(numpy.array(list(map(of, predictions)))) for name, of in criteria.items()}
        results = [
            Figure(name, {}, OUTPUTS, len(predictions), Ratio((column,), (every,))) for name, column in columns.items()
        ]
        pairs = zip(examples, predictions, strict=True)
        written = numpy.array([len(words_of(output.text)) if one.targets else 0 for one, output in pairs])
        wanted = numpy.array(list(map(target_length, examples)))
        ratio = Ratio((sheet.column(written),), (sheet.column(wanted),), is_share=False)
        return [*results, Figure("length_ratio", {}, OUTPUTS, int(wanted.sum()), ratio)]
