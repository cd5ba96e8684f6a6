"""The filter that compares the labels of a candidate with the predictions of a trained model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from halluc.augmentation.filters.filters import Candidate, Filter
from halluc.augmentation.methods.base import Labeller, Opinion, OptionError, Workspace
from halluc.config.section import Reference, Section, Share
from halluc.core.edits import Editable
from halluc.core.examples import Origin
from halluc.task import Examples


class FidelityConfig(Section):
    type: Literal["fidelity"]
    model: Reference | None = Field(default=None, description="the model that judges candidates: a run or a model")
    cross_fit: Annotated[int, Field(ge=2, le=20)] | None = Field(
        default=None,
        description="instead of `model`: number of cross-fitting folds; each model is trained without one part of "
        "the training split, and judges the candidates made from this part",
    )
    min_f1: Share = Field(
        default=1.0,
        description="minimum F1 between the labels of a candidate and the predictions of the model (spans, or labels "
        "of a text)",
    )
    min_confidence: Share = Field(default=0.0, description="minimum confidence of the model in each predicted label")
    action: Literal["reject", "relabel"] = Field(
        default="reject",
        description="what happens to a candidate below `min_f1`. reject: it is rejected; relabel: it gets the "
        "predicted labels. Below `min_confidence` it is always rejected",
    )

    @model_validator(mode="after")
    def _has_one_judge(self) -> FidelityConfig:
        if (self.model is None) == (self.cross_fit is None):
            raise ValueError("the fidelity filter needs either `model` or `cross_fit`")
        return self


class Fidelity(Filter):
    """Rejects a candidate, or labels it anew, if a trained model predicts other labels.

    Copies that should equal their original are not judged.
    """

    Config: ClassVar[type[Section]] = FidelityConfig
    uses_model: ClassVar[bool] = True

    def __init__(self, config: FidelityConfig) -> None:
        self.config = config
        self._examples: Examples[Any, Any] | None = None
        self._labeller: Labeller | None = None

    def fit(self, examples: Examples[Any, Any], workspace: Workspace) -> None:
        self._examples = examples
        assert workspace.labeller is not None, "set by the workflow"
        reference = self.config.model or self.config.cross_fit
        assert reference is not None, "the config was validated"
        self._labeller = workspace.labeller(reference)
        if self.config.action == "relabel" and not self._labeller.relabels:
            message, help = "the examples of this task cannot be relabelled", "set `action: reject`"
            raise OptionError("action", "C103", message, help)

    def results(self, candidates: Sequence[Candidate]) -> list[Editable | None]:
        judged = [candidate for candidate in candidates if not candidate.is_copy]
        assert self._examples is not None and self._labeller is not None, "call `fit` first"
        examples = []
        for number, candidate in enumerate(judged):
            source = candidate.source
            origin = Origin(source.origin.file, source.origin.line, source.origin.document, source.id, ())
            examples.append(self._examples.rebuild(source, candidate.edited, f"candidate-{number}", origin))
        opinions = iter(self._labeller.opinions(examples) if examples else ())
        return [one.edited if one.is_copy else self._result(one.edited, next(opinions)) for one in candidates]

    def _result(self, edited: Editable, opinion: Opinion) -> Editable | None:
        if opinion.confidence < self.config.min_confidence:
            return None
        if opinion.f1 >= self.config.min_f1:
            return edited
        if self.config.action == "reject":
            return None
        return edited._replace(spans=opinion.spans) if edited.labels == () else edited._replace(labels=opinion.labels)
