"""The types of ``report/report.json``: exactly the content of the report page.

A section without content is null or empty, and ``notes`` explains why if it should not be. ``integrity`` names the
files that are missing or were changed by other programs: what is shown from them may be wrong.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from halluc.core.claims import Mark
from halluc.runs.audits import DoubtedAnnotation
from halluc.runs.probes import ProbeFile
from halluc.runs.schema import AugmentFile, ExtendedRecord, LedgerLine, MetricResult, Record, RunFile, VersionedRecord
from halluc.runs.studies import Comparison, FigureRecord, Interval, Plain, StudyFigures

# Version of a run's report: since version 2 ``SplitRow`` and ``GapRow`` are independent of the task.
RUN_REPORT_VERSION = 2

Section = Literal["unsupported", "distorted", "omission", "supported"]


class Headline(Record):
    """One of the main figures: its name, and its meaning in a sentence."""

    figure: MetricResult
    title: str
    meaning: str


class GateResult(FigureRecord, ExtendedRecord):
    """A bound of the config and whether the evaluation satisfies it; ``text`` is a sentence about it.

    ``split`` is the checked one, null if no evaluated split is allowed; ``value`` and ``interval`` are those of the
    figure on it. ``use`` says which of the two must satisfy ``min`` and ``max``. ``difference`` is the figure minus
    that of the run ``baseline`` on the same examples, with its interval.
    """

    absent: ClassVar[frozenset[str]] = frozenset(
        {"max_increase", "max_decrease", "baseline", "difference", "difference_interval"}
    )

    met: bool
    text: str
    split: str | None = None
    value: float | None = None
    interval: tuple[float, float] | None = None
    min: float | None = None
    max: float | None = None
    use: Literal["value", "interval"] = "value"
    max_increase: float | None = None
    max_decrease: float | None = None
    baseline: str | None = None
    difference: float | None = None
    difference_interval: tuple[float, float] | None = None


class Outcome(Record):
    """The outcome for the claims and the gold of one slice.

    ``support``, ``distortion`` and ``hallucination`` are shares of ``claims`` that sum to one; ``omission`` is a share
    of ``gold``. Null: undefined, or unknown.
    """

    name: str
    claims: int
    gold: int
    support: MetricResult | None
    distortion: MetricResult | None
    hallucination: MetricResult | None
    omission: MetricResult | None


class GapRow(Record):
    """The gap between the split and the training split, for one label (null: all), as shares of ``counted`` mentions,
    or content words for whole texts.

    ``forecast`` is the Good-Turing estimate before any of the split is read, ``unseen`` the observed share, ``new`` the
    stricter part of it (null if that is the same), ``excess`` unseen minus forecast.
    """

    label: str | None
    counted: int
    forecast: MetricResult
    unseen: MetricResult
    new: MetricResult | None
    excess: MetricResult


class TextNovelty(Record):
    """The definition of q1 to q4: the shares of unseen content words at which q2, q3 and q4 begin, the quartiles of
    ``edges_of``."""

    edges: tuple[float, float, float]
    edges_of: Literal["dev", "train"]


class ConfidenceBin(Record):
    """Claims with a confidence in [low, high) (the last bin includes its upper end), by verdict."""

    low: float
    high: float
    counts: dict[str, int]


class ReliabilityBin(Record):
    """For the claims in one bin of confidence: their mean confidence and the share that is supported."""

    confidence: float
    supported: MetricResult


class RiskPoint(Record):
    """The most confident ``coverage`` of the claims, and the share of them that is not supported."""

    coverage: float
    risk: float
    interval: Interval | None = None


class ClassThreshold(Record):
    """The threshold of a label or class of novelty, null if none can be guaranteed: ``why_none`` says why.

    ``claims`` were tested on half of dev; ``kept_share`` and ``rate`` are the values at the threshold.
    """

    name: str
    threshold: float | None
    claims: int
    kept_share: float | None = None
    rate: float | None = None
    why_none: str | None = None


class Abstention(ExtendedRecord):
    """The effect of the confidence threshold. ``guarantee`` states the guarantee in a sentence, null: none.

    With ``by``, ``label`` or ``novelty``, each of the ``classes`` has its own threshold.
    """

    later: ClassVar[frozenset[str]] = frozenset({"by", "classes"})

    threshold: float | None
    coverage: MetricResult | None
    hallucination: MetricResult | None
    omission: MetricResult | None
    false_claims: MetricResult | None
    guarantee: str | None
    by: Literal["label", "novelty"] | None = None
    classes: list[ClassThreshold] = Field(default=[])


class ShownClaim(Record):
    """A claim, or gold that no claim touches, in its text.

    ``tokens`` are a part of the example that begins with its token ``first``; ``before`` and ``after`` count the tokens
    that are left out. The offsets of all spans count from the beginning of the example. ``others`` are the other claims
    and ``gold`` the gold among these tokens; labels of the whole text have no position (null, null). For a pair of
    texts ``second`` is the first token of the second text. ``marked`` are named ranges that are always shown, such as
    head and tail of a relation, ``related_texts`` named further texts, such as the input of a text that a model wrote.
    """

    line: LedgerLine
    tokens: list[str]
    first: int
    before: int
    after: int
    gold: list[Mark]
    others: list[tuple[int | None, int | None, str, float | None]]
    second: int | None = None
    marked: list[tuple[int, int, str]] = Field(default_factory=list)
    related_texts: list[tuple[str, str]] = Field(default_factory=list)


class ClaimSection(Record):
    """The worst claims of one kind, worst first; ``total`` is the number of all."""

    section: Section
    total: int
    shown: list[ShownClaim]


class ClassRow(Record):
    """A row of a classification report."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


