"""The figures of summarisation: ROUGE, for summaries and for extractive baselines, and novel n-grams."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy

from halluc.core.figures import Report
from halluc.core.significance import Figure, Ratio, Sheet
from halluc.tasks.summarisation import figure_rows
from halluc.tasks.text_generation.figures import OUTPUTS, GenerationFigures
from halluc.tasks.text_generation.languages import FUNCTION_WORDS, folded_words, language_of, ngrams
from halluc.tasks.text_generation.sentences import sentence_spans
from halluc.tasks.text_generation.source_text import Sourced, WrittenText

LEAD, CENTRAL = "lead-3", "central"
# The number of sentences of each baseline.
_LEADING, _CENTRAL = 3, 2
_SPEAKER = re.compile(r"\s*[^:\n]{1,40}:\s")


def units(text: str, language: str = "") -> list[str]:
    """The sentences of a text, or the turns if most lines begin with a speaker and a colon."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and 2 * sum(map(bool, map(_SPEAKER.match, lines))) > len(lines):
        return lines
    return [text[start:end] for start, end in sentence_spans(text, language_of(text, language))]


def lead(text: str, language: str = "") -> str:
    """The first three sentences, or turns of a dialogue."""
    return " ".join(units(text, language)[:_LEADING])


def central(text: str, language: str = "") -> str:
    """The two sentences that are most similar to the whole, in order.

    The cosine of the words of a sentence and of the document, each weighted by its count and its inverse sentence
    frequency (Radev et al. 2004).
    """
    sentences = units(text, language)
    bags = [Counter(word for word in folded_words(one) if word not in FUNCTION_WORDS) for one in sentences]
    sentences_with = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) for word, count in sentences_with.items()}
    vectors = [{word: count * weight[word] for word, count in bag.items()} for bag in bags]
    whole: Counter[str] = Counter()
    for vector in vectors:
        whole.update(vector)
    best = sorted(range(len(vectors)), key=lambda place: -_cosine(vectors[place], whole))[:_CENTRAL]
    return " ".join(sentences[place] for place in sorted(best))


