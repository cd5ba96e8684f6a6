"""Texts that a model writes whatever its source says: repetition within one, and one for many sources.

Raunak et al. 2021 and Guerreiro et al. 2023 (DEFINITIONS, section 5). Tokens are the words without case.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from halluc.tasks.text_generation.statements import folded_words

# Raunak et al. 2021: a bigram that often, and by more than so much oftener than in the source.
_RAUNAK_COUNT, _RAUNAK_EXCESS = 10, 5
# So many distinct sources with the same output are detached from it.
SOURCES_OF_DETACHED = 2


def top_ngram(words: Sequence[str], size: int) -> tuple[tuple[str, ...], int]:
    """The n-gram that occurs most often, and how often; the empty one, 0 times, where there is none."""
    counts = Counter(zip(*(words[offset:] for offset in range(size)), strict=False))
    return counts.most_common(1)[0] if counts else ((), 0)


def is_oscillatory(output: str, sources: Sequence[str]) -> bool:
    """Whether the output repeats an n-gram far oftener than its sources do."""
    written = folded_words(output)
    read = [folded_words(source) for source in sources]
    _, count = top_ngram(written, 2)
    most = max((top_ngram(words, 2)[1] for words in read), default=0)
    return count >= _RAUNAK_COUNT and count - most > _RAUNAK_EXCESS


def repeated(outputs: Sequence[str], sources: Sequence[str]) -> list[bool]:
    """Whether each output, without case and punctuation, is that of other sources too; an empty one is not judged."""
    written = [" ".join(folded_words(output)) for output in outputs]
    of: dict[str, set[str]] = defaultdict(set)
    for output, source in zip(written, sources, strict=True):
        of[output].add(" ".join(folded_words(source)))
    return [bool(output) and len(of[output]) >= SOURCES_OF_DETACHED for output in written]
