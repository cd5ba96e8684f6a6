"""Evaluates one model on some splits: predictions, ledger, figures and reports, each file written atomically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy

from halluc.analysis import confidence as calibrating
from halluc.analysis import scoring, verdicts
from halluc.analysis.table import table
from halluc.config.evaluation import Decoding, EvalConfig
from halluc.config.models import ModelConfig
from halluc.config.schema import Experiment
from halluc.core.decision_scores import DecisionScores, MeanProbabilities
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.files import write_json, write_jsonl, write_text
from halluc.core.messages import Level, hears, tell, warn
from halluc.core.rng import keyed_seed
from halluc.data.rows.references import SplitName
from halluc.engine.exported import ExportedModel, ExportedRuntime
from halluc.gap.knowledge import TrainingKnowledge
from halluc.runs import exports
from halluc.runs.directory import RunDir
from halluc.runs.schema import ConfidenceFile, EvalFile
from halluc.task import AnyTask, Loaded
from halluc.workflows import run_state, withholding
from halluc.workflows.job import Job

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime
    from halluc.workflows.ensembles import Ensemble

_NO_SCHEME = (
    "the model's tags fit no scheme (IOB1, IOB2, BIOES, BILOU, BMES): each word gets its most probable tag, as with "
    "`eval.decode: argmax`"
)

# The key in a model's config.json for the part of dev on which its own threshold was fitted; "dev" means all of it.
FITTED_ON, HALF = "fitted_on", "half of dev"


@dataclass(frozen=True)
class PredictedSplit:
    """A split with the model's predictions, in order; ``notes`` as in ``encoding`` of eval/<split>.json."""

    corpus: Corpus[Any]
    predictions: list[Any]
    notes: dict[str, int]


