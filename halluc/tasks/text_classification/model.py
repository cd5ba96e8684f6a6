"""The model: a linear head on an encoder, for one or several labels of texts or pairs of texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import numpy

from halluc.config.evaluation import Decoding
from halluc.config.models import ModelConfig
from halluc.core.characters import cut
from halluc.core.decision_scores import DecisionScores
from halluc.core.errors import HallucError, suggestion
from halluc.core.examples import Corpus
from halluc.core.labels import OUT_OF_SCOPE
from halluc.core.quantities import quantity
from halluc.data.predictions import ExternalPrediction
from halluc.task import AnnotatedPrediction
from halluc.tasks.defaults import ModelDefaults
from halluc.tasks.encoders import Encoder, load_encoder
from halluc.tasks.example_labels import (
    independent_probabilities,
    predict_annotated_label,
    predict_annotated_labels,
    probabilities,
)
from halluc.tasks.label_names import foreign_label_notes, output_labels
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.decoding import TextPrediction, label_sets, pool_windows, predict_single_label
from halluc.tasks.text_classification.encoding import EncodedTexts, encode_texts, refuse_labels
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.retrieval import ANSWERS, imprint, read_answers, read_bank

if TYPE_CHECKING:
    import torch

    from halluc.engine.runtime import Runtime

_LABELS, _RETRIEVAL = "AutoModelForSequenceClassification", "AutoModelForTokenClassification"


class TextClassifier(ModelDefaults):
    """A linear head on an encoder, with one output per label."""

    notes: ClassVar[Mapping[str, str]] = {
        "windowed_texts": "texts longer than the model's limit, split into overlapping windows whose logits are pooled",
        "cut_texts": "texts longer than the model's limit, truncated",
        "dropped_words": "words without word pieces, read as the unknown piece",
        "unknown_label_texts": "texts with a label that the model cannot predict: counted as missed",
        "unanswerable_texts": "out-of-scope texts, for which the model has no output: it predicts a label for each",
    }
    gold_notes: ClassVar[frozenset[str]] = frozenset({"unknown_label_texts", "unanswerable_texts"})
    columns: ClassVar[Mapping[str, str]] = {
        "words": "words",
        "windowed_texts": "windowed texts",
        "windows": "windows",
        "longest": "longest",
        "cut_texts": "cut",
        "dropped_words": "dropped",
        "unknown_words": "unknown",
    }

    config: TextClassificationConfig

    def build(
        self, config: ModelConfig, labels: Sequence[str], attention: str | None, texts: Iterable[Sequence[str]] = ()
    ) -> Encoder:
        self._refuse_unranked(labels)
        if (configured := self.config.retrieval) is not None:
            encoder = load_encoder(_RETRIEVAL, config, attention, texts, labels=labels)
            imprint(encoder, read_bank(configured))
            # Only the file name: models are shared, and a path reveals something about the machine.
            encoder.model.config.text_classification = {
                "retrieval": {"bank": PurePath(configured.bank).name}, ANSWERS: read_answers(configured),
            }  # fmt: skip
            return encoder
        problem = problem_type(self.config.multi_label)
        return load_encoder(_LABELS, config, attention, texts, labels=labels, problem_type=problem)

    def restore(self, config: ModelConfig, names: Mapping[str, str | None], attention: str | None) -> Encoder:
        """A sequence classifier of any origin.

        Raises:
            HallucError C203: the model does not have a named label, or ``ranking.positive``. C204: it was trained for
                several labels per text and the config asks for one, or the reverse; or it predicts a number.
        """
        auto_class = _LABELS if self.config.retrieval is None else _RETRIEVAL
        encoder = load_encoder(auto_class, config, attention)
        _refuse_other_problem(encoder.model.config.problem_type, self.config.multi_label)
        outputs = tuple(label or OUT_OF_SCOPE for label in output_labels(encoder.outputs, names))
        self._refuse_unranked(outputs)
        return replace(encoder, outputs=outputs)

    def _refuse_unranked(self, outputs: Sequence[str]) -> None:
        """
        Raises:
            HallucError C203: the model has no output for the label that ranks texts.
        """
        ranking = self.config.ranking
        if ranking is not None and ranking.positive not in outputs:
            message = f"`task.ranking.positive` is `{cut(ranking.positive)}`, for which the model has no output"
            raise HallucError(
                "C203", message, help=suggestion(ranking.positive, outputs, f"one of {', '.join(outputs)}")
            )

    def encode(self, examples: Sequence[Labelled], encoder: Encoder) -> EncodedTexts:
        encoded = encode_texts(examples, encoder, self.config)
        settings: Any = getattr(encoder.model.config, "text_classification", None)
        answers = settings.get(ANSWERS) if self.config.retrieval is not None and isinstance(settings, dict) else None
        return replace(encoded, answers=answers) if isinstance(answers, dict) else encoded

    def scored(self, model: torch.nn.Module, encoded: EncodedTexts, budget: int, runtime: Runtime) -> DecisionScores:
        """One row of logits for every text, pooled over its windows."""
        from halluc.engine.inference import forward

        logits = pool_windows(encoded, forward(model, encoded, budget, runtime), self.config.pool)
        return DecisionScores(list(logits[:, None]), self.config.multi_label)

    def annotated(
        self, model: torch.nn.Module, encoded: EncodedTexts, budget: int, runtime: Runtime, decoding: Decoding | None
    ) -> list[AnnotatedPrediction]:
        """Predictions, with the probability of the annotated labels; a text without labels has the output for out of
        scope."""
        scored = self.scored(model, encoded, budget, runtime)
        logits, labels = _logits(encoded, scored), [example.labels for example in encoded.examples]
        predictions = self.decided(encoded, scored, decoding)
        if self.config.multi_label:
            rows = zip(independent_probabilities(logits), labels, predictions, strict=True)
            return [predict_annotated_labels(encoded.outputs, *row) for row in rows]
        rows = zip(probabilities(logits), labels, predictions, strict=True)
        return [predict_annotated_label(encoded.outputs, row, (*gold, OUT_OF_SCOPE)[0], one) for row, gold, one in rows]

    def decided(
        self, encoded: EncodedTexts, scored: DecisionScores, decoding: Decoding | None
    ) -> list[TextPrediction]:  # fmt: skip
        """The most probable output of each text; with several labels, all outputs above the threshold."""
        logits = _logits(encoded, scored)
        ids = [example.id for example in encoded.examples]
        if self.config.multi_label:
            return label_sets(ids, logits, encoded.outputs, self.config.threshold)
        ranking, answers = self.config.ranking, encoded.answers
        predictions = predict_single_label(ids, logits, encoded.outputs, ranking.positive if ranking else None)
        if answers is None:
            return predictions
        return [replace(one, answers=tuple(map(answers.get, one.labels))) for one in predictions]

    def imported(self, examples: Sequence[Labelled], imported: Sequence[ExternalPrediction]) -> list[TextPrediction]:
        """If the file does not have ``in_scope``, it is the confidence of the label. It is None for all texts if it is
        unknown for one of them, since it is used to rank all texts."""
        refuse_labels([one.example for one in imported], multi_label=self.config.multi_label)
        in_scopes = [next(iter(one.confidences), None) if one.in_scope is None else one.in_scope for one in imported]
        if self.config.multi_label or None in in_scopes:
            in_scopes = [None] * len(imported)
        return [
            TextPrediction(
                id=example.id,
                labels=one.example.labels,
                confidences=one.confidences,
                in_scope=in_scope,
                out_of_scope=not one.example.labels and not self.config.multi_label,
                positive=positive,
            )
            for example, one, in_scope, positive in zip(
                examples, imported, in_scopes, self._positives(examples, imported), strict=True
            )
        ]

    def _positives(
        self, examples: Sequence[Labelled], imported: Sequence[ExternalPrediction]
    ) -> Sequence[float | None]:
        """The probability of the label that ranks texts: known if there are only two labels, from the confidence of
        either."""
        ranking, unknown = self.config.ranking, [None] * len(imported)
        labels = {
            label for side in (examples, [one.example for one in imported]) for one in side for label in one.labels
        }
        if ranking is None or len(labels) > 2:
            return unknown
        probabilities = [
            confidence if one.example.labels == (ranking.positive,) else 1 - confidence
            for one in imported
            for confidence in one.confidences
            if confidence is not None
        ]
        return probabilities if len(probabilities) == len(imported) else unknown

    def findings(self, corpus: Corpus[Labelled], notes: Mapping[str, int], outputs: Sequence[str]) -> Iterator[str]:
        each = "each label predicted independently" if self.config.multi_label else "each with one prediction"
        yield f"{quantity(len(corpus), 'texts')}, {quantity(notes['words'], 'words')}, {each}"
        outside = sum(not example.labels for example in corpus)
        if outside:
            yield quantity(outside, "texts " + ("without a label" if self.config.multi_label else "out of scope"))
        unknown = next((str(one.origin) for one in corpus if not frozenset(outputs).issuperset(one.labels)), "")
        first = {"unknown_label_texts": f" (first: {unknown})"}
        counts = ((note, quantity(notes[note], text)) for note, text in self.notes.items() if notes[note])
        yield from (text + first.get(note, "") for note, text in counts)
        known = {label for example in corpus for label in example.labels}
        if not known:
            yield "no gold label: figures of labels are 0 by convention"
        yield from foreign_label_notes(outputs, known | {OUT_OF_SCOPE})
        yield from self._group_findings(corpus)

    def _group_findings(self, corpus: Corpus[Labelled]) -> Iterator[str]:
        ranking = self.config.ranking
        if ranking is None:
            return
        groups: dict[str, set[bool]] = {}
        for example in corpus:
            if example.group is not None:
                groups.setdefault(example.group, set()).add(ranking.positive in example.labels)
        if not groups:
            yield "no text has a group, so nothing is ranked: set `data.group_field`"
        unranked = sum(len(values) == 1 for values in groups.values())
        if unranked:
            text = f"all or none of their texts have the label `{ranking.positive}`"
            yield f"{unranked:,} of {len(groups):,} groups are not ranked: {text}"


def _logits(encoded: EncodedTexts, scored: DecisionScores) -> numpy.ndarray:
    return numpy.concatenate(scored.rows) if scored.rows else numpy.zeros((0, len(encoded.outputs)))


def problem_type(multi_label: bool) -> str:
    """transformers' name of the task in a model's config.json."""
    return "multi_label_classification" if multi_label else "single_label_classification"


def _refuse_other_problem(problem: str | None, multi_label: bool) -> None:
    if problem is None or problem == problem_type(multi_label):
        return
    if problem == "regression":
        raise HallucError("C204", "the model predicts a number, not labels", help="use a classifier")
    trained, configured = ("one label per text", "true") if multi_label else ("several labels per text", "false")
    other = "false" if multi_label else "true"
    raise HallucError(
        "C204",
        f"the model was trained for {trained}, but the config has `task.multi_label: {configured}`",
        help=f"set `task.multi_label: {other}`",
    )
