"""Texts to predict on in JSON Lines: an object a line, with tokens or texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from halluc.data.readers.base import BadLine
from halluc.data.readers.jsonl import Unreadable, parse_object, strings
from halluc.data.texts import InputText, Item, paired, single
from halluc.data.texts_fields import Fields
from halluc.data.tokenization import Tokenize

# The place of the second text among tokens, and the text itself beside them, as ``predict`` writes them.
_BORDER, _SECOND = "second", "second_text"


def record(number: int, line: str, fields: Fields, tokenize: Tokenize) -> Item:
    """The text or pair of a line, or why it cannot be read; fields that are not asked for are left alone."""
    try:
        found = {key: value for key, value in parse_object(line).items() if value is not None}
        identity = _identity(found, fields, number)
        if "tokens" in found:
            return _given(number, identity, found, fields)
        first, second = fields.keys
        if second is None:
            text = _text(found, first, f"neither a list `tokens` nor a string `{first}`")
            return single(number, identity, text, tokenize)
        one, other = (_text(found, key, f"a pair has two texts, and there is no `{key}`") for key in (first, second))
        return paired(number, identity, one, other, tokenize)
    except Unreadable as bad:
        return BadLine(bad.code, "", number, bad.problem, _help(fields))


def _help(fields: Fields) -> str:
    first, second = fields.keys
    if second is None:
        return f"one JSON object a line, with `tokens` or `{first}` (--text-field); raw text is read with --format text"
    named = f"`{first}` and `{second}` (--text-field, --second-field)"
    return f"one JSON object a line, with {named}, or with `tokens` and in `{_BORDER}` where the second text begins"


def _text(record: dict[str, Any], field: str, absent: str) -> str:
    text = record.get(field)
    if text is None:
        raise Unreadable("D107", absent)
    if not isinstance(text, str):
        raise Unreadable("D107", f"`{field}` is not a string")
    return text


def _identity(record: dict[str, Any], fields: Fields, number: int) -> str | int | float:
    name = fields.id if fields.id in record else "id"
    given = record.get(name, f"line-{number}")
    if isinstance(given, bool) or not isinstance(given, (str, int, float)):
        raise Unreadable("D107", f"`{name}` is neither a string nor a number")
    if isinstance(given, float) and not math.isfinite(given):
        raise Unreadable("D107", f"`{name}` is not a finite number")
    return given


def _given(number: int, identity: str | int | float, record: dict[str, Any], fields: Fields) -> InputText:
    """Tokens that are given as such; texts beside them tell where they stand, if they do."""
    tokens = strings(record, "tokens")
    text = _beside(record, fields.keys[0])
    border = _border(record, tokens, fields)
    if border is None:
        bounds = None if text is None else _located(tokens, text)
        return InputText(number, identity, tokens, None if bounds is None else text, bounds)
    second = record.get(_SECOND)
    is_shown = (
        text is not None
        and isinstance(second, str)
        and _located(tokens[:border], text) is not None
        and _located(tokens[border:], second) is not None
    )
    texts = (text, second) if is_shown else (None, None)
    return InputText(number, identity, tokens, texts[0], None, border, texts[1])


def _beside(record: dict[str, Any], field: str) -> str | None:
    name = field if field in record else "text"
    return None if name not in record else _text(record, name, "")


def _border(record: dict[str, Any], tokens: Sequence[str], fields: Fields) -> int | None:
    """Where the second text begins; None where there is none."""
    place = record.get(_BORDER)
    if isinstance(place, int) and not isinstance(place, bool) and 0 < place < len(tokens):
        return place if fields.borders or fields.second is not None else None
    if fields.second is not None and tokens:
        problem = f"a pair has two texts, and `{_BORDER}` does not say with which of {len(tokens)} tokens one begins"
        raise Unreadable("D107", problem)
    return None


def _located(tokens: Sequence[str], text: str) -> list[tuple[int, int]] | None:
    """Where the tokens stand in the text, one after another with only white space between; None where they do not."""
    bounds, at = [], 0
    for token in tokens:
        if not text.startswith(token, at):
            while at < len(text) and text[at].isspace():
                at += 1
            if not text.startswith(token, at):
                return None
        bounds.append((at, at + len(token)))
        at += len(token)
    return bounds
