"""The types of the files of ``halluc probe``: ``probe/<name>.json``, and the claims in ``probe/<name>.jsonl``."""

from __future__ import annotations

from typing import Literal

from halluc.core.claims import Verdict
from halluc.runs.schema import MetricResult, Record, VersionedRecord
from halluc.runs.studies import Delta

# Whether the text of the training split mentions a name.
Mentioned = Literal["seen", "new"]


class ProbeLine(Record):
    """The answer of a model to one pattern about one subject: a claim with its verdict.

    ``objects`` are the objects in the facts, ``line`` the line of the first one in the file of the relation.
    ``confidence`` is the probability of ``answer`` among the candidates, ``best`` has the most probable ones with
    theirs, and ``rank`` is the rank of the most probable true object, from 1. ``subject_novelty`` says whether the
    training split mentions the subject, ``pair_novelty`` whether one of its examples mentions it together with a true
    object; null if the training split is unknown.
    """

    model: str
    relation: str
    line: int
    subject: str
    pattern: str
    objects: list[str]
    answer: str
    confidence: float
    verdict: Verdict
    rank: int
    best: list[tuple[str, float]]
    subject_novelty: Mentioned | None
    pair_novelty: Mentioned | None


class ProbedModel(Record):
    """A model that was probed: ``name`` is ``base``, ``fine-tuned`` or ``checkpoint``.

    ``base`` is the model that provided the language-model head for a fine-tuned body, null if the model has its own.
    ``left_out`` counts what could not be asked, by reason.
    """

    name: str
    reference: str
    kind: Literal["masked", "causal"]
    base: str | None
    facts: int
    claims: int
    left_out: dict[str, int]
    metrics: list[MetricResult]


class TrainingMentions(Record):
    """The examples of the training split, and how many of the ``subjects`` and ``pairs`` of all facts, asked or not,
    they mention."""

    examples: int
    subjects: int
    subjects_seen: int
    pairs: int
    pairs_seen: int


class ProbeFile(VersionedRecord):
    """``probe/<name>.json``: the questions, and the figures of each model.

    ``relations`` has the number of facts of each relation; ``without_partner`` are relations with only patterns or only
    facts. ``differences`` are the figures of the fine-tuned model (``b``) minus those of its base (``a``) on the same
    facts. ``inputs`` has the SHA-256 of each file.
    """

    name: str
    patterns: str
    facts: str
    sample: int | None
    most_patterns: int | None
    threshold: float
    relations: dict[str, int]
    without_partner: list[str]
    training: TrainingMentions | None
    models: list[ProbedModel]
    differences: list[Delta]
    inputs: dict[str, str]
