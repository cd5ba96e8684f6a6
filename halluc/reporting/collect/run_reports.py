"""One run as plain data: everything that its report shows, read only from its folder."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

from halluc.core.errors import HallucError
from halluc.reporting.collect import confidences, facts, outcomes, paths, reading, reproducing
from halluc.reporting.collect.annotation import collect_doubts
from halluc.reporting.collect.augmented import augmentation
from halluc.reporting.collect.claim_selection import SelectedClaims, Texts, pick, sections
from halluc.reporting.collect.curves import curves
from halluc.reporting.words import run_sentences
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.probes import ProbeFile
from halluc.runs.records import read_record
from halluc.runs.reports import Abstention, Curves, GapRow, RunReport, TextNovelty
from halluc.task import evaluated
from halluc.wording.nouns import FigureLookup


def run_report(run: RunDir, split: str | None = None, most_claims: int = 200) -> RunReport:
    """The report of a run on one of its evaluated splits: the requested one, or else test, dev or train.

    Args:
        most_claims: how many claims of each kind are shown, worst first; a quarter as many of the supported.

    Raises:
        HallucError R112: the split was not evaluated, or ledger, predictions and figures are damaged or inconsistent.
            R101, R102, C…: ``run.json`` or the config is damaged or of another version. Anything else that is missing,
            damaged or changed is named in ``integrity``, ``notes`` and ``augmentation``.
    """
    source = reading.read(run, split)
    task = evaluated(source.file)
    picked = pick(source.ledger(), most_claims, source.confidence, task.knowledge.novelties)
    whole = task.knowledge.whole_texts(source.coverage) if source.coverage is not None else None
    texts = Texts(picked.example_ids(), set(picked.ids), task, whole)
    # The predictions are read once, for all sections.
    examples = texts.collect(source.predictions())
    gap = outcomes.gap_rows(task.knowledge, source.coverage, examples) if source.coverage is not None else []
    deque(examples, maxlen=0)  # the part that has not been read yet
    reading.refuse_parts(source, picked, texts)
    return _report(source, picked, texts, gap)


def _report(source: reading.EvaluatedRun, picked: SelectedClaims, texts: Texts, gap: list[GapRow]) -> RunReport:
    run, record, notes = source.run, source.record, list(source.notes)
    data = facts.data(source, texts)
    gates, of_gates = facts.gates(source)
    config = reproducing.config_lines(run)
    known = paths.known_paths([(run, config)])
    parts = {**_figure_sections(source, picked, notes), "curves": _curves(source, notes)}
    try:
        parts["annotation"] = collect_doubts(run, source.split, source.file, source.ledger())
    except HallucError as error:
        notes.append(f"The annotation quality is not shown: {error.message}. {error.help}")
    unjudged = [
        f"{picked.unverifiable:,} claims have no evidence to verify them: they are excluded from all rates and not "
        "shown."
    ] * (picked.unverifiable > 0)
    probed, of_probes = probes(run)
    augmented = augmentation(run, record, configured=source.config.get("augment") is not None)
    made = RunReport(
        name=f"{record.name}/{run.path.name}" if "=" in run.path.name else record.name,
        task=source.file.task,
        model=_model(source),
        split=source.split,
        splits=source.splits,
        examples=texts.examples,
        seed=record.seeds.get("seed"),
        single_seed=record.predictions is None,
        run=record,
        gates=gates,
        integrity=[*source.files.integrity, *(augmented.problems if augmented is not None else ())],
        notes=[*facts.state(source), *unjudged, *notes, *source.files.notes, *of_gates, *of_probes],
        text_novelty=TextNovelty(edges=texts.known.edges, edges_of=texts.known.edges_of) if texts.known else None,
        gap=gap,
        claims=sections(picked, texts),
        data=data,
        augmentation=augmented,
        probes=probed,
        config=config,
        reproduce=reproducing.commands(source, config, known),
        metrics=source.file.metrics,
        **parts,
    )
    return paths.relative_run_report(made, known)


def _figure_sections(source: reading.EvaluatedRun, picked: SelectedClaims, notes: list[str]) -> dict[str, Any]:
    """The sections that are made from eval/<split>.json, and the confidences of the ledger."""
    figures, task = FigureLookup(source.file.metrics), evaluated(source.file)
    path = source.run.report(source.split, "json")
    classification, mistakes = source.files.read(
        path,
        partial(outcomes.classification, path, figures),
        "there are no classification reports",
        source.split,
    ) or ([], [])
    withdrawing = _abstention(source, picked, figures, notes)
    return {
        "headlines": run_sentences.headlines(figures, task),
        "conclusion": run_sentences.conclusion(figures, source.split, picked.confidences, withdrawing, task),
        "by_novelty": outcomes.by_novelty(figures, task),
        "by_label": outcomes.by_label(figures, task),
        "confidence": confidences.histogram(picked.confidences, distorts=bool(task.judge.reasons)),
        "reliability": confidences.reliability(figures),
        "risk": confidences.risk(figures),
        "abstention": withdrawing,
        "classification": classification,
        "mistakes": mistakes,
    }


def _abstention(
    source: reading.EvaluatedRun, picked: SelectedClaims, figures: FigureLookup, notes: list[str]
) -> Abstention | None:
    """``confidence.json`` belongs to the last evaluation: if that was of another split, it may differ from this
    ledger's."""
    file = source.confidence
    later = evaluations.is_of_later_evaluation(source.run, source.record, source.split)
    if file is not None and (picked.against or later):
        notes.append(
            f"confidence.json is from a later evaluation than that of {source.split}: its threshold is not the one "
            f"used here. `halluc eval --run {source.run.path} --split {source.split}` fixes this."
        )
        file = None
    return confidences.abstention(file, figures, source.split, chosen_on_dev=source.chosen_on_dev)


def _model(source: reading.EvaluatedRun) -> str:
    if source.record.predictions is not None:
        return f"predictions of {source.record.predictions.name}"
    if source.file.ensemble:
        return f"an ensemble of {len(source.file.ensemble)} models"
    section = source.config.get("model")
    named = section.get("name") if isinstance(section, dict) else None
    from_elsewhere = "train" not in source.record.stages
    if not from_elsewhere and isinstance(section, dict) and isinstance(section.get("scratch"), dict):
        sizes = ", ".join(f"{name} {size}" for name, size in section["scratch"].items())
        return f"a model from scratch ({sizes})"
    return source.file.checkpoint if from_elsewhere or not named else str(named)


def _curves(source: reading.EvaluatedRun, notes: list[str]) -> Curves | None:
    if "train" not in source.record.stages:
        return None  # a model from elsewhere
    path = source.run.events
    read = partial(curves, path, source.record)
    result, text = source.files.read(path, read, "there are no training curves") or (None, [])
    notes += text
    return result


def probes(run: RunDir) -> tuple[list[ProbeFile], list[str]]:
    """The probes of a run by name, and notes about those that cannot be read."""
    result, notes = [], []
    for path in sorted(run.probe("*").parent.glob("*.json")):
        help = f"probe again with `halluc probe --name {path.stem}`"
        try:
            result.append(read_record(path, ProbeFile, damaged="R114", other_version="R114", help=help))
        except HallucError as error:
            notes.append(f"{error.message}: its figures are not shown; {help}")
    return result, notes
