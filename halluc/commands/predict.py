"""``halluc predict``: the records of texts, to a file that is whole or absent, or to a stream."""

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
    """What writes records as lines, chunk by chunk, to ``target`` (None: standard output)."""
    # A file keeps the text as it is; a terminal must not obey it.
    escaped: Callable[[str], str] = str if target is not None and irregular(target) is None else escaped_json
    with _opened(target) as file:

        def write(records: Sequence[Record]) -> None:
            file.writelines((escaped(line_of(one)) + "\n").encode() for one in records)
            file.flush()

        yield write


def processes(jobs: str) -> int:
    """How many processes predict at once, by ``--jobs``: with a GPU, which they would share, ``auto`` is one.

    Raises:
        HallucError C019: it is neither ``auto`` nor a number from 1 to 1000.
    """
    if jobs == "1":  # what launches processes takes half a second to import
        return 1
    from halluc.launch import local

    return local.number(jobs, 1 if local.gpus() else threads.cores())


def refuse_second(first: str, second: str) -> NoReturn:
    """Say how predict is called where texts are named without ``--input``.

    Raises:
        HallucError C011: always.
    """
    texts, model = (first, second) if Path(first).is_file() and not Path(second).is_file() else (second, first)
    help = f"halluc predict {model} --input {texts}"
    raise HallucError("C011", f"`{second}`: predict takes one run or model, and texts by --input", help=help)


@contextlib.contextmanager
def _opened(target: Path | None) -> Iterator[IO[Any]]:
    """Where the output goes: a file that is whole or absent, or a stream.

    Raises:
        HallucError C011: it is a folder. E401: it cannot be written.
    """
    if target is None:
        with _write_errors("standard output", sys.stdout.buffer):
            yield sys.stdout.buffer
    elif target.is_dir():
        raise HallucError("C011", f"--output {target} is a folder", help="name a file")
    elif target.exists() and not target.is_file():  # a device or a pipe, which must not be replaced
        with _write_errors(str(target)), target.open("wb", buffering=0) as file:
            yield file
    else:
        with replacing(target.resolve(), "wb") as file:
            yield file


@contextlib.contextmanager
def _write_errors(name: str, buffered: IO[bytes] | None = None) -> Iterator[None]:
    """Name a stream that cannot be written (any further); end in peace where its reader went away (``| head``)."""
    try:
        yield
    except OSError as error:
        if buffered is not None:  # Python must not stumble once more, at its end, over what could not be written
            os.dup2(os.open(os.devnull, os.O_WRONLY), buffered.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(EXIT_DONE) from None  # typer would make exit code 1 of the error itself
        raise environment_error(
            "E401", f"cannot write {name}: {error.strerror or error}", remedy(Path(name), error)
        ) from None
