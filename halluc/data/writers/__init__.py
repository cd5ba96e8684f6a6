"""Corpora back to files, in every format that holds the task, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from halluc.core.files import replacing
from halluc.data.writers.base import Options, Writer, labels_of, lone_label
from halluc.tasks.text_classification import writers as text_writers
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.token_classification import writers as span_writers
from halluc.tasks.token_classification.tagged_sentence import Tagged

WRITERS: dict[str, dict[str, Writer]] = {
    "token_classification": span_writers.WRITERS,
    "text_classification": text_writers.WRITERS,
}


def fitted(options: Options, examples: Iterable[Any]) -> Options:
    """The options with what all examples of the splits have in common."""
    labelled = [example for example in examples if isinstance(example, Labelled)]
    pairs = any(example.second is not None for example in labelled)
    one_label = all(lone_label(labels_of(example, options)) is not None for example in labelled)
    return replace(options, pairs=pairs, one_label=one_label)


def write(corpora: Mapping[Path, Iterable[Any]], writer: Writer, options: Options) -> None:
    """Write the examples of each path; where one cannot be written, none is.

    Raises:
        HallucError D130: an example that the format cannot hold. E401: the disk is full. E402: a package is missing.
    """
    with ExitStack() as stack:
        for path, examples in corpora.items():
            files = [stack.enter_context(replacing(file, writer.mode)) for file in writer.files(path)]
            writer.write(files, examples, options)


def write_conll(path: Path, examples: Iterable[Tagged]) -> None:
    """Token and IOB2 tag with a tab between; raises as ``write``."""
    write({path: examples}, span_writers.WRITERS["conll"], Options())
