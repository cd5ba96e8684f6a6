"""Slips of characters and of punctuation marks.

A character slip changes a word at one position, or returns it unchanged. Its words have one code point per character:
``fold_token`` converts other words to this form, ``unfold_token`` back.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from halluc.augmentation.methods.noise_tables import KEYBOARD, OCR, OCR_PAIRS, PUNCTUATION
from halluc.core.edits import Editable, Replace, is_free
from halluc.core.rng import Draws

# (word, position, 20 random bits) -> the word with a slip, or unchanged
Slip = Callable[[str, int, int], str]

RANDOM_BITS = 20
_PAIR_STARTS = frozenset(pair[0] for pair in OCR_PAIRS)
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_JOINER = "\u200d"
# Start of the private use area: characters of several code points are mapped there.
_PRIVATE, _MOST_PRIVATE = 0xF0000, 0xFFFD


def keyboard(word: str, at: int, bits: int) -> str:
    """A key next to the intended one (QWERTY)."""
    near = KEYBOARD.get(word[at])
    if near is None:
        return word
    return word[:at] + near[(bits * len(near)) >> RANDOM_BITS] + word[at + 1 :]


def ocr(word: str, at: int, bits: int) -> str:
    """A scanner's misreading of a character, or of this one and the next."""
    char = word[at]
    if char in _PAIR_STARTS and (read := OCR_PAIRS.get(word[at : at + 2])):
        return word[:at] + read + word[at + 2 :]
    taken_for = OCR.get(char)
    if taken_for is None:
        return word
    return word[:at] + taken_for[(bits * len(taken_for)) >> RANDOM_BITS] + word[at + 1 :]


def insert(word: str, at: int, bits: int) -> str:
    """Insert a character of the same script after this one."""
    letters = alphabet(word[at])
    if not letters:
        return word
    letter = letters[(bits * len(letters)) >> RANDOM_BITS]
    if word[at + 1 : at + 2].islower():  # after the capital of a name
        letter = letter.lower()
    return word[: at + 1] + letter + word[at + 1 :]


def substitute(word: str, at: int, bits: int) -> str:
    """Replace this character by another one of the same script."""
    letters = alphabet(word[at])
    if not letters:
        return word
    chosen = (bits * len(letters)) >> RANDOM_BITS
    if letters[chosen] == word[at]:
        chosen -= 1
    return word[:at] + letters[chosen] + word[at + 1 :]


def delete(word: str, at: int, bits: int) -> str:
    """Delete this character, unless it is the only one."""
    return word[:at] + word[at + 1 :] if len(word) > 1 else word


def double(word: str, at: int, bits: int) -> str:
    """Double this character."""
    char = word[at]
    if word[at + 1 : at + 2].islower():  # after the capital of a name
        char = char.lower()
    return word[: at + 1] + char + word[at + 1 :]


def swap(word: str, at: int, bits: int) -> str:
    """Swap this character with the next (the last one with the previous); capitals stay in place."""
    if at + 1 == len(word):
        at -= 1
    if at < 0:
        return word
    first, second = word[at], word[at + 1]
    if first.islower() != second.islower():
        first, second = _match_case(first, second), _match_case(second, first)
    return word[:at] + second + first + word[at + 2 :]


def _match_case(letter: str, other: str) -> str:
    """A letter in the case of another, if that keeps it one letter."""
    cased = letter.upper() if other.isupper() else letter.lower() if other.islower() else letter
    return cased if len(cased) == 1 else letter


@lru_cache(maxsize=4096)
def alphabet(char: str) -> str:
    """The characters that may replace one: of its case, kind and script, including itself; "" if there are none.

    Latin letters have a to z, digits 0 to 9, and all others the characters of the same kind within 8 code points.
    """
    kind, code = unicodedata.category(char), ord(char)
    if kind in ("Co", "Cs", "Cc", "Cf", "Cn"):
        return ""
    if char.isascii() and char.isdigit():
        return "0123456789"
    if char.isalpha() and unicodedata.name(char, "").startswith("LATIN"):
        return _LATIN.upper() if char.isupper() else _LATIN
    script = unicodedata.name(char, "").partition(" ")[0]
    around = (chr(near) for near in range(max(0, code - 8), min(0x10FFFF, code + 8) + 1))
    alike = (near for near in around if unicodedata.category(near) == kind and not near.isspace())
    return "".join(near for near in alike if unicodedata.name(near, "").startswith(script))


def fold_token(token: str) -> tuple[str, list[str]]:
    """A token with one code point for each user-perceived character, and the list of those that had several.

    These are letters with their marks, and emoji with their parts: simplified grapheme clusters (Unicode Standard Annex
    29).
    """
    if token.isascii():
        return token, []
    units: list[str] = []
    for char in token:
        if units and (_is_attached(char) or units[-1][-1] == _JOINER or _is_half_flag(units[-1], char)):
            units[-1] += char
        else:
            units.append(char)
    several = list(dict.fromkeys(unit for unit in units if len(unit) > 1))[:_MOST_PRIVATE]
    codes = {unit: chr(_PRIVATE + number) for number, unit in enumerate(several)}
    return "".join(codes.get(unit, unit) for unit in units), several


def unfold_token(word: str, several: list[str]) -> str:
    """The inverse of ``fold_token``."""
    return word.translate({_PRIVATE + number: unit for number, unit in enumerate(several)})


@lru_cache(maxsize=4096)
def _is_attached(char: str) -> bool:
    """Whether a code point belongs to the one before it: marks, joiners, skin tones, tags."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Mc", "Me"):
        return True
    return char in "\u200c\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f"


def _is_half_flag(before: str, char: str) -> bool:
    return len(before) == 1 and "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= char <= "\U0001f1ff"


def punctuation(example: Editable, at: int, draws: Draws) -> Replace:
    """The mark at a position dropped, doubled or confused with another, without touching locked ranges."""
    token = example.tokens[at]
    taken_for = PUNCTUATION.get(token, ())
    chosen = draws.below(len(taken_for) + 2)
    if chosen < len(taken_for):
        return Replace(at, at + 1, (taken_for[chosen],), "punctuation mistaken")
    if chosen > len(taken_for) and _may_drop(example, at):
        return Replace(at, at + 1, (), "punctuation dropped")
    return Replace(at, at + 1, (token + token,), "punctuation doubled")


def _may_drop(example: Editable, at: int) -> bool:
    """Whether a word is next to the mark, in the same span and field, so that these do not become empty.

    No slip drops a word.
    """
    spans = ((start, end) for start, end, _ in example.spans if start <= at < end)
    first, last = next(spans, (0, len(example.tokens)))
    return any(
        first <= neighbour < last
        and any(map(str.isalnum, example.tokens[neighbour]))
        and is_free(example, start, start + 2)
        for neighbour, start in ((at - 1, at - 1), (at + 1, at))
    )
