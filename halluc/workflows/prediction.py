"""Predicts texts, single or in chunks of a stream, with a trained model; the result is a record for each text."""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from halluc.analysis import verdicts
from halluc.core import threads
from halluc.core.claims import Claim
from halluc.core.errors import HallucError, data_error
from halluc.core.examples import Corpus, Origin
from halluc.core.files import json_line
from halluc.core.messages import Listener, Tick, listening, no_progress, progress, tell, warn
from halluc.core.quantities import quantity
from halluc.core.workers import in_order, number_of
from halluc.data.inputs import InputText, Item, in_chunks, paired, single
from halluc.data.reader import Reader
from halluc.data.rows.row import BadLine, Row, Unreadable
from halluc.data.rows.streams import TextStream, opened, watched
from halluc.data.tokenization import Tokenizer
from halluc.engine import environment
from halluc.runs.schema import Problem, Record, UnreadText
from halluc.task import Asserted
from halluc.workflows import assessment, ensembles, input_reading, ready_models, run_state, trained_models

# How many texts of one call are predicted together.
TOGETHER = 512

# A text, a pair of texts, or an object with the fields of a line of JSON Lines.
TextInput = str | tuple[str, str] | Mapping[str, Any]


@dataclass(frozen=True)
class PredictedInput:
    """The record of a text, with its sources; for a blank text all of them are None, and nothing is asserted."""

    record: Record
    example: Any = None
    prediction: Any = None
    asserted: tuple[Asserted, ...] = ()


