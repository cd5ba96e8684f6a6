"""The typed shape of ``report/report.json``: what the report page shows, and nothing that the page does not show.

A section that a run has nothing for is null or empty, and ``notes`` says why where that is not as it should be.
``integrity`` names the files that are missing or not those that halluc wrote: what is shown of them may be untrue.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AliasChoices, Field

from halluc.core.claims import Mark
from halluc.runs.audits import DoubtedAnnotation
from halluc.runs.probes import ProbeFile
from halluc.runs.schema import AugmentFile, ExtendedRecord, LedgerLine, MetricResult, Record, RunFile, VersionedRecord
from halluc.runs.studies import Comparison, FigureRecord, Interval, Plain, StudyFigures

# Of a run's report alone: since version 2 ``SplitRow`` and ``GapRow`` tell of any task.
RUN_REPORT_VERSION = 2

Section = Literal["unsupported", "distorted", "omission", "supported"]


class Headline(Record):
    """One of the figures at the head: what it is called, and what it says in a sentence for people."""

    figure: MetricResult
    title: str
    meaning: str


class GateResult(FigureRecord, ExtendedRecord):
    """A bound of the config and whether the evaluation kept it; ``text`` says so in words.

    ``split`` is the one that was checked, null if none of the evaluated ones may be; ``value`` and ``interval`` are
    those of the figure on it. ``use`` says which of the two had to keep ``min`` and ``max``. ``difference`` is the
    figure less that of the run ``baseline`` on the same examples, with its interval. Runs of earlier versions have only
    the first four.
    """

    absent: ClassVar[frozenset[str]] = frozenset(
        {"max_increase", "max_decrease", "baseline", "difference", "difference_interval"}
    )

    met: bool
    text: str = Field(validation_alias=AliasChoices("text", "told"))  # `told` in run.json of earlier versions
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
    """What became of the claims and the gold of one slice.

    ``support``, ``distortion`` and ``hallucination`` are shares of ``claims`` and add up to one; ``omission`` is a
    share of ``gold``. Null: undefined, or not known.
    """

    name: str
    claims: int
    gold: int
    support: MetricResult | None
    distortion: MetricResult | None
    hallucination: MetricResult | None
    omission: MetricResult | None


class GapRow(Record):
    """The gap of the split to the training split, of one label (null: of all): shares of what is ``counted``.

    That are mentions, or of whole texts content words. ``forecast`` is Good-Turing's before any of the split is read,
    ``unseen`` what came, ``new`` the stricter part of it (null if that is the same), ``excess`` unseen less
    forecast.
    """

    label: str | None
    counted: int
    forecast: MetricResult
    unseen: MetricResult
    new: MetricResult | None
    excess: MetricResult


class TextNovelty(Record):
    """What q1 to q4 are of: the shares of content words that training never shows at which q2, q3 and q4 begin, the
    quartiles of ``edges_of``."""

    edges: tuple[float, float, float]
    edges_of: Literal["dev", "train"]


class ConfidenceBin(Record):
    """Claims with a confidence in [low, high) (the last bin has its upper end too), by verdict."""

    low: float
    high: float
    counts: dict[str, int]


class ReliabilityBin(Record):
    """Of the claims in one bin of confidence: their mean confidence and the share that is supported."""

    confidence: float
    supported: MetricResult


class RiskPoint(Record):
    """The surest ``coverage`` of the claims, and the share of them that is not supported."""

    coverage: float
    risk: float
    interval: Interval | None = None


class ClassThreshold(Record):
    """The threshold of a label or class of novelty, null if none can be guaranteed: ``why_none`` says why.

    ``claims`` were tested on half of dev; ``kept_share`` and ``rate`` are those at the threshold.
    """

    name: str
    threshold: float | None
    claims: int
    kept_share: float | None = None
    rate: float | None = None
    why_none: str | None = None


class Abstention(ExtendedRecord):
    """What the threshold on confidence does. ``guarantee`` says in a sentence what is guaranteed, null: nothing.

    With ``by``, ``label`` or ``novelty``, each of the ``classes`` has a threshold of its own.
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
    """A claim, or gold that none touches, in its text.

    ``tokens`` are those of the example from ``first`` on (offsets of all spans are those of the whole example);
    ``before`` and ``after`` count the tokens that are left out, ``others`` are the example's other claims, ``gold``
    all its gold, as far as they lie among the tokens shown; labels of the whole text lie nowhere (null, null). Of a
    pair of texts ``second`` is the token with which the second begins. ``marked`` are ranges that are shown with the
    example whatever is claimed, each with what it is: head and tail of a relation. ``beside`` are texts that belong to
    it, with their names: the input and the reference of a text that a model wrote.
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
    beside: list[tuple[str, str]] = Field(default_factory=list)


class ClaimSection(Record):
    """The worst of one kind, worst first; ``total`` counts all there are."""

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
    """One classification report: ``average`` marks where the averages begin."""

    title: str
    rows: list[ClassRow]
    averages: list[ClassRow]


class Mistake(Record):
    """How many texts of one label the model gives another; ``out_of_scope`` stands for no label."""

    gold: str
    predicted: str
    n: int


class Curves(Record):
    """Training as it went: loss of (step, mean over the steps since the last point), dev figures by name."""

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
    """A split: where it comes from, its sha256 (that of the file ``source``), its size.

    ``counts`` are under the names of the task, the examples first (see ``data.statistics``).
    """

    name: str
    source: str
    sha256: str | None
    counts: dict[str, int]
    duplicates: int | None
    labels: dict[str, int]


class Data(Record):
    """What ``halluc check`` says of the data that was read, its warnings, and what was withheld on purpose."""

    splits: list[SplitRow]
    scheme: str | None
    warnings: list[str]
    withheld: dict[str, object] | None


class EditedPair(Record):
    """An example and what augmentation made of it; (start, end) are the tokens that an edit touched, on each side.

    Of a pair of texts the ``second`` are the tokens with which the second begins, where that is known.
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
    """The augmented corpus; ``pairs`` are a few of each method, drawn by a hash.

    ``problems`` name files of the corpus that are missing, damaged or changed, with what makes them again. Without a
    readable ``manifest`` that is what ``run.json`` has of it, else null; without both files there are no ``pairs``.
    """

    manifest: AugmentFile | None
    pairs: list[EditedPair]
    problems: list[str] = Field(default_factory=list)


class ConfigLine(Record):
    """A line of the resolved config, and where its value comes from."""

    text: str
    origin: str | None


class RunReport(Record):
    """One run, on one of its evaluated splits.

    ``single_seed`` is always true of a run: intervals are over examples alone.
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
    """Runs against the first one, on the same examples.

    ``p_holm`` of the figures is adjusted over all figures of all ``others``. ``texts`` holds the tokens of the examples
    whose flipped claims are shown, ``gold`` their annotation, and ``seconds`` where the second text of a pair begins.
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
    """A study: its figures, and what they say in plain sentences."""

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
