"""Claims about the relation of a pair, judged by its gold relation (DEFINITIONS, section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.claims import Claim, Evidence, Judged
from halluc.tasks.example_labels import LabelClaims
from halluc.tasks.relation_extraction.examples import ARROW, Related, strip_direction


class RelationJudge(LabelClaims):
    """The relation of a pair: equal to gold is supported, another one distorted, without gold relation unsupported."""

    reasons: ClassVar[tuple[str, ...]] = ("label", "direction")

    def claim(self, example: Related, label: str, confidence: float | None = None) -> Claim:
        surfaces = example.surfaces
        return Claim(example.id, "relation", ARROW.join(surfaces), None, label, confidence, parts=surfaces)

    def judge(self, example: Related, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence; a gold relation is omitted if no relation is claimed for the pair.

        Reasons of a distortion: ``direction``: gold is the relation in the other direction; ``label``: gold is another
        relation. ``no_relation``: gold is none.
        """
        gold = self.gold(example)
        return Judged(tuple(_judge_claim(claim, gold) for claim in claims), () if claims else gold)


def _judge_claim(claim: Claim, gold: Sequence[Claim]) -> Claim:
    if not gold:
        return replace(claim, verdict="unsupported", reason="no_relation")
    (annotated,) = gold
    evidence = Evidence(annotated.mark)
    if claim.label == annotated.label:
        return replace(claim, verdict="supported", evidence=evidence)
    reason = "direction" if strip_direction(claim.label) == strip_direction(annotated.label) else "label"
    return replace(claim, verdict="distorted", reason=reason, evidence=evidence)
