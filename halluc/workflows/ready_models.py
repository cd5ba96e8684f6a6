"""Trained models that are loaded and ready to predict a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from halluc.config.evaluation import Decoding, EvalConfig
from halluc.config.models import ModelConfig
from halluc.config.schema import Experiment
from halluc.core.decision_scores import DecisionScores, MeanProbabilities
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus
from halluc.core.messages import Level, hears, warn
from halluc.core.rng import keyed_seed
from halluc.engine.exported import ExportedModel, ExportedRuntime
from halluc.runs import exports
from halluc.task import AnyTask, Loaded
from halluc.workflows import run_state
from halluc.workflows.job import Job

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime

_NO_SCHEME = (
    "the model's tags fit no scheme (IOB1, IOB2, BIOES, BILOU, BMES): each word gets its most probable tag, as with "
    "`eval.decode: argmax`"
)

# The key in a model's config.json for the part of dev on which its own threshold was fitted; "dev" means all of it.
FITTED_ON, HALF = "fitted_on", "half of dev"


@dataclass(frozen=True)
class PredictedSplit:
    """A split with the model's predictions, in order; ``notes`` as in ``encoding`` of eval/<split>.json."""

    corpus: Corpus[Any]
    predictions: list[Any]
    notes: dict[str, int]


@dataclass(frozen=True)
class ReadyModel:
    """A trained model that is ready to predict."""

    task: AnyTask
    encoder: Loaded
    engine: Runtime
    settings: EvalConfig
    decoding: Decoding | None
    seed: int

    @classmethod
    def load(cls, job: Job, reference: str, precision: str | None = None) -> ReadyModel:
        """``precision`` defaults to that of the config; an export has its own."""
        settings, task = job.settings, job.task
        engine, attention = _engine(settings, reference, precision or settings.train.precision)
        model = ModelConfig(name=reference, trust_remote_code=settings.model.trust_remote_code)
        encoder = task.model.restore(model, settings.eval.labels or {}, attention)
        decode = settings.eval.decode
        decoding = task.model.decoding(encoder.outputs, decode)
        if decoding not in (None, decode):
            warn(_NO_SCHEME)
        if not isinstance(engine, ExportedRuntime):
            encoder.model.to(engine.device)
        if settings.eval.uncertainty is not None:
            _refuse_without_dropout(task, encoder.model)
        return cls(task, encoder, engine, settings.eval, decoding, settings.seed)

    def to_inference(self) -> ReadyModel:
        """Convert the weights to the precision of the computation; the model can then only predict."""
        if not isinstance(self.engine, ExportedRuntime):
            from halluc.engine.reduced_precision import reduce_weights

            reduce_weights(self.encoder.model, self.engine)
        return self

    @property
    def outputs(self) -> tuple[str, ...]:
        """The meaning of each output of the head."""
        return self.encoder.outputs

    def scored(self, corpus: Corpus[Any]) -> tuple[Any, DecisionScores]:
        """The encoded corpus, and the model's decision scores for it; for a model with ``scored``.

        With ``eval.uncertainty`` these are the mean probabilities of several passes, with seeds derived from the
        config's.
        """
        model: Any = self.task.model
        encoded, uncertainty = model.encode(corpus.examples, self.encoder), self.settings.uncertainty
        inputs = (self.encoder.model, encoded, self.settings.batch_tokens)
        if uncertainty is None:
            return encoded, model.scored(*inputs, self.engine)
        mean = MeanProbabilities()
        for number in range(uncertainty.samples):
            mean.add(model.scored(*inputs, replace(self.engine, sample=keyed_seed("uncertainty", self.seed, number))))
        return encoded, mean.result()

    def predict(self, corpus: Corpus[Any]) -> PredictedSplit:
        if self.settings.uncertainty is not None:
            encoded, scores = self.scored(corpus)
            predictions = cast("Any", self.task.model).decided(encoded, scores, self.decoding)
        else:
            encoded = self.task.model.encode(corpus.examples, self.encoder)
            budget = self.settings.batch_tokens
            predictions = self.task.model.predict(self.encoder.model, encoded, budget, self.engine, self.decoding)
        predictions = apply_consistency(self.task, self.settings, corpus.examples, predictions, self.encoder.outputs)
        return PredictedSplit(corpus, predictions, encoded.notes)


def _engine(settings: Experiment, reference: str, precision: str) -> tuple[Any, str | None]:
    """The device and precision of the model, and the kind of attention; an export has its own."""
    folder = exports.of_model(run_state.model_folder(reference))
    if folder is not None:
        return ExportedRuntime.of(folder), ""
    from halluc.engine import runtime
    from halluc.engine.pretrained import quiet_libraries

    quiet_libraries(hears(Level.VERBOSE))
    engine = runtime.start(precision, settings.seed)
    return engine, runtime.attention_for(engine.device.type)


def _refuse_without_dropout(task: AnyTask, model: torch.nn.Module) -> None:
    """
    Raises:
        HallucError C211: passes with dropout would be identical, or cannot be averaged.
    """
    if not hasattr(task.model, "scored"):
        message = f"`eval.uncertainty`: probabilities of a model for {task.name} cannot be averaged"
        raise HallucError("C211", message, help="remove it")
    # Every model has dropout modules in at least some layers; an export has none.
    if isinstance(model, ExportedModel) or not any(
        getattr(module, "p", 0) for module in model.modules() if "Dropout" in type(module).__name__
    ):
        message = "`eval.uncertainty`: the model has no dropout, so all passes are equal"
        raise HallucError("C211", message, help="train with `model.dropout`, or remove it")


def apply_consistency(
    task: AnyTask, settings: EvalConfig, examples: Sequence[Any], predictions: list[Any], outputs: Sequence[str]
) -> list[Any]:
    """Predictions after the vote of ``eval.consistency``."""
    if settings.consistency == "none":
        return predictions
    results: list[Any] = getattr(task.model, "consistent")(examples, predictions, outputs)  # noqa: B009
    return results