def _cosine(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    product = sum(value * other[word] for word, value in one.items())
    return product / (math.hypot(*one.values()) * math.hypot(*other.values())) if product else 0.0


EXTRACTS: Mapping[str, Callable[[str, str], str]] = {LEAD: lead, CENTRAL: central}
ROUGE = figure_rows.ROUGE
NOVEL = "n-grams of words without case"
_ORDERS = (2, 1, 3, 4)
_SYSTEM = "system"


def rouge_protocol(name: str) -> str:
    """The figure, the package, and how several references are combined."""
    title = figure_rows.TITLES[name]
    return f"{title}, F1 (rouge-score; English words stemmed), best reference, mean over summaries"


class SummaryFigures(GenerationFigures):
    """ROUGE with the best matching reference, also of the baselines in ``EXTRACTS``; documents without a summary do not
    count."""

    primary: ClassVar[str] = "rouge2"
    families: ClassVar[tuple[tuple[str, ...], ...]] = (ROUGE,)
    names: ClassVar[tuple[str, ...]] = tuple(row.name for row in figure_rows.ROWS)
    protocols: ClassVar[tuple[str, ...]] = (*map(rouge_protocol, ROUGE), OUTPUTS, NOVEL)

    def overlap(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        return _figures(examples, [one.text for one in predictions], {}, sheet)

    def figures(
        self, examples: Sequence[Sourced], predictions: Sequence[WrittenText], sheet: Sheet
    ) -> list[Figure]:  # fmt: skip
        texts = [one.text for one in predictions]
        figures = _figures(examples, texts, {}, sheet)
        for system in EXTRACTS:
            figures += _figures(examples, _extract_summaries(examples, system), {_SYSTEM: system}, sheet)
        for order in _ORDERS:
            new, every = _novel(examples, texts, order)
            by = {} if order == _ORDERS[0] else {"n": str(order)}
            share = Ratio((sheet.column(new),), (sheet.column(every),))
            figures.append(Figure("novel_ngrams", by, NOVEL, int(every.sum()), share))
        return figures + self.output_figures(examples, predictions, sheet)

    def report(self, examples: Sequence[Sourced], predictions: Sequence[WrittenText]) -> Report:
        """Precision, recall and F1 of each ROUGE, one row per system."""
        systems = {"model": [one.text for one in predictions]}
        systems |= {system: _extract_summaries(examples, system) for system in EXTRACTS}
        tables: Report = {name: {} for name in ROUGE}
        for system, texts in systems.items():
            scores, has = _scores(examples, texts)
            for place, name in enumerate(ROUGE):
                means = scores[has, place].mean(0).round(6).tolist() if has.any() else [0.0] * 3
                columns = zip(("precision", "recall", "f1-score"), means, strict=True)
                tables[name][system] = {**dict(columns), "support": int(has.sum())}
        return tables

    def text(self, report: Report) -> str:
        """The F1 of each ROUGE by system, as one table."""
        systems = list(report[ROUGE[0]])
        wide = max(map(len, systems))
        lines = [f"{'':{wide}}  " + "  ".join(f"{figure_rows.TITLES[name]:>7}" for name in ROUGE)]
        for system in systems:
            values = "  ".join(f"{report[name][system]['f1-score']:7.4f}" for name in ROUGE)
            lines.append(f"{system:{wide}}  {values}")
        return "\n".join(lines)


def _extract_summaries(examples: Sequence[Sourced], system: str) -> list[str]:
    return [EXTRACTS[system](one.full_text, one.language) if one.targets else "" for one in examples]


def _figures(examples: Sequence[Sourced], texts: Sequence[str], by: dict[str, str], sheet: Sheet) -> list[Figure]:
    scores, has = _scores(examples, texts)
    n, counted = int(has.sum()), sheet.column(has.astype(float))
    shares = [Ratio((sheet.column(scores[:, place, 2]),), (counted,)) for place in range(len(ROUGE))]
    return [Figure(name, by, rouge_protocol(name), n, share) for name, share in zip(ROUGE, shares, strict=True)]


def _is_english(examples: Sequence[Sourced]) -> bool:
    """Whether the first summary is English: words are then stemmed, and tokenized by rouge-score.

    The tokenizer of rouge-score drops all letters except a to z.
    """
    first = next((one for one in examples if one.targets), None)
    return first is None or language_of(first.targets[0], first.language) == "en"


class _FoldedWords:
    """A tokenizer for rouge-score."""

    def tokenize(self, text: str) -> list[str]:
        return list(folded_words(text))


def _scores(examples: Sequence[Sourced], texts: Sequence[str]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Precision, recall and F1 of each ROUGE, (examples, ROUGE, 3), and which examples have a reference."""
    from rouge_score.rouge_scorer import RougeScorer

    is_english = _is_english(examples)
    scorer: Any = RougeScorer(list(ROUGE), use_stemmer=True, tokenizer=None if is_english else _FoldedWords())
    result = numpy.zeros((len(examples), len(ROUGE), 3))
    for row, (example, text) in enumerate(zip(examples, texts, strict=True)):
        if example.targets:
            best = scorer.score_multi(list(example.targets), text)
            result[row] = [best[name] for name in ROUGE]
    return result, numpy.array([bool(one.targets) for one in examples])


def _novel(examples: Sequence[Sourced], texts: Sequence[str], order: int) -> numpy.ndarray:
    """The number of n-grams of each summary that its document lacks, and of all its n-grams, (2, examples)."""
    values = numpy.zeros((2, len(examples)))
    for place, (example, text) in enumerate(zip(examples, texts, strict=True)):
        known, written = set(ngrams(folded_words(example.full_text), order)), list(ngrams(folded_words(text), order))
        values[:, place] = sum(one not in known for one in written), len(written)
    return values
