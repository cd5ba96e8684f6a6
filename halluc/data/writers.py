"""Corpora back to files, in any scheme, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from halluc.core.errors import data_error
from halluc.core.examples import Tagged
from halluc.core.files import replacing, write_jsonl
from halluc.core.labels import Scheme, write_tags
from halluc.data.rows.columns import DOCUMENT_START


def write_conll(path: Path, examples: Iterable[Tagged], scheme: Scheme = "iob2", separator: str = "\t") -> int:
    """Write token and tag columns, with ``-DOCSTART-`` before each further document; returns how many sentences.

    Raises:
        HallucError D130: a token or label holds the separator or a line feed, so that it could not be read back.
    """
    count, document = 0, 0
    with replacing(path) as file:
        for example in examples:
            if example.origin.document != document:
                document = example.origin.document
                file.write(f"{DOCUMENT_START}{separator}O\n\n")
            tags = write_tags(len(example.tokens), example.spans, scheme)
            for token, tag in zip(example.tokens, tags, strict=True):
                clash = any(mark in cell for mark in (separator, "\n") for cell in (token, tag))
                if clash or token.startswith(DOCUMENT_START):
                    help = "choose another separator, or write JSON Lines"
                    raise data_error("D130", f"token {token!r} ({example.origin}) does not fit a column", help=help)
                file.write(f"{token}{separator}{tag}\n")
            file.write("\n")
            count += 1
    return count


def as_record(example: Tagged) -> dict[str, Any]:
    """The line of ``augment/train.jsonl`` (DESIGN, "Files that others read")."""
    return {"id": example.id, "tokens": example.tokens, "spans": example.spans}


def write_examples(path: Path, examples: Iterable[Tagged]) -> int:
    """Write JSON Lines that the ``jsonl`` reader reads back without any option."""
    return write_jsonl(path, map(as_record, examples))