@dataclass(frozen=True)
class ReadyModel:
    """A trained model that is ready to predict."""

    task: AnyTask
    encoder: Loaded
    engine: Runtime
    settings: EvalConfig
    decoding: Decoding | None
    seed: int

    @classmethod
    def load(cls, job: Job, reference: str, precision: str | None = None) -> ReadyModel:
        """``precision`` defaults to that of the config; an export has its own."""
        settings, task = job.settings, job.task
        engine, attention = _engine(settings, reference, precision or settings.train.precision)
        model = ModelConfig(name=reference, trust_remote_code=settings.model.trust_remote_code)
        encoder = task.model.restore(model, settings.eval.labels or {}, attention)
        asked = settings.eval.decode
        decoding = task.model.decoding(encoder.outputs, asked)
        if decoding not in (None, asked):
            warn(_NO_SCHEME)
        if not isinstance(engine, ExportedRuntime):
            encoder.model.to(engine.device)
        if settings.eval.uncertainty is not None:
            _refuse_certain(task, encoder.model)
        return cls(task, encoder, engine, settings.eval, decoding, settings.seed)

    def to_inference(self) -> ReadyModel:
        """The same model with its weights in the precision in which it computes: from now on it can only predict."""
        if not isinstance(self.engine, ExportedRuntime):
            from halluc.engine.reduced_precision import reduce_weights

            reduce_weights(self.encoder.model, self.engine)
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The meaning of each output of the head."""
        return self.encoder.outputs

    def scored(self, corpus: Corpus[Any]) -> tuple[Any, DecisionScores]:
        """The encoded corpus, and the model's decision scores for it; for a model with ``scored``.

        With ``eval.uncertainty`` these are the mean probabilities of several passes, with seeds derived from the
        config's.
        """
        model: Any = self.task.model
        encoded, asked = model.encode(corpus.examples, self.encoder), self.settings.uncertainty
        inputs = (self.encoder.model, encoded, self.settings.batch_tokens)
        if asked is None:
            return encoded, model.scored(*inputs, self.engine)
        mean = MeanProbabilities()
        for number in range(asked.samples):
            mean.add(model.scored(*inputs, replace(self.engine, sample=keyed_seed("uncertainty", self.seed, number))))
        return encoded, mean.result()

    def predict(self, corpus: Corpus[Any]) -> PredictedSplit:
        if self.settings.uncertainty is not None:
            encoded, scores = self.scored(corpus)
            made = cast("Any", self.task.model).decided(encoded, scores, self.decoding)
        else:
            encoded = self.task.model.encode(corpus.examples, self.encoder)
            budget = self.settings.batch_tokens
            made = self.task.model.predict(self.encoder.model, encoded, budget, self.engine, self.decoding)
        made = agreed(self.task, self.settings, corpus.examples, made, self.encoder.outputs)
        return PredictedSplit(corpus, made, encoded.notes)


def _engine(settings: Experiment, reference: str, precision: str) -> tuple[Any, str]:
    """The device and precision of the model, and the kind of attention; an export has its own."""
    folder = exports.of_model(run_state.model_folder(reference))
    if folder is not None:
        return ExportedRuntime.of(folder), ""
    from halluc.engine import runtime
    from halluc.engine.pretrained import quiet_libraries

    quiet_libraries(hears(Level.VERBOSE))
    engine = runtime.start(precision, settings.seed)
    return engine, runtime.attention_for(engine.device.type)


def _refuse_certain(task: AnyTask, model: torch.nn.Module) -> None:
    """
    Raises:
        HallucError C211: passes with dropout would be identical, or cannot be averaged.
    """
    if not hasattr(task.model, "scored"):
        message = f"`eval.uncertainty`: probabilities of a model for {task.name} cannot be averaged"
        raise HallucError("C211", message, help="remove it")
    # Every model has dropout modules in at least some layers; an export has none.
    if isinstance(model, ExportedModel) or not any(
        getattr(module, "p", 0) for module in model.modules() if "Dropout" in type(module).__name__
    ):
        message = "`eval.uncertainty`: the model has no dropout, so all passes are equal"
        raise HallucError("C211", message, help="train with `model.dropout`, or remove it")


def agreed(
    task: AnyTask, settings: EvalConfig, examples: Sequence[Any], predictions: list[Any], outputs: Sequence[str]
) -> list[Any]:
    """Predictions after the vote of ``eval.consistency``."""
    if settings.consistency == "none":
        return predictions
    made: list[Any] = getattr(task.model, "consistent")(examples, predictions, outputs)  # noqa: B009
    return made


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
    knowledge = withholding.knowledge(job)
    changed = run_state.warn_changed_model(target) if reference == str(target.model) else []
    model = ReadyModel.load(job, reference) if ensemble is None else ensemble.ready(corpora)
    members = ensemble.records if ensemble else []
    dev = model.predict(corpora["dev"]) if calibrating.needs_dev(settings) else None
    confidence = calibrating.fit(
        model.task, dev.corpus if dev else None, dev.predictions if dev else (), settings, knowledge
    ).model_copy(update={"ensemble": [member.sha256 for member in members]})
    # The thresholds of an ensemble's members are averaged: the data that each was fitted on is not checked.
    kept = model.encoder.model.config if isinstance(model, ReadyModel) else None
    fits_on_test = hasattr(model.task.model, "fit_on_dev") and getattr(kept, FITTED_ON, None) != HALF
    calibrating.announce(confidence, settings, fits_on_test)
    files = []
    for split in wanted:
        predicted = dev if dev and split == "dev" else model.predict(corpora[split])
        predicted = _tested(job, model, predicted)
        if hears(Level.NORMAL):
            for line in model.task.model.findings(predicted.corpus, predicted.notes, model.outputs):
                tell(f"{split}: {line}")
        warn_unknown(predicted.notes, f"{split}: ")
        made_by: dict[str, Any] = {"checkpoint": reference, "changed_model_files": changed, "decoding": model.decoding}
        made_by["ensemble"] = members
        files.append(write(into or target, model.task, made_by, predicted, knowledge, confidence))
    write_json((into or target).confidence, confidence.model_dump(mode="json"))
    return files


def _tested(job: Job, model: Any, predicted: PredictedSplit) -> PredictedSplit:
    """The predictions after further tests of the model, if the task has such tests and its config asks for them."""
    tests: Any = model.task.model
    if not getattr(tests, "asks_training", False):
        return predicted
    if job.settings.data.train is None:
        help = "set the training split, from which tokens are drawn"
        raise HallucError("C107", "`task.perturbation` needs `data.train`", help=help)
    made = tests.tested(
        model.encoder,
        predicted.corpus.examples,
        predicted.predictions,
        job.train().examples,
        model.settings.batch_tokens,
        model.engine,
        job.settings.seed,
    )
    return replace(predicted, predictions=made)


def warn_unknown(notes: Mapping[str, int], of: str = "") -> None:
    """Warn if the tokenizer does not know most of the words; ``of`` is the start of the line."""
    words, unknown = notes.get("words", 0), notes.get("unknown_words", 0)
    if 2 * unknown > words:
        warn(f"{of}{unknown / words:.0%} of the words are unknown to the model's tokenizer")


def write(
    target: RunDir,
    task: AnyTask,
    made_by: Mapping[str, Any],
    predicted: PredictedSplit,
    knowledge: TrainingKnowledge | None,
    confidence: ConfidenceFile,
) -> EvalFile:
    """Write all files of one split; ``made_by`` are the fields of eval/<split>.json with the source of the
    predictions."""
    corpus, split = predicted.corpus, predicted.corpus.split
    predictions = verdicts.calibrated(predicted.predictions, confidence.temperature)
    metrics = task.figures
    # Everything is computed before anything is written: the files of one evaluation belong together.
    judged = verdicts.verdicts(task, corpus.examples, predictions)
    lines = verdicts.ledger_lines(task, corpus.examples, judged, knowledge, confidence)
    label_counts = knowledge.label_counts if knowledge else None
    lengths = [len(example.tokens) for example in corpus]
    counted = table(task, lines, [example.id for example in corpus], lengths, label_counts)
    scaled = confidence.temperature != 1.0
    uncalibrated = numpy.array([c for p in predicted.predictions for c in p.confidences]) if scaled else None
    # Tasks whose knowledge gives more slices of an example than the novelty of its claims.
    slices_of = getattr(knowledge, "slices", None)
    slices = slices_of(corpus.examples) if slices_of else None
    figures = scoring.score(corpus.examples, predictions, counted, uncalibrated, slices)
    pairs = zip(corpus.examples, predictions, strict=True)
    rows = metrics.report(corpus.examples, predictions)
    file = EvalFile(
        task=task.name,
        split=split,
        encoding=predicted.notes,
        metrics=figures,
        **made_by,
    )
    write_jsonl(target.predictions(split), (task.examples.line(*pair).model_dump(mode="json") for pair in pairs))
    write_jsonl(target.ledger(split), map(verdicts.ledger_record, lines))
    write_json(target.report(split, "json"), rows)
    write_text(target.report(split, "txt"), metrics.text(rows))
    write_json(target.evaluation(split), file.model_dump(mode="json"))
    return file
