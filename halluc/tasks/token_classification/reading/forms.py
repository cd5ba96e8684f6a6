"""Reads the notations of spans in files, and recognises words, tags and plain texts by their shape."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from halluc.data.fields import unpacked
from halluc.data.rows.row import Unreadable
from halluc.tasks.token_classification.reading import values
from halluc.tasks.token_classification.reading.config import SpansConfig


class RawSpan(NamedTuple):
    """A span as in a file. ``surface`` is its text, ``first`` and ``last`` its tokens, if stated; ``fault`` is a reason
    why it is invalid, independent of its offsets; ``confidence`` is that of a model, unchecked."""

    start: int
    end: int
    label: str
    surface: str | None = None
    first: int | None = None
    last: int | None = None
    fault: str | None = None
    confidence: Any = None


# Keys by meaning, in lower case without underscores and hyphens; the most usual first.
_ROLES: dict[str, tuple[str, ...]] = {
    "start": ("start", "startoffset", "begin", "beginoffset", "startchar", "charstart", "startindex", "startidx",
              "startpos", "from"),
    "end": ("end", "endoffset", "stop", "endchar", "charend", "endindex", "endidx", "endpos", "to"),
    "length": ("length",),
    "offset": ("offset",),
    "label": ("label", "labels"),
    "other": ("type", "entity", "tag", "category", "entitygroup", "entitytype", "class", "ner", "nertag"),
    "surface": ("text", "surface", "word", "mention", "value", "surfaceform"),
    "first": ("tokenstart",),
    "last": ("tokenend",),
    "fault": ("fault",),
    "confidence": ("confidence", "score"),
}  # fmt: skip
# The keys of the list of spans in an object around it, as spaCy writes it.
_WRAPPERS = ("entities", "spans", "ents", "annotations", "labels", "result", "ner")
# Types of results of Label Studio that are not spans.
_NO_SPANS = ("relation", "choices", "taxonomy", "textarea", "rating", "number", "pairwise", "datetime")


class Plan(NamedTuple):
    """The keys of an object by meaning."""

    start: str | None
    end: str | None
    length: str | None
    label: str | None
    others: tuple[str, ...]
    surfaces: tuple[str, ...]
    first: str | None
    last: str | None
    fault: str | None
    confidence: str | None

    @property
    def key_names(self) -> str:
        keys = (self.start or self.first, self.length or self.end or self.last, self.label)
        return ", ".join(key for key in keys if key is not None)


@lru_cache(maxsize=1 << 12)
def plan(keys: tuple[str, ...], label: str | None) -> Plan:
    """The meanings of ``keys``; ``label`` is the configured key of the label, if any."""
    plain = {str(key).lower().replace("_", "").replace("-", ""): key for key in reversed(keys)}

    def keys_of(role: str) -> tuple[str, ...]:
        return tuple(plain[name] for name in _ROLES[role] if name in plain)

    def one(role: str) -> str | None:
        return next(iter(keys_of(role)), None)

    start, length = one("start"), one("length")
    if start is None and length is not None:
        start = one("offset")
    labels, others = keys_of("label"), keys_of("other")
    if label is not None:
        labels, others = ((label,) if label in keys else ()), ()
    chosen = labels[0] if labels else others[0] if len(others) == 1 else None
    end = one("end")
    # The `word` of a transformers pipeline is joined from pieces, and may differ from the text.
    pieces = "word" if "entity_group" in keys else None
    surfaces = tuple(key for key in keys_of("surface") if key not in (chosen, pieces))
    several = others if chosen is None else ()
    rest = map(one, ("first", "last", "fault", "confidence"))
    return Plan(start, end, length if end is None else None, chosen, several, surfaces, *rest)


def spans(value: Any, field: str, label: str | None = None) -> list[RawSpan]:
    """The spans of a field, in any notation.

    Args:
        value: a list of ``[start, end, label]`` or of objects, an object with such a list, ``{label: {surface: [[start,
            end]]}}``, or a string with one of these.
        label: the key of the label in an object, if configured.

    Raises:
        Unreadable D107: none of these notations, or several could be meant.
    """
    value = unpacked(value)
    if isinstance(value, dict):
        inner = unwrap_spans(value)
        if inner is None:
            return list(_spans_by_label(value, field))
        value = inner
    if not isinstance(value, (list, tuple)):
        raise Unreadable("D107", f"`{field}` is neither a list nor a mapping")
    results = []
    for item in value:
        if isinstance(item, dict):
            if (given := _parse_object(item, field, label)) is not None:
                results.append(given)
        elif isinstance(item, (list, tuple)) and len(item) == 3:
            start, end, name = item
            if type(start) is int and type(end) is int and type(name) is str and name and not name.isspace():
                results.append(RawSpan(start, end, name))
            else:
                results.append(_make_span(start, end, name))
        else:
            raise Unreadable("D107", f"`{field}` has an item that is neither [start, end, label] nor a mapping")
    return results


def unwrap_spans(value: Mapping[str, Any]) -> Sequence[Any] | None:
    """The list of spans in an object around it; None if it is an object of labels."""
    for key in _WRAPPERS:
        inner = value.get(key)
        if isinstance(inner, (list, tuple)) and all(map(_may_be_span, inner)):
            return inner
    return None


def _may_be_span(item: Any) -> bool:
    return isinstance(item, dict) or (isinstance(item, (list, tuple)) and len(item) == 3)


def _spans_by_label(value: Mapping[str, Any], field: str) -> Iterator[RawSpan]:
    for label, mentions in value.items():
        for surface, places in mentions.items() if isinstance(mentions, dict) else [(None, mentions)]:
            for place in places if isinstance(places, (list, tuple)) else [places]:
                if not isinstance(place, (list, tuple)) or len(place) != 2:
                    raise Unreadable("D107", f"`{field}.{label}` has no [start, end] pairs")
                yield _make_span(place[0], place[1], label)._replace(surface=surface)


def _parse_object(item: Mapping[str, Any], field: str, label: str | None) -> RawSpan | None:
    """A span from an object; None for a result of Label Studio that is not a span, such as a relation."""
    keys = plan(tuple(item), label)
    inner = item.get("value")
    if item.get("type") in _NO_SPANS and (keys.start is None or isinstance(inner, dict)):
        return None
    if isinstance(inner, dict):
        return _parse_object(inner, field, label)
    if keys.label == "entity" and "index" in item and "word" in item:
        message = f"`{field}` has word pieces, the output of a transformers pipeline without aggregation"
        raise Unreadable("D107", message, 'call the pipeline with `aggregation_strategy="simple"`')
    name = _label(item, keys, field)
    first = last = None
    if keys.first is not None and keys.last is not None:
        first, last = _parse_integer(item[keys.first]), _parse_integer(item[keys.last])
    start = item[keys.start] if keys.start is not None else first
    if keys.length is not None and (length := _parse_integer(item[keys.length])) is not None and type(start) is int:
        end: Any = start + length
    else:
        end = item[keys.end] if keys.end is not None else None if last is None else last + 1
    if not (type(start) is int and type(end) is int and type(name) is str and name and not name.isspace()):
        start, end, name = _make_span(start, end, name)[:3]
    surface = next((item[key] for key in keys.surfaces if isinstance(item[key], str)), None)
    fault = None if keys.fault is None else item[keys.fault]
    confidence = None if keys.confidence is None else item[keys.confidence]
    return RawSpan(start, end, name, surface, first, last, fault, confidence)


def _label(item: Mapping[str, Any], keys: Plan, field: str) -> Any:
    if keys.label is None:
        if keys.others:
            named = " and ".join(f"`{key}`" for key in keys.others)
            raise Unreadable(
                "D107",
                f"a span of `{field}` has {named}",
                f"set `data.span_label_field` to the one with the label, for example `{keys.others[0]}`",
            )
        return None
    name = item[keys.label]
    if isinstance(name, (list, tuple)):
        if len(name) > 1:
            text = ", ".join(map(str, name))
            raise Unreadable(
                "D107",
                f"a span of `{field}` has {len(name)} labels: {text}",
                "token classification has one label per span: remove the others, or set `data.on_bad_line: skip`",
            )
        name = name[0] if name else None
    return name


def _parse_integer(value: Any) -> int | None:
    """An integer, which may be written as text or as a float."""
    if type(value) is int:
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value) if len(value) < 20 else None
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _make_span(start: Any, end: Any, label: Any) -> RawSpan:
    first, last = _parse_integer(start), _parse_integer(end)
    if first is not None and last is not None and label is None:
        raise Unreadable("D107", f"the span [{first}, {last}] has no `label`")
    if first is None or last is None or not isinstance(label, str) or not label.strip():
        raise Unreadable("D107", f"a span needs whole numbers and a label, not {[start, end, label]}")
    return RawSpan(first, last, label)


def form(value: Any, label: str | None = None) -> str | None:
    """The name of the notation of a field's spans for ``halluc check``; None if there are no spans."""
    value = unpacked(value)
    if isinstance(value, dict):
        inner = unwrap_spans(value)
        if inner is None:
            return "start and end by label" if value else None
        value = inner
    for item in value if isinstance(value, (list, tuple)) else ():
        if isinstance(item, dict):
            inner = item.get("value")
            result = plan(tuple(inner if isinstance(inner, dict) else item), label)
            return result.key_names if result.start is not None or result.first is not None else None
        return "start, end, label" if _may_be_span(item) else None
    return None


