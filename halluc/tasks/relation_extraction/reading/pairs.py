"""The fields of a row with a pair: a text or its tokens, head and tail as marks or ranges, and the relation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from halluc.core.characters import is_invisible
from halluc.core.examples import Span
from halluc.core.labels import label_fault
from halluc.data.fields import kind, nul, unpacked, value_of, whole
from halluc.data.reader import Unmapped
from halluc.data.rows.row import MEND, Row, Unreadable, quoted
from halluc.data.tokenization import Tokenizer
from halluc.tasks.relation_extraction.examples import NO_RELATION
from halluc.tasks.relation_extraction.reading.config import NONE_LABELS, RelationsConfig

TEXTS = ("text", "sentence")  # common names of the field of the text
OTHER = "Other"  # no relation, in SemEval-2010 Task 8
_MARKS = re.compile(r"</?(?:e1|e2)>")
_ORDER = (["<e1>", "</e1>", "<e2>", "</e2>"], ["<e2>", "</e2>", "<e1>", "</e1>"])
_HEAD_KEYS, _TAIL_KEYS = ("head", "h"), ("tail", "t")
_TACRED = {"head": "subj", "tail": "obj"}
_MARK_HELP = "mark each once, for example `<e1>Anna</e1> works for <e2>Acme</e2> .`"


class Pair(NamedTuple):
    """Tokens with head and tail; ``mapping`` describes the fields that were read.

    For a row with a text, also the text without marks, and the position of each token in it.
    """

    tokens: tuple[str, ...]
    head: Span
    tail: Span
    mapping: str
    text: str | None = None
    bounds: Sequence[tuple[int, int]] | None = None


class PairFields:
    """Reads pairs and relations according to the config."""

    def __init__(self, config: RelationsConfig) -> None:
        self.config = config
        self._tokenizer = Tokenizer.of(config)

    def pair(self, row: Row) -> Pair:
        """
        Raises:
            Unreadable: there is no text, or head and tail cannot be determined.
        """
        given = row.fields
        words = unpacked(_first(given, "tokens", "token"))
        places = self._places(given)
        if isinstance(words, list) and places is not None:
            tokens, (head, tail) = self._spans_on_tokens(words, places)
            what = f"tokens from `{'tokens' if 'tokens' in given else 'token'}`"
            return Pair(tokens, head, tail, f"{what}, head and tail from {places['from']}")
        text = self._text(given)
        what = "sentence"
        if places is None:
            text, places = _parse_marks(text)
            what = "sentence with <e1> and <e2>"
        tokens, bounds, head, tail = self._tokenize(text, places)
        return Pair(tokens, head, tail, f"{what}, head and tail from {places['from']}", text, bounds)

    def _text(self, given: Mapping[Any, Any]) -> str:
        column = self.config.text_field
        text = value_of(given, column)
        if text is None and column == TEXTS[0]:
            text = _first(given, *TEXTS, "token")
        if text is None:
            raise Unmapped(
                "D107",
                f"no field `{column}`; the row has {quoted(given)}",
                "set the field of the sentence with `data.text_field`",
            )
        if not isinstance(text, str):
            raise Unreadable("D107", f"`{column}` is {kind(text)}, not a string", "see `data.text_field`")
        if "\0" in text:
            raise nul("sentence")
        if is_invisible(text):
            raise Unreadable("D106", "an empty sentence", MEND)
        return text

    def _places(self, given: Mapping[Any, Any]) -> dict[str, Any] | None:
        """The positions of head and tail according to the row; None if its fields do not have them.

        Raises:
            Unreadable: one of the two is missing, or has an unknown form.
        """
        if "subj_start" in given:
            places: dict[str, Any] = {"from": "`subj_…` and `obj_…`"}
            for role, prefix in _TACRED.items():
                start, end = given.get(f"{prefix}_start"), given.get(f"{prefix}_end")
                if not (whole(start) and whole(end)):
                    raise Unreadable("D107", f"`{prefix}_start` and `{prefix}_end` are not whole numbers", MEND)
                places[role] = (start, end + 1, str(given.get(f"{prefix}_type") or ""))  # both ends are included
            return places
        values = [
            _value_of_column(given, column, keys)
            for column, keys in ((self.config.head_field, _HEAD_KEYS), (self.config.tail_field, _TAIL_KEYS))
        ]
        if all(value is None for value in values):
            return None
        places = {"from": f"`{self.config.head_field}` and `{self.config.tail_field}`"}
        for role, value in zip(("head", "tail"), values, strict=True):
            if value is None:
                raise Unreadable("D107", f"the row has no {role}", f"see `data.{role}_field`")
            places[role] = _range(unpacked(value), role)
        return places

    def _spans_on_tokens(
        self, words: list[Any], places: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], tuple[Span, Span]]:  # fmt: skip
        if not words or not all(isinstance(word, str) for word in words):
            raise Unreadable("D107", "`tokens` is not a list of strings", "give a list of words")
        tokens, kept = self._tokenizer.cleaned(words)
        place = range(len(words)) if kept is None else kept
        spans = []
        for role in ("head", "tail"):
            start, end, label = places[role]
            _refuse_outside(role, start, end, len(words), "tokens")
            inside = [number for number, old in enumerate(place) if start <= old < end]
            if not inside:
                raise Unreadable("D109", f"the {role} has no visible characters", MEND)
            spans.append(Span(inside[0], inside[-1] + 1, label))
        _refuse_overlap(*spans)
        return tokens, (spans[0], spans[1])

    def _tokenize(
        self, text: str, places: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], list[tuple[int, int]], Span, Span]:  # fmt: skip
        """The text as tokens that do not cross the borders of head and tail: each part is tokenized separately."""
        for role in ("head", "tail"):
            _refuse_outside(role, places[role][0], places[role][1], len(text), "characters")
        _refuse_overlap(Span(*places["head"]), Span(*places["tail"]))
        borders = sorted({0, len(text), *places["head"][:2], *places["tail"][:2]})
        tokens: list[str] = []
        bounds: list[tuple[int, int]] = []
        spans = {}
        for start, end in pairwise(borders):
            own, words = self._tokenizer.cut(text[start:end])
            for role in ("head", "tail"):
                if (start, end) == places[role][:2]:
                    if not words:
                        raise Unreadable("D109", f"the {role} has no visible characters", MEND)
                    spans[role] = Span(len(tokens), len(tokens) + len(words), places[role][2])
            tokens += words
            bounds += [(start + first, start + last) for first, last in own]
        return tuple(tokens), bounds, spans["head"], spans["tail"]

    def relation_of(self, label: Any, column: str | int, usual: Sequence[str] = (*NONE_LABELS, OTHER)) -> str | None:
        """The relation of a label; None if it means that there is none.

        Args:
            column: its column. usual: the labels for no relation if the config does not set them.

        Raises:
            Unreadable: it is not a label.
        """
        if whole(label):
            label = self._label_name(label)
        if label is None:
            return None
        if not isinstance(label, str):
            raise Unreadable("D107", f"`{column}` is {kind(label)}, not a string", "see `data.label_field`")
        label = label.strip()
        if (fault := label_fault(label)) is not None:
            raise Unreadable("D123", fault, MEND)
        none_labels = self.config.none_labels
        if label in (usual if none_labels is None else none_labels):
            return None
        if label == NO_RELATION:
            raise Unreadable(
                "D137", f"the label `{label}` is reserved for 'no relation'", "list it in `data.none_labels`"
            )
        return str(label)

    def _label_name(self, number: int) -> str:
        names = self.config.label_names
        by_number = dict(enumerate(names)) if isinstance(names, list) else names or {}
        if number in by_number:
            return by_number[number]
        raise Unreadable("D107", f"the relation is the number {number}", "add it to `data.label_names`")


def _first(given: Mapping[Any, Any], *names: str) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), None)


def _value_of_column(given: Mapping[Any, Any], column: str | int, keys: tuple[str, str]) -> Any:
    value = value_of(given, column)
    return given.get(keys[1]) if value is None and column == keys[0] else value


def _range(value: Any, role: str) -> tuple[int, int, str]:
    """Start, end (exclusive) and type of head or tail.

    Raises:
        Unreadable D107: it has an unknown form.
    """
    label: Any = ""
    if isinstance(value, Mapping):
        label = next((value[name] for name in ("label", "type") if value.get(name)), "")
        value = value.get("pos", [value.get("start"), value.get("end")])
    if isinstance(value, (list, tuple)) and len(value) == 3:
        *value, label = value
    if not (isinstance(value, (list, tuple)) and len(value) == 2 and all(map(whole, value)) and isinstance(label, str)):
        raise Unreadable(
            "D107",
            f"the {role} is not a range",
            "write it as {start, end, label} or [start, end]; the end is exclusive",
        )
    if label and (fault := label_fault(label)) is not None:
        raise Unreadable("D123", f"the {role} has {fault}", MEND)
    return value[0], value[1], label


def _parse_marks(text: str) -> tuple[str, dict[str, Any]]:
    """A text without its marks, and the characters of head (``e1``) and tail (``e2``) in it.

    Raises:
        Unreadable D107: a mark is missing, is repeated, or crosses another.
    """
    matches = list(_MARKS.finditer(text))
    if [match[0] for match in matches] not in _ORDER:
        has = quoted([match[0] for match in matches]) if matches else "no marks"
        raise Unreadable("D107", f"head and tail are not marked: the text has {has}", _MARK_HELP)
    places: dict[str, Any] = {"from": "marks in the text"}
    for first, last in (matches[:2], matches[2:]):
        before = sum(len(match[0]) for match in matches if match.start() < first.start())
        places["head" if first[0] == "<e1>" else "tail"] = (
            first.start() - before,
            last.start() - before - len(first[0]),
            "",
        )
    return _MARKS.sub("", text), places


def _refuse_outside(role: str, start: int, end: int, size: int, unit: str) -> None:
    if not 0 <= start < end <= size:
        raise Unreadable(
            "D109", f"the {role} is {start} to {end}, but there are {size} {unit}", "count from 0; the end is exclusive"
        )


def _refuse_overlap(head: Span, tail: Span) -> None:
    if head.start < tail.end and tail.start < head.end:
        raise Unreadable("D111", "head and tail overlap", "a pair needs two separate spans; fix it or remove it")
