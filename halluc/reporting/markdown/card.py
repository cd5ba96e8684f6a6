"""model/README.md: a model card for Hugging Face, made from a run. Anything that the run does not record is left
out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from halluc.core.errors import HallucError
from halluc.core.figures import Place, figure, shown
from halluc.core.files import write_text
from halluc.reporting.collect.facts import OF_TRAINING
from halluc.reporting.markdown import gfm
from halluc.reporting.views.tables import TableCell, first_of, table
from halluc.reporting.words import nouns
from halluc.runs.directory import RunDir
from halluc.runs.reports import ConfigLine, RunReport
from halluc.runs.schema import MetricResult
from halluc.wording import formats

CARD = "README.md"
MOST_LABELS = 40
# The keys of the config that define the training; unknown keys of its section ``train`` come last.
_PROCEDURE = ("epochs", "learning_rate", "batch_tokens", "batching", "accumulation", "schedule", "warmup")
_HUB = "hub:"


def write_card(of: RunDir, report: RunReport) -> Path:
    """Write the card of a run next to its model.

    Raises:
        HallucError R105: the run has no model (yet). E401: the file cannot be written.
    """
    if not of.model.is_dir():
        raise HallucError("R105", f"{of.path} has no model/", help="`halluc train` with the same config creates it")
    path = of.model / CARD
    write_text(path, card(report))
    return path


def card(report: RunReport) -> str:
    """The card: metadata for Hugging Face, then the text.

    Figures on the model's own training data say nothing about its quality: the card does not have them.
    """
    # The evaluated split may be the training split under another name.
    hashes = {row.name: row.sha256 for row in report.data.splits}
    evaluated = hashes.get(report.split)
    is_fair = report.split != "train" and (evaluated is None or evaluated != hashes.get("train"))
    if not is_fair:
        notes = [note for note in report.notes if note != OF_TRAINING]
        report = report.model_copy(update={**_NO_FIGURES, "notes": notes})
    config = settings(report.config)
    base = str(_section(config, "model").get("name") or report.model)
    task = nouns.task_of(report)
    words, excluded, usage = task.wording.nouns, task.figures.excluded, _usage(report, config)
    figures = [one for one in _overall(report, "card") if one.value is not None and one.name not in excluded]
    is_constrained = _section(config, "eval").get("decode", "constrained") == "constrained"
    is_of_pairs = _section(config, "data").get("second_field")
    text = '{"text": "Your text.", "text_pair": "The other one."}' if is_of_pairs else '"Your text."'
    body = gfm.render(
        "card.md.j2",
        gfm.WIDE,
        {
            "report": report,
            "is_fair": is_fair,
            "nouns": words,
            "base": base,
            "on_hub": base.startswith(_HUB),
            "from_scratch": bool(_section(config, "model").get("scratch")),
            "usage": gfm.Markdown((usage or words.card.usage).replace("TEXT", text)),
            "has_pipeline": usage is None,
            "unconstrained": gfm.Markdown(words.card.unconstrained) if usage is None and is_constrained else "",
            "labels": _labels(report),
            "procedure": _procedure(report, config),
            "figures": figures,
            "environment": _environment(report),
        },
    )
    return f"---\n{yaml.safe_dump(metadata(report), sort_keys=False, allow_unicode=True, width=1_000)}---\n\n{body}"


def _usage(report: RunReport, config: Mapping[str, Any]) -> str | None:
    """The program for a model that the pipeline of its task does not support; None if it does."""
    section = _section(config, "task")
    usages = nouns.task_of(report).wording.nouns.card.usages
    return next((program for key, program in usages.items() if section.get(key)), None)


# The parts of a report that were computed on the evaluated split.
_NO_FIGURES: dict[str, Any] = {
    "headlines": [], "gates": [], "conclusion": [], "by_novelty": [], "by_label": [], "gap": [], "abstention": None,
    "metrics": [],
}  # fmt: skip


def metadata(report: RunReport) -> dict[str, Any]:
    """The front matter, without licence and language, which are unknown."""
    config = settings(report.config)
    base = str(_section(config, "model").get("name") or report.model)
    task, _ = nouns.task_of(report).wording.nouns.card.pipeline or (None, None)
    front_matter: dict[str, Any] = {"library_name": "transformers"}
    if task is not None and _usage(report, config) is None:
        front_matter["pipeline_tag"] = task
    if base.startswith(_HUB):
        front_matter["base_model"] = _name_on_hub(base)
    front_matter["tags"] = ["halluc"]
    trained_on = [row for row in report.data.splits if row.name in ("train", "dev")]
    sources = [row.source for row in trained_on if row.source.startswith(_HUB)]
    if sources:
        front_matter["datasets"] = list(dict.fromkeys(map(_name_on_hub, sources)))
    metrics = [
        {"type": figure(result.name).hub or result.name, "value": result.value, "name": formats.title(result.name)}
        for result in _overall(report, "card index")
        if result.value is not None
    ]
    if metrics:
        front_matter["model-index"] = [{"name": _plain(report.name), "results": [_result(report, config, metrics)]}]
    return front_matter


def _result(report: RunReport, config: Mapping[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    task, text = nouns.task_of(report).wording.nouns.card.pipeline or (
        _plain(report.task).replace("_", "-"),
        _plain(report.task),
    )
    return {
        "task": {"type": task, "name": text},
        "dataset": _dataset(report, config) | {"split": _plain(report.split)},
        "metrics": metrics,
    }


def _dataset(report: RunReport, config: Mapping[str, Any]) -> dict[str, Any]:
    """``type`` is the name on the hub or, following the hub's convention for files, their format."""
    source = next((row.source for row in report.data.splits if row.name == report.split), None)
    if source is None:
        return {"name": _plain(report.split), "type": "unknown"}
    if source.startswith(_HUB):
        revision = source.partition("@")[2].partition("#")[0]
        name = _name_on_hub(source)
        return {"name": name, "type": name} | ({"revision": _plain(revision)} if revision else {})
    return {"name": _end(source), "type": _end(str(_section(config, "data").get("format") or "unknown"))}


