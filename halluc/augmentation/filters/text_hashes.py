"""Hashes of texts, by which those that were seen before are known.

Two different texts of a million share one with a chance of one in 37 million; the second is then taken for a duplicate,
which costs one new example.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from halluc.core.rng import hash64


def exact(tokens: Sequence[str]) -> int:
    """Hash of the tokens as they stand."""
    return hash64("\x1f".join(tokens))


def normalised(tokens: Sequence[str]) -> int:
    """Hash of the text whatever its case, its white space, its tokens' borders and its Unicode form (NFKC)."""
    text = "".join(tokens)
    text = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return hash64("".join(text.split()), b"norm")
