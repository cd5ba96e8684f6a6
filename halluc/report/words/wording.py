"""Differences, names and lists as parts of sentences."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.report import formats
from halluc.runs.schema import MetricResult
from halluc.runs.studies import Interval


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def quoted(name: str) -> str:
    """A name that people chose, so that an arm called ``none`` does not read as prose."""
    return f"“{name}”"


def counted(number: int, noun: str) -> str:
    """``1 seed``, ``3 seeds``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def signed(figure: str, value: float, interval: Interval | None) -> str:
    """``−0.4 points [−1.2, 0.5]``."""
    return " ".join(filter(None, (formats.difference(figure, value), formats.interval(figure, interval))))


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


def against(share: MetricResult, expected: float, claims: str, shown: str) -> str:
    """A share of hallucinations against that of the claims, which would be theirs if novelty did not matter.

    Args:
        claims: which claims ``expected`` is of, as a clause: ``of its claims do``. shown: what training shows where
            fewer hallucinations lie than that.
    """
    low, high = share.interval or (0.0, 1.0)
    told = f"{formats.percent(expected)} {claims}"
    if low > expected:
        return f"though only {told}"
    if high < expected:
        return f"and {told}: it hallucinates more where training {shown}"
    return f"and {told}: it cannot be shown that they gather there"


def may_be_chance(ratio: MetricResult) -> str:
    """How a sentence about a ratio ends."""
    is_chance = ratio.interval is not None and ratio.interval[0] <= 1 <= ratio.interval[1]
    return ", which may be chance." if is_chance else "."
