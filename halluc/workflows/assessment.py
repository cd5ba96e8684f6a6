"""One model on some splits: predictions, ledger, figures and reports, each file whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy

from halluc.analysis import confidence as calibrating
from halluc.analysis import scoring, verdicts
from halluc.analysis.table import table
from halluc.config.evaluation import Decoding, EvalConfig
from halluc.config.models import ModelConfig
from halluc.core.examples import Corpus
from halluc.core.files import write_json, write_jsonl, write_text
from halluc.core.messages import Level, hears, tell, warn
from halluc.data.rows.references import SplitName
from halluc.runs.directory import RunDir
from halluc.runs.schema import ConfidenceFile, EvalFile
from halluc.task import AnyTask, Loaded, TrainingKnowledge
from halluc.workflows import run_state, withholding
from halluc.workflows.job import Job

if TYPE_CHECKING:
    from halluc.engine.runtime import Runtime

_NO_SCHEME = (
    "the model's tags fit no scheme (IOB1, IOB2, BIOES, BILOU, BMES): each word gets its most probable tag, as with "
    "`eval.decode: argmax`"
)


@dataclass(frozen=True)
class PredictedSplit:
    """A split and what the model says of it, in its order; ``notes`` as in ``encoding`` of eval/<split>.json."""

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

    @classmethod
    def load(cls, job: Job, reference: str) -> ReadyModel:
        from halluc.engine import runtime
        from halluc.engine.pretrained import quiet_libraries

        quiet_libraries(hears(Level.VERBOSE))
        settings, task = job.settings, job.task
        engine = runtime.start(settings.train.precision, settings.seed)
        model = ModelConfig(name=reference, trust_remote_code=settings.model.trust_remote_code)
        encoder = task.model.restore(model, settings.eval.labels or {}, runtime.attention_for(engine.device.type))
        asked = settings.eval.decode
        decoding = task.model.decoding(encoder.outputs, asked)
        if decoding not in (None, asked):
            warn(_NO_SCHEME)
        encoder.model.to(engine.device)
        return cls(task, encoder, engine, settings.eval, decoding)

    def predict(self, corpus: Corpus[Any]) -> PredictedSplit:
        encoded = self.task.model.encode(corpus.examples, self.encoder)
        budget = self.settings.batch_tokens
        made = self.task.model.predict(self.encoder.model, encoded, budget, self.engine, self.decoding)
        return PredictedSplit(corpus, made, encoded.notes)


def assess(
    job: Job,
    corpora: Mapping[SplitName, Corpus[Any]],
    wanted: Sequence[SplitName],
    reference: str,
    into: RunDir | None = None,
) -> list[EvalFile]:
    """Evaluate the model on the wanted splits and write what it says of each.

    ``corpora`` holds dev too where the confidence is fitted on it. ``into`` takes the files; None: the run.
    """
    target, settings = job.target, job.settings.eval
    knowledge = withholding.knowledge(job)
    changed = run_state.warn_changed_model(target) if reference == str(target.model) else []
    model = ReadyModel.load(job, reference)
    dev = model.predict(corpora["dev"]) if calibrating.needs_dev(settings) else None
    confidence = calibrating.fit(
        model.task, dev.corpus if dev else None, dev.predictions if dev else (), settings
    )  # fmt: skip
    calibrating.announce(confidence, settings, hasattr(model.task.model, "fit_on_dev"))
    files = []
    for split in wanted:
        predicted = dev if dev and split == "dev" else model.predict(corpora[split])
        if hears(Level.NORMAL):
            for line in model.task.model.findings(predicted.corpus, predicted.notes, model.encoder.outputs):
                tell(f"{split}: {line}")
        warn_unknown(predicted.notes, f"{split}: ")
        made_by = {"checkpoint": reference, "changed_model_files": changed, "decoding": model.decoding}
        files.append(write(into or target, model.task, made_by, predicted, knowledge, confidence))
    write_json((into or target).confidence, confidence.model_dump(mode="json"))
    return files


def warn_unknown(notes: Mapping[str, int], of: str = "") -> None:
    """Warn where the tokenizer does not know most of the words; ``of`` begins the line."""
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
    """All files of one split; ``made_by`` are the fields of eval/<split>.json that tell where predictions are from."""
    corpus, split = predicted.corpus, predicted.corpus.split
    predictions = verdicts.calibrated(predicted.predictions, confidence.temperature)
    metrics = task.figures
    # Everything is computed before anything is written: files of one evaluation belong together.
    judged = verdicts.verdicts(task, corpus.examples, predictions)
    lines = verdicts.ledger_lines(task, corpus.examples, judged, knowledge, confidence.threshold)
    label_counts = knowledge.label_counts if knowledge else None
    lengths = [len(example.tokens) for example in corpus]
    counted = table(task, lines, [example.id for example in corpus], lengths, label_counts)
    scaled = confidence.temperature != 1.0
    uncalibrated = numpy.array([c for p in predicted.predictions for c in p.confidences]) if scaled else None
    # Tasks whose knowledge tells more of an example than the novelty of its claims.
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
