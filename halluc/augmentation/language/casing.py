"""The casing pattern of words: detected in one text, applied to another."""

from __future__ import annotations

from typing import Literal

Pattern = Literal["lower", "upper", "title", "mixed"]


def pattern(text: str) -> Pattern:
    """The casing of the letters of a text; a single capital is ``title``, never ``upper``.

    A text without cased letters, such as Chinese or a number, is ``mixed``.
    """
    if text.islower():
        return "lower"
    if text.isupper() and sum(map(str.isupper, text)) > 1:
        return "upper"
    if not any(char.isupper() or char.islower() or char.istitle() for char in text):
        return "mixed"
    return "title" if all(map(_is_title, text.split())) else "mixed"


def _is_title(word: str) -> bool:
    cased = [char for char in word if char.isupper() or char.islower()]
    return not cased or (cased[0].isupper() and not any(char.isupper() for char in cased[1:]))


def recase(wanted: Pattern, text: str) -> str:
    """The text in a casing pattern; unchanged for ``mixed``, and for ``title`` if it has capitals."""
    if wanted == "lower":
        return text.lower()
    if wanted == "upper":
        return text.upper()
    if wanted == "title" and not any(char.isupper() for char in text):
        return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))
    return text
