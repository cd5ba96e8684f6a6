"""The augmented corpus of a run: its manifest, and a few pairs of each method with the edits on both sides."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.files import json_line
from halluc.core.rng import Draws
from halluc.report.collect import touched
from halluc.runs.directory import RunDir
from halluc.runs.records import read_record
from halluc.runs.reports import Augmentation, EditedPair
from halluc.runs.schema import AugmentFile

MOST_PAIRS, OF_A_METHOD = 12, 3
_HELP = "remove the folder: `halluc augment` makes it anew"
_METHODS, _TOKENS, _NO_EDITS = b'"methods": [', b', "tokens": ', b'"edits": []}\n'


class _Provenance(BaseModel):
    id: str
    parent: str | None
    source: str | None
    methods: list[str]
    edits: list[touched.Edited]


class _Line(BaseModel):
    """An example; of a pair ``second`` is the token with which its second text begins."""

    id: str
    tokens: list[str]
    second: int | None = None


def augmentation(run: RunDir) -> Augmentation:
    """The manifest and some pairs, the same ones each time.

    Raises:
        FileNotFoundError: there is no augmented corpus. HallucError R130, R131: a file is damaged, or the manifest of
            another version.
    """
    manifest = read_record(
        run.augment / "manifest.json", AugmentFile, damaged="R130", other_version="R131", help=_HELP
    )  # fmt: skip
    provenance, train = run.augment / "provenance.jsonl", run.augment / "train.jsonl"
    if not provenance.is_file() or not train.is_file():
        return Augmentation(manifest=manifest, pairs=[])
    chosen = [_parsed(provenance, number, line) for number, line in _drawn(provenance)]
    parents = {one.parent for one in chosen if one.parent is not None} if manifest.originals else set()
    examples = _examples(train, parents)
    # Originals stand first, where they are kept: then no more of the file is read, but for the borders of pairs.
    if not manifest.originals or any(one.second is not None for one in examples.values()):
        examples |= _examples(train, {one.id for one in chosen})
    pairs = [_pair(one, examples) for one in chosen]
    return Augmentation(manifest=manifest, pairs=[pair for pair in pairs if pair is not None])


def _drawn(path: Path) -> list[tuple[int, bytes]]:
    """(line, its text) of the new examples that are shown: of each method those with the smallest keyed hash."""
    bits = Draws.of("report", "pairs").bits
    heaps: dict[bytes, list[tuple[int, int, bytes]]] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            drawn = bits()
            if line.endswith(_NO_EDITS):
                continue  # a copy: there is nothing to see
            heap = heaps.setdefault(_methods(line), [])
            if len(heap) < OF_A_METHOD:
                heapq.heappush(heap, (-drawn, number, line))
            elif -drawn > heap[0][0]:
                heapq.heapreplace(heap, (-drawn, number, line))
    columns = [sorted(heap, reverse=True) for _, heap in sorted(heaps.items())]
    turns = (column[turn] for turn in range(OF_A_METHOD) for column in columns if turn < len(column))
    shown = [(number, line) for _, (_, number, line) in zip(range(MOST_PAIRS), turns, strict=False)]
    return sorted(shown, key=lambda pair: (_methods(pair[1]), pair[0]))


def _methods(line: bytes) -> bytes:
    """What made it, as it is written: to parse millions of lines would take minutes."""
    start = line.find(_METHODS)
    return line[start : line.find(b"]", start)]


def _parsed(path: Path, number: int, line: bytes) -> _Provenance:
    try:
        return _Provenance.model_validate_json(line)
    except ValidationError as error:
        told = f"not a line of provenance: {error.errors()[0]['msg']}"
        raise HallucError("R130", told, Location(str(path), number), _HELP) from None


def _examples(path: Path, wanted: Iterable[str]) -> dict[str, _Line]:
    """Some examples, by id; the file is read as far as the last of them."""
    heads = {json_line({"id": identity})[:-1].encode(): identity for identity in wanted}
    found: dict[str, _Line] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if len(found) == len(heads):
                break
            if line[: line.find(_TOKENS)] in heads:
                try:
                    one = _Line.model_validate_json(line)
                except ValidationError:
                    where = Location(str(path), number)
                    raise HallucError("R130", "not a line of an augmented corpus", where, _HELP) from None
                found[one.id] = one
    return found


def _pair(one: _Provenance, examples: dict[str, _Line]) -> EditedPair | None:
    """Both sides of an example; None where the original is not kept and can not be told from the edits."""
    steps = touched.steps(one.edits)
    parent, child = examples.get(one.parent or ""), examples.get(one.id)
    before: list[str] | None = [] if one.parent is None else None
    if parent is not None:
        before = parent.tokens
    if before is None and child is not None:
        before = touched.undone(child.tokens, steps)
    made = None if before is None else touched.made(before, steps)
    if before is None or made is None:
        return None
    return EditedPair(
        id=one.id,
        parent=one.parent or "",
        source=one.source or "",
        methods=one.methods,
        why=list(dict.fromkeys(edit.why for edit in one.edits)),
        before=before,
        after=made.tokens,
        before_edits=made.before,
        after_edits=made.after,
        before_second=parent.second if parent else None,
        after_second=child.second if child else None,
    )
