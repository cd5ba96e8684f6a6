"""Predictions of another tool in a file: spans or tags of sentences, or labels of texts, with confidences or without.

Files are read as gold is, by the row layer and the readers of the tasks. Here is what differs: the last column is the
predicted one, the field is called ``predicted`` or as in the data, and items have confidences. What halluc itself
writes is read too.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.characters import cut
from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.labels import Scheme
from halluc.data.causes import folded
from halluc.data.config import DataConfig
from halluc.data.fields.paths import path_of, value_at
from halluc.data.fields.values import unpacked, whole
from halluc.data.joining import Stated
from halluc.data.reader import RawSentence
from halluc.data.rows.layout import Layout
from halluc.data.rows.reading import format_of, open_rows
from halluc.data.rows.references import absent, refuse_irregular
from halluc.data.rows.row import BadLine, Row, Unreadable
from halluc.data.statistics import counted
from halluc.data.tokenization import Tokenizer
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.reading.config import TextsConfig
from halluc.tasks.text_classification.reading.labels import Labels
from halluc.tasks.text_classification.reading.reader import TextsReader
from halluc.tasks.token_classification.reading import forms
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.decoding import Decoding, Finding, Place
from halluc.tasks.token_classification.reading.fields import MOST_ROWS
from halluc.tasks.token_classification.reading.reader import SpansReader
from halluc.tasks.token_classification.reading.records import Records
from halluc.tasks.token_classification.reading.tag_notation import STANDARD
from halluc.tasks.token_classification.tagged_sentence import Tagged

PREDICTED, PREDICTED_TAGS = "predicted", "predicted_tags"
_MEND = "every example needs a prediction: mend the line"
# How predictions are read, in the place of the data's keys. Their labels are not renamed as those of gold are: the tool
# may have been trained on the new names. An example that is skipped would be one without a prediction.
_OF_SPANS: dict[str, Any] = {
    "preset": None, "tokens_field": "tokens", "text_field": "text", "tags_field": "tags", "spans_field": "spans",
    "id_field": "id", "token_column": 0, "tag_column": -1, "tag_key": None, "overlaps": "longest", "scheme": "auto",
    "bad_tags": "repair", "rename_labels": {},
}  # fmt: skip
_OF_TEXTS: dict[str, Any] = {
    "preset": None,
    "text_field": "text",
    "label_field": PREDICTED,
    "id_field": "id",
    "no_label": [],
}
# Under `predicted`, and in what halluc writes, spans count from 0 and end behind their last token, whatever gold does.
_OWN = (("span_end", "exclusive"), ("span_base", 0), ("span_label_field", None))
_KEYS, _BESIDE = "(keys)", "(beside)"
# A sentence, the confidences of its spans, and whether it has an id.
_Sentence = tuple[RawSentence, Mapping[Span, Any], bool]


def read_predictions(
    path: Path, data: DataConfig, corpus: Corpus[Any], scheme: Scheme | None
) -> tuple[list[Stated], File]:
    """All predictions in the order of the file, and the file with what was noticed in it.

    Args:
        data: the section of the config, which names fields and cuts texts. corpus: the split that they are about.
        scheme: that of its gold tags, None where it has none.

    Raises:
        HallucError or ManyErrors D1xx: the file is absent or empty, or a line cannot be read.
    """
    refuse_irregular(path, "it is read several times: copy what it gives into a file")
    if not path.is_file():
        raise absent(path)
    file: _Sentences | _Texts
    if isinstance(data, SpansConfig):
        file = _Sentences(path, data.resolved(), corpus, scheme)
    else:
        assert isinstance(data, TextsConfig), "examples are sentences with tags, or texts"
        file = _Texts(path, data, corpus)
    found = file.read()
    bad = [replace(one, help=_MEND) if "on_bad_line" in (one.help or "") else one for one in file.bad]
    refuse(folded(bad))
    if not found:
        raise data_error("D102", "there is no prediction in it", Location(str(path)), "is this the right file?")
    return found, file


class File:
    """One file; ``bad``, ``notes`` (counts) and ``warnings`` (the same in sentences) fill up while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bad: list[BadLine] = []
        self.notes: dict[str, int] = {}
        self.warnings: list[str] = []

    def rows(self, layout: Layout) -> list[Row]:
        return list(self.sound(open_rows(str(self.path), "test", layout)[1], Row))

    def sound(self, items: Iterable[Any], kind: type) -> Iterator[Any]:
        """Those of a kind; lines that cannot be read are kept in ``bad``."""
        for item in items:
            if isinstance(item, kind):
                yield item
            elif isinstance(item, BadLine):
                self.bad.append(item)

    def each(self, rows: Iterable[Row], make: Callable[[Row], Any]) -> Iterator[Any]:
        """What is made of each row that can be read."""
        for row in rows:
            try:
                yield make(row)
            except Unreadable as why:
                self.bad.append(row.bad(why))

    def warn(self, note: str, found: Sequence[Finding], told: str) -> None:
        if found:
            self.notes[note] = len(found)
            self.warnings.append(f"{counted(len(found), told)} (first: {found[0].where}: {found[0].what})")


