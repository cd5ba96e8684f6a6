"""Ensembles: the mean of the probabilities of several trained models, decoded like those of a single model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from halluc.config.evaluation import Decoding
from halluc.config.hashing import sha256_of_tree
from halluc.core import latest
from halluc.core.decision_scores import MeanProbabilities
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.messages import tell, warn
from halluc.data.rows.references import SplitName
from halluc.runs import directory, integrity
from halluc.runs.directory import RunDir
from halluc.runs.schema import ConfidenceFile, EnsembleMember
from halluc.workflows import run_state, trained_models, training_knowledge
from halluc.workflows.job import Job
from halluc.workflows.ready_models import PredictedSplit, ReadyModel, apply_consistency
from halluc.workflows.trained_models import Trained

_CODE = "C210"
_MOST_LISTED = 10


@dataclass(frozen=True)
class Ensemble:
    """Trained models of one task with the same labels. The first provides data, decoding and settings of ``eval``."""

    members: tuple[Trained, ...]

    @classmethod
    def of(cls, first: Trained, others: Sequence[str]) -> Ensemble:
        """
        Raises:
            HallucError C210: a model is given twice, has another task, or generates text. Others: as
            ``trained_models.locate``.
        """
        members = (first, *map(trained_models.locate, others))
        folders = [run_state.model_folder(member.reference).resolve() for member in members]
        for number, member in enumerate(members):
            if folders.index(folders[number]) < number:
                raise HallucError(_CODE, f"the ensemble lists {member.reference} twice", help="list each model once")
            refuse_other_task(member, first.job)
        return cls(members)

    @property
    def records(self) -> list[EnsembleMember]:
        return [
            EnsembleMember(model=name_of(one), sha256=integrity.model_digest(run_state.model_folder(one.reference)))
            for one in self.members
        ]

    @property
    def identity(self) -> dict[str, Any]:
        """The identity of the run for an ensemble's separate evaluation, besides the sections that decide a model."""
        return {"ensemble": [member.sha256 or member.model for member in self.records]}

    def ready(self, corpora: Mapping[SplitName, Corpus[Any]]) -> ReadyEnsemble:
        """Predictions for these splits, with one model in memory at a time."""
        averaging = Averaging(list(corpora.values()))
        for number, member in enumerate(self.members, 1):
            tell(f"ensemble: model {number} of {len(self.members)}, {name_of(member)}")
            averaging.add(load(member, self.members[0].job), name_of(member))
        predicted = {result.corpus.split: result for result in averaging.predictions()}
        return ReadyEnsemble(
            averaging.task, averaging.outputs, averaging.decoding, lambda corpus: predicted[corpus.split]
        )

    def resident(self) -> ReadyEnsemble:
        """All models, in memory together, ready for any input."""
        models = [load(member, self.members[0].job).to_inference() for member in self.members]
        first, *others = models
        for member, model in zip(self.members[1:], others, strict=True):
            alignment(name_of(self.members[0]), first.outputs, name_of(member), model.outputs)

        def average(corpus: Corpus[Any]) -> PredictedSplit:
            averaging = Averaging([corpus])
            for member, model in zip(self.members, models, strict=True):
                averaging.add(model, name_of(member))
            return averaging.predictions()[0]

        return ReadyEnsemble(first.task, first.outputs, first.decoding, average, first.engine)


def locate(
    reference: str, others: Sequence[str], overrides: Sequence[str] = ()
) -> tuple[Trained, Ensemble | None]:  # fmt: skip
    """A trained model, and the ensemble that predicts: with ``others``, or from its run's config.

    The confidence returned with it is that of the ensemble's own evaluation; None if there is none.
    """
    trained = trained_models.locate(reference, overrides)
    named = list(others) or trained.job.settings.eval.ensemble or []
    if not named:
        confidence = trained.confidence
        if confidence is not None and confidence.ensemble:
            warn("confidence.json belongs to an ensemble and is ignored: evaluate the run again, or use --with")
            return replace(trained, confidence=None), None
        return trained, None
    ensemble = Ensemble.of(trained, named)
    return replace(trained, confidence=_confidence(ensemble, trained)), ensemble


def _confidence(ensemble: Ensemble, trained: Trained) -> ConfidenceFile | None:
    hashes = [member.sha256 for member in ensemble.records]
    own = trained.confidence
    if own is not None and own.ensemble == hashes:
        return own
    loaded = trained.job.loaded
    run = directory.newest(loaded.home, sha256_of_tree({**loaded.model_sections, **ensemble.identity}))
    result = trained_models.read_confidence(run) if run is not None else None
    return result if result is not None and result.ensemble == hashes else None


def override(members: Sequence[str]) -> str:
    """``--with`` in the form of ``--set``."""
    return f"eval.ensemble={json.dumps([latest.resolve_text(one) for one in members])}"


