"""From rows to sentences with a head and a tail: halluc's records, marked texts, SemEval-2010, TACRED and OpenNRE."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from halluc.core.examples import Origin
from halluc.data.config import DataConfig
from halluc.data.fields import path_of, value_at
from halluc.data.inputs import InputText, identity_of
from halluc.data.predictions import PredictionFile
from halluc.data.reader import RowReader, Unmapped
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import MEND, BadLine, Notice, Row, Unreadable, quoted
from halluc.data.writers import Options, Writer, json_lines, json_list, unfit
from halluc.tasks.relation_extraction.examples import NO_RELATION, Related, RelationExamples
from halluc.tasks.relation_extraction.reading.config import NONE_LABELS, RelationsConfig
from halluc.tasks.relation_extraction.reading.pairs import OTHER, TEXTS, Pair, PairFields
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
    "jsonl": Writer("tokens, head, tail and relation, one object per line", json_lines(_record), (".jsonl",)),
    "json": Writer("the same, as one list", json_list(_record), (".json",)),
}


# A block of SemEval-2010 Task 8: a number and a sentence, then the relation, then a comment.
_SENTENCE = re.compile(r'(\d+)\t"?(.*?)"?\s*$')
_LABELS = ("relation", "label")


class RelationsReader(RowReader):
    """Sentences with a marked head and tail: JSON Lines, JSON, CSV, tables, the hub, and files of SemEval-2010."""

    Config: ClassVar[type[DataConfig]] = RelationsConfig
    Predictions: ClassVar[type[PredictionFile] | None] = PairPredictions
    writers: ClassVar[Mapping[str, Writer]] = WRITERS
    config: RelationsConfig

    def __init__(self, config: RelationsConfig) -> None:
        super().__init__(config)
        self._fields = PairFields(config)

    def rows(self, reference: str, split: SplitName) -> tuple[str, Iterator[Row | BadLine | Notice]]:
        file, rows = super().rows(reference, split)
        return file, _group_blocks(rows)

    def examples(self, row: Row, origin: Origin, identity: str) -> Sequence[Related]:
        pair = self.pair(row)
        return (Related(identity, origin, pair.tokens, pair.head, pair.tail, self._relation(row)),)

    def input_of(self, row: Row) -> InputText:
        """A sentence to predict, with its head and tail.

        Raises:
            Unreadable: it has no text, or head and tail cannot be determined.
        """
        identity = identity_of(row, self.config.id_field)
        text = row.fields.get("text")
        if isinstance(text, str) and not text.strip() and len(row.fields) == 1:
            return InputText(row.line, identity, (), text, ())
        pair = self.pair(row)
        return InputText(row.line, identity, pair.tokens, pair.text, pair.bounds, details=(pair.head, pair.tail))

    def pair(self, row: Row) -> Pair:
        """
        Raises:
            Unreadable: there is no text, or head and tail cannot be determined.
        """
        pair = self._fields.pair(row)
        self.say(pair.mapping)
        return pair

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
        return self._fields.relation_of(value_at(given, path), column, (*NONE_LABELS, *([OTHER] if is_semeval else [])))


# The field of rows that represent a block of SemEval-2010.
_BLOCK = "semeval"


def _group_blocks(rows: Iterable[Row | BadLine | Notice]) -> Iterator[Row | BadLine | Notice]:
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
    return any(isinstance(given.get(name), str) and "<e1>" in given[name] for name in TEXTS)
