"""The claims to show: one pass over the ledger selects the worst, one over the predictions adds their texts."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Generic, TypeVar

from halluc.core.claims import Mark
from halluc.core.examples import Example
from halluc.gap.knowledge import WholeTexts
from halluc.runs.reports import ClaimSection, Section, ShownClaim
from halluc.runs.schema import ConfidenceFile, LedgerLine, Prediction
from halluc.task import AnyTask

SECTIONS: tuple[Section, ...] = ("unsupported", "distorted", "omission", "supported")
MOST_TOKENS = 60
_UNKNOWN = 9.0
ItemT = TypeVar("ItemT")


class Smallest(Generic[ItemT]):
    """The ``most`` items with the smallest keys; stable for equal keys."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self._heap: list[tuple[float, int, ItemT]] = []

    def add(self, key: float, item: ItemT) -> None:
        self.total += 1
        entry = (-key, -self.total, item)
        if len(self._heap) < self.most:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def items(self) -> list[ItemT]:
        return [item for _, _, item in sorted(self._heap, reverse=True)]


@dataclass
class SelectedClaims:
    """The result of one pass over a ledger: the worst of each section, confidences by verdict, and counts.

    ``against`` counts claims whose confidence is on the other side of ``threshold`` than the ledger says.
    """

    sections: dict[Section, Smallest[LedgerLine]]
    confidences: dict[str, array[float]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    claims: int = 0
    unverifiable: int = 0
    against: int = 0

    def example_ids(self) -> dict[str, None]:
        """The ids of the examples whose texts are shown."""
        return {line.id: None for worst in self.sections.values() for line in worst.items()}


def pick(lines: Iterable[LedgerLine], most: int, by: ConfidenceFile | None, scale: Sequence[str]) -> SelectedClaims:
    """Select the ``most`` worst of each kind; a quarter as many of the supported, the least confident ones.

    Omissions are sorted by ``scale``, from the best known to new.
    """
    place = {novelty: float(number) for number, novelty in enumerate(scale)}
    result = SelectedClaims({section: Smallest(most // 4 if section == "supported" else most) for section in SECTIONS})
    for line in lines:
        result.ids.add(line.id)
        if line.record == "omission":
            result.sections["omission"].add(place[line.novelty] if line.novelty else _UNKNOWN, line)
        else:
            _claim(result, line, by)
    return result


def _claim(result: SelectedClaims, line: LedgerLine, by: ConfidenceFile | None) -> None:
    confidence, verdict = line.confidence, line.verdict
    if confidence is not None:
        withdrawn = by is not None and by.withdraws(confidence, line.label, line.novelty)
        result.against += bool(line.abstained) != withdrawn
    if verdict is None or verdict == "unverifiable":
        result.unverifiable += 1
        return
    result.claims += 1
    if confidence is not None:
        result.confidences.setdefault(verdict, array("d")).append(confidence)
    # A claim without a confidence counts as certain.
    sure = inf if confidence is None else confidence
    result.sections[verdict].add(sure if verdict == "supported" else -sure, line)


@dataclass
class Texts:
    """The result of one pass over the predictions: the texts of the selected examples, and the ``counts`` of the split.

    ``repeated`` are whole texts that also occur, with a label, in the training data, if that is ``known``.
    ``annotated`` is None if the model wrote the texts: which gold their references have depends on the config.
    """

    example_ids: dict[str, None]
    missing: set[str]
    task: AnyTask
    known: WholeTexts | None = None
    kept: dict[str, Prediction] = field(default_factory=dict)
    examples: int = 0
    annotated: int | None = 0
    counts: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    repeated: int = 0

    def collect(self, predictions: Iterable[Prediction]) -> Iterator[Example]:
        """The gold of each example during the pass."""
        for one in predictions:
            example = self.task.examples.of_line(one)
            self.examples += 1
            if one.has_own_text:
                self.annotated = None
            elif self.annotated is not None:
                self.annotated += len(self.task.judge.gold(example))
            self.labels.update(example.labels)
            self.missing.discard(one.id)
            if one.id in self.example_ids:
                self.kept[one.id] = one
            for count in self.task.wording.words.counts:
                self.counts[count.name] += count.of(example)
            if self.known is not None:
                self.repeated += bool(self.known.labels_of(" ".join(one.tokens)))
            yield example


def marks(task: AnyTask, one: Prediction) -> list[Mark]:
    """The annotation; a label of the whole example has no position."""
    gold = task.judge.gold(task.examples.of_line(one))
    return [claim.mark if task.wording.nouns.is_placed else (None, None, claim.label) for claim in gold]


def sections(picked: SelectedClaims, texts: Texts) -> list[ClaimSection]:
    """Every kind of claim with its worst, in their texts; the distorted ones only if the task has them."""
    return [
        ClaimSection(
            section=section,
            total=worst.total,
            shown=[_show_claim(line, texts.kept[line.id], texts.task) for line in worst.items()],
        )
        for section, worst in picked.sections.items()
        if section != "distorted" or texts.task.judge.reasons or worst.total
    ]


def _show_claim(line: LedgerLine, example: Any, task: AnyTask) -> ShownClaim:
    """A claim in its text: the tokens around it or, for a claim about the whole example, around its marked ranges.

    For a text that the model wrote, the input and the reference are shown with it, and only claims in the same text are
    marked.
    """
    tokens, is_written = example.tokens_of(line.record), example.has_own_text
    size = len(tokens)
    border, ranges = (None, ()) if is_written else (task.examples.border(example), task.examples.ranges(example))
    is_placed = task.wording.nouns.is_placed
    places = [place for start, end, _ in ranges for place in (start, end)]
    around = (min(places), max(places)) if places else (border, border)
    first, last = window(*((line.start, line.end) if is_placed else around), size)
    gold = marks(task, example) if not is_written or line.record == "omission" else []
    own = (line.start, line.end, line.label) if is_placed else (None, None, line.label)
    if is_written and line.record == "omission" and own not in gold:  # found by a name model in the config
        gold.append(own)
    # A prediction is identified by its position, if it has one, its label and its confidence.
    others = [(*((None, None) if len(one) == 2 else one[:2]), *one[-2:]) for one in example.predicted]
    if line.record == "claim":
        others = [one for one in others if one[:3] != own]
    elif is_written:
        others = []
    if is_written:  # overlapping ranges are shown separately
        others, gold = ([one for one in some if _is_apart(one, own)] for some in (others, gold))
    return ShownClaim(
        line=line,
        tokens=tokens[first:last],
        first=first,
        before=first,
        after=size - last,
        gold=[mark for mark in gold if _is_within(mark, first, last)],
        others=[one for one in others if _is_within(one, first, last)],
        second=border,
        marked=[one for one in ranges if one[0] < last and one[1] > first],
        related_texts=example.related_texts(line.record) if is_written else [],
    )


def _is_apart(mark: Sequence[Any], own: Mark) -> bool:
    """Whether two ranges are disjoint, or equal."""
    if mark[0] is None or own[0] is None or own[1] is None:
        return False
    return tuple(mark[:3]) == own or mark[1] <= own[0] or own[1] <= mark[0]


def _is_within(mark: Sequence[Any], first: int, last: int) -> bool:
    """Whether a range overlaps the tokens shown."""
    return mark[0] is None or (mark[0] < last and mark[1] > first)


def window(start: int | None, end: int | None, size: int, most: int = MOST_TOKENS) -> tuple[int, int]:
    """The tokens to show around a claim: all of ``size`` if they are few, otherwise ``most`` with the claim in the
    middle."""
    if size <= most or start is None or end is None:
        return 0, min(size, most)
    before = max(0, most - (end - start)) // 2
    first = max(0, min(start - before, size - most))
    return first, first + most
