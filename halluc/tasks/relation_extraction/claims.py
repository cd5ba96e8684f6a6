"""Claims about the relation of a pair, judged by its gold relation (DEFINITIONS, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.examples import Claim, Evidence, Judged
from halluc.tasks.labels_of_wholes import LabelClaims
from halluc.tasks.relation_extraction.examples import ARROW, Related, undirected


class RelationJudge(LabelClaims):
    """The relation of a pair compared with its gold: equal is supported, another one distorted, no gold unsupported."""

    reasons: ClassVar[tuple[str, ...]] = ("label", "direction")

    def claim(self, example: Related, label: str, confidence: float | None = None) -> Claim:
        """A relation other than none is one claim about the pair."""
        surfaces = example.surfaces
        return Claim(example.id, "relation", ARROW.join(surfaces), None, label, confidence, parts=surfaces)

    def judge(self, example: Related, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence; a gold relation is omitted if none is claimed for the pair.

        Reasons of a distortion: ``direction``: gold has the relation in the other direction; ``label``: gold has
        another one. ``no_relation``: gold has none.
        """
        gold = self.gold(example)
        return Judged(tuple(_judged(claim, gold) for claim in claims), () if claims else gold)


def _judged(claim: Claim, gold: Sequence[Claim]) -> Claim:
    if not gold:
        return replace(claim, verdict="unsupported", reason="no_relation")
    (there,) = gold
    evidence = Evidence(there.mark)
    if claim.label == there.label:
        return replace(claim, verdict="supported", evidence=evidence)
    reason = "direction" if undirected(claim.label) == undirected(there.label) else "label"
    return replace(claim, verdict="distorted", reason=reason, evidence=evidence)
