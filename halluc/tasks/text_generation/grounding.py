"""How well sources support a sentence: scorers without model weights, from 0 to 1 (DEFINITIONS, section 5).

Each scorer compares the words of the sentence with those of all sources together, ignoring case and accents. Thresholds
were fitted on human labels; docs/faithfulness.md describes these, and the quality of each scorer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal, Protocol

from rapidfuzz.distance import LCSseq

from halluc.tasks.text_generation.languages import FUNCTION_WORDS, folded_words, language_of
from halluc.tasks.text_generation.names import InputWords
from halluc.tasks.text_generation.statements import EvidenceTexts, input_words, statements, words_in

CHARACTERS = 4
ScorerName = Literal["combined", "content_words", "ngrams", "lcs", "characters", "entailment"]


class SentenceScorer(Protocol):
    """``scores`` returns one number from 0 to 1 per sentence: how well all sources together support it.

    ``language`` is that of the sentences, empty if unknown.
    """

    def scores(self, sentences: Sequence[str], sources: Sequence[str], language: str = "") -> list[float]: ...


Words = Sequence[str]


def content_words(sentence: Words, source: Words) -> float:
    """The share of the content words, or of all words if there are none, that occur in the source."""
    return _word_overlap([word for word in sentence if word not in FUNCTION_WORDS] or sentence, source)


def _word_overlap(words: Words, source: Words) -> float:
    vocabulary = _vocabulary(tuple(source))
    return _share(word in vocabulary for word in words)


def ngrams(sentence: Words, source: Words) -> float:
    """The mean share of the bigrams and trigrams that occur in the source; for a one-word sentence, of its word."""
    sizes = [size for size in (2, 3) if len(sentence) >= size] or [1]
    return sum(_precision(sentence, source, size) for size in sizes) / len(sizes)


def lcs(sentence: Words, source: Words) -> float:
    """The longest common subsequence of words, divided by the length of the sentence."""
    return float(LCSseq.similarity(sentence, source)) / len(sentence)


def characters(sentence: Words, source: Words) -> float:
    """The share of character 4-grams that occur in the source, with one blank between words."""
    written, read = " ".join(sentence), " ".join(source)
    return _precision(written, read, min(CHARACTERS, len(written)))


def _precision(sentence: Sequence[str], source: Sequence[str], size: int) -> float:
    known = _grams(tuple(source) if not isinstance(source, str) else source, size)
    return _share(gram in known for gram in _runs(sentence, size))


def _runs(items: Sequence[str], size: int) -> Iterator[object]:
    if isinstance(items, str):
        return (items[place : place + size] for place in range(len(items) - size + 1))
    return zip(*(items[offset:] for offset in range(size)), strict=False)


@lru_cache(maxsize=16)
def _grams(items: tuple[str, ...] | str, size: int) -> frozenset[object]:
    return frozenset(_runs(items, size))


@lru_cache(maxsize=16)
def _vocabulary(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(words)


def _share(hits: Iterator[bool]) -> float:
    values = list(hits)
    return sum(values) / len(values) if values else 0.0


def similarity(sentence: Words, source: Words) -> float:
    """The mean share of words, content words, longest common subsequence and characters."""
    scores = (_word_overlap(sentence, source), *(score(sentence, source) for score in (content_words, lcs, characters)))
    return sum(scores) / len(scores)


SCORERS: Mapping[str, Callable[[Words, Words], float]] = {
    "combined": similarity,
    "content_words": content_words,
    "ngrams": ngrams,
    "lcs": lcs,
    "characters": characters,
}
# A sentence with a lower score is not grounded. These thresholds have the highest mean balanced accuracy on half of
# BEGIN dev (benchmarks/faithfulness.py --fit); that of an entailment model is a probability of one half.
THRESHOLDS: Mapping[ScorerName, float] = {
    "combined": 0.65,
    "content_words": 0.75,
    "ngrams": 0.25,
    "lcs": 0.65,
    "characters": 0.65,
    "entailment": 0.5,
}
# The same for comparisons with references only, which use other words. These thresholds have the highest F1 for full
# detachment on half of the annotated translations.
REFERENCE_THRESHOLDS: Mapping[ScorerName, float] = {
    "combined": 0.1,
    "content_words": 0.02,
    "ngrams": 0.02,
    "lcs": 0.16,
    "characters": 0.14,
    "entailment": 0.5,
}


class WordScorer:
    """A scorer of ``SCORERS``.

    ``combined`` is the similarity multiplied by the share of the names, numbers and dates of the sentence that the
    sources contain, because a wrong name changes few words. Without ``with_statements`` it is the similarity alone,
    for references, which may have other names for the same things.
    """

    def __init__(self, name: str, *, with_statements: bool = True) -> None:
        self._score = SCORERS[name]
        self._with_statements = with_statements and name == "combined"

    def scores(self, sentences: Sequence[str], sources: Sequence[str], language: str = "") -> list[float]:
        source = tuple(word for text in sources for word in folded_words(text))
        evidence = EvidenceTexts(sources) if self._with_statements else None
        known = input_words(language_of(" ".join(sentences), language), sources) if evidence else InputWords()
        results = []
        for sentence in sentences:
            words = folded_words(sentence)
            score = self._score(words, source) if words and source else 0.0
            if evidence and score:
                score *= fact_precision(sentence, evidence, language, words_in(sentence, known))
            results.append(score)
        return results


def fact_precision(text: str, evidence: EvidenceTexts, language: str = "", known: InputWords | None = None) -> float:
    """The share of a text's names, numbers and dates that occur in the evidence (Nan et al. 2021); 1 if it has none.

    ``known``: see ``input_words``.
    """
    language = language_of(text, language)
    facts = [one for one in statements(text, language, known) if one.kind in ("name", "number", "date")]
    return sum(evidence.states(one.kind, one.text, language) for one in facts) / len(facts) if facts else 1.0


def make_scorer(name: ScorerName, model: str | None = None, *, with_statements: bool = True) -> SentenceScorer:
    """The scorer of that name; ``model`` is the reference of an entailment model."""
    if name != "entailment":
        return WordScorer(name, with_statements=with_statements)
    from halluc.tasks.text_generation.entailment import EntailmentScorer

    assert model is not None, "GroundingConfig requires it"
    return EntailmentScorer(model)