def _end(path: str) -> str:
    """The last two parts of a path: absolute paths are useless elsewhere, and private."""
    return _plain("/".join(re.findall(r"[^\\/]+", path)[-2:]) or "unknown")


def _overall(report: RunReport, place: Place) -> list[MetricResult]:
    """The first protocol's overall figure of each name."""
    result = {one.name: one for one in reversed(report.metrics) if not one.by}
    return [result[column.row.name] for column in shown(place, result)]


def _name_on_hub(reference: str) -> str:
    """``ORG/NAME`` of ``hub:ORG/NAME@REVISION#SPLIT``."""
    return _plain(reference.removeprefix(_HUB).partition("@")[0].partition("#")[0])


def _plain(text: object) -> str:
    return formats.visible(text, 200)


def settings(lines: Iterable[ConfigLine]) -> dict[str, Any]:
    """The resolved config as values; empty if it cannot be read."""
    try:
        result = yaml.safe_load("\n".join(line.text for line in lines))
    except yaml.YAMLError:
        return {}
    return result if isinstance(result, dict) else {}


def _section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    result = config.get(name)
    return result if isinstance(result, dict) else {}


def _labels(report: RunReport) -> gfm.Markdown | None:
    """The labels of the training split, or of the evaluated one if that is unknown; None if neither is known."""
    splits = {row.name: row for row in report.data.splits if row.labels}
    result = splits.get("train") or splits.get(report.split)
    if result is None:
        return None
    return gfm.Markdown(", ".join(first_of([gfm.strong(label, 40) for label in sorted(result.labels)], MOST_LABELS)))


def _procedure(report: RunReport, config: Mapping[str, Any]) -> gfm.Markdown | None:
    """Settings and course of the training; None if both are unknown."""
    train = _section(config, "train")
    unused = {"epochs"} if train.get("steps") is not None else set()  # steps override epochs
    named = [key for key in (*_PROCEDURE, *train) if key not in unused]
    keys = [key for key in named if train.get(key) is not None and train[key] is not False]
    rows = [
        [key.replace("_", " "), str(value).lower() if isinstance(value := train[key], bool) else formats.visible(value)]
        for key in dict.fromkeys(keys)
    ]
    curves = report.curves
    if curves is not None:
        course = {
            "steps taken": formats.count(curves.steps),
            "training examples, as the model reads them": curves.features and formats.count(curves.features),
            "time of the training steps": curves.seconds is not None and formats.seconds(curves.seconds),
            "checkpoint kept": curves.best_step is not None and f"step {formats.count(curves.best_step)}",
        }
        rows += [[name, value] for name, value in course.items() if value]
    parameters = report.run.model.get("parameters")
    if isinstance(parameters, int):
        rows.append(["parameters", formats.count(parameters)])
    return gfm.table(table("", ["", "value"], rows)) if rows else None


def _environment(report: RunReport) -> gfm.Markdown:
    record = report.run
    hardware = {name: value for name, value in record.hardware.items() if name in ("device", "precision", "processes")}
    rows: list[Sequence[str | TableCell]] = [
        ("halluc", record.halluc),
        *record.versions.items(),
        *((name, formats.visible(value)) for name, value in hardware.items() if value is not None),
        *((name, str(seed)) for name, seed in record.seeds.items()),
    ]
    if record.git and record.git.get("commit"):
        under = "with changes" if record.git.get("dirty") else ""
        rows.append(["git commit", TableCell(str(record.git["commit"]), under, form="digest")])
    rows.append(["config sha256", TableCell(record.config_sha256, form="digest")])
    return gfm.table(table("", ["", "value"], rows, "nt"))
