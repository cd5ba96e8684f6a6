"""What of an augmentation a task cannot have: told before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from halluc.augmentation.methods.base import AUGMENTER
from halluc.components import TABLE
from halluc.config.loading import LoadedConfig
from halluc.config.yaml import Path
from halluc.core import registry
from halluc.core.errors import HallucError, refuse
from halluc.task import AnyTask


def refuse_unfit(loaded: LoadedConfig, task: AnyTask) -> None:
    """Refuse what the task cannot be written in, and methods that find nothing to do in its examples.

    Raises:
        HallucError C103, or ManyErrors of such.
    """
    asked = loaded.experiment.augment
    if asked is None:
        return
    found: list[HallucError] = []
    if asked.format not in task.examples.formats:
        help = f"of {task.name} it is one of {', '.join(task.examples.formats)}"
        where = loaded.origins.get(("augment", "format"))
        found.append(HallucError("C103", f'`augment.format` cannot be "{asked.format}"', where, help))
    for path, step in _steps(asked.methods, ("augment", "methods")):
        instead = registry.load(TABLE, AUGMENTER, step.type).instead if step.type in TABLE[AUGMENTER] else None
        if instead is not None and not task.examples.has_spans:
            message = f"`{step.type}` needs mentions, and the {task.wording.words.examples} of {task.name} have none"
            found.append(HallucError("C103", message, loaded.origins.get((*path, "type")), instead))
    refuse(found)


def _steps(methods: Sequence[Any], path: Path) -> Iterator[tuple[Path, Any]]:
    """Every method, and every step of one, with its place in the config."""
    for number, method in enumerate(methods):
        yield (*path, number), method
        yield from _steps(getattr(method, "methods", ()), (*path, number, "methods"))
