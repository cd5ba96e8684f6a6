"""Controlled incompleteness: a known part of the knowledge is removed from a training split (DEFINITIONS, section
2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.config.schema import GapConfig
from halluc.core.errors import data_error
from halluc.core.examples import Example, Pair
from halluc.core.packed import Packed
from halluc.gap.units import BY_MENTIONS, UNITS, Sizes, Strata, UnitKind, Units, WithheldUnits, apportion, take

# The number of lost labels that are named.
_MOST_NAMED = 10


@dataclass(frozen=True)
class SplitSize:
    """The size of a training split: examples, annotated items (``things``), tokens, the share of examples without such
    an item, and distinct items (surface and label)."""

    examples: int
    things: int
    tokens: int
    free: float | None
    distinct: int

    @classmethod
    def of(cls, examples: Sequence[Example]) -> SplitSize:
        labelled = [len(example.pairs) for example in examples]
        return cls(
            examples=len(examples),
            things=sum(labelled),
            tokens=sum(len(example.tokens) for example in examples),
            free=round(labelled.count(0) / len(examples), 4) if examples else None,
            distinct=len(_pairs(examples)),
        )

    def as_record(self, strata: Strata) -> dict[str, float | None]:
        """With the task's names for them."""
        return {
            f"{strata.noun}s": self.examples,
            f"{strata.thing}s": self.things,
            "tokens": self.tokens,
            strata.free: self.free,
            strata.distinct: self.distinct,
        }


@dataclass(frozen=True)
class Withheld:
    """A training split after withholding: the remaining examples, and the withheld units.

    ``withheld`` of ``of`` units were withheld; no example of ``lost_labels`` is left, although these labels were not
    chosen. ``before``, ``left`` and ``matched`` (None without matching) are the sizes of the split before withholding,
    after it, and after matching.
    """

    config: GapConfig
    kind: UnitKind
    examples: Sequence[Example]
    units: WithheldUnits
    withheld: int
    of: int
    before: SplitSize
    left: SplitSize
    matched: SplitSize | None
    strata: Strata = BY_MENTIONS
    lost_labels: frozenset[str] = frozenset()

    def as_record(self) -> dict[str, Any]:
        """The ``gap`` of run.json."""
        return {
            **self.config.model_dump(mode="json"),
            "fractions": list(_fractions(self.config, self.kind)) if self.matched else None,
            "units": {"withheld": self.withheld, "of": self.of},
            "before": self.before.as_record(self.strata),
            "left": self.left.as_record(self.strata),
            "matched": self.matched.as_record(self.strata) if self.matched else None,
            "strata": self.strata.as_record(self.examples),
        }

    def sentence(self) -> str:
        """The result of withholding in a sentence."""
        nouns = f"{self.strata.noun}s"
        named = f" ({', '.join(sorted(self.units.labels))})" if self.units.labels else ""
        before = self.before.examples
        also = "" if self.kind.noun is None else f"; {before - self.left.examples:,} of {before:,} {nouns} dropped"
        trained, how = (self.matched, f"matched {nouns}") if self.matched else (self.left, nouns)
        return (
            f"withheld {self.withheld:,} of {self.of:,} {self.kind.noun or nouns}{named}{also}; "
            f"trained on {trained.examples:,} {how}{self._shown(trained)}"
        )

    def _shown(self, trained: SplitSize) -> str:
        """The number of annotated items; for whole texts, the number with a label, and the lost labels."""
        if not self.strata.labels_whole:
            return f" with {trained.things:,} {self.strata.thing}s"
        labelled = sum(bool(example.pairs) for example in self.examples)
        text = f", {labelled:,} of them with a label" if labelled < trained.examples else ""
        if not self.lost_labels:
            return text
        gone = sorted(self.lost_labels)
        listed = ", ".join(gone[:_MOST_NAMED]) + (", …" if len(gone) > _MOST_NAMED else "")
        return text + f"; labels without a {self.strata.noun} left: {len(gone):,} ({listed})"