class _Sentences(File):
    """Sentences with predicted tags or spans."""

    def __init__(self, path: Path, data: SpansConfig, corpus: Corpus[Tagged], scheme: Scheme | None) -> None:
        super().__init__(path)
        self.data, self.corpus, self.gold_scheme = data, corpus, scheme
        self.config = data.model_copy(update=_OF_SPANS)
        if data.bad_spans == "skip":
            self.config = self.config.model_copy(update={"bad_spans": "error"})

    def read(self) -> list[Stated]:
        layout = replace(self.data.layout(), format="auto", formats=("conll", "jsonl", "json", "table"))
        form = format_of(self.path, layout)
        found = self._columns() if form == "conll" else self._records(replace(layout, format=form))
        mended = [Finding(Place(raw.file, raw.lines[0]), told) for raw, *_ in found for told in raw.repairs]
        overlaps = [one for one in mended if "overlaps the longer" in one.what]
        self.warn("overlapping_spans", overlaps, "predicted spans left out, since a longer one overlaps them")
        others = [one for one in mended if one not in overlaps]
        self.warn("mended_spans", others, "predicted spans stripped, widened or left out, as `data` says")
        decoding, made = self._decoded([replace(raw, repairs=()) for raw, *_ in found], self.config, self.bad)
        reading = decoding.readings.get("test")
        keeps = reading if reading is not None and reading.scheme == "iob2" else None
        if reading is not None:
            told = f"predicted tags illegal in {reading.scheme.upper()}, read as conlleval reads them"
            self.warn("illegal_tags", decoding.repairs, told)
            self.warnings += [f"predicted tags are read as {reading}"] if reading.notation != STANDARD else []
        stated = []
        for (raw, sure, has_id), example in zip(found, made, strict=True):
            if example is not None:
                tags = None if keeps is None or raw.tags is None else keeps.canonical(raw.tags)
                stated.append(Stated(example, tuple(map(sure.get, example.spans)), has_id, tags))
        return stated

    def _decoded(
        self, sentences: list[RawSentence], config: SpansConfig, bad: list[BadLine]
    ) -> tuple[Decoding, list[Tagged | None]]:
        """Examples of sentences. Tags that break every scheme are read as IOB2, and so are those that look like IOB1,
        as illegal IOB2 does, unless gold is of IOB1."""
        decoding = Decoding(config, bad)
        try:
            decoding.decide_schemes({"test": sentences})
        except HallucError:
            decoding = Decoding(config.model_copy(update={"scheme": "iob2"}), bad)
            decoding.decide_schemes({"test": sentences})
        reading = decoding.readings.get("test")
        if reading is not None and reading.scheme == "iob1" and self.gold_scheme != "iob1":
            decoding.readings = {"test": replace(reading, scheme="iob2")}
        return decoding, [decoding.tagged(one, "test") for one in sentences]

    # --- columns

    def _columns(self) -> list[_Sentence]:
        data, rows = self.data, list[Row]()
        for separator in (data.separator, "whitespace"):  # as in files for conlleval, whatever the data has
            if not rows or len(rows[0].fields) < 2:
                self.bad.clear()
                layout = Layout("conll", data.encoding, data.max_line_bytes, separator=separator, comment=data.comment)
                rows = self.rows(layout)
        if not rows:
            return []
        first, width = rows[0].fields, len(rows[0].fields)
        if width < 2:
            help = "the token stands first, the predicted tag last, and a blank line ends a sentence"
            self.bad.append(rows[0].bad(Unreadable("D105", "1 column where 2 are needed", help)))
            return []
        own = data.token_column if isinstance(data.token_column, int) and width > 2 else 0
        own += width if own < 0 else 0
        token = own if own < width - 1 and first[own][:1] == self.corpus.examples[0].tokens[:1] else 0
        found = list(self.sound(self._of_column(rows, token, width - 1), RawSentence))
        if token < width - 2 and not self.bad:
            self._check_gold(self._of_column(rows, token, width - 2))
        return [(raw, {}, False) for raw in found]

    def _of_column(self, rows: list[Row], token: int, tag: int) -> Iterator[Any]:
        made = (replace(row, fields={0: row.fields[token], -1: row.fields[tag]}) for row in rows)
        return SpansReader(self.config).sentences(made, "test")

    def _check_gold(self, items: Iterator[Any]) -> None:
        """Warn where the last column but one has labels of gold, and is not gold: the columns may be exchanged."""
        bad: list[BadLine] = []
        config = self.config.model_copy(update={"rename_labels": self.data.rename_labels})
        try:
            _, there = self._decoded([one for one in items if isinstance(one, RawSentence)], config, bad)
        except HallucError:  # no tags
            return
        labels = {span.label for one in there if one is not None for span in one.spans}
        known = {span.label for example in self.corpus for span in example.spans}
        pairs = zip(there, self.corpus, strict=False)
        differing = [one.origin for one, example in pairs if one is not None and one.spans != example.spans]
        if differing and not bad and labels and labels <= known:
            self.warnings.append(
                f"the last column but one is not the gold of {self.corpus.split} in {len(differing):,} sentences "
                f"(first: {differing[0]}): are they exchanged? The last is taken for predicted"
            )

    # --- records

    def _records(self, layout: Layout) -> list[_Sentence]:
        rows = list(self.each(self.rows(layout), self._usual))
        records: dict[Any, Records] = {}
        for keys in dict.fromkeys(row.fields[_KEYS] for row in rows):
            config = self.config.model_copy(update=dict(keys))
            same = [row for row in rows if row.fields[_KEYS] == keys]
            records[keys] = Records(config, Tokenizer.of(config), same[:MOST_ROWS])

        def sentence(row: Row) -> _Sentence:
            raw = records[row.fields[_KEYS]].sentence(row, "test")
            sure = {**row.fields[_BESIDE], **dict(zip(raw.spans or (), raw.confidences, strict=False))}
            return raw, {span: _confidence(given) for span, given in sure.items()}, "id" in row.fields

        return list(self.each(rows, sentence))

    def _usual(self, row: Row) -> Row:
        """The row with the usual names of fields, with the keys that its spans need and confidences beside its tags."""
        record, data = row.fields, self.data
        made = {_KEYS: (), _BESIDE: {}, **_identity(record, data)}
        for usual, name in (("tokens", data.tokens_field), ("text", data.text_field)):
            value = value_at(record, path_of(name, [record]))
            value = record.get(usual) if value is None else value
            made |= {} if value is None else {usual: value}
        if made.keys().isdisjoint(("tokens", "text")):
            help = "without them it is not known whether spans count words or characters"
            raise Unreadable("D107", "neither `tokens` nor `text`", help)
        name = _predicted(record, (data.spans_field, "spans", "entities", data.tags_field, "tags"))
        value = unpacked(record[name])
        items = value if isinstance(value, list) else []
        if name in (PREDICTED_TAGS, data.tags_field, "tags") or (items and isinstance(items[0], str)):
            given = forms.spans(_scored(record.get(PREDICTED) or []), PREDICTED) if name == PREDICTED_TAGS else []
            beside = {Span(one.start, one.end, one.label): one.confidence for one in given}
            return replace(row, fields={**made, "tags": value, _BESIDE: beside})
        is_written = any(isinstance(item, dict) and "start_char" in item for item in items)  # by `halluc predict`
        if name == PREDICTED or is_written:
            counts_tokens = "tokens" in made and (is_written or "text" not in made)
            made[_KEYS] = (*_OWN, ("span_unit", "tokens")) if counts_tokens else _OWN
        return replace(row, fields={**made, "spans": _scored(value)})


