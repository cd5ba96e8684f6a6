"""Aligns spans with tokens: from offsets to tokens, with repairs and errors for spans that do not fit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Any

from halluc.core.characters import is_invisible
from halluc.core.examples import Span
from halluc.data.fields import Place
from halluc.data.rows.row import Skipped, Unreadable
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.forms import RawSpan
from halluc.tasks.token_classification.reading.offsets import OffsetReading, Sentence, character_range, is_surface

# Spans, repairs, and the confidences of spans in the file.
Aligned = tuple[tuple[Span, ...], tuple[str, ...], Mapping[Span, Any]]
_NONE: Aligned = ((), (), {})
_SEE = "see `data.span_unit` and `data.span_end`"


class SpanAlignment:
    """Aligns spans with tokens, according to the config.

    Args:
        advice: returns the keys that make all spans of the file fit, for error messages.
    """

    def __init__(self, config: SpansConfig, advice: Callable[[OffsetReading], str | None]) -> None:
        self.config, self.advice = config, advice
        self.plain = config.span_end == "exclusive" and config.span_base == 0

    def align(self, raw_spans: Sequence[RawSpan], sentence: Sentence, reading: OffsetReading) -> Aligned:
        """The spans in tokens, sorted and without overlap, the repairs, and confidences if spans have them.

        Raises:
            Unreadable D109: a span is outside of the text, or contradicts its surface. D110: it splits a token. D111:
                spans overlap. Skipped: the config skips such examples.
        """
        if not raw_spans:
            return _NONE
        spans: list[Span] = []
        repairs: list[str] = []
        confidences: dict[Span, Any] = {}
        bounds = sentence.bounds
        text = sentence.text
        by_character = self.plain and reading.unit == "characters" and bounds is not None
        starts = {start: at for at, (start, _) in enumerate(bounds)} if by_character and bounds is not None else {}
        ends = {end: at for at, (_, end) in enumerate(bounds, 1)} if by_character and bounds is not None else {}
        for given in raw_spans:
            start, end, label, surface, first, _, fault, confidence = given
            opens, closes = starts.get(start), ends.get(end)
            if (
                opens is not None
                and closes is not None
                and opens < closes
                and (surface is None or surface == text[start:end])
                and first is None
                and fault is None
            ):
                spans.append(Span(opens, closes, label))
            elif (span := self._align_one(given, sentence, reading, repairs)) is not None:
                spans.append(span)
            else:
                continue
            if confidence is not None:
                confidences[spans[-1]] = confidence
        disjoint = tuple(spans) if len(spans) == 1 else self._disjoint(spans, repairs)
        return disjoint, tuple(repairs), confidences

    def _align_one(self, given: RawSpan, sentence: Sentence, reading: OffsetReading, repairs: list[str]) -> Span | None:
        """The tokens of any other span; None if it is removed."""
        if given.fault is not None:
            return self._misfit(f"{_describe(given)} {given.fault}", None, repairs)
        if reading.unit == "tokens":
            return self._align_token_offsets(given, sentence, reading)
        assert sentence.bounds is not None, "offsets count tokens if these do not occur in the text"
        place = character_range(given, sentence, reading)
        if place is None:
            raise self._out_of_range_error(given, sentence, reading)
        start, end = place
        surface = sentence.text[start:end]
        if given.surface is not None and not is_surface(given.surface, surface):
            raise Unreadable(
                "D109",
                f'{_describe(given)} has the text "{given.surface}", but its offsets give "{surface}"',
                self.advice(reading) or _SEE,
            )
        if surface[:1].isspace() or surface[-1:].isspace():
            blanks = _describe_blanks(given, surface)
            if not surface.strip():
                return self._misfit(blanks, None, repairs, reading)
            if self.config.strip_spans:
                start, end = start + len(surface) - len(surface.lstrip()), end - len(surface) + len(surface.rstrip())
                repairs.append(f"{blanks}: stripped")
            elif self.config.bad_spans == "error":
                help = "set `data.strip_spans: true` to remove such white space from spans"
                raise Unreadable("D110", blanks, "; but ".join(filter(None, (help, self.advice(reading)))))
        if self.config.strip_invisible:
            start, end = _strip_hidden(sentence, start, end)
        span = self._align_characters(given, sentence, (start, end), reading, repairs)
        stated = (given.first, given.last)
        if span is not None and sentence.source != "text" and stated not in ((None, None), (span.start, span.end - 1)):
            raise Unreadable(
                "D109",
                f"{_describe(given)} covers tokens {span.start} to {span.end - 1}, not {stated[0]} to {stated[1]}",
                f"token_start and token_end differ; {_SEE}",
            )
        return span

    def _align_characters(
        self, given: RawSpan, sentence: Sentence, place: Place, reading: OffsetReading, repairs: list[str]
    ) -> Span | None:
        bounds = sentence.bounds
        assert bounds is not None
        start, end = place
        # The first token that ends after the start of the span.
        first = max(bisect_right(bounds, start, key=itemgetter(0)) - 1, 0)
        if bounds[first][1] <= start:
            first += 1
        last = bisect_right(bounds, end - 1, key=itemgetter(0)) - 1
        if first > last:
            return self._misfit(f"{_describe(given)} does not cover any token", None, repairs, reading)
        if (bounds[first][0], bounds[last][1]) == place:
            return Span(first, last + 1, given.label)
        cut = [sentence.text[slice(*bounds[at])] for at in dict.fromkeys((first, last)) if _cuts(bounds[at], place)]
        surface = sentence.text[start:end]
        what = " and ".join(f'"{token}"' for token in cut)
        if cut:
            problem = f'{_describe(given)} "{surface}" cuts the token{"s" * (len(cut) > 1)} {what}'
        elif surface[0].isspace() or surface[-1].isspace():
            problem = _describe_blanks(given, surface)
        else:
            problem = f'{_describe(given)} "{surface}" does not cover any token'
        return self._misfit(problem, Span(first, last + 1, given.label), repairs, reading)

    def _misfit(
        self, problem: str, wider: Span | None, repairs: list[str], reading: OffsetReading | None = None
    ) -> Span | None:
        """The result for a span that does not consist of whole tokens; ``wider`` has all tokens that it touches."""
        how = self.config.bad_spans
        if how == "skip":
            raise Skipped(problem)
        if how == "drop":
            repairs.append(f"{problem}: removed")
            return None
        if how == "widen" and wider is not None:
            repairs.append(f"{problem}: widened")
            return wider
        advice = None if reading is None else self.advice(reading)
        more = " or `widen`, or `data.tokenize: characters`" if wider is not None else ""
        raise Unreadable("D110", problem, advice or f"set `data.bad_spans: drop`{more}")

    def _align_token_offsets(self, given: RawSpan, sentence: Sentence, reading: OffsetReading) -> Span:
        start, end = reading.start(given), reading.end(given)
        if not 0 <= start < end <= len(sentence.tokens):
            raise self._out_of_range_error(given, sentence, reading)
        words = sentence.tokens[start:end]
        text, bounds = given.surface, sentence.bounds
        surfaces = [" ".join(words), "".join(words)]
        if bounds is not None:
            surfaces.append(sentence.text[bounds[start][0] : bounds[end - 1][1]])
        if text is not None and not any(is_surface(text, surface) for surface in surfaces):
            raise Unreadable(
                "D109",
                f'{_describe(given)} has the text "{text}", but its offsets give "{surfaces[0]}"',
                self.advice(reading) or _SEE,
            )
        return Span(start, end, given.label)

    def _out_of_range_error(self, given: RawSpan, sentence: Sentence, reading: OffsetReading) -> Unreadable:
        where = f"0..{len(sentence.text)} (characters)"
        if reading.unit == "tokens":
            where = f"0..{len(sentence.tokens)} (tokens)"
        elif reading.unit != "characters":
            where = f"of the text, or inside a character, in {reading.unit}"
        return Unreadable(
            "D109", f"{_describe(given)} is empty or outside {where}", self.advice(reading) or f"off by one? {_SEE}"
        )

    def _disjoint(self, spans: list[Span], repairs: list[str]) -> tuple[Span, ...]:
        """Overlapping spans, resolved according to the config; repeated spans are merged."""
        spans = sorted(set(spans))
        if all(one.end <= other.start for one, other in pairwise(spans)):
            return tuple(spans)
        how = self.config.overlaps
        if how in ("innermost", "outermost"):
            spans = _drop_nested(spans, how, repairs)
        kept: list[Span] = []  # sorted, without overlap
        for span in sorted(spans, key=lambda s: (s.start - s.end, s.start, s.label)):
            at = bisect_right(kept, span.start, key=itemgetter(0))
            adjacent = kept[max(at - 1, 0) : at + 1]
            other = next((k for k in adjacent if k.start < span.end and span.start < k.end), None)
            if other is None:
                kept.insert(at, span)
            elif how == "longest":
                repairs.append(f"{list(span)} overlaps the longer {list(other)}: removed")
            else:
                problem = f"spans {list(other)} and {list(span)} (in tokens) overlap"
                ways = "`data.overlaps: longest`" + ("" if how != "error" else ", `innermost` or `outermost`")
                raise Unreadable("D111", problem, f"set {ways}")
        return tuple(kept)


def _drop_nested(spans: list[Span], how: str, repairs: list[str]) -> list[Span]:
    """The spans that contain no other span (innermost), or that no other span contains (outermost)."""
    inner = how == "innermost"
    kept: list[Span] = []
    last: Span | None = None  # the kept span that ends first (innermost) or last (outermost)
    # Each span comes after all spans that it could contain (innermost), or that could contain it (outermost).
    for span in sorted(spans, key=lambda s: (-s.start, s.end) if inner else (s.start, -s.end)):
        alike = last is not None and (last.start, last.end) == (span.start, span.end)
        if last is None or alike or (span.end < last.end if inner else span.end > last.end):
            kept.append(span)
            last = span
        else:
            repairs.append(f"{list(span)} {'contains' if inner else 'is inside'} {list(last)}: removed")
    return kept


def _cuts(token: Place, span: Place) -> bool:
    return token[0] < span[0] < token[1] or token[0] < span[1] < token[1]


def _describe(given: RawSpan) -> str:
    return f"span [{given.start}, {given.end}] {given.label}"


def _describe_blanks(given: RawSpan, surface: str) -> str:
    where = " and ".join(side for side, char in (("starts", surface[:1]), ("ends", surface[-1:])) if char.isspace())
    return f'{_describe(given)} "{surface}" {where} with white space'


def _strip_hidden(sentence: Sentence, start: int, end: int) -> Place:
    """The bounds of a span without invisible characters at its ends, since tokens do not contain them."""
    text = sentence.text
    while start < end and not text[start].isspace() and is_invisible(text[start]):
        start += 1
    while end > start and not text[end - 1].isspace() and is_invisible(text[end - 1]):
        end -= 1
    return start, end
