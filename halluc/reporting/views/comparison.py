"""The tables of compared runs: differences, training, flipped claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase

from halluc.reporting.views.tables import TableCell, TableView, difference_cell, table
from halluc.runs.reports import ComparisonReport
from halluc.runs.studies import Comparison, Delta
from halluc.wording import formats

# Up to this many keys of one section are named individually.
MOST_KEYS = 4
_VERDICTS = {"unsupported": "hallucination"}


def letter(number: int) -> str:
    """The letter of a run, from 0 on: a to z, then a2 to z2, …"""
    round_, place = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[place] + (str(round_ + 1) if round_ else "")


def with_letters(report: ComparisonReport) -> list[tuple[str, Comparison]]:
    """Each run that is compared with the first, with its letter."""
    return [(letter(number), other) for number, other in enumerate(report.others, 1)]


def keys(names: Sequence[str]) -> list[str]:
    """The keys in which configs differ; many keys of one section are combined."""
    plain = [name.replace("`", "") for name in names]
    sections = {name: name.partition(".")[0] for name in plain}
    counts = Counter(sections.values())
    text = {section if counts[section] > MOST_KEYS else name: counts[section] for name, section in sections.items()}
    return [f"{name} ({count} keys)" if count > MOST_KEYS else name for name, count in text.items()]


def differences(letter: str, other: Comparison) -> TableView:
    """Each figure of a run minus that of the first."""
    rows = [_row(formats.title(delta.name, delta.by), delta) for delta in other.figures]
    at = other.matched_omission
    if at is not None:
        rows.append(_row(f"hallucination rate at matched omission ({formats.percent(at.omission_rate)})", at.delta))
    title = f"{letter} minus a, {other.examples:,} examples of {other.split}"
    return table(title, ["figure", "difference", "p (Holm)", "a", letter, "p"], rows)


def _row(text: str, delta: Delta) -> list[str | TableCell]:
    values = (formats.value(delta.name, value) for value in (delta.a, delta.b))
    return [text, difference_cell(delta), formats.p_value(delta.p_holm), *values, formats.p_value(delta.p)]


def training_differences(report: ComparisonReport) -> TableView | None:
    """The differences between trainings besides their configs; None: no differences."""
    rows = [[run, one.what, one.a, one.b] for run, other in with_letters(report) for one in other.training_differences]
    return table("What else differs in training", ["run", "what", "a", "the run"], rows, "nnnf") if rows else None


def flips(letter: str, other: Comparison) -> TableView:
    """How many claims changed from each verdict to each other one."""
    counts = Counter((flip.a, flip.b) for flip in other.flipped)
    rows = [[*(_VERDICTS.get(one, one) for one in pair), formats.count(n)] for pair, n in counts.most_common()]
    return table(
        f"From a to {letter}: {formats.count(len(other.flipped))} claims differ",
        ["in a", f"in {letter}", "claims"],
        rows,
        "nnf",
    )
