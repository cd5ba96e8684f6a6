"""``halluc eval``: predictions, metrics and classification reports of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from halluc.commands import experiment, scoring
from halluc.commands.terminal import Talk, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.examples import Corpus, Tagged
from halluc.core.files import write_json, write_jsonl, write_text
from halluc.data.corpora import read_corpora
from halluc.data.readers.base import SPLITS, SplitName
from halluc.metrics import entity, token
from halluc.runs import directory
from halluc.runs.directory import RunDir
from halluc.runs.schema import EvalFile, MetricResult, SpanPrediction


def run(
    config: Path | None, overrides: Sequence[str], *, splits: list[str] | None, run: Path | None, talk: Talk
) -> None:  # fmt: skip
    loaded, target = _find(config, overrides, run)
    wanted = _splits(loaded, splits)
    corpora = read_corpora(loaded.experiment.data, TABLE, wanted)
    with target.locked(), target.stage("eval", list(overrides)) as stage:
        files = _evaluate(loaded, corpora.splits, target, talk)
        stage.detail = {file.split: scoring.headline(file.metrics) for file in files}
    for file in files:
        if talk is Talk.JSON:
            put_json(file.model_dump(mode="json"))
        elif talk is not Talk.QUIET:
            _show(target, file)
    if talk is not Talk.JSON:
        say(f"results: {target.path / 'eval'}")


def _find(config: Path | None, overrides: Sequence[str], run: Path | None) -> tuple[LoadedConfig, RunDir]:
    if run is not None:
        loaded, target = experiment.load_run(run, overrides)
        if config is not None:
            loaded = experiment.load(config, overrides)
            if loaded.sha256 != target.read().config_sha256:
                raise HallucError("R104", f"{run} holds a run of another config than {config}")
    elif config is not None:
        loaded = experiment.load(config, overrides)
        found = directory.newest(Path(loaded.experiment.runs_dir), loaded.experiment.name, loaded.sha256)
        if found is None or not found.model.is_dir():
            state = "no run" if found is None else "no finished training"
            where = Path(loaded.experiment.runs_dir) / loaded.experiment.name
            sets = "".join(f" --set {override}" for override in overrides)
            help = f"train it first: halluc train {config}{sets}"
            raise HallucError("R105", f"{where} has {state} of this config", help=help)
        target = found
    else:
        raise HallucError("C011", "name a CONFIG, or a run with --run DIR")
    if not target.model.is_dir():
        raise HallucError("R105", f"{target.path} has no model/", help="its training did not finish")
    return loaded, target


def _splits(loaded: LoadedConfig, asked: list[str] | None) -> tuple[SplitName, ...]:
    data = loaded.experiment.data
    there = [split for split in SPLITS if data.reference(split)]
    names = asked or loaded.experiment.eval.splits or [split for split in there if split != "train"] or there
    for name in names:
        if name not in SPLITS:
            near = did_you_mean(name, SPLITS)
            raise HallucError(
                "C011", f"no split `{name}`", help=f"did you mean `{near}`?" if near else "train, dev, test"
            )
        if name not in there:
            raise HallucError("C011", f"the config names no `data.{name}`", help=f"it has {', '.join(there)}")
    return tuple(split for split in SPLITS if split in names)


def _evaluate(
    loaded: LoadedConfig, corpora: dict[SplitName, Corpus[Tagged]], target: RunDir, talk: Talk
) -> list[EvalFile]:  # fmt: skip
    from halluc.engine import runtime
    from halluc.tasks.encoders import quiet_libraries

    quiet_libraries(talk is Talk.VERBOSE)
    settings = loaded.experiment
    task = experiment.task_of(loaded)
    engine = runtime.start(settings.train.precision, settings.seed)
    encoder = task.restore(target.model, runtime.attention_for(engine.device.type))
    model = encoder.model.to(engine.device)
    files = []
    for split, corpus in corpora.items():
        encoded = task.encode(corpus.examples, encoder)
        if talk in (Talk.NORMAL, Talk.VERBOSE):
            _tell(split, len(corpus), encoded.notes)
        predictions = scoring.predict(model, task, encoded, settings.eval.batch_tokens, engine)
        metrics = scoring.score(corpus.examples, predictions)
        files.append(_write(target, task.name, split, corpus, predictions, metrics))
    return files


def _tell(split: str, sentences: int, notes: dict[str, int]) -> None:
    words = {
        "windowed_sentences": "sentences longer than the model's limit, read in overlapping windows",
        "cut_words": "very long words cut to their first pieces",
        "unknown_words": "words without a piece of their own, read as the unknown piece",
        "unknown_label_tokens": "tokens with a label that the model does not know: they count as missed",
    }
    say(f"{split}: {sentences:,} sentences")
    for note, count in notes.items():
        if count:
            say(f"{split}: {count:,} {words[note]}")


def _write(
    target: RunDir, task: str, split: str, corpus: Corpus[Tagged], predictions: list[Any], metrics: list[MetricResult]
) -> EvalFile:  # fmt: skip
    """Predictions, metrics and reports of one split, each file whole."""
    gold, predicted = scoring.gold_tags(corpus.examples), [prediction.tags for prediction in predictions]
    write_jsonl(target.predictions(split), map(_line, corpus.examples, gold, predictions))
    rows = {"entity": entity.report(gold, predicted), "entity_strict": entity.report(gold, predicted, strict=True)}
    rows["token"] = token.report(gold, predicted)
    write_json(target.report(split, "json"), rows)
    parts = {
        f"entities, {entity.CONLLEVAL}": rows["entity"],
        f"entities, {entity.STRICT}": rows["entity_strict"],
        f"tokens, {token.PROTOCOL}": rows["token"],
    }
    write_text(target.report(split, "txt"), "\n".join(f"{h}\n\n{token.as_text(r)}" for h, r in parts.items()))
    file = EvalFile(task=task, split=split, metrics=metrics)
    write_json(target.evaluation(split), file.model_dump(mode="json"))
    return file


def _line(example: Tagged, gold: list[str], prediction: Any) -> dict[str, Any]:
    spans = zip(prediction.spans, prediction.confidences, strict=True)
    return SpanPrediction(
        id=example.id,
        tokens=list(example.tokens),
        gold=list(example.spans),
        predicted=[(*span, round(confidence, 6)) for span, confidence in spans],
        gold_tags=gold,
        predicted_tags=list(prediction.tags),
    ).model_dump(mode="json")


def _show(target: RunDir, file: EvalFile) -> None:
    say()
    say(f"{file.split}: entities and tokens")
    say(target.report(file.split, "txt").read_text(encoding="utf-8"))
