"""The types of ``data.json``: the result of ``halluc check`` for the splits that a run was trained on."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from halluc.runs.records import read_record
from halluc.runs.schema import Record

# Versioned separately: since version 2 the counts have the task's names.
DATA_VERSION = 2


class Instances(Record):
    """A finding with many instances: their number, and the first few places."""

    count: int
    first: list[str] = Field(default_factory=list)


class SplitData(Record):
    """Counts of one split.

    ``counts`` have the task's names, the examples first (see ``data.statistics``); ``labels`` are the frequencies of
    labels. ``lengths`` are tokens per example: mean, median, 90th and 99th percentile, longest. ``duplicates`` repeat
    an earlier example of the split; ``contradictions`` are distinct ones that occur with different annotations.
    """

    source: str
    documents: int
    counts: dict[str, int]
    labels: dict[str, int]
    lengths: dict[str, float]
    duplicates: int
    contradictions: int
    invisible_tokens: Instances
    long_tokens: Instances
    long_examples: Instances


class Overlap(Record):
    """Examples of ``later`` that also occur in ``earlier``, and how many of them with the same annotation."""

    earlier: str
    later: str
    examples: int
    same_annotation: int
    first: list[str] = Field(default_factory=list)


class Renamed(Record):
    """The new name of a label of the files, None if its mentions are left out, and how many it has."""

    label: str | None
    mentions: int


class DataRecord(Record):
    """The results for all splits; ``scheme`` is null if they have no tags, or tags of several schemes (see ``schemes``,
    by split). ``mappings`` describes for each split which fields of its file are read. ``unseen_labels`` are labels of
    other splits that do not occur in train, with their first places. ``encoding`` has the notes of the task on each
    split, if a model has encoded it."""

    schema_version: int = DATA_VERSION
    scheme: str | None
    scheme_note: str
    mappings: dict[str, str] = Field(default_factory=dict)
    schemes: dict[str, str] = Field(default_factory=dict)
    renamed_labels: dict[str, Renamed] = Field(default_factory=dict)
    splits: dict[str, SplitData]
    overlaps: list[Overlap]
    unseen_labels: dict[str, dict[str, Instances]]
    repairs: Instances
    skipped: Instances
    warnings: list[str] = Field(default_factory=list)
    encoding: dict[str, dict[str, int]] | None = None


def read_data(path: Path) -> DataRecord:
    """The content of ``data.json``; raises FileNotFoundError if there is none.

    Raises:
        HallucError R101, R102: it is damaged, or of another version of halluc.
    """
    help = "train again"
    return read_record(path, DataRecord, damaged="R101", other_version="R102", help=help, version=DATA_VERSION)
