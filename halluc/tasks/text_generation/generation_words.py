"""Words of all text generation tasks."""

from __future__ import annotations

from typing import Any

from halluc.core.examples import Example
from halluc.data.statistics import Count, Words, example_count, tokens
from halluc.tasks.text_generation.source_text import target_length
from halluc.wording.nouns import Nouns, read_texts


def _lacks_target(example: Any) -> int:
    return not example.targets


def _statement_count(example: Example) -> int:
    return sum(kind != "sentence" for _, kind in example.pairs)


def words(examples: str, target: str, figure: str) -> Words:
    """
    Args:
        examples: the plural of an example. target: the plural name of the text to be written.
        figure: the name of the figure that selects a checkpoint.
    """
    return Words(
        tokens="words",
        labelled="statements",
        annotation=target,
        repaired="texts",
        counts=(
            Count(examples, example_count),
            Count("words", tokens),
            Count("target_words", target_length),
            Count("statements", _statement_count, legend="names, numbers, dates and quotations of the targets"),
            Count("without_target", _lacks_target, is_share=True),
        ),
        figure=figure,
        has_labels=False,
    )


def nouns(module: str) -> Nouns:
    """The nouns of a task whose claims are the statements of an output: common ones, and those of the ``module``."""
    own, common = read_texts(module), read_texts(__file__)
    return Nouns.of({**common, **own, "glossary": common["glossary"] | own.get("glossary", {})})
