"""Candidates as the lines of ``augment/train.jsonl`` and ``augment/provenance.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from halluc.augmentation.filters.filters import Keys
from halluc.augmentation.methods.base import Lexicon
from halluc.augmentation.pipeline.candidates import Accepted, CandidateMaker, CopyRequest, Refusal
from halluc.core.edits import Edit, Editable, Replace, apply, permuted
from halluc.core.examples import Example, Origin
from halluc.core.files import json_line
from halluc.task import Examples


class CorpusLine(NamedTuple):
    """The lines of a candidate, with the data for accepting it and for statistics; plain values, since it is sent
    between processes.

    ``size`` is the number of its tokens, ``labels`` has the label of each annotated item, ``units`` is the number of
    its mentions or content words, and ``new`` the number of those that are not in training.
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


class CopyResult(NamedTuple):
    """The result for one (example, copy): a line, or none, and the refusals."""

    line: CorpusLine | None
    refusals: list[Refusal]


@dataclass(frozen=True)
class LineMaker:
    """Converts (example, copy) to lines. The id of a copy is the id of the example, ``separator`` and the number."""

    maker: CandidateMaker
    examples: Examples[Any, Any]
    separator: str
    seed: int
    training: Lexicon

    def original(self, example: Example) -> str:
        return json_line(self.examples.record(example))

    def candidate(self, example: Example, copy: int, attempt: int = 0) -> CopyResult:
        """The first candidate from ``attempt`` on that no filter rejects by itself."""
        return self.make_edited(example, copy, attempt)[0]

    def make_edited(self, example: Example, copy: int, attempt: int = 0) -> tuple[CopyResult, Editable | None]:
        """``candidate``, and the candidate as ``Editable``."""
        request = self._request(example, copy, attempt)
        accepted, refusals = self.maker.make(request)
        return self._result(request, accepted, refusals), accepted and accepted.changed.edited

    def candidates(self, pairs: Sequence[tuple[Example, int]]) -> list[CopyResult]:
        """``candidate`` for each example and number of its copy."""
        requests = [self._request(example, copy) for example, copy in pairs]
        results = zip(requests, self.maker.make_many(requests), strict=True)
        return [self._result(request, *result) for request, result in results]

    def _request(self, example: Example, copy: int, attempt: int = 0) -> CopyRequest:
        return CopyRequest(self.examples.editable(example), example.id, copy, attempt, example)

    def _result(self, request: CopyRequest, accepted: Accepted | None, refusals: list[Refusal]) -> CopyResult:
        return CopyResult(accepted and self._line(request, accepted), refusals)

    def _line(self, request: CopyRequest, accepted: Accepted) -> CorpusLine:
        example, before, copy = request.source, request.example, request.copy
        source, identity, edited = example.origin, f"{example.id}{self.separator}{copy}", accepted.changed.edited
        # A sampled text with the target of its example is derived from the example.
        is_new = accepted.sampled and not (before.target and edited.target == before.target)
        parent = None if is_new else example.id
        origin = Origin(source.file, source.line, source.document, parent, accepted.steps)
        new = self.examples.rebuild(example, edited, identity, origin)
        provenance = {
            "id": identity,
            "parent": parent,
            "source": accepted.source if is_new else str(source),
            "methods": accepted.steps,
            "seed": self.seed,
            "copy": copy,
            "attempt": accepted.attempt,
            "edits": _edits(Editable(()) if is_new else before, accepted),
        }
        units = self.examples.units.of(edited)
        return CorpusLine(
            text=json_line(self.examples.record(new)),
            provenance=json_line(provenance),
            keys=accepted.keys,
            attempt=accepted.attempt,
            method=accepted.method,
            shown=" ".join(edited.tokens),
            size=len(edited.tokens),
            labels=tuple(new.labels),
            units=len(units),
            new=sum(unit not in self.training.examples_with for unit in units),
        )


def _edits(before: Editable, accepted: Accepted) -> list[dict[str, Any]]:
    """The record of every edit; the positions of a step are those in the result of the previous step."""
    edits: list[dict[str, Any]] = []
    last = len(accepted.changed.steps) - 1
    for number, step in enumerate(accepted.changed.steps):
        edits += [_edit(before.tokens, edit, number) for edit in sorted(step, key=_range)]
        if number < last:
            before = apply(before, step)
    return edits


def _range(edit: Edit) -> tuple[int, int]:
    return (edit.start, edit.end) if isinstance(edit, Replace) else (edit.cuts[0], edit.cuts[-1])


def _edit(tokens: Sequence[str], edit: Edit, step: int) -> dict[str, Any]:
    start, end = _range(edit)
    after = edit.tokens if isinstance(edit, Replace) else permuted(tokens, edit)
    record = {"step": step, "start": start, "end": end, "before": tokens[start:end], "after": after, "why": edit.why}
    return record if isinstance(edit, Replace) else {**record, "cuts": edit.cuts, "order": edit.order}
