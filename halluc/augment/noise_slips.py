"""Slips of characters: each changes one character of a token, or says that it cannot.

A token is a list of characters as readers see them: a letter with its marks is one, so is an emoji of several parts.
A slip changes the list in place, at one position; what it empties stays there as "", so that positions hold.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from halluc.augment.noise_tables import KEYBOARD, OCR, OCR_PAIRS

# (characters, position, up to 20 random bits) -> whether the slip was made
Slip = Callable[[list[str], int, int], bool]

_RANDOM_BITS = 20
_PAIR_STARTS = frozenset(pair[0] for pair in OCR_PAIRS)
_JOINER = "\u200d"


def characters(token: str) -> list[str]:
    """The characters of a token as readers see them, in the main: marks, joiners and modifiers stay with their base.

    A simplification of the grapheme clusters of Unicode Standard Annex 29.
    """
    if token.isascii():
        return list(token)
    found: list[str] = []
    for char in token:
        if found and (_is_attached(char) or found[-1][-1] == _JOINER or _is_half_flag(found[-1], char)):
            found[-1] += char
        else:
            found.append(char)
    return found


@lru_cache(maxsize=4096)
def _is_attached(char: str) -> bool:
    """Whether a code point belongs to the one before it: marks, joiners, skin tones, tags."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Mc", "Me"):
        return True
    return char in "\u200c\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff" or "\U000e0020" <= char <= "\U000e007f"


def _is_half_flag(before: str, char: str) -> bool:
    return len(before) == 1 and "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= char <= "\U0001f1ff"


def keyboard(units: list[str], at: int, bits: int) -> bool:
    """A key beside the one that was meant (QWERTY)."""
    unit = units[at]
    near = KEYBOARD.get(unit) or KEYBOARD.get(unit[:1])
    if not near:
        return False
    key = near[(bits * len(near)) >> _RANDOM_BITS]
    units[at] = key if len(unit) == 1 else key + unit[1:]
    return True


def ocr(units: list[str], at: int, bits: int) -> bool:
    """What a scanner takes a character, or this one and the next, for."""
    unit = units[at]
    if unit in _PAIR_STARTS and at + 1 < len(units) and (pair := OCR_PAIRS.get(unit + units[at + 1])):
        units[at], units[at + 1] = pair, ""
        return True
    taken_for = OCR.get(unit) or OCR.get(unit[:1])
    if not taken_for:
        return False
    read = taken_for[(bits * len(taken_for)) >> _RANDOM_BITS]
    units[at] = read if len(unit) == 1 else read + unit[1:]
    return True


def insert(units: list[str], at: int, bits: int) -> bool:
    """A character of the same script behind this one."""
    unit = units[at]
    letters = alphabet(unit[:1])
    units[at] = unit + letters[(bits * len(letters)) >> _RANDOM_BITS]
    return True


def substitute(units: list[str], at: int, bits: int) -> bool:
    """Another character of the same script in the place of this one."""
    unit = units[at]
    if not unit:
        return False
    letters = alphabet(unit[0])
    chosen = (bits * len(letters)) >> _RANDOM_BITS
    if letters[chosen] == unit[0]:
        chosen -= 1
    units[at] = letters[chosen] + unit[1:]
    return units[at] != unit


def delete(units: list[str], at: int, bits: int) -> bool:
    """This character is left out, unless it is the only one."""
    if not units[at] or units.count("") >= len(units) - 1:
        return False
    units[at] = ""
    return True


def double(units: list[str], at: int, bits: int) -> bool:
    """This character twice; a capital is followed by its small letter where the next one is small."""
    unit = units[at]
    follows_small = at + 1 < len(units) and units[at + 1].islower()
    units[at] = unit + (unit.lower() if follows_small else unit)
    return bool(unit)


def swap(units: list[str], at: int, bits: int) -> bool:
    """This character and the next change places; capitals stay where they are."""
    if at + 1 >= len(units):
        return False
    first, second = units[at], units[at + 1]
    if first == second:
        return False
    if first.islower() != second.islower() and len(first) == len(second) == 1:
        first, second = _cased_like(first, second), _cased_like(second, first)
    if second == units[at]:
        return False
    units[at], units[at + 1] = second, first
    return True


def _cased_like(letter: str, other: str) -> str:
    """A letter in the case of another, where that keeps it one letter."""
    cased = letter.upper() if other.isupper() else letter.lower() if other.islower() else letter
    return cased if len(cased) == 1 else letter


@lru_cache(maxsize=4096)
def alphabet(char: str) -> str:
    """The characters that may stand in for one: of its case, kind and script; itself is among them.

    Latin letters have a to z, digits 0 to 9, and all else what stands within 8 code points of it and is of its kind.
    """
    if not char:
        return "abcdefghijklmnopqrstuvwxyz"
    if unicodedata.category(char) == "Nd" and char.isascii():
        return "0123456789"
    if char.isalpha() and unicodedata.name(char, "").startswith("LATIN"):
        latin = "abcdefghijklmnopqrstuvwxyz"
        return latin.upper() if char.isupper() else latin
    kind, code = unicodedata.category(char), ord(char)
    around = (chr(near) for near in range(max(0, code - 8), min(0x10FFFF, code + 8) + 1))
    alike = (near for near in around if unicodedata.category(near) == kind and not near.isspace())
    return "".join(alike) or char
