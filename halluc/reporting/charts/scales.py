"""Axes with few round ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from halluc.reporting.formats import MINUS, is_percent

ROOM = 0.04  # of the range, beyond the outermost value


@dataclass(frozen=True)
class Scale:
    """The range of an axis and its ticks: (place, what stands there)."""

    low: float
    high: float
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Frame:
    """Where a panel lies on its paper, in pixels, and which scales it has."""

    left: float
    top: float
    width: float
    height: float
    x: Scale
    y: Scale
    is_log: bool = False
    x_is_log: bool = False

    def across(self, value: float) -> float:
        low, high = self.x.low, self.x.high
        if self.x_is_log:
            low, high, value = (math.log(number) for number in (low, high, value))
        return self.left + self.width * (value - low) / (high - low)

    def down(self, value: float) -> float:
        low, high = self.y.low, self.y.high
        if self.is_log:
            low, high, value = (math.log(number) for number in (low, high, value))
        return self.top + self.height * (1 - (value - low) / (high - low))


def scale(
    name: str, values: Iterable[float | None], *, most: int = 5, zero: bool = True, signed: bool = False
) -> Scale:
    """A scale that has room for all values of the figure ``name``, told in per cent where the figure is.

    Args:
        most: how many ticks there is room for.
        zero: whether zero is shown at any rate.
        signed: of differences: with their sign, and zero shown.
    """
    known = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if zero or signed:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9:
        low, high = (low, low + 0.01) if zero and not signed else (low - 0.01, high + 0.01)
    room = (2 * ROOM if signed else ROOM) * (high - low)
    low, high = low - (room if low != 0 or signed else 0), high + room
    if is_percent(name) and not signed:
        high = min(high, 1 + ROOM / 4)
    return Scale(low, high, ticks(low, high, most, percent=is_percent(name), signed=signed))


def ticks(low: float, high: float, most: int, *, percent: bool, signed: bool = False) -> list[tuple[float, str]]:
    """At most ``most`` multiples of 1, 2, 2.5 or 5 times a power of ten; with percent signs unless ``signed``."""
    step = _step((high - low) / most)
    while math.floor(high / step) - math.ceil(low / step) + 1 > most:
        step = _step(step * 1.01)
    places = [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]
    factor = 100 if percent else 1
    digits = max(0, -math.floor(math.log10(factor * step) + 1e-9))
    if not math.isclose(factor * step, round(factor * step, digits)):
        digits += 1
    unit = "%" if percent and not signed else ""
    return [(place, _told(factor * place, digits, signed) + unit) for place in places]


def _step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(round_ * power for round_ in (1, 2, 2.5, 5, 10, 20) if round_ * power >= least * (1 - 1e-9))


def _told(number: float, digits: int, signed: bool) -> str:
    told = f"{abs(number):,.{digits}f}"
    if float(told.replace(",", "")) == 0:
        return "0"
    return (MINUS if number < 0 else "+" if signed else "") + told


def log_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Of a logarithmic axis: powers of ten, and 2 and 5 times these where there is room for them; all above zero."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        places = [factor * 10.0**power for power in powers for factor in factors]
        inside = [place for place in places if low <= place <= high]
        if len(inside) <= most:
            break
    return [(place, f"{place:g}") for place in inside[:: math.ceil(len(inside) / most)]]
