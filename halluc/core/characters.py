"""Visible and invisible characters, and text that is safe to print because other characters are escaped."""

from __future__ import annotations

import re
import unicodedata

# Characters without a glyph outside the categories control, format and separator.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)
# Ordinary text that Python does not call printable: the joiners of Indic scripts, Persian and emoji, the ideographic
# space, and format characters that have a glyph (prepended concatenation marks, such as the Arabic number sign).
_ORDINARY = frozenset(
    "\u200c\u200d\u3000\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# In a valid JSON text: characters that control a terminal, change the text direction or end a line, and lone
# surrogates. JSON itself escapes the characters below U+0020.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# The most characters of a table cell and of a line; longer texts are cut in the middle.
MOST_IN_CELL, MOST_IN_LINE = 80, 4_000


def is_invisible(token: str) -> bool:
    """Whether a token is empty or invisible: only white space, control and format characters, or selectors."""
    return all(
        unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
        or ord(char) in _VARIATION_SELECTORS
        or char in _INVISIBLE
        for char in token
    )


def is_ordinary(char: str) -> bool:
    """Whether a character may be printed unchanged: it is visible, or joins visible characters."""
    return char.isprintable() or char in _ORDINARY


def printable(text: str) -> str:
    """Text that is safe to print: control, bidirectional and invisible characters are escaped (``\\u202e``), line feeds
    are kept."""
    return text if text.isprintable() else "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char == "\n" or is_ordinary(char):
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def printable_line(text: str, most: int = MOST_IN_LINE) -> str:
    """Text that is safe to print on one line: line feeds are escaped too, and it is cut to about ``most``
    characters."""
    text = cut(text, most)
    return text if text.isprintable() else printable(text).replace("\n", "\\n")


def printable_cell(text: str) -> str:
    """Text that is safe to print in a table cell."""
    return printable_line(text, MOST_IN_CELL)


def cut(text: str, most: int = 100) -> str:
    """Text of at most ``most`` characters: the middle of a longer text is replaced by an ellipsis."""
    if len(text) <= most:
        return text
    end = most // 3
    return f"{text[: most - end - 1]}…{text[len(text) - end :]}"


def escaped_json(text: str) -> str:
    """A JSON text with control and bidirectional characters as ``\\uXXXX``: it parses to the same value."""
    if text.isascii() and "\x7f" not in text:
        return text
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
