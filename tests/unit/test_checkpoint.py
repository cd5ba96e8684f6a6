"""Checkpoints: copied at once, written in a thread, whole or absent, and never without the best weights."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from halluc.core.errors import HallucError
from halluc.engine import checkpoint
from halluc.engine.checkpoint import CheckpointWriter
from halluc.engine.optimizer import adamw
from halluc.engine.progress import Progress
from halluc.runs.provenance import file_sha256


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
    assert checkpoint.step_and_epoch(path) == (3, 2)


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


def test_training_continues_while_a_checkpoint_is_written(tmp_path, monkeypatch):
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


def test_an_error_without_a_message_is_named_by_its_class(tmp_path, monkeypatch):
    def fails(*arguments):
        raise RuntimeError

    model, optimizer = trained()
    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(HallucError, match=r"cannot write .*step-00000001: RuntimeError") as error:
        checkpoint.write(tmp_path, checkpoint.snapshot(model, optimizer, Progress(1), 1), "none")
    assert error.value.code == "E401"


@given(bests=st.lists(st.booleans(), min_size=1, max_size=9), keep=st.sampled_from(["none", "last", "all"]))
def test_each_checkpoint_has_its_best_weights_with_any_number_of_saved_ones(bests, keep):
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


def test_best_weights_that_are_lost_are_reported(tmp_path):
    model, _ = trained()
    with pytest.raises(HallucError, match="of step 5, are missing") as error:
        checkpoint.load_weights(tmp_path, 5, model)
    assert error.value.code == "R107"


def two_checkpoints(folder: Path) -> Path:
    """Steps 4 and 5, of which step 3, kept as ``best-00000003``, is the best; returns the newest."""
    model, optimizer = trained()
    for step in (3, 4, 5):
        with torch.no_grad():
            model.first.add_(1)
        progress = Progress(step, step - 1, 0.5, 3, {"f1": 0.5, "recall": 0.25}, step - 3, True)
        newest = checkpoint.write(folder, checkpoint.snapshot(model, optimizer, progress, 1), "none")
    assert sorted(path.name for path in folder.iterdir()) == ["best-00000003", "step-00000004", "step-00000005"]
    return newest


def usable(folder: Path) -> tuple[str | None, list[str]]:
    told: list[str] = []
    found = checkpoint.newest_whole(folder, told.append)
    return found.name if found else None, told


def sign(state: dict[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in state.items() if key != "sha256"}
    return {**content, "sha256": hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


Edit = Callable[[dict[str, Any]], Any]


def of_progress(key: str, value: Any) -> Edit:
    return lambda state: {**state, "progress": {**state["progress"], key: value}}


def of_state(key: str, value: Any) -> Edit:
    return lambda state: {**state, key: value}


NAMES = ("model.safetensors", "optimizer.pt")
IMPOSSIBLE = {
    of_progress: {
        "step": [-5, 4, 10**9, 1e9, 5.0, True, "5", None],
        "best": ["x", 0.99, None, math.nan, math.inf, [], True],
        "best_step": [-1, 6, 10**9, "3", None, 2.5],
        "best_metrics": [None, {}, [0.5], {"f1": "0.5"}, {"f1": math.nan}, {"f1": 0.4}, "f1"],
        "evaluations": [-1, 1, 1e30, "4", None],
        "stale": [-3, 9, "1", None],
        "varied": ["no", 1, None],
        "more": [1],
    },
    of_state: {
        "epoch": [-1, "x", None, 1.5],
        "version": [1, 2, 4, "3", True, None],
        "files": [
            [], {}, None, {"model.safetensors": "0" * 64}, dict.fromkeys(NAMES, 5), dict.fromkeys(NAMES, "zz"),
        ],
        "progress": [[], None, {}],
        "more": [1],
    },
}  # fmt: skip
EDITS: dict[str, Edit] = {
    f"{key}={value!r}"[:40]: edit(key, value)
    for edit, keys in IMPOSSIBLE.items()
    for key, values in keys.items()
    for value in values
}
EDITS |= {"a list": lambda s: [s], "a number": lambda s: 3, "null": lambda s: None, "nothing in it": lambda s: {}}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_state_that_cannot_be_is_damaged_and_the_checkpoint_before_is_used(tmp_path, edit, signed):
    file = two_checkpoints(tmp_path) / "state.json"
    state = edit(json.loads(file.read_text()))
    file.write_text(json.dumps(sign(state) if signed and isinstance(state, dict) else state))
    found, told = usable(tmp_path)
    assert found == "step-00000004"
    assert len(told) == 1
    assert "step-00000005 is damaged" in told[0]
    for other in tmp_path.glob("step-*/state.json"):
        other.write_bytes(file.read_bytes())
    with pytest.raises(HallucError) as error:
        usable(tmp_path)
    assert error.value.code == "R107"


@pytest.mark.parametrize("key", ["best", "best_step", "stale", "evaluations", "varied"])
def test_an_edited_state_that_could_be_is_noticed_by_its_hash(tmp_path, key):
    file = two_checkpoints(tmp_path) / "state.json"
    state = json.loads(file.read_text())
    state["progress"][key] = {"best": 0.25, "varied": False, "stale": 1}.get(key, 2)
    file.write_text(json.dumps(state))
    found, told = usable(tmp_path)
    assert found == "step-00000004"
    assert "state.json was changed after it was written" in told[0]


def make_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda file: file.write_bytes(b""),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-7]),
    "not UTF-8": lambda file: file.write_bytes(b"\xff\xfe\x00" * 50),
    "deeply nested": lambda file: file.write_bytes(b"[" * 200_000),
    "longer than any": lambda file: file.write_bytes(b" " * (2 << 20)),
    "a pipe": make_fifo,
    "a folder": make_folder,
    "a broken link": lambda file: (file.unlink(), file.symlink_to("nowhere")),
    "a claim of 2^60 bytes": lambda file: file.write_bytes((2**60).to_bytes(8, "little") + file.read_bytes()[8:]),
}


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimizer.pt"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_reported_and_the_checkpoint_before_is_used(tmp_path, damage, name):
    damage(two_checkpoints(tmp_path) / name)
    found, told = usable(tmp_path)
    assert found == "step-00000004"
    assert name in told[0]


@pytest.mark.parametrize("name", ["state.json", "model.safetensors"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_without_its_best_weights_no_checkpoint_is_used(tmp_path, damage, name):
    two_checkpoints(tmp_path)
    damage(tmp_path / "best-00000003" / name)
    with pytest.raises(HallucError, match="the best weights, in best-00000003") as error:
        usable(tmp_path)
    assert error.value.code == "R107"
    assert name in error.value.message


def test_an_older_checkpoint_with_other_best_weights_is_used(tmp_path):
    model, optimizer = trained()
    for step, best in ((3, 3), (4, 3), (5, 5), (6, 5), (7, 5)):
        progress = Progress(step, step, best / 10, best, {"f1": best / 10}, 0, True)
        checkpoint.write(tmp_path, checkpoint.snapshot(model, optimizer, progress, 1), "all")
    (tmp_path / "step-00000005" / "model.safetensors").write_bytes(b"")
    found, told = usable(tmp_path)
    assert found == "step-00000004"
    assert [line.split(" is damaged")[0][-1] for line in told] == ["7", "6", "5"]
    checkpoint.remove_newer(tmp_path / "step-00000004")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000003", "step-00000004"]


@given(
    name=st.sampled_from(["state.json", "model.safetensors", "optimizer.pt"]),
    place=st.integers(0),
    bit=st.integers(0, 7),
)
def test_whichever_bit_is_flipped_nothing_else_is_loaded(name, place, bit):
    with tempfile.TemporaryDirectory() as folder:
        newest = two_checkpoints(Path(folder))
        whole, state = torch.load(newest / "optimizer.pt"), checkpoint._state(newest)
        content = bytearray((newest / name).read_bytes())
        content[place % len(content)] ^= 1 << bit
        (newest / name).write_bytes(content)
        found, _ = usable(Path(folder))
        if found == newest.name:  # a space of state.json became another character that JSON passes over
            assert name == "state.json"
            assert checkpoint._state(newest) == state
        else:
            assert found == "step-00000004"
        assert same(whole["param_groups"], torch.load(Path(folder) / str(found) / "optimizer.pt")["param_groups"])


class Bomb:
    """What a pickle could do on being read."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.file),)