def _scored(items: Any) -> Any:
    """Spans of which ``[start, end, label, confidence]`` are objects."""
    names = ("start", "end", "label", "confidence")
    is_list = isinstance(items, list)
    return (
        [dict(zip(names, one, strict=True)) if isinstance(one, list) and len(one) == 4 else one for one in items]
        if is_list
        else items
    )


class _Texts(File):
    """Predicted labels, with the texts or without."""

    def __init__(self, path: Path, data: TextsConfig, corpus: Corpus[Labelled]) -> None:
        super().__init__(path)
        self.data, self.corpus = data, corpus
        second = None if data.second_field is None else "second_text"
        config = data.model_copy(update={**_OF_TEXTS, "second_field": second})
        self.reader, self.labels = TextsReader(config), Labels(config, str(path))

    def read(self) -> list[Stated]:
        layout = Layout(
            encoding=self.data.encoding, max_line_bytes=self.data.max_line_bytes, quoting=self.data.quoting,
            formats=("jsonl", "json", "csv", "table", "text"), asked=(PREDICTED,),
        )  # fmt: skip
        layout = replace(layout, format=format_of(self.path, layout))
        rows = self.rows(layout)
        if layout.format == "text":
            rows = [replace(row, fields={PREDICTED: row.fields["text"]}) for row in rows]
        # In CSV the column of the label is gold wherever there is one.
        names = () if layout.format == "csv" else (*self.data.label_columns, "label", "labels")
        return list(self.each(rows, lambda row: self._stated(row, row.fields[_predicted(row.fields, names)])))

    def _stated(self, row: Row, value: Any) -> Stated:
        record, line = row.fields, row.line
        items = value if isinstance(value, list) else [] if value is None else [value]
        pairs = _pairs(items, _beside(record))
        is_one = isinstance(value, str) or whole(value)
        labels, _ = self.labels.of(value if is_one else [label for label, _ in pairs], line)
        sure: dict[str, float | None] = {}
        for label, confidence in pairs:
            named, _ = self.labels.of(label if is_one else [label], line)
            if len(named) > 1 and confidence is not None:
                raise Unreadable("D107", f"one confidence for {len(named)} labels", "give a list, with one for each")
            sure = {**dict.fromkeys(named, confidence), **sure}
        identity = _identity(record, self.data)
        name = identity.get("id", f"{self.corpus.split}-{row.number or line}")
        tokens, second = self._tokens(row)
        example = Labelled(name, Origin(str(self.path), line), tokens, labels, second)
        in_scope = _confidence(record.get("in_scope"))
        return Stated(example, tuple(sure[label] for label in labels), bool(identity), None, in_scope)

    def _tokens(self, row: Row) -> tuple[tuple[str, ...], int | None]:
        """Those of the text, and where the second text begins; none where the file has no texts."""
        names = {
            "text": self.data.text_field,
            "second_text": self.data.second_field,
            "tokens": "tokens",
            "second": "second",
        }
        found = {usual: row.fields.get(own, row.fields.get(usual)) for usual, own in names.items()}
        if found["text"] is None and found["tokens"] is None:
            return (), None
        given = self.reader.input_of(replace(row, fields=found))
        if not given.tokens:
            raise Unreadable("D106", "an empty text", _MEND)
        return given.tokens, given.second


