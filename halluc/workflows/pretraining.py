"""``train.pretrain``: continues the pre-training of ``model.name`` before fine-tuning."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from halluc.config.schema import Experiment
from halluc.core.errors import HallucError
from halluc.core.messages import say
from halluc.runs.directory import FITTED
from halluc.workflows.job import Job

if TYPE_CHECKING:
    from halluc.augmentation.models.fitted_models import Fitted


def files(settings: Experiment) -> list[Path]:
    """The files of texts in the config that exist."""
    config = settings.train.pretrain
    named = [Path(text).expanduser() for text in config.texts] if config is not None else []
    return [path for path in named if path.is_file()]


def ensure(job: Job) -> Fitted | None:
    """The pre-trained encoder, trained now if none has its fingerprint; None without ``train.pretrain``.

    Raises:
        HallucError D101, D140, D142, D144, E410, E411: see ``pretrain``.
    """
    config, model = job.settings.train.pretrain, job.settings.model
    if config is None:
        return None
    assert model.name is not None, "`training_options` refuses it otherwise"
    # torch takes seconds to import.
    from halluc.augmentation.methods.base import OptionError, Workspace
    from halluc.augmentation.models.pretraining import pretrain

    own = (text for example in job.train() for text in job.task.examples.texts(example)) if config.own else ()
    workspace = Workspace(Path(job.settings.runs_dir).expanduser() / FITTED, job.settings.seed)
    try:
        result = pretrain(config, model.name, own, workspace, model.trust_remote_code)
    except OptionError as error:
        where = job.loaded.origins.get(("model", "name")) if error.key == "model" else _place(job, error.key)
        raise HallucError(error.code, error.message, where, error.help, error.exit_code) from None
    perplexity = result.facts["held_out_perplexity"]
    change = f"{perplexity['before']:,} to {perplexity['after']:,}"
    done = f"{result.facts['texts']:,} texts in {result.facts['steps']:,} steps"
    say(f"pre-trained on {done}: perplexity on held-out texts {change} ({result.folder})")
    return result


def _place(job: Job, key: str) -> Any:
    """The location of a key, or of the section if the key is not set."""
    origins = job.loaded.origins
    return next((where for at in ((key,), ()) if (where := origins.get(("train", "pretrain", *at)))), None)
