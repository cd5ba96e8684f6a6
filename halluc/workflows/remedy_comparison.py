"""A study of remedies on dev: the effect and cost of each arm, and the config of the best one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from halluc.analysis import arms, remedy_effects, study
from halluc.analysis.points import StudyCell
from halluc.analysis.remedy_effects import ArmFacts
from halluc.components import TABLE
from halluc.config.loading import load as load_config
from halluc.core.errors import HallucError
from halluc.reporting.words import remedy_sentences
from halluc.runs.advice import StudyAdvice
from halluc.runs.directory import RunDir
from halluc.runs.studies import LEAST_SEEDS, Plain
from halluc.runs.training_facts import speed
from halluc.workflows import remedy_studies
from halluc.workflows.reports import Target

SPLIT, SEED, COPIES = "dev", study.SEED, "duplicate"


def advise(target: Target, path: Path, write: Path | None) -> StudyAdvice:
    """
    Raises:
        HallucError C011: the study has other axes than its arms and the seed, or no arms. R112: no cell is evaluated on
            dev. As ``remedy_studies.write_config``.
    """
    axis = _axis(target)
    figures = study.current(target.name, target.path, target.cells, SPLIT)
    by_arm: dict[Plain, list[StudyCell]] = {}
    for cell in target.cells:
        by_arm.setdefault(cell.choice[axis], []).append(cell)
    facts = {arm: _facts(cells) for arm, cells in by_arm.items()}
    control = next((arm for arm, known in facts.items() if known.is_control), None)
    against = None
    if control is not None and any(one.arm == control for one in figures.comparisons):
        against = study.current(target.name, target.path, target.cells, SPLIT, str(control))
    effects = remedy_effects.effects(figures, facts, against)
    reference = next(iter(facts))
    is_conclusive = not figures.missing and any(one.seeds >= LEAST_SEEDS for one in effects)
    best = remedy_effects.best(effects, has_control=control is not None) if is_conclusive else None
    advice = StudyAdvice(
        study=target.name,
        split=figures.split,
        examples=figures.examples,
        reference=reference,
        effects=effects,
        missing=figures.missing,
        best=None if best is None else best.arm,
        is_conclusive=is_conclusive,
        conclusion=[],
    )
    advice.conclusion = remedy_sentences.conclusion(advice, path)
    if write is not None and is_conclusive:
        chosen = reference if best is None else best.arm
        _write(write, target, by_arm[chosen], advice.conclusion)
        advice.file = str(write)
    return advice


def _axis(target: Target) -> str:
    values: dict[str, dict[Plain, None]] = {}
    for cell in target.cells:
        for axis, value in cell.choice.items():
            values.setdefault(axis, {})[value] = None
    others = {axis: list(arms_of) for axis, arms_of in values.items() if axis != SEED}
    if len(others) == 1:
        [(axis, arms_of)] = others.items()
        if len(arms_of) > 1 and axis in arms.references(others, None):
            return axis
    named = ", ".join(f"`{axis}`" for axis in others) or "none"
    help = "use halluc report to compare studies with other axes"
    message = (
        f"advice needs a study with one axis of named arms and the seed; apart from the seed, {target.name} has {named}"
    )
    raise HallucError("C011", message, help=help)


def _facts(cells: Sequence[StudyCell]) -> ArmFacts:
    """Durations of the cells, if known, and the augmentation in the arm's config."""
    training: dict[Plain, float] = {}
    prediction: dict[Plain, float] = {}
    for cell in cells:
        seconds = _seconds(cell.run)
        for into, stage in ((training, "train"), (prediction, "eval")):
            if seconds.get(stage):
                into[cell.choice.get(SEED)] = seconds[stage]
    methods = _methods(cells)
    return ArmFacts(training, prediction, is_control=set(methods) == {COPIES}, augments=bool(set(methods) - {COPIES}))


def _seconds(run: RunDir) -> Mapping[str, float]:
    """Durations of training and evaluation, unless interrupted: then only the last part is known."""
    try:
        stages = run.read().stages
    except HallucError:
        return {}  # listed among the missing cells
    known = speed(run)
    results = {name: stage.seconds or 0.0 for name, stage in stages.items() if stage.status == "done"}
    return {name: one for name, one in results.items() if name != "train" or known is None or not known.is_resumed}


def _methods(cells: Sequence[StudyCell]) -> list[str]:
    """The augmentation methods of an arm; empty if it has no augmentation, or no cell has a config."""
    for cell in cells:
        if cell.run.config.is_file():
            augment = load_config(cell.run.config, table=TABLE, stored=True).experiment.augment
            return [] if augment is None else [method.type for method in augment.methods]
    return []


def _write(file: Path, target: Target, cells: Sequence[StudyCell], conclusion: Sequence[str]) -> None:
    """The whole config of an arm, with its first seed, evaluated on dev and on test."""
    tree = remedy_studies.drop_defaults(load_config(cells[0].run.config, table=TABLE, stored=True))
    tree["name"] = remedy_studies.name_of(target.name, "best")
    evaluation = {key: value for key, value in tree.pop("eval", {}).items() if key != "splits"}
    tree |= {"eval": evaluation} if evaluation else {}
    header = [f"From the study {target.name}, chosen on dev. Nothing was chosen on test.", *conclusion]
    remedy_studies.write_config(file, [*header, f"Launch: halluc run {file}"], tree)
