"""How figures and untrusted text are written, consistently on the page, in report.md, on the model card and in
charts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from halluc.core.characters import is_ordinary
from halluc.core.figures import figure, shown
from halluc.runs.schema import MetricResult
from halluc.runs.studies import Interval

NOTHING = "–"
NO_INTERVAL = "no interval"
MINUS = "\u2212"
ELLIPSIS = "…"
# A token of a broken corpus may have thousands of characters; no real name or word is as long as this.
LONGEST_WORD = 80


def title(name: str, by: Mapping[str, str] | None = None) -> str:
    """A figure's display name: `omission rate`, `distortion rate, boundary`."""
    return figure(name).title + "".join(f", {visible(value)}" for value in (by or {}).values())


def is_percent(name: str) -> bool:
    """Whether a figure is shown as a percentage, and its differences in percentage points."""
    return figure(name).is_share


def percent(value: float | None) -> str:
    """A share as `3.2%`."""
    return NOTHING if value is None else f"{_fixed(100 * value, 1)}%"


def decimal(value: float | None, digits: int = 3) -> str:
    """A number as `0.859`."""
    return NOTHING if value is None else _fixed(value, digits)


def value(name: str, number: float | None) -> str:
    """A figure's value: `3.2%`, `5.8×` or `0.859`, depending on its unit."""
    if number is None:
        return NOTHING
    factor, digits, unit = _factor_digits_unit(name)
    return _fixed(factor * number, digits) + unit


def _factor_digits_unit(name: str) -> tuple[int, int, str]:
    if is_percent(name):
        return 100, 1, "%"
    unit = figure(name).unit
    return (1, 1, "×" if unit == "times" else "") if unit in ("times", "points") else (1, 3, "")


def interval(name: str, bounds: Interval | None) -> str:
    """A 95% interval: `[2.8, 3.7]` for percentages, else `[0.850, 0.868]`; empty if there is none."""
    if bounds is None:
        return ""
    factor, digits, _ = _factor_digits_unit(name)
    return f"[{', '.join(_fixed(factor * end, digits) for end in bounds)}]"


def difference(name: str, number: float | None, unit: bool = True) -> str:
    """A difference with its sign: `−1.2 points` (percentage points) or `+0.012`."""
    if number is None:
        return NOTHING
    factor, digits, _ = _factor_digits_unit(name)
    text = _fixed(factor * number, digits)
    return ("" if text.startswith(MINUS) else "+") + text + (" points" if unit and is_percent(name) else "")


def metric(result: MetricResult | None) -> str:
    """A figure with its interval: `3.2% [2.8, 3.7]`."""
    return NOTHING if result is None else with_interval(result.name, result.value, result.interval)


def with_interval(name: str, number: float | None, bounds: Interval | None) -> str:
    """`3.2% [2.8, 3.7]`, `3.2% (no interval)`; a dash if the figure is undefined."""
    if number is None:
        return NOTHING
    return f"{value(name, number)} {interval(name, bounds) or f'({NO_INTERVAL})'}"


def p_value(p: float | None) -> str:
    if p is None:
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(number: int | None) -> str:
    return NOTHING if number is None else f"{number:,}"


def size(count: int) -> str:
    """A size in bytes, in powers of 1,000."""
    amount, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while amount >= 999.5 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:,.0f} {units[0]}" if units[0] == "B" or amount >= 10 else f"{amount:.1f} {units[0]}"


def seconds(number: float | None) -> str:
    """A duration: `36 s`, `31 min 36 s`, `2 h 5 min`."""
    if number is None:
        return NOTHING
    whole = round(number)
    if whole < 60:
        return f"{number:.1f} s" if number < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _fixed(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    if float(text) == 0:  # no minus sign before zero
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def visible(text: object, longest: int | None = LONGEST_WORD) -> str:
    """Untrusted text for display: invisible and direction-changing characters are escaped, and it has at most
    ``longest`` characters (the middle is left out, and counted)."""
    message = str(text)
    if longest is not None and len(message) > longest:
        half = longest // 2
        message = f"{message[:half]}{ELLIPSIS}({len(message) - 2 * half:,} more){ELLIPSIS}{message[-half:]}"
    return message if message.isprintable() else "".join(map(_shown, message))


def _shown(char: str) -> str:
    """Joiners stay, since Persian, Indic scripts and emoji need them; white space becomes a blank."""
    if is_ordinary(char):
        return char
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    return f"U+{ord(char):04X}" if category in ("Cs", "Cn", "Co") else f"\\u{ord(char):04x}"


# The figures that sentences about comparisons and studies name, in this order, with their names there.
NAMED = {column.row.name: column.heading for column in shown("sentences")}


def sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def quoted(name: str) -> str:
    """A user-defined name in quotes, so that an arm called ``none`` does not read as prose."""
    return f"“{name}”"


def of_seeds(n: int, seeds: int) -> str:
    """``3``; ``2 of 3`` if some seeds do not have the figure."""
    return str(seeds) if n == seeds else f"{n} of {seeds}"


def signed(figure: str, value: float | None, bounds: Interval | None, p: float | None = None) -> str:
    """``−0.4 points [−1.2, 0.5]``, ``+0.0 points (no difference in any example)``."""
    text = interval(figure, bounds) or (f"({SAME})" if is_same(value, bounds, p) else "")
    return " ".join(filter(None, (difference(figure, value), text)))


SAME = "no difference in any example"


def is_same(value: float | None, bounds: Interval | None, p: float | None) -> bool:
    """Whether a difference is 0 in every resample: it then has no interval, and its p-value is 1."""
    return value == 0 and bounds is None and p == 1


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last


_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
# With fewer wrong claims, no sentence says where they occur.
FEW = len(_NUMBERS)


def too_few(number: int, does: str) -> str:
    """``Three cases are too few to conclude where the model hallucinates.``"""
    cases = "One case is" if number == 1 else f"{_NUMBERS[number].capitalize()} cases are"
    return f"{cases} too few to conclude where the model {does}."
