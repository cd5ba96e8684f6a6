"""``halluc report``: what runs say, read from their files: one run, runs against the first, or a study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halluc.commands import comparison, experiment, measured, standing, study, studytable, summary
from halluc.commands.study import Place
from halluc.commands.terminal import put_json, say
from halluc.components import TABLE
from halluc.config.matrix import load_study
from halluc.core.errors import HallucError
from halluc.core.files import write_json
from halluc.runs import directory, matrix
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.schema import EvalFile

STUDY_FIGURES = "study.json"


def run(
    targets: Sequence[Path],
    overrides: Sequence[str],
    *,
    split: str | None,
    as_json: bool,
    reference: str | None = None,
) -> None:
    """Report on each target: a run directory, a config, or the folder of a study.

    Args:
        reference: the arm of a study that the others are compared with; None: the first.

    Raises:
        HallucError C011: a study beside other targets. C015: no study, or no such arm in it, for a reference. R1…: a
        run that is not evaluated, or is damaged.
    """
    places = [_study(target, overrides) for target in targets]
    if len(targets) == 1 and places[0] is not None:
        name, home, cells = places[0]
        show_study(name, home, cells, split=split, as_json=as_json, reference=reference)
        return
    if any(place is not None for place in places):
        raise HallucError("C011", "a study is reported by itself", help="halluc report STUDY, or halluc report RUN RUN")
    if reference is not None:
        raise HallucError("C015", "a reference is an arm of a study", help="runs are compared with the first one named")
    runs = [_run(target, overrides) for target in targets]
    if len(runs) == 1:
        _show_run(runs[0], split, as_json)
    else:
        _show_comparisons(runs, split, as_json)


def _study(target: Path, overrides: Sequence[str]) -> tuple[str, Path, list[Place]] | None:
    """The cells of a study that a target names; None where it names something else."""
    if target.is_dir():
        known = None if (target / RUN_FILE).is_file() else matrix.read(target)
        if known is None:
            return None
        cells = [Place(cell.slug, cell.choice, RunDir(target / cell.slug)) for cell in known.cells]
        return known.name, target, cells
    if target.suffix not in (".yaml", ".yml"):
        return None
    found = load_study(target, overrides, table=TABLE)
    if not found.axes:
        return None
    cells = [Place(str(cell.slug), cell.choice, experiment.run_of(cell)) for cell in found.cells]
    return found.name, found.home, cells


def show_study(
    name: str, home: Path, places: Sequence[Place], *, split: str | None, as_json: bool, reference: str | None = None
) -> None:
    """Count a study anew, keep it as ``study.json`` beside its cells, and show it."""
    found = study.figures(name, places, split, reference)
    write_json(home / STUDY_FIGURES, found.model_dump(mode="json"))
    if as_json:
        put_json(found.model_dump(mode="json"))
    else:
        studytable.show(found)
        say(f"study: {home / STUDY_FIGURES}")


def _run(target: Path, overrides: Sequence[str]) -> RunDir:
    """A run named outright, or the newest evaluated one of a config."""
    if target.suffix not in (".yaml", ".yml") or target.is_dir():
        return directory.open_run(target)
    loaded = experiment.load(target, overrides)
    runs_dir, name = Path(loaded.experiment.runs_dir), loaded.experiment.name
    found = directory.newest(runs_dir, name, loaded.sha256, lambda run: any(run.path.glob("eval/*.json")))
    if found is None:
        help = f"train and evaluate it first: halluc run {target}"
        raise HallucError("R112", f"{runs_dir / name} has no evaluated run of this config", help=help)
    return found


def _show_run(run: RunDir, split: str | None, as_json: bool) -> None:
    splits = [split] if split else [s for s in measured.PREFERRED[::-1] if run.evaluation(s).is_file()]
    if not splits:
        raise HallucError("R112", f"{run.path} is not evaluated", help=f"halluc eval --run {run.path}")
    files: list[EvalFile] = [standing.evaluation(run, one) for one in splits]
    for file in files:
        if as_json:
            put_json(file.model_dump(mode="json"))
        else:
            say()
            summary.show(file)
    if not as_json:
        say(f"run: {run.path}")


def _show_comparisons(runs: Sequence[RunDir], split: str | None, as_json: bool) -> None:
    """Each further run against the first."""
    common = measured.common_split(runs, split)
    first, *others = (measured.read(run, common) for run in runs)
    for other in others:
        found = comparison.compare(first, other)
        if as_json:
            put_json(found.model_dump(mode="json"))
        else:
            comparison.show(found)
            say()
