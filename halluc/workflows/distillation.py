"""Soft targets of a training: its teachers' predictions for each training example, computed once and stored in the
run."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy

from halluc.config.hashing import sha256_of_tree
from halluc.config.training import TeacherConfig
from halluc.core.decision_scores import Array
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.files import replacing
from halluc.core.messages import tell
from halluc.runs import integrity
from halluc.workflows import augmented_corpus, ensembles, run_state, trained_models
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained

_FILE = "teacher.npz"


def files(job: Job) -> list[Path]:
    """The weights of the teachers: a resumed training must have the same."""
    teachers = job.settings.train.teacher
    folders = [run_state.model_folder(one) for one in teachers.runs] if teachers else []
    return [path for folder in folders for path in sorted(folder.glob("*.safetensors"))]


def ensure(job: Job) -> None:
    """Compute the soft targets of a run if they are missing or of other teachers or texts; as its only writer, after
    ``refuse_unfit``.

    Raises:
        HallucError C210: teachers with different labels. Others: as ``trained_models.locate``.
    """
    config = job.settings.train.teacher
    if config is None:
        return
    teachers = [trained_models.locate(one) for one in config.runs]
    corpus = train_split(job)
    wanted = _fingerprint(config, corpus)
    if _read_targets(job.target.path / _FILE, wanted) is not None:
        return
    from halluc.engine import runtime

    averaging = ensembles.Averaging([corpus], config.temperature)
    with runtime.alone(job.settings.train.precision, job.settings.seed):
        _refuse_other_labels(teachers, job, corpus)
        for number, teacher in enumerate(teachers, 1):
            name = ensembles.name_of(teacher)
            tell(f"teacher {number} of {len(teachers)}, {name}: predicts {len(corpus):,} training examples")
            averaging.add(ensembles.load(teacher, job, uncertainty=None), name)
    (mean,) = averaging.means
    rows = mean.probabilities()
    with replacing(job.target.path / _FILE, "wb") as file:
        numpy.savez(
            file,
            fingerprint=wanted,
            outputs=numpy.array(averaging.outputs),
            rows=numpy.concatenate(rows).astype(numpy.float32),
            sizes=numpy.array([len(row) for row in rows]),
            independent=mean.result().independent,
        )


def train_split(job: Job) -> Corpus[Any]:
    """The training split, augmented if the config has augmentation."""
    return augmented_corpus.read(job) if job.settings.augment is not None else job.train()


def refuse_unfit(job: Job) -> None:
    """
    Raises:
        HallucError C210: outputs of this task's model are not labels, so another model cannot give soft targets.
    """
    config = job.settings.train.teacher
    if config is None:
        return
    if not hasattr(job.task.model, "outputs_of"):
        message = f"`train.teacher` needs a task with labels, which {job.task.name} does not have"
        raise HallucError("C210", message, help="remove it")
    for reference in config.runs:
        teacher = trained_models.locate(reference)
        ensembles.refuse_other_task(teacher, job)
        if _is_multi_label(teacher.job) != _is_multi_label(job):
            message = "teacher and student differ in `task.multi_label`"
            raise HallucError("C210", message, help="use teachers that were trained with the same `task.multi_label`")


def _is_multi_label(job: Job) -> bool:
    return bool(getattr(job.settings.task, "multi_label", False))


def _refuse_other_labels(teachers: Sequence[Trained], job: Job, corpus: Corpus[Any]) -> None:
    """Refuse teachers whose outputs differ from those of the student, before hours of predictions."""
    model: Any = job.task.model
    outputs = model.outputs_of(job.task.examples.labels(corpus))
    for teacher in teachers:
        result = ensembles.load(teacher, job, uncertainty=None).outputs
        ensembles.alignment("the training split", outputs, ensembles.name_of(teacher), result)


def add_soft_targets(job: Job, features: Any, corpus: Corpus[Any], outputs: tuple[str, ...]) -> Any:
    """Training features with the soft targets of the run, reordered to ``outputs``.

    Raises:
        HallucError C210: the teachers do not have these labels.
    """
    import torch

    from halluc.engine.distillation import Distilled

    config = job.settings.train.teacher
    assert config is not None, "the config has teachers"
    result = _read_targets(job.target.path / _FILE, _fingerprint(config, corpus))
    assert result is not None, "`ensure` has written it"
    names = tuple(map(str, result["outputs"]))
    order = ensembles.alignment("the training split", outputs, ", ".join(config.runs), names)
    rows = result["rows"] if order is None else result["rows"][:, order]
    soft = torch.split(torch.from_numpy(rows), result["sizes"].tolist())
    return Distilled(features, soft, config.temperature, config.weight, bool(result["independent"]))


def _fingerprint(config: TeacherConfig, corpus: Corpus[Any]) -> str:
    """Hash of everything that soft targets depend on: the teachers, the temperature, and the examples."""
    examples = hashlib.sha256()
    for example in corpus:
        examples.update(repr(example).encode("utf-8", "surrogatepass"))
    digests = [integrity.model_digest(run_state.model_folder(one)) or one for one in config.runs]
    return sha256_of_tree({"teachers": digests, "temperature": config.temperature, "examples": examples.hexdigest()})


def _read_targets(path: Path, fingerprint: str) -> dict[str, Array] | None:
    """The arrays of a file of soft targets; None if it is missing, or of other teachers or texts."""
    try:
        with numpy.load(path) as file:
            return dict(file) if str(file["fingerprint"]) == fingerprint else None
    except (FileNotFoundError, BadZipFile, ValueError, KeyError, EOFError):
        return None  # a damaged file counts as missing: it is written again
