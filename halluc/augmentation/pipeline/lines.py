"""Candidates as the lines of ``augment/train.jsonl`` and ``augment/provenance.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from halluc.augmentation.filters.filters import Keys
from halluc.augmentation.methods.base import Lexicon
from halluc.augmentation.pipeline.candidates import Accepted, Asked, Maker, Refusal
from halluc.core.edits import Edit, Editable, Replace, apply, permuted
from halluc.core.examples import Example, Origin
from halluc.core.files import json_line
from halluc.task import Examples


class CorpusLine(NamedTuple):
    """A candidate in written form, with the data for accepting it and for the statistics.

    ``size`` is its tokens, ``labels`` has one for each labelled thing, ``units`` counts its mentions or its content
    words, and ``new`` those of them that are not in training. Plain values, since they cross processes.
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
    """The result for one (example, copy): a line, or none, and the refusals."""

    line: CorpusLine | None
    refusals: list[Refusal]


@dataclass(frozen=True)
class Press:
    """Converts (example, copy) to lines. ``separator`` is put between an example's id and the number of the copy."""

    maker: Maker
    examples: Examples[Any, Any]
    separator: str
    seed: int
    training: Lexicon

    def original(self, example: Example) -> str:
        return json_line(self.examples.record(example))

    def candidate(self, example: Example, copy: int, attempt: int = 0) -> Tried:
        """The first candidate from ``attempt`` on that no filter rejects by itself."""
        return self.edited(example, copy, attempt)[0]

    def edited(self, example: Example, copy: int, attempt: int = 0) -> tuple[Tried, Editable | None]:
        """``candidate``, with its text and spans after the edits."""
        asked = self._asked(example, copy, attempt)
        made = self.maker.make(asked)
        return self._tried(example, asked, made), made[0] and made[0].changed.edited

    def candidates(self, pairs: Sequence[tuple[Example, int]]) -> list[Tried]:
        """``candidate`` for each example and number of its copy; with a model, many at a time."""
        asked = [self._asked(example, copy) for example, copy in pairs]
        made = self.maker.make_many(asked) if self.maker.uses_model else map(self.maker.make, asked)
        return [self._tried(example, one, result) for (example, _), one, result in zip(pairs, asked, made, strict=True)]

    def _asked(self, example: Example, copy: int, attempt: int = 0) -> Asked:
        return Asked(self.examples.editable(example), example.id, copy, attempt, example)

    def _tried(self, example: Example, asked: Asked, result: tuple[Accepted | None, list[Refusal]]) -> Tried:
        made, refusals = result
        return Tried(made and self._line(example, asked.example, asked.copy, made), refusals)

    def _line(self, example: Example, before: Editable, copy: int, made: Accepted) -> CorpusLine:
        source, identity = example.origin, f"{example.id}{self.separator}{copy}"
        # A sample for the target of its example counts as derived from it.
        is_new = made.sampled and not (before.target and made.changed.edited.target == before.target)
        parent = None if is_new else example.id
        origin = Origin(source.file, source.line, source.document, parent, made.steps)
        edited = made.changed.edited
        new = self.examples.rebuild(example, edited, identity, origin)
        provenance = {
            "id": identity,
            "parent": parent,
            "source": made.source if is_new else str(source),
            "methods": made.steps,
            "seed": self.seed,
            "copy": copy,
            "attempt": made.attempt,
            "edits": _edits(Editable(()) if is_new else before, made),
        }
        units = self.examples.units.of(edited)
        return CorpusLine(
            text=json_line(self.examples.record(new)),
            provenance=json_line(provenance),
            keys=made.keys,
            attempt=made.attempt,
            method=made.method,
            shown=" ".join(edited.tokens),
            size=len(edited.tokens),
            labels=tuple(new.labels),
            units=len(units),
            new=sum(unit not in self.training.examples_with for unit in units),
        )


def _edits(before: Editable, made: Accepted) -> list[dict[str, Any]]:
    """Every edit, before and after; the positions of a step are those in the result of the previous step."""
    edits: list[dict[str, Any]] = []
    last = len(made.changed.steps) - 1
    for number, step in enumerate(made.changed.steps):
        edits += [_edit(before.tokens, edit, number) for edit in sorted(step, key=_range)]
        if number < last:
            before = apply(before, step)
    return edits


def _range(edit: Edit) -> tuple[int, int]:
    return (edit.start, edit.end) if isinstance(edit, Replace) else (edit.cuts[0], edit.cuts[-1])


def _edit(tokens: Sequence[str], edit: Edit, step: int) -> dict[str, Any]:
    start, end = _range(edit)
    after = edit.tokens if isinstance(edit, Replace) else permuted(tokens, edit)
    text = {"step": step, "start": start, "end": end, "before": tokens[start:end], "after": after, "why": edit.why}
    return text if isinstance(edit, Replace) else {**text, "cuts": edit.cuts, "order": edit.order}
