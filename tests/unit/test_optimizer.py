from __future__ import annotations

import pytest
import torch

from halluc.engine.optimizer import adamw, learning_rate_factor


def test_the_rate_rises_to_one_and_falls_to_nought():
    factors = [learning_rate_factor(step, 100, 0.1, "linear") for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1.0
    assert factors == sorted(factors[:10]) + sorted(factors[10:], reverse=True)
    assert 0 < factors[-1] < 0.02


@pytest.mark.parametrize(("schedule", "middle"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)])
def test_schedules_without_warm_up(schedule, middle):
    assert learning_rate_factor(0, 100, 0.0, schedule) == 1.0
    assert learning_rate_factor(50, 100, 0.0, schedule) == pytest.approx(middle)


def test_warm_up_alone_and_a_single_step_divide_by_no_nought():
    assert learning_rate_factor(0, 1, 1.0, "linear") == 1.0
    assert learning_rate_factor(0, 1, 0.0, "cosine") == 1.0


def test_biases_and_norms_do_not_decay():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    decayed, kept = adamw(model, 1e-3, 0.01).param_groups
    assert [p.shape for p in decayed["params"]] == [(4, 3)]
    assert decayed["weight_decay"] == 0.01
    assert len(kept["params"]) == 3
    assert kept["weight_decay"] == 0
