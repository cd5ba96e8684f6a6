"""Fitted models are stored by fingerprint: complete or absent, trained once, and again if they are damaged."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from halluc.augmentation.methods.base import Workspace
from halluc.augmentation.models.fitted_models import UnsavedModel, digest_of, fit_or_load
from halluc.core.edits import Editable
from halluc.core.errors import HallucError
from halluc.core.examples import Span


class Maker:
    """Counts how often it made a model."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, work: Path):
        self.calls += 1
        work.mkdir(exist_ok=True)
        (work / "checkpoint").write_text("half")

        def write(folder: Path) -> None:
            (folder / "weights").write_text("weights")
            (folder / "tokenizer").mkdir()
            (folder / "tokenizer" / "pieces").write_text("pieces")

        return UnsavedModel({"perplexity": 12.5}, write)


def fitted_by(maker, workspace, **identity):
    return fit_or_load(workspace, "some_method", {"seed": 1, **identity}, maker)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace(tmp_path / ".fitted", 1)


def test_a_model_is_made_once(workspace):
    maker = Maker()
    first = fitted_by(maker, workspace)
    again = fitted_by(maker, workspace)
    assert (first, maker.calls) == (again, 1)
    assert first.facts == {"perplexity": 12.5}
    assert (first.folder / "tokenizer" / "pieces").read_text() == "pieces"
    assert sorted(path.suffix for path in workspace.folder.iterdir()) == ["", ".lock"]


def test_other_settings_make_another(workspace):
    maker = Maker()
    folders = {fitted_by(maker, workspace, **keys).folder for keys in ({}, {"seed": 2}, {"epochs": 3})}
    assert (len(folders), maker.calls) == (3, 3)


@pytest.mark.parametrize("damage", ["changed", "missing", "record", "no record", "other"])
def test_a_damaged_one_is_made_again(workspace, damage):
    maker = Maker()
    folder = fitted_by(maker, workspace).folder
    record = folder / "fitted.json"
    if damage == "changed":
        (folder / "weights").write_text("weightz")
    elif damage == "missing":
        (folder / "tokenizer" / "pieces").unlink()
    elif damage == "record":
        record.write_text("{")
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text(json.dumps({**json.loads(record.read_text()), "fingerprint": "0"}))
    assert fitted_by(maker, workspace).facts == {"perplexity": 12.5}
    assert maker.calls == 2


def test_checkpoints_stay_where_making_fails(workspace):
    def fails(work: Path):
        work.mkdir()
        (work / "checkpoint").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted_by(fails, workspace)
    (kept,) = workspace.folder.glob("*.checkpoints")
    assert (kept / "checkpoint").read_text() == "half"

    def goes_on(work: Path):
        assert (work / "checkpoint").read_text() == "half"
        work.joinpath("more").write_text("whole")
        return UnsavedModel({"from": "checkpoint"}, lambda folder: None)

    assert fitted_by(goes_on, workspace).facts == {"from": "checkpoint"}
    assert not list(workspace.folder.glob("*.checkpoints"))


def test_a_full_disk_is_reported_and_nothing_half_written_stays(workspace):
    def full(work: Path):
        def write(folder: Path) -> None:
            (folder / "weights").write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

        return UnsavedModel({}, write)

    with pytest.raises(HallucError) as error:
        fitted_by(full, workspace)
    assert (error.value.code, "free disk space" in error.value.help) == ("E401", True)
    assert [path.suffix for path in workspace.folder.iterdir()] == [".lock"]


def test_digests_distinguish_examples():
    one = Editable(("a", "b"), (Span(0, 1, "X"),))
    others = [
        Editable(("a", "b"), (Span(0, 1, "Y"),)),
        Editable(("ab",), (Span(0, 1, "X"),)),
        one._replace(labels=("a",)),
        one._replace(locked=((0, 1),)),
        Editable(("a", "\ud800"), (Span(0, 1, "X"),)),
    ]
    assert len({digest_of([example]) for example in [one, *others]}) == 6
    assert digest_of([one, one]) != digest_of([one])
    assert digest_of([one]) == digest_of(iter([Editable(("a", "b"), (Span(0, 1, "X"),))]))