@dataclass(frozen=True)
class Predictor:
    """A loaded model; several threads may use it, one at a time.

    ``notes`` sums up how words became model input (see ``encoding`` of eval/<split>.json).
    """

    model: ready_models.ReadyModel | ensembles.ReadyEnsemble
    trained: trained_models.Trained
    source: str
    tokenizer: Tokenizer
    reader: Reader
    notes: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def load(
        cls,
        trained: trained_models.Trained,
        source: str,
        tokenizer: Tokenizer,
        reader: Reader,
        ensemble: ensembles.Ensemble | None = None,
    ) -> Predictor:
        """``ensemble``: the models that predict together, ``trained`` is the first; the confidence is the ensemble's.

        Raises:
            HallucError C107: thresholds are by novelty, but the training split is unknown.
        """
        _check_run(trained)
        if ensemble is not None:
            return cls(ensemble.resident(), trained, source, tokenizer, reader)
        model = ready_models.ReadyModel.load(trained.job, trained.reference).to_inference()
        return cls(model, trained, source, tokenizer, reader)

    @property
    def temperature(self) -> float:
        """The divisor of the model's scores; 1 if none was fitted on dev."""
        return self.trained.confidence.temperature if self.trained.confidence else 1.0

    @property
    def threshold(self) -> float | None:
        """Claims with less confidence are withdrawn (``abstained`` in their records); None: none are, or each label or
        class of novelty has its own threshold."""
        return self.trained.confidence.threshold if self.trained.confidence else None

    def predict(self, texts: Iterable[TextInput], progress: Tick = no_progress) -> list[Record]:
        """The model's claims about each text, or pair of texts: the lines that ``halluc predict`` writes.

        Args:
            texts: they are tokenized like the data of the run. A mapping has the fields of the run's data.
            progress: is called with the number of finished texts and the total.
        """
        items = self.items(texts)
        records: list[Record] = []
        for start in range(0, len(items), TOGETHER):
            records.extend(self.records(items[start : start + TOGETHER]))
            progress(len(records), len(items))
        return records

    def items(self, texts: Iterable[TextInput]) -> list[Item]:
        """Texts as examples of the task; a text that cannot be read is replaced by the reason."""
        # A reader may remember the fields of its first row.
        reader = type(self.reader)(self.reader.config)
        return [self._item(number, text, reader) for number, text in enumerate(texts, 1)]

    def _item(self, number: int, text: TextInput, reader: Reader) -> Item:
        identity = f"line-{number}"
        if isinstance(text, str) and not reader.has_marked_lines:
            return single(number, identity, text, self.tokenizer)
        if isinstance(text, (str, Mapping)):
            row = Row(self.source, number, {"text": text} if isinstance(text, str) else dict(text))
            read = partial(reader.input_of, row)
        else:
            row = Row(self.source, number, {})
            read = partial(paired, number, identity, *text, self.tokenizer)
        try:
            return read()
        except Unreadable as bad:
            return row.bad(bad)
        except HallucError as error:  # for a first row that has none of the fields
            return BadLine(error.code, self.source, number, error.message, error.help)

    def records(self, chunk: Sequence[Item]) -> list[Record]:
        """One record per item, in order."""
        return [one.record for one in self.predict_items(chunk)]

    def predict_items(self, chunk: Sequence[Item]) -> list[PredictedInput]:
        """The prediction for each item, in order."""
        texts = [item for item in chunk if isinstance(item, InputText) and item.tokens]
        with self._lock:
            results = iter(self._predict_claims(texts, list(_origins(chunk, self.source))))
            return [self._predict_item(item, results) for item in chunk]

    def _predict_item(self, item: Item, results: Iterator[tuple[Any, Any, tuple[Claim, ...]]]) -> PredictedInput:
        if isinstance(item, BadLine):
            error = Problem(code=item.code, message=item.problem, help=item.help)
            return PredictedInput(UnreadText(line=item.line, error=error))
        example, prediction, claims = next(results) if item.tokens else (None, None, ())
        asserted = tuple(self._assert_claim(claim) for claim in claims)
        record = self.model.task.examples.answer(item, prediction, asserted)
        return PredictedInput(record, example, prediction, asserted)

    def _predict_claims(
        self, texts: Sequence[InputText], origins: Sequence[Origin]
    ) -> list[tuple[Any, Any, tuple[Claim, ...]]]:
        """Each text as an example, its prediction with calibrated confidence, and the claims."""
        if not texts:
            return []
        # Ids of the input may repeat, lines do not.
        task = self.model.task
        examples = tuple(
            task.examples.of_input(f"line-{text.line}", origin, text)
            for text, origin in zip(texts, origins, strict=True)
        )
        predicted = self.model.predict(Corpus("input", examples, self.source))
        self.notes.update(predicted.notes)
        predictions = verdicts.calibrated(predicted.predictions, self.temperature)
        return [
            (example, prediction, task.judge.claims(example, prediction))
            for example, prediction in zip(examples, predictions, strict=True)
        ]

    def _assert_claim(self, claim: Claim) -> Asserted:
        knowledge, confidence = self.trained.knowledge, self.trained.confidence
        novelty = knowledge.novelty(claim) if knowledge is not None else None
        withdrawn = confidence is not None and confidence.withdraws(claim.confidence, claim.label, novelty)
        return Asserted(claim, novelty, knowledge.is_confusable(claim) if knowledge else None, withdrawn)


def _check_run(trained: trained_models.Trained) -> None:
    """
    Raises:
        HallucError C107: thresholds are by novelty, but the training split is unknown: no claim would have a class of
            novelty, and all would be withdrawn.
    """
    if trained.run is None:
        return
    run_state.warn_changed_model(trained.run)
    run_state.warn_changed_confidence(trained.run)
    if trained.confidence is None or trained.confidence.by != "novelty":
        return
    if trained.knowledge is None:
        message = f"{trained.run.confidence} has a threshold for each novelty, but the training split is unknown"
        help = "restore the file of `data.train`, or evaluate again: halluc eval RUN --set eval.abstain.by=label"
        raise HallucError("C107", message, help=help)


