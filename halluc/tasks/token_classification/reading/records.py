"""Converts records to sentences with tags or spans."""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from halluc.core.errors import data_error
from halluc.core.examples import Span
from halluc.data.config import Column
from halluc.data.fields import located, named, own_id, path_of, unpacked, value_at, value_of
from halluc.data.inputs import InputText, given_tokens, identity_of, single
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import Notice, Row, Unreadable, quoted
from halluc.data.tokenization import Tokenizer
from halluc.tasks.token_classification.reading import forms, offsets, values
from halluc.tasks.token_classification.reading.alignment import Aligned, SpanAlignment
from halluc.tasks.token_classification.reading.config import SpansConfig, Unit
from halluc.tasks.token_classification.reading.fields import choose, no_annotation_error, no_input_error
from halluc.tasks.token_classification.reading.offsets import OffsetReading, Sample, Sentence
from halluc.tasks.token_classification.reading.values import EMPTY
from halluc.tasks.token_classification.tagged_sentence import RawSentence


class Records:
    """Maps the records of one file.

    Args:
        rows: the first rows of the file, which determine fields and units.
        gold: whether tags or spans are needed.

    Raises:
        HallucError D107: the contents of fields cannot be determined.
    """

    def __init__(self, config: SpansConfig, tokenizer: Tokenizer, rows: Sequence[Row], gold: bool = True) -> None:
        self.config, self.fields = choose(rows, config, gold)
        self.tokenizer, self.rows, self.gold = tokenizer, rows, gold
        self.names = config.names_of_tags
        self.named = {role: named(path) for role in ("tokens", "tags", "spans") if (path := getattr(self.fields, role))}
        self.alignment = SpanAlignment(self.config, self._advice)
        self._documents: dict[Any, int] = {}
        if gold and config.document_field is not None:
            self._refuse_no_documents(config.document_field)
        self._unit_of_both: Unit | None = None
        self._samples: list[Sample] | None = None
        self._advised: dict[OffsetReading, str | None] = {}

    @property
    def mapping(self) -> str:
        """One line: which fields are read, and how offsets count."""
        described = self.fields.description
        if not self.samples:
            return described
        both = next((sample for sample in self.samples if sample[0].source == "both"), self.samples[0])
        try:
            return f"{described}; offsets count {OffsetReading.of(self.config, self._unit(both))}"
        except Unreadable:  # reported for each row
            return described

    # --- examples

    def sentence(self, row: Row, split: SplitName, place: int = 0) -> RawSentence:
        """
        Args:
            place: the number of the row in the file, from 1.

        Raises:
            Unreadable: the record does not have the form of its file.
            Skipped: the config skips records with such spans.
        """
        record, fields = row.fields, self.fields
        line, document = row.line, self._document(row)
        own = own_id(value_at(record, fields.id), self.config.id_field)
        identity = str(own) if own is not None else f"{split}-{row.number or line}"
        tags, spans = value_at(record, fields.tags), value_at(record, fields.spans)
        listed, text = self._input(record)
        if listed is None and tags is not None and spans is None and text is not None:
            listed = text
        if listed is not None and tags is not None:
            if spans is not None:
                raise Unreadable(
                    "D107",
                    f"both `{self.config.tags_field}` and `{self.config.spans_field}`",
                    "remove one, or set another with `data.spans_field`",
                )
            tokens, tags = self._tagged_tokens(listed, tags, text)
            return RawSentence(identity, row.file, (line,) * len(tokens), document, tokens, tags, number=place)
        if listed is None and text is None:
            raise no_input_error(self.config, record)
        if spans is None and not self._may_lack_spans(record):
            raise no_annotation_error(self.config, record)
        sentence = self._tokens(listed, text, record)
        if not sentence.tokens:
            raise Unreadable(*EMPTY)
        aligned, repairs, by_span = self._spans(spans, sentence)
        confidences = tuple(map(by_span.get, aligned)) if by_span else ()
        words: Sequence[str] = sentence.tokens
        if listed is not None:
            words, kept = self.tokenizer.cleaned(words)
            if kept is not None:
                aligned = _renumber(aligned, kept)
        tokens = tuple(map(sys.intern, words))
        return RawSentence(
            identity, row.file, (line,) * len(tokens), document, tokens, None, aligned, repairs, confidences, place
        )

    def input_of(self, row: Row) -> InputText:
        """
        Raises:
            Unreadable: it has neither tokens nor a text.
        """
        record, identity = row.fields, identity_of(row, self.config.id_field)
        listed, text = self._input(record)
        if listed is None and text is None:
            listed, text = record.get("tokens"), record.get("text")
            text = text if isinstance(text, str) else None
        if listed is None and text is None:
            raise no_input_error(self.config, record)
        if listed is None:
            assert text is not None
            return replace(single(row.line, identity, text, self.tokenizer), document=self._document(row))
        if unpacked(listed) in ([], ()):
            blank = text is not None and not text.strip()
            return InputText(row.line, identity, (), text if blank else None, () if blank else None)
        words, places = values.words(listed, named(self.fields.tokens or ("tokens",)), text)
        given = given_tokens(row.line, identity, words, self.tokenizer, (text,), None, places)
        return replace(given, document=self._document(row))

    def notices(self) -> Iterator[Notice]:
        """A notice if another way of counting offsets also fits the first rows."""
        samples, config = self.samples, self.config
        first = next((sample for sample in samples if not any(given.fault for given in sample[1])), None)
        try:
            now = None if first is None else OffsetReading.of(config, self._unit(first))
        except Unreadable:  # reported for each row
            return
        if now is None:
            return
        configured = {key for key in ("span_unit", "span_end", "span_base") if key in config.model_fields_set}
        for what in offsets.doubts(samples, now, configured, config.strip_spans):
            yield Notice(self.rows[0].file, self.rows[0].line, what)

    # --- parts

    def _document(self, row: Row) -> int:
        """The number of the row's document in the file; with ``data.document_field``, that of the document's name.

        Raises:
            Unreadable D107: the name is neither a string nor a number.
        """
        field = self.config.document_field
        if field is None:
            return row.document
        name = own_id(value_of(row.fields, field), field)
        # A row without a document name is a separate document.
        return self._documents.setdefault((row.line, row.number) if name is None else name, len(self._documents) + 1)

    def _refuse_no_documents(self, field: Column) -> None:
        path = path_of(field, [row.fields for row in self.rows])
        if all(value_at(row.fields, path) is None for row in self.rows):
            first = self.rows[0]
            raise data_error(
                "D107",
                f"no row has `data.document_field: {field}`; it has {quoted(first.fields)}",
                first.bad(Unreadable("D107", "")).error().where,
                "set the field of the document, or `data.document_field: null`",
            )

    def _input(self, record: Mapping[str | int, Any]) -> tuple[Any, str | None]:
        """The list of tokens and the text of a record."""
        text = value_at(record, self.fields.text)
        return value_at(record, self.fields.tokens), text if isinstance(text, str) else None

    def _tagged_tokens(self, listed: Any, tags: Any, text: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if isinstance(listed, str) and isinstance(listed := unpacked(listed), str):
            words: tuple[str, ...] = tuple(listed.split())
            if not words:
                raise Unreadable(*EMPTY)
        else:
            words = values.words(listed, self.named.get("tokens", ""), text)[0]
        result = values.tags(tags, self.named["tags"], len(words), self.names)
        cleaned, kept = self.tokenizer.cleaned(words)
        if kept is not None:
            result = values.select_tags(result, kept, self.config.outside_tags)
        return tuple(map(sys.intern, cleaned)), result

    def _tokens(self, listed: Any, text: str | None, record: Mapping[str | int, Any]) -> Sentence:
        """The tokens that offsets refer to: those of the file, before normalisation."""
        if listed is not None:
            words, places = values.words(listed, self.named["tokens"], text)
            if text is None:
                return offsets.join_tokens(words)
            return Sentence(text, words, places or located(words, text), "both")
        if text is None:
            raise no_input_error(self.config, record)
        bounds, tokens = self.tokenizer.cut(text)
        return Sentence(text, tokens, bounds)

    def _spans(self, value: Any, sentence: Sentence) -> Aligned:
        raw_spans = forms.spans(value, self.named["spans"], self.config.span_label_field) if value else []
        if not raw_spans:
            return (), (), {}
        unit = self._unit((sentence, raw_spans))
        if sentence.bounds is None and unit != "tokens":
            raise Unreadable(
                "D109",
                f"offsets count {unit}, but the tokens do not occur in the text",
                "set `data.span_unit: tokens` if offsets count tokens",
            )
        return self.alignment.align(raw_spans, sentence, OffsetReading.of(self.config, unit))

    def _unit(self, sample: Sample) -> Unit:
        """The unit of the offsets of an example."""
        sentence = sample[0]
        if self.config.span_unit != "auto":
            return self.config.span_unit
        if sentence.source != "both":
            return "characters" if sentence.source == "text" else "tokens"
        if self._unit_of_both is None:
            first = [one for one in self.samples if one[0].source == "both"]
            for samples in (first, [sample]):
                unit, is_certain = offsets.detect_unit(samples, self.config) if samples else ("characters", False)
                if is_certain:
                    self._unit_of_both = unit
                    break
            else:
                return unit
        return self._unit_of_both

    @property
    def samples(self) -> list[Sample]:
        """The first readable rows with spans."""
        if self._samples is None:
            self._samples = []
            for row in self.rows:
                try:
                    value = value_at(row.fields, self.fields.spans)
                    raw_spans = forms.spans(value, "", self.config.span_label_field) if value else []
                    if raw_spans:
                        self._samples.append((self._tokens(*self._input(row.fields), row.fields), raw_spans))
                except Unreadable:  # reported when the row is read
                    continue
        return self._samples

    def _advice(self, reading: OffsetReading) -> str | None:
        """The keys with which all spans of the first rows fit."""
        if reading not in self._advised:
            self._advised[reading] = offsets.proposal(self.samples, reading, self.config.strip_spans)
        return self._advised[reading]

    def _may_lack_spans(self, record: Mapping[str | int, Any]) -> bool:
        """Whether it may have no field of spans: Label Studio's short form (JSON-MIN) omits it if there are none."""
        return self.config.preset == "label_studio" and "annotation_id" in record


def _renumber(spans: Sequence[Span], kept: Sequence[int]) -> tuple[Span, ...]:
    """The spans on the tokens ``kept``.

    Raises:
        Unreadable D106: a span has none of these tokens.
    """
    results = [Span(bisect_left(kept, span.start), bisect_left(kept, span.end), span.label) for span in spans]
    for span, before in zip(results, spans, strict=True):
        if span.start >= span.end:
            raise Unreadable("D106", f"the span {list(before)} (in tokens) has no visible characters", "remove it")
    return tuple(results)
