"""``halluc train``: config, data, model, loop, and the best checkpoint as ``model/``."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from halluc.commands import experiment, scoring
from halluc.commands.terminal import Talk, people, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.rendering import annotated
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.files import replace_folder, write_json
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora, read_corpora
from halluc.loggers.console import ConsoleLogger
from halluc.loggers.jsonl import JsonlLogger
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.runs.events import Checkpointed, Evaluated, Event, Stopped
from halluc.runs.schema import Stage


def run(config: Path, overrides: Sequence[str], *, run: Path | None, talk: Talk) -> None:
    loaded = experiment.load(config, overrides)
    if loaded.experiment.data.train is None:
        raise HallucError("C107", "`halluc train` needs `data.train`", help="name the training split")
    choose_by = _choose_by(loaded)
    corpora = read_corpora(loaded.experiment.data, TABLE, ("train", "dev"))
    target = _directory(loaded, run)
    with target.locked(), target.stage("train", list(overrides)) as stage:
        best = _train(loaded, corpora, choose_by, target, stage, talk)
    if talk is Talk.JSON:
        put_json({"run": str(target.path), "model": str(target.model), "best": best})
    else:
        say(f"model: {target.model}")


def _choose_by(loaded: LoadedConfig) -> str:
    """The dev metric that chooses the checkpoint."""
    task, asked = experiment.task_of(loaded), loaded.experiment.train.best
    if asked is None or asked in task.metrics:
        return str(asked or task.primary)
    near = did_you_mean(asked, task.metrics)
    help = f"did you mean `{near}`?" if near else f"one of {', '.join(task.metrics)}"
    where = loaded.origins.get(("train", "best"))
    raise HallucError("C103", f'`train.best` cannot be "{asked}"', where, help)


def _directory(loaded: LoadedConfig, named: Path | None) -> RunDir:
    """The run to write: the one named, or the newest of this config that is not finished, or a new one."""
    if named is not None and named.exists() and any(named.iterdir()):
        found = directory.open_run(named)
        if found.read().config_sha256 != loaded.sha256:
            raise HallucError("R104", f"{named} holds a run of another config", help="name an empty folder")
        return found
    if named is not None:
        named.mkdir(parents=True, exist_ok=True)
        record = experiment.new_record(loaded, "train")
        return directory.fill(RunDir(named), record, annotated(loaded), loaded.files)
    newest = directory.newest(Path(loaded.experiment.runs_dir), loaded.experiment.name, loaded.sha256)
    if newest is not None and not newest.model.is_dir():
        say(f"{newest.path} was not finished: training starts anew in it")
        return newest
    return experiment.create(loaded, "train")


def _train(
    loaded: LoadedConfig, corpora: Corpora, choose_by: str, target: RunDir, stage: Stage, talk: Talk
) -> dict[str, Any] | None:
    # torch and transformers take seconds to import: what can fail without them has failed by now.
    from halluc.engine import loop, runtime
    from halluc.tasks.encoders import quiet_libraries

    quiet_libraries(talk is Talk.VERBOSE)
    settings = loaded.experiment
    task = experiment.task_of(loaded)
    engine = runtime.start(settings.train.precision, settings.seed)
    train, dev = corpora.splits["train"], corpora.splits.get("dev")
    labels = task.labels(train)
    if not labels:
        raise HallucError("D131", f"{train.source} has no mention: there is nothing to learn", exit_code=3)
    encoder = task.build(settings.model, labels, runtime.attention_for(engine.device.type))
    encoded = task.encode(train.examples, encoder)
    encoded_dev = task.encode(dev.examples, encoder) if dev else None
    _record(target, corpora, encoder, runtime.describe(engine), {"train": encoded.notes})

    def evaluate(model: Any) -> dict[str, float]:
        assert dev is not None
        predictions = scoring.predict(model, task, encoded_dev, settings.eval.batch_tokens, engine)
        return scoring.headline(scoring.score(dev.examples, predictions))

    events = loop.fit(
        encoder.model, encoded, settings.train, engine,
        seed=settings.seed, evaluate=evaluate if dev else None, choose_by=choose_by,
    )  # fmt: skip
    keeper = _Keeper(target, engine.accelerator.unwrap_model(encoder.model), encoder.tokenizer, choose_by)
    with contextlib.ExitStack() as stack:
        listeners: list[Callable[[Event], None]] = [stack.enter_context(JsonlLogger(target.events))]
        if talk in (Talk.NORMAL, Talk.VERBOSE):
            console = ConsoleLogger(people, every_step=talk is Talk.VERBOSE, primary=choose_by)
            listeners.append(stack.enter_context(console))
        for event in keeper.watch(events):
            for listener in listeners:
                listener(event)
    keeper.publish()
    stage.detail = {"best": keeper.best, "notes": encoded.notes}
    run_file = target.read()
    run_file.best = keeper.best
    target.write(run_file)
    return keeper.best


def _record(target: RunDir, corpora: Corpora, encoder: Any, machine: dict[str, Any], notes: dict[str, Any]) -> None:
    """What is known before the first step: data, inputs, model, machine."""
    write_json(target.path / "data.json", {**check_corpora(corpora).as_json(), "encoding": notes})
    record = target.read()
    record.inputs = provenance.input_hashes(corpora.files)
    record.hardware = {**record.hardware, **machine}
    record.model = {"commit": encoder.commit, "parameters": sum(p.numel() for p in encoder.model.parameters())}
    target.write(record)


class _Keeper:
    """Listens for the best evaluation, keeps those weights, and publishes them as ``model/``."""

    def __init__(self, target: RunDir, model: Any, tokenizer: Any, choose_by: str) -> None:
        self.target, self.model, self.tokenizer, self.choose_by = target, model, tokenizer, choose_by
        self.best: dict[str, Any] | None = None

    def watch(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            yield event
            if isinstance(event, Evaluated) and event.best:
                yield self._keep(event.step, self.choose_by, event.metrics)
            elif isinstance(event, Stopped) and self.best is None:
                yield self._keep(event.step, "last: no dev split", {})

    def _keep(self, step: int, chosen_by: str, metrics: dict[str, float]) -> Checkpointed:
        self.best = {"step": step, "chosen_by": chosen_by, "dev": metrics}
        replace_folder(self.target.best, self._save)
        return Checkpointed(step, str(self.target.best))

    def _save(self, folder: Path) -> None:
        from halluc.tasks.encoders import save

        save(self.model, self.tokenizer, folder)

    def publish(self) -> None:
        replace_folder(self.target.model, lambda folder: shutil.copytree(self.target.best, folder, dirs_exist_ok=True))
