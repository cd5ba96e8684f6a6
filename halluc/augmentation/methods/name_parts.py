"""New names from the parts of known ones: a given name and a surname, a stem and an ending."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate
from typing import NamedTuple

from halluc.augmentation.methods.base import Tokens
from halluc.core.rng import Draws

# The number of attempts to compose a new name: with few parts, most composed names are known.
TRIES = 8
# The lengths of endings in letters, the minimum length of a stem, and the minimum number of names with an ending.
_ENDINGS = (5, 4, 3)
_SHORTEST_STEM = 2
_LEAST_SHARED = 3


class _Parts(NamedTuple):
    """Parts that may be joined: in each of ``pools`` (heads, tails), any head with any tail.

    ``cumulative`` are the cumulative numbers of pairs of the pools.
    """

    pools: tuple[tuple[tuple[Tokens, ...], tuple[str, ...]], ...]
    cumulative: tuple[int, ...]
    is_one_token: bool


class NameParts:
    """Composes new names from the parts of the names in the training split.

    Names in capitals are used only if a label has no others, so that parts of headlines do not mix with parts of
    running text.
    """

    def __init__(self, mentions: Mapping[str, Mapping[Tokens, int]]) -> None:
        self._known = {_fold_name(mention) for of_label in mentions.values() for mention in of_label}
        self._parts: dict[tuple[str, int], _Parts] = {}
        for label, of_label in mentions.items():
            for size, names in _names_by_size(of_label).items():
                parts = _endings(name for (name,) in names) if size == 1 else _tails(names)
                if parts is not None:
                    self._parts[label, size] = parts

    def invent(self, label: str, size: int, draws: Draws) -> Tokens | None:
        """A new name of ``size`` tokens, or None if none was found in a few tries."""
        parts = self._parts.get((label, size))
        if parts is None:
            return None
        for _ in range(TRIES):
            heads, tails = parts.pools[draws.weighted(parts.cumulative)]
            head, tail = draws.choice(heads), draws.choice(tails)
            name = (head[0] + tail,) if parts.is_one_token else (*head, tail)
            if _fold_name(name) not in self._known:
                return name
        return None


def _fold_name(name: Tokens) -> str:
    return "\x1f".join(name).lower()


def _names_by_size(mentions: Iterable[Tokens]) -> dict[int, list[Tokens]]:
    names: dict[int, list[Tokens]] = {}
    shouted: dict[int, list[Tokens]] = {}
    for mention in mentions:
        group = shouted if "".join(mention).isupper() else names
        group.setdefault(len(mention), []).append(mention)
    return shouted | names


def _joinable(pools: Iterable[tuple[Collection[Tokens], Collection[str]]], is_one_token: bool) -> _Parts | None:
    filled = [(tuple(heads), tuple(tails)) for heads, tails in pools if heads and tails]
    if not filled:
        return None
    pairs = tuple(accumulate(len(heads) * len(tails) for heads, tails in filled))
    return _Parts(tuple(filled), pairs, is_one_token)


def _tails(names: Iterable[Tokens]) -> _Parts | None:
    """Names divided before the last token; the head, or the last token, must occur in at least two of them."""
    tails_of: dict[Tokens, dict[str, None]] = {}
    heads_of: dict[str, dict[Tokens, None]] = {}
    for *first, tail in names:
        head = tuple(first)
        tails_of.setdefault(head, {})[tail] = None
        heads_of.setdefault(tail, {})[head] = None
    free_heads = [head for head, tails in tails_of.items() if len(tails) > 1]
    free_tails = [tail for tail, heads in heads_of.items() if len(heads) > 1]
    # The pools have no pair in common: it would be twice as probable.
    bound_heads = [head for head, tails in tails_of.items() if len(tails) == 1]
    return _joinable([(free_heads, heads_of), (bound_heads, free_tails)], is_one_token=False)


def _endings(names: Iterable[str]) -> _Parts | None:
    """Stems and shared endings of names that consist of letters."""
    words = [name for name in names if name.isalpha() or all(char.isalpha() or _is_mark(char) for char in name)]
    shared = Counter(ending for word in words for ending in _word_endings(word))
    stems: dict[Tokens, None] = {}
    endings: dict[str, None] = {}
    for word in words:
        longest = next((ending for ending in _word_endings(word) if shared[ending] >= _LEAST_SHARED), None)
        if longest is not None:
            stems[word.removesuffix(longest),] = None
            endings[longest] = None
    return _joinable([(stems, endings)], is_one_token=True)


def _word_endings(word: str) -> list[str]:
    """From the longest to the shortest; none begins with a combining mark of the letter before it."""
    sizes = [size for size in _ENDINGS if len(word) >= size + _SHORTEST_STEM]
    return [word[-size:] for size in sizes if not _is_mark(word[-size])]


def _is_mark(char: str) -> bool:
    return unicodedata.category(char)[0] == "M"
