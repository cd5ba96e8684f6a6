"""Slips of punctuation: a mark dropped, doubled or mistaken for another."""

from __future__ import annotations

from halluc.augmentation.methods.noise_tables import PUNCTUATION
from halluc.core.edits import Editable, Replace, is_free
from halluc.core.rng import Draws


def slip(example: Editable, at: int, draws: Draws) -> Replace:
    """One slip of the mark at a position, which touches no locked range."""
    token = example.tokens[at]
    taken_for = PUNCTUATION.get(token, ())
    chosen = draws.below(len(taken_for) + 2)
    if chosen < len(taken_for):
        return Replace(at, at + 1, (taken_for[chosen],), "punctuation mistaken")
    if chosen > len(taken_for) and _may_drop(example, at):
        return Replace(at, at + 1, (), "punctuation dropped")
    return Replace(at, at + 1, (token + token,), "punctuation doubled")


def _may_drop(example: Editable, at: int) -> bool:
    """Whether a word stands beside the mark, in the same span and field, which then keeps a token whatever else goes.

    Words are never dropped, so that it needs no look at the other slips.
    """
    tokens = example.tokens
    first, last = 0, len(tokens)
    for start, end, _ in example.spans:
        if start <= at < end:
            first, last = start, end
    for beside in (at - 1, at + 1):
        if first <= beside < last and (tokens[beside].isalnum() or any(map(str.isalnum, tokens[beside]))):
            start = min(at, beside)
            if not example.locked or is_free(example, start, start + 2):
                return True
    return False
