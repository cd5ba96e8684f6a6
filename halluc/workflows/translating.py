"""The text-generating model of a run, used by augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from halluc.components import TABLE
from halluc.core import registry
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin
from halluc.data.reader import Reader
from halluc.data.rows.row import Row
from halluc.workflows import ready_models, trained_models
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained

# The keys of `data` for the direction of a corpus, if a task has them.
_DIRECTION = ("source_language", "target_language")


@dataclass(frozen=True)
class RunTranslator:
    """The model of a run; texts are read like its own data, and decoded with its config."""

    model: ready_models.ReadyModel
    reader: Reader
    fingerprint: str

    @classmethod
    def of(cls, reference: str, job: Job) -> RunTranslator:
        """
        Raises:
            HallucError C103: it was trained for another task, or in a direction that does not lead back.
        """
        trained = trained_models.locate(reference)
        trained_models.refuse_other_task(trained, job, "use a run of the same task, trained in the other direction")
        _refuse_direction(trained, job)
        kind = registry.load(TABLE, "reader", job.task.name)
        data = trained.job.settings.data
        reader: Reader = kind(kind.Config.model_construct() if data is None else data)
        fingerprint = trained_models.fingerprint(trained, task=trained.job.settings.task.model_dump(mode="json"))
        return cls(ready_models.ReadyModel.load(trained.job, trained.reference), reader, fingerprint)

    def answers(self, texts: Sequence[str]) -> list[str]:
        examples = self.model.task.examples
        inputs: list[Any] = []
        for number, text in enumerate(texts, 1):
            item = self.reader.input_of(Row("texts", number, {"text": text}))
            inputs.append(examples.of_input(f"text-{number}", Origin("texts", number), item))
        return [one.text for one in self.model.predict(Corpus("texts", tuple(inputs), "texts")).predictions]


def _refuse_direction(trained: Trained, job: Job) -> None:
    own, model = ([getattr(one.settings.data, key, None) for key in _DIRECTION] for one in (job, trained.job))
    if any(one and other and one != other for one, other in zip(own, reversed(model), strict=True)):
        message = f"{trained.reference} translates {model[0]} to {model[1]}, but the data is {own[0]} to {own[1]}"
        raise HallucError("C103", message, help=f"use a run that translates {own[1]} to {own[0]}")
