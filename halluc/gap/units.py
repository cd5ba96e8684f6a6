"""The units of knowledge that can be withheld: in which order they go, and which examples go with them.

The order is that of a keyed hash of the unit itself. It does not depend on the experiment's seed, so that all arms and
seeds of a study lack the same; and a fraction takes the first of it, so that what 25% withholds, 50% withholds too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import model_validator

from halluc.core.errors import data_error, did_you_mean
from halluc.core.examples import Example, Pair
from halluc.core.rng import keyed_seed
from halluc.gap.coverage import REMAKE
from halluc.runs.records import read_record, write_line
from halluc.runs.schema import SCHEMA_VERSION, Record

Unit = Literal["mention", "label", "example", "word", "pair", "entity"]
UnitT = TypeVar("UnitT", Pair, str)


@dataclass(frozen=True)
class Units:
    """The units of a training split in the order in which they are withheld.

    ``first`` has for each example the place in that order of the first unit that it holds, and ``count``, the number of
    units, where it holds none. ``pairs``, ``labels`` and ``words`` are the units where they are mentions, labels, or
    words.
    """

    count: int
    first: Sequence[int]
    pairs: tuple[Pair, ...] = ()
    labels: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def withheld(self, fraction: float) -> int:
        """How many units ``fraction`` withholds, to the nearest."""
        return round(fraction * self.count)

    def left(self, fraction: float) -> list[int]:
        """The positions of the examples that hold no withheld unit, in their order."""
        withheld = self.withheld(fraction)
        return [position for position, first in enumerate(self.first) if first >= withheld]


def mention_units(examples: Sequence[Example], named: Sequence[str] = ()) -> Units:
    """Distinct mentions: each has the same chance, however often it stands there."""
    order = by_hash("mention", {pair for example in examples for pair in example.pairs})
    place = {pair: number for number, pair in enumerate(order)}
    first = [min((place[pair] for pair in example.pairs), default=len(order)) for example in examples]
    return Units(len(order), first, pairs=order)


def label_units(examples: Sequence[Example], named: Sequence[str]) -> Units:
    """The labels that the config names.

    Raises:
        HallucError D132: the training split does not have one of them.
    """
    known = {label for example in examples for _, label in example.pairs}
    for label in named:
        if label not in known:
            near = did_you_mean(label, known)
            help = f"did you mean `{near}`?" if near else f"it has {', '.join(sorted(known)) or 'none at all'}"
            raise data_error("D132", f"the training split has no label `{label}` to withhold", help=help)
    order = by_hash("label", set(named))
    place = {label: number for number, label in enumerate(order)}
    count = len(order)
    first = [min((place.get(label, count) for _, label in example.pairs), default=count) for example in examples]
    return Units(count, first, labels=order)


def example_units(examples: Sequence[Example], named: Sequence[str] = ()) -> Units:
    """The examples themselves."""
    order = sorted(range(len(examples)), key=lambda position: example_hash("example", examples[position]))
    first = [0] * len(order)
    for place, position in enumerate(order):
        first[position] = place
    return Units(len(order), first)


@dataclass(frozen=True)
class UnitKind:
    """What may be withheld: ``of`` gives the units of a training split, where the config's ``labels`` are named, and
    ``noun`` their plural, None where they are the examples; ``fractions`` are those of a study that names none."""

    of: Callable[[Sequence[Any], Sequence[str]], Units]
    noun: str | None
    fractions: tuple[float, ...] = (0.0, 0.25, 0.5)


MENTIONS = UnitKind(mention_units, "surfaces")
LABELS = UnitKind(label_units, "labels", (0.0, 1.0))
EXAMPLES = UnitKind(example_units, None)
UNITS: Mapping[str, UnitKind] = {"mention": MENTIONS, "label": LABELS, "example": EXAMPLES}


def example_hash(purpose: str, example: Example) -> int:
    return keyed_seed("gap", purpose, example.id, example.tokens)


def by_hash(purpose: str, units: set[UnitT]) -> tuple[UnitT, ...]:
    """Units in the order in which they are withheld."""
    return tuple(sorted(units, key=lambda unit: (keyed_seed("gap", purpose, unit), unit)))


class WithheldFile(Record):
    """``withheld.json``: the withheld labels, and the withheld surfaces by label."""

    schema_version: int = SCHEMA_VERSION
    unit: Unit
    labels: list[str]
    surfaces: dict[str, list[str]]


# The units that stand under `words`: content words, and surfaces whatever their label.
_WORDS = ("word", "entity")


class WithheldWordsFile(WithheldFile):
    """The same with the withheld words, where they are the unit."""

    words: list[str]


class _AnyWithheldFile(WithheldFile):
    words: list[str] | None = None

    @model_validator(mode="after")
    def _words_where_they_are_the_unit(self) -> _AnyWithheldFile:
        if (self.unit in _WORDS) != (self.words is not None):
            raise ValueError("`words` goes with `unit: word` and `unit: entity`")
        return self


@dataclass(frozen=True)
class WithheldUnits:
    """What a training split was made to lack: what is needed to tell the withheld among claims and gold."""

    unit: Unit
    pairs: frozenset[Pair] = frozenset()
    labels: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()

    def is_withheld(self, text: str, label: str) -> bool:
        """Whether a surface with a label was withheld: the pair itself, or its label."""
        return label in self.labels or (text, label) in self.pairs

    def save(self, path: Path) -> None:
        """Write ``withheld.json``, whole or not at all; the same units give the same file."""
        surfaces: dict[str, list[str]] = {}
        for text, label in sorted(self.pairs, key=lambda pair: (pair[1], pair[0])):
            surfaces.setdefault(label, []).append(text)
        file = WithheldFile(unit=self.unit, labels=sorted(self.labels), surfaces=surfaces)
        write_line(path, WithheldWordsFile(**dict(file), words=sorted(self.words)) if self.unit in _WORDS else file)

    @classmethod
    def load(cls, path: Path) -> WithheldUnits:
        """Read what ``save`` wrote.

        Raises:
            HallucError R120: damaged. R121: of another version of halluc.
        """
        file = read_record(path, _AnyWithheldFile, damaged="R120", other_version="R121", help=REMAKE)
        pairs = frozenset((text, label) for label, surfaces in file.surfaces.items() for text in surfaces)
        return cls(file.unit, pairs, frozenset(file.labels), frozenset(file.words or ()))
