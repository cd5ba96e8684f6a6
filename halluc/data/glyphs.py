"""Which characters show something."""

from __future__ import annotations

import unicodedata

# Characters that other categories than control, format and separator also leave without a glyph.
_INVISIBLE = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def is_invisible(token: str) -> bool:
    """Whether a token is empty or shows nothing: white space, control and format characters, selectors."""
    return all(
        unicodedata.category(char) in ("Cc", "Cf", "Zs", "Zl", "Zp")
        or ord(char) in _VARIATION_SELECTORS
        or char in _INVISIBLE
        for char in token
    )
