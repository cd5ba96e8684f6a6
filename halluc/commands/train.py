"""``halluc train``: config, data, model, loop, and the best checkpoint as ``model/``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halluc.analysis import gates
from halluc.commands.terminal import Talk, is_main_process, people, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.matrix import Cell
from halluc.core import latest
from halluc.core.errors import HallucError
from halluc.core.files import elsewhere, recover, write_json
from halluc.data.checks import check_corpora, unseen_labels
from halluc.data.corpora import Corpora, read_corpora
from halluc.data.statistics import counted
from halluc.engine.references import resolve_model
from halluc.gap.withhold import Withheld
from halluc.loggers.console import ConsoleLogger
from halluc.loggers.jsonl import JsonlLogger
from halluc.runs import integrity, provenance
from halluc.runs.directory import RunDir
from halluc.runs.events import Event, Stopped
from halluc.workflows import (
    augmentation,
    augmentation_checks,
    cells,
    continuation,
    experiment,
    run_locations,
    run_state,
    withholding,
)
from halluc.workflows.cell_selection import EVERY_CELL, Selection

_OF_RUN = "choose another place for `--run`"
Evaluate = Callable[[Any], dict[str, float]]


@dataclass(frozen=True)
class _Job:
    """What one training is asked to do, and where; ``as_read`` are the corpora before anything was withheld."""

    loaded: LoadedConfig
    as_read: Corpora
    corpora: Corpora
    withheld: Withheld | None
    choose_by: str
    engine: Any
    target: RunDir
    resume: bool
    talk: Talk
    moves_latest: bool = False


def run(
    config: Path,
    overrides: Sequence[str],
    *,
    run: Path | None,
    resume: bool,
    talk: Talk,
    selection: Selection = EVERY_CELL,
) -> None:
    if run is not None:
        selection.refuse("--run names one run")
        with elsewhere(_OF_RUN):
            one(Cell(None, {}, experiment.load(config, overrides)), overrides, run=run, resume=resume, talk=talk)
        return
    _, chosen = cells.begin(config, overrides, selection)
    cells.each(
        chosen,
        lambda cell: one(cell, overrides, run=None, resume=resume, talk=talk, to_new_total=resume),
        done=lambda cell: run_state.is_trained(experiment.run_of(cell)),
        talk=talk,
    )


def one(
    cell: Cell, overrides: Sequence[str], *, run: Path | None, resume: bool, talk: Talk, to_new_total: bool = False
) -> RunDir:
    """Train one experiment, where it is not trained yet, and tell where its model is."""
    loaded = cell.loaded
    if loaded.experiment.data.train is None:
        raise HallucError("C107", "`halluc train` needs `data.train`", help="name the training split")
    choose_by = experiment.choose_by(loaded)
    # `halluc run` evaluates what it has trained: too late to tell of a figure that there is not.
    gates.refuse_invalid(loaded)
    augmentation_checks.refuse_unfit(loaded, experiment.task_of(loaded))
    if loaded.experiment.model.name is not None:
        resolve_model(loaded.experiment.model.name)  # before a run is made for a model that is not to be had
    as_read = read_corpora(loaded.experiment.data, TABLE, ("train", "dev"))
    experiment.refuse_unknown_classes(loaded, experiment.task_of(loaded), as_read.splits["train"])
    corpora, withheld = withholding.withhold(loaded, as_read)
    placed = run_locations.place(cell, run, resume, to_new_total=to_new_total) if is_main_process() else None
    if placed is not None and loaded.experiment.augment is not None and not _is_done(cell, placed[0]):
        # Before torch is there: processes that make candidates are forked off a small one.
        with placed[0].locked():
            augmentation.ensure(loaded, placed[0], talk)
    # torch and transformers take seconds to import: what can fail without them has failed by now.
    from halluc.engine import runtime

    engine = runtime.start(loaded.experiment.train.precision, loaded.experiment.seed)
    target: RunDir
    target, resume = engine.from_main(placed)
    job = _Job(
        loaded,
        as_read,
        corpora,
        withheld,
        choose_by,
        engine,
        target,
        resume,
        talk,
        moves_latest=run is None and cell.slug is None,
    )
    if _is_done(cell, target):
        say(f"{target.path} is finished: there is nothing to resume")
        best = target.read().best
        if engine.is_main:
            _conclude_killed(job)
    elif engine.is_main:
        best = _noted(job, list(overrides))
    else:
        best = _train(job)
    if talk is not Talk.JSON:
        say(f"model: {target.model}" if target.model.is_dir() else f"{target.path} is trained; its model was removed")
    elif is_main_process():
        which = {} if cell.slug is None else {"cell": cell.slug}
        put_json({**which, "run": str(target.path), "model": str(target.model), "best": best})
    return target


def _is_done(cell: Cell, target: RunDir) -> bool:
    """Whether nothing is left to train; a model that was removed is made again where its run is named outright."""
    if not target.is_trained() or target.read().config_sha256 != cell.loaded.sha256:
        return False
    return target.model.is_dir() or cell.slug is not None


def _noted(job: _Job, overrides: list[str]) -> dict[str, Any]:
    """Train as the only writer of the run, and note in ``run.json`` how it ended."""
    with job.target.locked():
        if job.target.read().config_sha256 != job.loaded.sha256:
            continuation.adopt(job.target, job.loaded)
        if job.resume:
            continuation.restore_config(job.target, job.loaded)
        with job.target.stage("train", overrides) as stage:
            best = _train(job)
            stage.detail = {"best": best, integrity.FILES: integrity.of_training(job.target)}
            record = job.target.read()
            record.best, record.model_sha256, record.model_removed = best, None, None
            record.model_files = integrity.of_model(job.target)
            job.target.write(record)
        _conclude(job)
    return best


def _conclude(job: _Job) -> None:
    """What follows once ``run.json`` says that the training is done: checkpoints that nothing needs go last."""
    from halluc.engine import checkpoint

    if job.moves_latest:
        _move_latest(job.target)
    checkpoint.finish(job.target.checkpoints, job.target.read().keep_checkpoints)


def _conclude_killed(job: _Job) -> None:
    """Do that for a training that was killed between the two: its checkpoints are still there."""
    if job.target.read().keep_checkpoints != "none" or not job.target.checkpoints.is_dir():
        return
    try:
        with job.target.locked():
            _conclude(job)
    except HallucError as error:
        if error.code != "R103":  # another process uses the run: the next --resume does it
            raise


def _move_latest(target: RunDir) -> None:
    """A training that has produced a model is not failed by a link that cannot be made."""
    try:
        latest.point(target.path)
    except HallucError as error:
        say(f"warning: `latest` does not name this run: {error.message} ({error.help})", style="yellow")


def _train(job: _Job) -> dict[str, Any]:
    from halluc.engine import checkpoint
    from halluc.workflows.checkpointing import Checkpointer

    training, evaluate, tokenizer = _prepared(job)
    if job.resume:
        # The main process chooses, so that all stand at the same step.
        newest = checkpoint.newest_whole(job.target.checkpoints, say) if job.engine.is_main else None
        newest = job.engine.from_main(newest)
        if newest is not None:
            training.progress = checkpoint.load(newest, training.model, training.optimizer)
            if job.engine.is_main:
                checkpoint.remove_newer(newest)
    checkpointer = Checkpointer(job.target, training, tokenizer, evaluates=evaluate is not None)
    stopped = _drive(job, training, evaluate, checkpointer)
    if stopped.interrupted:
        if checkpointer.last is not None:
            say(f"checkpoint {checkpointer.last} is written: the same command with --resume continues it")
        job.engine.wait()  # a launcher ends all processes as soon as one has ended: the writer must be through
        raise KeyboardInterrupt
    if job.engine.is_main:
        checkpointer.publish()
    job.engine.wait()
    best = checkpointer.summary(job.choose_by, _unselective(job))
    if job.engine.is_main and not best["dev"] and _unselective(job) is None:
        say(
            f"warning: no checkpoint is selected, the last one is kept: {best['chosen_by'].removeprefix('last: ')}",
            style="yellow",
        )
    return best


def _unselective(job: _Job) -> str | None:
    """Why dev can choose no checkpoint; None where it can."""
    dev = job.corpora.splits.get("dev")
    if dev is None:
        return "no dev split"
    if not any(example.pairs for example in dev):
        return f"dev has no {experiment.task_of(job.loaded).wording.words.labelled.removesuffix('s')}"
    return None


def _prepared(job: _Job) -> tuple[Any, Evaluate | None, Any]:
    """Model, features and evaluation; what is known before the first step goes into the run."""
    from halluc.engine import loop, runtime
    from halluc.tasks.encoders import quiet_libraries

    quiet_libraries(job.talk is Talk.VERBOSE)
    if job.withheld is not None and job.talk in (Talk.NORMAL, Talk.VERBOSE):
        say(job.withheld.told())
    settings, engine = job.loaded.experiment, job.engine
    task = experiment.task_of(job.loaded)
    splits = dict(job.corpora.splits)
    if settings.augment is not None:
        splits["train"] = augmentation.corpus(job.target, task)
    train, dev = splits["train"], splits.get("dev")
    experiment.refuse_bare(task, train)
    texts = (example.tokens for example in train)
    encoder = task.model.build(
        settings.model, task.examples.labels(train), runtime.attention_for(engine.device.type), texts
    )
    features = {split: task.model.encode(corpus.examples, encoder) for split, corpus in splits.items()}
    metrics = task.figures

    def evaluate(model: Any) -> dict[str, float]:
        assert dev is not None
        asked = settings.eval
        predictions = task.model.predict(model, features["dev"], asked.batch_tokens, engine, asked.decode)
        return metrics.headline(dev.examples, predictions)

    training = loop.prepare(encoder.model, features["train"], settings.train, engine, settings.seed)
    if engine.is_main:
        for folder in (job.target.path, job.target.checkpoints):
            recover(folder)
        _record(job, encoder, runtime.describe(engine), {split: made.notes for split, made in features.items()})
    engine.wait()
    return training, evaluate if dev else None, encoder.tokenizer


def _drive(job: _Job, training: Any, evaluate: Evaluate | None, checkpointer: Any) -> Stopped:
    """Run the loop and hand every event to those who listen; returns the last one."""
    from halluc.engine import loop
    from halluc.engine.interrupt import Interruption

    choose_by = job.choose_by if _unselective(job) is None else None
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        listeners = _listeners(stack, job, training.features.notes) if job.engine.is_main else []
        stopped: Stopped | None = None
        for event in checkpointer.watch(
            loop.fit(training, evaluate=evaluate, choose_by=choose_by, interrupted=lambda: interruption.requested)
        ):
            for listener in listeners:
                listener(event)
            stopped = event if isinstance(event, Stopped) else stopped
    assert stopped is not None, "the loop ends with Stopped"
    return stopped


def _listeners(stack: contextlib.ExitStack, job: _Job, notes: dict[str, int]) -> list[Callable[[Event], None]]:
    listeners: list[Callable[[Event], None]] = [stack.enter_context(JsonlLogger(job.target.events))]
    if job.talk in (Talk.NORMAL, Talk.VERBOSE):
        task = experiment.task_of(job.loaded)
        shown = next(family for family in task.figures.families if job.choose_by in family)
        cut_up = any(count for note, count in notes.items() if note.startswith("windowed_"))
        noun = "windows" if cut_up else task.wording.words.examples
        console = ConsoleLogger(people, every_step=job.talk is Talk.VERBOSE, shown=shown, noun=noun)
        listeners.append(stack.enter_context(console))
    return listeners


def _tell_long(job: _Job, task: Any, notes: dict[str, dict[str, int]]) -> None:
    """What is not read as one piece, or not whole."""
    if job.talk not in (Talk.NORMAL, Talk.VERBOSE):
        return
    for split, found in notes.items():
        for note, told in task.model.notes.items():
            if found.get(note) and note.startswith(("windowed_", "cut_")):
                say(f"{split}: {counted(found[note], told)}")


def _record(job: _Job, encoder: Any, machine: dict[str, Any], notes: dict[str, Any]) -> None:
    """What is known before the first step: data, inputs, model, machine."""
    record = job.target.read()
    inputs = provenance.input_hashes([*job.corpora.files, *augmentation.files(job.loaded)])
    changed = [path for path, digest in inputs.items() if record.inputs.get(path, digest) != digest]
    if job.resume and changed:
        help = "put it back, or start a new run without --resume"
        raise HallucError("R109", f"{', '.join(changed)} changed since this training began", help=help)
    record.inputs = inputs
    record.gap = job.withheld.as_record() if job.withheld else None
    task = experiment.task_of(job.loaded)
    data = check_corpora(job.as_read, task.wording.words, config=job.loaded.experiment.data).model_copy(
        update={"encoding": notes}
    )
    for told in unseen_labels(data):  # of all that is odd what makes figures on dev mean something else
        say(f"warning: {told}", style="yellow")
    why_last = _unselective(job)
    if why_last is not None:
        unused = "" if job.loaded.experiment.train.patience is None else ", and early stopping (`patience`) is off"
        say(f"warning: {why_last}: no checkpoint will be selected, the last one is kept{unused}", style="yellow")
    _tell_long(job, task, notes)
    write_json(job.target.data, data.model_dump(mode="json"))
    withholding.record(job.target, task, job.corpora, job.withheld)
    record.hardware = {**record.hardware, **machine}
    record.keep_checkpoints = job.loaded.experiment.train.checkpoints.keep
    record.model = {"commit": encoder.commit, "parameters": sum(p.numel() for p in encoder.model.parameters())}
    job.target.write(record)
