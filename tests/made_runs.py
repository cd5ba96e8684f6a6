"""Run directories without a training: made predictions, judged, counted and written by the code that real ones are.

The model alone is made up: it says of each sentence what the test wants it to say. A run takes a fraction of a
second, and its figures are those that ``halluc eval`` would write of these predictions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from halluc.core.errors import HallucError
from halluc.core.files import write_json, write_jsonl
from halluc.core.labels import tag_set
from halluc.data.corpora import Corpora
from halluc.loggers.jsonl import JsonlLogger
from halluc.runs import integrity
from halluc.runs.directory import RunDir
from halluc.runs.events import Checkpointed, Evaluated, Event, Started, Step, Stopped
from halluc.workflows import augmentation, cells, evaluation, model_training, ready_models, run_locations
from halluc.workflows.cell_selection import EVERY_CELL
from halluc.workflows.job import Job, load
from tests.hostile_texts import ARMS as HOSTILE_ARMS
from tests.hostile_texts import hostile_config, hostile_examples, hostile_labels
from tests.made_models import PREPARED, MadeModel, labels_of
from tests.made_sentences import MadeExample, Rates, drawn_examples, made_sentences

__all__ = ["HOSTILE_ARMS", "MadeExample", "Rates", "drawn_examples", "hostile_config", "hostile_examples"]
__all__ += ["hostile_labels", "made_examples", "made_sentences", "make_run", "make_study", "record_again"]

PARAMETERS = 1_234


def make_run(
    folder: Path,
    examples: Sequence[MadeExample],
    *,
    name: str = "made",
    train: Sequence[MadeExample] | None = None,
    dev: Sequence[MadeExample] | None = None,
    split: str = "test",
    labels: Sequence[str] | None = None,
    config_extra: str = "",
    evaluated: bool = True,
) -> RunDir:
    """A run in ``folder/runs/<name>``, of the config ``folder/<name>.yaml`` on the corpora in ``folder/data-<name>``.

    Args:
        examples: the evaluated split, with what the model says of it.
        train: what the model was trained on; None: the same sentences of ``made_sentences`` each time.
        dev: what chose the checkpoint; None: no dev split.
        labels: those of the model's head; None: all that gold and predictions have.
        config_extra: more of the config as YAML, over what it would say without.
        evaluated: whether ``halluc eval`` has followed the training; without, the run has no figures.
    """
    training = list(made_sentences("train", 60)) if train is None else list(train)
    corpora = {"train": training, "dev": list(dev or ()), split: list(examples)}
    config = _write_config(folder, name, {key: value for key, value in corpora.items() if value}, config_extra)
    loaded = load(config, ())
    target = run_locations.create(loaded, "train")
    _train(Job(loaded, run=target), corpora, labels)
    if evaluated:
        _evaluate(Job(loaded, run=target), corpora, split)
    return target


def make_study(
    folder: Path,
    *,
    name: str = "study",
    arms: Mapping[str, Rates] = {"none": Rates(hallucinated=0.2), "mix": Rates(hallucinated=0.05)},
    fractions: Sequence[float] = (0.0, 0.25, 0.5),
    seeds: Sequence[int] = (1, 2),
    sentences: int = 80,
    config_extra: str = "",
    leave_out: Sequence[int] = (),
    split: str = "test",
    patches: Mapping[str, Mapping[str, Any]] = {},
) -> Path:
    """A study in ``folder/runs/<name>``, of the config ``folder/<name>.yaml``: arms by ``gap.fraction`` by seed.

    What a cell's model says is drawn by a key: at a fraction f it makes ``1 + f`` times the mistakes of its arm. No
    fraction, or no arm, leaves that axis out. ``leave_out`` are the places of cells that are not run. ``split`` is the
    evaluated one. ``patches`` are the configs of arms; arms without one differ in the warm-up.
    """
    corpora = {one: list(made_sentences(one, sentences)) for one in ("train", split)}
    config = _write_config(folder, name, corpora, _matrix(arms, fractions, seeds, patches) + config_extra)
    study, chosen = cells.begin(config, (), EVERY_CELL)
    for place, cell in enumerate(chosen):
        if place in leave_out:
            continue
        rates = arms.get(str(cell.choice.get("arm")), Rates())
        grown = rates.times(1 + float(cell.choice.get("gap.fraction") or 0))
        drawn = drawn_examples(corpora[split], grown, sorted(map(str, cell.choice.items())))
        target = run_locations.claim(run_locations.run_of(cell).path, cell.loaded, "train")
        _train(Job(cell.loaded, cell.slug, target), corpora, None)
        _evaluate(Job(cell.loaded, cell.slug, target), {**corpora, split: drawn}, split)
    return study.home


def made_examples(sentences: int = 60, rates: Rates = Rates(0.1, 0.1, 0.1), key: object = 0) -> list[MadeExample]:
    """A test split with drawn predictions: enough of every verdict and novelty for each part of a report."""
    return drawn_examples(list(made_sentences("test", sentences)), rates, key)


def record_again(run: RunDir, *splits: str) -> None:
    """Record the files that a test has changed as those that ``halluc eval`` wrote."""
    record = run.read()
    detail = record.stages["eval"].detail
    detail[integrity.FILES] = {split: integrity.of_evaluation(run, split) for split in splits or ("test",)}
    run.write(record)


def _matrix(
    arms: Mapping[str, Rates],
    fractions: Sequence[float],
    seeds: Sequence[int],
    patches: Mapping[str, Mapping[str, Any]],
) -> str:
    matrix: dict[str, Any] = {"seed": list(seeds)}
    if fractions:
        matrix["gap.fraction"] = list(fractions)
    if arms:  # arms must differ in something
        matrix["arm"] = {arm: patches.get(arm, {"train": {"warmup": place / 100}}) for place, arm in enumerate(arms)}
    gap = "gap: {unit: mention, control: none, fraction: 0.0}\n" if fractions else ""
    return f"{gap}matrix: {json.dumps(matrix)}\n"


def _write_config(folder: Path, name: str, corpora: Mapping[str, Sequence[MadeExample]], extra: str) -> Path:
    """JSON is YAML too, and writes any text of a path safely."""
    data: dict[str, str] = {"format": "jsonl"}
    for split, examples in corpora.items():
        file = folder / f"data-{name}" / f"{split}.jsonl"
        records = ({"id": f"{split}-{n}", "tokens": e.tokens, "spans": e.gold} for n, e in enumerate(examples, 1))
        write_jsonl(file, records)
        data[split] = str(file)
    base = {
        "task": {"type": "token_classification"},
        "data": data,
        "model": {"name": "made/encoder"},
        "runs_dir": str(folder / "runs"),
        "train": {"epochs": 2},
    }
    lines = "".join(f"{key}: {json.dumps(value)}\n" for key, value in base.items())
    (folder / f"{name}-base.yaml").write_text(lines, encoding="utf-8")
    config = folder / f"{name}.yaml"
    config.write_text(f"extends: {name}-base.yaml\nname: {name}\n{extra}", encoding="utf-8")
    return config


def _train(job: Job, corpora: Mapping[str, Sequence[MadeExample]], labels: Sequence[str] | None) -> None:
    """All that a training leaves behind, but weights."""
    remaining, target, engine = job.remaining(("train", "dev")), job.target, SimpleNamespace(is_main=True)
    with target.locked(), target.stage("train", []) as stage:
        augmentation.ensure(job)
        session = model_training.Session(job, engine, resume=False)
        weights = SimpleNamespace(numel=lambda: PARAMETERS)
        encoder = SimpleNamespace(commit=None, model=SimpleNamespace(parameters=lambda: [weights]))
        machine = {"device": "cpu", "precision": "fp32", "threads": 1, "processes": 1}
        model_training._record(session, encoder, machine, dict.fromkeys(remaining.splits, PREPARED))
        dev = _dev_figures(MadeModel(job, corpora), remaining)
        with JsonlLogger(target.events) as log:
            for event in _events(len(remaining.splits["train"]), dev):
                log(event)
        _publish(target, labels or sorted(labels_of(corpora)))
        best = {"step": 4, "chosen_by": job.choose_by if dev else "last: no dev split", "dev": dev}
        stage.detail = {"best": best, integrity.FILES: integrity.of_training(target)}
        record = target.read()
        record.best = best
        target.write(record)


def _dev_figures(model: MadeModel, corpora: Corpora) -> dict[str, float]:
    if "dev" not in corpora.splits:
        return {}
    said = model.predict(corpora.splits["dev"])
    return model.task.figures.headline(said.corpus.examples, said.predictions)


def _events(features: int, dev: dict[str, float]) -> Iterator[Event]:
    """Two epochs of four steps; the first of them chooses the checkpoint."""
    yield Started(8, 2, features, 20 * features, 0.1, "cpu", "fp32", 1, "as set", 1, 0)
    for step in range(1, 9):
        epoch, ends = (step + 3) // 4, step % 4 == 0
        yield Step(step, epoch, 2.0 / step, 5e-5, 1.0, features // 4, 5 * features, 0.5, ends, ends)
        if ends and dev:
            figures = {name: value if epoch == 1 else 0.9 * value for name, value in dev.items()}
            yield Evaluated(step, epoch, figures, epoch == 1, 0.25)
        if ends:
            yield Checkpointed(step, f"checkpoints/step-{step:08d}")
    yield Stopped(8, "all epochs done", False, 4.0, 2 * features)


def _publish(target: RunDir, labels: Sequence[str]) -> None:
    tags = dict(enumerate(tag_set(labels)))
    model = {"architectures": ["MadeForTokenClassification"], "model_type": "made", "id2label": tags}
    write_json(target.model / "config.json", model)


def _evaluate(job: Job, corpora: Mapping[str, Sequence[MadeExample]], split: str) -> None:
    """``halluc eval`` with the made model; a gate that is not met is left in the run, as on the command line."""
    model = MadeModel(job, corpora)
    wanted = [split, *(["dev"] if corpora.get("dev") and split != "dev" else [])]
    with mock.patch.object(ready_models.ReadyModel, "load", lambda *_: model):
        try:
            evaluation.evaluate_job(job, [], wanted)
        except HallucError as error:
            if error.code != "G100":
                raise
