"""Predictions of another tool: tags in columns, or records with tags or spans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Span
from halluc.data.fields import unpacked, value_of
from halluc.data.predictions import (
    PREDICTED,
    PREDICTED_TAGS,
    ExternalPrediction,
    PredictionFile,
    confidence_of,
    given_id,
    predicted_field,
)
from halluc.data.rows.reading import format_of
from halluc.data.rows.row import BadLine, Layout, Notice, Row, Unreadable
from halluc.data.tokenization import Tokenizer
from halluc.tasks.token_classification.reading import forms
from halluc.tasks.token_classification.reading.columns import TagColumns
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.decoding import TagDecoder
from halluc.tasks.token_classification.reading.fields import MOST_ROWS
from halluc.tasks.token_classification.reading.records import Records
from halluc.tasks.token_classification.reading.tag_notation import STANDARD
from halluc.tasks.token_classification.tagged_sentence import RawSentence, Tagged

# The keys with which predictions are read, instead of those of the data. Labels are not renamed like those of gold,
# because the tool may have been trained with the new names. A skipped example would have no prediction.
_OF_SPANS: dict[str, Any] = {
    "preset": None, "tokens_field": "tokens", "text_field": "text", "tags_field": "tags", "spans_field": "spans",
    "id_field": "id", "token_column": 0, "tag_column": -1, "tag_key": None, "overlaps": "longest", "scheme": "auto",
    "bad_tags": "repair", "rename_labels": {}, "document_field": None,
}  # fmt: skip
# In `predicted`, and in files of halluc, spans count from 0 and have exclusive ends, independent of gold.
_OWN = (("span_end", "exclusive"), ("span_base", 0), ("span_label_field", None))
_KEYS, _CONFIDENCES = "(keys)", "(confidences)"
# A sentence, the confidences of its spans, and whether it has an id.
_Sentence = tuple[RawSentence, Mapping[Span, Any], bool]


class SentencePredictions(PredictionFile):
    """Sentences with predicted tags or spans."""

    def __init__(self, path: Path, data: SpansConfig, corpus: Corpus[Tagged], scheme: str | None) -> None:
        data = data.resolved()
        super().__init__(path, data, corpus, scheme)
        self.config = data.model_copy(update=_OF_SPANS)
        if data.bad_spans == "skip":
            self.config = self.config.model_copy(update={"bad_spans": "error"})

    def read(self) -> list[ExternalPrediction]:
        layout = replace(self.data.layout(), format="auto", formats=("conll", "jsonl", "json", "table"))
        form = format_of(self.path, layout)
        sentences = self._columns() if form == "conll" else self._records(replace(layout, format=form))
        repairs = [Notice(raw.file, raw.lines[0], text) for raw, *_ in sentences for text in raw.repairs]
        overlaps = [one for one in repairs if "overlaps the longer" in one.what]
        self.warn("overlapping_spans", overlaps, "predicted spans removed, because a longer one overlaps them")
        self.warn(
            "mended_spans",
            [one for one in repairs if one not in overlaps],
            "predicted spans stripped, widened or removed according to `data`",
        )
        decoding, examples = self._decode([replace(raw, repairs=()) for raw, *_ in sentences], self.config, self.bad)
        reading = decoding.readings.get("test")
        iob2 = reading if reading is not None and reading.scheme == "iob2" else None
        if reading is not None:
            text = f"predicted tags that are invalid in {reading.scheme.upper()}, read as conlleval does"
            self.warn("illegal_tags", decoding.repairs, text)
            self.warnings += [f"predicted tags are read as {reading}"] if reading.notation != STANDARD else []
        imported = []
        for (raw, confidences, has_id), example in zip(sentences, examples, strict=True):
            if example is not None:
                tags = None if iob2 is None or raw.tags is None else iob2.canonical(raw.tags)
                imported.append(ExternalPrediction(example, tuple(map(confidences.get, example.spans)), has_id, tags))
        return imported

    def renamed(self, one: ExternalPrediction, names: Mapping[str, str | None]) -> ExternalPrediction:
        if names.keys().isdisjoint(one.example.labels):
            return one
        named = (
            (span, names.get(span.label, span.label), confidence)
            for span, confidence in zip(one.example.spans, one.confidences, strict=True)
        )
        spans = {span._replace(label=label): confidence for span, label, confidence in named if label is not None}
        return replace(one, example=replace(one.example, spans=tuple(spans)), confidences=(*spans.values(),), tags=None)

    def _decode(
        self, sentences: list[RawSentence], config: SpansConfig, bad: list[BadLine]
    ) -> tuple[TagDecoder, list[Tagged | None]]:
        """Examples from sentences. Tags that fit no scheme are read as IOB2; so are tags that fit IOB1, because they
        may be illegal IOB2, unless gold is IOB1."""
        decoding = TagDecoder(config, bad)
        try:
            decoding.prepare({"test": sentences})
        except HallucError:
            decoding = TagDecoder(config.model_copy(update={"scheme": "iob2"}), bad)
            decoding.prepare({"test": sentences})
        reading = decoding.readings.get("test")
        if reading is not None and reading.scheme == "iob1" and self.gold_scheme != "iob1":
            decoding.readings = {"test": replace(reading, scheme="iob2")}
        return decoding, [decoding.example(one, "test") for one in sentences]

    # --- columns

    def _columns(self) -> list[_Sentence]:
        data, rows = self.data, list[Row]()
        for separator in (data.separator, "whitespace"):  # as in files for conlleval, whatever the data uses
            if not rows or len(rows[0].fields) < 2:
                self.bad.clear()
                rows = self.rows(
                    Layout("conll", data.encoding, data.max_line_bytes, separator=separator, comment=data.comment)
                )
        if not rows:
            return []
        first, width = rows[0].fields, len(rows[0].fields)
        if width < 2:
            self.bad.append(
                rows[0].bad(
                    Unreadable(
                        "D105",
                        "1 column, but 2 are needed",
                        "the first column is the token, the last one the predicted tag, and a blank line ends a "
                        "sentence",
                    )
                )
            )
            return []
        own = data.token_column if isinstance(data.token_column, int) and width > 2 else 0
        own += width if own < 0 else 0
        token = own if own < width - 1 and first[own][:1] == self.corpus.examples[0].tokens[:1] else 0
        results = list(self.sound(self._read_column(rows, token, width - 1), RawSentence))
        if token < width - 2 and not self.bad:
            self._check_gold(self._read_column(rows, token, width - 2))
        return [(raw, {}, False) for raw in results]

    def _read_column(self, rows: list[Row], token: int, tag: int) -> Iterator[Any]:
        pairs = [replace(row, fields={0: row.fields[token], -1: row.fields[tag]}) for row in rows]
        return TagColumns(self.config, Tokenizer.of(self.config)).sentences(pairs, pairs[:MOST_ROWS], "test")

    def _check_gold(self, items: Iterator[Any]) -> None:
        """Warn if the last column but one has the labels of gold but differs from gold: columns may be swapped."""
        bad: list[BadLine] = []
        config = self.config.model_copy(update={"rename_labels": self.data.rename_labels})
        try:
            _, examples = self._decode([one for one in items if isinstance(one, RawSentence)], config, bad)
        except HallucError:  # no tags
            return
        labels = {span.label for one in examples if one is not None for span in one.spans}
        known = {span.label for example in self.corpus for span in example.spans}
        differing = [
            one.origin
            for one, example in zip(examples, self.corpus, strict=False)
            if one is not None and one.spans != example.spans
        ]
        if differing and not bad and labels and labels <= known:
            self.warnings.append(
                f"the last column but one is not the gold of {self.corpus.split} in {len(differing):,} sentences "
                f"(first: {differing[0]}): check whether they are swapped. The last column is read as predicted"
            )

    # --- records

    def _records(self, layout: Layout) -> list[_Sentence]:
        rows = list(self.each(self.rows(layout), self._with_usual_fields))
        records: dict[Any, Records] = {}
        for keys in dict.fromkeys(row.fields[_KEYS] for row in rows):
            config = self.config.model_copy(update=dict(keys))
            same = [row for row in rows if row.fields[_KEYS] == keys]
            records[keys] = Records(config, Tokenizer.of(config), same[:MOST_ROWS])

        def sentence(row: Row) -> _Sentence:
            raw = records[row.fields[_KEYS]].sentence(row, "test")
            given = {**row.fields[_CONFIDENCES], **dict(zip(raw.spans or (), raw.confidences, strict=False))}
            return raw, {span: confidence_of(value) for span, value in given.items()}, "id" in row.fields

        return list(self.each(rows, sentence))

    def _with_usual_fields(self, row: Row) -> Row:
        """The row with the usual field names, the config keys that its spans need, and the confidences of its spans."""
        record, data = row.fields, self.data
        fields = {_KEYS: (), _CONFIDENCES: {}, **given_id(record, data)}
        for usual, name in (("tokens", data.tokens_field), ("text", data.text_field)):
            value = value_of(record, name)
            value = record.get(usual) if value is None else value
            fields |= {} if value is None else {usual: value}
        if fields.keys().isdisjoint(("tokens", "text")):
            raise Unreadable(
                "D107",
                "neither `tokens` nor `text`",
                "without them the unit of the spans is unknown: write a record for each example,"
                ' such as {"text": "…", "entities": […]}',
            )
        name = predicted_field(record, (data.spans_field, "spans", "entities", data.tags_field, "tags"))
        value = unpacked(record[name])
        items = value if isinstance(value, list) else []
        if name in (PREDICTED_TAGS, data.tags_field, "tags") or (items and isinstance(items[0], str)):
            given = forms.spans(_as_objects(record.get(PREDICTED) or []), PREDICTED) if name == PREDICTED_TAGS else []
            confidences = {Span(one.start, one.end, one.label): one.confidence for one in given}
            return replace(row, fields={**fields, "tags": value, _CONFIDENCES: confidences})
        is_written = any(isinstance(item, dict) and "start_char" in item for item in items)  # by `halluc predict`
        if name == PREDICTED or is_written:
            counts_tokens = "tokens" in fields and (is_written or "text" not in fields)
            fields[_KEYS] = (*_OWN, ("span_unit", "tokens")) if counts_tokens else _OWN
        return replace(row, fields={**fields, "spans": _as_objects(value)})


def _as_objects(items: Any) -> Any:
    """Spans with ``[start, end, label, confidence]`` converted to objects."""
    if not isinstance(items, list):
        return items
    names = ("start", "end", "label", "confidence")
    return [dict(zip(names, one, strict=True)) if isinstance(one, list) and len(one) == 4 else one for one in items]
