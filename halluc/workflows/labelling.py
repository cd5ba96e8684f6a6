"""Trained models that judge candidates of an augmentation: the model of a run, or cross-fitted models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from halluc.analysis import verdicts
from halluc.augmentation.methods.base import Labeller, Opinion, PseudoLabelled
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin
from halluc.data.inputs import single
from halluc.data.tokenization import Tokenizer
from halluc.workflows import cross_fitting, ready_models, trained_models
from halluc.workflows.cross_fitting import Folds
from halluc.workflows.job import Job
from halluc.workflows.trained_models import Trained


@dataclass(frozen=True)
class ModelLabeller:
    """The model of a run, with the temperature that was fitted on dev."""

    model: ready_models.ReadyModel
    temperature: float
    relabels: bool

    @classmethod
    def of(cls, trained: Trained, job: Job) -> ModelLabeller:
        """
        Raises:
            HallucError C103: it was trained for another task.
        """
        trained_models.refuse_other_task(trained, job, "use a run of the same task")
        ready = ready_models.ReadyModel.load(trained.job, trained.reference)
        return cls(ready, trained.confidence.temperature if trained.confidence else 1.0, _relabels(job))

    def opinions(self, examples: Sequence[Any]) -> list[Opinion]:
        """How well the predictions for examples agree with their labels."""
        judge, has_spans = self.model.task.judge, self.model.task.examples.has_spans
        predicted = self.model.predict(Corpus("candidates", tuple(examples), "candidates"))
        calibrated = verdicts.calibrated(predicted.predictions, self.temperature)
        results = []
        for example, prediction in zip(examples, calibrated, strict=True):
            claims = judge.claims(example, prediction)
            claimed, gold = {claim.mark for claim in claims}, {claim.mark for claim in judge.gold(example)}
            f1 = 2 * len(claimed & gold) / (len(claimed) + len(gold)) if claimed or gold else 1.0
            confidence = min((1.0 if one.confidence is None else one.confidence for one in claims), default=1.0)
            # A claim about a whole text may have all tokens as its position.
            spans = tuple(sorted(claim.where for claim in claims if claim.where is not None)) if has_spans else ()
            labels = () if has_spans else tuple(claim.label for claim in claims)
            results.append(Opinion(f1, confidence, spans, labels))
        return results


@dataclass(frozen=True)
class PlainTextLabeller:
    """The model of a run, which labels plain texts; they are tokenized like the data of a job."""

    labeller: ModelLabeller
    tokenizer: Tokenizer
    fingerprint: str

    @classmethod
    def of(cls, reference: str, job: Job) -> PlainTextLabeller:
        """
        Raises:
            HallucError C103: it was trained for another task, or the task cannot make an example of a plain text.
        """
        data, name, trained = job.settings.data, job.task.name, trained_models.locate(reference)
        labeller = ModelLabeller.of(trained, job)
        if not labeller.relabels:
            message = (
                f"the examples of {name} are more than a text with labels, so they cannot be made from plain texts"
            )
            raise HallucError("C103", message, help="remove this method")
        tokenizer = Tokenizer() if data is None else Tokenizer.of(data)
        settings = {"temperature": labeller.temperature, "tokenizer": repr(tokenizer)}
        return cls(labeller, tokenizer, trained_models.fingerprint(trained, **settings))

    def answers(self, texts: Sequence[str]) -> list[PseudoLabelled]:
        """The labels that the model predicts for each text."""
        examples = self.labeller.model.task.examples
        items = [single(number, f"text-{number}", text, self.tokenizer) for number, text in enumerate(texts, 1)]
        tokenized = [
            examples.of_input(f"text-{one.line}", Origin("texts", one.line), one) for one in items if one.tokens
        ]
        opinions = iter(self.labeller.opinions(tokenized) if tokenized else ())
        return [self._pseudo_label(item.tokens, next(opinions)) if item.tokens else _BLANK for item in items]

    @staticmethod
    def _pseudo_label(tokens: tuple[str, ...], opinion: Opinion) -> PseudoLabelled:
        return PseudoLabelled(Editable(tokens, opinion.spans, (), opinion.labels), opinion.confidence)


_BLANK = PseudoLabelled(Editable(()), 1.0)


@dataclass(frozen=True)
class CrossFitted:
    """Models that were each trained without one part of the training split, and judge that part."""

    parts: Sequence[ModelLabeller]
    folds: Folds

    @property
    def relabels(self) -> bool:
        return self.parts[0].relabels

    def opinions(self, examples: Sequence[Any]) -> list[Opinion]:
        return self.folds.out_of_sample(examples, [part.opinions for part in self.parts])


def labellers(job: Job) -> Callable[[str | int], Labeller]:
    """A function that returns the model in a run, or several models trained by cross-fitting."""

    def labeller(reference: str | int) -> Labeller:
        if isinstance(reference, str):
            return ModelLabeller.of(trained_models.locate(reference), job)
        folds, models = cross_fitting.fit_models(job, reference)
        return CrossFitted([ModelLabeller.of(one, job) for one in models], folds)

    return labeller


def _relabels(job: Job) -> bool:
    """Whether claims are labels of the example, so that predicted labels can replace its own."""
    task = job.task
    for example in job.train().examples:
        if example.labels:
            editable, gold = task.examples.editable(example), task.judge.gold(example)
            if task.examples.has_spans:
                return {claim.mark for claim in gold} == {*editable.spans}
            return {claim.label for claim in gold} == {*editable.labels}
    return False
