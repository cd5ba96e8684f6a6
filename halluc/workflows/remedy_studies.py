"""The config of a study that compares remedies: arms, a control, seeds, and the expected duration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from halluc.analysis.remedies import CONTROL, CONTROL_CONFIG
from halluc.config.loading import LoadedConfig
from halluc.config.rendering import block
from halluc.core.characters import printable_line
from halluc.core.errors import HallucError
from halluc.core.files import write_text
from halluc.core.quantities import quantity
from halluc.runs.advice import AdvisedRemedy, PlannedStudy
from halluc.runs.directory import RunDir
from halluc.runs.training_facts import TrainingSpeed, speed
from halluc.wording import formats

REFERENCE = "none"
# The first line of written configs: only files that begin with it are overwritten.
_WRITTEN = "# Written by `halluc advise`"
_LONGEST_NAME = 100


def arms_of(remedies: Sequence[AdvisedRemedy]) -> dict[str, Mapping[str, Any]]:
    """The arms by name, the reference first; with copies as a control if one augments."""
    trained = {one.name: one.config for one in remedies if one.command is None}
    control = {CONTROL: CONTROL_CONFIG} if any("augment" in config for config in trained.values()) else {}
    return {REFERENCE: {}, **control, **trained}


def write_study(
    file: Path, run: RunDir, loaded: LoadedConfig, remedies: Sequence[AdvisedRemedy], seeds: int
) -> PlannedStudy:
    """Write a study of the remedies that need a training, with the same steps in all arms, evaluated only on dev.

    Raises:
        HallucError R105: the number of steps of the run is unknown. C011, E401: see ``write_config``.
    """
    known = speed(run)
    if known is None:
        message = f"{run.events} does not have the number of training steps"
        raise HallucError("R105", message, help="train again, or restore the file")
    arms, costs = arms_of(remedies), {one.name: one for one in remedies}
    tree = drop_defaults(loaded)
    # Otherwise arms with more examples would train longer, or stop and be evaluated at other steps.
    every = loaded.experiment.train.evaluate_steps or math.ceil(known.steps / known.epochs)
    train = {key: value for key, value in tree.get("train", {}).items() if key != "patience"}
    seconds = _seconds(run, known, every)
    planned = PlannedStudy(
        file=str(file),
        arms=list(arms),
        seeds=list(range(1, seeds + 1)),
        steps=known.steps,
        seconds=sum(seconds(costs.get(arm)) for arm in arms) * seeds,
    )
    tree |= {
        "name": name_of(loaded.experiment.name, "remedies"),
        "keep_models": "best",
        "train": {**train, "steps": known.steps, "evaluate_steps": every},
        "eval": {**tree.get("eval", {}), "splits": ["dev"]},
        "matrix": {"arm": arms, "seed": planned.seeds},
    }
    # A gate may be for the test split, and a cell that does not meet one would end the study with an error.
    for left_out in ("gates", "seed"):
        tree.pop(left_out, None)
    why = [f"{one.name}: {one.why} ({one.source})" for one in remedies if one.name in arms]
    header = [
        f"A study of remedies for {run.path}, selected by its errors on dev. Test is not evaluated.",
        f"{len(arms)} arms x {quantity(seeds, 'seeds')}, {known.steps:,} steps each; about "
        f"{formats.seconds(planned.seconds)} on a machine as fast as the run's.",
        f"Launch: halluc run {file}, then halluc advise {file}",
        *([f"{CONTROL}: copies, with as many examples as the arms with augmentation"] if CONTROL in arms else []),
        *why,
    ]
    write_config(file, header, tree)
    return planned


def name_of(name: str, ending: str) -> str:
    """The name of a config derived from another one."""
    return f"{name[: _LONGEST_NAME - 1 - len(ending)]}-{ending}"


def drop_defaults(loaded: LoadedConfig) -> dict[str, Any]:
    """The config as plain values, without defaults."""
    tree: dict[str, Any] = loaded.experiment.model_dump(mode="json", exclude_defaults=True)
    return tree


def write_config(file: Path, header: Sequence[str], tree: dict[str, Any]) -> None:
    """Write a config with leading comments.

    Raises:
        HallucError C011: the name is not a YAML file, or another file exists. E401: it cannot be written.
    """
    if file.suffix not in (".yaml", ".yml"):
        raise HallucError("C011", f"--write {file} is not a YAML file", help="give it the extension .yaml")
    if file.exists() and not _is_ours(file):
        help = "use another file: only files that `halluc advise` wrote are overwritten"
        raise HallucError("C011", f"{file} exists", help=help)
    comments = [_WRITTEN, *(f"# {printable_line(line)}" for line in header)]
    write_text(file, "\n".join(comments) + "\n" + block(tree))


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(len(_WRITTEN)) == _WRITTEN.encode()
    except OSError:
        return False


def _seconds(run: RunDir, known: TrainingSpeed, every: int) -> Callable[[AdvisedRemedy | None], float]:
    """Expected seconds of a cell of an arm: start-up, steps, evaluations on dev, and ``halluc eval``."""
    stages = run.read().stages
    train, evaluation = ((stages[name].seconds or 0.0) if name in stages else 0.0 for name in ("train", "eval"))
    loop = known.steps * known.step_seconds + known.evaluations * known.evaluation_seconds
    start = 0.0 if known.is_resumed else max(0.0, train - loop)
    between = math.ceil(known.steps / every) * known.evaluation_seconds

    def seconds(remedy: AdvisedRemedy | None) -> float:
        training, prediction = (1.0, 1.0) if remedy is None else (remedy.training, remedy.prediction)
        return start + known.steps * known.step_seconds * training + (between + evaluation) * prediction

    return seconds
