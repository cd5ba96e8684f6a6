"""The tables of one run: figures, outcomes of claims and gold, confidence, data, augmentation, provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from halluc.reporting.collect.facts import evaluated_inputs
from halluc.reporting.views.tables import Cells, TableCell, TableView, first_of, table
from halluc.reporting.words import nouns
from halluc.runs.reports import Abstention, ClassRow, ConfigLine, Outcome, RunReport, SplitRow
from halluc.runs.schema import AugmentFile, MetricResult, RunFile
from halluc.wording import formats
from halluc.wording.nouns import Nouns

# Of more labels of a split the rest is only counted.
MOST_LABELS = 12
_MEASURED = ["value", "95% interval", "n"]


def headlines(report: RunReport) -> TableView:
    """The main figures, each with its meaning."""
    return table(
        "Headline figures",
        ["figure", *_MEASURED, "meaning"],
        [[one.title, *_figure_cells(one.figure), one.meaning] for one in report.headlines],
        "nffft",
    )


def figures(metrics: Sequence[MetricResult]) -> TableView:
    """Overall figures, each with its protocol."""
    return table(
        "Figures",
        ["figure", *_MEASURED, "protocol"],
        [[formats.title(one.name, one.by), *_figure_cells(one), one.protocol] for one in metrics],
        "nffft",
    )


def every_figure(report: RunReport) -> TableView:
    """All figures with their names in the files."""
    rows = [
        [one.name, ", ".join(f"{name} {value}" for name, value in one.by.items()), *_figure_cells(one), one.protocol]
        for one in report.metrics
    ]
    return table(f"All figures of {report.split}", ["figure", "of", *_MEASURED, "protocol"], rows, "ntffft")


def _figure_cells(metric: MetricResult) -> list[str]:
    name = metric.name
    return [formats.value(name, metric.value), formats.interval(name, metric.interval), formats.count(metric.n)]


def outcomes(report: RunReport, words: Nouns) -> list[TableView]:
    """Outcomes of claims and annotation, by novelty and by label; without empty tables."""
    by_novelty = outcome_table("By novelty", nouns.by_novelty(report.by_novelty, words), words.novelty_heading)
    return [one for one in (by_novelty, outcome_table("By label", report.by_label, "label")) if one.rows]


def outcome_table(title: str, result: Sequence[Outcome], of: str) -> TableView:
    """The verdicts of claims, and the omitted gold, of each slice."""
    distorts = any(row.distortion is not None for row in result)
    verdicts = ["supported", *(["distorted"] if distorts else []), "hallucinated"]
    return table(
        title,
        [of, "claims", *verdicts, "annotated", "omitted"],
        [
            [
                row.name,
                formats.count(row.claims),
                *map(_share, (row.support, *((row.distortion,) if distorts else ()), row.hallucination)),
                formats.count(row.gold),
                _share(row.omission),
            ]
            for row in result
        ],
    )


def _share(metric: MetricResult | None) -> TableCell:
    if metric is None or metric.value is None:
        return TableCell(formats.NOTHING)
    interval = formats.interval(metric.name, metric.interval) or f"({formats.NO_INTERVAL})"
    return TableCell(formats.value(metric.name, metric.value), interval)


def abstention(result: Abstention, words: Nouns) -> list[str]:
    """The effect of the confidence threshold, in sentences."""
    parts = []
    # If no claim can be distorted, every wrong claim is a hallucination.
    wrong = f" and {formats.metric(result.false_claims)} are wrong for any reason" if words.reasons else ""
    if result.threshold is not None:
        parts.append(
            f"{words.claims.capitalize()} with a confidence below {formats.decimal(result.threshold)} are withdrawn."
        )
    if result.by is not None:
        parts.append(f"Each {result.by} has its own confidence threshold.")
    if parts and result.coverage is not None:
        parts[0] += (
            f" {formats.metric(result.coverage)} of them are kept; of those, {formats.metric(result.hallucination)} "
            f"are {words.unsupported}{wrong}. {formats.metric(result.omission)} of the annotated {words.golds} are "
            "omitted."
        )
    return [*parts, result.guarantee] if result.guarantee else parts


def thresholds(result: Abstention | None) -> list[TableView]:
    """The threshold of each class, if classes have their own."""
    if result is None or not result.classes:
        return []
    rows: list[Cells] = [
        [
            one.name,
            "none: all withdrawn" if one.threshold is None else formats.decimal(one.threshold),
            formats.count(one.claims),
            *(formats.NOTHING if share is None else formats.percent(share) for share in (one.kept_share, one.rate)),
        ]
        for one in result.classes
    ]
    columns = [str(result.by), "threshold", "claims on half of dev", "kept there", "hallucinations among them"]
    notes = [f"{one.name}: {one.why_none}." for one in result.classes if one.why_none]
    return [table(f"Confidence threshold by {result.by}", columns, rows, notes=notes)]


def confidence(report: RunReport) -> list[TableView]:
    """Claims by confidence, the share that is supported, the risk by coverage; only tables that have rows."""
    verdict_names = {"supported": "supported", "distorted": "distorted", "unsupported": "hallucinations"}
    verdicts = {key: text for key, text in verdict_names.items() if any(key in one.counts for one in report.confidence)}
    bins = [
        [
            f"{formats.percent(one.low)} to {formats.percent(one.high)}",
            *(formats.count(one.counts.get(verdict, 0)) for verdict in verdicts),
        ]
        for one in report.confidence
        if any(one.counts.values())
    ]
    reliable: list[Cells] = [
        [formats.percent(one.confidence), _share(one.supported), formats.count(one.supported.n)]
        for one in report.reliability
    ]
    risks: list[Cells] = [
        [
            formats.percent(one.coverage),
            TableCell(formats.percent(one.risk), formats.interval("risk_at_coverage", one.interval)),
        ]
        for one in sorted(report.risk, key=lambda one: one.coverage)
    ]
    result = (
        table("Claims by confidence", ["confidence", *verdicts.values()], bins),
        table("Share of supported claims by confidence", ["mean confidence", "supported", "claims"], reliable),
        table("Error rate if only the most confident predictions are kept", ["coverage", "error rate"], risks),
    )
    return [*thresholds(report.abstention), *(one for one in result if one.rows)]


def classification(report: RunReport, words: Nouns) -> list[TableView]:
    """Classification reports, with averages at the end; then which labels are confused with which."""
    pairs = [
        [words.class_name(one.gold), words.class_name(one.predicted), formats.count(one.n)] for one in report.mistakes
    ]
    mistakes = table("Most frequent confusions", ["annotated", "predicted", "texts"], pairs, "nnf")
    headings = ["class", "precision", "recall", "F1", "support"]
    reports = [
        table(one.title, headings, map(_class, one.rows), totals=map(_class, one.averages))
        for one in report.classification
    ]
    return [*reports, *([mistakes] if mistakes.rows else [])]


def _class(row: ClassRow) -> list[str]:
    return [row.name, *map(formats.decimal, (row.precision, row.recall, row.f1)), formats.count(row.support)]


def splits(result: Sequence[SplitRow], scheme: str | None = None) -> TableView:
    """Each split: its size, its labels, its source, its hash."""
    # Counts that are 0 in every split are left out.
    counts = list(dict.fromkeys(name for row in result for name, count in row.counts.items() if count))
    rows = [
        [
            row.name,
            *(formats.count(row.counts.get(count)) for count in counts),
            formats.count(row.duplicates),
            _labels(row.labels),
            TableCell(row.source, form="code"),
            TableCell(row.sha256, form="digest") if row.sha256 else formats.NOTHING,
        ]
        for row in result
    ]
    tags = f"; tags are {scheme if ' in ' in scheme else scheme.upper()}" if scheme else ""
    columns = ["split", *(count.replace("_", " ") for count in counts), "repeated", "by label", "source", "sha256"]
    return table(f"Splits{tags}", columns, rows, f"n{'f' * (len(counts) + 1)}t")


def _labels(result: Mapping[str, int]) -> TableCell:
    parts = [f"{formats.visible(label, 30)} {formats.count(n)}" for label, n in result.items()]
    shown = first_of(parts, MOST_LABELS)
    return TableCell(", ".join(shown), parts=tuple(shown))


def withheld(result: Mapping[str, object]) -> TableView:
    """The data that ``gap`` withheld from the training split."""
    return table(
        "What was withheld from the training split",
        ["what", "value"],
        [[_plain(key), _withheld(value)] for key, value in result.items() if value is not None],
        "nt",
    )


def _withheld(value: object) -> str:
    if not isinstance(value, Mapping):
        return formats.visible(value, 200)
    return ", ".join(
        f"{_plain(name)} {f'{inner:,}' if isinstance(inner, int) else formats.visible(inner, 60)}"
        for name, inner in value.items()
    )


def _plain(key: object) -> str:
    return str(key).replace("_", " ")


def augmentation_tables(manifest: AugmentFile) -> list[TableView]:
    """Kept and rejected candidates, by method; the corpus before and after."""
    refused = manifest.refused.values()
    methods = dict.fromkeys([*manifest.kept, *(method for by_method in refused for method in by_method)])
    kept = [
        [method, *(formats.count(by_method.get(method, 0)) for by_method in (manifest.kept, *refused))]
        for method in methods
    ]
    parts = (manifest.before, manifest.new, manifest.after)
    keys = dict.fromkeys(key for part in parts for key, value in part.items() if isinstance(value, (int, float)))
    numbers = [[_plain(key), *(_number(key, part.get(key)) for part in parts)] for key in keys]
    return [
        table("Kept and rejected, by method", ["method", "kept", *manifest.refused], kept),
        table("The corpus before and after", ["", "training split", "new examples", "together"], numbers),
        *_quality_and_diversity(manifest),
    ]


def _quality_and_diversity(manifest: AugmentFile) -> Iterable[TableView]:
    """A comparison of the generators of a sampling method, with its verdict."""
    for method, facts in manifest.methods.items():
        rows, verdict = facts.get("quality_diversity"), facts.get("verdict")
        if not rows:
            continue
        keys = list(rows[0])
        cells = [
            [one if isinstance(one := row.get(key), str) else formats.decimal(one) for key in keys] for row in rows
        ]
        notes = [f"{verdict[:1].upper()}{verdict[1:]}."] if verdict else []
        yield table(f"Quality and diversity of {method}", [_plain(key) for key in keys], cells, notes=notes)


def _number(key: str, value: Any) -> str:
    if not isinstance(value, (int, float)):
        return formats.NOTHING
    if key.endswith("_share"):
        return formats.percent(value)
    return formats.count(value) if isinstance(value, int) else formats.decimal(value)


def config(lines: Iterable[ConfigLine]) -> TableView:
    """The resolved config, each value with its origin."""
    return table(
        "The resolved config",
        ["value", "origin"],
        [(TableCell(line.text, form="code"), line.origin or "") for line in lines],
        "t",
    )


def provenance(run: RunFile) -> TableView:
    """Versions, hardware, inputs, commands."""
    rows = [["status", run.status], ["halluc", run.halluc], ["config sha256", run.config_sha256]]
    if run.git:
        rows.append(["git", f"{run.git.get('commit')}{', with changes' if run.git.get('dirty') else ''}"])
    for command, stage in run.stages.items():
        text = f"{stage.status}, {stage.started}, {formats.seconds(stage.seconds)}"
        rows.append([f"halluc {command}", text + "".join(f" --set {argument}" for argument in stage.arguments)])
    facts = {"version": run.versions, "hardware": run.hardware, "seed": run.seeds, "model": run.model}
    rows += [
        [f"{name}: {key}", formats.NOTHING if value is None else str(value)]
        for name, pairs in facts.items()
        for key, value in pairs.items()
    ]
    rows += [[f"sha256: {path}", digest] for path, digest in {**run.inputs, **evaluated_inputs(run)}.items()]
    return table("Provenance", ["what", "value"], rows, "nt")
