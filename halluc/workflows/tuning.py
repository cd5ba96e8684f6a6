"""Tuning: each trial is a separate run, evaluated on dev; test is never read."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from halluc.analysis import scoring
from halluc.components import TABLE
from halluc.config.evaluation import BoundsConfig
from halluc.config.hashing import sha256_of_tree
from halluc.config.rendering import plain
from halluc.config.search_space import SearchSpace, load_space
from halluc.config.tuning import Direction
from halluc.core import figures
from halluc.core.errors import HallucError, did_you_mean, require_package
from halluc.core.messages import Level, conclude, hears, listener, listening, say, tell, without_results
from halluc.data.rows.references import SplitName
from halluc.runs import evaluations, matrix, provenance
from halluc.runs.directory import RunDir
from halluc.runs.events import Evaluated, Event
from halluc.runs.schema import EvalFile
from halluc.runs.tuning import TuneFile
from halluc.task import AnyTask
from halluc.wording import formats
from halluc.wording.nouns import FigureLookup
from halluc.workflows import cells, evaluation, run_locations, training, tuning_results
from halluc.workflows.job import Job
from halluc.workflows.tuning_trials import CONFIG, ERROR, FIGURES, SAME_AS, Trials, TuningPlan

if TYPE_CHECKING:
    import optuna

SPLIT: SplitName = "dev"
_READ: tuple[SplitName, ...] = ("train", SPLIT)
# Errors of a run that cannot be resumed: damaged, without its best weights, or of another config.
_LOST = ("R101", "R102", "R107", "R119")


class Pruned(KeyboardInterrupt):
    """The pruner stops a trial: its training ends like an interrupted one."""


# Runs the trials with these numbers outside of this process.
Spread = Callable[[Trials, Sequence[int]], None]


def tune(
    config: Path, overrides: Sequence[str] = (), *, fresh: bool = False, spread: Spread | None = None
) -> TuneFile:  # fmt: skip
    """Run the remaining trials, then write ``tune.json``, the best config and the report.

    Args:
        spread: runs the trials of a batch, if they do not run here.

    Raises:
        HallucError or ManyErrors: the config or a trial's run is invalid. KeyboardInterrupt: Ctrl-C; finished trials
            are kept and reported.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        help = "start `halluc tune` several times instead: the processes share the trials"
        raise HallucError("C011", "`halluc tune` does not run under torchrun", help=help)
    trials = _open_trials(config, overrides, fresh)
    again = tuning_results.command(config, overrides)
    try:
        if spread is None:
            _run_all(trials, overrides)
        else:
            _spread_all(trials, spread)
    except KeyboardInterrupt:
        if any(one.state.is_finished() for one in trials.all()):
            tuning_results.conclude(trials, again)
        say(f"interrupted: finished trials are kept; the same command continues: {again}")
        raise
    return tuning_results.conclude(trials, again)


def run_trial(config: Path, overrides: Sequence[str], number: int) -> None:
    """Run only the trial with this number, which another process has chosen, unless it has ended.

    Raises:
        HallucError C011: there is no such trial. R103: another process runs it. Others: as ``tune``.
    """
    trials = _open_trials(config, overrides, fresh=False)
    if number >= len(trials.all()):
        raise HallucError("C011", f"--trial {number} has not been chosen", help="leave it out")
    with trials.next(number) as chosen:
        if chosen is not None:
            with without_results():
                _run_one(trials, *chosen, overrides)
        elif not trials.is_finished(number):
            raise HallucError("R103", f"another process runs {tuning_results.slug(number)}", help="wait until it ends")


def _open_trials(config: Path, overrides: Sequence[str], fresh: bool) -> Trials:
    require_package("optuna", "`halluc tune`", "tune")
    space = load_space(config, overrides, table=TABLE)
    plan = plan_of(space)
    home = space.of_trial({}).home
    if fresh and (aside := matrix.set_aside(home)) is not None:
        say(f"the old trials were moved to {aside}")
    return Trials(home, space, plan)


def _has_time(trials: Trials) -> Callable[[], bool]:
    began, most = time.monotonic(), trials.tune.timeout

    def has_time() -> bool:
        if most is not None and time.monotonic() - began >= most:
            conclude(f"timeout: no further trial was started after {formats.seconds(most)}")
            return False
        return True

    return has_time