class ClassTable(Record):
    """One classification report; the averages begin at ``average``."""

    title: str
    rows: list[ClassRow]
    averages: list[ClassRow]


class Mistake(Record):
    """How many texts of one label get another label from the model; ``out_of_scope`` means no label."""

    gold: str
    predicted: str
    n: int


class Curves(Record):
    """The course of training: loss as (step, mean over the steps since the last point), dev figures by name."""

    loss: list[tuple[int, float]]
    dev: dict[str, list[tuple[int, float]]]
    best_step: int | None
    chosen_by: str | None
    steps: int
    epochs: int | None
    features: int | None
    seconds: float | None
    stopped: str | None


class SplitRow(Record):
    """A split: its source, its sha256 (that of the file ``source``), its size.

    ``counts`` have the task's names, the examples first (see ``data.statistics``).
    """

    name: str
    source: str
    sha256: str | None
    counts: dict[str, int]
    duplicates: int | None
    labels: dict[str, int]


class Data(Record):
    """The results and warnings of ``halluc check``, and the data that ``gap`` withheld."""

    splits: list[SplitRow]
    scheme: str | None
    warnings: list[str]
    withheld: dict[str, object] | None


class EditedPair(Record):
    """An example before and after augmentation; (start, end) are the tokens that an edit touched, on each side.

    For a pair of texts ``second`` are the first tokens of the second text, if known.
    """

    id: str
    parent: str
    source: str
    methods: list[str]
    why: list[str]
    before: list[str]
    after: list[str]
    before_edits: list[tuple[int, int]]
    after_edits: list[tuple[int, int]]
    before_second: int | None = None
    after_second: int | None = None


class Augmentation(Record):
    """The augmented corpus; ``pairs`` are a few examples of each method, chosen by a hash.

    ``problems`` name files of the corpus that are missing, damaged or changed, with the command that makes them again.
    Without a readable ``manifest`` its copy in ``run.json`` is used, else null; without both there are no ``pairs``.
    """

    manifest: AugmentFile | None
    pairs: list[EditedPair]
    problems: list[str] = Field(default_factory=list)


class ConfigLine(Record):
    """A line of the resolved config, with the origin of its value."""

    text: str
    origin: str | None


class RunReport(Record):
    """One run, on one of its evaluated splits.

    ``single_seed`` is always true for a run: intervals are over examples alone.
    """

    schema_version: int = RUN_REPORT_VERSION
    kind: Literal["run"] = "run"
    name: str
    task: str
    model: str
    split: str
    splits: list[str]
    examples: int
    seed: int | None
    single_seed: bool = True
    run: RunFile
    headlines: list[Headline]
    gates: list[GateResult]
    integrity: list[str] = Field(default_factory=list)
    notes: list[str]
    conclusion: list[str]
    by_novelty: list[Outcome]
    by_label: list[Outcome]
    text_novelty: TextNovelty | None = None
    gap: list[GapRow]
    confidence: list[ConfidenceBin]
    reliability: list[ReliabilityBin]
    risk: list[RiskPoint]
    abstention: Abstention | None
    claims: list[ClaimSection]
    classification: list[ClassTable]
    mistakes: list[Mistake] = Field(default_factory=list)
    annotation: DoubtedAnnotation | None = None
    curves: Curves | None
    data: Data
    augmentation: Augmentation | None
    probes: list[ProbeFile] = Field(default_factory=list)
    config: list[ConfigLine]
    reproduce: list[str]
    metrics: list[MetricResult]


class ComparisonReport(VersionedRecord):
    """Runs compared with the first one, on the same examples.

    ``p_holm`` of the figures is adjusted over all figures of all ``others``. ``texts`` has the tokens of the examples
    whose flipped claims are shown, ``gold`` their annotation, and ``seconds`` the start of the second text of pairs.
    """

    kind: Literal["comparison"] = "comparison"
    task: str | None = None
    split: str
    examples: int
    reference: str
    others: list[Comparison]
    conclusion: list[str]
    integrity: list[str] = Field(default_factory=list)
    notes: list[str]
    texts: dict[str, list[str]]
    gold: dict[str, list[Mark]]
    seconds: dict[str, int] = Field(default_factory=dict)
    marked: dict[str, list[tuple[int, int, str]]] = Field(default_factory=dict)
    reproduce: list[str]


class StudyReport(VersionedRecord):
    """A study: its figures, and their interpretation in sentences."""

    kind: Literal["study"] = "study"
    name: str
    task: str | None
    split: str
    figures: StudyFigures
    axes: dict[str, list[Plain]]
    single_seed: bool
    conclusion: list[str]
    integrity: list[str] = Field(default_factory=list)
    notes: list[str]
    reproduce: list[str]


AnyReport = RunReport | ComparisonReport | StudyReport
