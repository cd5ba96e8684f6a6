"""The model: start and end logits of an encoder for each word piece, and a threshold for giving no answer.

Devlin et al. 2019 (BERT, sections 4.2 and 4.3): the score of an answer is the sum of its start and end logits, that of
no answer the sum of those of the first piece. The threshold on their difference is fitted on dev and stored in the
model's config.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.core.characters import cut
from halluc.core.decision_scores import DecisionScores
from halluc.core.errors import environment_error
from halluc.core.examples import Corpus
from halluc.core.quantities import quantity
from halluc.data.predictions import ExternalPrediction
from halluc.tasks.defaults import ModelDefaults
from halluc.tasks.encoders import Encoder, load_encoder
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.decoding import (
    BestAnswer,
    best_answers,
    fit_threshold,
    predict_answer,
    rows_of_questions,
)
from halluc.tasks.question_answering.encoding import EncodedQuestions, encode_questions
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion
from halluc.tasks.question_answering.figures import score

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime

# Settings of the training that prediction needs: stored in config.json, under the name of the task.
SETTINGS = ("window", "stride", "max_question", "max_answer")
THRESHOLD, NAME = "no_answer_threshold", "question_answering"
_AUTO_CLASS = "AutoModelForQuestionAnswering"
# For a model without a stored threshold, such as one trained by another tool.
_USUAL = 0.0
# The maximum threshold: differences of scores are at most 1e6.
_LARGEST = 1e7


class ExtractiveReader(ModelDefaults):
    """Question and context in overlapping windows; the best span of all windows, or no answer."""

    notes: ClassVar[Mapping[str, str]] = {
        "windowed_contexts": "contexts longer than a window, split into overlapping windows",
        "cut_questions": "questions longer than `task.max_question`, truncated at the end",
        "dropped_words": "words without word pieces, read as the unknown piece",
    }
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "windows": "windows",
        "windowed_contexts": "windowed contexts",
        "longest": "longest",
        "dropped_words": "dropped",
        "unknown_words": "unknown",
    }

    config: QuestionAnsweringConfig

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        encoder = load_encoder(_AUTO_CLASS, config, attention, texts, labels=("start", "end"))
        saved = {key: getattr(self.config, key) for key in SETTINGS}
        if self.config.no_answer_threshold is not None:
            saved[THRESHOLD] = self.config.no_answer_threshold
        setattr(encoder.model.config, NAME, saved)
        return encoder

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> Encoder:
        """A trained model of any tool; it has no labels, so that ``names`` is empty."""
        return load_encoder(_AUTO_CLASS, config, attention)

    def encode(self, examples: Sequence[ContextQuestion], loaded: Encoder) -> EncodedQuestions:
        return encode_questions(examples, loaded, self.config)

    def scored(
        self, model: torch.nn.Module, encoded: EncodedQuestions, budget: int, runtime: Runtime
    ) -> DecisionScores:  # fmt: skip
        """Two rows of logits for every question, for start and end, over the pieces of all its windows."""
        from halluc.engine.inference import forward

        rows = rows_of_questions(encoded, forward(model, encoded, budget, runtime))
        return DecisionScores(rows, pieces=encoded.fingerprint, threshold=self._threshold(model))

    def decided(
        self, encoded: EncodedQuestions, scored: DecisionScores, decoding: Decoding | None
    ) -> list[AnswerPrediction]:  # fmt: skip
        best = best_answers(encoded, scored.rows, self.config.candidates, self.config.max_answer)
        return [predict_answer(*pair, scored.threshold) for pair in zip(encoded.examples, best, strict=True)]

    def fit_on_dev(
        self,
        model: torch.nn.Module,
        examples: Sequence[ContextQuestion],
        predictions: Sequence[AnswerPrediction],
        fitting: Sequence[bool],
    ) -> list[AnswerPrediction]:
        """Store in the model the threshold with the largest mean F1 on dev, and predict with it.

        If all ``fitting`` questions have an answer, the threshold is null, so that every question is answered. If none
        has an answer, nothing is fitted, because no question would be answered.
        """
        fitted = [pair for pair, fits in zip(zip(examples, predictions, strict=True), fitting, strict=True) if fits]
        if self.config.no_answer_threshold is None and any(example.answers for example, _ in fitted):
            threshold = None
            if not all(example.answers for example, _ in fitted):
                form = self.config.normalisation
                threshold = fit_threshold(
                    [float(one.no_answer or 0.0) for _, one in fitted],
                    [score(example, _best_text(example, one), form)[1] for example, one in fitted],
                    [score(example, None, form)[1] for example, _ in fitted],
                )
            getattr(model.config, NAME)[THRESHOLD] = threshold
        threshold = self._threshold(model)
        return [
            predict_answer(example, BestAnswer(one.candidate, 0.0, float(one.no_answer or 0.0)), threshold)
            for example, one in zip(examples, predictions, strict=True)
        ]

    def train_without_dev(self, model: torch.nn.Module, examples: Sequence[ContextQuestion]) -> None:
        """If all training questions have an answer, store null as the threshold: every question is then answered."""
        if self.config.no_answer_threshold is None and all(example.answers for example in examples):
            getattr(model.config, NAME)[THRESHOLD] = None

    def _threshold(self, model: torch.nn.Module) -> float | None:
        """The config's threshold, or the model's own; None: every question is answered.

        Raises:
            HallucError E411: the value in the model's config.json is not a finite number.
        """
        if self.config.no_answer_threshold is not None:
            return self.config.no_answer_threshold
        saved = getattr(model.config, NAME, None)
        value = saved.get(THRESHOLD, _USUAL) if isinstance(saved, Mapping) else _USUAL
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= _LARGEST:
            message = f"`{NAME}.{THRESHOLD}` in the config.json of the model is {cut(repr(value))}, not a finite number"
            raise environment_error("E411", message, "restore config.json, or set `task.no_answer_threshold`")
        return float(value)

    def imported(
        self, examples: Sequence[ContextQuestion], imported: Sequence[ExternalPrediction]
    ) -> list[AnswerPrediction]:  # fmt: skip
        return [
            AnswerPrediction(example.id, answer.text, _place(example, answer.text), one.confidences, answer.no_answer)
            for example, one in zip(examples, imported, strict=True)
            for answer in (one.example,)
        ]

    def findings(
        self, corpus: Corpus[ContextQuestion], notes: Mapping[str, int], outputs: Sequence[str]
    ) -> Iterator[str]:
        yield f"{quantity(len(corpus), 'questions')}, {quantity(notes['words'], 'words')}, {notes['windows']:,} windows"
        yield from (quantity(notes[note], what) for note, what in self.notes.items() if notes[note])
        if not any(example.answers for example in corpus):
            yield "no question has an answer, so nothing can be omitted"


def _best_text(example: ContextQuestion, prediction: AnswerPrediction) -> str | None:
    return None if prediction.candidate is None else example.context.part(*prediction.candidate)


def _place(example: ContextQuestion, text: str | None) -> tuple[int, int] | None:
    """The tokens of the first occurrence of a text in the context; None if it does not match whole tokens."""
    if not text:
        return None
    at = example.context.text.find(text)
    starts, ends = example.context.borders()
    return (starts[at], ends[at + len(text)]) if at in starts and at + len(text) in ends else None
