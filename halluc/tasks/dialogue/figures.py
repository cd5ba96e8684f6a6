"""The figures of dialogue: unigram F1 with references and with knowledge, and the diversity of replies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy

from halluc.core.figures import Report
from halluc.core.significance import Figure, Ratio, Sheet
from halluc.tasks.defaults import values_of
from halluc.tasks.dialogue import figure_rows
from halluc.tasks.dialogue.examples import KNOWLEDGE
from halluc.tasks.text_generation.figures import OUTPUTS, GenerationFigures
from halluc.tasks.text_generation.languages import folded_words, ngrams
from halluc.tasks.text_generation.source_text import Sourced, WrittenText

REFERENCE = "unigram F1 without case, punctuation and articles, best reference, mean over replies"
GROUNDED = "unigram F1 without case, punctuation and articles, mean over replies, 0 without knowledge"
WITH_KNOWLEDGE = "unigram F1 without case, punctuation and articles, mean over replies with knowledge"
DISTINCT = "distinct n-grams of a reply over all of its own, mean over replies that have any"
_DISTINCT = (1, 2)
_ARTICLES = frozenset(("a", "an", "the"))


class ReplyFigures(GenerationFigures):
    """Reply F1 needs a reference, knowledge F1 (Shuster et al. 2021) does not."""

    primary: ClassVar[str] = "reply_f1"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (("reply_f1",), ("knowledge_f1",), ("distinct_1", "distinct_2"))
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (REFERENCE, GROUNDED, WITH_KNOWLEDGE, DISTINCT, OUTPUTS)

    def overlap(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        replies = [normalised_words(one.text) for one in predictions]
        known = [" ".join(one.text(part) for part in one.parts if part.name == KNOWLEDGE) for one in examples]
        against = [
            max((unigram_f1(reply, normalised_words(target)) for target in example.targets), default=0.0)
            for example, reply in zip(examples, replies, strict=True)
        ]
        grounded = [unigram_f1(reply, normalised_words(text)) for text, reply in zip(known, replies, strict=True)]
        has_target, has_knowledge = [bool(one.targets) for one in examples], list(map(bool, known))
        # Without knowledge there is nothing to compare with.
        counted = [any(has_knowledge)] * len(examples)
        return [
            _mean("reply_f1", {}, REFERENCE, against, has_target, sheet),
            _mean("knowledge_f1", {}, GROUNDED, grounded, counted, sheet),
            _mean("knowledge_f1", {"replies": "with knowledge"}, WITH_KNOWLEDGE, grounded, has_knowledge, sheet),
            *_distinct_figures(predictions, sheet),
        ]

    def report(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> Report:
        """The figures of the model and of the reference replies; null: undefined."""
        answered = [example for example in examples if example.targets]
        people = [WrittenText(one.id, one.targets[0], ()) for one in answered]
        return {
            "replies": {
                "model": self._values(examples, predictions),
                "people": {**self._values(answered, people), "reply_f1": None},  # these are the references
            }
        }

    def _values(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, float | None]:
        """The overall figures, None if one is undefined, and distinct-n of all replies together."""
        sheet = Sheet(len(examples))
        values = values_of(self.overlap(examples, predictions, sheet), sheet)
        rounded = {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}
        return rounded | {f"all_distinct_{order}": _distinct_share(predictions, order) for order in _DISTINCT}

    def text(self, report: Report) -> str:
        names = list(report["replies"]["model"])
        lines = [f"{'':6}  " + "  ".join(f"{name:>14}" for name in names)]
        for system, values in report["replies"].items():
            shown = ["-" if values[name] is None else f"{values[name]:.4f}" for name in names]
            lines.append(f"{system:6}  " + "  ".join(f"{value:>14}" for value in shown))
        return "\n".join(lines)


def unigram_f1(words: Sequence[str], others: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of the words, counted with repetitions; 0 without words."""
    common = (Counter(words) & Counter(others)).total()
    return 2 * common / (len(words) + len(others)) if common else 0.0


def normalised_words(text: str) -> list[str]:
    """The words of a text for comparison: without case, punctuation and articles."""
    return [word for word in folded_words(text) if word not in _ARTICLES]


def _distinct_figures(predictions: Sequence[WrittenText], sheet: Sheet) -> list[Figure]:
    """Distinct-1 and -2 within a reply (intra-dist, Gu et al. 2019), which have intervals.

    The figures over all replies together (Li et al. 2016) are in the report, without intervals: they are not sums over
    replies, and a resample, which repeats replies, has fewer distinct n-grams than as many different replies.
    """
    figures = []
    for order in _DISTINCT:
        grams = [list(ngrams(folded_words(one.text), order)) for one in predictions]
        shares = [len(set(of_reply)) / len(of_reply) if of_reply else 0.0 for of_reply in grams]
        figures.append(_mean(f"distinct_{order}", {}, DISTINCT, shares, list(map(bool, grams)), sheet))
    return figures


def _distinct_share(predictions: Sequence[WrittenText], order: int) -> float | None:
    """Distinct n-grams of all replies over all of them (Li et al. 2016); None if there are none."""
    grams = [gram for one in predictions for gram in ngrams(folded_words(one.text), order)]
    return round(len(set(grams)) / len(grams), 4) if grams else None


def _mean(
    name: str, by: dict[str, str], protocol: str, values: Sequence[float], is_counted: Sequence[bool], sheet: Sheet
) -> Figure:
    """The mean of the values over the counted replies; the values of others are 0."""
    above, below = (sheet.column(numpy.array(column, dtype=float)) for column in (values, is_counted))
    return Figure(name, by, protocol, sum(is_counted), Ratio((above,), (below,)))
