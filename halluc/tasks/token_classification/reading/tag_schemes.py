"""Decides the notation and the scheme of each split's tags: from its own tags if they are unambiguous, otherwise from
those of the other splits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from halluc.core.errors import HallucError, Location, data_error, refuse
from halluc.core.examples import Origin, Span
from halluc.core.files import line_at
from halluc.core.labels import Scheme, SchemeEvidence, UnknownTag, split_tag
from halluc.data.rows.references import SplitName
from halluc.data.rows.row import BadLine
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.reading.tag_notation import (
    LABELS,
    STANDARD,
    Notation,
    UnknownNotation,
    notation_of,
)
from halluc.tasks.token_classification.tagged_sentence import RawSentence

# The maximum number of distinct tag sequences whose decoding is cached; most sentences repeat an earlier sequence.
MOST_KEPT = 1 << 16
# The maximum number of distinct pairs of neighbours: enough for all pairs of 500 tags.
_MOST_PAIRS = 1 << 18


@dataclass
class TagStatistics:
    """Statistics of a split's tags, in bounded memory.

    ``pairs`` are neighbouring tags, each pair with the place of its second tag at its first occurrence; the first tag
    of a sentence follows None.
    """

    pairs: dict[tuple[str | None, str], Origin] = field(default_factory=dict)
    sequences: Counter[tuple[str, ...]] = field(default_factory=Counter)
    beyond: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, sentences: Iterable[RawSentence]) -> TagStatistics:
        statistics = cls()
        for sentence in sentences:
            if sentence.tags is not None:
                statistics._add(sentence, sentence.tags)
        return statistics

    def _add(self, sentence: RawSentence, tags: tuple[str, ...]) -> None:
        many = self.sequences.get(tags)
        if many is not None:  # a repeated sequence is no new evidence
            self.sequences[tags] = many + 1
            return
        if len(self.sequences) < MOST_KEPT:
            self.sequences[tags] = 1
        else:
            self.beyond.update(tag for tag in tags if len(self.beyond) < _MOST_PAIRS or tag in self.beyond)
        pairs = list(zip((None, *tags[:-1]), tags, strict=True))
        if len(self.pairs) < _MOST_PAIRS and not self.pairs.keys() >= set(pairs):
            for pair, line in zip(pairs, sentence.lines, strict=True):
                self.pairs.setdefault(pair, Origin(sentence.file, line))

    def share_of(self, outside: frozenset[str]) -> float:
        """The share of tokens that have one of these tags."""
        counts = Counter(self.beyond)
        for tags, many in self.sequences.items():
            for tag in tags:
                counts[tag] += many
        return sum(counts[tag] for tag in outside) / max(1, counts.total())

    def place_of(self, tag: str) -> Origin:
        return next(place for (_, second), place in self.pairs.items() if second == tag)


@dataclass
class TagReading:
    """How the tags of a split are read; ``note`` says why.

    ``evidence`` says whether its own tags determine the scheme, fit several schemes, or fit none. ``spans`` is a cache
    of decoded sequences.
    """

    scheme: Scheme
    notation: Notation
    note: str
    outside: frozenset[str]
    evidence: Literal["certain", "open", "contradictory"] = "certain"
    spans: dict[tuple[str, ...], tuple[Span, ...]] = field(default_factory=dict)
    _tags: dict[str, str] = field(default_factory=dict)

    def canonical(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        """The tags in halluc's notation.

        Raises:
            UnknownTag: a tag has another notation than the others, or is not in the scheme.
        """
        if self.notation == STANDARD and self.outside == {"O"}:
            return tags
        for position, tag in enumerate(tags):
            if tag not in self._tags:
                result = "O" if tag in self.outside else self.notation.canonical(tag)
                try:
                    split_tag(result or "", position, self.scheme)
                except UnknownTag:
                    raise UnknownTag(tag, position) from None
                self._tags[tag] = result or ""
        return tuple(map(self._tags.__getitem__, tags))

    def __str__(self) -> str:
        return f"{self.scheme.upper()} ({self.note})"


@dataclass
class _Split:
    """A split with the statistics of its tags, and the evidence for schemes."""

    name: SplitName
    statistics: TagStatistics
    configured: Scheme | None
    outside: frozenset[str]
    tags: frozenset[str] = field(init=False)
    notation: Notation = STANDARD
    evidence: SchemeEvidence = field(default_factory=SchemeEvidence)

    def __post_init__(self) -> None:
        self.tags = frozenset(tag for _, tag in self.statistics.pairs) - self.outside

    def share_outside(self) -> float:
        """The share of tokens outside of all mentions."""
        return self.statistics.share_of(self.outside)

    def collect(self) -> None:
        """Collect the evidence for schemes; the notation must be set."""
        known: dict[str | None, tuple[str, str] | None] = {None: ("O", "")}
        for tag in (*self.outside, *self.tags):
            known[tag] = ("O", "") if tag in self.outside else self.notation.split(tag)
        for (first, second), place in self.statistics.pairs.items():
            before, after = known[first], known[second]
            if before is not None and after is not None:  # otherwise it is reported when the sentence is decoded
                self.evidence.add(before, after, place)


def are_plain(statistics: Mapping[SplitName, TagStatistics], config: SpansConfig) -> bool:
    """Whether the tags of each split are unambiguous: in halluc's notation, and consistent with a scheme."""
    for split in _splits(statistics, config):
        if not all(map(STANDARD.split, split.tags)):
            return False
        split.collect()
        if split.evidence.decide()[0] is None:
            return False
    return True


