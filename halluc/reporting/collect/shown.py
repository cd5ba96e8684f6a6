"""The claims that are shown: one pass over the ledger picks the worst, one over the predictions brings their texts."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import inf

from halluc.core.claims import Mark
from halluc.core.examples import Example, Origin, Span
from halluc.data.statistics import Words
from halluc.gap.novelty import NOVELTIES as MENTION_NOVELTIES
from halluc.runs.reports import ClaimSection, Section, ShownClaim
from halluc.runs.schema import LedgerLine, Prediction
from halluc.tasks.text_classification.coverage import QUARTERS, TextCoverage
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.records import LabelPrediction
from halluc.tasks.token_classification.records import SpanPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged

SECTIONS: tuple[Section, ...] = ("unsupported", "distorted", "omission", "supported")
MOST_TOKENS = 60
_UNKNOWN = 9.0
_NOVELTY = {novelty: float(place) for known in (MENTION_NOVELTIES, QUARTERS) for place, novelty in enumerate(known)}


class Worst:
    """The first ``most`` lines by a key, of any number that pass by; lines of equal key in their order."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self._heap: list[tuple[float, int, LedgerLine]] = []

    def add(self, key: float, line: LedgerLine) -> None:
        self.total += 1
        entry = (-key, -self.total, line)
        if len(self._heap) < self.most:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def lines(self) -> list[LedgerLine]:
        return [line for _, _, line in sorted(self._heap, reverse=True)]


@dataclass
class Picked:
    """What one pass over a ledger leaves: the worst of each section, confidences by verdict, and what was counted.

    ``against`` counts claims with a confidence that are on the other side of ``threshold`` than the ledger says.
    """

    sections: dict[Section, Worst]
    confidences: dict[str, array[float]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    claims: int = 0
    unverifiable: int = 0
    withdrawn: int = 0
    against: int = 0

    def wanted(self) -> dict[str, None]:
        """The ids of the examples whose texts are shown."""
        return {line.id: None for worst in self.sections.values() for line in worst.lines()}


def pick(lines: Iterable[LedgerLine], most: int, threshold: float | None) -> Picked:
    """The ``most`` worst of each kind; of the supported, which are a sample of doubt, a quarter as many."""
    found = Picked({section: Worst(most // 4 if section == "supported" else most) for section in SECTIONS})
    for line in lines:
        found.ids.add(line.id)
        if line.record == "omission":
            found.sections["omission"].add(_NOVELTY[line.novelty] if line.novelty else _UNKNOWN, line)
        else:
            _claim(found, line, threshold)
    return found


def _claim(found: Picked, line: LedgerLine, threshold: float | None) -> None:
    confidence, verdict = line.confidence, line.verdict
    found.withdrawn += bool(line.abstained)
    if confidence is not None:
        found.against += bool(line.abstained) != (threshold is not None and confidence < threshold)
    if verdict is None or verdict == "unverifiable":
        found.unverifiable += 1
        return
    found.claims += 1
    if confidence is not None:
        found.confidences.setdefault(verdict, array("d")).append(confidence)
    # A claim without a confidence is as sure as can be.
    sure = inf if confidence is None else confidence
    found.sections[verdict].add(sure if verdict == "supported" else -sure, line)


@dataclass
class Texts:
    """What one pass over the predictions leaves: the texts that are ``wanted``, and the ``counts`` of the split.

    ``repeated`` are whole texts that stand, with a label, in what was trained on, where that is ``known``.
    """

    wanted: dict[str, None]
    missing: set[str]
    words: Words
    known: TextCoverage | None = None
    kept: dict[str, Prediction] = field(default_factory=dict)
    examples: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def passing(self, predictions: Iterable[Prediction]) -> Iterator[Example]:
        """The gold of each example as it passes by."""
        for one in predictions:
            self.examples += 1
            self.labels.update(label for *_, label in marks(one))
            self.missing.discard(one.id)
            if one.id in self.wanted:
                self.kept[one.id] = one
            example = _example(one)
            for count in self.words.counts:
                self.counts[count.name] += count.of(example)
            if self.known is not None:
                self.repeated += bool(self.known.labels_of(" ".join(one.tokens)))
            yield example


def _example(one: Prediction) -> Example:
    tokens, nowhere = tuple(one.tokens), Origin("", 0)
    if isinstance(one, LabelPrediction):
        return Labelled(one.id, nowhere, tokens, tuple(one.gold), one.second)
    return Tagged(one.id, nowhere, tokens, tuple([Span(*span) for span in one.gold]))


def marks(one: Prediction) -> list[Mark]:
    """What is annotated; a label of the whole text lies nowhere."""
    if isinstance(one, LabelPrediction):
        return [(None, None, label) for label in one.gold]
    return list(one.gold)


def sections(picked: Picked, texts: Texts, *, distorts: bool = True) -> list[ClaimSection]:
    """Every kind of claim with its worst, in their texts.

    Args:
        distorts: whether a claim can be distorted at all.
    """
    return [
        ClaimSection(
            section=section, total=worst.total, shown=[_shown(line, texts.kept[line.id]) for line in worst.lines()]
        )
        for section, worst in picked.sections.items()
        if distorts or section != "distorted" or worst.total
    ]  # fmt: skip


def _shown(line: LedgerLine, example: Prediction) -> ShownClaim:
    if isinstance(example, LabelPrediction):
        return _in_whole(line, example)
    assert isinstance(example, SpanPrediction)
    first, last = window(line.start, line.end, len(example.tokens))
    own = (line.start, line.end, line.label)
    others = [span for span in example.predicted if line.record == "omission" or span[:3] != own]
    return ShownClaim(
        line=line,
        tokens=example.tokens[first:last],
        first=first,
        before=first,
        after=len(example.tokens) - last,
        gold=[span for span in example.gold if span[0] < last and span[1] > first],
        others=[span for span in others if span[0] < last and span[1] > first],
    )


def _in_whole(line: LedgerLine, example: LabelPrediction) -> ShownClaim:
    """A claim about a whole text: its beginning, of a pair the tokens on both sides of where the second begins."""
    size, second = len(example.tokens), example.second
    first, last = window(second, second, size)
    is_claimed = line.record == "claim"
    return ShownClaim(
        line=line,
        tokens=example.tokens[first:last],
        first=first,
        before=first,
        after=size - last,
        gold=marks(example),
        others=[(None, None, *one) for one in example.predicted if not (is_claimed and one[0] == line.label)],
        second=second,
    )


def window(start: int | None, end: int | None, size: int, most: int = MOST_TOKENS) -> tuple[int, int]:
    """The tokens to show round a claim: all of ``size`` where they are few, else ``most`` with it in the middle."""
    if size <= most or start is None or end is None:
        return 0, min(size, most)
    before = max(0, most - (end - start)) // 2
    first = max(0, min(start - before, size - most))
    return first, first + most
