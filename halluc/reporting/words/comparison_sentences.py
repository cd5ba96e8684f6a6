"""What runs say beside a first one, and which to deploy: of these checkpoints, not of the recipes behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import NamedTuple

from halluc.core.figures import HALLUCINATION, MATCHED, figure
from halluc.runs.studies import LEAST_SEEDS, SURE, Comparison, Interval
from halluc.wording import formats
from halluc.wording.phrases import NAMED, listed, quoted, sentence, signed

MOST_NAMED = 3  # runs with a sentence of their own


class _Stated(NamedTuple):
    """A difference, with its p adjusted for all figures."""

    value: float
    interval: Interval | None
    p: float | None

    @property
    def sign(self) -> int:
        """1 or -1 where it is shown, else 0."""
        return (self.value > 0) - (self.value < 0) if self.p is not None and self.p < SURE else 0

    @property
    def verdict(self) -> str:
        if self.sign or self.interval is None:
            return {1: "higher", -1: "lower", 0: "undecided"}[self.sign]
        is_around = self.interval[0] <= 0 <= self.interval[1]
        return f"undecided{': the interval contains 0' if is_around else ' after adjustment'}"


def comparison_sentences(comparisons: Sequence[Comparison]) -> list[str]:
    """What checkpoints say beside the first one, and which to deploy."""
    if not comparisons:
        return []
    first, *names = map(quoted, _short([comparisons[0].a, *(one.b for one in comparisons)]))
    others = dict(zip(names, comparisons, strict=True))
    split = comparisons[0].split
    chosen = " Dev also chose the checkpoints, so its figures are slightly optimistic." if split == "dev" else ""
    method = (
        f"Only one checkpoint of each recipe is compared: which recipe is better takes at least {LEAST_SEEDS} seeds of "
        f"each. p is adjusted for all figures compared (Holm).{chosen}"
    )
    told = [_of_run(name, first, one) for name, one in list(others.items())[:MOST_NAMED]]
    return [*told, *_training(others), method, _recommendation(first, others)]


def _of_run(name: str, first: str, one: Comparison) -> str:
    parts = [f"{NAMED[n]} {signed(n, d.value, d.interval)}, {d.verdict}" for n, d in _stated(one).items()]
    return sentence(f"{name} against {first} on {one.split}: {'; '.join(parts) or 'no figure is defined in both'}")


def _stated(one: Comparison) -> dict[str, _Stated]:
    """The differences that sentences name."""
    found = {delta.name: delta for delta in one.figures if not delta.by}
    both = {**found, MATCHED: one.matched_omission}
    return {
        name: _Stated(delta.difference, delta.interval, delta.p_holm)
        for name in NAMED
        if (delta := both.get(name)) is not None and delta.difference is not None
    }


def _training(others: Mapping[str, Comparison]) -> list[str]:
    parts = [
        f"{name} in {listed(f'{d.what} ({d.b} against {d.a})' for d in one.training_differences)}"
        for name, one in others.items()
        if one.training_differences
    ]
    return [sentence(f"training also differs: {'; '.join(parts)}")] if parts else []


def _recommendation(first: str, others: Mapping[str, Comparison]) -> str:
    """``Deploy “b”.`` where it is better in hallucination at matched omission or in F1, and worse in neither."""
    ranks = {name: _rank(_stated(one)) for name, one in others.items()}
    better = [name for name, rank in ranks.items() if rank == {1}]
    if len(better) == 1:
        return f"Recommendation: deploy {better[0]}."
    if better:
        return f"Recommendation: deploy {listed(better, 'or')}: each is better than {first}; compare them to choose."
    if all(rank == {-1} for rank in ranks.values()):
        return f"Recommendation: deploy {first}."
    if any(rank == {1, -1} for rank in ranks.values()):
        return "Recommendation: undecided: a run that is better in one of hallucination and F1 is worse in the other."
    return "Recommendation: undecided: no improvement is shown, neither in hallucination nor in F1."


def _rank(known: Mapping[str, _Stated]) -> set[int]:
    """1 where something is shown to be better, -1 where worse."""
    rate = MATCHED if MATCHED in known else HALLUCINATION
    signs = {name: 1 if figure(name).better == "higher" else -1 for name in known}
    return {one.sign * signs[name] for name, one in known.items() if one.sign and (name == rate or signs[name] == 1)}


def _short(runs: Sequence[str]) -> list[str]:
    """The last folders of their paths: cells of one study by themselves, else a name and its time."""
    paths = [PurePath(run) for run in runs]
    parts = 1 if len({path.parent for path in paths}) == 1 else 2
    return [formats.visible("/".join(path.parts[-parts:])) for path in paths]
