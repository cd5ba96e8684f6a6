"""Claims about whole texts, judged by the gold labels of the same text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from halluc.config.schema import Section
from halluc.core.claims import Claim, Evidence, Judged


class GoldLabelsConfig(Section):
    type: Literal["gold_labels"]


class GoldLabels:
    """The label of a text against its one gold label: equal is supported, all else unsupported."""

    Config: ClassVar[type[Section]] = GoldLabelsConfig

    def __init__(self, config: Section) -> None:
        self.config = config

    def judge(self, claims: Sequence[Claim], gold: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence for each claim; gold is omitted where nothing is claimed of the text.

        Reasons: ``other_label``: gold has another one, which is touched; ``out_of_scope``: gold has none.
        """
        around = Evidence(touched=tuple(one.mark for one in gold))
        return Judged(_judged(claims, gold, around, "out_of_scope"), () if claims else tuple(gold))


class GoldLabelSetsConfig(Section):
    type: Literal["gold_label_sets"]


class GoldLabelSets:
    """The labels of a text against its gold labels, of which it may have any number: each is judged by itself."""

    Config: ClassVar[type[Section]] = GoldLabelSetsConfig

    def __init__(self, config: Section) -> None:
        self.config = config

    def judge(self, claims: Sequence[Claim], gold: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence for each claim; a gold label that is not claimed is omitted.

        Reasons: ``other_label``: gold has others; ``no_label``: gold has none.
        """
        claimed = {claim.label for claim in claims}
        omitted = tuple(one for one in gold if one.label not in claimed)
        return Judged(_judged(claims, gold, Evidence(), "no_label"), omitted)


def _judged(
    claims: Sequence[Claim], gold: Sequence[Claim], otherwise: Evidence, without_gold: str
) -> tuple[Claim, ...]:  # fmt: skip
    """
    Args:
        otherwise: what is said of a claim that gold does not have. without_gold: the reason where there is no gold.
    """
    there = {one.label: one for one in gold}
    reason = "other_label" if there else without_gold
    return tuple(
        replace(claim, verdict="supported", evidence=Evidence(there[claim.label].mark))
        if claim.label in there
        else replace(claim, verdict="unsupported", reason=reason, evidence=otherwise)
        for claim in claims
    )