TAG = re.compile(r"O|[BIESULMW]([-_].+)?")


def is_plain(value: Any) -> bool:
    """Text that is not a list or object written as text."""
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
    ) and not any(plan(tuple(item), None).label for item in value)


def are_tags(pairs: Iterable[tuple[Any, Any]], names: Mapping[int, str] | None) -> bool:
    """Whether all pairs are words and tags of equal number, and some tag is O or has a prefix."""
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
            seen.add("O")  # numbers, whose names are looked up when they are read
    return "O" in seen or any(TAG.fullmatch(tag) and len(tag) > 1 for tag in seen)


def fits(text: Any, value: Any, config: SpansConfig) -> bool:
    """Whether the spans of a record fit a text: they are inside it, have their stated surfaces, and split no word."""
    if not isinstance(text, str) or value is None:
        return value is None
    try:
        given = spans(value, "", config.span_label_field)
    except Unreadable:
        return True  # reported when the record is read
    for start, end, _, own_surface, *_ in given:
        surface = text[max(start, 0) : max(end, 0)]
        if end > len(text) or (own_surface is not None and own_surface != surface):
            return False
        if own_surface is None and (not surface.strip() or _cuts_word(text, start, end)):
            return False
    return True


def _cuts_word(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start + 1] if start > 0 else "", text[max(end - 1, 0) : end + 1]
    return any(len(pair) == 2 and pair.isalnum() for pair in (before, after))
