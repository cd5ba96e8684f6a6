"""Differences and lists as parts of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.report import formats
from halluc.runs.studies import Interval


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def amount(figure: str, difference: float, interval: Interval | None) -> str:
    """How large a difference is, without its sign: ``4.1 points [1.9, 6.3]``."""
    ends = (-interval[1], -interval[0]) if interval and difference < 0 else interval
    return " ".join(filter(None, (size(figure, abs(difference)), formats.interval(figure, ends))))


def size(figure: str, size: float, unit: bool = True) -> str:
    return formats.difference(figure, size, unit).removeprefix("+")


def signed(figure: str, value: float, interval: Interval | None) -> str:
    """``−0.4 points [−1.2, 0.5]``."""
    return " ".join(filter(None, (formats.difference(figure, value), formats.interval(figure, interval))))


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
