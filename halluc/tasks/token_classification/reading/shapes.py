"""What a value could be by its shape: words, a tag, a plain text, spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from halluc.data.fields.values import unpacked
from halluc.data.rows.row import Unreadable
from halluc.tasks.token_classification.reading import forms, values
from halluc.tasks.token_classification.reading.config import SpansConfig

TAG = re.compile(r"O|[BIESULMW]([-_].+)?")


def is_plain(value: Any) -> bool:
    """Text that is no list or object written as text."""
    return isinstance(value, str) and isinstance(unpacked(value), str)


def is_tag(value: Any) -> bool:
    return isinstance(value, str) and TAG.fullmatch(value) is not None


def are_words(value: Any) -> bool:
    value = unpacked(value)
    if not isinstance(value, (list, tuple)) or not value:
        return False
    if set(map(type, value)) == {str}:
        return True
    return all(
        isinstance(item, dict) and any(isinstance(item.get(key), str) for key in values.WORD_KEYS) for item in value
    ) and not any(forms.plan(tuple(item), None).label for item in value)


def are_tags(pairs: Iterable[tuple[Any, Any]], names: Mapping[int, str] | None) -> bool:
    """Whether all pairs are words and a tag for each of them, and some tag is O or has a prefix."""
    seen: set[str] = set()
    for given, value in pairs:
        value = unpacked(value)
        if given is None or value is None:
            return False
        try:
            count = len(given.split()) if is_plain(given) else len(values.words(given, "")[0])
            seen.update(values.tags(value, "", count, names))
        except Unreadable as bad:
            if bad.code != "D121" or not isinstance(value, list):
                return False
            seen.add("O")  # numbers whose names are asked for when they are read
    return "O" in seen or any(TAG.fullmatch(tag) and len(tag) > 1 for tag in seen)


def holds(text: Any, spans: Any, config: SpansConfig) -> bool:
    """Whether the spans of a record may be those of a text: inside of it, no words cut, and with the text they say."""
    if not isinstance(text, str) or spans is None:
        return spans is None
    try:
        given = forms.spans(spans, "", config.span_label_field)
    except Unreadable:
        return True  # said when the record is read
    for start, end, _, said, *_ in given:
        surface = text[max(start, 0) : max(end, 0)]
        if end > len(text) or (said is not None and said != surface):
            return False
        if said is None and (not surface.strip() or _cuts_word(text, start, end)):
            return False
    return True


def _cuts_word(text: str, start: int, end: int) -> bool:
    before, behind = text[start - 1 : start + 1] if start > 0 else "", text[max(end - 1, 0) : end + 1]
    return any(len(pair) == 2 and pair.isalnum() for pair in (before, behind))
