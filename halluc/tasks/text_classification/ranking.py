"""How well the probability of one label ranks the texts of each group, such as the items shown to a user.

For texts with equal probability, each figure is its expectation over a random order of them (McSherry & Najork 2008,
"Computing information retrieval performance measures efficiently in the presence of tied scores").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from halluc.core.significance import Ranked

NAMES = ("ndcg", "group_auc", "mrr", "ranked_groups")
PROTOCOL = "groups with and without the positive label"


@dataclass(frozen=True)
class _Mean:
    """The mean over groups; ``weights`` (resamples, groups) is how often each group counts."""

    values: numpy.ndarray

    def __call__(self, weights: numpy.ndarray | None) -> float | numpy.ndarray:
        if weights is None:
            return float(self.values.mean())
        return numpy.asarray(weights @ self.values / weights.sum(-1))


def rank_groups(
    groups: Sequence[str | None], relevant: Sequence[bool], scores: Sequence[float | None], k: int
) -> list[Ranked]:
    """AUC, MRR and NDCG@k of each group, averaged over the groups with both relevant and other texts.

    Args:
        groups, relevant, scores: of each text; texts without a group or a score are left out.
    """
    members: dict[str, tuple[list[bool], list[float]]] = {}
    for group, is_relevant, score in zip(groups, relevant, scores, strict=True):
        if group is not None and score is not None:
            of_relevance, of_score = members.setdefault(group, ([], []))
            of_relevance.append(is_relevant)
            of_score.append(score)
    if not members:
        return []
    mixed = [len(set(of_relevance)) == 2 for of_relevance, _ in members.values()]
    share = _means(numpy.array(mixed, dtype=float), PROTOCOL, ("ranked_groups",))
    values = [group_scores(*group, k) for group, is_mixed in zip(members.values(), mixed, strict=True) if is_mixed]
    if not values:
        return [share]
    return [_means(numpy.array(values), f"{PROTOCOL}, ranks 1 to {k}", ("group_auc", "mrr", "ndcg")), share]


def _means(values: numpy.ndarray, protocol: str, names: Sequence[str]) -> Ranked:
    columns = values.reshape(len(values), len(names)).T
    figures = tuple((name, dict[str, str](), _Mean(column)) for name, column in zip(names, columns, strict=True))
    return Ranked(protocol, numpy.arange(len(values)), figures, len(values))


def group_scores(relevant: Sequence[bool], scores: Sequence[float], k: int) -> tuple[float, float, float]:
    """AUC, reciprocal rank of the first relevant text, and NDCG@k (gain 1, discount ``1 / log2(1 + rank)``).

    Args:
        relevant: at least one text is relevant, and at least one is not.
    """
    _, tie, sizes = numpy.unique(-numpy.asarray(scores), return_inverse=True, return_counts=True)
    good = numpy.bincount(tie, numpy.asarray(relevant, dtype=float), len(sizes))
    bad, ends = sizes - good, numpy.cumsum(sizes)
    below = bad.sum() - numpy.cumsum(bad)
    auc = float((good * (below + bad / 2)).sum() / (good.sum() * bad.sum()))
    discounts = 1 / numpy.log2(numpy.arange(len(scores)) + 2) * (numpy.arange(len(scores)) < k)
    gains = numpy.add.reduceat(discounts, ends - sizes) * good / sizes
    ideal = discounts[: int(good.sum())].sum()
    first = int(numpy.flatnonzero(good)[0])
    reciprocal = _reciprocal(int(ends[first] - sizes[first]), int(sizes[first]), int(good[first]))
    return auc, reciprocal, float(gains.sum() / ideal)


def _reciprocal(above: int, size: int, good: int) -> float:
    """The expected reciprocal rank of the first of ``good`` texts among ``size`` ties, after ``above`` other texts."""
    chance, result = good / size, 0.0  # the probability that it is the first, then the second, ...
    for place in range(1, size - good + 2):
        result += chance / (above + place)
        chance *= (size - place - good + 1) / (size - place) if size > place else 0
    return result
