"""The gap to the training split as tables: of a report by label, of ``halluc check`` by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.gap.forecast import Proportion, SplitGap
from halluc.reporting.views.tables import Cells, TableCell, TableView, table
from halluc.runs.reports import GapRow
from halluc.wording import formats

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


def by_label(found: Sequence[GapRow], counted: str) -> TableView:
    """What training does not show: as forecast from it alone, and as found; ``counted`` is what it is a share of."""
    rows = [
        [
            "all" if row.label is None else row.label,
            formats.count(row.counted),
            *map(formats.metric, (row.forecast, row.unseen, row.new)),
            " ".join(
                filter(
                    None,
                    (
                        formats.difference(row.excess.name, row.excess.value),
                        formats.interval(row.excess.name, row.excess.interval),
                    ),
                )
            ),
        ]
        for row in found
    ]
    return table("The gap, by label", ["label", counted, "forecast", "unseen", "of it new", "excess"], rows)


def by_split(found: Mapping[str, SplitGap]) -> TableView:
    """The gap of each split to what is trained on."""
    counted = next(iter(found.values())).counted
    figures, legend = _FIGURES[counted]
    rows: list[Cells] = [
        [
            name,
            formats.count(split.overall.mentions),
            *(_share(getattr(split.overall, figure), is_signed=figure == "excess") for figure in figures),
        ]
        for name, split in found.items()
    ]
    title = f"gap: shares of {'content words' if counted == 'words' else counted} with 95% intervals"
    note = f"forecast: Good-Turing; {legend}; excess: unseen less forecast"
    return table(title, ["split", counted, *figures], rows, notes=[note])


def _share(found: Proportion, *, is_signed: bool) -> TableCell:
    if found.value is None:
        return TableCell("undefined")
    name = "gap_excess" if is_signed else "gap_unseen"
    told = formats.difference(name, found.value, unit=False) if is_signed else formats.value(name, found.value)
    return TableCell(told, formats.interval(name, found.interval))
