"""Differences, names and lists as parts of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.core.figures import shown
from halluc.runs.studies import Interval
from halluc.wording import formats

# The figures that sentences about comparisons and studies name, in this order, with their names there.
NAMED = {column.row.name: column.heading for column in shown("sentences")}


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def quoted(name: str) -> str:
    """A user-defined name in quotes, so that an arm called ``none`` does not read as prose."""
    return f"“{name}”"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def of_seeds(n: int, seeds: int) -> str:
    """``3``; ``2 of 3`` if some seeds do not have the figure."""
    return str(seeds) if n == seeds else f"{n} of {seeds}"


def signed(figure: str, value: float | None, interval: Interval | None) -> str:
    """``−0.4 points [−1.2, 0.5]``."""
    return " ".join(filter(None, (formats.difference(figure, value), formats.interval(figure, interval))))


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
# With fewer wrong claims nothing is said about where they are.
FEW = len(_NUMBERS)


def too_few(number: int, does: str) -> str:
    """``Three cases are too few to conclude where the model hallucinates.``"""
    cases = "One case is" if number == 1 else f"{_NUMBERS[number].capitalize()} cases are"
    return f"{cases} too few to conclude where the model {does}."
