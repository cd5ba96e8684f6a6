"""JSON Lines: tokens with tags or spans, or text with character spans."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from halluc.config.bounds import Text
from halluc.core.errors import cut
from halluc.core.examples import Span
from halluc.data.readers.base import BadLine, RawSentence, SplitName, TaggedDataConfig, resolve
from halluc.data.readers.lines import numbered_lines
from halluc.data.tokenization import Tokenize, Tokenizer


class JsonlConfig(TaggedDataConfig):
    format: Literal["jsonl"]
    tokens_field: Text = Field(default="tokens", description="a list of words")
    tags_field: Text = Field(default="tags", description="a list of tags, one a word")
    text_field: Text = Field(default="text", description="a string, read where there is no list of words")
    spans_field: Text = Field(
        default="spans",
        description="[[start, end, label], …], [{start, end, label}, …] or {label: {surface: [[start, end], …]}}; "
        "offsets count characters of the text, or words where a list of words is given",
    )
    id_field: Text = Field(default="id", description="an id, unique in its file; lines without one get their number")
    span_end: Literal["exclusive", "inclusive"] = Field(
        default="exclusive", description="whether a span's end is the first character after it or its last one"
    )
    tokenize: Tokenize = Field(
        default="words", description="how a text becomes tokens: words and punctuation, white space, or each character"
    )
    overlaps: Literal["error", "longest"] = Field(
        default="error", description="spans that overlap: refuse, or keep the longest and say so"
    )

    @model_validator(mode="after")
    def _fields_differ(self) -> Self:
        # One field may hold a list of words in some files and a text in others.
        names = [{self.tokens_field, self.text_field}, {self.tags_field}, {self.spans_field}, {self.id_field}]
        twice = next((name for name, many in Counter(chain(*names)).items() if many > 1), None)
        if twice is not None:
            same = [key for key in type(self).model_fields if getattr(self, key) == twice]
            if self.model_fields_set.issuperset(same):  # a name given to one key may be the default of an unused one
                keys = [f"`data.{key}`" for key in same]
                raise ValueError(f"{' and '.join(keys)} are both `{cut(twice)}`: they must differ")
        return self


class Unreadable(Exception):
    """Why a record cannot be read, and what to do."""

    def __init__(self, code: str, problem: str, help: str | None = None) -> None:
        self.code, self.problem, self.help = code, problem, help
        super().__init__(problem)


class JsonlReader:
    """JSON Lines: tokens + tags, tokens + spans, or text + character spans."""

    makes: ClassVar[str] = "token_classification"
    Config: ClassVar[type[TaggedDataConfig]] = JsonlConfig

    def __init__(self, config: JsonlConfig) -> None:
        self.config = config
        self.tokenizer = Tokenizer.of(config)

    def read(self, reference: str, split: SplitName) -> Iterator[RawSentence | BadLine]:
        path = resolve(reference, split)
        seen: dict[str, int] = {}
        any_line = False
        for item in numbered_lines(path, str(path), self.config.max_line_bytes):
            if isinstance(item, BadLine):
                any_line = True
                yield item
                continue
            number, line = item
            if not line.strip():
                continue
            any_line = True
            try:
                record = parse_object(line)
                sentence = self.sentence(record, split, str(path), number)
                if sentence.id in seen:
                    raise Unreadable("D112", f"id `{sentence.id}` stands already on line {seen[sentence.id]}")
                seen[sentence.id] = number
                yield sentence
            except Unreadable as bad:
                yield BadLine(bad.code, str(path), number, bad.problem, bad.help, line)
        if not any_line:
            yield BadLine("D102", str(path), 1, "the file is empty", "is this the right file, and was it copied whole?")

    def sentence(self, record: dict[str, Any], split: SplitName, file: str, number: int) -> RawSentence:
        """One record as a sentence.

        Raises:
            Unreadable: the record has not the form that the config says.
        """
        config = self.config
        given = record.get(config.id_field)
        identity = str(given) if isinstance(given, (str, int)) and str(given) else f"{split}-{number}"
        if config.tokens_field in record:
            tokens = _strings(record, config.tokens_field)
            if config.tags_field in record and config.spans_field in record:
                problem = f"both `{config.tags_field}` and `{config.spans_field}`"
                raise Unreadable("D107", problem, "take one away, or name another with `data.spans_field`")
            if config.tags_field in record:
                tags = _strings(record, config.tags_field)
                if len(tags) != len(tokens):
                    raise Unreadable("D108", f"{len(tokens)} tokens but {len(tags)} tags")
                return RawSentence(identity, file, (number,) * len(tokens), 0, tokens, tags=tags)
            bounds = [(index, index + 1) for index in range(len(tokens))]
            surface: Callable[[int, int], str] = lambda start, end: " ".join(tokens[start:end])  # noqa: E731
        elif isinstance(record.get(config.text_field), str):
            text = record[config.text_field]
            bounds, tokens = self.tokenizer.cut(text)
            surface = lambda start, end: text[start:end]  # noqa: E731
        else:
            have = ", ".join(f"`{key}`" for key in list(record)[:8]) or "nothing"
            problem = f"neither a list `{config.tokens_field}` nor a string `{config.text_field}`; it has {have}"
            raise Unreadable("D107", problem, "name the fields with `data.tokens_field` or `data.text_field`")
        if not tokens:
            raise Unreadable("D106", "an empty sentence", "take the line out, or set `data.on_bad_line: skip`")
        spans, repairs = self._spans(record, bounds, surface)
        return RawSentence(identity, file, (number,) * len(tokens), 0, tokens, spans=spans, repairs=repairs)

    def _spans(
        self, record: dict[str, Any], bounds: list[tuple[int, int]], surface: Callable[[int, int], str]
    ) -> tuple[tuple[Span, ...], tuple[str, ...]]:
        field = self.config.spans_field
        if field not in record:
            have = ", ".join(f"`{key}`" for key in list(record)[:8])
            known = "`data.tags_field` or `data.spans_field`"
            raise Unreadable("D107", f"neither `{self.config.tags_field}` nor `{field}`; it has {have}", f"see {known}")
        starts = {start: index for index, (start, _) in enumerate(bounds)}
        ends = {end: index + 1 for index, (_, end) in enumerate(bounds)}
        length = bounds[-1][1]
        spans = []
        for start, end, label, told in _triples(record[field], field):
            last = end + 1 if self.config.span_end == "inclusive" else end
            if not 0 <= start < last <= length:
                off = "off by one? see `data.span_end`" if start <= last <= length + 1 else None
                raise Unreadable("D109", f"span [{start}, {end}] {label} is empty or outside 0..{length}", off)
            if told is not None and surface(start, last) != told:
                problem = f'span [{start}, {end}] {label} covers "{surface(start, last)}", not "{told}"'
                raise Unreadable("D109", problem, "see `data.span_end`")
            if start not in starts or last not in ends:
                problem = f'span [{start}, {end}] {label} "{surface(start, last)}" cuts through a token'
                raise Unreadable("D110", problem, "see `data.span_end`, or set `data.tokenize: characters`")
            spans.append(Span(starts[start], ends[last], label))
        return self._without_overlap(sorted(set(spans)))

    def _without_overlap(self, spans: list[Span]) -> tuple[tuple[Span, ...], tuple[str, ...]]:
        kept: list[Span] = []
        repairs = []
        for span in sorted(spans, key=lambda s: (s.start - s.end, s.start, s.label)):
            other = next((k for k in kept if k.start < span.end and span.start < k.end), None)
            if other is None:
                kept.append(span)
            elif self.config.overlaps == "error":
                problem = f"spans {list(other)} and {list(span)} (in tokens) overlap"
                raise Unreadable("D111", problem, "set `data.overlaps: longest` to keep the longest")
            else:
                repairs.append(f"{list(span)} overlaps the longer {list(other)}: left out")
        return tuple(sorted(kept)), tuple(repairs)


def parse_object(line: str) -> dict[str, Any]:
    """One JSON object from untrusted text.

    Raises:
        Unreadable: no JSON, no object, nested too deeply, or text that UTF-8 cannot hold.
    """
    try:
        record = _DECODER.decode(line)
        line.encode("utf-8")
        if "\\u" in line:  # half a character can be written so
            json.dumps(record, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("D107", "a lone surrogate (half a character) in the text") from None
    except RecursionError:
        raise Unreadable("D107", "nested too deeply") from None
    except ValueError as error:
        column = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        message = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        help = "one JSON object a line; is this `data.format: conll`?" if not line.lstrip().startswith("{") else None
        raise Unreadable("D107", f"not readable as JSON{column}: {message}", help) from None
    if not isinstance(record, dict):
        raise Unreadable("D107", "not a JSON object", "one JSON object a line")
    return record


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For ``object_pairs_hook``; raises ``Unreadable`` for a field that stands twice."""
    record = dict(pairs)
    if len(record) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Unreadable("D107", f"the field `{key}` stands twice")
            seen.add(key)
    return record


