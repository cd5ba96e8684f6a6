"""Candidates as the lines of ``augment/train.jsonl`` and ``augment/provenance.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from halluc.augmentation.filters.filters import Keys
from halluc.augmentation.methods.base import Lexicon
from halluc.augmentation.pipeline.candidates import Accepted, Asked, Maker, Refusal
from halluc.core.edits import Edit, Editable, Replace, apply
from halluc.core.examples import Example, Origin
from halluc.core.files import json_line
from halluc.task import Examples


class CorpusLine(NamedTuple):
    """A candidate ready to be written, with what decides whether it is, and what is counted of it.

    ``size`` is its tokens, ``labels`` has one for each thing labelled, ``units`` counts its mentions or its content
    words, and ``new`` those of them that training does not show. Plain values, since it crosses processes.
    """

    text: str
    provenance: str
    keys: tuple[Keys, ...]
    attempt: int
    method: str
    shown: str
    size: int
    labels: tuple[str, ...]
    units: int
    new: int


class Tried(NamedTuple):
    """What came of one (example, copy): a line, or none, and what was refused on the way."""

    line: CorpusLine | None
    refusals: list[Refusal]


@dataclass(frozen=True)
class Press:
    """Turns (example, copy) into lines. ``separator`` stands between an example's id and the number of the copy."""

    maker: Maker
    examples: Examples[Any, Any]
    separator: str
    seed: int
    training: Lexicon

    def identity(self, example: Example, copy: int) -> str:
        return f"{example.id}{self.separator}{copy}"

    def original(self, example: Example) -> str:
        return json_line(self.examples.record(example))

    def candidate(self, example: Example, copy: int, attempt: int = 0) -> Tried:
        """The first candidate from ``attempt`` on that is not rejected for itself."""
        asked = self._asked(example, copy, attempt)
        return self._tried(example, asked, self.maker.make(asked))

    def candidates(self, pairs: Sequence[tuple[Example, int]]) -> list[Tried]:
        """``candidate`` for each example and number of its copy; with a model, many at a time."""
        asked = [self._asked(example, copy) for example, copy in pairs]
        made = self.maker.make_many(asked) if self.maker.uses_model else map(self.maker.make, asked)
        return [self._tried(example, one, result) for (example, _), one, result in zip(pairs, asked, made, strict=True)]

    def _asked(self, example: Example, copy: int, attempt: int = 0) -> Asked:
        return Asked(self.examples.editable(example), example.id, copy, attempt)

    def _tried(self, example: Example, asked: Asked, result: tuple[Accepted | None, list[Refusal]]) -> Tried:
        made, refusals = result
        return Tried(made and self._line(example, asked.example, asked.copy, made), refusals)

    def _line(self, example: Example, before: Editable, copy: int, made: Accepted) -> CorpusLine:
        source, identity = example.origin, self.identity(example, copy)
        parent = None if made.sampled else example.id
        origin = Origin(source.file, source.line, source.document, parent, made.steps)
        edited = made.changed.edited
        new = self.examples.rebuild(example, edited, identity, origin)
        provenance = {
            "id": identity,
            "parent": parent,
            "source": None if made.sampled else str(source),
            "methods": made.steps,
            "seed": self.seed,
            "copy": copy,
            "attempt": made.attempt,
            "edits": _edits(before, made),
        }
        units = self.examples.units.of(edited)
        fresh = sum(unit not in self.training.examples_with for unit in units)
        text, shown = json_line(self.examples.record(new)), " ".join(edited.tokens)
        told = json_line(provenance)
        counts = (len(edited.tokens), tuple(new.labels), len(units), fresh)
        return CorpusLine(text, told, made.keys, made.attempt, made.method, shown, *counts)


def _edits(before: Editable, made: Accepted) -> list[dict[str, Any]]:
    """Every edit, before and after; the positions of a step are those in what the step before it left."""
    told: list[dict[str, Any]] = []
    if made.sampled:
        before = Editable(())
    last = len(made.changed.steps) - 1
    for number, step in enumerate(made.changed.steps):
        ordered = sorted(step, key=_start) if len(step) > 1 else step
        told += [_edit(before.tokens, edit, number) for edit in ordered]
        if number < last:
            before = apply(before, step)
    return told


def _start(edit: Edit) -> tuple[int, int]:
    return (edit.start, edit.end) if isinstance(edit, Replace) else (edit.cuts[0], edit.cuts[-1])


def _edit(tokens: Sequence[str], edit: Edit, step: int) -> dict[str, Any]:
    if isinstance(edit, Replace):
        start, end, after, why = edit
        return {"step": step, "start": start, "end": end, "before": tokens[start:end], "after": after, "why": why}
    cuts, order, why = edit
    moved = [token for piece in order for token in tokens[cuts[piece] : cuts[piece + 1]]]
    told = {"step": step, "start": cuts[0], "end": cuts[-1], "before": tokens[cuts[0] : cuts[-1]], "after": moved}
    return {**told, "why": why, "cuts": cuts, "order": order}
