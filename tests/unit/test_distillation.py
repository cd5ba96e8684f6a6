"""The loss of distillation against a calculation by hand, for each task with labels."""

from __future__ import annotations

from types import SimpleNamespace

import numpy
import pytest
import torch

from halluc.config.models import ModelConfig
from halluc.core.examples import Corpus, Origin, Span
from halluc.engine.distillation import Distilled
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.task import RelationExtraction
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification

T, W = 2.0, 0.25


def softmax(rows):
    odds = numpy.exp(rows - rows.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def encoded_of(task, encoder, examples):
    labels = task.examples.labels(Corpus("train", tuple(examples), "f"))
    return task.model.encode(examples, task.model.build(ModelConfig(name=str(encoder)), labels, "eager"))


def distilled(features, soft, independent=False):
    return Distilled(features, [torch.tensor(rows) for rows in soft], T, W, independent)


def kl(target, logits):
    return (target * (numpy.log(target) - numpy.log(softmax(logits / T)))).sum(-1)


def test_words_of_overlapping_windows_learn_from_their_own_row(tiny_encoder):
    task = TokenClassification(TokenClassification.Config(type="token_classification"))
    long = Tagged("a", Origin("f", 1), ("anna", "met", "berg") * 30, (Span(0, 1, "PER"),))
    short = Tagged("b", Origin("f", 2), ("the", "bank"), (Span(1, 2, "ORG"),))
    features = encoded_of(task, tiny_encoder, (long, short))
    assert len(features.windows) > 2
    features.targets.values[features.starts[1]] = -100  # a label that the model does not know teaches nothing
    features.__post_init__()
    random = numpy.random.default_rng(0)
    soft = [softmax(random.normal(size=(words, 5))) for words in (90, 2)]
    batch = features.collate(range(len(features.windows)))
    logits = random.normal(size=(*batch.labels.shape, 5))
    expected = 0.0
    for row, window in enumerate(features.windows):
        for word, place in enumerate(window.first, window.start):
            if (window.example, word) == (1, 0):
                continue
            own, gold = logits[row, place], features.targets[window.example][word]
            hard = -numpy.log(softmax(own)[gold])
            expected += (1 - W) * hard + W * T**2 * kl(soft[window.example][word], own)
    outputs = SimpleNamespace(logits=torch.tensor(logits))
    assert distilled(features, soft).loss(outputs, batch).item() == pytest.approx(expected, rel=1e-5)


def test_texts_and_pairs_learn_from_their_row(tiny_encoder):
    texts = [
        Labelled(f"t{n}", Origin("f", n), (word,), (label,))
        for n, (word, label) in enumerate([("anna", "a"), ("bank", "b")])
    ]
    pairs = [Related("p", Origin("f", 1), ("anna", "left", "acme"), Span(0, 1, ""), Span(2, 3, ""), "left")]
    pairs.append(Related("q", Origin("f", 2), ("anna", "left", "acme"), Span(0, 1, ""), Span(2, 3, ""), None))
    random, soft = numpy.random.default_rng(1), [numpy.array([[0.9, 0.1]]), numpy.array([[0.3, 0.7]])]

    features = encoded_of(
        TextClassification(TextClassification.Config(type="text_classification")), tiny_encoder, texts
    )
    batch, logits = features.collate([1, 0]), random.normal(size=(2, 2))
    hard = -numpy.log(softmax(logits))[[0, 1], [1, 0]]
    expected = ((1 - W) * hard + W * T**2 * kl(numpy.concatenate(soft[::-1]), logits)).sum()
    outputs = SimpleNamespace(logits=torch.tensor(logits))
    assert distilled(features, soft).loss(outputs, batch).item() == pytest.approx(expected, rel=1e-5)

    several = TextClassification(TextClassification.Config(type="text_classification", multi_label=True))
    features = encoded_of(several, tiny_encoder, texts)
    own = 1 / (1 + numpy.exp(-logits[0]))
    scaled, target = 1 / (1 + numpy.exp(-logits[0] / T)), soft[0][0]
    bernoulli = target * numpy.log(target / scaled) + (1 - target) * numpy.log((1 - target) / (1 - scaled))
    expected = (1 - W) * -(numpy.log(own[0]) + numpy.log(1 - own[1])) / 2 + W * T**2 * bernoulli.mean()
    outputs.logits = outputs.logits[:1]
    assert distilled(features, soft, independent=True).loss(outputs, features.collate([0])) == pytest.approx(expected)

    features = encoded_of(
        RelationExtraction(RelationExtraction.Config(type="relation_extraction")), tiny_encoder, pairs
    )
    batch = features.collate([0, 1])
    pieces = torch.tensor(random.normal(size=(*batch.inputs["input_ids"].shape, 4)))
    logits = features.pair_logits(pieces, (0, 1)).numpy()
    hard = -numpy.log(softmax(logits))[[0, 1], features.targets]
    expected = ((1 - W) * hard + W * T**2 * kl(numpy.concatenate(soft), logits)).sum()
    loss = distilled(features, soft).loss(SimpleNamespace(logits=pieces), batch)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
