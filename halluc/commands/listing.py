"""``halluc list``: the components that a config can name."""

from __future__ import annotations

from rich.text import Text

from halluc.commands.terminal import Grid, put_json, put_table
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError, suggestion


def run(kind: str | None, *, as_json: bool) -> None:
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
