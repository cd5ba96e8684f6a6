"""The gap of each split to what is trained on, as ``halluc check`` tells it."""

from __future__ import annotations

from collections.abc import Mapping

from halluc.commands.terminal import Grid, put_table, say
from halluc.gap.forecast import Proportion, SplitGap

# By what is counted: the figures that differ, and what they are. Of words of whole texts, all that is unseen is new.
_FIGURES = {
    "mentions": (
        ("forecast", "unseen", "new", "excess"),
        "unseen: not in train with that label; new: nor a word of it",
    ),
    "pairs": (
        ("forecast", "unseen", "new", "excess"),
        "unseen: not in train with that relation; new: nor its head or tail",
    ),
    "words": (("forecast", "unseen", "excess"), "unseen: in no text of train"),
}


def show(found: Mapping[str, SplitGap], told: str | None) -> None:
    """A table for people, after what was withheld, if anything was."""
    if told:
        say()
        say(told)
    if not found:
        return
    counted = next(iter(found.values())).counted
    figures, legend = _FIGURES[counted]
    title = f"gap: shares of {'content words' if counted == 'words' else counted}"
    table = Grid("split", counted, *figures, title=title)
    for name, split in found.items():
        gap = split.overall
        table.add_row(name, f"{gap.mentions:,}", *(_cell(getattr(gap, figure)) for figure in figures))
    say()
    put_table(table)
    say(f"forecast: Good-Turing; {legend}; excess: unseen - forecast", style="dim")


def _cell(figure: Proportion) -> str:
    """A figure with its 95% interval."""
    if figure.value is None or figure.interval is None:
        return "undefined"
    low, high = figure.interval
    return f"{figure.value:.3f} ({low:.3f} to {high:.3f})"
