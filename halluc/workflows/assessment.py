"""Evaluates one model on some splits: predictions, ledger, figures and reports, each file written atomically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy

from halluc.analysis import confidence as calibrating
from halluc.analysis import scoring, verdicts
from halluc.analysis.table import table
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.files import write_json, write_jsonl, write_text
from halluc.core.messages import Level, hears, tell, warn
from halluc.data.rows.references import SplitName
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs.directory import RunDir
from halluc.runs.schema import ConfidenceFile, EvalFile
from halluc.task import AnyTask
from halluc.workflows import run_state, training_knowledge
from halluc.workflows.ensembles import Ensemble
from halluc.workflows.job import Job
from halluc.workflows.ready_models import FITTED_ON, HALF, PredictedSplit, ReadyModel


def assess(
    job: Job,
    corpora: Mapping[SplitName, Corpus[Any]],
    wanted: Sequence[SplitName],
    reference: str,
    ensemble: Ensemble | None = None,
    into: RunDir | None = None,
) -> list[EvalFile]:
    """Evaluate the model, or an ensemble with it, on the requested splits, and write the results of each.

    ``corpora`` also has dev if the confidence is fitted on it. ``into`` is the run for the files; None: the run.
    """
    target, settings = job.target, job.settings.eval
    knowledge = training_knowledge.of(job)
    changed = run_state.warn_changed_model(target) if reference == str(target.model) else []
    model = ReadyModel.load(job, reference) if ensemble is None else ensemble.ready(corpora)
    members = ensemble.records if ensemble else []
    dev = model.predict(corpora["dev"]) if calibrating.needs_dev(settings) else None
    confidence = calibrating.fit(
        model.task, dev.corpus if dev else None, dev.predictions if dev else (), settings, knowledge
    ).model_copy(update={"ensemble": [member.sha256 for member in members]})
    # The thresholds of an ensemble's members are averaged: the data that each was fitted on is not checked.
    model_config = model.encoder.model.config if isinstance(model, ReadyModel) else None
    fits_on_test = hasattr(model.task.model, "fit_on_dev") and getattr(model_config, FITTED_ON, None) != HALF
    calibrating.announce(confidence, settings, fits_on_test)
    files = []
    for split in wanted:
        predicted = dev if dev and split == "dev" else model.predict(corpora[split])
        predicted = _run_tests(job, model, predicted)
        if hears(Level.NORMAL):
            for line in model.task.model.findings(predicted.corpus, predicted.notes, model.outputs):
                tell(f"{split}: {line}")
        warn_unknown(predicted.notes, f"{split}: ")
        source: dict[str, Any] = {
            "checkpoint": reference,
            "changed_model_files": changed,
            "decoding": model.decoding,
            "ensemble": members,
        }
        files.append(write(into or target, model.task, source, predicted, knowledge, confidence))
    write_json((into or target).confidence, confidence.model_dump(mode="json"))
    return files


def _run_tests(job: Job, model: Any, predicted: PredictedSplit) -> PredictedSplit:
    """The predictions after further tests of the model, if the task has such tests and its config asks for them."""
    tests: Any = model.task.model
    if not getattr(tests, "asks_training", False):
        return predicted
    if job.settings.data.train is None:
        help = "set the training split, from which tokens are drawn"
        raise HallucError("C107", "`task.perturbation` needs `data.train`", help=help)
    tested = tests.tested(
        model.encoder,
        predicted.corpus.examples,
        predicted.predictions,
        job.train().examples,
        model.settings.batch_tokens,
        model.engine,
        job.settings.seed,
    )
    return replace(predicted, predictions=tested)


def warn_unknown(notes: Mapping[str, int], of: str = "") -> None:
    """Warn if the tokenizer does not know most of the words; ``of`` is the start of the line."""
    words, unknown = notes.get("words", 0), notes.get("unknown_words", 0)
    if 2 * unknown > words:
        warn(f"{of}{unknown / words:.0%} of the words are unknown to the model's tokenizer")


def write(
    target: RunDir,
    task: AnyTask,
    source: Mapping[str, Any],
    predicted: PredictedSplit,
    knowledge: TrainingKnowledge | None,
    confidence: ConfidenceFile,
) -> EvalFile:
    """Write all files of one split; ``source`` are the fields of ``EvalFile`` about the source of the predictions."""
    corpus, split = predicted.corpus, predicted.corpus.split
    predictions = verdicts.calibrated(predicted.predictions, confidence.temperature)
    metrics = task.figures
    # Everything is computed before anything is written: the files of one evaluation belong together.
    judged = verdicts.verdicts(task, corpus.examples, predictions)
    lines = verdicts.ledger_lines(judged, map(task.judge.gold, corpus.examples), knowledge, confidence)
    label_counts = knowledge.label_counts if knowledge else None
    lengths = [len(example.tokens) for example in corpus]
    claim_table = table(task, lines, [example.id for example in corpus], lengths, label_counts)
    scaled = confidence.temperature != 1.0
    uncalibrated = numpy.array([c for p in predicted.predictions for c in p.confidences]) if scaled else None
    slices_of = getattr(knowledge, "slices", None)
    slices = slices_of(corpus.examples) if slices_of else None
    figures = scoring.score(corpus.examples, predictions, claim_table, uncalibrated, slices)
    pairs = zip(corpus.examples, predictions, strict=True)
    rows = metrics.report(corpus.examples, predictions)
    file = EvalFile(task=task.name, split=split, encoding=predicted.notes, metrics=figures, **source)
    write_jsonl(target.predictions(split), (task.examples.line(*pair).model_dump(mode="json") for pair in pairs))
    write_jsonl(target.ledger(split), map(verdicts.ledger_record, lines))
    write_json(target.report(split, "json"), rows)
    write_text(target.report(split, "txt"), metrics.text(rows))
    write_json(target.evaluation(split), file.model_dump(mode="json"))
    return file
