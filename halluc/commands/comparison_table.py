"""Two runs that were compared, as tables for people."""

from __future__ import annotations

from collections import Counter
from typing import Any

from halluc.commands.terminal import Grid, put_table, say
from halluc.core.characters import printable_cell
from halluc.runs.studies import Comparison, Delta

MOST_FLIPS_SHOWN = 12


def show(found: Comparison, *, is_placed: bool) -> None:
    """The comparison as tables for people; ``is_placed``: whether claims have places in a text."""
    say(f"a: {found.a}")
    say(f"b: {found.b}")
    differing = ", ".join(found.config_differences) or "nothing"
    say(f"{found.split}, {found.examples:,} examples; the configs differ in: {differing}")
    for one in found.training_differences:
        say(f"training differs in {one.what}: a {one.a}, b {one.b}", style="yellow")
    grid = Grid("", "a", "b", "b - a", "95% interval", "p", "p (Holm)")
    for delta in found.figures:
        grid.add_row(named(delta.name, delta.by), *_cells(delta))
    if found.matched_omission is not None:
        at = found.matched_omission
        row = Delta(
            name="", by={}, a=at.a, b=at.b, difference=at.difference, interval=at.interval, p=at.p, p_holm=at.p_holm
        )
        grid.add_row(f"hallucination_rate at an omission rate of {at.omission_rate:.4f}", *_cells(row))
    put_table(grid)
    _show_flips(found, is_placed)


def _cells(delta: Delta) -> tuple[str, ...]:
    numbers = [number(value) for value in (delta.a, delta.b)]
    signed = "–" if delta.difference is None else f"{delta.difference:+.4f}"
    nothing = "" if delta.difference is None else "none"
    span = nothing if delta.interval is None else "[{:+.4f}, {:+.4f}]".format(*delta.interval)
    return (*numbers, signed, span, *("" if p is None else p_value(p) for p in (delta.p, delta.p_holm)))


def p_value(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"{p:.4f}"


def number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def named(name: str, by: dict[str, Any]) -> str:
    return name + "".join(f", {value}" for value in by.values())


def _show_flips(found: Comparison, is_placed: bool) -> None:
    counts = Counter((flip.a, flip.b) for flip in found.flipped)
    say()
    say(f"{len(found.flipped):,} claims flipped, from a to b:")
    for (before, after), count in counts.most_common():
        say(f"  {before} -> {after}: {count:,}")
    worst = [flip for flip in found.flipped if "unsupported" in (flip.a, flip.b)]
    for flip in worst[:MOST_FLIPS_SHOWN]:
        place = f" [{flip.start}, {flip.end})" if is_placed and flip.start is not None else ""
        identity, text, label = map(printable_cell, (flip.id, flip.text, flip.label))
        say(f'  {identity}{place} "{text}" {label}: {flip.a} -> {flip.b}')
    if len(worst) > MOST_FLIPS_SHOWN:
        say(f"  … and {len(worst) - MOST_FLIPS_SHOWN:,} more with a hallucination on one side (--json has all)")
