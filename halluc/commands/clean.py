"""``halluc clean``: delete files that are no longer needed from run directories."""

from __future__ import annotations

from pathlib import Path

from halluc.commands.terminal import Talk, put_json, say
from halluc.core.quantities import quantity
from halluc.runs import cleaning
from halluc.wording.formats import size


def run(root: Path, *, dry_run: bool, talk: Talk) -> None:
    """Clean a run, a study or a folder of runs, and list deleted and kept files, with reasons.

    Raises:
        HallucError R101: the folder contains no run. E401: something cannot be deleted.
    """
    result = cleaning.clean(root, dry_run=dry_run)
    if talk is Talk.JSON:
        put_json(result.model_dump(mode="json"))
        return
    if talk is not Talk.QUIET:
        for verb, items in (("would delete" if dry_run else "deleted", result.deleted), ("left", result.left)):
            for item in items:
                say(f"{verb} {size(item.bytes):>8}  {Path(result.root) / item.path}  ({item.reason})")
    verb = "would be freed" if dry_run else "freed"
    say(f"{size(result.bytes)} {verb}: {quantity(len(result.deleted), 'items')} in {quantity(result.runs, 'runs')}")
