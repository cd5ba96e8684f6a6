"""One training of a model in its run: model, features, loop, and the best checkpoint as ``model/``.

The augmented corpus and the soft targets, if the config has them, are in the run already (``workflows.training``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from halluc.analysis import abstention, gates
from halluc.core import latest, messages, processes
from halluc.core.errors import HallucError
from halluc.core.files import recover, write_json
from halluc.core.messages import Level, say, tell, warn
from halluc.core.quantities import quantity
from halluc.data.checks import check_corpora, unseen_labels
from halluc.data.corpora import Corpora
from halluc.data.rows.references import SplitName
from halluc.engine.references import resolve_model
from halluc.loggers.console import ConsoleLogger
from halluc.loggers.jsonl import JsonlLogger
from halluc.runs import integrity, provenance
from halluc.runs.directory import RunDir
from halluc.runs.events import Event, Stopped
from halluc.runs.results import TrainResult
from halluc.workflows import (
    augmented_corpus,
    continuation,
    distillation,
    pretraining,
    ready_models,
    run_locations,
    tracking,
    training_knowledge,
    training_options,
    transfer,
)
from halluc.workflows.job import Job

if TYPE_CHECKING:
    import torch

    from halluc.augmentation.models.fitted_models import Fitted
    from halluc.engine.loop import Training
    from halluc.engine.runtime import Runtime
    from halluc.task import AnyTask, Loaded
    from halluc.workflows.checkpointing import Checkpointer

_READ: tuple[SplitName, ...] = ("train", "dev")
Evaluate = Callable[["torch.nn.Module"], dict[str, float]]
# A run, and whether its training is resumed; None in all processes but the main one.
Placed = tuple[RunDir, bool] | None


@dataclass(frozen=True)
class Session:
    """One training of a job in this process: its device, whether it is resumed, and the target of ``latest``."""

    job: Job
    engine: Runtime
    resume: bool
    moves_latest: bool = False
    pretrained: Fitted | None = None

    @property
    def target(self) -> RunDir:
        return self.job.target

    @property
    def corpora(self) -> Corpora:
        """The training data and dev, after withholding and before augmentation."""
        return self.job.remaining(_READ)


class PreparedTraining(NamedTuple):
    """Training features, the evaluation on dev, the tokenizer, and notes on the training split (``Encoded.notes``).

    ``refit`` fits on dev what the model stores besides its weights; None if it stores nothing.
    """

    training: Training
    evaluate: Evaluate | None
    refit: Evaluate | None
    tokenizer: Any
    notes: Mapping[str, int]


def begin(job: Job, run: Path | None, resume: bool, *, to_new_total: bool = False) -> Placed:
    """Check that a training can start, and choose its run; see ``run_locations.place``.

    Raises:
        HallucError or ManyErrors: problems with config, data or run.
    """
    settings = job.settings
    if settings.data.train is None:
        raise HallucError("C107", "`halluc train` needs `data.train`", help="set the training split")
    _ = job.choose_by  # an unknown figure is reported before anything is read
    # `halluc run` evaluates after training: too late to report an unknown figure.
    gates.refuse_invalid(job.loaded)
    training_options.refuse_unfit(job.loaded, job.task)
    if settings.model.name is not None:
        resolve_model(settings.model.name, gguf=True)  # before a run is created for a model that is not available
    job.refuse_unknown_classes(job.corpora(_READ).splits["train"])
    for warning in job.training_warnings(job.remaining(_READ).splits["train"]):
        if processes.is_main_process():
            warn(warning)
    if not processes.is_main_process():
        return None
    return run_locations.place(job, run, resume, to_new_total=to_new_total)


def train(job: Job, placed: Placed, overrides: Sequence[str], *, moves_latest: bool = False) -> TrainResult:
    """Train in the run that ``begin`` chose, unless it is trained already, and print the location of its model."""
    settings = job.settings
    pretrained = pretraining.ensure(job) if placed is not None and not is_done(job, placed[0]) else None
    # torch and transformers take seconds to import: errors that do not need them were raised before.
    from halluc.engine import runtime

    engine = runtime.start(settings.train.precision, settings.seed)
    job.run, resume = engine.from_main(placed)
    pretrained = engine.from_main(pretrained)
    session = Session(job, engine, resume, moves_latest, pretrained)
    target = session.target
    if is_done(job, target):
        messages.conclude(f"{target.path} is finished, so there is nothing to resume")
        best = target.read().best
        if engine.is_main:
            _conclude_killed(session)
    elif engine.is_main:
        best = _train_recorded(session, list(overrides))
    else:
        best = _train(session)
    result = TrainResult(cell=job.slug, run=str(target.path), model=str(target.model), best=best)
    messages.put(result)
    return result


def is_done(job: Job, target: RunDir) -> bool:
    """Whether training is complete; a removed model is trained again only if its run is given by path."""
    if not target.is_trained() or target.read().config_sha256 != job.loaded.sha256:
        return False
    return target.model.is_dir() or job.slug is not None


def _train_recorded(session: Session, overrides: list[str]) -> dict[str, Any]:
    """Train as the only writer of the run, and record in ``run.json`` how it ended."""
    with session.target.locked():
        if session.target.read().config_sha256 != session.job.loaded.sha256:
            continuation.adopt(session.target, session.job.loaded)
        if session.resume:
            continuation.restore_config(session.target, session.job.loaded)
        with session.target.stage("train", overrides) as stage:
            best = _train(session)
            stage.detail = {"best": best, integrity.FILES: integrity.of_training(session.target)}
            record = session.target.read()
            record.best, record.model_sha256, record.model_removed = best, None, None
            record.model_files = integrity.of_model(session.target)
            session.target.write(record)
        _conclude(session)
    return best


def _conclude(session: Session) -> None:
    """Finish after ``run.json`` says that the training is done: unneeded checkpoints are deleted last."""
    from halluc.engine import checkpoint

    if session.moves_latest:
        try:
            latest.point(session.target.path)
        except HallucError as error:  # a failed link must not fail a training that has produced a model
            warn(f"`latest` does not point to this run: {error.message} ({error.help})")
    checkpoint.finish(session.target.checkpoints, session.target.read().keep_checkpoints)


def _conclude_killed(session: Session) -> None:
    """Finish a training that was killed before its checkpoints were deleted."""
    if session.target.read().keep_checkpoints != "none" or not session.target.checkpoints.is_dir():
        return
    try:
        with session.target.locked():
            _conclude(session)
    except HallucError as error:
        if error.code != "R103":  # another process uses the run: the next --resume does it
            raise


def _train(session: Session) -> dict[str, Any]:
    from halluc.engine import checkpoint
    from halluc.workflows.checkpointing import Checkpointer

    prepared = _prepare(session)
    training, evaluate = prepared.training, prepared.evaluate
    if session.resume:
        # The main process decides, so that all resume from the same step.
        newest = checkpoint.newest_whole(session.target.checkpoints, say) if session.engine.is_main else None
        newest = session.engine.from_main(newest)
        if newest is not None:
            training.load(newest)
            if session.engine.is_main:
                checkpoint.remove_newer(newest)
    checkpointer = Checkpointer(session.target, training, prepared.tokenizer, evaluates=evaluate is not None)
    stopped = _drive(session, prepared, checkpointer)
    if stopped.interrupted:
        if checkpointer.last is not None:
            say(f"checkpoint {checkpointer.last} is written: continue with the same command and --resume")
        session.engine.wait()  # a launcher ends all processes as soon as one has ended: the writer must have finished
        raise KeyboardInterrupt
    if session.engine.is_main:
        checkpointer.publish(prepared.refit)
    session.engine.wait()
    best = checkpointer.summary(session.job.choose_by, _last_checkpoint_reason(session))
    if session.engine.is_main and not best["dev"] and _last_checkpoint_reason(session) is None:
        why = best["chosen_by"].removeprefix("last: ")
        warn(f"no checkpoint of {session.target.path} is selected, and the last one is kept: {why}")
    return best


def _last_checkpoint_reason(session: Session) -> str | None:
    """Why dev cannot select a checkpoint; None if it can."""
    dev = session.corpora.splits.get("dev")
    if dev is None:
        return "no dev split"
    if not any(example.pairs for example in dev):
        return f"dev has no {session.job.task.wording.words.labelled.removesuffix('s')}"
    return None


def _prepare(session: Session) -> PreparedTraining:
    """Model, features and evaluation; the facts known before the first step are recorded in the run."""
    from halluc.engine import loop, runtime
    from halluc.engine.pretrained import quiet_libraries
    from halluc.engine.shared_features import encoded_once

    quiet_libraries(messages.hears(Level.VERBOSE))
    if session.job.withheld is not None:
        tell(session.job.withheld.sentence())
    settings, engine = session.job.settings, session.engine
    task = session.job.task
    splits = dict(session.corpora.splits)
    if settings.augment is not None:
        splits["train"] = augmented_corpus.read(session.job)
    train, dev = splits["train"], splits.get("dev")
    session.job.refuse_bare(train)
    texts = (text for example in train for text in task.examples.texts(example))
    model = settings.model
    if session.pretrained is not None:
        model = model.model_copy(update={"name": str(session.pretrained.folder)})
    encoder = task.model.build(model, task.examples.labels(train), runtime.attention_for(engine.device.type), texts)
    features = {split: encoded_once(task.model.encode, one.examples, encoder, engine) for split, one in splits.items()}

    fit = getattr(task.model, "fit_on_dev", None)
    if dev is None and (settle := getattr(task.model, "train_without_dev", None)) is not None:
        settle(encoder.model, train.examples)

    def evaluate(model: torch.nn.Module) -> dict[str, float]:
        assert dev is not None
        config = settings.eval
        predictions = task.model.predict(model, features["dev"], config.batch_tokens, engine, config.decode)
        predictions = ready_models.apply_consistency(task, config, dev.examples, predictions, encoder.outputs)
        if fit is not None:
            spares = config.abstain is not None and config.abstain.guarantee is not None
            fitting = abstention.halves(one.id for one in dev) if spares else [True] * len(dev)
            predictions = fit(model, dev.examples, predictions, fitting)
            setattr(model.config, ready_models.FITTED_ON, ready_models.HALF if spares else "dev")
        return task.figures.headline(dev.examples, predictions)

    taught = features["train"]
    if settings.train.teacher is not None:
        taught = distillation.add_soft_targets(session.job, taught, train, encoder.outputs)
    training = loop.prepare(encoder.model, taught, settings.train, engine, settings.seed)
    if settings.augment is not None:
        made = features["train"]
        ids = [made.ids([position])[0] for position in range(len(made.lengths))]
        training.by_epoch = augmented_corpus.positions_by_epoch(session.job, ids)
    if engine.is_main:
        for folder in (session.target.path, session.target.checkpoints):
            recover(folder)
        _record(session, encoder, runtime.describe(engine), {split: made.notes for split, made in features.items()})
    engine.wait()
    refit = evaluate if dev and fit is not None else None
    return PreparedTraining(training, evaluate if dev else None, refit, encoder.tokenizer, features["train"].notes)


def _drive(session: Session, prepared: PreparedTraining, checkpointer: Checkpointer) -> Stopped:
    """Run the loop and pass every event to the listeners; returns the last one."""
    from halluc.engine import loop
    from halluc.engine.interrupt import Interruption

    choose_by = session.job.choose_by if _last_checkpoint_reason(session) is None else None
    with contextlib.ExitStack() as stack:
        interruption = stack.enter_context(Interruption())
        listeners = _listeners(stack, session, prepared.notes) if session.engine.is_main else []
        stopped: Stopped | None = None
        for event in checkpointer.watch(
            loop.fit(
                prepared.training,
                evaluate=prepared.evaluate,
                choose_by=choose_by,
                interrupted=lambda: interruption.requested,
            )
        ):
            for listener in listeners:
                listener(event)
            stopped = event if isinstance(event, Stopped) else stopped
    assert stopped is not None, "the loop ends with Stopped"
    return stopped


def _listeners(
    stack: contextlib.ExitStack, session: Session, notes: Mapping[str, int]
) -> list[Callable[[Event], None]]:
    task = session.job.task
    shown = next(family for family in task.figures.families if session.job.choose_by in family)
    cut_up = any(count for note, count in notes.items() if note.startswith("windowed_"))
    console = ConsoleLogger(shown=shown, noun="windows" if cut_up else task.wording.words.examples)
    loggers: list[Callable[[Event], None]] = [
        stack.enter_context(JsonlLogger(session.target.events)),
        stack.enter_context(console),
    ]
    if session.job.settings.loggers:
        loggers.append(stack.enter_context(tracking.trackers(session.job.loaded, session.target)))
    return [*loggers, *session.job.listeners]


def _tell_long(task: AnyTask, notes: Mapping[str, Mapping[str, int]]) -> None:
    """Report inputs that are split or truncated."""
    for split, result in notes.items():
        for note, text in task.model.notes.items():
            if result.get(note) and note.startswith(("windowed_", "cut_")):
                tell(f"{split}: {quantity(result[note], text)}")


def _record(session: Session, encoder: Loaded, machine: dict[str, Any], notes: Mapping[str, dict[str, int]]) -> None:
    """Record what is known before the first step: data, inputs, model, machine."""
    record = session.target.read()
    settings, named = session.job.settings, augmented_corpus.files(session.job.loaded)
    named += [*settings.task.training_files(), *pretraining.files(settings), *distillation.files(session.job)]
    inputs = provenance.input_hashes([*session.corpora.files, *named])
    changed = [path for path, digest in inputs.items() if record.inputs.get(path, digest) != digest]
    if session.resume and changed:
        help = "restore it, or start a new run without --resume"
        raise HallucError("R109", f"{', '.join(changed)} changed since this training started", help=help)
    record.inputs = inputs
    record.gap = session.job.withheld.as_record() if session.job.withheld else None
    task = session.job.task
    data = check_corpora(session.job.corpora(_READ), task.wording.words, config=session.job.settings.data).model_copy(
        update={"encoding": notes}
    )
    for unseen in unseen_labels(data):  # the only oddity that changes the meaning of figures on dev
        warn(unseen)
    if (why_last := _last_checkpoint_reason(session)) is not None:
        unused = "" if session.job.settings.train.patience is None else ", and early stopping (`patience`) is off"
        warn(f"{why_last}: no checkpoint will be selected, and the last one is kept{unused}")
    _tell_long(task, notes)
    write_json(session.target.data, data.model_dump(mode="json"))
    training_knowledge.record(session.job, session.corpora)
    record.hardware = {**record.hardware, **machine}
    record.keep_checkpoints = session.job.settings.train.checkpoints.keep
    commit = {} if encoder.commit is None else {"commit": encoder.commit}  # the commit on the hub
    record.model = {**commit, "parameters": sum(p.numel() for p in encoder.model.parameters())}
    if session.job.settings.model.lora is not None:
        record.model["trained_parameters"] = sum(p.numel() for p in encoder.model.parameters() if p.requires_grad)
    if session.pretrained is not None:
        record.model["pretraining"] = session.pretrained.facts
    transfer.record(session.job, record)
    session.target.write(record)