def _origins(chunk: Sequence[Item], source: str) -> Iterator[Origin]:
    """The origin of each text with tokens. A document ends at a blank text or at another ``document`` of the input."""
    document, last = 1, None
    for number, item in enumerate(chunk, 1):
        if not isinstance(item, InputText):
            continue
        document += not item.tokens or last not in (None, item.document)
        last = item.document if item.tokens else None
        if item.tokens:
            yield Origin(source, item.line, document, number=number)


def load(
    reference: str, tokenizer: Tokenizer | None = None, members: Sequence[str] = (), overrides: Sequence[str] = ()
) -> Predictor:
    """The model in a run, or one from elsewhere, loaded, and with ``members`` as an ensemble.

    Raises:
        HallucError: as ``trained_models.locate`` and ``ensembles.Ensemble.of``.
    """
    trained, ensemble = ensembles.locate(reference, members, overrides)
    data = trained.job.settings.data
    tokenizer = tokenizer or (Tokenizer() if data is None else Tokenizer.of(data))
    reader = input_reading.Reading({}).reader(trained.job.task, data)
    return Predictor.load(trained, "texts", tokenizer, reader, ensemble)


Write = Callable[[Sequence[Record]], object]


def line_of(record: Record) -> str:
    return json_line(record.model_dump(mode="json"))


@dataclass
class _Worker:
    """Predicts chunks in this process, or in one of ``processes`` that were forked from it before torch was loaded."""

    load: Callable[[], Predictor]
    processes: int = 1
    predictor: Predictor | None = None

    def start(self, trained: trained_models.Trained) -> str:
        """Load the model if this process predicts, otherwise only check it; returns a description of its device."""
        if self.processes > 1:
            _check_run(trained)
            return f"{self.processes} processes"
        self.predictor = self.load()
        engine = self.predictor.model.engine
        return f"{engine.device.type}, {engine.precision}"

    def __call__(self, chunk: Sequence[Item]) -> tuple[list[Record], Counter[str]]:
        """One record per item, and the notes on this chunk (``Predictor.notes``)."""
        if self.predictor is None:
            os.environ.update(environment.of_process(self.processes, threads.cores()))
            with listening(Listener()):  # messages were printed already by the parent process
                self.predictor = self.load()
        self.predictor.notes.clear()
        return self.predictor.records(chunk), Counter(self.predictor.notes)


@dataclass(frozen=True)
class InputJob:
    """A run or model that predicts, and the file of texts (``source``; None: standard input).

    Args:
        members: runs or models that predict together with it, as an ensemble.
        overrides: as in ``trained_models.locate``.
    """

    reference: str
    source: Path | None
    reading: input_reading.Reading
    members: Sequence[str] = ()
    overrides: Sequence[str] = ()


