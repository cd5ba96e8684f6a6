"""Averages of weights against the same by hand."""

from __future__ import annotations

import pytest
import torch

from halluc.config.training import AverageConfig
from halluc.core.errors import HallucError
from halluc.engine import checkpoint
from halluc.engine.averaging import WeightAverage
from halluc.engine.optimizer import adamw
from halluc.engine.progress import Progress

EXPONENTIAL = {"kind": "exponential", "decay": 0.5}
CHECKPOINTS = {"kind": "checkpoints", "last": 2}


def model_of(value: float) -> torch.nn.Linear:
    model = torch.nn.Linear(2, 1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(value)
    return model


def averaged_over(config: dict, values: list[float]) -> tuple[torch.nn.Linear, WeightAverage]:
    """An average over weights that are ``values`` in turn; the first are those before training."""
    model = model_of(values[0])
    average = WeightAverage(model, AverageConfig(**config))
    for step, value in enumerate(values[1:], 1):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(value)
        average.after_step(step, evaluates=step % 2 == 0)
    return model, average


def by_hand(values: list[float], decay: float) -> float:
    average = values[0]
    for step, value in enumerate(values[1:], 1):
        kept = min(decay, (1 + step) / (10 + step))
        average = kept * average + (1 - kept) * value
    return average


@pytest.mark.parametrize(
    ("config", "values", "expected"),
    [
        (EXPONENTIAL, [4.0, 1.0, -2.0, 7.0], by_hand([4.0, 1.0, -2.0, 7.0], 0.5)),
        ({"kind": "exponential"}, [1.0] * 5, 1.0),
        (EXPONENTIAL, [float(n) for n in range(30)], by_hand([float(n) for n in range(30)], 0.5)),
        (CHECKPOINTS, [0.0, 9.0, 2.0, 9.0, 3.0, 9.0, 7.0, 9.0], 5.0),  # steps 4 and 6
        (CHECKPOINTS, [0.0, 9.0], 9.0),  # nothing was evaluated yet
    ],
)
def test_the_average_is_that_by_hand_and_the_trained_weights_come_back(config, values, expected):
    model, average = averaged_over(config, values)
    with average.applied():
        assert model.weight.tolist() == [[pytest.approx(expected)] * 2]
        assert model.bias.tolist() == [pytest.approx(expected)]
    assert model.weight.tolist() == [[values[-1]] * 2]
    average.apply()
    assert model.bias.tolist() == [pytest.approx(expected)]


def test_frozen_weights_are_not_copied():
    model = model_of(1.0)
    model.weight.requires_grad_(False)
    assert set(WeightAverage(model, AverageConfig(**EXPONENTIAL)).state()) == {"0/bias"}


@pytest.mark.parametrize("config", [EXPONENTIAL, CHECKPOINTS])
def test_a_checkpoint_has_the_average_and_the_best_weights_are_averaged(tmp_path, config):
    model, average = averaged_over(config, [0.0, 1.0, 2.0, 3.0, 4.0])
    optimizer = adamw(model, 0.1, 0.0)
    taken = checkpoint.snapshot(model, optimizer, Progress(4, 2, 0.5, 4, {"f1": 0.5}), 1, average=average)
    path = checkpoint.write(tmp_path, taken, "none")

    other = model_of(0.0)
    resumed = WeightAverage(other, AverageConfig(**config))
    checkpoint.load(path, other, adamw(other, 0.1, 0.0), resumed)
    assert other.weight.tolist() == [[4.0, 4.0]]
    assert {key: one.tolist() for key, one in resumed.state().items()} == {
        key: one.tolist() for key, one in average.state().items()
    }
    best = model_of(0.0)
    checkpoint.load_weights(tmp_path, 4, best)
    with average.applied():
        assert torch.equal(best.weight, model.weight)

    (path / "average.safetensors").write_bytes(b"damaged")
    told: list[str] = []
    with pytest.raises(HallucError) as caught:
        checkpoint.newest_whole(tmp_path, told.append)
    assert caught.value.code == "R107"
    assert "average.safetensors" in told[0]


def test_a_checkpoint_without_an_average_is_refused(tmp_path):
    model, average = averaged_over(EXPONENTIAL, [0.0, 1.0])
    optimizer = adamw(model, 0.1, 0.0)
    path = checkpoint.write(tmp_path, checkpoint.snapshot(model, optimizer, Progress(1), 1), "none")
    with pytest.raises(HallucError) as caught:
        checkpoint.load(path, model, optimizer, average)
    assert caught.value.code == "R110"


@pytest.mark.parametrize("keys", [{"kind": "exponential", "last": 3}, {"kind": "checkpoints", "decay": 0.9}])
def test_keys_of_the_other_kind_are_refused(keys):
    with pytest.raises(ValueError, match="requires"):
        AverageConfig(**keys)
