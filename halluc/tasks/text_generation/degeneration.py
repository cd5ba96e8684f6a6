"""Degenerate outputs: repetition within an output, and the same output for different sources.

Words are compared without case, accents and punctuation. docs/faithfulness.md names the annotated translations on which
the constants were fitted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import regex

from halluc.tasks.text_generation.languages import folded_words, ngrams

# Raunak et al. 2021: the minimum frequency of a bigram, and the excess over that in the source.
_RAUNAK_COUNT, _RAUNAK_EXCESS = 10, 5
# The excess of the share of repeated bigrams over that in the source, and the minimum number of words.
REPETITION_EXCESS, _FEWEST_WORDS = 0.2, 6
# The same few characters at least five times in sequence, also within a word.
_RUN = regex.compile(r"(\S.{0,9}?)\1{4,}+", regex.DOTALL)
_LONGEST_USUAL_RUN = 15

# The minimum mean dissimilarity, from 0 to 1, of unrelated sources with the same output.
LEAST_DISSIMILAR = 0.6
# Outputs with fewer words, such as `Thank you`, must have three sources, because two may have the same translation.
SHORT_WORDS = 6
# Each source is compared, by character n-grams of this length, with at most this many others.
_CHARACTERS, _MOST_OTHERS = 3, 20


def top_ngram(words: Sequence[str], size: int) -> int:
    """The frequency of the most frequent n-gram (Guerreiro et al. 2023 use 4 words); 0 if there is none."""
    return max(Counter(ngrams(words, size)).values(), default=0)


def repetition(words: Sequence[str]) -> float:
    """The share of bigrams that occurred before (Welleck et al. 2020, seq-rep-2)."""
    bigrams = max(0, len(words) - 1)
    return 1 - len(set(pairwise(words))) / bigrams if bigrams else 0.0


def is_oscillatory(output: str, sources: Sequence[str]) -> bool:
    """Whether an output repeats itself in a way that its source does not.

    Either a bigram is repeated as defined by Raunak et al. 2021, or the share of repeated bigrams exceeds that of an
    equally long beginning of the source by ``REPETITION_EXCESS``, or a few characters are repeated in sequence.
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


def repeated_outputs(outputs: Sequence[str], sources: Sequence[str]) -> list[bool]:
    """Whether each output is also that of other, different sources, and so is detached from its source.

    The same answer to similar sources, such as a greeting, is not detached; nor is an empty output. An output of fewer
    than ``SHORT_WORDS`` words must have two other sources with a dissimilarity of at least ``LEAST_DISSIMILAR``.
    """
    results = []
    for output, values in zip(outputs, _dissimilarities(outputs, sources), strict=True):
        fewest = 2 if len(folded_words(output)) < SHORT_WORDS else 1
        different = sum(one >= LEAST_DISSIMILAR for one in values)
        results.append(different >= fewest and _mean(values) >= LEAST_DISSIMILAR)
    return results


def detachment(outputs: Sequence[str], sources: Sequence[str]) -> list[float]:
    """A score of detachment of each output, from -1 to 1.

    This is the mean dissimilarity to the other sources with the same output, minus the similarity of output and source.
    Even in different languages these share names and cognates.
    """
    pairs = zip(outputs, sources, strict=True)
    similar = [_overlap(_grams(folded_words(output)), _grams(folded_words(source))) for output, source in pairs]
    return [_mean(values) - other for values, other in zip(_dissimilarities(outputs, sources), similar, strict=True)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _dissimilarities(outputs: Sequence[str], sources: Sequence[str]) -> list[list[float]]:
    """The dissimilarity of each source to others with the same output; empty if there are none."""
    written = [" ".join(folded_words(output)) for output in outputs]
    by_output: dict[str, list[int]] = defaultdict(list)
    for place, output in enumerate(written):
        if output:
            by_output[output].append(place)
    result: list[list[float]] = [[] for _ in written]
    for places in by_output.values():
        if len(places) == 1:
            continue
        grams = {" ".join(words): _grams(words) for words in (folded_words(sources[place]) for place in places)}
        # A limited number of distinct sources, evenly spaced.
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