def decide(
    statistics: Mapping[SplitName, TagStatistics],
    config: SpansConfig,
    bad: Sequence[BadLine] = (),
    others: Mapping[SplitName, TagStatistics] | None = None,
) -> dict[SplitName, TagReading]:
    """Decide how each split is read.

    Args:
        bad: lines that cannot be read, which are reported with an error. others: splits that are not read, but may be
            evidence for the others.

    Raises:
        HallucError or ManyErrors D120: tags that belong to no single scheme, cannot be read or are ambiguous.
    """
    return _Decision(_splits(statistics, config), _splits(others or {}, config), config, bad).readings()


class _Decision:
    def __init__(self, splits: list[_Split], others: list[_Split], config: SpansConfig, bad: Sequence[BadLine]) -> None:
        self.splits, self.others, self.config, self.bad = splits, others, config, bad
        self.errors: list[HallucError] = []
        self._schemes: list[Scheme | None] = []  # of each split, from its own tags; the certain ones first

    def readings(self) -> dict[SplitName, TagReading]:
        tagged = []
        for split in (*self.splits, *self.others):
            largest = self._richest_split(split)
            try:
                split.notation = notation_of(largest.tags, largest.configured, self.config.label, largest.share_outside)
            except UnknownNotation as error:
                if any(split is one for one in self.splits):
                    self.errors.append(self._unreadable(largest, error))
                continue
            split.collect()
            if split.tags:
                tagged.append(split)
        self._refuse()
        self._schemes = [_detected_scheme(split) for split in sorted(tagged, key=_is_uncertain)]
        readings = {split.name: self._reading(split) for split in self.splits}
        self._refuse()
        return {name: one for name, one in readings.items() if one is not None}

    def _refuse(self) -> None:
        if self.errors:
            # Several splits may be parts of one file, or be read in the same way.
            distinct = {(one.message, str(one.where)): one for one in self.errors}
            refuse([*distinct.values(), *(one.error() for one in self.bad)])

    def _richest_split(self, split: _Split) -> _Split:
        """The split with the most distinct tags, of those that have all tags of this one."""
        every = (*self.splits, *self.others)
        alike = [one for one in every if one.configured == split.configured and one.tags >= split.tags]
        return max(alike, key=lambda one: len(one.tags))

    def _unreadable(self, split: _Split, error: UnknownNotation) -> HallucError:
        help = error.help
        if error.other_column:
            help = "".join(f"is `data.{key}` right? " for key in label_keys(self.config)) + help
        place = split.statistics.place_of(error.tag)
        text = line_at(Path(place.file), place.line)
        column = text.rfind(error.tag) + 1 if text and error.tag in text else None
        where = Location(place.file, place.line, column, max(1, len(error.tag)), text)
        return data_error("D120", error.problem, where, help)

    def _reading(self, split: _Split) -> TagReading | None:
        scheme, note = split.evidence.decide()
        evidence: Literal["open", "contradictory"] = "open" if scheme is not None else "contradictory"
        others = split.evidence.others()
        if split.configured is not None:
            scheme, note = split.configured, "set in the config"
        elif split.notation == LABELS:
            scheme, note = "io", "adjacent mentions of the same label are read as one"
        elif others:
            other = next((one for one in self._schemes if one in others), None)
            if other is not None and other != scheme:
                scheme, note = other, f"{note}; {other.upper()} as in another split"
        if scheme is None:
            self.errors.append(
                data_error(
                    "D120",
                    f"the tags fit no scheme: {note}",
                    help="set `data.scheme` (with `data.bad_tags: repair`, tags are read as in conlleval)",
                )
            )
            return None
        note = "; ".join((note, *self._remarks(split)))
        return TagReading(scheme, split.notation, note, split.outside, evidence if _is_uncertain(split) else "certain")

    def _remarks(self, split: _Split) -> list[str]:
        """Remarks on an unusual notation of the tags."""
        remarks = [] if split.notation == STANDARD else [str(split.notation)]
        if split.notation == STANDARD and split.tags and Notation("after").fits(split.tags):
            remarks.append(f"the first letter of tags such as `{min(split.tags)}` is the prefix")
        if self.config.label is not None and split.notation.prefix != "alone" and split.tags:
            remarks.append("`data.label` is ignored, because the tags have labels")
        return remarks


