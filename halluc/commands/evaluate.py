"""``halluc eval``: predictions, metrics and classification reports of a trained model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.analysis import confidence, gates, rates
from halluc.commands import evaluation_table
from halluc.commands.terminal import Talk, put_json, say
from halluc.components import TABLE
from halluc.config.hashing import sha256_of_tree
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell
from halluc.core import latest
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.files import elsewhere
from halluc.data.corpora import read_corpora
from halluc.data.rows.references import SPLITS, SplitName
from halluc.engine.references import resolve_model
from halluc.gap.coverage import REMAKE
from halluc.runs import directory, evaluations, integrity, provenance
from halluc.runs.directory import RunDir
from halluc.runs.reports import EvalLine
from halluc.runs.schema import EvalFile
from halluc.workflows import assessment, cells, experiment, external_predictions, nearest_run, run_state
from halluc.workflows.cell_selection import EVERY_CELL, Selection
from halluc.workflows.external_predictions import Tool


@elsewhere("move the run to another disk")
def run(
    config: Path | None,
    overrides: Sequence[str],
    *,
    splits: list[str] | None,
    run: Path | None,
    checkpoint: str | None,
    talk: Talk,
    selection: Selection = EVERY_CELL,
    predictions: Path | None = None,
    name: str | None = None,
) -> None:
    if predictions is not None or name is not None:
        selection.refuse("--predictions is one file")
        tool = Tool.of(predictions, name, {"--run": run is not None, "--checkpoint": checkpoint is not None})
        if config is None:
            help = "halluc eval CONFIG --predictions FILE"
            raise HallucError("C011", "--predictions goes with a CONFIG, which names the gold", help=help)
        loaded = external_predictions.load(config, overrides)
        _evaluate(_Job(loaded, None, tool.name, None, tool), overrides, splits, talk)
        return
    if config is None or run is not None or checkpoint is not None:
        selection.refuse("--run and --checkpoint name one model")
        loaded, target, model = _find(config, overrides, run, checkpoint)
        _evaluate(_Job(loaded, target, model, None), overrides, splits, talk)
        return
    study, chosen = cells.begin(config, overrides, selection)
    if not study.axes:
        loaded, target = _newest(config, overrides)
        _evaluate(_Job(loaded, target, str(target.model), None), overrides, splits, talk)
        return
    cells.each(
        chosen,
        lambda cell: one(cell, experiment.run_of(cell), overrides, splits=splits, talk=talk),
        done=lambda cell: is_done(cell.loaded, experiment.run_of(cell), splits),
        talk=talk,
    )


def one(cell: Cell, target: RunDir, overrides: Sequence[str], *, splits: list[str] | None, talk: Talk) -> None:
    """Evaluate the model of one experiment.

    Raises:
        HallucError R105: it is not trained. R118: its model was removed. G100: a gate is not met.
    """
    run_state.refuse_untrained(target, "`halluc train` with the same config makes it")
    _evaluate(_Job(cell.loaded, target, str(target.model), cell.slug), overrides, splits, talk)


def is_done(loaded: LoadedConfig, target: RunDir, splits: list[str] | None) -> bool:
    """Whether a run stands evaluated as it is asked for now, its gates met.

    Raises:
        HallucError or ManyErrors G100: it is evaluated, and a gate is not met.
    """
    if not is_evaluated(loaded, target, splits):
        return False
    gates.enforce(loaded, [run_state.evaluation(target, split) for split in _splits(loaded, splits)])
    return True


def refuse_unscored(loaded: LoadedConfig) -> None:
    """Before a training that is to be evaluated.

    Raises:
        HallucError C107: there is no split to evaluate, or none on which a gate may be checked. C103: see
            ``gates.refuse_invalid``.
    """
    gates.refuse_invalid(loaded)
    gates.refuse_uncheckable(loaded, _splits(loaded, None))


def is_evaluated(loaded: LoadedConfig, target: RunDir, splits: list[str] | None) -> bool:
    """Whether a run stands evaluated as it is asked for now, whatever its gates say."""
    return target.is_trained() and run_state.is_evaluated(target, loaded, _splits(loaded, splits))


@dataclass(frozen=True)
class _Job:
    """What is evaluated, a model or the predictions of a tool, and the run to write to; none yet where halluc did not
    train it."""

    loaded: LoadedConfig
    target: RunDir | None
    model: str
    slug: str | None
    tool: Tool | None = None


def _evaluate(job: _Job, overrides: Sequence[str], splits: list[str] | None, talk: Talk) -> None:
    loaded, wanted = job.loaded, _splits(job.loaded, splits)
    if job.tool is not None:
        wanted = (external_predictions.one_split(wanted, splits),)
    gates.refuse_invalid(loaded)
    corpora = read_corpora(loaded.experiment.data, TABLE, wanted if job.tool else _read(loaded, wanted))
    judgeable = external_predictions.read(job.tool, loaded, corpora, wanted[0], talk) if job.tool else None
    identity = judgeable.identity(loaded) if judgeable else {"checkpoint": job.model}
    target = job.target or _home(loaded, identity)
    if job.target is not None:
        _warn_trained(loaded, wanted)
    _check_files(target, wanted)
    with target.locked(), target.stage("eval", list(overrides)) as stage:
        if judgeable is not None:
            files = [external_predictions.judge(judgeable, loaded, target)]
        else:
            files = assessment.assess(loaded, corpora.splits, wanted, target, job.model, talk)
        # What training read stands in `inputs`; what was evaluated stands here, in case a file has changed since.
        earlier = stage.detail.get("inputs")
        inputs = {**(earlier if isinstance(earlier, dict) else {}), **provenance.input_hashes(corpora.files)}
        asked = run_state.asked_for(target, loaded, wanted, stage.detail)
        headlines = {file.split: _headline(loaded, file) for file in files}
        held = gates.judged(loaded, files)
        told = [gate.model_dump(mode="json") for gate in held]
        hashes = {**integrity.recorded_evaluations(target.read()), **_hashes(target, wanted)}
        written = {"inputs": inputs, run_state.ASKED: asked, "gates": told, integrity.FILES: hashes}
        stage.detail = {**stage.detail, **headlines, **written}
    for file in files:
        if talk is Talk.JSON:
            of_split = [gate for gate in held if (gate.split or files[-1].split) == file.split]
            line = EvalLine(**dict(file), gates=of_split, cell=job.slug)
            put_json(line.model_dump(mode="json", exclude={"cell"} if job.slug is None else None))
        elif talk is not Talk.QUIET:
            say()
            evaluation_table.show(file)
    if talk is not Talk.JSON:
        say(f"results: {target.path / 'eval'} (classification reports too), {target.path / 'ledger'}")
    gates.refuse_broken(loaded, held)


def _hashes(target: RunDir, splits: Sequence[SplitName]) -> dict[str, dict[str, str]]:
    return {split: integrity.of_evaluation(target, split) for split in splits}


def _check_files(target: RunDir, wanted: Sequence[SplitName]) -> None:
    """Name the files of an earlier evaluation that were changed since, before they are written again.

    Raises:
        HallucError R120: what training showed is not as the training wrote it, so that no verdict could be trusted.
    """
    record = target.read()
    for split in wanted:
        for name, told in evaluations.problems(target, record, split).items():
            say(f"warning: {target.path / name} {told}: it is written again", style="yellow")
    judged_by = {path.name: path for path in (target.coverage, target.withheld)}
    for name, told in integrity.problems(target.path, integrity.recorded_training(record), "the training").items():
        if name in judged_by and judged_by[name].exists():  # what is missing is made again from the training split
            raise HallucError("R120", f"{judged_by[name]} {told}", help=REMAKE)


def _warn_trained(loaded: LoadedConfig, wanted: Sequence[SplitName]) -> None:
    for split in wanted:
        if gates.is_trained_on(loaded, split):
            told = f"the model was trained on {split}: its figures there tell what the model remembers"
            say(f"warning: {told}", style="yellow")


def _read(loaded: LoadedConfig, wanted: Sequence[SplitName]) -> tuple[SplitName, ...]:
    """The wanted splits, and dev where the confidence is fitted on it.

    Raises:
        HallucError C107: there is no dev to fit it on.
    """
    if not confidence.needs_dev(loaded.experiment.eval):
        return tuple(wanted)
    if loaded.experiment.data.reference("dev") is None:
        keys = "`eval.calibration` and `eval.abstain.guarantee` need `data.dev`"
        raise HallucError("C107", keys, help="name a dev split, or give `eval.abstain.threshold`")
    return tuple(split for split in SPLITS if split in wanted or split == "dev")


def _headline(loaded: LoadedConfig, file: EvalFile) -> dict[str, float | None]:
    protocols = (*experiment.task_of(loaded).figures.protocols, rates.PROTOCOL)
    return {m.name: m.value for m in file.metrics if not m.by and m.protocol in protocols}


def _find(
    config: Path | None, overrides: Sequence[str], run: Path | None, checkpoint: str | None
) -> tuple[LoadedConfig, RunDir | None, str]:
    """The config, the run to write to (none yet for a model from elsewhere), and the model."""
    if checkpoint is not None:
        if config is None or run is not None:
            help = "halluc eval CONFIG --checkpoint MODEL"
            raise HallucError("C011", "--checkpoint goes with a CONFIG and without --run", help=help)
        if not checkpoint:
            raise HallucError("C011", "--checkpoint is empty", help="is a shell variable unset?")
        checkpoint = latest.resolve_text(checkpoint)
        resolve_model(checkpoint)  # before anything is made for it
        return experiment.load(config, overrides), None, checkpoint
    if run is not None:
        run_state.refuse_judgement(directory.open_run(run))
        loaded, target = experiment.load_run(run, overrides)
        if config is not None:
            kept, loaded = loaded, experiment.load(config, overrides)
            if loaded.sha256 != target.read().config_sha256:
                keys = ", ".join(experiment.differences(kept.tree, loaded.tree))
                raise HallucError(
                    "R104", f"{target.path} holds a run of another config than {config}: it differs in {keys}"
                )
    elif config is not None:
        loaded, target = _newest(config, overrides)
    else:
        raise HallucError("C011", "name a CONFIG, or a run with --run DIR")
    run_state.refuse_untrained(target, "its training did not finish (see `--resume`), or the folder was removed")
    return loaded, target, str(target.model)


def _newest(config: Path, overrides: Sequence[str]) -> tuple[LoadedConfig, RunDir]:
    loaded = experiment.load(config, overrides)
    runs_dir, name = Path(loaded.experiment.runs_dir), loaded.experiment.name
    found = directory.newest(runs_dir, name, loaded.sha256, RunDir.is_trained)
    directory.refuse_unreadable(runs_dir, name, loaded.sha256, found)
    if found is not None:
        return loaded, found
    unfinished = directory.newest(runs_dir, name, loaded.sha256)
    sets = "".join(f" --set {override}" for override in overrides)
    command = f"halluc train {config}{sets}"
    if unfinished is not None and unfinished.has_checkpoint():
        command += " --resume"
    state = "no finished training" if unfinished else "no run"
    nearest = "" if unfinished is not None else nearest_run.told(loaded, _is_trained)
    message = f"{runs_dir / name} has {state} of this config{nearest}"
    raise HallucError("R105", message, help=f"train it first: {command}")


def _is_trained(run: RunDir) -> bool:
    return run.model.is_dir()


def _home(loaded: LoadedConfig, identity: Mapping[str, Any]) -> RunDir:
    """The run of evaluating what ``identity`` describes under this config: the newest there is, or a new one."""
    sha256 = sha256_of_tree({**loaded.model_sections, **identity})
    found = directory.newest(Path(loaded.experiment.runs_dir), loaded.experiment.name, sha256)
    return found or experiment.create(loaded, "eval", sha256)


def _splits(loaded: LoadedConfig, asked: list[str] | None) -> tuple[SplitName, ...]:
    data = loaded.experiment.data
    there = [split for split in SPLITS if data.reference(split)]
    names = asked or loaded.experiment.eval.splits or [split for split in there if split != "train"]
    if not names:
        help = "name one; or score the training data all the same, with `--split train` (in the config `eval.splits`)"
        raise HallucError(
            "C107", "`halluc eval` needs `data.dev` or `data.test`: there is only `data.train`", help=help
        )
    if len(set(names)) < len(names):
        raise HallucError("C011", "--split names a split twice", help="name each split once")
    for name in names:
        if name not in SPLITS:
            near = did_you_mean(name, SPLITS)
            help = f"did you mean `{near}`?" if near else f"one of {', '.join(SPLITS)}"
            raise HallucError("C011", f"no split `{name}`", help=help)
        if name not in there:
            raise HallucError("C011", f"the config names no `data.{name}`", help=f"it has {', '.join(there)}")
    return tuple(split for split in SPLITS if split in names)
