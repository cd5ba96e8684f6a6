"""A matrix as figures: over seeds for each cell, and against each numeric axis (DEFINITIONS, sections 2 and 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from halluc.commands import measured
from halluc.commands.measured import FigureKey, Measured
from halluc.core.errors import HallucError
from halluc.core.significance import over_seeds, percentiles
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.studies import CellFigures, SeedFigure, StudyFigures, Trend

Plain = str | int | float | bool | None
SEED = "seed"


@dataclass(frozen=True)
class Place:
    """A cell of a study and its run, whether or not anything is there."""

    slug: str
    choice: Mapping[str, Plain]
    run: RunDir


@dataclass(frozen=True)
class _Point:
    """The runs that differ in nothing but their seed; ``resampled`` are means over seeds that are drawn anew."""

    choice: dict[str, Plain]
    runs: list[str]
    values: dict[FigureKey, list[float]]
    resampled: dict[FigureKey, numpy.ndarray]


def figures(name: str, places: Sequence[Place], asked: str | None) -> StudyFigures:
    """What a study says so far; cells without an evaluation are named, not hidden.

    Raises:
        HallucError R112: no cell is evaluated. R113: cells were evaluated on different examples.
    """
    there = [place.run for place in places if place.run.path.is_dir() and _is_evaluated(place.run)]
    if not there:
        raise HallucError("R112", f"no cell of {name} is evaluated", help="run the study first: halluc run CONFIG")
    split = measured.common_split(there, asked)
    found: dict[str, Measured] = {}
    missing: dict[str, str] = {}
    for place in places:
        if not (place.run.path / RUN_FILE).is_file():
            missing[place.slug] = "not run yet"
            continue
        try:
            found[place.slug] = measured.read(place.run, split)
        except HallucError as error:
            missing[place.slug] = error.message
    if not found:
        raise HallucError("R112", f"no cell of {name} has a ledger of {split}", help="see `--split`")
    first = next(iter(found.values()))
    for other in found.values():
        measured.refuse_different_examples(first, other)
    points = [_point(choice, runs) for choice, runs in _by_seed(places, found)]
    return StudyFigures(
        name=name,
        split=split,
        examples=len(first.examples),
        cells=[_cell(point) for point in points],
        trends=[trend for axis in _numeric_axes(points) for trend in _trends(points, axis)],
        missing=missing,
    )


def _is_evaluated(run: RunDir) -> bool:
    return any(run.ledger(split).is_file() for split in measured.PREFERRED)


def _by_seed(
    places: Sequence[Place], found: Mapping[str, Measured]
) -> Iterable[tuple[dict[str, Plain], list[Measured]]]:
    groups: dict[tuple[tuple[str, Plain], ...], list[Measured]] = {}
    for place in places:
        if place.slug in found:
            choice = tuple((axis, value) for axis, value in place.choice.items() if axis != SEED)
            groups.setdefault(choice, []).append(found[place.slug])
    return [(dict(choice), runs) for choice, runs in groups.items()]


def _point(choice: dict[str, Plain], runs: Sequence[Measured]) -> _Point:
    keys = list(runs[0].figures)
    return _Point(
        choice=choice,
        runs=[run.name for run in runs],
        values={key: [run.values[key] for run in runs] for key in keys},
        resampled={key: over_seeds([run.resampled[key] for run in runs], sorted(choice.items())) for key in keys},
    )


def _cell(point: _Point) -> CellFigures:
    return CellFigures(
        choice=point.choice,
        runs=point.runs,
        figures=[_over_seeds(key, values, point.resampled[key]) for key, values in point.values.items()],
    )


def _over_seeds(key: FigureKey, values: Sequence[float], resampled: numpy.ndarray) -> SeedFigure:
    """A figure that is undefined for one seed is undefined for the cell."""
    mean = float(numpy.mean(values))
    defined = not numpy.isnan(mean)
    return SeedFigure(
        name=key[0],
        by=dict(key[1]),
        mean=mean if defined else None,
        sd=float(numpy.std(values, ddof=1)) if defined and len(values) > 1 else None,
        seeds=len(values),
        interval=percentiles(resampled) if defined else None,
        values=[None if numpy.isnan(value) else value for value in values],
    )


def _numeric_axes(points: Sequence[_Point]) -> list[str]:
    """The axes over which a slope means something: two numbers at least, and nothing but numbers."""
    return [axis for axis in points[0].choice if len({v for p in points if _is_number(v := p.choice[axis])}) > 1
            and all(_is_number(p.choice[axis]) for p in points)]  # fmt: skip


def _is_number(value: Plain) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _trends(points: Sequence[_Point], axis: str) -> Iterable[Trend]:
    groups: dict[tuple[tuple[str, Plain], ...], list[_Point]] = {}
    for point in points:
        others = tuple((name, value) for name, value in point.choice.items() if name != axis)
        groups.setdefault(others, []).append(point)
    for others, group in groups.items():
        if len(group) > 1:
            for key in group[0].values:
                yield _trend(dict(others), axis, group, key)


def _trend(others: dict[str, Plain], axis: str, group: Sequence[_Point], key: FigureKey) -> Trend:
    """Least squares over the points' means; the interval from the same line through each resample of them."""
    x = numpy.array([point.choice[axis] for point in group], dtype=numpy.float64)
    y = numpy.array([numpy.mean(point.values[key]) for point in group])
    about: dict[str, Any] = {"choice": others, "axis": axis, "name": key[0], "by": dict(key[1]), "points": len(group)}
    if numpy.isnan(y).any():
        return Trend(**about, slope=None, intercept=None)
    slope, intercept = _line(x, y)
    slopes, intercepts = _line(x, numpy.stack([point.resampled[key] for point in group], axis=-1))
    return Trend(
        **about,
        slope=float(slope),
        slope_interval=percentiles(slopes),
        intercept=float(intercept),
        intercept_interval=percentiles(intercepts),
    )


def _line(x: numpy.ndarray, y: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Slope and intercept of ``y``, (…, points), on ``x``, (points,)."""
    centred = x - x.mean()
    slope = (y * centred).sum(-1) / (centred**2).sum()
    return slope, y.mean(-1) - slope * x.mean()