def _splits(statistics: Mapping[SplitName, TagStatistics], config: SpansConfig) -> list[_Split]:
    outside = frozenset(config.outside_tags)
    return [_Split(name, one, _configured(config, name), outside) for name, one in statistics.items() if one.pairs]


def _configured(config: SpansConfig, split: SplitName) -> Scheme | None:
    """The configured scheme."""
    named: Scheme | Literal["auto"] = config.scheme if isinstance(config.scheme, str) else getattr(config.scheme, split)
    return None if named == "auto" else named


def _is_uncertain(split: _Split) -> bool:
    """Whether its own tags leave the scheme open."""
    return split.configured is None and split.notation != LABELS and bool(split.evidence.others())


def _detected_scheme(split: _Split) -> Scheme | None:
    """The scheme of a split from its own tags."""
    return split.configured or ("io" if split.notation == LABELS else split.evidence.decide()[0])


def summary(readings: Mapping[SplitName, TagReading]) -> tuple[Scheme | None, str]:
    """The common scheme of all splits, None if they differ, and a note."""
    if not readings:
        return None, ""
    every = list(readings.values())
    first = next((one for one in every if one.evidence == "certain"), every[0])
    scheme = first.scheme if all(one.scheme == first.scheme for one in every) else None
    alike = {(one.notation, one.evidence) for one in every if one.evidence != "open"}
    if scheme and len(alike) <= 1:
        return scheme, first.note
    return scheme, "; ".join(f"{name}: {one}" for name, one in readings.items())


def label_keys(config: SpansConfig) -> list[str]:
    """The keys for the position of the tags, in the formats that the config allows."""
    of_columns, of_records = ["tag_column"], ["tags_field"]
    if config.format == "auto":
        return of_columns + of_records
    return of_columns if config.format == "conll" else of_records
