"""Predictions of another tool: labels of texts, with or without the texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.examples import Corpus, Origin
from halluc.data.fields import whole
from halluc.data.predictions import (
    MEND,
    PREDICTED,
    ExternalPrediction,
    PredictionFile,
    confidence_field,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.reader import Reader
from halluc.data.rows.row import Row, Unreadable
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.text_classification.reading.labels import Labels

# The keys with which predictions are read, instead of those of the data; a skipped text would have no prediction.
_OF_TEXTS: dict[str, Any] = {
    "preset": None,
    "text_field": "text",
    "label_field": PREDICTED,
    "id_field": "id",
    "no_label": [],
}


class TextPredictions(PredictionFile):
    """Predicted labels, with or without the texts."""

    def __init__(self, path: Path, data: TextsConfig, corpus: Corpus[Labelled], scheme: str | None) -> None:
        super().__init__(path, data, corpus, scheme)
        config = data.model_copy(
            update={**_OF_TEXTS, "second_field": None if data.second_field is None else "second_text"}
        )
        self.reader: Reader = registry.load(TABLE, "reader", data.task)(config)
        self.labels = Labels(config, str(path))

    def read(self) -> list[ExternalPrediction]:
        layout = self.layout()
        rows = self.rows(layout)
        if layout.format == "text":
            rows = [replace(row, fields={PREDICTED: row.fields["text"]}) for row in rows]
        # In CSV the label column is always gold.
        names = () if layout.format == "csv" else (*self.data.label_columns, "label", "labels")
        return list(self.each(rows, lambda row: self._prediction(row, row.fields[predicted_field(row.fields, names)])))

    def renamed(self, one: ExternalPrediction, names: Mapping[str, str | None]) -> ExternalPrediction:
        if names.keys().isdisjoint(one.example.labels):
            return one
        pairs = zip(one.example.labels, one.confidences, strict=True)
        renamed = ((names.get(label, label), confidence) for label, confidence in pairs)
        labels = dict(sorted((label, confidence) for label, confidence in renamed if label is not None))
        return replace(one, example=replace(one.example, labels=tuple(labels)), confidences=(*labels.values(),))

    def differs(self, one: ExternalPrediction, example: Labelled) -> bool:
        text: Labelled = one.example
        return bool(text.tokens) and (text.tokens, text.second) != (example.tokens, example.second)

    def _prediction(self, row: Row, value: Any) -> ExternalPrediction:
        record, line = row.fields, row.line
        pairs = _pairs(value if isinstance(value, list) else [] if value is None else [value], confidence_field(record))
        is_cell = isinstance(value, str) or whole(value)
        labels, _ = self.labels.of(value if is_cell else [label for label, _ in pairs], line)
        confidences: dict[str, float | None] = {}
        for label, confidence in pairs:
            named, _ = self.labels.of(label if is_cell else [label], line)
            if len(named) > 1 and confidence is not None:
                raise Unreadable("D107", f"one confidence for {len(named)} labels", "write a list, with one for each")
            confidences = {**dict.fromkeys(named, confidence), **confidences}
        identity = given_id(record, self.data)
        tokens, second = self._tokens(row)
        example = Labelled(self.identity(row, identity), Origin(str(self.path), line), tokens, labels, second)
        of_labels = tuple(confidences[label] for label in labels)
        return ExternalPrediction(example, of_labels, bool(identity), in_scope=confidence_of(record.get("in_scope")))

    def _tokens(self, row: Row) -> tuple[tuple[str, ...], int | None]:
        """The tokens of the text, and the start of the second text; empty if the file has no texts."""
        names = {
            "text": self.data.text_field,
            "second_text": self.data.second_field,
            "tokens": "tokens",
            "second": "second",
        }
        fields = {usual: row.fields.get(own, row.fields.get(usual)) for usual, own in names.items()}
        if fields["text"] is None and fields["tokens"] is None:
            return (), None
        text = self.reader.input_of(replace(row, fields=fields))
        if not text.tokens:
            raise Unreadable("D106", "an empty text", MEND)
        return text.tokens, text.second


def _pairs(items: Sequence[Any], confidence: Any) -> list[tuple[Any, float | None]]:
    """Labels with their confidences, which are given with each label or in a separate list.

    Raises:
        Unreadable: a confidence is invalid, or their number differs from that of labels.
    """
    labels = [(item.get("label"), confidence_field(item)) if isinstance(item, dict) else item for item in items]
    pairs = [tuple(item) if isinstance(item, (list, tuple)) and len(item) == 2 else (item, None) for item in labels]
    if confidence is not None and confidence != "":
        several = confidence if isinstance(confidence, list) else [confidence]
        if len(several) != len(pairs):
            raise Unreadable("D107", f"{len(several)} confidences for {len(pairs)} labels", "each label has its own")
        pairs = [(label, one) for (label, _), one in zip(pairs, several, strict=True)]
    return [(label, confidence_of(one)) for label, one in pairs]
