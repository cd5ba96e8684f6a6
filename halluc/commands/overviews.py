"""The output of `halluc clean`, `halluc runs`, `halluc doctor` and `halluc list`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from halluc.commands.terminal import Grid, folded, put_folded, put_json, put_table, say
from halluc.components import TABLE
from halluc.core import figures, registry
from halluc.core.errors import HallucError, suggestion
from halluc.core.messages import Level, hears
from halluc.core.quantities import quantity
from halluc.runs.results import DoctorResult, ListedRun, RequirementState
from halluc.runs.schema import CleanResult
from halluc.wording import formats

_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def show_cleaned(result: CleanResult) -> None:
    """The deleted and the kept files, with reasons."""
    deleted, freed = ("would delete", "would be freed") if result.dry_run else ("deleted", "freed")
    if hears(Level.NORMAL):
        for verb, items in ((deleted, result.deleted), ("left", result.left)):
            for item in items:
                size = formats.size(item.bytes)
                say(f"{verb} {size:>8}  {Path(result.root) / item.path}  ({item.reason})")
    counts = f"{quantity(len(result.deleted), 'items')} in {quantity(result.runs, 'runs')}"
    say(f"{formats.size(result.bytes)} {freed}: {counts}")


def show_listed(run: ListedRun) -> None:
    """A run or a study, in at most three lines."""
    say(run.path, style="bold")
    parts = (
        run.task,
        run.tool and f"predictions of {run.tool}",
        run.state,
        formats.size(run.bytes),
        f"{_age(run.created)} old",
    )
    say("  " + ", ".join(filter(None, parts)))
    texts = [f"{figures.figure(name).title} {formats.value(name, value)}" for name, value in run.figures.items()]
    if texts:
        say(f"  {run.split}: {', '.join(texts)}")


def _age(created: str) -> str:
    seconds = max(0.0, (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())
    return next((f"{seconds / unit:.0f} {name}" for unit, name in _AGES if seconds >= unit), f"{seconds:.0f} s")


def show_installation(result: DoctorResult) -> None:
    """Versions, the machine, and the state of every extra."""
    table = Grid(title="installation", show_header=False)
    for name, version in {"halluc": result.halluc, **result.versions}.items():
        table.add_row(name, version)
    put_folded(table)
    table = Grid(title="machine", show_header=False)
    for name, value in {**result.hardware, **result.device}.items():
        shown = formats.size(value) if name.endswith("_bytes") else str(value)
        table.add_row(name.removesuffix("_bytes").replace("_", " "), folded(shown))
    put_folded(table)
    table = Grid(title="extras", show_header=False)
    for extra in result.extras:
        if not extra.for_development:
            lacks = _names(extra.missing)
            state = f'lacks {lacks}: pip install "halluc[{extra.name}]"' if lacks else "installed"
            table.add_row(extra.name, folded(state))
    for name, (path, use) in result.programs.items():
        table.add_row(name, folded(f"{path or 'not installed'} ({use})"))
    put_folded(table)
    if result.missing:
        say(f"required packages are missing or have the wrong version: {_names(result.missing)}", style="bold red")


def _names(requirements: Iterable[RequirementState]) -> str:
    return ", ".join(f"{one.name}{one.asks}" + (f" ({one.version})" if one.version else "") for one in requirements)


def list_components(kind: str | None, *, as_json: bool) -> None:
    """Print the components of one kind (singular or plural), or of all."""
    kinds = list(TABLE) if kind is None else [_kind(kind)]
    rows = {one: {name: registry.summary(registry.load(TABLE, one, name)) for name in TABLE[one]} for one in kinds}
    if as_json:
        put_json(rows)
        return
    for one, names in rows.items():
        table = Grid(title=f"{one}s", show_header=False)
        for name, line in names.items():
            table.add_row(name, Text(line))
        put_table(table)


def _kind(name: str) -> str:
    plurals = {f"{kind}s": kind for kind in TABLE}
    if name in TABLE or name in plurals:
        return plurals.get(name, name)
    help = suggestion(name, plurals, f"known: {', '.join(plurals)}")
    raise HallucError("C010", f"there is no kind of component named `{name}`", help=help)
