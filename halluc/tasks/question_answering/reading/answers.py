"""The annotated answers of a question as character ranges of its context; wrong positions are repaired if possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from halluc.core.edits import Range
from halluc.data.fields import kind, unpacked, whole
from halluc.data.rows.row import Unreadable

_SHOWN = 60
_FORM = "give {text: […], answer_start: […]}, or a list of {text, answer_start}"
_OFFSET = (
    "`answer_start` counts characters from 0; fix it, or set `data.on_bad_line: skip`: this removes such answers, "
    "and questions without another answer"
)


class Answers(NamedTuple):
    """Characters (start, end) of each answer, and the repairs, including removed answers."""

    places: list[Range]
    repairs: list[str]


def parse_answers(given: Mapping[Any, Any], value: Any, context: str, what: str, lenient: bool) -> Answers:
    """
    Args:
        given: the question with its fields. value: its answers. what: how a message names the question.
        lenient: answers that are not in the context are removed, if another one is.

    Raises:
        Unreadable D107: they have an unknown form. D109: an answer is not at its stated position.
    """
    ranges: list[Range] = []
    repairs: list[str] = []
    wrong: Unreadable | None = None
    for text, start in _pairs(value, what):
        try:
            place = _place(text, start, context, what)
        except Unreadable as bad:
            if not lenient:
                raise
            wrong = bad
            repairs.append(f"{bad.problem}: removed")
            continue
        if place != start:
            repairs.append(f"{what}: the answer {_quote(text)} is at {place}, not at {start}")
        ranges.append(_strip_blanks(context, place, place + len(text)))
    if wrong is not None and not ranges:
        raise wrong
    if ranges and given.get("is_impossible") is True:
        raise Unreadable("D107", f"{what}: `is_impossible` is true, but it has an answer", "remove one of them")
    return Answers(list(dict.fromkeys(ranges)), repairs)


def _pairs(value: Any, what: str) -> list[tuple[str, int]]:
    value = unpacked(value)
    if isinstance(value, Mapping):
        texts, starts = (unpacked(value.get(key)) for key in ("text", "answer_start"))
        if not isinstance(texts, Sequence) or not isinstance(starts, Sequence) or isinstance(texts, str):
            raise Unreadable("D107", f"{what}: `text` and `answer_start` of its answers are not both lists", _FORM)
        if len(texts) != len(starts):
            phrase = f"{len(texts)} texts and {len(starts)} values of `answer_start`"
            raise Unreadable("D108", f"{what}: its answers have {phrase}", _FORM)
        pairs = list(zip(texts, starts, strict=True))
    elif isinstance(value, (list, tuple)):
        if wrong := [one for one in value if not isinstance(one, Mapping)]:
            raise Unreadable("D107", f"{what}: an answer is {kind(wrong[0])}, not an object", _FORM)
        pairs = [(one.get("text"), one.get("answer_start")) for one in value]
    else:
        raise Unreadable("D107", f"{what}: its answers are {kind(value)}", _FORM)
    for text, start in pairs:
        if not isinstance(text, str):
            raise Unreadable("D107", f"{what}: the text of an answer is {kind(text)}, not a string", _FORM)
        if not whole(start):
            phrase = f"the number {start}" if isinstance(start, float) else kind(start)
            raise Unreadable("D107", f"{what}: `answer_start` of an answer is {phrase}, not a whole number", _FORM)
    return pairs


def _place(text: str, start: int, context: str, what: str) -> int:
    """The start of the answer: the stated one if it is right, else its only occurrence."""
    if not text.strip():
        raise Unreadable("D109", f"{what}: an answer is empty", "an unanswerable question needs empty lists")
    if start >= 0 and context.startswith(text, start):
        return start
    first = context.find(text)
    if first >= 0 and context.find(text, first + 1) < 0:
        return first
    reason = "does not occur in the context" if first < 0 else "occurs at several other places"
    problem = f"{what}: the answer {_quote(text)} is not at character {start}, and {reason}"
    raise Unreadable("D109", problem, _OFFSET)


def _strip_blanks(context: str, start: int, end: int) -> Range:
    """The range without blanks at its ends, which belong to no token and do not matter in comparisons."""
    answer = context[start:end]
    return start + len(answer) - len(answer.lstrip()), end - len(answer) + len(answer.rstrip())


def _quote(text: str) -> str:
    return f'"{text if len(text) <= _SHOWN else text[:_SHOWN] + "…"}"'