def separate_job(ensemble: Ensemble, target: RunDir) -> Job:
    """The job of an evaluation in a separate run, in which novelty is relative to the training split of the first
    model."""
    first = ensemble.members[0]
    record = target.read()
    record.ensemble = ensemble.records
    target.write(record)
    if first.run is not None:
        run_state.warn_changed_model(first.run)
        training_knowledge.copy(first.run, target)
    return replace(first.job, run=target)


def name_of(trained: Trained) -> str:
    return str(trained.run.path) if trained.run is not None else trained.reference


def refuse_other_task(trained: Trained, job: Job) -> None:
    """
    Raises:
        HallucError C210: the model was trained for another task, or its probabilities cannot be averaged.
    """
    name = job.task.name
    if not hasattr(job.task.model, "scored"):
        message = f"probabilities of models for {name} cannot be averaged, because each generates its own text"
        raise HallucError(_CODE, message, help="use one model")
    trained_models.refuse_other_task(trained, job, "use runs of the same task", _CODE)


def load(member: Trained, base: Job, **changes: Any) -> ReadyModel:
    """A model with its own settings of ``task``, and those of ``eval`` from ``base``, except ``changes``."""
    own, shared = member.job.settings, base.settings
    labels = own.eval.labels if member.run is not None else shared.eval.labels
    settings = own.model_copy(
        update={
            "eval": shared.eval.model_copy(update={"labels": labels, **changes}),
            "train": own.train.model_copy(update={"precision": shared.train.precision}),
            "seed": shared.seed,
        }
    )
    if member.run is not None and member.job is not base:
        run_state.warn_changed_model(member.run)
    return ReadyModel.load(Job(replace(member.job.loaded, experiment=settings), run=member.run), member.reference)


@dataclass
class Averaging:
    """Averages the probabilities of models on some corpora. Models are added one by one, so that only one has to be in
    memory; decoding and settings are those of the first."""

    corpora: Sequence[Corpus[Any]]
    temperature: float = 1.0
    means: list[MeanProbabilities] = field(init=False)
    name: str = ""
    task: Any = None
    outputs: tuple[str, ...] = ()
    decoding: Decoding | None = None
    settings: Any = None
    _encoded: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.means = [MeanProbabilities(self.temperature) for _ in self.corpora]

    def add(self, model: ReadyModel, name: str) -> None:
        """
        Raises:
            HallucError C210: its labels, or the units of its probabilities, differ from those of the earlier models.
        """
        is_first = not self.name
        if is_first:
            self.name, self.task, self.outputs, self.decoding = name, model.task, model.outputs, model.decoding
            self.settings = model.settings
        order = alignment(self.name, self.outputs, name, model.outputs)
        for corpus, mean in zip(self.corpora, self.means, strict=True):
            encoded, scores = model.scored(corpus)
            if is_first:
                self._encoded.append(encoded)
            try:
                mean.add(scores if order is None else scores.reordered(order))
            except ValueError as error:
                message = f"{name} cannot be averaged with {self.name}: {error}"
                raise HallucError(_CODE, message, help="remove one of them") from None

    def predictions(self) -> list[PredictedSplit]:
        """The predictions for each corpus from the mean probabilities."""
        results = []
        for corpus, mean, encoded in zip(self.corpora, self.means, self._encoded, strict=True):
            predictions = self.task.model.decided(encoded, mean.result(), self.decoding)
            predictions = apply_consistency(self.task, self.settings, corpus.examples, predictions, self.outputs)
            results.append(PredictedSplit(corpus, predictions, encoded.notes))
        return results


def alignment(first: str, outputs: Sequence[str], name: str, others: Sequence[str]) -> list[int] | None:
    """The position of each output of the first model in another; None if the order is the same.

    Raises:
        HallucError C210: the labels differ; lists the differences.
    """
    if tuple(outputs) == tuple(others):
        return None
    lacking, extra = ([one for one in a if one not in b] for a, b in ((outputs, others), (others, outputs)))
    if lacking or extra or len({*outputs}) < len(outputs) or len(outputs) != len(others):
        texts = [f"only {which} has {_quote(labels)}" for which, labels in ((first, lacking), (name, extra)) if labels]
        message = f"{name} has other labels than {first}: {'; '.join(texts) or 'one has a label more than once'}"
        raise HallucError(_CODE, message, help="average models that were trained on the same labels")
    return [list(others).index(one) for one in outputs]


def _quote(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _MOST_LISTED} more" if len(labels) > _MOST_LISTED else ""
    return ", ".join(f"`{label}`" for label in labels[:_MOST_LISTED]) + more


@dataclass(frozen=True)
class ReadyEnsemble:
    """Replaces a single ``ReadyModel``."""

    task: Any
    outputs: tuple[str, ...]
    decoding: Decoding | None
    predict: Callable[[Corpus[Any]], PredictedSplit]
    engine: Any = None
