"""The units of knowledge that can be withheld, their order, and the examples that are removed with them.

The order is by a keyed hash of the unit, independent of the experiment's seed, so that all arms and seeds of a study
lack the same units. A fraction withholds the first units, so 50% includes all units of 25%.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import model_validator

from halluc.core.errors import data_error, suggestion
from halluc.core.examples import Example, Pair
from halluc.core.files import json_line, write_text
from halluc.core.rng import keyed_seed
from halluc.gap.coverage import REMAKE
from halluc.runs.records import read_record
from halluc.runs.schema import SCHEMA_VERSION, Record

Unit = Literal["mention", "label", "example", "word", "pair", "entity", "answer", "question", "context"]
UnitT = TypeVar("UnitT", Pair, str)


@dataclass(frozen=True)
class Units:
    """The units of a training split in the order of withholding.

    ``first`` has, for each example, the position in that order of its first unit, or ``count``, the number of units, if
    it has none. ``pairs``, ``labels`` or ``words`` has the units if they are mentions, labels, or words.
    """

    count: int
    first: Sequence[int]
    pairs: tuple[Pair, ...] = ()
    labels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def withheld(self, fraction: float) -> int:
        """The number of units that ``fraction`` withholds, rounded."""
        return round(fraction * self.count)

    def left(self, fraction: float) -> list[int]:
        """The positions of the examples without a withheld unit, in order."""
        withheld = self.withheld(fraction)
        return [position for position, first in enumerate(self.first) if first >= withheld]


def in_order(
    purpose: str, held: Sequence[Iterable[UnitT]], units: Iterable[UnitT] | None = None
) -> tuple[tuple[UnitT, ...], list[int]]:
    """The units in the order of withholding, and for each example the position of its first unit.

    Args:
        held: the units of each example. units: those that may be withheld; None: all.
    """
    distinct = {unit for some in held for unit in some} if units is None else set(units)
    order = tuple(sorted(distinct, key=lambda unit: (keyed_seed("gap", purpose, unit), unit)))
    place = {unit: number for number, unit in enumerate(order)}
    return order, [min((place[unit] for unit in some if unit in place), default=len(order)) for some in held]


def held_units(purpose: str, held: Callable[[Any], Iterable[str]]) -> Callable[[Sequence[Any], Sequence[str]], Units]:
    """Distinct texts of examples: each has the same chance, however often it occurs."""

    def units(examples: Sequence[Any], named: Sequence[str] = ()) -> Units:
        order, first = in_order(purpose, [set(held(example)) for example in examples])
        return Units(len(order), first, words=order)

    return units


def mention_units(examples: Sequence[Example], named: Sequence[str] = ()) -> Units:
    """Distinct mentions: each has the same chance, however often it occurs."""
    order, first = in_order("mention", [example.pairs for example in examples])
    return Units(len(order), first, pairs=order)


def label_units(examples: Sequence[Example], named: Sequence[str]) -> Units:
    """The labels that are set in the config.

    Raises:
        HallucError D132: the training split does not have one of them.
    """
    held = [[label for _, label in example.pairs] for example in examples]
    known = {label for labels in held for label in labels}
    for label in named:
        if label not in known:
            help = suggestion(label, known, f"it has {', '.join(sorted(known)) or 'none at all'}")
            raise data_error("D132", f"the training split has no label `{label}` to withhold", help=help)
    order, first = in_order("label", held, named)
    return Units(len(order), first, labels=order)


def example_units(examples: Sequence[Example], named: Sequence[str] = ()) -> Units:
    """The examples themselves."""
    hashes = [example_hash("example", example) for example in examples]
    place = {position: number for number, position in enumerate(sorted(range(len(hashes)), key=hashes.__getitem__))}
    return Units(len(hashes), [place[position] for position in range(len(hashes))])


@dataclass(frozen=True)
class UnitKind:
    """A kind of unit that may be withheld: ``of`` returns the units of a training split, given the config's ``labels``
    if they are set, and ``noun`` is their plural, None if they are the examples; ``fractions`` are the defaults for a
    study."""

    of: Callable[[Sequence[Any], Sequence[str]], Units]
    noun: str | None
    fractions: tuple[float, ...] = (0.0, 0.25, 0.5)


LABELS = UnitKind(label_units, "labels", (0.0, 1.0))
EXAMPLES = UnitKind(example_units, None)
UNITS: Mapping[str, UnitKind] = {"mention": UnitKind(mention_units, "surfaces"), "label": LABELS, "example": EXAMPLES}


def example_hash(purpose: str, example: Example) -> int:
    return keyed_seed("gap", purpose, example.id, example.tokens)


# The units stored under `words`: content words, whole texts, and surfaces with any label.
_WORDS = ("word", "entity", "question", "context")


class WithheldFile(Record):
    """``withheld.json``: withheld labels, withheld surfaces by label, and withheld words if these are the unit."""

    schema_version: int = SCHEMA_VERSION
    unit: Unit
    labels: list[str]
    surfaces: dict[str, list[str]]
    words: list[str] | None = None

    @model_validator(mode="after")
    def _words_where_they_are_the_unit(self) -> WithheldFile:
        if (self.unit in _WORDS) != (self.words is not None):
            raise ValueError("`words` requires `unit: word`, `entity`, `question` or `context`")
        return self


@dataclass(frozen=True)
class WithheldUnits:
    """The units withheld from a training split, which identify withheld claims and gold."""

    unit: Unit
    pairs: frozenset[Pair] = frozenset()
    labels: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def is_withheld(self, text: str, label: str) -> bool:
        """Whether a surface with a label was withheld: the pair itself, or its label."""
        return label in self.labels or (text, label) in self.pairs

    def save(self, path: Path) -> None:
        """Write ``withheld.json`` atomically; the same units give the same file."""
        surfaces: dict[str, list[str]] = {}
        for text, label in sorted(self.pairs, key=lambda pair: (pair[1], pair[0])):
            surfaces.setdefault(label, []).append(text)
        file = WithheldFile(
            unit=self.unit,
            labels=sorted(self.labels),
            surfaces=surfaces,
            words=sorted(self.words) if self.unit in _WORDS else None,
        )
        write_text(path, json_line(file.model_dump(mode="json", exclude_none=True)) + "\n")

    @classmethod
    def load(cls, path: Path) -> WithheldUnits:
        """Read the file that ``save`` wrote.

        Raises:
            HallucError R120: damaged. R121: written by another version of halluc.
        """
        file = read_record(path, WithheldFile, damaged="R120", other_version="R121", help=REMAKE)
        return cls(
            file.unit,
            frozenset((text, label) for label, surfaces in file.surfaces.items() for text in surfaces),
            frozenset(file.labels),
            frozenset(file.words or ()),
        )


Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Strata:
    """The groups of examples whose sizes are matched: their names, and ``of``, the group of an example.

    With ``has_free`` the first group has the examples without annotated items, whose share stays constant. ``noun`` is
    the word for an example, and ``thing`` for an annotated item; ``free`` and ``distinct`` are the names in files of
    the share of examples without items, and of the number of distinct items. ``labels_whole``: the item is a label of
    the whole example. ``for_labels`` are the strata for withholding whole labels, if they differ.
    """

    names: tuple[str, ...]
    of: Callable[[Any], int]
    has_free: bool
    noun: str = "sentence"
    thing: str = "mention"
    free: str = "entity_free"
    distinct: str = "surfaces"
    labels_whole: bool = False
    for_labels: Strata | None = None

    def sizes(self, examples: Sequence[Example]) -> Sizes:
        """The number of examples in each stratum."""
        places = Counter(map(self.of, examples))
        return tuple(places[number] for number in range(len(self.names)))

    def as_record(self, examples: Sequence[Example]) -> dict[str, int]:
        """The sizes by name; without ``has_free``, where strata are many, only those that are not empty."""
        sizes = self.sizes(examples)
        return {name: size for name, size in zip(self.names, sizes, strict=True) if size or self.has_free}

    def bearing(self, sizes: Sizes) -> int:
        """The number of examples with annotated items."""
        return sum(sizes[1:] if self.has_free else sizes)

    def matched(self, original: Sizes, left: Sizes) -> Sizes:
        """The sizes of the largest sample of ``left`` in which the share of examples without items, if they are a
        stratum, is that in ``original``.

        All examples with items are taken if enough without are left. Otherwise all without are taken, and the other
        strata are reduced in proportion until the share is right, to the nearest example.
        """
        if not self.has_free:
            return left
        free, bearing, wanted = original[0], sum(original[1:]), sum(left[1:])
        if not bearing or not wanted:
            return (0,) * len(original)
        if _quotient(wanted * free, bearing) > left[0]:
            wanted = min(wanted, _quotient(left[0] * bearing, free))
        return (min(left[0], _quotient(wanted * free, bearing)), *apportion(wanted, left[1:]))


BY_MENTIONS = Strata(("0", "1", "2", "3+"), lambda example: min(len(example.pairs), 3), has_free=True)


def apportion(total: int, weights: Sequence[int]) -> Sizes:
    """Distribute ``total`` in proportion to ``weights`` by largest remainders (Hamilton's method).

    No share exceeds its weight if ``total`` does not exceed their sum.
    """
    whole = sum(weights)
    if not whole:
        return (0,) * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda number: (-(total * weights[number] % whole), number))
    for number in by_remainder[: total - sum(shares)]:
        shares[number] += 1
    return tuple(shares)


def take(examples: Sequence[Example], left: Sequence[int], sizes: Sizes, strata: Strata) -> list[int]:
    """The positions of ``sizes`` examples of each stratum, among those ``left``, in order.

    They are chosen in the order of a hash, so that fractions share as many examples as possible.
    """
    groups: list[list[int]] = [[] for _ in strata.names]
    for position in sorted(left, key=lambda position: example_hash("matched", examples[position])):
        groups[strata.of(examples[position])].append(position)
    return sorted(position for group, size in zip(groups, sizes, strict=True) for position in group[:size])


def _quotient(dividend: int, divisor: int) -> int:
    """Divide and round to the nearest integer, halves up; exact for any size."""
    return (2 * dividend + divisor) // (2 * divisor)
