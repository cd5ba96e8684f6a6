"""Arms on the terminal: how each differs from the reference, and how their trends do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from halluc.commands.comparison_table import named, p_value
from halluc.commands.terminal import Grid, put_table, say
from halluc.core.figures import figure, shown
from halluc.runs.studies import LEAST_SEEDS, SURE, ArmComparison, ArmDelta, ArmTrend, Interval
from halluc.wording.phrases import of_seeds


def show(comparisons: Sequence[ArmComparison], trends: Sequence[ArmTrend]) -> None:
    """A table for each reference, and for each axis of numbers along which arms can differ."""
    families: dict[tuple[str, ...], list[ArmComparison]] = {}
    for one in comparisons:
        families.setdefault((one.axis, *told(one.choice)), []).append(one)
    for family in families.values():
        _differences(family)
    if comparisons:
        say(f"*: p, adjusted for the arms of a table (Holm), under {SURE}, with {LEAST_SEEDS} seeds at least", "dim")
        for family in families.values():
            _what_else(family)
    groups: dict[tuple[str, ...], list[ArmTrend]] = {}
    for trend in trends:
        groups.setdefault((trend.arm_axis, trend.axis, *told(trend.choice)), []).append(trend)
    for group in groups.values():
        _trends(group)


def told(choice: Mapping[str, object]) -> tuple[str, ...]:
    """As `axis=value`."""
    return tuple(f"{axis}={value}" for axis, value in choice.items())


def _also(choice: Mapping[str, object]) -> str:
    return f" ({', '.join(told(choice))})" if choice else ""


def _differences(family: Sequence[ArmComparison]) -> None:
    first = family[0]
    title = f"{first.axis}: each less {first.reference}{_also(first.choice)}, paired by seed and example"
    there = {delta.name for one in family for delta in one.figures}
    columns = {column.heading: column.row.name for column in shown("arms", there)}
    table = Grid(first.axis, "seeds", *columns, title=title)
    for one in family:
        found = {delta.name: delta for delta in one.figures if not delta.by}
        deltas = [found.get(name) for name in columns.values()]
        table.add_row(str(one.arm), str(one.seeds), *map(_difference, deltas))
        table.add_row("", "95%", *(_interval(delta.interval) if delta else "" for delta in deltas), style="dim")
        table.add_row("", "p", *map(_adjusted, deltas), style="dim")
    least = [_smallest(family, name) for name in columns.values()]
    if any(least):
        table.add_row("could show", "", *least, style="dim")
    say()
    put_table(table)


def _difference(delta: ArmDelta | None) -> str:
    if delta is None or delta.difference is None:
        return "–"
    return f"{delta.difference:+.4f}" + ("*" if delta.shown else " ")


def _smallest(family: Sequence[ArmComparison], name: str) -> str:
    """The smallest difference that any arm of a table could have shown, before adjustment."""
    deltas = (delta for one in family for delta in one.figures if delta.name == name and not delta.by)
    known = [delta.smallest for delta in deltas if delta.smallest is not None]
    return f"{min(known):.4f} " if known else ""


def _what_else(family: Sequence[ArmComparison]) -> None:
    """In what the trainings of arms and reference differ, beside their settings."""
    for one in family:
        if one.training_differences:
            parts = (f"{found.what} {found.b} against {found.a}" for found in one.training_differences)
            say(f"{one.arm}{_also(one.choice)} also differs from {one.reference} in: {'; '.join(parts)}", "yellow")
        if one.silent_seeds:
            which = ", ".join(map(str, one.silent_seeds))
            say(f"{one.arm}{_also(one.choice)}: no claim is made with seed {which}, so that no p is given", "yellow")


def _adjusted(delta: ArmDelta | None) -> str:
    return "" if delta is None or delta.p_holm is None else f"{p_value(delta.p_holm)} "


def _interval(interval: Interval | None) -> str:
    """As [-.012, +.034]: seven columns must fit beside each other."""
    if interval is None:
        return "none"
    low, high = (f"{end:+.3f}".replace("0.", ".", 1) for end in interval)
    return f"[{low}, {high}]"


def _trends(group: Sequence[ArmTrend]) -> None:
    first = group[0]
    unit = "factor of 10" if first.scale == "log10" else "unit"
    title = f"per {unit} of {first.axis}{_also(first.choice)}: each {first.arm_axis} less {first.reference}"
    table = Grid(title=title)
    for heading in (first.arm_axis, ""):
        table.add_column(heading)
    for heading in ("points", "seeds", "slope", "95% interval", "p (Holm)", "could show", "intercept", "95% interval"):
        table.add_column(heading, justify="right")
    for arm, lines in groupby((one for one in group if _is_shown(one)), key=lambda one: one.arm):
        for number, one in enumerate(lines):
            table.add_row("" if number else str(arm), named(one.name, one.by), *_line(one))
    say()
    put_table(table)


def _is_shown(one: ArmTrend) -> bool:
    return not one.by and figure(one.name).is_at("arms")


def _line(one: ArmTrend) -> Iterable[str]:
    yield from (str(one.points), of_seeds(one.n, one.seeds))
    yield from _with_interval(one.slope, one.slope_interval, "*" if one.sign else "")
    yield "" if one.slope_p_holm is None else p_value(one.slope_p_holm)
    yield "" if one.smallest is None else f"{one.smallest:.4f}"
    yield from _with_interval(one.intercept, one.intercept_interval)


def _with_interval(value: float | None, interval: Interval | None, star: str = "") -> tuple[str, str]:
    told = "–" if value is None else f"{value:+.4f}{star}"
    nothing = "" if value is None else "none"
    return told, nothing if interval is None else "[{:+.4f}, {:+.4f}]".format(*interval)
