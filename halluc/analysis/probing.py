"""Figures of a language model's answers to cloze patterns: accuracy, consistency, and asserted facts.

Petroni et al. 2019, "Language Models as Knowledge Bases?" (precision at 1); Elazar et al. 2021, "Measuring and
Improving Consistency in Pretrained Language Models" (candidates of a relation, consistency over paraphrases).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy

from halluc.analysis.scoring import calibration_of, results
from halluc.core.claims import rounded
from halluc.core.figures import By
from halluc.core.significance import Figure, FigureSample, Mean, Ratio, Sheet, defined, difference, holm
from halluc.data.facts import Fact
from halluc.runs.probes import Mentioned, ProbeLine
from halluc.runs.schema import MetricResult
from halluc.runs.studies import Delta

PROTOCOL = "the likeliest of the relation's objects, of each fact and pattern"
PAIRS = "pairs of patterns about one fact"
# The fields of ``FactNovelty``.
_MENTIONED = ("subject", "pair")
# The least facts of a relation with seen subjects, and with new ones, to have figures by novelty.
_LEAST = 5


@dataclass(frozen=True, slots=True)
class FactNovelty:
    """Whether the training split mentions a fact's subject, and the subject with a true object in one example."""

    subject: Mentioned | None = None
    pair: Mentioned | None = None


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """An answer of a model to a pattern, as a claim; see ``ProbeLine``."""

    fact: Fact
    pattern: str
    answer: str
    confidence: float
    rank: int
    best: tuple[tuple[str, float], ...]

    @property
    def is_supported(self) -> bool:
        return self.rank == 1

    def line(self, model: str, novelty: FactNovelty) -> ProbeLine:
        fact = self.fact
        return ProbeLine(
            model=model, relation=fact.relation, line=fact.line, subject=fact.subject, pattern=self.pattern,
            objects=list(fact.objects), answer=self.answer, confidence=self.confidence,
            verdict="supported" if self.is_supported else "unsupported", rank=self.rank, best=list(self.best),
            subject_novelty=novelty.subject, pair_novelty=novelty.pair,
        )  # fmt: skip


def answer_of(
    fact: Fact, pattern: str, scores: numpy.ndarray, words: Sequence[str], true: Iterable[int], top: int
) -> ProbeAnswer:
    """The answer of a model to one pattern.

    Args:
        scores: the log-probability of each of the candidates ``words``.
        true: the indexes of those that are true objects, at least one.
        top: the number of candidates that are recorded with their confidence.
    """
    share = numpy.exp(scores - scores.max())
    share /= share.sum()
    is_true = numpy.zeros(len(words), dtype=bool)
    is_true[list(true)] = True
    # Of equal scores, a wrong candidate is first: a model that cannot distinguish them does not know the fact.
    order = numpy.lexsort((is_true, -share))
    best = tuple((words[at], rounded(float(share[at])) or 0.0) for at in order[:top])
    return ProbeAnswer(fact, pattern, *best[0], int(numpy.flatnonzero(is_true[order])[0]) + 1, best)


