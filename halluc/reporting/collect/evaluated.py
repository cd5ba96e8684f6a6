"""The evaluations of a report, with the names that the report uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halluc.core.errors import HallucError
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.figure_lines import NamedEvaluation
from halluc.runs.studies import Plain

SEED = "seed"


def of_runs(runs: Sequence[RunDir], names: Sequence[str], split: str) -> list[NamedEvaluation]:
    """One run, or several that are compared."""
    return [
        NamedEvaluation(name, {}, run.read().seeds.get("seed"), evaluations.read(run, split))
        for run, name in zip(runs, names, strict=True)
    ]


def of_cells(cells: Sequence[tuple[str, Mapping[str, Plain], RunDir]], split: str) -> list[NamedEvaluation]:
    """The cells of a study, without those that its report lists as missing."""
    results = []
    for slug, choice, run in cells:
        try:
            file = evaluations.read(run, split)
        except HallucError:
            continue  # its report says why
        arm = {axis: value for axis, value in choice.items() if axis != SEED}
        results.append(NamedEvaluation(slug, arm, choice.get(SEED), file))
    return results
