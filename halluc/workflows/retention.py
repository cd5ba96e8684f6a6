"""``keep_models`` of a study: removes models of evaluated cells."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence

from halluc.config.matrix import Cell, Study
from halluc.core.errors import HallucError
from halluc.core.files import recover, temporary_path, unwritable
from halluc.core.messages import say, tell
from halluc.runs.directory import RunDir
from halluc.workflows import evaluation, run_locations


def apply(study: Study, cells: Sequence[Cell]) -> None:
    """Remove the models that the study does not keep; ``cells`` are the cells of this command.

    With ``none`` the models of evaluated cells are removed. With ``best``, once every cell of the study is evaluated,
    all models are removed except that of the cell that is best on dev. Cells that another process is writing are
    skipped, and so are cells that another cell names, for example as a teacher or a member of an ensemble.

    Raises:
        HallucError E401: a model cannot be removed.
    """
    if study.keep_models == "none":
        removed = [remove_model(run, "none") for run in _unreferenced_runs(study, map(evaluated_run, cells))]
    elif study.keep_models == "best" and (best := _best(study)) is not None:
        others = [run for cell in study.cells if (run := run_locations.run_of(cell)) != best]
        removed = [remove_model(run, "best") for run in _unreferenced_runs(study, others)]
        if best.model.is_dir() and any(removed):
            tell(f"best on dev: {best.path}")
    else:
        return
    if any(removed):
        tell(f"`keep_models: {study.keep_models}`: {sum(removed)} of {len(study.cells)} models are removed")


def _unreferenced_runs(study: Study, runs: Iterable[RunDir | None]) -> Iterator[RunDir]:
    """The runs that no other cell of the study names; for the others a message says that their models stay."""
    for run in runs:
        if run is not None and run.path.name in study.named_cells:
            tell(f"`keep_models: {study.keep_models}`: the model of {run.path} is kept, because another cell uses it")
        elif run is not None:
            yield run


def evaluated_run(cell: Cell) -> RunDir | None:
    """The run of a cell that is trained and evaluated with its current config, else None."""
    run = run_locations.run_of(cell)
    try:
        return run if evaluation.is_evaluated(cell.loaded, run, None) else None
    except HallucError:
        return None  # damaged: reported when its cell was run


def _best(study: Study) -> RunDir | None:
    """The run of the cell that is best on dev, the first of equal ones; None if it is not known (yet)."""
    runs = [run for cell in study.cells if (run := evaluated_run(cell)) is not None]
    if len(runs) < len(study.cells):
        return None
    chosen = [run.read().best or {} for run in runs]
    figures = {str(best.get("chosen_by")) for best in chosen}
    values = [best["dev"][figure] for best in chosen for figure in figures if figure in best.get("dev", {})]
    if len(figures) != 1 or len(values) != len(runs):
        _report_all_kept(
            f"the checkpoints of the cells were selected by different dev figures ({', '.join(sorted(figures))})"
        )
        return None
    best = runs[values.index(max(values))]
    if not best.model.is_dir():
        _report_all_kept(f"the best cell is {best.path.name}, but its model was removed")
        return None
    return best


def _report_all_kept(why: str) -> None:
    say(f"`keep_models: best`: {why}, so no model is removed", style="yellow")


def remove_model(run: RunDir, why: str) -> bool:
    """Remove the model of a run, and record it; False if there is none, or another process writes the run."""
    if not run.model.is_dir() and not any(run.path.glob(f".{run.model.name}.*.tmp")):
        return False
    try:
        with run.locked():
            recover(run.path)  # a killed process may have left an incomplete model
            if not run.model.is_dir():  # another process has removed it
                return False
            record = run.read()
            record.model_removed = why
            run.write(record)
            aside = temporary_path(run.model)
            run.model.rename(aside)  # atomically: a model is complete or absent
            shutil.rmtree(aside)
    except OSError as error:
        raise unwritable(run.model, error) from error
    except HallucError as error:
        if error.code != "R103":
            raise
        return False
    return True
