"""The pairs in a training split, and the novelty of a pair (DEFINITIONS, section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from halluc.core.claims import Claim
from halluc.gap.novelty import SurfaceKnowledge
from halluc.gap.units import EXAMPLES, LABELS, Strata, UnitKind, held_units, mention_units
from halluc.runs.schema import Nearest, Novelty
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.relation_extraction.examples import ARROW, NO_RELATION, Related, pair_key, pair_parts

# Distinct surfaces of heads and tails, in any role.
entity_units = held_units("entity", lambda example: example.surfaces)


_BY_RELATEDNESS = Strata(
    (NO_RELATION, "relation"), lambda example: int(example.relation is not None), has_free=True, thing="relation",
    free=NO_RELATION, distinct="pairs",
)  # fmt: skip


@dataclass(frozen=True)
class KnownPairs(SurfaceKnowledge):
    """The novelty of a pair and its relation.

    *seen*: the pair occurs with the relation; *partial*: its head or tail occurs in this role with the relation, or the
    pair with another relation; *new*: neither.
    """

    def novelty(self, claim: Claim) -> Novelty:
        return self.novelty_of(pair_key(*claim.parts), claim.label)

    def novelty_of(self, key: str, label: str) -> Novelty:
        if self.coverage.knows(key, label):
            return "seen"
        head, tail = pair_parts(key)
        heads, tails = self._roles.get(label, ({}, {}))
        return "partial" if head in heads or tail in tails or self.coverage.labels_of(key) else "new"

    def is_confusable(self, claim: Claim) -> bool:
        return bool(self.coverage.labels_of(pair_key(*claim.parts)) - {claim.label})

    def look_up(self, claims: Iterable[Claim]) -> None:
        """Nothing to prepare: ``nearest`` is fast."""

    def nearest(self, claim: Claim) -> Nearest | None:
        """The training pair of the relation that shares most with the pair: both, the head, or the tail."""
        key = pair_key(*claim.parts)
        head, tail = claim.parts
        heads, tails = self._roles.get(claim.label, ({}, {}))
        nearest = key if self.coverage.knows(key, claim.label) else heads.get(head) or tails.get(tail)
        if nearest is None:
            return None
        known = self.coverage.of_label(claim.label)[nearest]
        return Nearest(text=ARROW.join(pair_parts(nearest)), file=known.file, line=known.line)

    def is_withheld(self, claim: Claim) -> bool:
        """Whether its pair, its relation, its head or its tail was withheld."""
        if self.withheld is None:
            return False
        return self.withheld.is_withheld(pair_key(*claim.parts), claim.label) or any(
            part in self.withheld.words for part in claim.parts
        )

    @cached_property
    def _roles(self) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
        """For each relation, the first pair with each head, and the first pair with each tail."""
        result: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        for label, of_label in self.coverage.surfaces.items():
            heads, tails = result.setdefault(label, ({}, {}))
            for key in of_label:
                head, tail = pair_parts(key)
                heads.setdefault(head, key)
                tails.setdefault(tail, key)
        return result


class RelationKnowledge(SurfacesOfTraining):
    """Pairs of surfaces and their relations in the training split."""

    units: ClassVar[Mapping[str, UnitKind]] = {
        "pair": UnitKind(mention_units, "pairs"),
        "entity": UnitKind(entity_units, "entities", (0.0, 0.1, 0.25)),
        "label": LABELS,
        "example": EXAMPLES,
    }
    Known: ClassVar[type[SurfaceKnowledge]] = KnownPairs
    counted: ClassVar[str] = "pairs"

    def strata(self, examples: Sequence[Related]) -> Strata:
        """Strata by relation. If whole relations are withheld, the strata are with and without a relation: otherwise
        fraction 0 would lack the withheld relations too."""
        names = (NO_RELATION, *sorted({one.relation for one in examples if one.relation is not None}))
        place = {name: number for number, name in enumerate(names)}
        return replace(
            _BY_RELATEDNESS, names=names, of=lambda one: place[one.relation or NO_RELATION], for_labels=_BY_RELATEDNESS
        )
