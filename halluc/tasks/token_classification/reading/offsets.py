"""The unit of offsets, and the way of counting that fits the spans of a file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, product
from operator import itemgetter, ne
from typing import Literal, NamedTuple

from halluc.data.fields import Place, located
from halluc.data.rows.row import Unreadable
from halluc.tasks.token_classification.reading.config import SpansConfig, Unit
from halluc.tasks.token_classification.reading.forms import RawSpan

_NAMES = {"characters": "characters", "tokens": "tokens", "utf16": "UTF-16 code units", "bytes": "UTF-8 bytes"}
# If none of this many spans has a single token, or the first token, offsets in tokens may be read wrongly.
_LEAST_ENDS, _LEAST_STARTS = 10, 30


class OffsetReading(NamedTuple):
    """How a file counts: the unit, whether ends are inclusive, and the first number."""

    unit: Unit
    inclusive: bool = False
    base: int = 0

    @classmethod
    def of(cls, config: SpansConfig, unit: Unit) -> OffsetReading:
        return cls(unit, config.span_end == "inclusive", config.span_base)

    def __str__(self) -> str:
        return f"{_NAMES[self.unit]} from {self.base}, ends {'inclusive' if self.inclusive else 'exclusive'}"

    def start(self, given: RawSpan) -> int:
        """The start of a span, from 0."""
        return given.start - self.base

    def end(self, given: RawSpan) -> int:
        """The end of a span, exclusive."""
        return given.end - self.base + self.inclusive


@dataclass(slots=True)
class Sentence:
    """Tokens and their positions in the text. ``bounds`` is None if they were not found in it.

    ``source`` is what the file has: the text, the tokens (the text is then the tokens joined by blanks), or both.
    """

    text: str
    tokens: Sequence[str]
    bounds: Sequence[Place] | None
    source: Literal["text", "tokens", "both"] = "text"
    places: dict[Unit, dict[int, int] | None] = field(default_factory=dict)

    def characters(self, unit: Unit) -> dict[int, int] | None:
        """``characters_of`` this text, cached."""
        if unit not in self.places:
            self.places[unit] = characters_of(self.text, unit)
        return self.places[unit]


def characters_of(text: str, unit: Unit) -> dict[int, int] | None:
    """The character index of each offset; None if the offsets count characters in this text."""
    if unit == "utf16" and text and max(text) > "\uffff":
        encoding, size = "utf-16-le", 2
    elif unit == "bytes" and not text.isascii():
        encoding, size = "utf-8", 1
    else:
        return None
    sizes = (len(char.encode(encoding, "surrogatepass")) // size for char in text)
    return {at: place for place, at in enumerate(accumulate(sizes, initial=0))}


def character_range(given: RawSpan, sentence: Sentence, reading: OffsetReading) -> Place | None:
    """Start and end of a span in characters of the text; None if it is outside, or splits a character."""
    start, end = reading.start(given), reading.end(given)
    if reading.unit == "tokens":
        if sentence.bounds is None or not 0 <= start < end <= len(sentence.bounds):
            return None
        return sentence.bounds[start][0], sentence.bounds[end - 1][1]
    if (places := sentence.characters(reading.unit)) is not None:
        start, end = places.get(start, -1), places.get(end, -1)
    return (start, end) if 0 <= start < end <= len(sentence.text) else None


def _fits(given: RawSpan, sentence: Sentence, reading: OffsetReading, strip: bool) -> Place | None:
    """The position of a span in the text; None if it contradicts its surface, or has no surface and splits a token.

    If the tokens do not occur in the text, it is a range of tokens.
    """
    bounds = sentence.bounds
    if bounds is None:  # tokens that are not in the text
        start, end = reading.start(given), reading.end(given)
        fits = reading.unit == "tokens" and 0 <= start < end <= len(sentence.tokens)
        surface = " ".join(sentence.tokens[start:end])
        return (start, end) if fits and (given.surface is None or is_surface(given.surface, surface)) else None
    place = character_range(given, sentence, reading)
    if place is None:
        return None
    start, end = place
    surface = sentence.text[start:end]
    text = given.surface
    if text is not None and text != surface and (not is_surface(text, surface) or surface != surface.strip()):
        return None
    if strip:
        start, end = start + len(surface) - len(surface.lstrip()), end - len(surface) + len(surface.rstrip())
    first, last = (bisect_left(bounds, at, key=itemgetter(side)) for side, at in enumerate((start, end)))
    if not first <= last < len(bounds) or (bounds[first][0], bounds[last][1]) != (start, end):
        return None if text is None else (start, end)
    if sentence.source != "text" and given.first is not None and (given.first, given.last) != (first, last):
        return None
    return start, end


def is_surface(text: str, surface: str) -> bool:
    """Whether the stated surface of a span equals its text; all white space is equivalent."""
    return text == surface or text.split() == surface.split()


Sample = tuple[Sentence, Sequence[RawSpan]]


def _places(samples: Sequence[Sample], reading: OffsetReading, strip: bool) -> list[Place | None]:
    """The position of each span under a reading; None for one that does not fit."""
    return [
        _fits(span, sentence, reading, strip) for sentence, spans in samples for span in spans if span.fault is None
    ]


def places_of(samples: Sequence[Sample], reading: OffsetReading, strip: bool) -> tuple[Place | None, ...] | None:
    """The positions of all spans under a reading; None if one does not fit."""
    places = _places(samples, reading, strip)
    return None if None in places else tuple(places)


def detect_unit(samples: Sequence[Sample], config: SpansConfig) -> tuple[Unit, bool]:
    """The unit of offsets if there are both a text and its tokens, and whether it is certain.

    All small offsets fit tokens, but few fit the borders of words by chance: if half of the spans fit characters,
    offsets are not treated as tokens.

    Raises:
        Unreadable D109: both could be meant, or neither.
    """
    units: tuple[Unit, Unit] = ("characters", "tokens")
    places = {unit: _places(samples, OffsetReading.of(config, unit), config.strip_spans) for unit in units}
    shares = {unit: (len(all_) - all_.count(None), len(all_)) for unit, all_ in places.items()}
    characters, tokens = (None not in places[unit] for unit in units)
    if characters and places["characters"] == places["tokens"]:
        return "characters", False
    has_surfaces = any(span.surface is not None for _, spans in samples for span in spans)
    fitting, many = shares["characters"]
    if characters and not tokens:
        return "characters", True
    if tokens and not characters and (has_surfaces or 2 * fitting < many):
        return "tokens", True
    text = " and ".join(f"{unit} ({fits} of {of} spans fit)" for unit, (fits, of) in shares.items())
    raise Unreadable(
        "D109",
        f"offsets in records with a text and tokens may count {text}",
        (proposal(samples, OffsetReading.of(config, "characters"), config.strip_spans) if not tokens else None)
        or "set `data.span_unit` to `characters` or `tokens`",
    )


def proposal(samples: Sequence[Sample], now: OffsetReading, strip: bool) -> str | None:
    """The keys that make every span fit; None if no reading fits all spans, or if several different ones do."""
    units: tuple[Unit, ...] = ("characters", "utf16", "bytes", "tokens")
    fit: dict[tuple[Place | None, ...], OffsetReading] = {}
    readings = [OffsetReading(*one) for one in product(units, (False, True), (0, 1))]
    # Of equivalent readings, the one with the fewest keys; few files count from 1.
    for reading in sorted(readings, key=lambda one: (sum(map(ne, one, now)), one.base != now.base)):
        if places := places_of(samples, reading, strip):
            fit.setdefault(places, reading)
    if len(fit) != 1:
        return None
    (reading,) = fit.values()
    return _advice(reading, now)


def doubts(samples: Sequence[Sample], now: OffsetReading, configured: Collection[str], strip: bool) -> Iterator[str]:
    """Warnings about other readings that also fit the spans, but give other positions.

    Few other readings fit the words of a text by chance. All small offsets fit tokens: for these, unusual patterns are
    reported.

    Args:
        configured: the configured keys, which are certain.
    """
    unit, inclusive, base = now
    spans = [(now.start(span), now.end(span)) for _, own in samples for span in own if span.fault is None]
    if unit == "tokens":
        others = []
        if "span_end" not in configured and len(spans) >= _LEAST_ENDS and all(end - start > 1 for start, end in spans):
            others.append((OffsetReading(unit, not inclusive, base), "no span has one token"))
        if "span_base" not in configured and len(spans) >= _LEAST_STARTS and all(start > 0 for start, _ in spans):
            others.append((OffsetReading(unit, inclusive, 1 - base), "no span has the first token of its sentence"))
    else:
        units: tuple[Unit, ...] = ("characters", "utf16", "bytes")
        others = [
            (OffsetReading(other, inclusive, base), "")
            for other in units
            if other != unit and "span_unit" not in configured
        ]
        if "span_end" not in configured:
            others.append((OffsetReading(unit, not inclusive, base), ""))
        if "span_base" not in configured:
            others.append((OffsetReading(unit, inclusive, 1 - base), ""))
    present = places_of(samples, now, strip) if others else None
    for other, why in others:
        places = places_of(samples, other, strip) if present else None
        if places is not None and places != present:
            text = f"{why}: " if why else "the first spans fit in two ways: "
            yield f"{text}offsets are read as {now}; if they count {other}, set {' and '.join(_new_keys(other, now))}"


def _new_keys(reading: OffsetReading, now: OffsetReading) -> list[str]:
    """The keys that change one reading to another."""
    end = "inclusive" if reading.inclusive else "exclusive"
    keys = (("span_unit", reading.unit), ("span_end", end), ("span_base", reading.base))
    differs = map(ne, reading, now)
    return [f"`data.{key}: {value}`" for (key, value), changes in zip(keys, differs, strict=True) if changes]


def _advice(reading: OffsetReading, now: OffsetReading) -> str | None:
    """The advice to set the keys of a ``reading``; None if it is the present one."""
    differences = []
    if reading.unit != now.unit:
        differences.append(f"offsets count {_NAMES[reading.unit]}")
    if reading.inclusive != now.inclusive:
        differences.append(f"ends are {'inclusive' if reading.inclusive else 'exclusive'}")
    if reading.base != now.base:
        differences.append(f"offsets start at {reading.base}")
    if not differences:
        return None
    return f"every span fits if {' and '.join(differences)}: set {' and '.join(_new_keys(reading, now))}"


def join_tokens(tokens: Sequence[str]) -> Sentence:
    """A sentence of tokens without a text."""
    text = " ".join(tokens)
    return Sentence(text, tokens, located(tokens, text), "tokens")
