"""Token sequences as features: what is predicted, and its loss."""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace

import pytest
import torch

from halluc.engine.language_modelling import SequenceFeatures, mean_loss

# Position 1 is the last that is given; 9 is read and never predicted, 0 fills up.
FEATURES = SequenceFeatures([[7, 1, 2, 9, 3], [8, 1, 4]], [2, 2], pad=0, unpredicted=frozenset({9}))


class Uniform(torch.nn.Module):
    """Gives token 5 a probability of 7 in 16, and every other one 1 in 16."""

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        logits = torch.zeros(*input_ids.shape, 10)
        logits[..., 5] = math.log(7)
        return SimpleNamespace(logits=logits)


def test_what_is_predicted():
    assert (FEATURES.lengths, FEATURES.weights) == ([5, 3], [2, 1])
    batch = FEATURES.collate([0, 1])
    assert batch.inputs["input_ids"].tolist() == [[7, 1, 2, 9, 3], [8, 1, 4, 0, 0]]
    assert batch.inputs["attention_mask"].tolist() == [[1] * 5, [1, 1, 1, 0, 0]]
    assert batch.labels.tolist() == [[-100, -100, 2, -100, 3], [-100, -100, 4, -100, -100]]
    assert (batch.weight, batch.indexes) == (3, (0, 1))
    assert FEATURES.ids([1]) == ["sequence 2"]


def test_lengths_and_weights_are_computed_once():
    assert FEATURES.lengths is FEATURES.lengths
    assert FEATURES.weights is FEATURES.weights


def test_each_token_is_predicted_from_those_before_it():
    batch = FEATURES.collate([0])
    logits = torch.full((1, 5, 10), -50.0)
    logits[0, 1, 2] = logits[0, 3, 3] = 50.0
    assert float(FEATURES.loss(SimpleNamespace(logits=logits), batch)) == pytest.approx(0.0, abs=1e-6)
    logits[0, 2, 0] = 50.0  # behind it stands a token that is not predicted
    assert float(FEATURES.loss(SimpleNamespace(logits=logits), batch)) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("batch_tokens", [1, 100])
def test_the_mean_loss_is_that_of_a_predicted_token(batch_tokens):
    model = Uniform().train()
    found = mean_loss(model, FEATURES, batch_tokens, torch.device("cpu"), contextlib.nullcontext)
    assert found == pytest.approx(math.log(16))
    assert model.training
    assert mean_loss(model, SequenceFeatures([[9]], [1], 0), 1, torch.device("cpu"), contextlib.nullcontext) == math.inf