def _identity(record: Mapping[Any, Any], data: DataConfig) -> dict[str, Any]:
    """The ``id``, where there is one.

    Raises:
        Unreadable: it is neither a string nor a whole number.
    """
    given = next((record[key] for key in (data.id_field, "id") if key in record), None)
    if given is not None and not isinstance(given, str) and not whole(given):
        raise Unreadable("D107", "the id is neither a string nor a whole number")
    return {} if given is None or given == "" else {"id": str(given)}


def _predicted(record: Mapping[Any, Any], others: Sequence[Any]) -> Any:
    """The name of the predicted field: ``predicted``, or else the first of the others.

    Raises:
        Unreadable: there is none; or one of a like name, beside which another may be gold.
    """
    name = next((name for name in (PREDICTED_TAGS, PREDICTED, *others) if name in record), None)
    meant = next((key for key in record if str(key).lower().startswith("pred")), None)
    if name in (PREDICTED_TAGS, PREDICTED) or (name is not None and meant is None):
        return name
    have = ", ".join(f"`{cut(str(key))}`" for key in list(record)[:8]) or "nothing"
    help = f"call it `{PREDICTED}`" if meant is None else f"is `{cut(str(meant))}` meant? call it `{PREDICTED}`"
    raise Unreadable("D107" if others else "D116", f"no field `{PREDICTED}`; it has {have}", help)


def _beside(record: Mapping[Any, Any]) -> Any:
    return next((record[key] for key in ("confidence", "score") if key in record), None)


def _confidence(given: Any) -> float | None:
    """
    Raises:
        Unreadable: it is no number from 0 to 1.
    """
    if given is None or given == "":
        return None
    number = math.nan
    if not isinstance(given, bool):
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            number = float(given)
    if not 0 <= number <= 1:
        raise Unreadable("D107", f"the confidence {cut(repr(given))} is not between 0 and 1", "give probabilities")
    return number


def _pairs(items: Sequence[Any], beside: Any) -> list[tuple[Any, float | None]]:
    """Labels with their confidences, which stand with each label or beside all of them.

    Raises:
        Unreadable: a confidence is none, or there are not as many as labels.
    """
    given = [(item.get("label"), _beside(item)) if isinstance(item, dict) else item for item in items]
    pairs = [tuple(item) if isinstance(item, (list, tuple)) and len(item) == 2 else (item, None) for item in given]
    if beside is not None and beside != "":
        several = beside if isinstance(beside, list) else [beside]
        if len(several) != len(pairs):
            raise Unreadable("D107", f"{len(several)} confidences for {len(pairs)} labels", "each label has its own")
        pairs = [(label, one) for (label, _), one in zip(pairs, several, strict=True)]
    return [(label, _confidence(one)) for label, one in pairs]
