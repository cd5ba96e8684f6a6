"""Differences, names and lists as parts of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.core.figures import shown
from halluc.runs.schema import MetricResult
from halluc.runs.studies import Interval
from halluc.wording import formats

# The figures that sentences on comparisons and studies name, in this order, as they are called there.
NAMED = {column.row.name: column.heading for column in shown("sentences")}


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def quoted(name: str) -> str:
    """A name that people chose, so that an arm called ``none`` does not read as prose."""
    return f"“{name}”"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def of_seeds(n: int, seeds: int) -> str:
    """``3``; ``2 of 3`` where some seeds have no such figure."""
    return str(seeds) if n == seeds else f"{n} of {seeds}"


def signed(figure: str, value: float | None, interval: Interval | None) -> str:
    """``−0.4 points [−1.2, 0.5]``."""
    return " ".join(filter(None, (formats.difference(figure, value), formats.interval(figure, interval))))


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def against(share: MetricResult, expected: float, of: str, rather: str) -> str:
    """A share of the wrong claims against that of all claims, which would be theirs if novelty did not matter.

    Args:
        of: which claims ``expected`` is of, as a clause: ``of all predicted mentions are``. rather: what is wrong more
            often where the share is smaller than that.
    """
    low, high = share.interval or (0.0, 1.0)
    told = f"{formats.percent(expected)} {of}"
    if low > expected:
        return f"though only {told}"
    if high < expected:
        return f"and {told}: {rather} are affected more"
    return f"and {told}: too few to conclude that they are concentrated there"


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
# Of fewer wrong claims nothing is said of where they are.
FEW = len(_NUMBERS)


def too_few(number: int, does: str) -> str:
    """``Three cases are too few to say where the model invents.``"""
    cases = "One case is" if number == 1 else f"{_NUMBERS[number].capitalize()} cases are"
    return f"{cases} too few to say where the model {does}."


def may_be_chance(ratio: MetricResult) -> str:
    """What a sentence about a ratio adds where its interval contains 1."""
    is_chance = ratio.interval is not None and ratio.interval[0] <= 1 <= ratio.interval[1]
    return ", which may be chance (the interval contains 1)" if is_chance else ""
