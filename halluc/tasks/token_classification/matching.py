"""Which claim is about which gold span: optimal, and independent of order (DEFINITIONS, section 1, rule 1)."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from halluc.core.examples import Span


class Pair(NamedTuple):
    """A claim and a gold span that share ``tokens`` tokens, by their indexes."""

    claim: int
    gold: int
    tokens: int


def overlaps(claims: Sequence[Span], gold: Sequence[Span]) -> list[Pair]:
    """Every claim with every gold span that it shares a token with."""
    if not claims or not gold:
        return []
    order = sorted(range(len(gold)), key=lambda index: gold[index].start)
    starts = [gold[index].start for index in order]
    longest = max(span.end - span.start for span in gold)
    found = []
    for claim, span in enumerate(claims):
        first = bisect_left(starts, span.start - longest + 1)
        for place in range(first, bisect_left(starts, span.end)):
            other = gold[order[place]]
            shared = min(span.end, other.end) - max(span.start, other.start)
            if shared > 0:
                found.append(Pair(claim, order[place], shared))
    return found


def match(claims: Sequence[Span], gold: Sequence[Span], pairs: Sequence[Pair]) -> dict[int, int]:
    """At most one gold span a claim and one claim a gold span; returns gold by claim (indexes).

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
    """Equal spans belong together in every optimal matching: no other pair of theirs can be worth more."""
    free: dict[Span, list[int]] = defaultdict(list)
    for index in reversed(range(len(gold))):
        free[gold[index]].append(index)
    return {index: free[span].pop() for index, span in enumerate(claims) if free.get(span)}


def _components(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Pairs that hang together through shared claims or gold spans."""
    by_claim: dict[int, list[Pair]] = defaultdict(list)
    by_gold: dict[int, list[Pair]] = defaultdict(list)
    for pair in pairs:
        by_claim[pair.claim].append(pair)
        by_gold[pair.gold].append(pair)
    seen: set[Pair] = set()
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


def _best(component: Sequence[Pair], claims: Sequence[Span], gold: Sequence[Span]) -> dict[int, int]:
    """The matching of the greatest weight; each criterion outweighs all that come after it together."""
    weights = _weights(component, claims, gold)
    if len({pair.claim for pair in component}) == 1 or len({pair.gold for pair in component}) == 1:
        best = max(component, key=weights.__getitem__)
        return {best.claim: best.gold}
    import networkx

    graph = networkx.Graph()
    for pair, weight in weights.items():
        graph.add_edge(("claim", pair.claim), ("gold", pair.gold), weight=weight)
    return {end["claim"]: end["gold"] for end in (dict(edge) for edge in networkx.max_weight_matching(graph))}


def _weights(component: Sequence[Pair], claims: Sequence[Span], gold: Sequence[Span]) -> dict[Pair, int]:
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
