"""The figures of dialogue: unigram F1 with references and with knowledge, and the diversity of replies."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import numpy

from halluc.core.ranked import Report
from halluc.core.significance import Figure, Ratio, Sheet
from halluc.tasks.defaults import values_of
from halluc.tasks.dialogue import figure_rows
from halluc.tasks.dialogue.examples import KNOWLEDGE
from halluc.tasks.text_generation.examples import WrittenText
from halluc.tasks.text_generation.figures import OUTPUTS, GenerationFigures
from halluc.tasks.text_generation.languages import folded_words, ngrams
from halluc.tasks.text_generation.source_text import Sourced

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
        return _figures(examples, predictions, sheet)

    def figures(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        return [*_figures(examples, predictions, sheet), *self.of_outputs(examples, predictions, sheet)]

    def report(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> Report:
        """The figures of the model and of the reference replies; null: undefined."""
        answered = [example for example in examples if example.targets]
        people = [WrittenText(one.id, one.targets[0], ()) for one in answered]
        return {
            "replies": {
                "model": _values(examples, predictions),
                "people": {**_values(answered, people), "reply_f1": None},  # these are the references
            }
        }

    def text(self, report: Report) -> str:
        names = list(report["replies"]["model"])
        lines = [f"{'':6}  " + "  ".join(f"{name:>14}" for name in names)]
        for system, values in report["replies"].items():
            shown = ["-" if values[name] is None else f"{values[name]:.4f}" for name in names]
            lines.append(f"{system:6}  " + "  ".join(f"{value:>14}" for value in shown))
        return "\n".join(lines)


def _overall(examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, float | None]:
    """The overall figures; None if one is undefined."""
    sheet = Sheet(len(examples))
    values = values_of(_figures(examples, predictions, sheet), sheet)
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _values(examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> dict[str, float | None]:
    """The overall figures and distinct-n of all replies together, for the report."""
    overall = _overall(examples, predictions)
    rounded = {name: None if value is None else round(value, 4) for name, value in overall.items()}
    return rounded | {f"all_distinct_{order}": _distinct_of_all(predictions, order) for order in _DISTINCT}


def unigram_f1(words: Sequence[str], others: Sequence[str]) -> float:
    """The harmonic mean of precision and recall of the words, counted with repetitions; 0 without words."""
    common = (Counter(words) & Counter(others)).total()
    return 2 * common / (len(words) + len(others)) if common else 0.0


def compared_words(text: str) -> list[str]:
    """The words of a text for comparison: without case, punctuation and articles."""
    return [word for word in folded_words(text) if word not in _ARTICLES]


def _figures(examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet) -> list[Figure]:
    replies = [compared_words(one.text) for one in predictions]
    known = [" ".join(example.text(part) for part in example.parts if part.name == KNOWLEDGE) for example in examples]
    has_target, has_knowledge = (numpy.array([bool(one) for one in side]) for side in (
        [example.targets for example in examples], known
    ))  # fmt: skip
    against = numpy.array([
        max((unigram_f1(reply, compared_words(target)) for target in example.targets), default=0.0)
        for example, reply in zip(examples, replies, strict=True)
    ])  # fmt: skip
    grounded = numpy.array([
        unigram_f1(reply, compared_words(text)) for text, reply in zip(known, replies, strict=True)
    ])  # fmt: skip
    # Without knowledge there is nothing to compare with.
    counted = numpy.full(len(examples), has_knowledge.any(), dtype=float)
    columns = {name: sheet.column(values.astype(float)) for name, values in (
        ("against", against), ("target", has_target), ("grounded", grounded), ("known", has_knowledge),
        ("counted", counted),
    )}  # fmt: skip
    return [
        _ratio("reply_f1", {}, REFERENCE, int(has_target.sum()), columns["against"], columns["target"]),
        _ratio("knowledge_f1", {}, GROUNDED, int(counted.sum()), columns["grounded"], columns["counted"]),
        _ratio(
            "knowledge_f1", {"replies": "with knowledge"}, WITH_KNOWLEDGE, int(has_knowledge.sum()),
            columns["grounded"], columns["known"],
        ),
        *_distinct(predictions, sheet),
    ]  # fmt: skip


def _distinct(predictions: Sequence[WrittenText], sheet: Sheet) -> list[Figure]:
    """Distinct-1 and -2 within a reply (intra-dist, Gu et al. 2019), which have intervals.

    The figures over all replies together (Li et al. 2016) are in the report, without intervals: they are not sums over
    replies, and a resample, which repeats replies, has fewer distinct n-grams than as many different replies.
    """
    figures = []
    for order in _DISTINCT:
        grams = [list(ngrams(folded_words(one.text), order)) for one in predictions]
        shares = sheet.column(
            numpy.array([len(set(of_reply)) / len(of_reply) if of_reply else 0.0 for of_reply in grams])
        )
        has_grams = numpy.array(list(map(bool, grams)), dtype=float)
        figures.append(_ratio(f"distinct_{order}", {}, DISTINCT, int(has_grams.sum()), shares, sheet.column(has_grams)))
    return figures


def _distinct_of_all(predictions: Sequence[WrittenText], order: int) -> float | None:
    """Distinct n-grams of all replies over all of them (Li et al. 2016); None if there are none."""
    grams = [gram for one in predictions for gram in ngrams(folded_words(one.text), order)]
    return round(len(set(grams)) / len(grams), 4) if grams else None


def _ratio(name: str, by: dict[str, str], protocol: str, n: int, above: int, below: int) -> Figure:
    return Figure(name, by, protocol, n, Ratio((above,), (below,)))
