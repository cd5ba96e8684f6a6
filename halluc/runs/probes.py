"""The typed shape of what ``halluc probe`` writes: ``probe/<name>.json``, and the claims in ``probe/<name>.jsonl``."""

from __future__ import annotations

from typing import Literal

from halluc.core.claims import Verdict
from halluc.runs.schema import MetricResult, Record, VersionedRecord
from halluc.runs.studies import Delta

# Whether the text of the training split mentions a name.
Mentioned = Literal["seen", "new"]


class ProbeLine(Record):
    """What a model answered to one pattern about one subject: a claim with its verdict.

    ``objects`` are those that the facts have, ``line`` that of the first in the file of the relation. ``confidence``
    is the probability of ``answer`` among the candidates, ``best`` has the likeliest ones with theirs, and ``rank`` is
    the place of the likeliest true object, from 1. ``subject_novelty`` says whether the training split mentions the
    subject, ``pair_novelty`` whether one of its examples mentions it together with a true object; null if the
    training split is not known.
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

    ``base`` is whose language-model head a fine-tuned body was put under, null if the model has its own.
    ``left_out`` counts what could not be asked, by the reason.
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
    """The examples of the training split, and how many of the ``subjects`` and ``pairs`` of all facts, asked or
    not, they mention."""

    examples: int
    subjects: int
    subjects_seen: int
    pairs: int
    pairs_seen: int


class ProbeFile(VersionedRecord):
    """``probe/<name>.json``: what was asked, and the figures of each model that was probed.

    ``relations`` has the number of facts asked of each relation; ``without_partner`` those that have only patterns or
    only facts. ``differences`` are the figures of the fine-tuned model (``b``) less those of its base (``a``) on the
    same facts. ``inputs`` has the SHA-256 of each file.
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
