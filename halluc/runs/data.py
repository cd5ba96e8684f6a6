"""The typed shape of ``data.json``: what ``halluc check`` tells of the splits that a run was trained on."""

from __future__ import annotations

from pydantic import Field

from halluc.runs.schema import Record

# A version of its own: since version 2 the counts have the task's names.
DATA_VERSION = 2


class Instances(Record):
    """A finding shown by one instance: how many there are, and the first few places."""

    count: int
    first: list[str] = Field(default_factory=list)


class SplitData(Record):
    """Counts of one split.

    ``counts`` are under the names that the task has for them, the examples first (see ``data.statistics``); ``labels``
    how often each label stands there. ``lengths`` are tokens an example: mean, median, 90th and 99th percentile,
    longest. ``duplicates`` repeat an earlier example of the split; ``contradictions`` are distinct ones that stand
    there with different annotation.
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
    """Examples of ``later`` that stand in ``earlier`` too, and how many of them with the same annotation."""

    earlier: str
    later: str
    examples: int
    same_annotation: int
    first: list[str] = Field(default_factory=list)


class Renamed(Record):
    """What a label of the files is called instead, None if its mentions are left out, and how many it has."""

    label: str | None
    mentions: int


class DataRecord(Record):
    """What is told of all splits; ``scheme`` is null if they have no tags, or tags of several schemes, which
    ``schemes`` has by split. ``mappings`` says of each split which fields of its file are read. ``unseen_labels`` are
    those of other splits that train never shows, and where they stand first. ``encoding`` has the notes of the task on
    each split, where a model has read it."""

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


class ReadSplit(Record, extra="ignore"):
    """What a report needs of a split."""

    source: str
    counts: dict[str, int] = Field(default_factory=dict)
    duplicates: int | None = None
    labels: dict[str, int] = Field(default_factory=dict)


class ReadData(Record, extra="ignore"):
    """What a report needs of ``data.json``."""

    scheme: str | None = None
    schemes: dict[str, str] = Field(default_factory=dict)
    splits: dict[str, ReadSplit] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
