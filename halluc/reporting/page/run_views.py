"""What run.html.j2 lays out as rows: the figures of a run, named and written for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from halluc.reporting.page import highlight
from halluc.reporting.page.cells import Cell
from halluc.reporting.page.highlight import Piece
from halluc.reporting.words import nouns
from halluc.runs.reports import RunReport
from halluc.runs.schema import RunFile
from halluc.wording import formats


def view(report: RunReport) -> dict[str, Any]:
    """What the template needs beside the report itself."""
    shown = [claim.line for section in report.claims for claim in section.shown]
    there = {line.novelty for line in shown}
    task = nouns.task(report.task, report.metrics)
    words = task.wording.nouns
    return {
        "labels": sorted({line.label for line in shown}),
        "novelties": [novelty for novelty in task.knowledge.novelties if novelty in there],
        "section_titles": words.section_titles,
        "shown_claims": len(shown),
        "split_counts": nouns.counts(report.data.splits),
        "mistake_rows": [[*pair, Cell(n)] for *pair, n in nouns.mistakes(report.mistakes, words)],
        "figure_rows": [_figure_row(report, number) for number in range(len(report.metrics))],
        "provenance_rows": list(_provenance(report.run)),
        "edited": _edited,
        **_augmented(report),
    }


def _figure_row(report: RunReport, number: int) -> list[str]:
    found = report.metrics[number]
    of = ", ".join(f"{name} {value}" for name, value in found.by.items())
    told = formats.value(found.name, found.value)
    return [
        found.name,
        of,
        told,
        formats.interval(found.name, found.interval),
        formats.count(found.n),
        found.protocol,
    ]


def _edited(tokens: Sequence[str], edits: Sequence[tuple[int, int]], second: int | None) -> list[list[Piece]]:
    """An example with the tokens that edits touched as pieces of their own; of a pair each of its texts."""
    spans = [((start, end, ""), "edit") for start, end in edits]
    texts = [(0, tokens)] if second is None else [(0, tokens[:second]), (second, tokens[second:])]
    return [highlight.drawn(text, first, spans, []) for first, text in texts]


def _augmented(report: RunReport) -> dict[str, Any]:
    if report.augmentation is None or report.augmentation.manifest is None:
        return {}
    made = report.augmentation.manifest
    refused = made.refused.values()
    methods = dict.fromkeys([*made.kept, *(method for by_method in refused for method in by_method)])
    kept = [
        [method, *(formats.count(by_method.get(method, 0)) for by_method in (made.kept, *refused))]
        for method in methods
    ]
    parts = (made.before, made.new, made.after)
    keys = dict.fromkeys(key for part in parts for key, value in part.items() if isinstance(value, (int, float)))
    became = [[key.replace("_", " "), *(_number(key, part.get(key)) for part in parts)] for key in keys]
    return {"kept_rows": kept, "became_rows": became}


def _number(key: str, value: Any) -> str:
    if not isinstance(value, (int, float)):
        return formats.NOTHING
    if key.endswith("_share"):
        return formats.percent(value)
    return formats.count(value) if isinstance(value, int) else formats.decimal(value)


def _provenance(run: RunFile) -> Iterable[list[str]]:
    yield ["status", run.status]
    yield ["halluc", run.halluc]
    yield ["config sha256", run.config_sha256]
    if run.git:
        yield ["git", f"{run.git.get('commit')}{', with changes' if run.git.get('dirty') else ''}"]
    for command, stage in run.stages.items():
        told = f"{stage.status}, {stage.started}, {formats.seconds(stage.seconds)}"
        yield [f"halluc {command}", told + "".join(f" --set {argument}" for argument in stage.arguments)]
    for name, pairs in (
        ("version", run.versions),
        ("hardware", run.hardware),
        ("seed", run.seeds),
        ("model", run.model),
    ):
        for key, value in pairs.items():
            yield [f"{name}: {key}", formats.NOTHING if value is None else str(value)]
    for path, digest in {**run.inputs, **_evaluated_inputs(run)}.items():
        yield [f"sha256: {path}", digest]


def _evaluated_inputs(run: RunFile) -> Mapping[str, str]:
    stage = run.stages.get("eval")
    found = stage.detail.get("inputs") if stage is not None else None
    return found if isinstance(found, dict) else {}
