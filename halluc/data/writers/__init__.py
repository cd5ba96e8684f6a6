"""Corpora back to files, in every format that holds the task, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.files import replacing
from halluc.data.writers.base import Options, Writer


def writers_of(task: str) -> Mapping[str, Writer]:
    """The formats that hold the examples of a task, by name."""
    writers: Mapping[str, Writer] = registry.load(TABLE, "reader", task).writers
    return writers


def write(corpora: Mapping[Path, Iterable[Any]], writer: Writer, options: Options) -> None:
    """Write the examples of each path; where one cannot be written, none is.

    Raises:
        HallucError D130: an example that the format cannot hold. E401: the disk is full. E402: a package is missing.
    """
    with ExitStack() as stack:
        for path, examples in corpora.items():
            files = [stack.enter_context(replacing(file, writer.mode)) for file in writer.files(path)]
            writer.write(files, examples, options)
