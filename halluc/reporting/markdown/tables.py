"""The figures of a run as tables and lists of Markdown, for report.md and the model card alike."""

from __future__ import annotations

from collections.abc import Sequence

from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.gfm import WIDE, Marked, Room
from halluc.reporting.words import nouns
from halluc.runs.reports import (
    Abstention,
    ClassRow,
    ClassTable,
    GapRow,
    GateResult,
    Mistake,
    Outcome,
    RunReport,
    SplitRow,
)
from halluc.runs.schema import MetricResult
from halluc.wording import formats
from halluc.wording.nouns import Nouns


def headlines(report: RunReport, room: Room = WIDE) -> Marked:
    """The figures at the head, and what each says."""
    rows = [[one.title, *_measured(one.figure), one.meaning] for one in report.headlines]
    return gfm.table(["figure", "value", "95% interval", "n", "what it says"], rows, "lrrrl", room)


def figures(found: Sequence[MetricResult], room: Room = WIDE) -> Marked:
    """Overall figures, each with its protocol."""
    rows = [[formats.title(one.name, one.by), *_measured(one), one.protocol] for one in found]
    return gfm.table(["figure", "value", "95% interval", "n", "protocol"], rows, "lrrrl", room)


def _measured(found: MetricResult) -> list[str]:
    name = found.name
    return [formats.value(name, found.value), formats.interval(name, found.interval), formats.count(found.n)]


def gates(found: Sequence[GateResult], room: Room = WIDE) -> Marked:
    """Each gate with whether it was met; those that were not stand first."""
    told = [
        Marked(f"{gfm.strong('met' if gate.met else 'not met')}: {gfm.md(gate.told, room.text)}")
        for gate in sorted(found, key=lambda gate: gate.met)
    ]
    return gfm.bullets(told, room)


def outcomes(found: Sequence[Outcome], room: Room = WIDE, of: str = "") -> Marked:
    """What became of claims and annotation, a row a slice."""
    distorts = any(row.distortion is not None for row in found)
    rows = [
        [
            row.name,
            formats.count(row.claims),
            *map(formats.metric, (row.support, *((row.distortion,) if distorts else ()), row.hallucination)),
            formats.count(row.gold),
            formats.metric(row.omission),
        ]
        for row in found
    ]
    verdicts = ["supported", *(["distorted"] if distorts else []), "hallucinated"]
    columns = [of, "claims", *verdicts, "annotated", "omitted"]
    return gfm.table(columns, rows, "lr", room)


def gap(found: Sequence[GapRow], room: Room = WIDE, counted: str = "mentions") -> Marked:
    """What training does not show: as forecast from it alone, and as found; ``counted`` is what it is a share of."""
    rows = [
        [
            "all" if row.label is None else row.label,
            formats.count(row.counted),
            *map(formats.metric, (row.forecast, row.unseen, row.new)),
            _signed(row.excess),
        ]
        for row in found
    ]
    return gfm.table(["label", counted, "forecast", "unseen", "of it new", "excess"], rows, "lr", room)


def _signed(found: MetricResult) -> str:
    told = formats.difference(found.name, found.value)
    return f"{told} {formats.interval(found.name, found.interval)}".strip()


def abstention(found: Abstention, words: Nouns) -> list[str]:
    """What the threshold on confidence does, in sentences."""
    told = []
    # Where no claim can be distorted, all that is wrong is a hallucination.
    wrong = f" and {formats.metric(found.false_claims)} are wrong in any way" if words.reasons else ""
    if found.threshold is not None:
        told.append(
            f"{words.claims.capitalize()} with a confidence below {formats.decimal(found.threshold)} are withdrawn. "
            f"{formats.metric(found.coverage)} of them are kept; of those, {formats.metric(found.hallucination)} are "
            f"{words.unsupported}{wrong}. {formats.metric(found.omission)} of the annotated {words.golds} are omitted."
        )
    return [*told, found.guarantee] if found.guarantee else told


def sureness(report: RunReport, room: Room = WIDE) -> list[tuple[str, Marked]]:
    """Confidence, as tables with their titles, those that there is something for."""
    called = {"supported": "supported", "distorted": "distorted", "unsupported": "hallucinations"}
    verdicts = {key: told for key, told in called.items() if any(key in one.counts for one in report.confidence)}
    bins = [
        [
            f"{formats.percent(one.low)} to {formats.percent(one.high)}",
            *(formats.count(one.counts.get(verdict, 0)) for verdict in verdicts),
        ]
        for one in report.confidence
        if any(one.counts.values())
    ]
    reliable = [
        [formats.percent(one.confidence), formats.metric(one.supported), formats.count(one.supported.n)]
        for one in report.reliability
    ]
    risks = [
        [
            formats.percent(one.coverage),
            f"{formats.percent(one.risk)} {formats.interval('risk_at_coverage', one.interval)}".strip(),
        ]
        for one in sorted(report.risk, key=lambda one: one.coverage)
    ]
    found = (
        ("Claims by confidence", ["confidence", *verdicts.values()], bins),
        ("Share that is supported, by confidence", ["mean confidence", "supported", "claims"], reliable),
        ("Error rate if only the most confident predictions are kept", ["coverage", "error rate"], risks),
    )
    return [(title, gfm.table(columns, rows, "lr", room)) for title, columns, rows in found if rows]


def classification(found: ClassTable, room: Room = WIDE) -> Marked:
    """A classification report, its averages in bold at the end, however many classes are left out."""
    classes = [_class_row(row.name, row) for row in found.rows]
    averages = [_class_row(gfm.strong(row.name), row) for row in found.averages]
    left = len(classes) - room.rows
    if left > 0:
        classes = [*classes[: room.rows], [f"and {left:,} more"]]
    columns = ["class", "precision", "recall", "F1", "support"]
    return gfm.table(columns, [*classes, *averages], "lr", room._replace(rows=room.rows + 1 + len(averages)))


def _class_row(name: str, row: ClassRow) -> list[str]:
    return [name, *map(formats.decimal, (row.precision, row.recall, row.f1)), formats.count(row.support)]


def mistakes(found: Sequence[Mistake], words: Nouns, room: Room = WIDE) -> Marked:
    """Which labels are taken for which."""
    return gfm.table(["annotated", "predicted", "texts"], nouns.mistakes(found, words), "llr", room)


def splits(found: Sequence[SplitRow], room: Room = WIDE) -> Marked:
    """Where each split comes from, its size, its hash."""
    counts = nouns.counts(found)
    rows = [
        [
            row.name,
            *(formats.count(row.counts.get(count)) for count in counts),
            gfm.code(row.source, room.text),
            gfm.digest(row.sha256) if row.sha256 else formats.NOTHING,
        ]
        for row in found
    ]
    columns = ["split", *counts.values(), "source", "sha256"]
    return gfm.table(columns, rows, f"l{'r' * len(counts)}ll", room)
