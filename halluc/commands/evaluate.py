"""``halluc eval``: predictions, metrics and classification reports of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.commands import experiment, scoring
from halluc.commands.terminal import Talk, put_json, say
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig, sha256_of_tree
from halluc.config.schema import ModelConfig
from halluc.core.errors import HallucError, did_you_mean
from halluc.core.examples import Corpus, Tagged
from halluc.core.files import write_json, write_jsonl, write_text
from halluc.data.corpora import read_corpora
from halluc.data.readers.base import SPLITS, SplitName
from halluc.engine.references import resolve_model
from halluc.metrics import entity, token
from halluc.runs import directory, provenance
from halluc.runs.directory import RunDir
from halluc.runs.schema import EvalFile, SpanPrediction

# What a person should know of how sentences became model input, in the words of the terminal.
_NOTES = {
    "windowed_sentences": "sentences longer than the model's limit, read in overlapping windows",
    "cut_words": "very long words cut to their first pieces",
    "dropped_words": "words that the tokenizer drops, read as the unknown piece",
    "unknown_label_tokens": "tokens with a label that the model does not know: they count as missed",
}


def run(
    config: Path | None,
    overrides: Sequence[str],
    *,
    splits: list[str] | None,
    run: Path | None,
    checkpoint: str | None,
    talk: Talk,
) -> None:
    loaded, target, model = _find(config, overrides, run, checkpoint)
    wanted = _splits(loaded, splits)
    corpora = read_corpora(loaded.experiment.data, TABLE, wanted)
    if target is None:  # a model from elsewhere: its evaluation gets a run of its own
        target = _home(loaded, model)
    with target.locked(), target.stage("eval", list(overrides)) as stage:
        files = _evaluate(loaded, corpora.splits, target, model, talk)
        # What training read stands in `inputs`; what was evaluated stands here, in case a file has changed since.
        inputs = {**stage.detail.get("inputs", {}), **provenance.input_hashes(corpora.files)}
        stage.detail = {**stage.detail, **{file.split: _headline(file) for file in files}, "inputs": inputs}
    for file in files:
        if talk is Talk.JSON:
            put_json(file.model_dump(mode="json"))
        elif talk is not Talk.QUIET:
            say(f"\n{file.split}\n\n{target.report(file.split, 'txt').read_text(encoding='utf-8')}")
    if talk is not Talk.JSON:
        say(f"results: {target.path / 'eval'}")


def _headline(file: EvalFile) -> dict[str, float | None]:
    return {m.name: m.value for m in file.metrics if not m.by and m.protocol in (entity.CONLLEVAL, token.PROTOCOL)}


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
        resolve_model(checkpoint)  # before anything is made for it
        return experiment.load(config, overrides), None, checkpoint
    if run is not None:
        loaded, target = experiment.load_run(run, overrides)
        if config is not None:
            kept, loaded = loaded, experiment.load(config, overrides)
            if loaded.sha256 != target.read().config_sha256:
                keys = ", ".join(experiment.differences(kept.tree, loaded.tree))
                raise HallucError("R104", f"{run} holds a run of another config than {config}: it differs in {keys}")
    elif config is not None:
        loaded, target = _newest(config, overrides)
    else:
        raise HallucError("C011", "name a CONFIG, or a run with --run DIR")
    if not target.model.is_dir():
        help = "its training did not finish (see `--resume`), or the folder was removed"
        raise HallucError("R105", f"{target.path} has no model/", help=help)
    return loaded, target, str(target.model)


def _newest(config: Path, overrides: Sequence[str]) -> tuple[LoadedConfig, RunDir]:
    loaded = experiment.load(config, overrides)
    runs_dir, name = Path(loaded.experiment.runs_dir), loaded.experiment.name
    found = directory.newest(runs_dir, name, loaded.sha256, lambda run: run.model.is_dir())
    if found is not None:
        return loaded, found
    unfinished = directory.newest(runs_dir, name, loaded.sha256)
    sets = "".join(f" --set {override}" for override in overrides)
    command = f"halluc train {config}{sets}"
    if unfinished is not None and unfinished.has_checkpoint():
        command += " --resume"
    state = "no finished training" if unfinished else "no run"
    raise HallucError("R105", f"{runs_dir / name} has {state} of this config", help=f"train it first: {command}")


def _home(loaded: LoadedConfig, model: str) -> RunDir:
    """The run of evaluating ``model`` under this config: the newest there is, or a new one."""
    sha256 = sha256_of_tree({**loaded.model_sections, "checkpoint": model})
    found = directory.newest(Path(loaded.experiment.runs_dir), loaded.experiment.name, sha256)
    return found or experiment.create(loaded, "eval", sha256)


def _splits(loaded: LoadedConfig, asked: list[str] | None) -> tuple[SplitName, ...]:
    data = loaded.experiment.data
    there = [split for split in SPLITS if data.reference(split)]
    names = asked or loaded.experiment.eval.splits or [split for split in there if split != "train"] or there
    for name in names:
        if name not in SPLITS:
            near = did_you_mean(name, SPLITS)
            help = f"did you mean `{near}`?" if near else f"one of {', '.join(SPLITS)}"
            raise HallucError("C011", f"no split `{name}`", help=help)
        if name not in there:
            raise HallucError("C011", f"the config names no `data.{name}`", help=f"it has {', '.join(there)}")
    return tuple(split for split in SPLITS if split in names)


def _evaluate(
    loaded: LoadedConfig, corpora: dict[SplitName, Corpus[Tagged]], target: RunDir, reference: str, talk: Talk
) -> list[EvalFile]:
    from halluc.engine import runtime
    from halluc.tasks.encoders import quiet_libraries

    quiet_libraries(talk is Talk.VERBOSE)
    settings = loaded.experiment
    task = experiment.task_of(loaded)
    engine = runtime.start(settings.train.precision, settings.seed)
    names = settings.eval.labels or {}
    model = ModelConfig(name=reference, trust_remote_code=settings.model.trust_remote_code)
    encoder = task.restore(model, names, runtime.attention_for(engine.device.type))
    encoder = replace(encoder, model=encoder.model.to(engine.device))
    files = []
    for split, corpus in corpora.items():
        encoded = task.encode(corpus.examples, encoder)
        if talk in (Talk.NORMAL, Talk.VERBOSE):
            _tell(split, corpus, encoded.notes, encoder.outputs)
        if 2 * encoded.notes["unknown_words"] > encoded.notes["words"]:
            share = encoded.notes["unknown_words"] / encoded.notes["words"]
            say(f"warning: {split}: {share:.0%} of the words are unknown to the model's tokenizer", style="yellow")
        predictions = scoring.predict(encoder.model, task, encoded, settings.eval.batch_tokens, engine)
        files.append(_write(target, task.name, reference, corpus, predictions, encoded.notes))
    return files


def _tell(split: str, corpus: Corpus[Tagged], notes: dict[str, int], outputs: Sequence[str]) -> None:
    say(f"{split}: {len(corpus):,} sentences, {notes['words']:,} words, each with one prediction")
    for note, told in _NOTES.items():
        if notes[note]:
            say(f"{split}: {notes[note]:,} {told}")
    if not any(example.spans for example in corpus):
        say(f"{split}: no gold mention: entity figures are 0 by convention")
    foreign = {tag[2:] for tag in outputs if tag != "O"} - {span.label for e in corpus for span in e.spans}
    if foreign:
        listed = ", ".join(sorted(foreign))
        say(f"{split}: the model has labels that this split never shows: {listed} (`eval.labels` can rename them)")


def _write(
    target: RunDir, task: str, reference: str, corpus: Corpus[Tagged], predictions: list[Any], notes: dict[str, int]
) -> EvalFile:
    """Predictions, metrics and reports of one split, each file whole."""
    split = corpus.split
    gold, predicted = scoring.gold_tags(corpus.examples), [prediction.tags for prediction in predictions]
    # Everything is computed before anything is written: files of one evaluation belong together.
    metrics = scoring.score(gold, predicted)
    rows: dict[str, Any] = {
        "entity": entity.report(gold, predicted),
        "entity_strict": entity.report(gold, predicted, strict=True),
        "token": token.report(gold, predicted),
        "confusion": token.confusion(gold, predicted),
    }
    file = EvalFile(task=task, split=split, checkpoint=reference, encoding=notes, metrics=metrics)
    write_jsonl(target.predictions(split), map(_line, corpus.examples, gold, predictions))
    write_json(target.report(split, "json"), rows)
    write_text(target.report(split, "txt"), _report_text(rows))
    write_json(target.evaluation(split), file.model_dump(mode="json"))
    return file


def _report_text(rows: dict[str, Any]) -> str:
    parts = {
        f"entities, {entity.CONLLEVAL}": token.as_text(rows["entity"]),
        f"entities, {entity.STRICT}": token.as_text(rows["entity_strict"]),
        f"tokens, {token.PROTOCOL}": token.as_text(rows["token"]),
        "tokens, gold label (rows) by predicted label (columns)": token.confusion_as_text(rows["confusion"]),
    }
    return "\n".join(f"{heading}\n\n{text}" for heading, text in parts.items())


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
