"""Accepts candidates one by one, in the order of the examples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from halluc.augmentation.filters.text_hashes import HashSet
from halluc.augmentation.pipeline.candidates import UNCHANGEABLE, Refusal
from halluc.augmentation.pipeline.journal import CANDIDATES, NOTES, ORIGINALS, Journal
from halluc.augmentation.pipeline.lines import CopyResult, CorpusLine
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.augmentation.pipeline.tally import Tally
from halluc.runs.directory import PROVENANCE


class Item(NamedTuple):
    """An example, its index in the training split, and the planned number of its copies."""

    number: int
    example: Any
    copies: int


class ExampleOutcome(NamedTuple):
    """The result for an example: its own line if originals are kept, and the result for each copy."""

    original: str | None
    copies: list[CopyResult]


def read_outcome(plain: Any) -> ExampleOutcome:
    """An outcome restored from JSON."""
    original, copies = plain
    results = [CopyResult(_read_line(line), [Refusal(*one) for one in refusals]) for line, refusals in copies]
    return ExampleOutcome(original, results)


def _read_line(plain: Any) -> CorpusLine | None:
    if plain is None:
        return None
    line = CorpusLine(*plain)
    return line._replace(keys=tuple(tuple(keys) for keys in line.keys), labels=tuple(line.labels))


@dataclass
class CandidateSelection:
    """Accepts outcomes in order, and compares candidates with each other."""

    prepared: Prepared
    journal: Journal
    tally: Tally
    next: int = 0
    seconds: float = 0.0

    @cached_property
    def memories(self) -> list[tuple[int, str, HashSet]]:
        """Number, name and memory of each filter with a memory."""
        filters = enumerate(self.prepared.filters)
        return [(number, one.name, one.memory) for number, one in filters if one.memory is not None]

    @classmethod
    def resume(cls, prepared: Prepared, journal: Journal) -> CandidateSelection:
        """Restore the state, and the memories of filters, from the journal."""
        state = journal.state
        tally = Tally.from_state(state["tally"]) if state else Tally(wanted=prepared.wanted)
        selection = cls(prepared, journal, tally, state.get("next", 0), state.get("seconds", 0.0))
        if state:
            for keys, _ in journal.lines(NOTES):
                selection._remember(keys)
        return selection

    def state(self) -> dict[str, Any]:
        return {"next": self.next, "seconds": self.seconds, "tally": self.tally.state()}

    def accept(self, item: Item, outcome: ExampleOutcome) -> None:
        if outcome.original is not None:
            self.journal.write(ORIGINALS, outcome.original)
        for copy, result in enumerate(outcome.copies, 1):
            self._accept_copy(item.example, copy, result)
        self.next = item.number + 1

    def _accept_copy(self, example: Any, copy: int, result: CopyResult) -> None:
        """Write the first candidate that shares no key with an accepted one; if necessary, make further candidates."""
        line_maker = self.prepared.line_maker
        while True:
            for refusal in result.refusals:
                self.tally.refuse(refusal, self._text(example))
            line = result.line
            if line is None:
                self.tally.given_up += not any(refusal.reason == UNCHANGEABLE for refusal in result.refusals)
                return
            clash = self._clash(line)
            if clash is None:
                self._write(line)
                return
            self.tally.refuse(Refusal(clash, line.method, line.shown), self._text(example))
            result = line_maker.candidate(example, copy, line.attempt + 1)

    def _text(self, example: Any) -> str:
        return " ".join(self.prepared.job.examples.editable(example).tokens)

    def _clash(self, line: CorpusLine) -> str | None:
        """The name of a filter whose memory has one of the line's keys."""
        clashes = (name for number, name, memory in self.memories if any(key in memory for key in line.keys[number]))
        return next(clashes, None)

    def _remember(self, keys: Sequence[Sequence[int]]) -> None:
        for number, _, memory in self.memories:
            memory.update(keys[number])

    def _write(self, line: CorpusLine) -> None:
        self._remember(line.keys)
        self.tally.keep(line.method, line.size, line.labels, line.units, line.new)
        self.journal.write(CANDIDATES, line.text)
        self.journal.write(PROVENANCE, line.provenance)
        self.journal.write(NOTES, json.dumps([line.keys, line.shown]))
