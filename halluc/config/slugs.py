"""The name of a cell's folder: readable, stable, and safe on every file system."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

from halluc.config.yaml import scalar

# The value of an axis in tables and folder names: a plain value of YAML, or the name of an arm.
Plain = int | float | str | bool | None

MOST_CHARACTERS = 150

# Lower case alone, since file systems that ignore case would treat `Base` and `base` as one folder.
_SAFE = re.compile(r"[a-z0-9_+-](?:[a-z0-9_.+-]*[a-z0-9_+-])?")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]+")
_MOST_OF_A_WORD = 40


def slug_of(choice: Mapping[str, Plain]) -> str:
    """``arm=baseline,gap.fraction=0.25,seed=1``.

    It depends on the cell's own choice alone, so it does not change when an axis gets other values. A word that is
    unsafe or ambiguous as a file name is cleaned and gets the hash of the original word; the tilde before the hash
    occurs in no safe word.
    """
    text = ",".join(f"{_safe(axis)}={_safe(shown(value))}" for axis, value in choice.items())
    if len(text) <= MOST_CHARACTERS:
        return text
    whole = _digest(json.dumps(list(choice.items())))
    return f"{text[: MOST_CHARACTERS - len(whole) - 1]}~{whole}"


def shown(value: Plain) -> str:
    """A value as written in a folder name, a table or ``--only``: text in quotes if YAML would parse it as another
    type."""
    if isinstance(value, str):
        return value if scalar(value) == value else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def _safe(word: str) -> str:
    if _SAFE.fullmatch(word) and len(word) <= _MOST_OF_A_WORD:
        return word
    return f"{_UNSAFE.sub('-', word).strip('-.')[:_MOST_OF_A_WORD]}~{_digest(word)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
