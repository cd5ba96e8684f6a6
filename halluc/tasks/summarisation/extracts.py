"""Extractive baselines without a model: sentences of the document that a summary has to beat."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping

from halluc.tasks.text_generation.languages import FUNCTION_WORDS, language_of
from halluc.tasks.text_generation.sentences import sentence_spans
from halluc.tasks.text_generation.words import folded_words

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
    holding = Counter(word for bag in bags for word in bag)
    weight = {word: math.log(1 + len(bags) / count) for word, count in holding.items()}
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
