"""Claims about spans, judged by the gold annotation of the same text.

Claims are assigned to gold spans by an optimal matching, independent of order (DEFINITIONS, section 1, rule 1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

from halluc.core.claims import Claim, Evidence, Judged, Verdict
from halluc.core.examples import Span, surface
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged


class SpanOverlap(NamedTuple):
    """A claim and a gold span that share ``tokens`` tokens, by their indexes."""

    claim: int
    gold: int
    tokens: int


def overlaps(claims: Sequence[Span], gold: Sequence[Span]) -> list[SpanOverlap]:
    """Every claim with every gold span that it shares a token with."""
    if not claims or not gold:
        return []
    order = sorted(range(len(gold)), key=lambda index: gold[index].start)
    starts = [gold[index].start for index in order]
    longest = max(span.end - span.start for span in gold)
    results = []
    for claim, span in enumerate(claims):
        first = bisect_left(starts, span.start - longest + 1)
        for place in range(first, bisect_left(starts, span.end)):
            other = gold[order[place]]
            shared = min(span.end, other.end) - max(span.start, other.start)
            if shared > 0:
                results.append(SpanOverlap(claim, order[place], shared))
    return results


def match(claims: Sequence[Span], gold: Sequence[Span], pairs: Sequence[SpanOverlap]) -> dict[int, int]:
    """The optimal one-to-one matching of claims and gold spans; returns the index of gold by that of the claim.

    Maximised in turn: exact matches, equal boundaries, equal labels, common tokens. For ties, earlier gold spans, then
    earlier claims are preferred.
    """
    matched = _exact(claims, gold)
    taken = set(matched.values())
    left = [pair for pair in pairs if pair.claim not in matched and pair.gold not in taken]
    for component in _components(left):
        if len(component) == 1:
            matched[component[0].claim] = component[0].gold
        else:
            matched.update(_best(component, claims, gold))
    return matched


def _exact(claims: Sequence[Span], gold: Sequence[Span]) -> dict[int, int]:
    """Equal spans, which every optimal matching contains."""
    free: dict[Span, list[int]] = defaultdict(list)
    for index in reversed(range(len(gold))):
        free[gold[index]].append(index)
    return {index: free[span].pop() for index, span in enumerate(claims) if free.get(span)}


def _components(pairs: Sequence[SpanOverlap]) -> Iterator[list[SpanOverlap]]:
    """Connected components of pairs that share claims or gold spans."""
    by_claim: dict[int, list[SpanOverlap]] = defaultdict(list)
    by_gold: dict[int, list[SpanOverlap]] = defaultdict(list)
    for pair in pairs:
        by_claim[pair.claim].append(pair)
        by_gold[pair.gold].append(pair)
    seen: set[SpanOverlap] = set()
    for first in pairs:
        if first in seen:
            continue
        seen.add(first)
        component, front = [first], [first]
        while front:
            pair = front.pop()
            adjacent = dict.fromkeys((*by_claim[pair.claim], *by_gold[pair.gold]))
            fresh = [other for other in adjacent if other not in seen]
            seen.update(fresh)
            component += fresh
            front += fresh
        yield component


def _best(component: Sequence[SpanOverlap], claims: Sequence[Span], gold: Sequence[Span]) -> dict[int, int]:
    """The matching with the largest weight."""
    weights = _weights(component, claims, gold)
    if len({pair.claim for pair in component}) == 1 or len({pair.gold for pair in component}) == 1:
        best = max(component, key=weights.__getitem__)
        return {best.claim: best.gold}
    import networkx

    graph = networkx.Graph()
    for pair, weight in weights.items():
        graph.add_edge(("claim", pair.claim), ("gold", pair.gold), weight=weight)
    return {end["claim"]: end["gold"] for end in (dict(edge) for edge in networkx.max_weight_matching(graph))}


def _weights(component: Sequence[SpanOverlap], claims: Sequence[Span], gold: Sequence[Span]) -> dict[SpanOverlap, int]:
    """The weight of each pair: boundary, label, tokens and a bit that is higher for earlier pairs, in one integer.

    Each criterion outweighs all later ones together.
    """
    in_order = sorted(component, key=lambda pair: (gold[pair.gold], claims[pair.claim]), reverse=True)
    pairs, tokens = len(component) + 1, sum(pair.tokens for pair in component) + 1
    weights = {}
    for place, pair in enumerate(in_order):
        claim, other = claims[pair.claim], gold[pair.gold]
        same_boundary, same_label = claim[:2] == other[:2], claim.label == other.label
        ranked = (same_boundary * pairs + same_label) * tokens + pair.tokens
        weights[pair] = (ranked << len(component)) + (1 << place)
    return weights


REASONS = ("label", "boundary", "both", "duplicate")


class SpanJudge:
    """Spans compared with gold spans: equal is supported, overlapping distorted, without overlap unsupported."""

    reasons: ClassVar[tuple[str, ...]] = REASONS

    def claims(self, example: Tagged, prediction: TagPrediction) -> tuple[Claim, ...]:
        """One claim per predicted span."""
        return tuple(
            _claim(example, span, confidence)
            for span, confidence in zip(prediction.spans, prediction.confidences, strict=True)
        )

    def gold(self, example: Tagged) -> tuple[Claim, ...]:
        return tuple(_claim(example, span) for span in example.spans)

    def judge(self, example: Tagged, claims: Sequence[Claim]) -> Judged:
        """Verdict, reason and evidence of each claim; gold that no claim touches is omitted.

        Reasons of a distortion: ``label``, ``boundary`` and ``both`` are the differences to the matched gold span;
        ``duplicate``: the gold span is matched with another claim. ``spurious``: no token is shared with gold.
        """
        gold = self.gold(example)
        claimed, annotated = list(map(_place, claims)), list(map(_place, gold))
        pairs = overlaps(claimed, annotated)
        matched = match(claimed, annotated, pairs)
        touched: dict[int, list[int]] = defaultdict(list)
        for pair in pairs:
            if matched.get(pair.claim) != pair.gold:
                touched[pair.claim].append(pair.gold)
        judged = []
        for index, claim in enumerate(claims):
            other = annotated[matched[index]] if index in matched else None
            around = tuple(sorted(annotated[i] for i in touched[index]))
            verdict, reason = _verdict(claimed[index], other, around)
            judged.append(replace(claim, verdict=verdict, reason=reason, evidence=Evidence(other, around)))
        overlapped = {pair.gold for pair in pairs}
        return Judged(tuple(judged), tuple(one for index, one in enumerate(gold) if index not in overlapped))


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
