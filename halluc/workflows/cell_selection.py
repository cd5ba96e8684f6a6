"""The cells of a study that a command runs: ``--only``, ``--shard`` and ``--fresh``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from halluc.config.matrix import Cell, Study
from halluc.config.slugs import Plain, shown
from halluc.config.yaml import scalar
from halluc.core.errors import HallucError, suggestion


@dataclass(frozen=True)
class Selection:
    """The command-line options for cells: ``only`` as AXIS=VALUE, ``shard`` as I/N."""

    only: tuple[str, ...] = ()
    shard: str | None = None
    fresh: bool = False

    def refuse(self, why: str) -> None:
        """Refuse options that select cells, where this is impossible.

        Raises:
            HallucError C012: an option selects cells.
        """
        values = [("--only", self.only), ("--shard", self.shard), ("--fresh", self.fresh)]
        options = [option for option, value in values if value]
        if options:
            verb = "choose" if len(options) > 1 else "chooses"
            help = "remove it; only a study has a `matrix` (docs/studies.md)"
            raise HallucError("C012", f"{', '.join(options)} {verb} among the cells of a study: {why}", help=help)


EVERY_CELL = Selection()


def choose(study: Study, selection: Selection) -> tuple[Cell, ...]:
    """The cells that match ``--only``, and of those every N-th.

    Raises:
        HallucError C012 (not a study, or --fresh with --shard), C013 (invalid shard), C014 (unknown axis or value).
    """
    if not study.axes:
        selection.refuse("this config has no `matrix`")
        return study.cells
    if selection.fresh and selection.shard:
        help = f"rename the old study once, before the shards start: mv {study.home} {study.home}.old"
        raise HallucError("C012", "--fresh with --shard: each shard would move the results of the others", help=help)
    wanted: dict[str, set[str]] = {}
    for only in selection.only:
        axis, value = _choice(study, only)
        wanted.setdefault(axis, set()).add(repr(value))  # in Python `True` equals 1
    first, every = (1, 1) if selection.shard is None else parse_shard(selection.shard)
    matching = [cell for cell in study.cells if all(repr(cell.choice[axis]) in wanted[axis] for axis in wanted)]
    return tuple(matching[first - 1 :: every])


def _choice(study: Study, only: str) -> tuple[str, Plain]:
    axis, equals, text = only.partition("=")
    if not equals:
        axes = ", ".join(study.axes)
        raise HallucError("C014", f"`--only {only}` does not have the form AXIS=VALUE", help=f"the axes are {axes}")
    if axis not in study.axes:
        help = suggestion(axis, study.axes, f"the axes are {', '.join(study.axes)}")
        raise HallucError("C014", f"`--only {only}`: the study has no axis `{axis}`", help=help)
    values = {shown(value): value for value in study.axes[axis]}
    for name, value in values.items():
        if text in (name, value) or _is_same_number(text, value):
            return axis, value
    help = suggestion(text, values, f"its values are {', '.join(values)}")
    raise HallucError("C014", f"`--only {only}`: `{axis}` has no value `{text}`", help=help)


def _is_same_number(text: str, value: Plain) -> bool:
    number = scalar(text)
    numbers = (number, value)
    return all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in numbers) and number == value


def parse_shard(text: str) -> tuple[int, int]:
    """The value of ``--shard``: the number of the shard, from 1, and their total.

    Raises:
        HallucError C013: it is invalid.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        help = "for four shards, use `--shard 1/4` to `--shard 4/4`"
        raise HallucError("C013", f"`--shard {text}` does not have the form I/N, with I from 1 to N", help=help)
    return int(match[1]), int(match[2])
