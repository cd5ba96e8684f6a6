"""A model that says what was made up, in the place of one that was trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy

from halluc.core.examples import Corpus, Span
from halluc.core.labels import tag_set, write_tags
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.workflows import ready_models
from halluc.workflows.job import Job
from tests.made_sentences import MadeExample

# What encoding notes of a split of which nothing had to be cut.
PREPARED = {
    "constrained_words": 0,
    "words": 0,
    "dropped_words": 0,
    "unknown_words": 0,
    "cut_words": 0,
    "windowed_sentences": 0,
    "windows": 0,
}


def labels_of(corpora: Mapping[str, Sequence[MadeExample]]) -> set[str]:
    made = [example for examples in corpora.values() for example in examples]
    return {span[2] for example in made for span in (*example.gold, *example.predicted)}


def spans_of(example: MadeExample) -> list[Span]:
    return sorted(Span(start, end, label) for start, end, label, _ in example.predicted)


class MadeModel:
    """Stands where ``ready_models.ReadyModel`` does, and says what was made up."""

    def __init__(self, job: Job, corpora: Mapping[str, Sequence[MadeExample]]) -> None:
        self.task = job.task
        self.corpora = corpora
        self.tags = tag_set(labels_of(corpora))
        self.outputs = self.tags
        self.decoding = self.task.model.decoding(self.tags, job.settings.eval.decode)

    def predict(self, corpus: Corpus[Tagged]) -> ready_models.PredictedSplit:
        made = zip(corpus, self.corpora[corpus.split], strict=True)
        predictions = [self._prediction(example, wanted) for example, wanted in made]
        words = sum(len(example.tokens) for example in corpus)
        return ready_models.PredictedSplit(corpus, predictions, {**PREPARED, "words": words, "windows": len(corpus)})

    def _prediction(self, example: Tagged, wanted: MadeExample) -> TagPrediction:
        said = sorted(wanted.predicted)
        tags = write_tags(len(example.tokens), spans_of(wanted))
        confidences = tuple(confidence for *_, confidence in said)
        scores = tuple(self._scores(end - start, confidence) for start, end, _, confidence in said)
        return TagPrediction(example.id, tuple(tags), tuple(spans_of(wanted)), confidences, scores)

    def _scores(self, tokens: int, confidence: float) -> numpy.ndarray:
        """Logits under which every token of a span has its confidence."""
        rest = max(len(self.tags) - 1, 1)
        logits = numpy.full((tokens, rest + 1), math.log(max(1e-9, 1 - confidence) / rest))
        logits[:, 0] = math.log(confidence)
        return logits
