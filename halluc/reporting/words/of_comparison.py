"""What runs say beside a first one, and which to deploy: of these checkpoints, not of the recipes behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from halluc.core.figures import HALLUCINATION, MATCHED, figure
from halluc.reporting.words.differences import MOST_NAMED, NAMED, WORD, Stated
from halluc.runs.studies import LEAST_SEEDS, SURE, Comparison, Interval, TrainingDifference
from halluc.wording import formats
from halluc.wording.phrases import listed, quoted, sentence


def of_comparison(comparisons: Sequence[Comparison]) -> list[str]:
    """What checkpoints say beside the first one, and which to deploy."""
    if not comparisons:
        return []
    first, *others = map(quoted, _short([comparisons[0].a, *(one.b for one in comparisons)]))
    told = [_of_run(name, first, one) for name, one in list(zip(others, comparisons, strict=True))[:MOST_NAMED]]
    training = _training_of_runs(others, comparisons)
    split = comparisons[0].split
    chosen = " Dev also chose the checkpoints, so that its figures are a little too good." if split == "dev" else ""
    method = (
        f"These are checkpoints, one of each recipe: which recipe is better takes {LEAST_SEEDS} seeds of each at least."
        f" p is adjusted for all figures compared (Holm).{chosen}"
    )
    return [*told, *training, method, _recommendation(first, others, comparisons)]


def _of_run(name: str, first: str, one: Comparison) -> str:
    known = _stated_of_run(one)
    if not known:
        return sentence(f"no figure of {name} can be compared with {first}")
    parts = [f"{NAMED[stated.name]} {stated.told}, {_verdict(stated)}" for stated in known.values()]
    return sentence(f"{name} less {first} on {one.split}: {'; '.join(parts)}")


def _verdict(one: Stated) -> str:
    if one.sign or one.interval is None:
        return WORD[one.sign]
    low, high = one.interval
    return "undecided: the interval contains 0" if low <= 0 <= high else "undecided after adjustment"


def _stated_of_run(one: Comparison) -> dict[str, Stated]:
    """The differences that sentences name."""
    deltas = {delta.name: delta for delta in one.figures if not delta.by}
    found = {name: _with_p(name, d.difference, d.interval, d.p_holm) for name, d in deltas.items() if name in NAMED}
    at = one.matched_omission
    if at is not None:
        found[MATCHED] = _with_p(MATCHED, at.difference, at.interval, at.p_holm)
    return {name: stated for name in NAMED if (stated := found.get(name)) is not None}


def _with_p(name: str, value: float | None, interval: Interval | None, p: float | None) -> Stated | None:
    if value is None:
        return None
    return Stated(name, value, interval, (value > 0) - (value < 0) if p is not None and p < SURE else 0)


def _training_of_runs(others: Sequence[str], comparisons: Sequence[Comparison]) -> list[str]:
    parts = [
        f"{name} in {listed(_difference(one) for one in found.training_differences)}"
        for name, found in zip(others, comparisons, strict=True)
        if found.training_differences
    ]
    return [f"The trainings also differ: {'; '.join(parts)}."] if parts else []


def _difference(one: TrainingDifference) -> str:
    return f"{one.what} ({one.b} against {one.a})"


def _recommendation(first: str, others: Sequence[str], comparisons: Sequence[Comparison]) -> str:
    """``Deploy “b”.`` where it is better in hallucination at matched omission or in F1, and worse in neither."""
    ranks = {name: _rank(_stated_of_run(one)) for name, one in zip(others, comparisons, strict=True)}
    better = [name for name, rank in ranks.items() if rank == {1}]
    if len(better) == 1:
        return f"Recommendation: deploy {better[0]}."
    if better:
        return f"Recommendation: deploy {listed(better, 'or')}: each is better than {first}; compare them to choose."
    if all(rank == {-1} for rank in ranks.values()):
        return f"Recommendation: deploy {first}."
    if any(rank == {1, -1} for rank in ranks.values()):
        return "Recommendation: undecided: what is better in one of hallucination and F1 is worse in the other."
    return "Recommendation: undecided: neither in hallucination at matched omission nor in F1 can a gain be shown."


def _rank(known: Mapping[str, Stated]) -> set[int]:
    """1 where something is shown to be better, -1 where worse."""
    rate = MATCHED if MATCHED in known else HALLUCINATION
    signs = {name: 1 if figure(name).better == "higher" else -1 for name in known}
    return {one.sign * signs[name] for name, one in known.items() if one.sign and (name == rate or signs[name] == 1)}


def _short(runs: Sequence[str]) -> list[str]:
    """The last folders of their paths: cells of one study by themselves, else a name and its time."""
    paths = [PurePath(run) for run in runs]
    parts = 1 if len({path.parent for path in paths}) == 1 else 2
    return [formats.visible("/".join(path.parts[-parts:])) for path in paths]
