"""Claims about spans, judged by the gold annotation of the same text.

Claims are assigned to gold spans by an optimal matching, independent of order (DEFINITIONS, section 1, rule 1).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, NamedTuple

from halluc.core.examples import Claim, Evidence, Judged, Span, Verdict, surface
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
    """At most one gold span per claim and one claim per gold span; returns gold by claim (indexes).

    Maximised in turn: exact matches, same boundary, same label, tokens in common; then the matched spans that start
    first, gold before claims.
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
    """Equal spans are matched in every optimal matching: no other pair of theirs has a larger weight."""
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
            fresh = [p for p in (*by_claim[pair.claim], *by_gold[pair.gold]) if p not in seen]
            fresh = list(dict.fromkeys(fresh))
            seen.update(fresh)
            component += fresh
            front += fresh
        yield component


def _best(component: Sequence[SpanOverlap], claims: Sequence[Span], gold: Sequence[Span]) -> dict[int, int]:
    """The matching with the largest weight; each criterion outweighs all later ones together."""
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
    """Each pair as one whole number: boundary, label, tokens, and a bit of its own that is higher the earlier it is."""
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
    """Spans against gold spans: exact is supported, an overlap distorted, nothing in common unsupported."""

    reasons: ClassVar[tuple[str, ...]] = REASONS

    def claims(self, example: Tagged, prediction: TagPrediction) -> tuple[Claim, ...]:
        """Each predicted span with its label is one claim."""
        return tuple(
            _claim(example, span, confidence)
            for span, confidence in zip(prediction.spans, prediction.confidences, strict=True)
        )

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
        pairs = overlaps(claimed, there)
        matched = match(claimed, there, pairs)
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