def _spread_all(trials: Trials, spread: Spread) -> None:
    has_time = _has_time(trials)
    while has_time() and (numbers := trials.next_batch()):
        spread(trials, numbers)
        for one in (trials.all()[number] for number in numbers):
            text = one.user_attrs.get(ERROR) or ", ".join(
                f"{name} {formats.value(name, value)}" for name, value in one.user_attrs.get(FIGURES, {}).items()
            )
            head = f"[{one.number + 1}/{trials.tune.trials}] {tuning_results.slug(one.number)}"
            tell(f"{head}: {_format_values(trials.values(one))}: {text or one.state.name.lower()}")
        tuning_results.retain(trials)


def _run_all(trials: Trials, overrides: Sequence[str]) -> None:
    warned, total, has_time = set[str](), trials.tune.trials, _has_time(trials)
    while has_time():
        with trials.next() as chosen:
            if chosen is None:
                return
            trial, values = chosen
            head = f"[{trial.number + 1}/{total}] {tuning_results.slug(trial.number)}"
            tell(f"{head}: {_format_values(values)}", style="bold")
            with listening(listener() if hears(Level.VERBOSE) else cells.Brief(listener(), head, warned)):
                outcome = _run_one(trials, trial, values, overrides)
            tell(f"{head}: {outcome}")
            tuning_results.retain(trials)


def _format_values(values: dict[str, Any]) -> str:
    return ", ".join(f"{name}={plain(value)}" for name, value in values.items()) or "the config itself"


def _pruner(trials: Trials, trial: optuna.Trial, every: int | None) -> Callable[[Event], None]:
    """Listens to the training of a trial, evaluated ``every`` so many steps, and ends it if the pruner decides so."""

    def listen(event: Event) -> None:
        if isinstance(event, Evaluated):
            # Trials with different batch sizes are compared at the same evaluation, not at the same step.
            number = event.epoch if every is None else math.ceil(event.step / every)
            if trials.should_stop(trial, event.metrics[trials.plan.metrics[0]], number):
                raise Pruned

    return listen


def _run_one(trials: Trials, trial: optuna.Trial, values: dict[str, Any], overrides: Sequence[str]) -> str:
    """Train and evaluate a trial, and record the result; returns a short summary."""
    run = RunDir(trials.home / tuning_results.slug(trial.number))
    try:
        loaded = trials.space.of_trial(values)
        digest = sha256_of_tree(loaded.tree)
        equal = next((one for one in trials.all() if one.values is not None and _is_equal(one, digest)), None)
        if equal is not None and equal.number != trial.number:
            trials.note(trial, **{SAME_AS: equal.number, FIGURES: equal.user_attrs[FIGURES]})
            return f"as trial {equal.number}: {_complete(trials, trial, equal.user_attrs[FIGURES])}"
        job = Job(loaded, tuning_results.slug(trial.number))
        if trials.tune.pruner != "none":
            job.listeners = (_pruner(trials, trial, loaded.experiment.train.evaluate_steps),)
        file = _evaluate_trial(job, run, overrides)
        wanted = {*trials.plan.metrics, *trials.tune.constraints}
        result = FigureLookup(file.metrics)
        trials.note(trial, **{CONFIG: digest, FIGURES: {name: result.value(name) for name in wanted}})
        return _complete(trials, trial, {name: result.value(name) for name in wanted})
    except Pruned:
        trials.record_pruned(trial)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
        return "pruned"
    except HallucError as error:
        # Trial 0 must be the config itself: it is not replaced, and its config cannot be wrong by chance.
        lost = error.code in _LOST and trial.number > 0
        if not lost and not error.code.startswith("T" if trial.number == 0 else ("T", "C")):
            raise
        trials.record_failure(trial, error, replaced=lost)
        shutil.rmtree(run.checkpoints, ignore_errors=True)
        return f"failed: {error.code}: {error.message}" + (" (replaced)" if lost else "")


def _is_equal(one: optuna.trial.FrozenTrial, digest: str) -> bool:
    return one.state.name == "COMPLETE" and one.user_attrs.get(CONFIG) == digest and bool(one.user_attrs.get(FIGURES))