def withhold(
    examples: Sequence[Example],
    config: GapConfig,
    strata: Strata = BY_MENTIONS,
    kinds: Mapping[str, UnitKind] = UNITS,
) -> Withheld:
    """Withhold units from a training split according to ``config``; the remaining examples keep their order.

    ``strata`` are the strata for matching sizes, and ``kinds`` the possible values of ``config.unit``.

    Raises:
        HallucError D132: a configured label does not occur in the split. D133: no example with a label is left. D134:
            ``size`` cannot be matched. D135: nothing can be matched over all fractions.
    """
    if config.unit == "label" and strata.for_labels is not None:
        strata = strata.for_labels
    kind = kinds[config.unit]
    units = kind.of(examples, config.labels or ())
    if not any(example.pairs for example in examples):
        raise data_error("D133", f"the training split has no {strata.thing}, so there is nothing to withhold")
    left = units.left(config.fraction)
    kept = left
    if config.control == "matched":
        kept = take(examples, left, _sizes(examples, units, _fractions(config, kind), config, strata), strata)
    remaining = Packed(examples[position] for position in kept).settled()
    if not any(example.pairs for example in remaining):
        message = f"a fraction of {config.fraction:g} leaves no {strata.noun} with a {strata.thing}"
        raise data_error("D133", f"{message}: there is nothing to learn", help=_less(config.fraction, config))
    chosen = _chosen(examples, remaining, units, config)
    return Withheld(
        config=config,
        kind=kind,
        examples=remaining,
        units=chosen,
        withheld=units.withheld(config.fraction),
        of=units.count,
        before=SplitSize.of(examples),
        left=SplitSize.of([examples[position] for position in left]),
        matched=SplitSize.of(remaining) if config.control == "matched" else None,
        strata=strata,
        lost_labels=_labels(examples) - _labels(remaining) - chosen.labels,
    )


def _chosen(
    examples: Sequence[Example], remaining: Sequence[Example], units: Units, config: GapConfig
) -> WithheldUnits:
    if config.unit == "example":
        return WithheldUnits("example", _pairs(examples) - _pairs(remaining))
    withheld = units.withheld(config.fraction)
    return WithheldUnits(
        config.unit,
        frozenset(units.pairs[:withheld]),
        frozenset(units.labels[:withheld]),
        frozenset(units.words[:withheld]),
    )


def _labels(examples: Sequence[Example]) -> frozenset[str]:
    return frozenset(label for example in examples for _, label in example.pairs)


def _pairs(examples: Sequence[Example]) -> frozenset[Pair]:
    return frozenset(pair for example in examples for pair in example.pairs)


def _fractions(config: GapConfig, kind: UnitKind) -> tuple[float, ...]:
    """The fractions that matched sizes must suit, ascending; the run's own is always included."""
    return tuple(sorted({config.fraction, *(config.fractions or kind.fractions)}))


def _sizes(
    examples: Sequence[Example], units: Units, fractions: Sequence[float], config: GapConfig, strata: Strata
) -> Sizes:
    """The number of examples of each stratum that every fraction trains on.

    Fractions are nested, so the largest leaves the fewest examples of every stratum.
    """
    largest = fractions[-1]
    least = strata.sizes([examples[position] for position in units.left(largest)])
    most = strata.matched(strata.sizes(examples), least)
    if not strata.bearing(most):
        lacking = (
            f"too few without a {strata.thing} to keep their share"
            if strata.bearing(least)
            else f"no {strata.noun} with a {strata.thing}"
        )
        raise data_error("D135", f"a fraction of {largest:g} leaves {lacking}", help=_less(largest, config))
    if config.size is None:
        return most
    if config.size > sum(most):
        message = f"`gap.size: {config.size}`: at most {sum(most)} {strata.noun}s can be matched"
        help = f"lower it, or {_less(largest, config)}" if largest else "lower it"
        raise data_error("D134", message, help=help)
    sizes = apportion(config.size, most)
    if not strata.bearing(sizes):
        raise data_error("D134", f"`gap.size: {config.size}` is too small for a {strata.noun} with a {strata.thing}")
    return sizes


def _less(fraction: float, config: GapConfig) -> str:
    """The advice if ``fraction`` withholds too much."""
    return (
        "set a smaller `gap.fraction`" if fraction == config.fraction else f"set `gap.fractions` without {fraction:g}"
    )
