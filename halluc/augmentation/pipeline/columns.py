"""The augmented corpus in columns, beside its JSON Lines, for trainers that read CoNLL files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from halluc.core.examples import Origin, Span
from halluc.data.writers import write_conll
from halluc.tasks.token_classification.tagged_sentence import Tagged

COLUMNS = "train.conll"


def write_columns(train: Path) -> None:
    """Write token and IOB2 tag, with a tab between, of every line of ``train`` beside it; token classification only.

    Raises:
        HallucError D130: a token or label does not fit a column; E401: the disk is full.
    """
    write_conll(train.with_name(COLUMNS), _examples(train))


def _examples(train: Path) -> Iterator[Tagged]:
    with train.open("rb") as file:
        for number, line in enumerate(file, 1):
            record = json.loads(line)
            spans = tuple(Span(*span) for span in record["spans"])
            yield Tagged(record["id"], Origin(str(train), number), tuple(record["tokens"]), spans)
