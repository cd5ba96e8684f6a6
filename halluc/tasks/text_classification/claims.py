"""Claims about whole texts, judged by the gold labels of the same text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.claims import Claim, Evidence, Judged
from halluc.core.examples import Span
from halluc.tasks.example_labels import LabelClaims
from halluc.tasks.text_classification.labelled_text import Labelled


class LabelJudge(LabelClaims):
    """One gold label per text: an equal label is supported, any other one unsupported."""

    reasons: ClassVar[tuple[str, ...]] = ()

    def claim(self, example: Labelled, label: str, confidence: float | None = None) -> Claim:
        """A label is one claim, about all tokens of the text."""
        size = len(example.tokens)
        return Claim(example.id, "label", " ".join(example.tokens), Span(0, size, label), label, confidence)

    def judge(self, example: Labelled, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence of each claim; gold is omitted if nothing is claimed about the text.

        Reasons: ``other_label``: the text has another label, which is touched; ``out_of_scope``: it has none.
        """
        gold = self.gold(example)
        touched = Evidence(touched=tuple(claim.mark for claim in gold))
        return Judged(_judge_claims(claims, gold, touched, "out_of_scope"), () if claims else gold)


class LabelSetJudge(LabelJudge):
    """Any number of gold labels per text: each predicted label is judged separately."""

    def judge(self, example: Labelled, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence of each claim; a gold label that is not claimed is omitted.

        Reasons: ``other_label``: the text has other labels; ``no_label``: it has none.
        """
        gold = self.gold(example)
        claimed = {claim.label for claim in claims}
        omissions = tuple(claim for claim in gold if claim.label not in claimed)
        return Judged(_judge_claims(claims, gold, Evidence(), "no_label"), omissions)


def _judge_claims(
    claims: Sequence[Claim], gold: Sequence[Claim], otherwise: Evidence, without_gold: str
) -> tuple[Claim, ...]:  # fmt: skip
    """
    Args:
        otherwise: the evidence of an unsupported claim. without_gold: its reason if there is no gold.
    """
    marks = {claim.label: claim.mark for claim in gold}
    reason = "other_label" if gold else without_gold
    return tuple(
        replace(claim, verdict="supported", evidence=Evidence(marks[claim.label]))
        if claim.label in marks
        else replace(claim, verdict="unsupported", reason=reason, evidence=otherwise)
        for claim in claims
    )
