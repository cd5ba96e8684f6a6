"""A look at augmentation that writes nothing: pairs before and after, and one line made anew from its provenance."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from halluc.augmentation.pipeline.candidates import COPY
from halluc.augmentation.pipeline.layout import PROVENANCE, TRAIN
from halluc.augmentation.pipeline.lines import CorpusLine
from halluc.augmentation.pipeline.preparation import Prepared
from halluc.commands.terminal import people, put_json, say
from halluc.config.loading import LoadedConfig
from halluc.core.characters import printable_cell
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.examples import Span
from halluc.core.files import open_regular
from halluc.runs.directory import RunDir
from halluc.task import Examples
from halluc.workflows import augmentation

# Between the two texts of a pair.
_BORDER = "‖"


def preview(loaded: LoadedConfig, wanted: int, *, as_json: bool) -> None:
    """Print the first new example of ``wanted`` training examples, spread over the split, beside what it came from."""
    ready = augmentation.prepared(loaded)
    shown = 0
    for example, line in _some(ready, wanted):
        shown += 1
        if as_json:
            before = ready.job.examples.record(example)
            put_json({"before": before, "after": json.loads(line.text), "provenance": json.loads(line.provenance)})
        else:
            _pair(ready.job.examples, example, line)
    if not shown:
        say("no example can be changed by these methods")


def _some(ready: Prepared, wanted: int) -> Iterator[tuple[Any, CorpusLine]]:
    """Examples that a method changes, one after every so many."""
    planned = sum(1 for copies in ready.plan if copies)
    copied = all(method.steps == ("duplicate",) for method in ready.press.maker.methods)
    stride, seen, given = max(1, planned // max(1, wanted)), 0, 0
    for example, copies in zip(ready.job.source, ready.plan, strict=True):
        if not copies or given == wanted:
            continue
        seen += 1
        if seen > given * stride:
            line = ready.press.candidate(example, 1).line
            if line is not None and (copied or line.method != COPY):
                given += 1
                yield example, line


def _pair(examples: Examples[Any, Any], example: Any, line: CorpusLine) -> None:
    before, after, provenance = examples.record(example), json.loads(line.text), json.loads(line.provenance)
    whys = ", ".join(dict.fromkeys(edit["why"] for edit in provenance["edits"])) or "as it is"
    say(f"{example.origin}  {' + '.join(provenance['methods'])}: {whys}", style="dim")
    gone, come = _differing(before["tokens"], after["tokens"])
    # What labels the whole stays, and stands before both.
    labels = () if examples.has_spans else example.labels or ("no label",)
    people.print(_marked("- ", before, labels, gone, "red"))
    people.print(_marked("+ ", after, labels, come, "green"))
    say()


def _differing(before: Sequence[str], after: Sequence[str]) -> tuple[set[int], set[int]]:
    """The positions that only one side has."""
    gone: set[int] = set()
    come: set[int] = set()
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            gone.update(range(a, b))
            come.update(range(c, d))
    return gone, come


def _marked(sign: str, record: Mapping[str, Any], labels: Sequence[str], changed: set[int], colour: str) -> Text:
    """Tokens with spans in brackets, and a bar at the border of a pair; changed ones in colour and, for who sees no
    colours, underlined."""
    spans = [Span(*span) for span in record.get("spans", ())]
    opens, closes = {span.start for span in spans}, {span.end - 1: span.label for span in spans}
    line = Text(sign, style=colour)
    if labels:
        line.append(f"[{', '.join(map(printable_cell, labels))}] ", style="bold")
    for number, token in enumerate(record["tokens"]):
        if number == record.get("second"):
            line.append(f"{_BORDER} ", style="bold")
        if number in opens:
            line.append("[", style="bold")
        line.append(printable_cell(token), style=f"{colour} underline" if number in changed else "default")
        if number in closes:
            line.append(f" {printable_cell(closes[number])}]", style="bold")
        line.append(" ")
    return line


def replay(loaded: LoadedConfig, target: RunDir, identity: str, *, as_json: bool) -> None:
    """Make one line of the augmented corpus anew and compare it with the one that stands there.

    Raises:
        HallucError C146: there is no such line. R133: it comes out otherwise.
    """
    provenance = _line(target.augment / PROVENANCE, identity)
    there = _line(target.augment / TRAIN, identity)
    ready = augmentation.prepared(loaded)
    parent, _, copy = identity.rpartition(ready.press.separator)
    example = next((one for one in ready.job.source if one.id == parent), None)
    line: CorpusLine | None = None
    if example is not None:
        line = ready.press.candidate(example, int(copy), json.loads(provenance)["attempt"]).line
    if example is None or line is None or (line.text, line.provenance) != (there, provenance):
        help = "data, config or halluc have changed since; the same command without --replay makes the corpus anew"
        raise HallucError("R133", f"{identity} comes out otherwise than it stands in {target.augment}", help=help)
    if as_json:
        put_json({"id": identity, "same": True, **json.loads(provenance)})
    else:
        _pair(ready.job.examples, example, line)
        say(f"{identity}: the same to the byte")


def _line(path: Path, identity: str) -> str:
    """The line of a JSON Lines file that has this id."""
    mark = json.dumps(identity, ensure_ascii=False)
    known: list[str] = []
    with open_regular(path) as file:
        for line in map(bytes.decode, file):
            if mark in line[: len(mark) + 20] and json.loads(line)["id"] == identity:
                return line.rstrip("\n")
            if len(known) < 100_000:
                known.append(json.loads(line)["id"])
    near = did_you_mean(identity, known[:2000])
    help = f"did you mean `{near}`?" if near else f"ids stand in {path}"
    raise HallucError("C146", f"no example `{identity}` in {path}", help=help)