def _evaluate_trial(job: Job, run: RunDir, overrides: Sequence[str]) -> EvalFile:
    """The evaluation of a trial on dev, trained if necessary."""
    training.train_job(job, overrides, resume=True)
    job.run = run_locations.run_of(job)
    if not evaluation.is_done(job.loaded, run, (SPLIT,)):
        evaluation.evaluate_job(job, overrides, (SPLIT,))
    return evaluations.read(run, SPLIT)


def _complete(trials: Trials, trial: optuna.Trial, values: dict[str, float | None]) -> str:
    """
    Raises:
        HallucError T104: a metric is undefined.
    """
    undefined = [name for name in trials.plan.metrics if values[name] is None]
    if undefined:
        message = f"`{undefined[0]}` is undefined on dev, because its denominator is 0"
        raise HallucError("T104", message, help="choose another `tune.metric`")
    bounds = trials.tune.constraints
    violations = {name: violation(one, values[name]) for name, one in bounds.items()}
    trials.complete(trial, [values[name] for name in trials.plan.metrics], violations)  # type: ignore[misc]
    broken = [name for name, over in violations.items() if over > 0]
    text = ", ".join(f"{name} {formats.value(name, values[name])}" for name in values)
    return f"dev {text}" + (f"; violates the constraint on {', '.join(broken)}" if broken else "")


def violation(bounds: BoundsConfig, value: float | None) -> float:
    """The distance of a figure from its bounds: 0 or less if it satisfies them; 1 if it is undefined."""
    if value is None:
        return 1.0
    low, high = bounds.min, bounds.max
    return max(-math.inf if low is None else low - value, -math.inf if high is None else value - high)


def plan_of(space: SearchSpace) -> TuningPlan:
    """The common plan of the trials, validated.

    Raises:
        HallucError C107: there is no dev split. C103: a figure that the task does not have, or without a better
            direction. D101: a file of the corpus is missing.
    """
    experiment, tune = space.whole.experiment, space.tune
    where = space.whole.origins
    if experiment.data.reference(SPLIT) is None:
        help = "set a dev split, or hold one out of train with `data.dev_share`; nothing may be chosen on test"
        raise HallucError("C107", "`halluc tune` needs `data.dev` to evaluate trials", help=help)
    job = Job(space.whole)
    metrics = tune.metrics or [job.choose_by]
    for name in metrics:
        _refuse_unknown(job.task, name, "tune.metric", where.get(("tune", "metric")))
    for name in tune.constraints:
        _refuse_unknown(job.task, name, f"tune.constraints.{name}", where.get(("tune", "constraints", name, "max")))
    trained = [name for family in job.task.figures.families for name in family]
    if tune.pruner != "none" and metrics[0] not in trained:
        message = f"`tune.pruner` cannot stop trials by `{metrics[0]}`, which training does not compute"
        help = f"choose one of {', '.join(trained)} as `tune.metric`, or set `pruner: none`"
        raise HallucError("C103", message, where.get(("tune", "pruner")), help)
    directions = list(tune.directions) or [_direction(space, name) for name in metrics]
    # May change between two calls: how many trials in all and at once, the time limit, and what stays on disk.
    free = {"trials", "timeout", "keep_models", "batch"}
    content: dict[str, Any] = {
        "tune": {key: value for key, value in space.whole.tree["tune"].items() if key not in free},
        "metrics": metrics, "directions": directions, **space.of_trial({}).model_sections,
        "eval": space.whole.tree["eval"], "files": provenance.input_hashes(experiment.data.paths(_READ)),
    }  # fmt: skip
    return TuningPlan(metrics, directions, content)


def _refuse_unknown(task: AnyTask, name: str, key: str, place: Any) -> None:
    known = scoring.names(task)
    if name in known:
        return
    near = task.figures.named.get(name) or did_you_mean(name, known)
    help = f"did you mean `{near}`?" if near else f"one of {', '.join(known)}"
    raise HallucError("C103", f"`{key}`: {task.name} has no figure `{name}`", place, help)


def _direction(space: SearchSpace, name: str) -> Direction:
    better = figures.figure(name).better
    if better == "none":
        where = space.whole.origins.get(("tune", "metric"))
        help = "set `tune.direction: maximize` or `minimize`"
        raise HallucError("C103", f"`{name}` has no better direction", where, help)
    return "maximize" if better == "higher" else "minimize"
