"""Checkpoints: copied at once, written in a thread, whole or absent, and never without the best weights."""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.errors import HallucError
from halluc.engine import checkpoint
from halluc.engine.checkpoint import Progress
from halluc.engine.checkpoint_writer import CheckpointWriter
from halluc.engine.optimizer import adamw


class Tiny(torch.nn.Module):
    """Two names for one matrix, a vector in bf16, and a buffer."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.first = torch.nn.Parameter(torch.randn(5, 3, generator=generator))
        self.tied = self.first
        self.narrow = torch.nn.Parameter(torch.randn(4, generator=generator).to(torch.bfloat16))
        self.register_buffer("count", torch.tensor(7))


def trained(seed: int = 0) -> tuple[Tiny, torch.optim.Optimizer]:
    model = Tiny(seed)
    optimizer = adamw(model, 0.1, 0.01)
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return model, optimizer


def same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def test_what_is_loaded_is_what_was_written_to_the_bit(tmp_path):
    model, optimizer = trained()
    progress = Progress(3, 1, 0.5, 2, {"f1": 0.5}, 1)
    path = checkpoint.write(tmp_path, checkpoint.snapshot(model, optimizer, progress, 2), "none")
    other, its_optimizer = trained(1)
    assert checkpoint.load(path, other, its_optimizer) == progress
    assert same(dict(model.state_dict()), dict(other.state_dict()))
    assert same(optimizer.state_dict(), its_optimizer.state_dict())
    assert checkpoint.stands_at(path) == (3, 2)


def test_a_copy_is_made_into_the_memory_of_the_one_before():
    model, optimizer = trained()
    first = checkpoint.snapshot(model, optimizer, Progress(1), 1)
    places = [tensor.data_ptr() for tensor in first.weights.values()]
    assert set(places).isdisjoint(tensor.data_ptr() for tensor in model.state_dict().values())
    with torch.no_grad():
        model.first.add_(1)
    second = checkpoint.snapshot(model, optimizer, Progress(2), 1, first)
    assert [tensor.data_ptr() for tensor in second.weights.values()] == places
    assert torch.equal(second.weights["first"], model.first)
    assert second.progress.step == 2


def test_training_goes_on_while_a_checkpoint_is_written(tmp_path, monkeypatch):
    model, optimizer = trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    may_write, write = threading.Event(), checkpoint.write

    def slowly(*arguments):
        assert may_write.wait(30)
        return write(*arguments)

    monkeypatch.setattr(checkpoint, "write", slowly)
    writer, progress = CheckpointWriter(tmp_path, "none"), Progress(1)
    writer.begin(model, optimizer, progress, 1)
    with torch.no_grad():
        model.first.zero_()
    optimizer.step()
    progress.step = 2
    assert writer.written(wait=False) is None
    assert not list(tmp_path.iterdir())
    may_write.set()
    path = writer.written(wait=True)
    assert path == tmp_path / "step-00000001"
    assert writer.written(wait=True) is None  # each is told once
    writer.close()
    other, its_optimizer = trained(1)
    assert checkpoint.load(path, other, its_optimizer).step == 1
    assert same(before, dict(other.state_dict()))


def test_an_error_of_the_thread_is_raised_in_the_main_thread(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    model, optimizer = trained()
    monkeypatch.setattr(os, "fsync", full)
    writer = CheckpointWriter(tmp_path, "none")
    writer.begin(model, optimizer, Progress(1), 1)
    with pytest.raises(HallucError, match="No space left on device") as error:
        writer.written(wait=True)
    assert error.value.code == "E401"
    assert "step-00000001" in error.value.message
    writer.close()
    assert not list(tmp_path.iterdir())


@given(bests=st.lists(st.booleans(), min_size=1, max_size=9), keep=st.sampled_from(["none", "last", "all"]))
def test_whatever_is_kept_the_best_weights_of_each_checkpoint_are_there(bests, keep):
    model, optimizer = trained()
    progress = Progress()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for step, best in enumerate(bests, 1):
            with torch.no_grad():
                model.first.fill_(step)
            progress.step = step
            if best:
                progress.best, progress.best_step, progress.best_metrics = step / 10, step, {"f1": step / 10}
            checkpoint.write(folder, checkpoint.snapshot(model, optimizer, progress, step), keep)
        steps = [int(path.name[5:]) for path in sorted(folder.glob("step-*"))]
        assert steps == list(range(1, len(bests) + 1))[-len(bests) if keep == "all" else -checkpoint.KEPT :]
        if keep == "last":
            checkpoint.finish(folder, keep)
            steps = [len(bests)]
            assert len(list(folder.iterdir())) <= 2
        for step in steps:
            other, its_optimizer = trained(1)
            found = checkpoint.load(folder / f"step-{step:08d}", other, its_optimizer)
            expected = max((s for s, b in enumerate(bests[:step], 1) if b), default=0)
            assert found.best_step == expected
            if expected:
                checkpoint.load_weights(folder, expected, other)
                assert torch.equal(other.first, torch.full((5, 3), float(expected)))
        checkpoint.finish(folder, "none")
        assert not folder.exists()
        folder.mkdir()


def test_best_weights_that_are_lost_are_told(tmp_path):
    model, _ = trained()
    with pytest.raises(HallucError, match="of step 5, are missing") as error:
        checkpoint.load_weights(tmp_path, 5, model)
    assert error.value.code == "R107"
