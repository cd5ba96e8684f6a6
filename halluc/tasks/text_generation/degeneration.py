"""Texts that a model writes whatever its source says: repetition within one, and one for many sources.

Words are without case, accents and punctuation. docs/faithfulness.md says on which annotated translations the constants
were fitted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import regex

from halluc.tasks.text_generation.words import folded_words

# Raunak et al. 2021: a bigram that often, and by more than so much oftener than in the source.
_RAUNAK_COUNT, _RAUNAK_EXCESS = 10, 5
# A share of repeated bigrams so much higher than that of the source, in a text of so many words.
REPETITION_EXCESS, _FEWEST_WORDS = 0.2, 6
# The same few characters five times or more in a row, inside a word too.
_RUN = regex.compile(r"(\S.{0,9}?)\1{4,}+", regex.DOTALL)
_LONGEST_USUAL_RUN = 15

# Sources of the same output that are on average so dissimilar, from 0 to 1, have nothing to do with it.
LEAST_DISSIMILAR = 0.6
# Two sources may well have the same short translation, as `Thank you`: outputs of fewer words need three sources.
SHORT_WORDS = 6
# Source and other sources are compared by runs of so many characters, a source with so many others at most.
_CHARACTERS, _MOST_OTHERS = 3, 20


def top_ngram(words: Sequence[str], size: int) -> int:
    """How often the most frequent n-gram occurs (Guerreiro et al. 2023 take 4 words); 0 if there is none."""
    counts = Counter(zip(*(words[offset:] for offset in range(size)), strict=False))
    return max(counts.values(), default=0)


def repetition(words: Sequence[str]) -> float:
    """The share of bigrams that occurred before (Welleck et al. 2020, seq-rep-2)."""
    bigrams = max(0, len(words) - 1)
    return 1 - len(set(pairwise(words))) / bigrams if bigrams else 0.0


def is_oscillatory(output: str, sources: Sequence[str]) -> bool:
    """Whether an output repeats itself as none of its sources does.

    It does where a bigram is repeated as Raunak et al. 2021 define it, where the share of repeated bigrams exceeds by
    ``REPETITION_EXCESS`` that of a beginning of the source of like length, or where it repeats a few characters.
    """
    written = folded_words(output)
    read = [folded_words(source) for source in sources]
    count, in_source = top_ngram(written, 2), max((top_ngram(words, 2) for words in read), default=0)
    if count >= _RAUNAK_COUNT and count - in_source > _RAUNAK_EXCESS:
        return True
    usual = max((repetition(words[: len(written)]) for words in read), default=0.0)
    if len(written) >= _FEWEST_WORDS and repetition(written) - usual > REPETITION_EXCESS:
        return True
    return _has_run(output) and not any(map(_has_run, sources))


def _has_run(text: str) -> bool:
    return any(
        match.end() - match.start() >= _LONGEST_USUAL_RUN and any(map(str.isalnum, match[1]))
        for match in _RUN.finditer(text)
    )


def repeated(outputs: Sequence[str], sources: Sequence[str]) -> list[bool]:
    """Whether each output is that of other sources too, which differ from its own: it is detached from them.

    An answer to sources that say the same, as a greeting, is not; nor is an empty output. An output of fewer than
    ``SHORT_WORDS`` words has to be that of at least three sources of which each differs from its own by
    ``LEAST_DISSIMILAR``.
    """
    results = []
    for output, apart in zip(outputs, _dissimilarities(outputs, sources), strict=True):
        fewest = 2 if len(folded_words(output)) < SHORT_WORDS else 1
        unlike = sum(one >= LEAST_DISSIMILAR for one in apart)
        results.append(unlike >= fewest and _mean(apart) >= LEAST_DISSIMILAR)
    return results


def detachment(outputs: Sequence[str], sources: Sequence[str]) -> list[float]:
    """How far each output looks detached, from -1 to 1.

    That is the mean dissimilarity of the other sources with the same output, less the similarity of output and source,
    which names and cognates have across languages too.
    """
    pairs = zip(outputs, sources, strict=True)
    similar = [_overlap(_grams(folded_words(output)), _grams(folded_words(source))) for output, source in pairs]
    return [_mean(apart) - other for apart, other in zip(_dissimilarities(outputs, sources), similar, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _dissimilarities(outputs: Sequence[str], sources: Sequence[str]) -> list[list[float]]:
    """The dissimilarity of each source to others with the same output; none if no other has it."""
    written = [" ".join(folded_words(output)) for output in outputs]
    of: dict[str, list[int]] = defaultdict(list)
    for place, output in enumerate(written):
        if output:
            of[output].append(place)
    result: list[list[float]] = [[] for _ in written]
    for places in of.values():
        if len(places) == 1:
            continue
        grams = {" ".join(words): _grams(words) for words in (folded_words(sources[place]) for place in places)}
        # Enough of the distinct sources, spread over all.
        others = list(grams)[:: max(1, len(grams) // _MOST_OTHERS)][:_MOST_OTHERS]
        for place in places:
            own = " ".join(folded_words(sources[place]))
            result[place] = [1 - _dice(grams[own], grams[other]) for other in others if other != own]
    return result


def _grams(words: Sequence[str]) -> frozenset[str]:
    text = f" {' '.join(words)} "
    return frozenset(text[place : place + _CHARACTERS] for place in range(len(text) - _CHARACTERS + 1))


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / max(1, len(one) + len(other))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, min(len(one), len(other)))
