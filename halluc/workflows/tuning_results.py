"""The results of a tuning: the best configs, their comparison with the base config, ``tune.json`` and the report."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from halluc.analysis import comparison, run_figures
from halluc.config.rendering import annotated
from halluc.core import locks
from halluc.core.characters import printable_line
from halluc.core.errors import HallucError
from halluc.core.files import replace_folder, write_json, write_text
from halluc.core.messages import conclude as say_outcome
from halluc.core.messages import put, warn
from halluc.reporting.words import tune_sentences
from halluc.runs.directory import RunDir
from halluc.runs.studies import Delta
from halluc.runs.tuning import TUNE_FILE, BestTrial, TrialState, TuneFile, TuneTrial
from halluc.workflows import retention
from halluc.workflows.tuning_trials import ERROR, FIGURES, REPLACED, SAME_AS, Trials

if TYPE_CHECKING:
    import optuna

SPLIT = "dev"
_STATES: dict[str, TrialState] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def slug(number: int) -> str:
    """The folder of a trial; its `=` distinguishes it from runs of the same name."""
    return f"trial={number}"


def command(config: Path, overrides: Sequence[str]) -> str:
    return shlex.join(["halluc", "tune", str(config), *(part for one in overrides for part in ("--set", one))])


def retain(trials: Trials) -> None:
    """Remove the models of finished trials that ``tune.keep_models`` does not keep."""
    keep = trials.tune.keep_models
    if keep == "all":
        return
    # listed before the best trials: a trial that another process finishes in between may become the best
    known = trials.all()
    best = {_run_of(one) for one in trials.best()} if keep == "best" else set()
    for one in known:
        run = RunDir(trials.home / slug(one.number))
        if one.state.name == "COMPLETE" and run.path.name not in best and run.model.is_dir():
            retention.remove_model(run, keep)


def _run_of(one: optuna.trial.FrozenTrial) -> str:
    return slug(one.user_attrs.get(SAME_AS, one.number))


def conclude(trials: Trials, again: str) -> TuneFile:
    """Write the best config, ``tune.json`` and the report, and print the result.

    Processes that end at the same time do this one after the other, so that the last one has all trials.

    Raises:
        HallucError E401: a file cannot be written.
    """
    with locks.locked(trials.home / ".report.lock", trials.home, waits=True):
        result = _results(trials, again)
        write_json(trials.home / TUNE_FILE, result.model_dump(mode="json"))
        # Their libraries take time to import.
        from halluc.reporting.markdown.pages import fit_to_size
        from halluc.reporting.page.tune import page

        folder = trials.home / "report"
        write_text(folder / "index.html", page(result))
        write_text(folder / "report.md", fit_to_size("tune.md.j2", result))
    put(result)
    for sentence in result.conclusion:
        say_outcome(sentence)
    for one in result.best:
        say_outcome(f"config: {one.config}")
    say_outcome(f"report: {folder / 'index.html'}")
    return result


def _results(trials: Trials, again: str) -> TuneFile:
    import optuna

    all_of, experiment, tune = trials.all(), trials.space.whole.experiment, trials.tune
    counted = [_trial(trials, one) for one in all_of if REPLACED not in one.user_attrs]
    best = _best(trials)
    examples, differences = _compare_trials(trials, [one for one in best if one.number])
    result = TuneFile(
        name=experiment.name,
        task=experiment.task.type,
        path=str(trials.home),
        optuna=optuna.__version__,
        sampler=tune.sampler,
        pruner=tune.pruner,
        seed=experiment.seed,
        metrics=trials.plan.metrics,
        directions=[*trials.plan.directions],
        constraints={name: one.model_dump() for name, one in tune.constraints.items()},
        space=trials.space.whole.tree["tune"]["space"],
        examples=examples,
        wanted=tune.trials,
        replaced=len(all_of) - len(counted),
        trials=counted,
        best=[
            BestTrial(number=one.number, config=path, differences=differences.get(one.number, []))
            for one, path in zip(best, _write_configs(trials, best), strict=True)
        ],
        importances=trials.importances(),
        conclusion=[],
        reproduce=[again],
    )
    return result.model_copy(update={"conclusion": tune_sentences.conclusion(result)})


def _trial(trials: Trials, one: optuna.trial.FrozenTrial) -> TuneTrial:
    figures: Mapping[str, float | None] = one.user_attrs.get(FIGURES, {})
    run = RunDir(trials.home / _run_of(one))
    try:
        seconds = run.read().seconds
    except HallucError:
        seconds = None  # no run was created, or it is damaged: the journal has the figures
    state = _STATES.get(one.state.name, "running")
    # Optuna gives a pruned trial its last value.
    is_done = state in ("complete", "pruned") and one.values is not None
    return TuneTrial(
        number=one.number,
        state=state,
        params=trials.values(one),
        values=list(one.values) if is_done else None,
        constraints={name: figures.get(name) for name in trials.tune.constraints} if state == "complete" else {},
        feasible=all(over <= 0 for over in one.constraints.values()),
        evaluations=len(one.intermediate_values),
        seconds=seconds,
        run=run.path.name,
        same_as=one.user_attrs.get(SAME_AS),
        error=one.user_attrs.get(ERROR),
    )


def _best(trials: Trials) -> list[optuna.trial.FrozenTrial]:
    """The best trials; of several with the same config the first."""
    results: dict[str, optuna.trial.FrozenTrial] = {}
    for one in trials.best():
        results.setdefault(_run_of(one), one)
    return list(results.values())


def _write_configs(trials: Trials, best: Sequence[optuna.trial.FrozenTrial]) -> list[str]:
    """Write each best config: ``best.yaml``, or with two metrics one for each point of the Pareto front."""
    if len(trials.plan.metrics) == 1:
        path = trials.home / "best.yaml"
        if not best:
            path.unlink(missing_ok=True)  # of an earlier call, whose trial is no longer the best
        for one in best:
            write_text(path, _config(trials, one, len(best), path))
        return [str(path)] * len(best)
    folder = trials.home / "best"
    paths = [folder / f"{slug(one.number)}.yaml" for one in best]

    def fill(new: Path) -> None:
        for one, path in zip(best, paths, strict=True):
            write_text(new / path.name, _config(trials, one, len(best), path))

    replace_folder(folder, fill)
    return [str(path) for path in paths]


def _config(trials: Trials, one: optuna.trial.FrozenTrial, many: int, path: Path) -> str:
    values = trials.values(one)
    text = ", ".join(f"{name} {value:.6g}" for name, value in zip(trials.plan.metrics, one.values, strict=True))
    what = "The best trial" if many == 1 else f"One of {many} trials on the Pareto front"
    head = (
        f"# {what} of `halluc tune`: trial {one.number}, dev {text}.\n"
        "# It was selected on dev, so its figures on dev are optimistic: evaluate it once on test.\n"
        f"# Launch:    {printable_line(shlex.join(['halluc', 'run', str(path)]))}\n"
        "#            in the folder where `halluc tune` was started (for relative paths)\n"
    )
    return head + annotated(trials.space.with_values(values))


def _compare_trials(
    trials: Trials, best: Sequence[optuna.trial.FrozenTrial]
) -> tuple[int | None, dict[int, list[Delta]]]:  # fmt: skip
    """The number of examples in dev, and by trial its figures minus those of trial 0, paired over examples."""
    wanted = {*trials.plan.metrics, *trials.tune.constraints}
    try:
        first = run_figures.read(RunDir(trials.home / slug(0)), SPLIT, keep_lines=False)
        others = [run_figures.read(RunDir(trials.home / _run_of(one)), SPLIT, keep_lines=False) for one in best]
        result = comparison.compare_all(first, others)
    except HallucError as error:
        if trials.all() and trials.all()[0].state.name == "COMPLETE":
            warn(f"the best trial is not compared with the config itself: {error.message}")
        return None, {}
    deltas = [[delta for delta in each.figures if delta.name in wanted and not delta.by] for each in result]
    return len(first.examples), {one.number: each for one, each in zip(best, deltas, strict=True)}