def replaced(optimizer: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {**optimizer, **keys}


FORGED: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "a list": ("optimizer.pt", "R110", lambda o: [1]),
    "other keys": ("optimizer.pt", "R110", lambda o: {"a": 1}),
    "no groups": ("optimizer.pt", "R110", lambda o: replaced(o, param_groups=[])),
    "strings": ("optimizer.pt", "R110", lambda o: replaced(o, state=dict.fromkeys(o["state"], "x"))),
    "other shape": (
        "optimizer.pt",
        "R110",
        lambda o: replaced(o, state={k: {**s, "exp_avg": torch.zeros(2)} for k, s in o["state"].items()}),
    ),
    "no moments": ("optimizer.pt", "R110", lambda o: replaced(o, state={k: {"step": 1} for k in o["state"]})),
    "half": ("model.safetensors", "R110", lambda w: {k: t.to(torch.float16) for k, t in w.items()}),
    "renamed": ("model.safetensors", "R110", lambda w: {"x" + k: t for k, t in w.items()}),
    "a tensor less": ("model.safetensors", "R110", lambda w: dict(list(w.items())[1:])),
    "cut": ("model.safetensors", "R110", lambda w: {k: t[..., :1].clone() if t.ndim else t for k, t in w.items()}),
}


@pytest.mark.parametrize(("name", "code", "change"), FORGED.values(), ids=FORGED)
def test_what_was_written_with_a_right_hash_and_does_not_fit_is_an_error(tmp_path, name, code, change):
    newest = two_checkpoints(tmp_path)
    if name == "optimizer.pt":
        torch.save(change(torch.load(newest / name)), newest / name)
    else:
        save_file(change(load_file(newest / name)), newest / name)
    forge(newest, name)
    with pytest.raises(HallucError) as error:
        checkpoint.load(newest, *trained(1))
    assert error.value.code == code


def forge(newest: Path, name: str) -> None:
    state = json.loads((newest / "state.json").read_text())
    state["files"][name] = file_sha256(newest / name)
    (newest / "state.json").write_text(json.dumps(sign(state)))


@pytest.mark.parametrize("pickled", ["bomb", "garbage", "cut"])
def test_no_pickle_is_executed_and_none_ends_in_a_traceback(tmp_path, pickled):
    newest = two_checkpoints(tmp_path)
    file = newest / "optimizer.pt"
    if pickled == "bomb":
        torch.save({"state": Bomb(tmp_path / "gone-off")}, file)
    else:
        file.write_bytes(b"garbage" if pickled == "garbage" else b"\x80\x04\x95" + b"\xff" * 8)
    forge(newest, "optimizer.pt")
    with pytest.raises(HallucError) as error:
        checkpoint.load(newest, *trained(1))
    assert error.value.code == "R107"
    assert not (tmp_path / "gone-off").exists()
