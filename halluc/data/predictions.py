"""Predictions of another tool in a file: spans or tags of sentences, or labels of texts, with confidences or without.

Sentences: columns, of which the last is predicted (as in files for conlleval), or JSON Lines with spans or tags. Texts:
JSON Lines or CSV with a field ``predicted``, or one label a line. What halluc itself writes is read too.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.characters import cut
from halluc.core.errors import Location, data_error, refuse
from halluc.core.examples import Corpus, Labelled, Origin, Span, Tagged
from halluc.core.labels import Scheme, SchemeEvidence, UnknownTag, read_spans
from halluc.data.config import DataConfig
from halluc.data.decoding import Decoding, Finding, Place
from halluc.data.joining import Stated
from halluc.data.reader import RawSentence
from halluc.data.readers.conll import DOCUMENT_START, SEPARATORS, SpansConfig, SpansReader
from halluc.data.readers.jsonl import SpansConfig, SpansReader, Unreadable, parse_object, token_bounds
from halluc.data.readers.texts_csv import DELIMITERS, rows
from halluc.data.readers.texts_found import Found, of_record, whole
from halluc.data.readers.texts_making import Maker
from halluc.data.rows.columns import DOCUMENT_START
from halluc.data.rows.records import parse_object
from halluc.data.rows.references import absent, refuse_irregular
from halluc.data.rows.row import BadLine, Unreadable, excerpt
from halluc.data.rows.streams import Line, numbered_lines
from halluc.data.spans.config import SpansConfig
from halluc.data.spans.reader import SpansReader
from halluc.data.statistics import counted
from halluc.data.texts.config import TextsConfig
from halluc.data.texts_fields import Fields

PREDICTED = "predicted"
Record = dict[str, Any]
_COLUMNS = "the token stands first, the predicted tag last, and a blank line behind a sentence"


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
        file = _Sentences(path, data, corpus, scheme)
    else:
        assert isinstance(data, TextsConfig), "examples are sentences with tags, or texts"
        file = _Texts(path, data, corpus)
    found = file.read()
    # A line that is left out would be an example without a prediction.
    on_bad_line = "every example needs a prediction: mend the line"
    refuse((replace(bad, help=on_bad_line) if "on_bad_line" in (bad.help or "") else bad).error() for bad in file.bad)
    if not found:
        raise data_error("D102", "there is no prediction in it", Location(str(path)), "is this the right file?")
    return found, file


class File:
    """One file; ``bad``, ``notes`` (counts) and ``warnings`` (the same in sentences) fill up while it is read."""

    def __init__(self, path: Path, data: DataConfig, corpus: Corpus[Any]) -> None:
        self.path, self.data, self.corpus = path, data, corpus
        self.bad: list[BadLine] = []
        self.notes: dict[str, int] = {}
        self.warnings: list[str] = []

    def all_lines(self) -> Iterator[Line]:
        return numbered_lines(self.path, str(self.path), self.data.max_line_bytes)

    def lines(self) -> Iterator[tuple[int, str]]:
        """Those that can be read."""
        for item in self.all_lines():
            if isinstance(item, BadLine):
                self.bad.append(item)
            else:
                yield item

    def first_line(self) -> str:
        """The first with a prediction, or a header; empty where there is none."""
        skipped = (DOCUMENT_START, getattr(self.data, "comment", None) or DOCUMENT_START)
        texts = (item[1].strip(" \t") for item in self.all_lines() if not isinstance(item, BadLine))
        return next((text for text in texts if text and not text.startswith(skipped)), "")

    def is_json(self) -> bool:
        """Whether it is JSON Lines: a brace by itself is a token too."""
        first = self.first_line()
        return first.startswith("{") and first[1:].lstrip()[:1] in ('"', "}", "")

    def records(self) -> Iterator[tuple[int, Record, str]]:
        """The objects of JSON Lines."""
        for number, line in self.lines():
            if line.strip():
                with self.noted(number, line):
                    yield number, parse_object(line), line

    @contextlib.contextmanager
    def noted(self, number: int, line: str) -> Iterator[None]:
        """Keep what makes a line unreadable."""
        try:
            yield
        except Unreadable as bad:
            self.bad.append(BadLine(bad.code, str(self.path), number, bad.problem, bad.help, *excerpt(line)))

    def identity(self, record: Record) -> Record:
        """The ``id``, where there is one.

        Raises:
            Unreadable: it is neither a string nor a whole number.
        """
        given = next((record[key] for key in (getattr(self.data, "id_field", "id"), "id") if key in record), None)
        if given is not None and not isinstance(given, str) and not whole(given):
            raise Unreadable("D107", "the id is neither a string nor a whole number")
        return {} if given is None or given == "" else {"id": str(given)}

    def warn(self, note: str, found: Sequence[Finding], told: str) -> None:
        if found:
            self.notes[note] = len(found)
            self.warnings.append(f"{counted(len(found), told)} (first: {found[0].where}: {found[0].what})")


def _predicted(record: Record, others: Sequence[str]) -> Any:
    """The field ``predicted``, or else the first of the others.

    Raises:
        Unreadable: there is none; or one of a like name, beside which another may be gold.
    """
    name = next((name for name in (PREDICTED, *others) if name in record), None)
    meant = next((key for key in record if key.lower().startswith("pred")), None)
    if name == PREDICTED or (name is not None and meant is None):
        return record[name]
    have = ", ".join(f"`{cut(key)}`" for key in list(record)[:8]) or "nothing"
    help = f"call it `{PREDICTED}`" if meant is None else f"is `{cut(meant)}` meant? call it `{PREDICTED}`"
    raise Unreadable("D107", f"no field `{PREDICTED}`; it has {have}", help)


def _beside(record: Mapping[str, Any]) -> Any:
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


# One as it is read, with the confidence of each span and whether it has an id.
_Sentence = tuple[RawSentence, Mapping[Span, float | None], bool]


class _Sentences(File):
    """Sentences with predicted tags or spans."""

    def __init__(self, path: Path, data: SpansConfig, corpus: Corpus[Tagged], scheme: Scheme | None) -> None:
        super().__init__(path, data, corpus)
        self.gold_scheme = scheme

    def read(self) -> list[Stated]:
        found = list(self._records() if self.is_json() else self._columns())
        scheme = self._scheme([raw.tags for raw, _, _ in found if raw.tags is not None])
        overlaps = [Finding(Place(raw.file, raw.lines[0]), told) for raw, _, _ in found for told in raw.repairs]
        self.warn("overlapping_spans", overlaps, "predicted spans left out, since a longer one overlaps them")
        config = SpansConfig(format="conll", test=str(self.path), bad_tags="repair")
        decoding = Decoding(config, self.bad, scheme)
        made = [decoding.tagged(replace(raw, repairs=())) for raw, _, _ in found]
        told = f"predicted tags illegal in {scheme.upper()}, read as conlleval reads them"
        self.warn("illegal_tags", decoding.repairs, told)
        keeps = scheme == "iob2"
        return [
            Stated(example, tuple(map(sure.get, example.spans)), has_id, raw.tags if keeps else None)
            for (raw, sure, has_id), example in zip(found, made, strict=True)
            if example is not None
        ]

    def _scheme(self, sequences: Sequence[tuple[str, ...]]) -> Scheme:
        """IOB2 where tags break every scheme; and where they look like IOB1, as illegal IOB2 does, and gold is not."""
        evidence = SchemeEvidence()
        for tags in dict.fromkeys(sequences):
            with contextlib.suppress(UnknownTag):  # told when the sentence is decoded
                evidence.add(tags, range(len(tags)))
        found, _ = evidence.decide()
        return "iob2" if found is None or (found == "iob1" and self.gold_scheme != "iob1") else found

    def _columns(self) -> Iterator[_Sentence]:
        data, first = self.data, self.first_line()
        separator = getattr(data, "separator", "whitespace")
        cells = first.split(SEPARATORS.get(separator, separator))
        if len(cells) == 1:  # files for conlleval have blanks, whatever the data has
            separator, cells = "whitespace", first.split()
        own = getattr(data, "token_column", 0)
        places = [own, own + len(cells)] if len(cells) > 2 else []
        first_token = self.corpus.examples[0].tokens[0]
        token = next((n for n in places if 0 <= n < len(cells) - 1 and cells[n] == first_token), 0)
        config = SpansConfig(
            format="conll", test=str(self.path), separator=separator, token_column=token,
            comment=getattr(data, "comment", None), max_line_bytes=data.max_line_bytes,
        )  # fmt: skip
        for item in SpansReader(config).read(str(self.path), "test"):
            if isinstance(item, BadLine):
                self.bad.append(replace(item, help=_COLUMNS) if item.code == "D105" else item)
            else:
                yield item, {}, False
        if 0 <= token < len(cells) - 2 and not self.bad:
            self._check_gold(SpansReader(config.model_copy(update={"tag_column": -2})))

    def _check_gold(self, reader: SpansReader) -> None:
        """Warn where the last column but one has labels of gold, and is not gold: the columns may be exchanged."""
        found = [one for one in reader.read(str(self.path), "test") if isinstance(one, RawSentence)]
        try:
            there = [read_spans(one.tags or ()) for one in found]
        except UnknownTag:
            return
        labels = {span.label for spans in there for span in spans}
        known = {span.label for example in self.corpus for span in example.spans}
        triples = zip(found, there, self.corpus, strict=False)
        differing = [one.lines[0] for one, spans, example in triples if spans != example.spans]
        if differing and labels and labels <= known:
            self.warnings.append(
                f"the last column but one is not the gold of {self.corpus.split} in {len(differing):,} sentences "
                f"(first: {self.path}:{differing[0]}): are they exchanged? The last is taken for predicted"
            )

    def _records(self) -> Iterator[_Sentence]:
        own = {key: getattr(self.data, key) for key in ("tokenize", "span_end") if hasattr(self.data, key)}
        config = SpansConfig(format="jsonl", test=str(self.path), overlaps="longest", **own)
        for number, record, line in self.records():
            with self.noted(number, line):
                made, spans = self._usual(record)
                # An end that halluc writes is the token behind the span, whatever the data has.
                is_own = PREDICTED in record or any("start_char" in span for span in spans)
                used = config.model_copy(update={"span_end": "exclusive"}) if is_own else config
                sentence = SpansReader(used).sentence(made, "test", str(self.path), number)
                yield sentence, _of_spans(spans, sentence, made, used), "id" in made

    def _usual(self, record: Record) -> tuple[Record, list[Record]]:
        """The record with the usual names of fields, and its spans, each with ``start``, ``end`` and ``label``."""
        made = self.identity(record)
        for usual in ("tokens", "text"):
            for key in (usual, getattr(self.data, f"{usual}_field", usual)):
                made |= {usual: record[key]} if key in record else {}
        if made.keys().isdisjoint(("tokens", "text")):
            help = "without them it is not known whether spans count words or characters"
            raise Unreadable("D107", "neither `tokens` nor `text`", help)
        own_tags, own_spans = (getattr(self.data, f"{what}_field", what) for what in ("tags", "spans"))
        tags = next((key for key in ("predicted_tags", own_tags, "tags") if key in record), None)
        if tags == "predicted_tags" or (tags is not None and record.keys().isdisjoint((PREDICTED, own_spans))):
            return {**made, "tags": record[tags]}, [_as_object(item) for item in record.get(PREDICTED) or ()]
        value = _predicted(record, (own_spans, "spans", "entities"))
        if not isinstance(value, list):  # {label: {surface: places}}, without confidences
            return {**made, "spans": value}, []
        spans = [_as_object(item) for item in value]
        return {**made, "spans": spans}, spans


def _as_object(item: Any) -> Record:
    """
    Raises:
        Unreadable: it is no span.
    """
    if isinstance(item, dict):  # transformers calls the label `entity_group`
        return {"label": item.get("entity_group"), **item}
    if isinstance(item, list) and len(item) in (3, 4):
        return dict(zip(("start", "end", "label", "confidence"), item, strict=False))
    raise Unreadable("D107", "a predicted span is an object, or [start, end, label] with or without a confidence")


def _of_spans(
    spans: Sequence[Record], sentence: RawSentence, record: Record, config: SpansConfig
) -> dict[Span, float | None]:
    """The confidence of each span, by its place in tokens."""
    bounds = [(number, number + 1) for number in range(len(sentence.tokens))]
    if "tokens" not in record:
        bounds = token_bounds(record["text"], config.tokenize)
    starts = {start: number for number, (start, _) in enumerate(bounds)}
    ends = {end - (config.span_end == "inclusive"): number + 1 for number, (_, end) in enumerate(bounds)}
    return {
        Span(starts[span["start"]], ends[span["end"]], span["label"]): _confidence(_beside(span))
        for span in spans
        if isinstance(span.get("label"), str)
        and all(isinstance(span.get(end), int) for end in ("start", "end"))
        and span["start"] in starts
        and span["end"] in ends
    }


class _Texts(File):
    """Predicted labels, with the texts or without."""

    def __init__(self, path: Path, data: TextsConfig, corpus: Corpus[Labelled]) -> None:
        super().__init__(path, data, corpus)
        text, second = Fields.of(data).keys
        fields = {"text_field": text, "second_field": second, "label_field": PREDICTED, "id_field": "id"}
        self.config, self.own_label = data.model_copy(update=fields), str(data.label_field)
        self.maker = Maker(self.config, str(path))

    def read(self) -> list[Stated]:
        found = []
        for number, record, line in self._rows():
            with self.noted(number, line):
                found.append(self._stated(record, number, line))
        return found

    def _rows(self) -> Iterator[tuple[int, Record, str]]:
        first, config = self.first_line(), self.config
        if self.is_json():
            yield from self.records()
            return
        names: list[str] = []
        for delimiter in DELIMITERS if config.delimiter == "auto" else (config.delimiter,):
            names = [cell.strip(' "') for cell in first.split(delimiter)]
            if PREDICTED in names:
                break
        else:
            if self.path.name.removesuffix(".gz").endswith((".csv", ".tsv")):
                help = f"call the column of the predicted labels `{PREDICTED}`, in the first row"
                raise data_error("D116", f"no column `{PREDICTED}`", Location(str(self.path), 1, text=first), help)
            yield from ((number, {PREDICTED: line}, line) for number, line in self.lines())
            return
        for row in rows(self.all_lines(), delimiter, config.quoting, str(self.path), config.max_line_bytes):
            if isinstance(row, BadLine):
                self.bad.append(row)
            elif len(row.cells) != len(names):
                problem = f"{len(row.cells):,} columns where the first row has {len(names):,}"
                self.bad.append(BadLine("D113", str(self.path), row.line, problem, None, *excerpt(row.shown)))
            elif row.shown.strip(" \t") != first:
                yield row.line, dict(zip(names, row.cells, strict=True)), row.shown

    def _stated(self, record: Record, number: int, line: str) -> Stated:
        value = _predicted(record, (self.own_label, "label", "labels"))
        is_one = isinstance(value, str) or whole(value)
        items = value if isinstance(value, list) else [] if value is None else [value]
        pairs = _pairs(items, _beside(record))
        given = value if is_one else [label for label, _ in pairs]
        text, identity = str(self.config.text_field), f"{self.corpus.split}-{number}"
        made = {**record, **self.identity(record), PREDICTED: given}
        if "tokens" in made:  # `halluc predict` writes the text too
            made.pop(text, None)
        elif "text" in made:
            made.setdefault(text, made["text"])
        if "tokens" in made or text in made:
            example, _ = self.maker.example(of_record(made, self.config, number, line), identity)
        else:
            labels, _ = self.maker.labels.of(Found(number, None, given))
            example = Labelled(made.get("id", identity), Origin(str(self.path), number), (), labels)
        sure: dict[str, float | None] = {}
        for label, confidence in pairs:
            named, _ = self.maker.labels.of(Found(number, None, label if is_one else [label]))
            if len(named) > 1 and confidence is not None:
                raise Unreadable("D107", f"one confidence for {len(named)} labels", "give a list, with one for each")
            sure = {**dict.fromkeys(named, confidence), **sure}
        in_scope = _confidence(record.get("in_scope"))
        return Stated(example, tuple(sure[label] for label in example.labels), "id" in made, None, in_scope)


def _pairs(items: Sequence[Any], beside: Any) -> list[tuple[Any, float | None]]:
    """Labels with their confidences, which stand with each label or beside all of them.

    Raises:
        Unreadable: a confidence is none, or there are not as many as labels.
    """
    pairs = []
    for item in items:
        if isinstance(item, dict):
            item = item.get("label"), _beside(item)
        is_pair = isinstance(item, (list, tuple)) and len(item) == 2
        pairs.append((item[0], _confidence(item[1])) if is_pair else (item, None))
    if beside is None or beside == "":
        return pairs
    several = beside if isinstance(beside, list) else [beside]
    if len(several) != len(pairs):
        raise Unreadable("D107", f"{len(several)} confidences for {len(pairs)} labels", "each label has its own")
    return [(label, _confidence(given)) for (label, _), given in zip(pairs, several, strict=True)]
