"""``halluc predict``: any text in, claims out, in bounded memory and in the order of the input."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

from halluc.commands.terminal import Talk, say
from halluc.core.characters import escaped_json
from halluc.core.errors import EXIT_DONE, HallucError, data_error, environment_error
from halluc.core.files import TO_OUTPUT, elsewhere, irregular, json_line, remedy, replacing
from halluc.data.inputs import Item, in_chunks
from halluc.data.rows.row import BadLine
from halluc.data.rows.streams import TextStream, opened
from halluc.data.statistics import counted
from halluc.workflows import experiment, trained_models
from halluc.workflows.input_reading import Reading
from halluc.workflows.trained_models import Trained

if TYPE_CHECKING:
    from halluc.workflows.prediction import Predictor


@dataclass
class _Tally:
    texts: int = 0
    broken: int = 0


@elsewhere(TO_OUTPUT)
def run(reference: str, source: Path | None, target: Path | None, reading: Reading, talk: Talk) -> None:
    """Predict on every text of ``source`` (None: standard input) and write to ``target`` (None: standard output).

    Raises:
        HallucError D115, exit code 3: some texts could not be read. The output is whole and tells of each in its place.
        C016: options that do not go together. D104, D114, D116, D117: of columns, see ``data.rows``.
    """
    trained = trained_models.locate(reference)
    settings = trained.loaded.experiment
    task = experiment.task_of(trained.loaded)
    reader = reading.reader(task, settings.data)
    config = reader.config
    speaks = talk is not Talk.QUIET
    # A file keeps the text as it is; a terminal must not obey it.
    line = json_line if target is not None and irregular(target) is None else _safe_line
    with opened(source) as (stream, name), _opened(target) as file:
        # torch and transformers take seconds to import: what can fail without them has failed by now.
        from halluc.workflows.prediction import Predictor

        predictor = Predictor.load(trained, name, talk)
        if speaks:
            _tell(trained, predictor.computes)
        if speaks and source is None and sys.stdin.isatty():
            say("type a text a line; Ctrl-D ends the input")
        lines = TextStream(stream, name, config.max_line_bytes, config.encoding)
        told, texts = reading.texts(lines, reader, task, say if speaks else _unsaid)
        if speaks:
            say(f"input: {name}, {told}")
        chunks = in_chunks(texts, reading.look_ahead, lines.waits)
        started, tally = time.monotonic(), _stream(chunks, predictor, file, line)
    if speaks:
        _conclude(tally, predictor, time.monotonic() - started)
    if tally.broken:
        what = f"{tally.broken:,} of {counted(tally.texts, 'texts')} could not be read"
        raise data_error("D115", what, help="in their places the output tells why, with the line")


def refuse_second(first: str, second: str) -> NoReturn:
    """Say how predict is called where texts are named without ``--input``.

    Raises:
        HallucError C011: always.
    """
    texts, model = (first, second) if Path(first).is_file() and not Path(second).is_file() else (second, first)
    help = f"halluc predict {model} --input {texts}"
    raise HallucError("C011", f"`{second}`: predict takes one run or model, and texts by --input", help=help)


def _safe_line(record: Any) -> str:
    return escaped_json(json_line(record))


def _unsaid(_: str) -> None:
    """Where nothing is to be said."""


def _stream(
    chunks: Iterable[list[Item]], predictor: Predictor, file: IO[bytes], line: Callable[[Any], str]
) -> _Tally:  # fmt: skip
    """Predict, write and forget one chunk after the other."""
    tally = _Tally()
    for chunk in chunks:
        for record in predictor.records(chunk):
            file.write((line(record.model_dump(mode="json")) + "\n").encode())
        file.flush()
        tally.texts += len(chunk)
        tally.broken += sum(isinstance(item, BadLine) for item in chunk)
    return tally


def _tell(trained: Trained, computes: str) -> None:
    """Which model this is, and what of its run is applied."""
    say(f"model: {trained.reference} ({computes})")
    confidence, threshold = trained.confidence, trained.threshold
    if trained.run is None:
        say("confidence: the model's own; no claim is withdrawn, and novelty is not known: this is no run of halluc")
        return
    if confidence is None:
        say("confidence: the model's own; no claim is withdrawn (`halluc eval` of this run would fit it on dev)")
    else:
        withdrawn = f"claims under {threshold:g} are withdrawn" if threshold is not None else "no claim is withdrawn"
        say(f"confidence: temperature {confidence.temperature:.3f}, {withdrawn}, by {trained.run.confidence}")
    if threshold is None and confidence is not None and confidence.guarantee is not None:
        say("abstention: the guarantee that was asked for cannot be given by any threshold", style="yellow")
    if trained.knowledge is None:
        say("novelty: not known, for the training split is not")


def _conclude(tally: _Tally, predictor: Predictor, seconds: float) -> None:
    for told in predictor.told():
        say(told)
    share = predictor.unknown_share
    if share is not None:
        say(f"warning: {share:.0%} of the words are unknown to the model's tokenizer", style="yellow")
    speed = f"{tally.texts / seconds:,.0f} texts/s" if seconds > 0 else "at once"
    say(f"{counted(tally.texts, 'texts')} in {seconds:.1f} s ({speed}), {tally.broken:,} not readable")


@contextlib.contextmanager
def _opened(target: Path | None) -> Iterator[IO[Any]]:
    """Where the output goes: a file that is whole or absent, or a stream.

    Raises:
        HallucError C011: it is a folder. E401: it cannot be written.
    """
    if target is None:
        with _told("standard output", sys.stdout.buffer):
            yield sys.stdout.buffer
    elif target.is_dir():
        raise HallucError("C011", f"--output {target} is a folder", help="name a file")
    elif target.exists() and not target.is_file():  # a device or a pipe, which must not be replaced
        with _told(str(target)), target.open("wb", buffering=0) as file:
            yield file
    else:
        with replacing(target.resolve(), "wb") as file:
            yield file


@contextlib.contextmanager
def _told(name: str, buffered: IO[bytes] | None = None) -> Iterator[None]:
    """Name a stream that cannot be written (any further); end in peace where its reader went away (``| head``)."""
    try:
        yield
    except OSError as error:
        if buffered is not None:  # Python must not stumble once more, at its end, over what could not be written
            os.dup2(os.open(os.devnull, os.O_WRONLY), buffered.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(EXIT_DONE) from None  # typer would make exit code 1 of the error itself
        message = f"cannot write {name}: {error.strerror or error}"
        raise environment_error("E401", message, remedy(Path(name), error)) from None
