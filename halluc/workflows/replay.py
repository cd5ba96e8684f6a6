"""Previews of augmentation that write nothing: pairs before and after, and one line reproduced from its provenance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.augmentation.pipeline.candidates import COPY
from halluc.augmentation.pipeline.lines import CorpusLine
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.core.edits import Editable
from halluc.core.errors import HallucError, suggestion
from halluc.core.files import open_regular
from halluc.core.messages import put, say
from halluc.runs.directory import PROVENANCE, TRAIN
from halluc.runs.results import PreviewResult, ReplayResult
from halluc.task import Examples
from halluc.workflows import augmentation
from halluc.workflows.job import Job


@dataclass(frozen=True)
class PreviewPair:
    """An example and the result of a method. ``edited`` has its tokens and spans after the edits, ``labelled`` says
    whether examples of this corpus have labels, ``replayed`` is its id if it is in the corpus already."""

    examples: Examples[Any, Any]
    example: Any
    line: CorpusLine
    edited: Editable
    labelled: bool
    replayed: str | None = None

    @property
    def record(self) -> PreviewResult | ReplayResult:
        provenance = json.loads(self.line.provenance)
        if self.replayed is not None:
            return ReplayResult(**{"id": self.replayed, "same": True, **provenance})
        before, after = self.examples.record(self.example), json.loads(self.line.text)
        return PreviewResult(before=before, after=after, provenance=provenance)


def preview(job: Job, wanted: int) -> list[PreviewResult | ReplayResult]:
    """The first new example of ``wanted`` training examples, spread over the split, with its original."""
    pairs = []
    with augmentation.open_prepared(job) as ready:
        labelled = bool(ready.before.labels)
        for example, line, edited in _changed_pairs(ready, wanted):
            pairs.append(PreviewPair(ready.job.examples, example, line, edited, labelled))
            put(pairs[-1])
    if not pairs:
        say("these methods cannot change any example")
    return [pair.record for pair in pairs]


def _changed_pairs(ready: Prepared, wanted: int) -> Iterator[tuple[Any, CorpusLine, Editable]]:
    """Examples that a method changes, with the result, at regular intervals over the split."""
    planned = sum(1 for copies in ready.plan if copies)
    copied = all(method.steps == ("duplicate",) for method in ready.line_maker.maker.methods)
    stride, seen, shown = max(1, planned // max(1, wanted)), 0, 0
    for example, copies in zip(ready.job.source, ready.plan, strict=True):
        if not copies or shown == wanted:
            continue
        seen += 1
        if seen > shown * stride:
            (line, _), edited = ready.line_maker.make_edited(example, 1)
            if line is not None and edited is not None and (copied or line.method != COPY):
                shown += 1
                yield example, line, edited


def replay(job: Job, identity: str) -> PreviewResult | ReplayResult:
    """Make one line of the augmented corpus again and compare it with the existing one.

    Raises:
        HallucError C146: there is no such line. R133: the result differs.
    """
    target = job.target
    provenance = _line(target.augment / PROVENANCE, identity)
    existing = _line(target.augment / TRAIN, identity)
    line: CorpusLine | None = None
    edited: Editable | None = None
    with augmentation.open_prepared(job) as ready:
        parent, _, copy = identity.rpartition(ready.line_maker.separator)
        example = next((one for one in ready.job.source if one.id == parent), None)
        if example is not None:
            attempt = json.loads(provenance)["attempt"]
            (line, _), edited = ready.line_maker.make_edited(example, int(copy), attempt)
    if example is None or line is None or edited is None or (line.text, line.provenance) != (existing, provenance):
        help = (
            "data, config or halluc have changed since; run the same command without --replay to make the corpus again"
        )
        raise HallucError("R133", f"{identity} differs from the example in {target.augment}", help=help)
    pair = PreviewPair(ready.job.examples, example, line, edited, bool(ready.before.labels), identity)
    put(pair)
    return pair.record


def _line(path: Path, identity: str) -> str:
    """The line of a JSON Lines file with this id."""
    mark = json.dumps(identity, ensure_ascii=False)
    known: list[str] = []
    with open_regular(path) as file:
        for line in map(bytes.decode, file):
            if mark in line[: len(mark) + 20] and json.loads(line)["id"] == identity:
                return line.rstrip("\n")
            if len(known) < 2000:
                known.append(json.loads(line)["id"])
    raise HallucError(
        "C146", f"no example `{identity}` in {path}", help=suggestion(identity, known, f"see {path} for the ids")
    )
