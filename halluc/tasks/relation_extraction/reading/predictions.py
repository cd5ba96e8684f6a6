"""Predictions of another tool: the relation of each pair, with the sentences or by id only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.examples import Corpus, Origin, Span
from halluc.data.predictions import (
    PREDICTED,
    ExternalPrediction,
    PredictionFile,
    confidence_field,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.rows.row import Row, Unreadable
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.reading.config import RelationsConfig
from halluc.tasks.relation_extraction.reading.pairs import PairFields

_NOWHERE = Span(0, 0, "")
_LINE_HELP = "a line of the SemEval-2010 Task 8 format has the number of a sentence, a tab, and its relation"
_ONE_HELP = "a pair has one relation or none: write one label, or [label, confidence]"


class PairPredictions(PredictionFile):
    """Predicted relations: rows with ``predicted``, files of halluc, and answer files of SemEval-2010 Task 8."""

    def __init__(self, path: Path, data: RelationsConfig, corpus: Corpus[Related], scheme: str | None) -> None:
        super().__init__(path, data, corpus, scheme)
        self.fields = PairFields(data.model_copy(update={"label_field": PREDICTED}))

    def read(self) -> list[ExternalPrediction]:
        layout = self.layout()
        return list(self.each(self.rows(layout), self._parse_line if layout.format == "text" else self._parse_record))

    def renamed(self, one: ExternalPrediction, names: Mapping[str, str | None]) -> ExternalPrediction:
        pair: Related = one.example
        if pair.relation is None or pair.relation not in names:
            return one
        relation = names[pair.relation]
        return replace(one, example=replace(pair, relation=relation), confidences=one.confidences if relation else ())

    def differs(self, one: ExternalPrediction, example: Related) -> bool:
        own, gold = ((pair.tokens, pair.head[:2], pair.tail[:2]) for pair in (one.example, example))
        return bool(own[0]) and own != gold

    def _parse_line(self, row: Row) -> ExternalPrediction:
        number, tab, label = str(row.fields["text"]).partition("\t")
        if not tab:
            raise Unreadable("D107", "a line without a tab", _LINE_HELP)
        return self._prediction(row, label, None, {"id": number.strip()}, (), (_NOWHERE, _NOWHERE))

    def _parse_record(self, row: Row) -> ExternalPrediction:
        record = row.fields
        value, confidence = _single_label(record[predicted_field(record, ())], confidence_field(record))
        has_text = any(record.get(name) for name in (self.data.text_field, "text", "sentence", "tokens", "token"))
        tokens, head, tail = self.fields.pair(row)[:3] if has_text else ((), _NOWHERE, _NOWHERE)
        return self._prediction(row, value, confidence, given_id(record, self.data), tokens, (head, tail))

    def _prediction(
        self, row: Row, label: Any, confidence: float | None, identity: Mapping[str, str], tokens: tuple[str, ...],
        pair: tuple[Span, Span],
    ) -> ExternalPrediction:  # fmt: skip
        relation = self.fields.relation_of(label, PREDICTED)
        where = Origin(str(self.path), row.line)
        example = Related(self.identity(row, identity), where, tokens, *pair, relation)
        return ExternalPrediction(example, (confidence,) if relation is not None else (), bool(identity))


def _single_label(value: Any, confidence: Any) -> tuple[Any, float | None]:
    """The label, None if the pair has no relation, and its confidence.

    Raises:
        Unreadable D107: there are several, or the confidence is invalid.
    """
    if isinstance(value, list):
        if len(value) > 1 and not (len(value) == 2 and isinstance(value[0], str) and not isinstance(value[1], str)):
            raise Unreadable("D107", f"{len(value)} predicted relations for one pair", _ONE_HELP)
        if len(value) == 1:
            return _single_label(value[0], confidence)
        value, confidence = value if value else (None, None)
    elif isinstance(value, Mapping):
        value, confidence = value.get("label"), confidence_field(value)
    return (value or None), confidence_of(confidence)
