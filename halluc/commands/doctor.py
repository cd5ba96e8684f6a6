"""``halluc doctor``: the state of this installation."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.commands.terminal import Grid, folded, put_folded, say
from halluc.runs.results import DoctorResult, RequirementState
from halluc.wording import formats


def show(result: object) -> None:
    if not isinstance(result, DoctorResult):
        return
    table = Grid(title="installation", show_header=False)
    table.add_row("halluc", result.halluc)
    for name, version in result.versions.items():
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
