"""``halluc clean``: the deleted and the kept files, with reasons."""

from __future__ import annotations

from pathlib import Path

from halluc.commands.terminal import say
from halluc.core.messages import Level, hears
from halluc.core.quantities import quantity
from halluc.runs.schema import CleanResult
from halluc.wording.formats import size


def show(result: CleanResult) -> None:
    deleted, freed = ("would delete", "would be freed") if result.dry_run else ("deleted", "freed")
    if hears(Level.NORMAL):
        for verb, items in ((deleted, result.deleted), ("left", result.left)):
            for item in items:
                say(f"{verb} {size(item.bytes):>8}  {Path(result.root) / item.path}  ({item.reason})")
    say(f"{size(result.bytes)} {freed}: {quantity(len(result.deleted), 'items')} in {quantity(result.runs, 'runs')}")