# Made once: ``json.loads`` makes one anew for every line.
_DECODER = json.JSONDecoder(object_pairs_hook=without_duplicates)


def strings(record: dict[str, Any], field: str) -> tuple[str, ...]:
    """A field that holds a list of strings, which may be empty.

    Raises:
        Unreadable: it holds something else.
    """
    value = record[field]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Unreadable("D107", f"`{field}` is not a list of strings")
    return tuple(value)


def _strings(record: dict[str, Any], field: str) -> tuple[str, ...]:
    value = strings(record, field)
    if not value:
        raise Unreadable("D106", "an empty sentence", "take the line out, or set `data.on_bad_line: skip`")
    return value


def _triples(value: Any, field: str) -> Iterator[tuple[int, int, str, str | None]]:
    """(start, end, label, surface where told) of each span, in any of the three forms."""
    if isinstance(value, dict):
        for label, mentions in value.items():
            for told, places in mentions.items() if isinstance(mentions, dict) else [(None, mentions)]:
                for place in places if isinstance(places, list) else [places]:
                    if not isinstance(place, list) or len(place) != 2:
                        raise Unreadable("D107", f"`{field}.{label}` holds no [start, end] pairs")
                    yield (*_checked(place[0], place[1], label), told)
        return
    if not isinstance(value, list):
        raise Unreadable("D107", f"`{field}` is neither a list nor a mapping")
    for item in value:
        if isinstance(item, dict):
            yield (*_checked(item.get("start"), item.get("end"), item.get("label")), None)
        elif isinstance(item, list) and len(item) == 3:
            yield (*_checked(*item), None)
        else:
            raise Unreadable("D107", f"`{field}` holds an item that is neither [start, end, label] nor a mapping")


def _checked(start: Any, end: Any, label: Any) -> tuple[int, int, str]:
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in (start, end))
    if whole and label is None:
        raise Unreadable("D107", f"the span [{start}, {end}] has no `label`")
    if not whole or not isinstance(label, str) or not label.strip():
        raise Unreadable("D107", f"a span needs whole numbers and a label, not {[start, end, label]}")
    return start, end, label
