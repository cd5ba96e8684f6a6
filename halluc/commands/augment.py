"""``halluc augment``: the location of an augmented corpus, and pairs of texts before and after."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from halluc.commands.terminal import people, say
from halluc.core.characters import printable_cell
from halluc.core.examples import Span
from halluc.runs.directory import TRAIN, RunDir
from halluc.runs.results import AugmentResult
from halluc.workflows.replay import PreviewPair

# Separates the two texts of a pair.
_BORDER = "‖"


def show(result: object) -> None:
    if isinstance(result, AugmentResult):
        say(f"augmented corpus: {RunDir(Path(result.run)).augment / TRAIN}")
    elif isinstance(result, PreviewPair):
        _show_pair(result)
        if result.replayed is not None:
            say(f"{result.replayed}: byte-identical")


def _show_pair(pair: PreviewPair) -> None:
    examples, example, line = pair.examples, pair.example, pair.line
    before, after, provenance = examples.record(example), json.loads(line.text), json.loads(line.provenance)
    whys = ", ".join(dict.fromkeys(edit["why"] for edit in provenance["edits"])) or "as it is"
    say(f"{example.origin}  {' + '.join(provenance['methods'])}: {whys}", style="dim")
    removed, added = _differing(before["tokens"], after["tokens"])
    # Labels of the whole text stay unchanged, and are printed before both texts.
    labels = () if examples.has_spans or not pair.labelled else example.labels or ("no label",)
    people.print(_marked("- ", before, examples.editable(example).spans, labels, removed, "red"))
    people.print(_marked("+ ", after, pair.edited.spans, labels, added, "green"))
    say()


def _differing(before: Sequence[str], after: Sequence[str]) -> tuple[set[int], set[int]]:
    """The positions that only one side has."""
    removed: set[int] = set()
    added: set[int] = set()
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            removed.update(range(a, b))
            added.update(range(c, d))
    return removed, added


def _marked(
    sign: str, record: Mapping[str, Any], spans: Sequence[Span], labels: Sequence[str], changed: set[int], colour: str
) -> Text:
    """Tokens with spans in brackets, and a bar at the border of a pair; changed ones in colour and underlined, so that
    they are visible without colours."""
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
