"""Numbers with their nouns: `1 text`, `1,350 texts`."""

from __future__ import annotations

import re

_PLURAL = re.compile(r"s\b")


def quantity(count: int, things: str) -> str:
    """A count with its noun, the first word that ends in s: `1 text out of scope`, `1,350 texts out of scope`."""
    return f"{count:,} {things if count != 1 else _PLURAL.sub('', things, count=1)}"


_OF_ONE = {"are": "is", "were": "was"}


def quantity_with_verb(count: int, what: str, verb: str) -> str:
    """A count with noun and verb: `1 sentence repeats`, `1,350 sentences repeat`; ``what`` may be several words, such
    as `tags or spans`."""
    if count != 1:
        return f"{count:,} {what} {verb}"
    one = " ".join(word.removesuffix("s") for word in what.split(" "))
    return f"1 {one} {_OF_ONE.get(verb, verb + 's')}"