@dataclass
class ProbeSheet:
    """The answers of one model as counts by fact.

    ``majority`` has the most frequent object of each relation; claims with at least the confidence ``threshold`` are
    asserted.
    """

    answers: Sequence[ProbeAnswer]
    novelty: Mapping[Fact, FactNovelty]
    majority: Mapping[str, str]
    threshold: float

    @cached_property
    def sheet(self) -> Sheet:
        return Sheet(len(self.facts))

    @cached_property
    def facts(self) -> list[Fact]:
        """The facts that were asked, in order."""
        return list(dict.fromkeys(one.fact for one in self.answers))

    @cached_property
    def _fact(self) -> numpy.ndarray:
        """The number of each answer's fact, (answers,)."""
        number = {fact: at for at, fact in enumerate(self.facts)}
        return numpy.array([number[one.fact] for one in self.answers], dtype=numpy.int64)

    @cached_property
    def _slices(self) -> dict[By, numpy.ndarray]:
        """The facts of each slice, bool (facts,): all, by training mention, by relation, and by both."""
        result: dict[By, numpy.ndarray] = {(): numpy.ones(len(self.facts), dtype=bool)}
        known = [self.novelty.get(one, FactNovelty()) for one in self.facts]
        for key in _MENTIONED:
            values = numpy.array([getattr(one, key) or "" for one in known])
            result |= {((key, value),): values == value for value in ("seen", "new") if value in values}
        subjects = [by for by in result if by and by[0][0] == "subject"]
        names = numpy.array([one.relation for one in self.facts])
        for name in dict.fromkeys(names.tolist()):
            relation = (("relation", name),)
            result[relation] = names == name
            parts = {(*relation, *by): result[by] & result[relation] for by in subjects}
            if len(parts) > 1 and all(part.sum() >= _LEAST for part in parts.values()):
                result |= parts
        return result

    @cached_property
    def figures(self) -> list[Figure]:
        """Every figure of every slice, and its mean over the relations that have it."""
        return [*self._of_slices, *_means(self._of_slices)]

    @cached_property
    def _of_slices(self) -> list[Figure]:
        return [figure for by, facts in self._slices.items() for figure in self._of_slice(dict(by), facts)]

    @property
    def _defined(self) -> set[tuple[str, By]]:
        return {_key(one) for one in self._of_slices if one.n}

    def results(self) -> list[MetricResult]:
        """The figures with their intervals, from a bootstrap over facts."""
        return results(self.figures, self.sheet)

    def samples(self, other: ProbeSheet) -> dict[tuple[str, By], FigureSample]:
        """The resampled figures for a comparison with another model, without those of single relations and of the
        majority. Means are over the relations for which both models have the figure."""
        defined = other._defined
        means = _means(one for one in self._of_slices if _key(one) in defined)
        figures = [*self._of_slices, *means]
        compared = [one for one in figures if "relation" not in one.by and one.name != "probe_majority"]
        return dict(zip(map(_key, compared), self.sheet.samples([one.formula for one in compared]), strict=True))

    def _of_slice(self, by: dict[str, str], facts: numpy.ndarray) -> list[Figure]:
        inside = facts[self._fact]
        fact, count, column = self._fact[inside], int(inside.sum()), self.sheet.tally
        confidence = numpy.array([one.confidence for one in self.answers])[inside]
        right = numpy.array([one.is_supported for one in self.answers])[inside]
        asserted = confidence >= self.threshold
        claims, agreeing, pairs = column(fact), *(self.sheet.column(part * facts) for part in self._paraphrases)
        sure = column(fact[asserted])
        wrong = column(fact[asserted & ~right])
        figures = [
            Figure("probe_accuracy", by, PROTOCOL, count, Ratio((column(fact[right]),), (claims,))),
            Figure("probe_majority", by, PROTOCOL, count, Ratio((column(fact[self._majority[inside]]),), (claims,))),
            Figure("probe_consistency", by, PAIRS, int((self._paraphrases[1] * facts).sum()),
                   Ratio((agreeing,), (pairs,))),
            Figure("probe_asserted", by, PROTOCOL, count, Ratio((sure,), (claims,))),
            Figure("probe_hallucination", by, PROTOCOL, int(asserted.sum()), Ratio((wrong,), (sure,))),
        ]  # fmt: skip
        return figures if "relation" in by else [*figures, *calibration_of(confidence, right, fact, self.sheet, by)]

    @cached_property
    def _majority(self) -> numpy.ndarray:
        """Whether the most frequent object of the relation is correct, (answers,)."""
        return numpy.array([self.majority[one.fact.relation] in one.fact.objects for one in self.answers])

    @cached_property
    def _paraphrases(self) -> tuple[numpy.ndarray, numpy.ndarray]:
        """For each fact the pairs of patterns with the same answer, and all pairs, (facts,) each."""
        by_fact: list[Counter[str]] = [Counter() for _ in self.facts]
        for number, one in zip(self._fact.tolist(), self.answers, strict=True):
            by_fact[number][one.answer] += 1
        same = numpy.array([sum(n * (n - 1) // 2 for n in count.values()) for count in by_fact], dtype=float)
        counts = numpy.array([count.total() for count in by_fact], dtype=float)
        return same, counts * (counts - 1) / 2


def _means(figures: Iterable[Figure]) -> Iterator[Figure]:
    """The mean over relations, with equal weights (as ParaRel reports them).

    For seen and new subjects it is over the relations that have the figure for both, so that they can be compared.
    """
    by_relation: dict[tuple[str, str], dict[str, Figure]] = {}
    for one in figures:
        if "relation" in one.by and one.n:
            by_relation.setdefault((one.name, one.by.get("subject", "")), {})[one.by["relation"]] = one
    for (name, subject), of in by_relation.items():
        other = {"seen": "new", "new": "seen"}.get(subject)
        kept = [one for relation, one in of.items() if other is None or relation in by_relation.get((name, other), {})]
        by = {"average": "macro", "subject": subject} if subject else {"average": "macro"}
        if kept:
            yield Figure(
                name, by, kept[0].protocol, len(kept), Mean(tuple(one.formula for one in kept), of_defined=True)
            )


def _key(figure: Figure) -> tuple[str, By]:
    return figure.name, tuple(figure.by.items())


def differences(base: ProbeSheet, other: ProbeSheet) -> list[Delta]:
    """The figures of ``other`` minus those of ``base``, paired by fact; p is adjusted over all of them (Holm).

    Empty if the facts or patterns are not the same.
    """
    if [(one.fact, one.pattern) for one in base.answers] != [(one.fact, one.pattern) for one in other.answers]:
        return []
    a, b = base.samples(other), other.samples(base)
    result = [(key, difference(b[key], a[key])) for key in a if key in b]
    adjusted = holm([one.p for _, one in result])
    return [
        Delta(name=name, by=dict(by), a=defined(a[name, by].value), b=defined(b[name, by].value),
              difference=one.value, interval=one.interval, p=one.p, p_holm=p)
        for ((name, by), one), p in zip(result, adjusted, strict=True)
    ]  # fmt: skip
