"""Every rate of a ledger, overall and by slice (DEFINITIONS, sections 1 and 2), computed from its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy

from halluc.analysis.table import Table
from halluc.core.figures import figure
from halluc.core.significance import F1, Figure, Formula, Ratio, Sheet, divided

# Ranges of the length of an example in tokens, and of the frequency of a label in training.
LENGTHS = ((1, 5), (6, 10), (11, 20), (21, 40), (41, None))
FREQUENCIES = ((0, 0), (1, 9), (10, 49), (50, 199), (200, 999), (1000, None))
DECILES = 10
# With claims from fewer examples, resamples of them say little about other examples.
LEAST_FOR_RATIO = 10


@dataclass(frozen=True)
class Slice:
    """Masks over the claims and the gold of a table; ``gold`` is None if the slice does not apply to gold."""

    by: dict[str, str]
    claims: numpy.ndarray
    gold: numpy.ndarray | None


def slices(table: Table) -> Iterator[Slice]:
    """The slices by label, novelty, frequency of the label, confusable surface, withheld knowledge, length, and decile
    of confidence."""
    claims, gold = table.claims, table.gold
    for label in sorted({*claims.label.tolist(), *gold.label.tolist()}):
        yield Slice({"label": label}, claims.label == label, gold.label == label)
    for novelty in table.reported_novelties if table.knows_novelty else ():
        yield Slice({"novelty": novelty}, claims.novelty == novelty, gold.novelty == novelty)
    if table.label_counts is not None:
        yield from _frequencies(table, table.label_counts)
    if claims.confusable.any():
        yield Slice({"surface": "confusable"}, claims.confusable, None)
    if claims.withheld.any() or gold.withheld.any():
        yield Slice({"knowledge": "withheld"}, claims.withheld, gold.withheld)
        yield Slice({"knowledge": "kept"}, ~claims.withheld, ~gold.withheld)
    for low, high in LENGTHS:
        fits = (table.lengths >= low) & (table.lengths <= (high or numpy.inf))
        if fits.any():
            yield Slice({"tokens": _range(low, high)}, fits[claims.example], fits[gold.example])
    yield from _deciles(claims.confidence)


def _deciles(confidence: numpy.ndarray) -> Iterator[Slice]:
    """Ten groups with about the same number of claims, 1 the least confident; equal confidences stay in one group."""
    known = ~numpy.isnan(confidence)
    if not known.any():
        return
    group = numpy.searchsorted(
        numpy.quantile(confidence[known], numpy.arange(1, DECILES) / DECILES), confidence, side="left"
    )
    for number in range(DECILES):
        among = known & (group == number)
        if among.any():
            yield Slice(
                {
                    "confidence_decile": str(number + 1),
                    "confidence": f"{confidence[among].min():.3f} to {confidence[among].max():.3f}",
                },
                among,
                None,
            )


def _frequencies(table: Table, counts: Mapping[str, int]) -> Iterator[Slice]:
    """The slices by the frequency in training of the label of the claim, or of the gold."""
    of_claims, of_gold = (
        numpy.array([counts.get(label, 0) for label in labels.tolist()], dtype=numpy.int64)
        for labels in (table.claims.label, table.gold.label)
    )
    for low, high in FREQUENCIES:
        claims, gold = (
            (numbers >= low) & (numbers <= (numpy.inf if high is None else high)) for numbers in (of_claims, of_gold)
        )
        if claims.any() or gold.any():
            yield Slice({"label_frequency": _range(low, high)}, claims, gold)


def _range(low: int, high: int | None) -> str:
    return str(low) if low == high else f"{low}-{high}" if high is not None else f"{low}+"


PROTOCOL = "claims against gold, matched optimally"


def headline(table: Table, sheet: Sheet) -> list[Figure]:
    """The figures by which runs are compared; which ones they are does not depend on the claims.

    ``f1``, ``recall`` and ``claimed_without_gold`` are included if the task has a name for them
    (``task.figures.named``), the last one only if there is an example without gold. ``f1`` is ``2 supported / (claims +
    gold)``: for spans from tags it is entity F1 in seqeval's default mode.
    """
    counter, named = _Counter(table, sheet), table.task.figures.named
    rates = [one for one in counter.rates(counter.everything()) if figure(one.name).is_at("compared")]
    own = [replace(one, name=named[one.name]) for one in counter.of_names() if one.name in named]
    return [*own, *rates, *counter.over_claim(table.task.knowledge.novelties)]


def figures(table: Table, sheet: Sheet) -> list[Figure]:
    """The rates of all claims, overall and by slice, and, if some were withdrawn, of the kept ones (``{"claims":
    "kept"}``).

    Rates that are meaningless in the task (``task.figures.excluded``) are left out.
    """
    counter = _Counter(table, sheet)
    result = counter.overall()
    for part in slices(table):
        result += counter.rates(part)
    if not table.claims.kept.all():
        result += _Counter(table, sheet, kept_only=True).overall()
    return result


class _Counter:
    """Converts masks to columns of the sheet, and columns to figures."""

    def __init__(self, table: Table, sheet: Sheet, kept_only: bool = False) -> None:
        claims, gold = table.claims, table.gold
        self.table, self.sheet, self.excluded = table, sheet, table.task.figures.excluded
        self.by = {"claims": "kept"} if kept_only else {}
        self.kept_only = kept_only
        self.in_rates = claims.kept if kept_only else numpy.ones(len(claims.example), dtype=bool)
        self.omitted = numpy.isneginf(gold.best_kept if kept_only else gold.best)
        self.recalled = gold.recalled_kept if kept_only else gold.recalled
        self.unsupported = claims.verdict == "unsupported"
        self.distorted = claims.verdict == "distorted"
        self.false = self.unsupported | self.distorted
        mislabelled = self.distorted & ((claims.reason == "label") | (claims.reason == "both"))
        self.wide = self.unsupported | mislabelled

    def everything(self) -> Slice:
        return Slice({}, numpy.ones(len(self.in_rates), dtype=bool), numpy.ones(len(self.omitted), dtype=bool))

    def overall(self) -> list[Figure]:
        """The overall figures, those that count examples, and those of the gap."""
        everything = self.everything()
        result = self.rates(everything) + self.by_example() + self.of_the_gap()
        if self.kept_only:
            result.append(self.figure("claim_coverage", self.claim_rate(self.in_rates, everything.claims)))
        return result

    def rates(self, part: Slice) -> list[Figure]:
        """The rates of the claims of a slice, and of its gold."""
        among = part.claims & self.in_rates
        wanted = {
            "hallucination_rate": self.unsupported,
            "hallucination_rate_wide": self.wide,
            "distortion_rate": self.distorted,
            "false_claim_rate": self.false,
            "support_rate": ~self.false,
        }
        shares = {name: self.claim_rate(mask, among) for name, mask in wanted.items()}
        results = self.included(shares, part.by)
        for reason in self.table.task.judge.reasons:
            share = self.claim_rate(self.distorted & (self.table.claims.reason == reason), among)
            results.append(self.figure("distortion_rate", share, {**part.by, "reason": reason}))
        if part.gold is not None:
            of_gold = {"omission_rate": self.omitted, "recall": self.recalled}
            results += self.included({name: self.gold_rate(mask, part.gold) for name, mask in of_gold.items()}, part.by)
        return results

    def by_example(self) -> list[Figure]:
        """Shares of examples, and unsupported claims per 1,000 tokens."""
        example = self.table.claims.example
        examples = len(self.table)
        unsupported = numpy.bincount(example[self.unsupported & self.in_rates], minlength=examples)
        claims = numpy.bincount(example[self.in_rates], minlength=examples)
        column = self.sheet.column
        density = Ratio((column(unsupported),), (column(self.table.lengths),), scale=1000, is_share=False)
        shares = {
            "hallucinated_examples": Ratio((column(unsupported > 0),), (column(numpy.ones(examples)),)),
            "hallucination_density": density,
            "negative_sentence_rate": self.bare_rate(claims),
        }
        return self.included(shares, {})

    def of_names(self) -> list[Figure]:
        """The figures that are reported if the task has a name for them."""
        claims, gold, tally = self.table.claims.example, self.table.gold.example, self.sheet.tally
        f1 = F1(tally(claims[~self.false]), tally(claims), tally(gold))
        recall = self.gold_rate(self.recalled, numpy.ones(len(gold), dtype=bool))
        results = [self.figure("f1", f1, n=len(gold)), self.figure("recall", recall)]
        if len(numpy.unique(gold)) < len(self.table):
            bare = self.bare_rate(numpy.bincount(claims, minlength=len(self.table)))
            results.append(self.figure("claimed_without_gold", bare))
        return results

    def bare_rate(self, claims: numpy.ndarray) -> Ratio:
        """The share of the examples without gold that have claims; ``claims`` (examples,) are their numbers."""
        bare = numpy.bincount(self.table.gold.example, minlength=len(self.table)) == 0
        return Ratio((self.sheet.column(bare & (claims > 0)),), (self.sheet.column(bare),))

    def of_the_gap(self) -> list[Figure]:
        """Over-claim by novelty, its ratio, and the novelty of hallucinations; empty if novelty is unknown."""
        if not self.table.knows_novelty:
            return []
        novelties = self.table.reported_novelties
        result, among = self.over_claim(novelties), self.unsupported & self.in_rates
        for name, mask in self.by_novelty(novelties).items():
            result.append(self.figure("share_of_hallucinations", self.claim_rate(mask, among), {"novelty": name}))
        return result

    def by_novelty(self, novelties: Sequence[str]) -> dict[str, numpy.ndarray]:
        """The claims of each novelty, and of all but the first (``unseen``)."""
        claimed = self.table.claims.novelty
        return {**{name: claimed == name for name in novelties}, "unseen": numpy.isin(claimed, novelties[1:])}

    def over_claim(self, novelties: Sequence[str]) -> list[Figure]:
        """The rate of false claims for each novelty, and its ratio between the least known novelty, the last one that
        occurs or is always reported, and the first one; the ratio has no interval if there are few of either."""
        parts = self.by_novelty(novelties)
        over = {name: self.claim_rate(self.false, mask & self.in_rates) for name, mask in parts.items()}
        results = [self.figure("over_claim", ratio, {"novelty": name}) for name, ratio in over.items()]
        claimed = [name for name in novelties[1:] if parts[name].any() or name in self.table.task.knowledge.reported]
        last = claimed[-1] if claimed else "unseen"
        least, best, example = over[last], over[novelties[0]], self.table.claims.example
        compared = (parts[name] & self.in_rates for name in (last, novelties[0]))
        is_resampled = all(len(numpy.unique(example[mask])) >= LEAST_FOR_RATIO for mask in compared)

        def ratio(sums: numpy.ndarray) -> numpy.ndarray:
            result = divided(least(sums), best(sums))
            return result if is_resampled or sums.ndim == 1 else numpy.full_like(result, numpy.nan)

        return [*results, self.figure("gap_ratio", ratio, n=self.total(least))]

    def claim_rate(self, mask: numpy.ndarray, among: numpy.ndarray) -> Ratio:
        return self.rate(self.table.claims.example, mask, among)

    def gold_rate(self, mask: numpy.ndarray, among: numpy.ndarray) -> Ratio:
        return self.rate(self.table.gold.example, mask, among)

    def rate(self, example: numpy.ndarray, mask: numpy.ndarray, among: numpy.ndarray) -> Ratio:
        return Ratio((self.sheet.tally(example[mask & among]),), (self.sheet.tally(example[among]),))

    def total(self, ratio: Ratio) -> int:
        return int(sum(self.sheet.columns[index].sum() for index in ratio.below))

    def included(self, ratios: Mapping[str, Ratio], by: dict[str, str]) -> list[Figure]:
        """The figures that are meaningful in the task."""
        return [self.figure(name, ratio, by) for name, ratio in ratios.items() if name not in self.excluded]

    def figure(self, name: str, formula: Formula, by: Mapping[str, str] | None = None, n: int | None = None) -> Figure:
        counted = self.total(formula) if n is None and isinstance(formula, Ratio) else n
        assert counted is not None
        return Figure(name, {**self.by, **(by or {})}, PROTOCOL, counted, formula)
