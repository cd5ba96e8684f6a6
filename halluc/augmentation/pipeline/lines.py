"""Candidates as the lines of ``augment/train.jsonl`` and ``augment/provenance.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

from halluc.augmentation.filters.filters import Keys
from halluc.augmentation.methods.base import Training
from halluc.augmentation.pipeline.candidates import Made, Maker, Refusal
from halluc.augmentation.units import UNITS, Kind
from halluc.core.edits import Edit, Editable, Replace, apply
from halluc.core.examples import Example, Origin
from halluc.core.files import json_line


class Shape(Protocol):
    """What augmentation needs of a task (``tasks.base.Task``)."""

    shows: ClassVar[Kind]

    def editable(self, example: Any) -> Editable: ...

    def rebuild(self, example: Any, edited: Editable, identity: str, origin: Origin) -> Any: ...

    def record(self, example: Any) -> dict[str, Any]: ...

    def labels_of(self, example: Any) -> Sequence[str]: ...


class Line(NamedTuple):
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

    line: Line | None
    refusals: list[Refusal]


@dataclass(frozen=True)
class Press:
    """Turns (example, copy) into lines. ``separator`` stands between an example's id and the number of the copy."""

    maker: Maker
    shape: Shape
    separator: str
    seed: int
    training: Training

    def identity(self, example: Example, copy: int) -> str:
        return f"{example.id}{self.separator}{copy}"

    def original(self, example: Example) -> str:
        return json_line(self.shape.record(example))

    def candidate(self, example: Example, copy: int, attempt: int = 0) -> Tried:
        """The first candidate from ``attempt`` on that is not rejected for itself."""
        before = self.shape.editable(example)
        made, refusals = self.maker.make(before, example.id, copy, attempt)
        if made is None:
            return Tried(None, refusals)
        return Tried(self._line(example, before, copy, made), refusals)

    def _line(self, example: Example, before: Editable, copy: int, made: Made) -> Line:
        source, identity = example.origin, self.identity(example, copy)
        parent = None if made.sampled else example.id
        origin = Origin(source.file, source.line, source.document, parent, made.steps)
        edited = made.changed.edited
        new = self.shape.rebuild(example, edited, identity, origin)
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
        kind = self.shape.shows
        units = UNITS[kind](edited)
        fresh = sum(not self.training.shows(unit, kind) for unit in units)
        text, shown = json_line(self.shape.record(new)), " ".join(edited.tokens)
        told = json_line(provenance)
        counts = (len(edited.tokens), tuple(self.shape.labels_of(new)), len(units), fresh)
        return Line(text, told, made.keys, made.attempt, made.method, shown, *counts)


def _edits(before: Editable, made: Made) -> list[dict[str, Any]]:
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
