"""Claims about spans, judged by the gold annotation of the same text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from halluc.core.claims import Claim, Evidence, Judged, Verdict
from halluc.core.examples import Span, surface
from halluc.tasks.token_classification import matching
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged

REASONS = ("label", "boundary", "both", "duplicate")


class SpanJudge:
    """Spans against gold spans: exact is supported, an overlap distorted, nothing in common unsupported."""

    reasons: ClassVar[tuple[str, ...]] = REASONS

    def claims(self, example: Tagged, prediction: TagPrediction) -> tuple[Claim, ...]:
        """Each predicted span with its label is one claim."""
        spans = zip(prediction.spans, prediction.confidences, strict=True)
        return tuple(_claim(example, span, confidence) for span, confidence in spans)

    def gold(self, example: Tagged) -> tuple[Claim, ...]:
        """What the annotation says, in the form of claims."""
        return tuple(_claim(example, span) for span in example.spans)

    def judge(self, example: Tagged, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence for each claim; gold that none touches is omitted.

        Reasons of a distortion: ``label``, ``boundary`` and ``both`` say what differs from the matched gold span;
        ``duplicate`` is a further claim about gold that another one is matched to. ``spurious`` shares no token.
        """
        gold = self.gold(example)
        claimed = [_place(claim) for claim in claims]
        there = [_place(claim) for claim in gold]
        pairs = matching.overlaps(claimed, there)
        matched = matching.match(claimed, there, pairs)
        touched: dict[int, list[int]] = defaultdict(list)
        for pair in pairs:
            if matched.get(pair.claim) != pair.gold:
                touched[pair.claim].append(pair.gold)
        judged = []
        for index, claim in enumerate(claims):
            other = there[matched[index]] if index in matched else None
            around = tuple(sorted(there[i] for i in touched[index]))
            verdict, reason = _verdict(claimed[index], other, around)
            judged.append(replace(claim, verdict=verdict, reason=reason, evidence=Evidence(other, around)))
        reached = {pair.gold for pair in pairs}
        return Judged(tuple(judged), tuple(one for index, one in enumerate(gold) if index not in reached))


def _place(claim: Claim) -> Span:
    assert claim.where is not None, "a claim about a span has a place"
    return claim.where


def _verdict(claim: Span, matched: Span | None, touched: Sequence[Span]) -> tuple[Verdict, str | None]:
    if matched is None:
        return ("distorted", "duplicate") if touched else ("unsupported", "spurious")
    if claim == matched:
        return "supported", None
    if claim[:2] == matched[:2]:
        return "distorted", "label"
    return "distorted", "boundary" if claim.label == matched.label else "both"


def _claim(example: Tagged, span: Span, confidence: float | None = None) -> Claim:
    return Claim(example.id, "span", surface(example.tokens, span), span, span.label, confidence)
