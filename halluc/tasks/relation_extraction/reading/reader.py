"""From rows to sentences with a head and a tail: halluc's records, marked texts, SemEval-2010, TACRED and OpenNRE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from halluc.core.characters import is_invisible
from halluc.core.examples import Origin, Span
from halluc.core.labels import label_fault
from halluc.data.config import DataConfig
from halluc.data.fields import kind, nul, path_of, unpacked, value_at, value_of, whole
from halluc.data.inputs import InputText, identity_of
from halluc.data.predictions import PredictionFile
from halluc.data.reader import RowReader, Unmapped
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, Notice, Row, Unreadable, quoted
from halluc.data.writers import Options, Writer, each, json_lines, json_list, unfit
from halluc.tasks.relation_extraction.examples import NO_RELATION, Related, RelationExamples
from halluc.tasks.relation_extraction.reading.config import NONE_LABELS, RelationsConfig
from halluc.tasks.relation_extraction.reading.predictions import PairPredictions


def _record(example: Related, options: Options) -> dict[str, Any]:
    """
    Raises:
        HallucError D130: the relation has the name for none, or would be stripped.
    """
    label = example.relation
    if label is not None and (label != label.strip() or label in (*NONE_LABELS, NO_RELATION)):
        raise unfit(example, f"the relation `{label}` would be read as another one", "rename it")
    return RelationExamples().record(example)


WRITERS = {
    "jsonl": Writer("tokens, head, tail and relation, one object per line", json_lines(each(_record)), (".jsonl",)),
    "json": Writer("the same, as one list", json_list(each(_record)), (".json",)),
}


_MARKS = re.compile(r"</?(?:e1|e2)>")
_ORDER = (["<e1>", "</e1>", "<e2>", "</e2>"], ["<e2>", "</e2>", "<e1>", "</e1>"])
# A block of SemEval-2010 Task 8: a number and a sentence, then the relation, then a comment.
_SENTENCE = re.compile(r'(\d+)\t"?(.*?)"?\s*$')
_OTHER = "Other"
_HEAD_KEYS, _TAIL_KEYS = ("head", "h"), ("tail", "t")
_TACRED = {"head": "subj", "tail": "obj"}
_TEXTS, _LABELS = ("text", "sentence"), ("relation", "label")
_MARK_HELP = "mark each once, for example `<e1>Anna</e1> works for <e2>Acme</e2> .`"


class RelationsReader(RowReader):
    """Sentences with a marked head and tail: JSON Lines, JSON, CSV, tables, the hub, and files of SemEval-2010."""

    Config: ClassVar[type[DataConfig]] = RelationsConfig
    Predictions: ClassVar[type[PredictionFile] | None] = PairPredictions
    writers: ClassVar[Mapping[str, Writer]] = WRITERS
    config: RelationsConfig

    def rows(self, reference: str, split: SplitName) -> tuple[str, Iterator[Row | BadLine | Notice]]:
        file, rows = super().rows(reference, split)
        return file, _with_blocks(rows)

    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Related]:
        tokens, head, tail, _ = self.pair(row)
        return (Related(identity, origin, tokens, head, tail, self._relation(row)),)

    def input_of(self, row: Row) -> InputText:
        """A sentence to predict, with its head and tail.

        Raises:
            Unreadable: it has no text, or head and tail cannot be determined.
        """
        identity = identity_of(row, self.config.id_field)
        text = row.fields.get("text")
        if isinstance(text, str) and not text.strip() and len(row.fields) == 1:
            return InputText(row.line, identity, (), text, ())
        tokens, head, tail, (shown, bounds) = self.pair(row)
        return InputText(row.line, identity, tokens, shown, bounds, details=(head, tail))

    def pair(
        self, row: Row
    ) -> tuple[tuple[str, ...], Span, Span, tuple[str | None, list[tuple[int, int]] | None]]:  # fmt: skip
        """Tokens, head, tail, and the text without marks with the position of each token in it.

        Raises:
            Unreadable: there is no text, or head and tail cannot be determined.
        """
        given = row.fields
        words = unpacked(_first(given, "tokens", "token"))
        places = self._places(given)
        if isinstance(words, list) and places is not None:
            tokens, (head, tail) = self._of_tokens(words, places)
            what = f"tokens from `{'tokens' if 'tokens' in given else 'token'}`"
            self.say(f"{what}, head and tail from {places['from']}")
            return tokens, head, tail, (None, None)
        text = self._text(given)
        what = "sentence"
        if places is None:
            text, places = _unmarked(text)
            what = "sentence with <e1> and <e2>"
        self.say(f"{what}, head and tail from {places['from']}")
        tokens, bounds, head, tail = self._cut(text, places)
        return tokens, head, tail, (text, bounds)

    def _text(self, given: Mapping[Any, Any]) -> str:
        column = self.config.text_field
        text = value_of(given, column)
        if text is None and column == _TEXTS[0]:
            text = _first(given, *_TEXTS, "token")
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
            _of_keys(given, column, keys)
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

    def _of_tokens(
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

    def _cut(
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

    def _relation(self, row: Row) -> str | None:
        column = self.config.label_field
        given = row.fields
        path = path_of(column, [given])
        if len(path) == 1 and path[0] not in given and column == _LABELS[0] and _LABELS[1] in given:
            path = (_LABELS[1],)
        if len(path) == 1 and path[0] not in given:
            raise Unmapped(
                "D107",
                f"no field `{column}`; the row has {quoted(given)}",
                "set the field of the relation with `data.label_field`",
            )
        if "relation from" not in self.mapping:
            where = "the next line" if _BLOCK in given else f"`{'.'.join(map(str, path))}`"
            self.mapping += f", relation from {where}"
        is_semeval = _BLOCK in given or _is_semeval(given)
        return self.relation_of(value_at(given, path), column, (*NONE_LABELS, *([_OTHER] if is_semeval else [])))

    def relation_of(self, label: Any, column: str | int, usual: Sequence[str] = (*NONE_LABELS, _OTHER)) -> str | None:
        """The relation of a label; None if it means that there is none.

        Args:
            column: its column. usual: the labels for no relation if the config does not set them.

        Raises:
            Unreadable: it is not a label.
        """
        if whole(label):
            label = self._named(label)
        if label is None:
            return None
        if not isinstance(label, str):
            raise Unreadable("D107", f"`{column}` is {kind(label)}, not a string", "see `data.label_field`")
        label = label.strip()
        if (fault := label_fault(label)) is not None:
            raise Unreadable("D123", fault, MEND)
        asked = self.config.none_labels
        if label in (usual if asked is None else asked):
            return None
        if label == NO_RELATION:
            raise Unreadable(
                "D137", f"the label `{label}` is reserved for 'no relation'", "list it in `data.none_labels`"
            )
        return str(label)

    def _named(self, number: int) -> str:
        names = self.config.label_names
        by_number = dict(enumerate(names)) if isinstance(names, list) else names or {}
        if number in by_number:
            return by_number[number]
        raise Unreadable("D107", f"the relation is the number {number}", "add it to `data.label_names`")


# The field of rows that represent a block of SemEval-2010.
_BLOCK = "semeval"


def _with_blocks(rows: Iterable[Row | BadLine | Notice]) -> Iterator[Row | BadLine | Notice]:
    """The rows, where the lines of a text file are grouped to blocks of a sentence, its relation and a comment."""
    sentence: Row | None = None
    for row in rows:
        if not isinstance(row, Row) or set(row.fields) != {"text"} or not isinstance(row.fields["text"], str):
            yield row
            continue
        line = row.fields["text"].strip()
        match = _SENTENCE.match(line)
        if match is not None and "<e1>" in line:
            if sentence is not None:
                yield sentence.bad(Unreadable("D107", "a sentence without a relation on the next line", MEND))
            sentence = Row(row.file, row.line, {"id": match[1], "text": match[2], _BLOCK: True}, row.shown)
        elif sentence is not None and line:
            yield Row(sentence.file, sentence.line, {**sentence.fields, "relation": line}, sentence.shown)
            sentence = None
        elif line and not line.startswith("Comment:"):
            yield row.bad(
                Unreadable(
                    "D107",
                    "neither a numbered sentence with `<e1>` nor a comment",
                    "use JSON Lines, CSV, or blocks of SemEval-2010: a number, a tab and a sentence; then its relation",
                )
            )
    if sentence is not None:
        yield sentence.bad(Unreadable("D107", "a sentence without a relation on the next line", MEND))


def _is_semeval(given: Mapping[Any, Any]) -> bool:
    """Whether a relation named `Other` is that of SemEval-2010: its sentences have marks in the text."""
    return any(isinstance(given.get(name), str) and "<e1>" in given[name] for name in _TEXTS)


def _first(given: Mapping[Any, Any], *names: str) -> Any:
    return next((given[name] for name in names if given.get(name) is not None), None)


def _of_keys(given: Mapping[Any, Any], column: str | int, keys: tuple[str, str]) -> Any:
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


def _unmarked(text: str) -> tuple[str, dict[str, Any]]:
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
            "D109",
            f"the {role} is {start} to {end}, but there are {size} {unit}",
            "count from 0; the end is exclusive",
        )


def _refuse_overlap(head: Span, tail: Span) -> None:
    if head.start < tail.end and tail.start < head.end:
        raise Unreadable("D111", "head and tail overlap", "a pair needs two separate spans; fix it or remove it")
