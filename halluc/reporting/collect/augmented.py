"""The augmented corpus of a run: its manifest, and a few pairs per method with the edits on both sides.

Recorded edits are repeated or undone, to find which tokens of an example they touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from halluc.core.errors import HallucError, Location
from halluc.core.files import json_line, open_regular
from halluc.core.rng import Draws
from halluc.reporting.collect.claim_selection import Smallest
from halluc.runs import integrity
from halluc.runs.directory import MANIFEST, PROVENANCE, TRAIN, RunDir
from halluc.runs.records import read_record
from halluc.runs.reports import Augmentation, EditedPair
from halluc.runs.schema import AugmentFile, RunFile

MOST_PAIRS, OF_A_METHOD = 12, 3
_HELP = "remove the folder: `halluc augment` makes it again"
_METHODS, _TOKENS, _NO_EDITS = b'"methods": [', b', "tokens": ', b'"edits": []}\n'


Range = tuple[int, int]


class Edited(BaseModel):
    """An edit from augment/provenance.jsonl: positions are tokens before the edits of its step, which do not overlap. A
    reordering has ``cuts`` and ``order``."""

    step: int = 0
    start: int
    end: int
    before: list[str]
    after: list[str]
    why: str
    cuts: list[int] | None = None
    order: list[int] | None = None


Steps = Sequence[Sequence[Edited]]


class _Provenance(BaseModel):
    id: str
    parent: str | None
    source: str | None
    methods: list[str]
    edits: list[Edited]


class _Line(BaseModel):
    """An example; for a pair ``second`` is the first token of its second text."""

    id: str
    tokens: list[str]
    second: int | None = None


def augmentation(run: RunDir, record: RunFile, *, configured: bool) -> Augmentation | None:
    """The manifest and some pairs, always the same ones; missing and changed files are named.

    Args:
        configured: whether the config of the run has augmentation.
    """
    if record.augment is None and not run.augment.is_dir() and not (configured and "train" in record.stages):
        return None
    if not run.augment.exists():  # for example, it was removed to save space
        recorded = _recorded_manifest(record)
        instead = "" if recorded is None else "; the manifest is shown as recorded in run.json"
        missing = f"augment/ is missing: no pairs are shown{instead}. `{_command(run)}` makes it again."
        return Augmentation(manifest=recorded, pairs=[], problems=[missing])
    manifest, problems = _manifest(run, record)
    if manifest is None:
        return Augmentation(manifest=None, pairs=[], problems=_sentences(run, problems))
    problems |= integrity.problems(run.augment, {TRAIN: manifest.sha256, **manifest.files}, "the augmentation")
    try:
        pairs = [] if problems.keys() & {TRAIN, PROVENANCE} else _pairs(run, manifest)
    except HallucError as error:
        name = Path(error.where.file).name if error.where else PROVENANCE
        line = f"line {error.where.line}: " if error.where else ""
        pairs, problems[name] = [], f"is damaged ({line}{error.message})"
    except OSError as error:  # earlier versions, whose manifests do not list provenance.jsonl
        pairs, problems[PROVENANCE] = [], f"cannot be read ({error.strerror})"
    return Augmentation(manifest=manifest, pairs=pairs, problems=_sentences(run, problems))


def _command(run: RunDir) -> str:
    return shlex.join(["halluc", "augment", str(run.config), "--run", str(run.path)])


def _sentences(run: RunDir, problems: Mapping[str, str]) -> list[str]:
    """A sentence for each file of ``augment/`` that has a problem, with advice."""
    lacking = dict.fromkeys((TRAIN, PROVENANCE), ": no pairs are shown")
    return [
        f"augment/{name} {what}{lacking.get(name, '')}. Remove {run.augment}, then `{_command(run)}` makes it again."
        for name, what in problems.items()
    ]


def _manifest(run: RunDir, record: RunFile) -> tuple[AugmentFile | None, dict[str, str]]:
    """The manifest, or its copy in ``run.json`` if the file is missing or was changed; and the problem."""
    path, recorded = run.augment / MANIFEST, (record.augment or {}).get("manifest_sha256")
    wrong = integrity.problems(run.augment, {MANIFEST: recorded} if recorded else {}, "the augmentation")
    file: AugmentFile | None = None
    try:
        file = read_record(path, AugmentFile, damaged="R130", other_version="R131", help=_HELP)
    except FileNotFoundError:
        wrong[MANIFEST] = "is missing"
    except HallucError as error:
        wrong[MANIFEST] = error.message.removeprefix(f"{path} ")
    noted = _recorded_manifest(record) if wrong else None
    if noted is not None:
        file = noted
        wrong[MANIFEST] += ": it is shown as recorded in run.json"
    return file, wrong


def _recorded_manifest(record: RunFile) -> AugmentFile | None:
    """The manifest recorded in ``run.json``; None if there is none, or if it was changed, which is reported."""
    noted = {name: value for name, value in (record.augment or {}).items() if name != "manifest_sha256"}
    try:
        return AugmentFile.model_validate({"refused_examples": {}, **noted}) if noted else None
    except ValidationError:
        return None


def _pairs(run: RunDir, manifest: AugmentFile) -> list[EditedPair]:
    provenance, train = run.augment / PROVENANCE, run.augment / TRAIN
    chosen = [_parse_provenance(provenance, number, line) for number, line in _sample_lines(provenance)]
    parents = {one.parent for one in chosen if one.parent is not None} if manifest.originals else set()
    examples = _examples(train, parents)
    # Originals come first, if they are kept: then only they are read, and the borders of pairs.
    if not manifest.originals or any(one.second is not None for one in examples.values()):
        examples |= _examples(train, {one.id for one in chosen})
    return [pair for one in chosen if (pair := _pair(one, examples)) is not None]


def _sample_lines(path: Path) -> list[tuple[int, bytes]]:
    """(line, its text) of the new examples to show: for each method those with the smallest keyed hash."""
    bits = Draws.of("report", "pairs").bits
    by_methods: dict[bytes, Smallest[tuple[int, bytes]]] = {}
    with open_regular(path) as file:
        for number, line in enumerate(file, 1):
            drawn = bits()
            if line.endswith(_NO_EDITS):
                continue  # a copy has no edits to show
            by_methods.setdefault(_methods(line), Smallest(OF_A_METHOD)).add(drawn, (number, line))
    columns = [smallest.items() for _, smallest in sorted(by_methods.items())]
    turns = (column[turn] for turn in range(OF_A_METHOD) for column in columns if turn < len(column))
    return sorted(islice(turns, MOST_PAIRS), key=lambda pair: (_methods(pair[1]), pair[0]))


def _methods(line: bytes) -> bytes:
    """The methods of an example, from the raw text: parsing millions of lines would take minutes."""
    start = line.find(_METHODS)
    return line[start : line.find(b"]", start)]


def _parse_provenance(path: Path, number: int, line: bytes) -> _Provenance:
    try:
        return _Provenance.model_validate_json(line)
    except ValidationError as error:
        text = f"not a line of provenance: {error.errors()[0]['msg']}"
        raise HallucError("R130", text, Location(str(path), number), _HELP) from None


def _examples(path: Path, wanted: Iterable[str]) -> dict[str, _Line]:
    """Some examples, by id; the file is read up to the last of them."""
    heads = {json_line({"id": identity})[:-1].encode(): identity for identity in wanted}
    result: dict[str, _Line] = {}
    with open_regular(path) as file:
        for number, line in enumerate(file, 1):
            if len(result) == len(heads):
                break
            if line[: line.find(_TOKENS)] in heads:
                try:
                    one = _Line.model_validate_json(line)
                except ValidationError:
                    text = "not a line of an augmented corpus"
                    raise HallucError("R130", text, Location(str(path), number), _HELP) from None
                result[one.id] = one
    return result


def _pair(one: _Provenance, examples: dict[str, _Line]) -> EditedPair | None:
    """Both sides of an example; None if the original was not kept and cannot be reconstructed from the edits."""
    all_steps = steps(one.edits)
    parent, child = examples.get(one.parent or ""), examples.get(one.id)
    if parent is not None or one.parent is None:
        before: list[str] | None = parent.tokens if parent is not None else []
    else:
        before = None if child is None else undo_edits(child.tokens, all_steps)
    result = None if before is None else apply_edits(before, all_steps)
    if before is None or result is None:
        return None
    return EditedPair(
        id=one.id,
        parent=one.parent or "",
        source=one.source or "",
        methods=one.methods,
        why=list(dict.fromkeys(edit.why for edit in one.edits)),
        before=before,
        after=result.tokens,
        before_edits=result.before,
        after_edits=result.after,
        before_second=parent.second if parent else None,
        after_second=child.second if child else None,
    )


def steps(edits: Iterable[Edited]) -> list[list[Edited]]:
    """The edits that were made together, from left to right, step by step."""
    ordered = sorted(edits, key=lambda edit: (edit.step, edit.start, edit.end))
    return [list(step) for _, step in groupby(ordered, key=lambda edit: edit.step)]


class Token(NamedTuple):
    """A token during the edits; ``origin`` is its position in the original, None for a new one."""

    text: str
    origin: int | None
    touched: bool


class EditedTokens(NamedTuple):
    """An example after its edits, and the ranges touched by any of them, before and after."""

    tokens: list[str]
    before: list[Range]
    after: list[Range]


def apply_edits(before: Sequence[str], all_steps: Steps) -> EditedTokens | None:
    """Apply the edits; None if one does not fit the text."""
    tokens = [Token(text, place, False) for place, text in enumerate(before)]
    touched: set[int] = set()
    for step in all_steps:
        changed = _step(tokens, step)
        if changed is None:
            return None
        there = {token.origin for token in changed if not token.touched}
        touched |= {token.origin for token in tokens if token.origin is not None and token.origin not in there}
        tokens = changed
    after = adjacent_ranges(place for place, token in enumerate(tokens) if token.touched)
    return EditedTokens([token.text for token in tokens], adjacent_ranges(touched), after)


def _step(tokens: Sequence[Token], step: Sequence[Edited]) -> list[Token] | None:
    changed: list[Token] = []
    done = 0
    for edit in step:
        old = tokens[edit.start : edit.end]
        if edit.start < done or [token.text for token in old] != edit.before:
            return None
        new = [Token(text, None, True) for text in edit.after] if edit.cuts is None else _reorder(old, edit)
        if [token.text for token in new] != edit.after:
            return None
        changed += [*tokens[done : edit.start], *new]
        done = edit.end
    return [*changed, *tokens[done:]]


def _reorder(old: Sequence[Token], edit: Edited) -> list[Token]:
    """The pieces in their new order; moved tokens count as touched. Empty if the cuts are invalid."""
    cuts, order = [cut - edit.start for cut in edit.cuts or ()], edit.order or []
    if any(not 0 <= cut <= len(old) for cut in cuts) or sorted(order) != list(range(len(cuts) - 1)):
        return []
    places = [place for piece in order for place in range(cuts[piece], cuts[piece + 1])]
    if sorted(places) != list(range(len(old))):
        return []
    return [old[place]._replace(touched=old[place].touched or place != new) for new, place in enumerate(places)]


def undo_edits(after: Sequence[str], all_steps: Steps) -> list[str] | None:
    """The tokens before all edits, undone from the last step on; None if an edit does not match the text."""
    tokens = list(after)
    for step in reversed(all_steps):
        earlier: list[str] = []
        done = shift = 0
        for edit in step:
            start = edit.start + shift
            end = start + len(edit.after)
            if start < done or tokens[start:end] != edit.after:
                return None
            earlier += [*tokens[done:start], *edit.before]
            done, shift = end, shift + len(edit.after) - len(edit.before)
        tokens = [*earlier, *tokens[done:]]
    return tokens


def adjacent_ranges(places: Iterable[int]) -> list[Range]:
    """Adjacent positions as (start, end)."""
    ranges: list[Range] = []
    for place in sorted(places):
        if ranges and ranges[-1][1] == place:
            ranges[-1] = (ranges[-1][0], place + 1)
        else:
            ranges.append((place, place + 1))
    return ranges