def predict(
    job: InputJob,
    sink: Callable[[], AbstractContextManager[Write]],
    *,
    jobs: int = 1,
    shard: tuple[int, int] | None = None,
) -> None:
    """Predict every text of the input, in bounded memory, in order.

    Args:
        jobs: how many processes predict at once, each with the model.
        shard: (I, N), predict only every N-th chunk, from the I-th on.
        sink: opens a function that is called with the records of each chunk.

    Raises:
        HallucError D115, exit code 3: some texts could not be read; all others were predicted. C016: options that
            cannot be combined. D104, D114, D116, D117: see ``data.rows``. E430: a process was killed.
    """
    source, reading = job.source, job.reading
    if jobs > 1 and source is None:
        raise HallucError("C016", "--jobs does not work with standard input", help="use --input FILE")
    jobs = number_of(jobs)
    trained, ensemble = ensembles.locate(job.reference, job.members, job.overrides)
    task = trained.job.task
    reader = reading.reader(task, trained.job.settings.data)
    config = reader.config
    with opened(source) as (stream, name), sink() as write:
        worker = _Worker(lambda: Predictor.load(trained, name, Tokenizer.of(config), reader, ensemble), jobs)
        _announce(trained, worker.start(trained), ensemble)
        if source is None and sys.stdin.isatty():
            tell("type one text per line; end with Ctrl-D")
        lines = _ReadingProgress(stream.fileno() if source is not None else None)
        with watched(lines.read) if lines.total else contextlib.nullcontext():
            text = TextStream(stream, name, config.max_line_bytes, config.encoding)
        message, texts = reading.texts(text, reader, task, tell)
        tell(f"input: {name}, {message}")
        started, count, broken, notes = time.monotonic(), 0, 0, Counter[str]()
        bar = progress("predicting", "texts", logged=False) if lines.total else contextlib.nullcontext(no_progress)
        with bar as tick:
            chunks: Iterator[list[Item]] = in_chunks(texts, reading.look_ahead, text.waits)
            if shard is not None:
                chunks = itertools.islice(chunks, shard[0] - 1, None, shard[1])
            for chunk, (records, noted) in in_order(worker, chunks, jobs):
                write(records)
                notes.update(noted)
                count += len(chunk)
                broken += sum(isinstance(item, BadLine) for item in chunk)
                lines.tick(tick, count)
    _tell_notes(task.model, notes)
    seconds = time.monotonic() - started
    speed = f"{count / seconds:,.0f} texts/s" if seconds > 0 else "at once"
    tell(f"{quantity(count, 'texts')} in {seconds:.1f} s ({speed}), {broken:,} not readable")
    refuse_unread(broken, count)


def refuse_unread(broken: int, count: int) -> None:
    """
    Raises:
        HallucError D115: some texts could not be read.
    """
    if broken:
        what = f"{broken:,} of {quantity(count, 'texts')} could not be read"
        raise data_error("D115", what, help="the output has the reasons and lines in their place")


class _ReadingProgress:
    """Estimates the number of texts in a file from its size and the bytes read so far."""

    def __init__(self, descriptor: int | None) -> None:
        self.total, self.done = os.fstat(descriptor).st_size if descriptor is not None else 0, 0

    def read(self, count: int) -> None:
        self.done += count

    def tick(self, tick: Tick, texts: int) -> None:
        if self.total and self.done:
            tick(texts, max(texts, round(texts * self.total / self.done)))


def _announce(trained: trained_models.Trained, computes: str, ensemble: ensembles.Ensemble | None) -> None:
    """Report the model, and the settings of its run that are applied."""
    tell(f"model: {trained.reference} ({computes})")
    for member in ensemble.members[1:] if ensemble else ():
        tell(f"averaged with: {member.reference}")
    confidence = trained.confidence
    if trained.run is None:
        tell(
            "confidence: the model's own; no claim is withdrawn, and novelty is unknown, because this is not a run "
            "of halluc"
        )
        if unnamed := trained_models.unnamed_outputs(trained):
            warn(
                f"the model has no names for its labels, so none of {', '.join(unnamed[:3])}, … means `no label`: "
                "set `id2label` in its config.json (or `eval.labels` for `halluc eval --checkpoint`)"
            )
        return
    if confidence is None:
        tell(
            "confidence: the model's own; no claim is withdrawn (`halluc eval` of this run fits the temperature on dev)"
        )
    else:
        threshold = confidence.threshold
        withdrawn = f"claims below {threshold:g} are withdrawn" if threshold is not None else "no claim is withdrawn"
        if confidence.by is not None:
            withdrawn = f"claims are withdrawn by one threshold per {confidence.by}"
        tell(f"confidence: temperature {confidence.temperature:.3f}, {withdrawn}, by {trained.run.confidence}")
        if threshold is None and confidence.guarantee is not None:
            tell("abstention: no threshold can give the requested guarantee", style="yellow")
    if trained.knowledge is None:
        tell("novelty: unknown, because the training split is unknown")


def _tell_notes(model: Any, notes: Counter[str]) -> None:
    for note, what in model.notes.items():
        if notes[note] and note not in model.gold_notes:
            tell(quantity(notes[note], what))
    assessment.warn_unknown(notes)
