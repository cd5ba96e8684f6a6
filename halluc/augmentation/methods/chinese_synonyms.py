"""Synonyms of Chinese words; tokens may be characters or words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from halluc.augmentation.language import chinese
from halluc.augmentation.methods.base import RateConfig
from halluc.core.edits import Edit, Editable, Replace, is_free
from halluc.core.rng import Draws


class ChineseSynonyms:
    """Replaces words of the Cilin thesaurus; a text is cut into words by the longest match from the left."""

    def __init__(self, config: RateConfig, min_length: int, mentions: bool) -> None:
        self._config, self._mentions = config, mentions
        self._synonyms = chinese.cilin()
        self._longest = max(map(len, self._synonyms))
        # The default of `min_length` is for English words. Chinese words of one character are mostly ambiguous.
        self._shortest = min(min_length, 2)

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        words = [one for part in self._parts(example) for one in self._words(example.tokens, *part)]
        words = [(start, end, word) for start, end, word in words if is_free(example, start, end)]
        edits = []
        for number in self._config.choose(len(words), draws):
            start, end, word = words[number]
            new = draws.choice(self._synonyms[word])
            by_character = all(len(token) == 1 for token in example.tokens[start:end])
            edits.append(Replace(start, end, tuple(new) if by_character else (new,), "synonym"))
        return edits

    def _parts(self, example: Editable) -> Iterator[tuple[int, int]]:
        """The token ranges outside of mentions, and with ``mentions`` also each mention."""
        done = 0
        for start, end, _ in example.spans:
            yield done, start
            if self._mentions:
                yield start, end
            done = end
        yield done, len(example.tokens)

    def _words(self, tokens: Sequence[str], first: int, last: int) -> Iterator[tuple[int, int, str]]:
        """The words with synonyms among the tokens from ``first`` to ``last``, with their positions."""
        start = first
        while start < last:
            end = self._match(tokens, start, last)
            word = "".join(tokens[start:end])
            if len(word) >= self._shortest and word in self._synonyms:
                yield start, end, word
            start = end

    def _match(self, tokens: Sequence[str], start: int, last: int) -> int:
        """The end of the longest word that begins at ``start``; a single token if there is none."""
        best, word = start + 1, ""
        for end in range(start, last):
            word += tokens[end]
            if len(word) > self._longest:
                break
            if len(word) >= self._shortest and word in self._synonyms:
                best = end + 1
        return best
