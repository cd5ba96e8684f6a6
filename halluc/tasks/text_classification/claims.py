"""Claims about whole texts, judged by the gold labels of the same text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.examples import Claim, Evidence, Judged, Span
from halluc.tasks.labels_of_wholes import LabelClaims
from halluc.tasks.text_classification.labelled_text import Labelled


class LabelJudge(LabelClaims):
    """The label of a text compared with its one gold label: equal is supported, everything else unsupported."""

    reasons: ClassVar[tuple[str, ...]] = ()

    def claim(self, example: Labelled, label: str, confidence: float | None = None) -> Claim:
        """A label is one claim, about all tokens of the text."""
        size = len(example.tokens)
        return Claim(example.id, "label", " ".join(example.tokens), Span(0, size, label), label, confidence)

    def judge(self, example: Labelled, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence for each claim; gold is omitted if nothing is claimed about the text.

        Reasons: ``other_label``: gold has another one, which is touched; ``out_of_scope``: gold has none.
        """
        gold = self.gold(example)
        return Judged(
            _judged(claims, gold, Evidence(touched=tuple(one.mark for one in gold)), "out_of_scope"),
            () if claims else tuple(gold),
        )


class LabelSetJudge(LabelJudge):
    """The labels of a text compared with its gold labels, any number of each: every label is judged separately."""

    def judge(self, example: Labelled, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence for each claim; a gold label that is not claimed is omitted.

        Reasons: ``other_label``: gold has others; ``no_label``: gold has none.
        """
        gold = self.gold(example)
        claimed = {claim.label for claim in claims}
        return Judged(
            _judged(claims, gold, Evidence(), "no_label"), tuple(one for one in gold if one.label not in claimed)
        )


def _judged(
    claims: Sequence[Claim], gold: Sequence[Claim], otherwise: Evidence, without_gold: str
) -> tuple[Claim, ...]:  # fmt: skip
    """
    Args:
        otherwise: the reason for a claim that gold does not have. without_gold: the reason if there is no gold.
    """
    there = {one.label: one for one in gold}
    reason = "other_label" if there else without_gold
    return tuple(
        replace(claim, verdict="supported", evidence=Evidence(there[claim.label].mark))
        if claim.label in there
        else replace(claim, verdict="unsupported", reason=reason, evidence=otherwise)
        for claim in claims
    )
