"""Mentions of given names in the texts of a training split, ignoring case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from halluc.core.examples import Example

Words = tuple[str, ...]
Cut = Callable[[str], Sequence[str]]


def mentions(names: Iterable[str], examples: Iterable[Example], cut: Cut) -> Mapping[str, frozenset[int]]:
    """For each name, the numbers of the examples whose text contains its words in sequence.

    Case is ignored, and so are words without a letter or digit: `st louis` is a mention of `St. Louis`. A name without
    such words has no mentions.

    Args:
        cut: splits a text into words; it is applied to names and to tokens of the examples.
    """
    named: dict[Words, list[str]] = {}
    for name in dict.fromkeys(names):
        named.setdefault(_words([name], cut), []).append(name)
    nowhere = named.pop((), [])
    lengths: dict[str, set[int]] = {}
    for words in named:
        lengths.setdefault(words[0], set()).add(len(words))
    where: dict[Words, set[int]] = {words: set() for words in named}
    for number, example in enumerate(examples):
        tokens = example.tokens
        # If every token is a character, blanks are tokens too, and words exist only in the joined text.
        text = _words(["".join(tokens)] if all(len(token) == 1 for token in tokens) else tokens, cut)
        for start, word in enumerate(text):
            for length in lengths.get(word, ()):
                examples_of_words = where.get(text[start : start + length])
                if examples_of_words is not None:
                    examples_of_words.add(number)
    by_name = {name: frozenset(where[words]) for words, same in named.items() for name in same}
    return {**by_name, **dict.fromkeys(nowhere, frozenset())}


def _words(texts: Iterable[str], cut: Cut) -> Words:
    return tuple(word for text in texts for word in cut(text.casefold()) if any(map(str.isalnum, word)))
