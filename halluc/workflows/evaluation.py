"""Evaluation: predictions, ledger, figures and reports of a trained model, or of another tool's predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from halluc.analysis import confidence, gates, rates
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell
from halluc.config.rendering import differences
from halluc.core import latest, messages
from halluc.core.errors import HallucError
from halluc.core.files import elsewhere
from halluc.core.messages import conclude, tell, warn
from halluc.data.rows.references import SPLITS, SplitName
from halluc.engine.references import resolve_model
from halluc.gap.coverage import REMAKE
from halluc.runs import directory, evaluations, integrity, provenance, schema
from halluc.runs.directory import RunDir
from halluc.runs.results import EvalResult
from halluc.workflows import (
    assessment,
    cells,
    ensembles,
    external_predictions,
    gate_reports,
    nearest_run,
    other_gold,
    run_locations,
    run_state,
    tracking,
)
from halluc.workflows import job as jobs
from halluc.workflows.cell_selection import EVERY_CELL, Selection
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained


@elsewhere("move the run to another disk")
def evaluate(
    config: Path | None,
    overrides: Sequence[str] = (),
    *,
    splits: Sequence[str] | None = None,
    run: Path | None = None,
    checkpoint: str | None = None,
    selection: Selection = EVERY_CELL,
    predictions: Path | None = None,
    name: str | None = None,
    members: Sequence[str] = (),
    gold: Path | None = None,
) -> list[EvalResult]:
    """Evaluate a model (of a config, a run or from elsewhere), the cells of a study, or predictions of another tool.

    Args:
        members: runs or models that are averaged with the model, in a separate run next to those of the config.
        gold: a file of other annotation to evaluate a trained run against; its own evaluation stays unchanged.

    Raises:
        HallucError or ManyErrors: problems with config, data or run, or with cells. G100: a gate is not met.
    """
    if config is not None and run is None and config.is_dir():
        config, run = None, config
    if gold is not None:
        selection.refuse("--gold needs a single run")
        return [_judge_by_gold(gold, config, overrides, run, splits, [predictions, name, checkpoint, members or None])]
    if predictions is not None or name is not None:
        selection.refuse("--predictions takes one file")
        tool = external_predictions.Tool.of(
            predictions, name, {"--run": run is not None, "--checkpoint": checkpoint is not None, "--with": members}
        )
        if config is None:
            help = "halluc eval CONFIG --predictions FILE"
            raise HallucError("C011", "--predictions needs a CONFIG with the gold data", help=help)
        return _judge(Job(external_predictions.load(config, overrides)), tool, overrides, splits)
    if members:
        selection.refuse("--with can only be used with runs")
        with_members = [*overrides, ensembles.override(members)]
        job, model = find(config, with_members, run, checkpoint)
        return _assess(job, model, with_members, splits, apart=True)
    if config is None or run is not None or checkpoint is not None:
        selection.refuse("use either --run or --checkpoint")
        job, model = find(config, overrides, run, checkpoint)
        return _assess(job, model, overrides, splits)
    study, chosen = cells.begin(config, overrides, selection, trains=False)
    if not study.axes:
        job = _newest(config, overrides)
        return _assess(job, str(job.target.model), overrides, splits)
    of_cells, _ = cells.for_each(
        chosen,
        lambda cell: evaluate_cell(cell, overrides, splits),
        summary,
        done=lambda cell: is_done(cell.loaded, run_locations.run_of(cell), splits),
    )
    return [result for results in of_cells for result in results]


def summary(results: Sequence[EvalResult]) -> str:
    """An evaluation in a few words."""
    rate = ((one.split, m.value) for one in results for m in one.metrics if m.name == "hallucination_rate" and not m.by)
    return ", ".join(f"{split} hallucination_rate {value:.4f}" for split, value in rate if value is not None) or "done"


def evaluate_cell(cell: Cell, overrides: Sequence[str], splits: Sequence[str] | None) -> list[EvalResult]:
    return evaluate_job(Job(cell.loaded, cell.slug, run_locations.run_of(cell)), overrides, splits)


def evaluate_job(job: Job, overrides: Sequence[str], splits: Sequence[str] | None = None) -> list[EvalResult]:
    """Evaluate the model of one experiment in its run.

    Raises:
        HallucError R105: it is not trained. R118: its model was removed. G100: a gate is not met.
    """
    run_state.refuse_untrained(job.target, "`halluc train` with the same config creates it")
    return _assess(job, str(job.target.model), overrides, splits)


def is_done(loaded: LoadedConfig, target: RunDir, splits: Sequence[str] | None) -> bool:
    """Whether a run is evaluated with the current settings, and its gates are met.

    Raises:
        HallucError or ManyErrors G100: it is evaluated, and a gate is not met.
    """
    if not is_evaluated(loaded, target, splits):
        return False
    results = gates.judged(loaded, [evaluations.read(target, split) for split in _splits(loaded, splits)], target)
    gate_reports.write(loaded, target, results)
    gates.refuse_broken(loaded, results)
    return True


def refuse_unscored(loaded: LoadedConfig) -> None:
    """Checks before a training that will be evaluated.

    Raises:
        HallucError C107: there is no split to evaluate, or none on which a gate may be checked. C103: see
            ``gates.refuse_invalid``.
    """
    gates.refuse_invalid(loaded)
    gates.refuse_uncheckable(loaded, _splits(loaded, None))


def is_evaluated(loaded: LoadedConfig, target: RunDir, splits: Sequence[str] | None) -> bool:
    """Whether a run is evaluated with the current settings; gates are not checked."""
    return target.is_trained() and run_state.is_evaluated(target, loaded, _splits(loaded, splits))


def _assess(
    job: Job, model: str, overrides: Sequence[str], splits: Sequence[str] | None, *, apart: bool = False
) -> list[EvalResult]:
    """Evaluate a model, or an ensemble with it; the job has no run yet if halluc did not train it.

    Args:
        apart: the evaluation of the ensemble has a separate run.
    """
    wanted = _splits(job.loaded, splits)
    gates.refuse_invalid(job.loaded)
    corpora = job.corpora(_splits_to_read(job.loaded, wanted))
    others = job.settings.eval.ensemble
    ensemble = ensembles.Ensemble.of(Trained(job, model), others) if others else None
    if ensemble is not None and apart:
        job = ensembles.separate_job(ensemble, home(job.loaded, ensemble.identity))
    if job.run is None:
        job.run = home(job.loaded, {"checkpoint": model})
    else:
        for split in wanted:
            if gates.is_trained_on(job.loaded, split):
                warn(f"the model was trained on {split}: its figures there measure memorisation")
    return _record_evaluation(
        job, partial(assessment.assess, job, corpora.splits, wanted, model, ensemble), corpora.files, wanted, overrides
    )


def _judge_by_gold(
    gold: Path, config: Path | None, overrides: Sequence[str], run: Path | None, splits: Sequence[str] | None,
    others: Sequence[object],
) -> EvalResult:  # fmt: skip
    if any(one is not None for one in others):
        help = "halluc eval RUN --gold FILE [--split SPLIT]"
        raise HallucError(
            "C011",
            "--gold needs a run, and cannot be combined with --predictions, --name, --checkpoint or --with",
            help=help,
        )
    job, model = find(config, overrides, run)
    split = external_predictions.get_split(_splits(job.loaded, splits), splits, "--gold")
    return other_gold.judge(job, model, gold, split, _splits_to_read(job.loaded, (split,)), overrides)


def _judge(
    job: Job, tool: external_predictions.Tool, overrides: Sequence[str], splits: Sequence[str] | None
) -> list[EvalResult]:
    split = external_predictions.get_split(_splits(job.loaded, splits), splits)
    gates.refuse_invalid(job.loaded)
    judgeable = external_predictions.read(tool, job, split)
    job.run = home(job.loaded, judgeable.identity(job.loaded))
    write = partial(external_predictions.judge, judgeable, job)
    results = _record_evaluation(job, write, job.corpora((split,)).files, (split,), overrides)
    tell(f"next: halluc report {job.target.path}")
    return results


def _record_evaluation(
    job: Job,
    write: Callable[[], list[schema.EvalFile]],
    inputs: Sequence[Path],
    wanted: Sequence[SplitName],
    overrides: Sequence[str],
) -> list[EvalResult]:
    """Write an evaluation as the only writer of the run, record it in ``run.json``, and check the gates."""
    loaded, target = job.loaded, job.target
    _check_files(target, wanted)
    with target.locked(), target.stage("eval", list(overrides)) as stage:
        files = write()
        # ``inputs`` of run.json are the files of the training, which may have changed since.
        earlier = stage.detail.get("inputs")
        read = {**(earlier if isinstance(earlier, dict) else {}), **provenance.input_hashes(inputs)}
        requested = run_state.record_for(target, loaded, wanted, stage.detail)
        protocols = (*job.task.figures.protocols, rates.PROTOCOL)
        headlines = {
            file.split: {m.name: m.value for m in file.metrics if not m.by and m.protocol in protocols}
            for file in files
        }
        hashes = integrity.recorded_evaluations(target.read())
        hashes.update((split, integrity.of_evaluation(target, split)) for split in wanted)
        written = {"inputs": read, run_state.REQUESTED: requested, "gates": [], integrity.FILES: hashes}
        stage.detail = {**stage.detail, **headlines, **written}
        tracking.track_evaluation(loaded, target, files)
        # last, since an invalid baseline raises an error
        gate_results = gates.judged(loaded, files, target, is_fresh=True)
        stage.detail["gates"] = [gate.model_dump(mode="json") for gate in gate_results]
    results = []
    for file in files:
        checked = [gate for gate in gate_results if (gate.split or files[-1].split) == file.split]
        results.append(EvalResult(**dict(file), gates=checked, cell=job.slug))
        messages.put(results[-1])
    gate_reports.write(loaded, target, gate_results)
    conclude(f"results: {target.path / 'eval'} (classification reports too), {target.path / 'ledger'}")
    gates.refuse_broken(loaded, gate_results)
    return results


def _check_files(target: RunDir, wanted: Sequence[SplitName]) -> None:
    """Name the files of an earlier evaluation that were changed since, before they are overwritten.

    Raises:
        HallucError R120: the training coverage is not what the training wrote, so that no verdict could be trusted.
    """
    record = target.read()
    for split in wanted:
        for name, text in evaluations.problems(target, record, split).items():
            warn(f"{target.path / name} {text} and is written again")
    judged_by = {path.name: path for path in (target.coverage, target.withheld)}
    for name, text in integrity.problems(target.path, integrity.recorded_training(record), "the training").items():
        if name in judged_by and judged_by[name].exists():  # missing files are made again from the training split
            raise HallucError("R120", f"{judged_by[name]} {text}", help=REMAKE)
        if name.startswith(f"{target.base(1).parent.name}/"):
            help = "restore it from a backup, or train again"
            raise HallucError("R120", f"{target.path / name} {text}", help=help)


def _splits_to_read(loaded: LoadedConfig, wanted: Sequence[SplitName]) -> tuple[SplitName, ...]:
    """The requested splits, and dev if the confidence is fitted on it.

    Raises:
        HallucError C107: there is no dev to fit it on.
    """
    if not confidence.needs_dev(loaded.experiment.eval):
        return tuple(wanted)
    if loaded.experiment.data.reference("dev") is None:
        keys = "`eval.calibration` and `eval.abstain.guarantee` need `data.dev`"
        raise HallucError("C107", keys, help="set a dev split, or set `eval.abstain.threshold`")
    return tuple(split for split in SPLITS if split in wanted or split == "dev")


def find(
    config: Path | None, overrides: Sequence[str], run: Path | None = None, checkpoint: str | None = None
) -> tuple[Job, str]:
    """The job, with the run to write to (none yet for a model from elsewhere), and the model."""
    if checkpoint is not None:
        if config is None or run is not None:
            help = "halluc eval CONFIG --checkpoint MODEL"
            raise HallucError("C011", "--checkpoint needs a CONFIG and no --run", help=help)
        if not checkpoint:
            raise HallucError("C011", "--checkpoint is empty", help="a shell variable may be unset")
        checkpoint = latest.resolve_text(checkpoint)
        resolve_model(checkpoint, gguf=True)  # before anything is created for it
        return Job(jobs.load(config, overrides)), checkpoint
    if run is not None:
        run_state.refuse_without_own_model(directory.open_run(run))
        loaded, target = jobs.load_run(run, overrides)
        if config is not None:
            kept, loaded = loaded, jobs.load(config, overrides)
            if not jobs.is_run_of(loaded, target):
                keys = ", ".join(differences(kept.tree, loaded.tree))
                raise HallucError(
                    "R104", f"{target.path} is a run of another config than {config}; it differs in {keys}"
                )
        job = Job(loaded, run=target)
    elif config is not None:
        job = _newest(config, overrides)
    else:
        raise HallucError("C011", "pass a CONFIG, or a run with --run DIR")
    run_state.refuse_untrained(job.target, "its training did not finish (see `--resume`), or the folder was removed")
    return job, str(job.target.model)


def find_target(target: Path, overrides: Sequence[str]) -> tuple[Job, str]:
    """As ``find``, for a config or a run directory."""
    return find(target, overrides) if jobs.is_config(target) else find(None, overrides, target)


def _newest(config: Path, overrides: Sequence[str]) -> Job:
    loaded = jobs.load(config, overrides)
    result = directory.newest_intact(loaded.home, loaded.sha256, RunDir.is_trained)
    replaced = tuple(f"task.{key}" for key in type(loaded.experiment.task).replaceable_keys)
    deciding = [one for one in overrides if not one.startswith(replaced)]
    if result is None and len(deciding) < len(overrides):
        result = directory.newest_intact(loaded.home, jobs.load(config, deciding).sha256, RunDir.is_trained)
    if result is not None:
        return Job(loaded, run=result)
    unfinished = directory.newest(loaded.home, loaded.sha256)
    if unfinished is not None:
        state, resume = "no finished training of this config", " --resume" if unfinished.has_checkpoint() else ""
    else:
        nearest = nearest_run.description(loaded, lambda run: run.model.is_dir())
        state, resume = f"no run of this config{nearest}", ""
    sets = "".join(f" --set {override}" for override in overrides)
    raise HallucError("R105", f"{loaded.home} has {state}", help=f"train it first: halluc train {config}{sets}{resume}")


def home(loaded: LoadedConfig, identity: Mapping[str, Any], command: str = "eval") -> RunDir:
    """The newest run with this config and ``identity``; if there is none, a new one for ``command``."""
    sha256 = jobs.identity_of(loaded, identity)
    return directory.newest(loaded.home, sha256) or run_locations.create(loaded, command, sha256)


def _splits(loaded: LoadedConfig, requested: Sequence[str] | None) -> tuple[SplitName, ...]:
    data = loaded.experiment.data
    names = requested or loaded.experiment.eval.splits or [s for s in SPLITS if s != "train" and data.reference(s)]
    if not names:
        help = "set one; or evaluate on the training data with `--split train` (in the config: `eval.splits`)"
        raise HallucError(
            "C107", "`halluc eval` needs `data.dev` or `data.test`, but there is only `data.train`", help=help
        )
    if len(set(names)) < len(names):
        raise HallucError("C011", "--split has the same split twice", help="list each split once")
    jobs.refuse_unknown_splits(names)
    return jobs.configured_splits(data, names)
