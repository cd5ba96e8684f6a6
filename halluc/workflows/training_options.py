"""Finds keys of `train` and `model` that do not suit a task, before anything is read, augmented or trained."""

from __future__ import annotations

from halluc.config.loading import LoadedConfig
from halluc.core.errors import HallucError, require_package
from halluc.loggers import trackers
from halluc.task import AnyTask


def refuse_unfit(loaded: LoadedConfig, task: AnyTask) -> None:
    """
    Raises:
        HallucError C221, C206: a key does not suit the task, or another key. E420: a package is missing.
    """
    model, train = loaded.experiment.model, loaded.experiment.train
    if any("Generation" in head for head in task.head):
        for section, key in (("train", "r_drop"), ("train", "adversarial"), ("model", "lora")):
            if getattr(getattr(loaded.experiment, section), key):
                message = f"`{section}.{key}` cannot be used with {task.name}, a text generation task"
                help = f"remove `{section}.{key}`; it needs a task with an encoder"
                raise HallucError("C221", message, loaded.origins.get((section, key)), help)
    if train.pretrain is not None and model.name is None:
        help = "use a pre-trained encoder, or remove `train.pretrain`"
        where = loaded.origins.get(("train", "pretrain"))
        raise HallucError("C206", "`train.pretrain` requires `model.name`", where, help)
    if model.lora is not None:
        require_package("peft", "`model.lora`", "lora")
    trackers.refuse_missing(loaded.experiment.loggers)
    refuse = getattr(task.model, "refuse_training", None)
    if refuse is not None:
        refuse(model, train)
