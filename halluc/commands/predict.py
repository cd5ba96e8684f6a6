"""``halluc predict``: writes the records of texts to a file, atomically, or to a stream."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from halluc.core import threads
from halluc.core.characters import escaped_json
from halluc.core.errors import EXIT_DONE, HallucError, environment_error
from halluc.core.files import irregular, remedy, replacing
from halluc.runs.schema import Record
from halluc.workflows.prediction import Write, line_of


@contextlib.contextmanager
def written(target: Path | None) -> Iterator[Write]:
    """A function that writes records as lines, chunk by chunk, to ``target`` (None: standard output)."""
    # A file gets the exact text; on a terminal control characters are escaped.
    escaped: Callable[[str], str] = str if target is not None and irregular(target) is None else escaped_json
    with _opened(target) as file:

        def write(records: Sequence[Record]) -> None:
            file.writelines((escaped(line_of(one)) + "\n").encode() for one in records)
            file.flush()

        yield write


def processes(jobs: str) -> int:
    """The number of processes for ``--jobs``: with a GPU, which they would share, ``auto`` is one.

    Raises:
        HallucError C019: it is neither ``auto`` nor a number from 1 to 1000.
    """
    if jobs == "1":  # importing the launcher takes half a second
        return 1
    from halluc.launch import local

    return local.number(jobs, 1 if local.gpus() else threads.cores())


def refuse_second(first: str, second: str) -> NoReturn:
    """Explain the usage of predict if texts are given without ``--input``.

    Raises:
        HallucError C011: always.
    """
    texts, model = (first, second) if Path(first).is_file() and not Path(second).is_file() else (second, first)
    help = f"halluc predict {model} --input {texts}"
    raise HallucError("C011", f"`{second}`: predict takes one run or model; pass texts with --input", help=help)


@contextlib.contextmanager
def _opened(target: Path | None) -> Iterator[IO[Any]]:
    """The destination of the output: an atomically written file, or a stream.

    Raises:
        HallucError C011: it is a folder. E401: it cannot be written.
    """
    if target is None:
        with _write_errors("standard output", sys.stdout.buffer):
            yield sys.stdout.buffer
    elif target.is_dir():
        raise HallucError("C011", f"--output {target} is a folder", help="use a file")
    elif target.exists() and not target.is_file():  # a device or a pipe, which must not be replaced
        with _write_errors(str(target)), target.open("wb", buffering=0) as file:
            yield file
    else:
        with replacing(target.resolve(), "wb") as file:
            yield file


@contextlib.contextmanager
def _write_errors(name: str, buffered: IO[bytes] | None = None) -> Iterator[None]:
    """Report a stream that cannot be written; exit silently if its reader has closed it (``| head``)."""
    try:
        yield
    except OSError as error:
        if buffered is not None:  # otherwise Python would fail again, at its exit, to flush what could not be written
            os.dup2(os.open(os.devnull, os.O_WRONLY), buffered.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(EXIT_DONE) from None  # typer would turn the error itself into exit code 1
        raise environment_error(
            "E401", f"cannot write {name}: {error.strerror or error}", remedy(Path(name), error)
        ) from None
