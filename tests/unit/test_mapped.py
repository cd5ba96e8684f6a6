"""Numbers in temporary files are the same numbers; errors of the disk are reported; other processes map the file."""

import errno
import io
import tempfile
from array import array
from pathlib import Path

import numpy
import pytest
import torch

from halluc.config.models import ModelConfig
from halluc.core import mapped, packed
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin, Span
from halluc.core.mapped import MappedArray
from halluc.core.packed import Packed
from halluc.engine.batching import plan, sorted_batches
from halluc.engine.shared_features import _dumped, _Unpickler
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification

EXAMPLES = [
    Tagged("a", Origin("f", 1), ("Anna", "met", "Berg") * 30, (Span(0, 1, "PER"),)),
    *(Tagged(f"b{n}", Origin("f", 2 + n), ("the", "bank", "of", "Oslo")[n % 3 :], ()) for n in range(20)),
    Tagged("c", Origin("f", 40), ("in", "Oslo"), (Span(1, 2, "LOC"),)),
]


def encoded(tiny_encoder, examples, **keys):
    task = TokenClassification(TokenClassification.Config(type="token_classification", **keys))
    labels = task.examples.labels(Corpus("train", tuple(examples), "f"))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), labels, "eager")
    return encoder, task.model.encode(examples, encoder)


def assert_same_features(features, expected):
    assert [*features.windows] == [*expected.windows]
    assert [*features.targets] == [*expected.targets]
    for name in ("lengths", "weights", "starts", "notes"):
        assert list(getattr(features, name)) == list(getattr(expected, name))
    everything = range(len(expected.windows))
    assert features.ids(everything) == expected.ids(everything)
    batch, other = features.collate(everything), expected.collate(everything)
    assert torch.equal(batch.labels, other.labels) and batch.weight == other.weight
    assert all(torch.equal(batch.inputs[name], other.inputs[name]) for name in other.inputs)
    plans = [plan(one.lengths, budget=40, seed=1, epoch=0) for one in (features, expected)]
    assert [*plans[0].steps] == [*plans[1].steps]
    assert sorted_batches(features.lengths, 40) == sorted_batches(expected.lengths, 40)


@pytest.mark.parametrize("block", [1, 16, 1 << 20])
def test_numbers_in_a_file_come_back_the_same(monkeypatch, block):
    monkeypatch.setattr(mapped, "_BLOCK", block)
    numbers, expected = MappedArray("h"), array("h")
    assert ([*numbers], numbers[:], len(numbers)) == ([], expected, 0)
    for values in ((1, -100), (), range(50)):
        for one in (numbers, expected):
            one.extend(values)
            one.append(7)
        assert ([*numbers], len(numbers), numbers[-1]) == ([*expected], len(expected), 7)
        numbers.evict()
        assert numbers[1:-1] == expected[1:-1]
    assert numpy.array_equal(numpy.asarray(numbers, dtype=numpy.int64), expected)
    with pytest.raises(IndexError):
        numbers[len(numbers)]


@pytest.mark.parametrize("keys", [{}, {"context": 32}, {"class_weights": "balanced"}])
def test_features_in_files_are_those_in_memory(monkeypatch, tiny_encoder, keys):
    _, expected = encoded(tiny_encoder, EXAMPLES, **keys)
    monkeypatch.setattr(packed, "MOST_OBJECTS", 5)
    monkeypatch.setattr(packed, "_MAPPED", 4)
    _, features = encoded(tiny_encoder, Packed(EXAMPLES), **keys)
    assert isinstance(features.lengths, MappedArray)
    assert_same_features(features, expected)
    assert features.token_loss == expected.token_loss


def test_other_processes_get_the_features_with_their_own_model(monkeypatch, tiny_encoder):
    monkeypatch.setattr(packed, "MOST_OBJECTS", 5)
    encoder, features = encoded(tiny_encoder, Packed(EXAMPLES), head="crf")
    sent = _dumped(features, dict(encoder.model.named_modules()))
    assert len(sent) < 10_000
    own, _ = encoded(tiny_encoder, Packed(EXAMPLES), head="crf")
    received = _Unpickler(io.BytesIO(sent), dict(own.model.named_modules())).load()
    assert received.crf is own.model.crf
    assert_same_features(received, features)
    assert [*received.examples] == EXAMPLES


def test_only_the_file_of_a_running_array_is_opened():
    numbers = MappedArray("i")
    numbers.extend(range(5))
    reference = numbers.reference()
    assert [*MappedArray.of(reference)] == [*range(5)]
    with pytest.raises(OSError):
        MappedArray.of(reference._replace(inode=reference.inode + 1))
    del numbers
    with pytest.raises(OSError):
        MappedArray.of(reference)


def test_files_have_no_name(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    numbers = MappedArray("i")
    numbers.extend(range(1 << 20))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported(monkeypatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: Path("/dev/full").open("r+b", 0))  # noqa: SIM115
    numbers = MappedArray("i")
    with pytest.raises(HallucError) as caught:
        numbers.extend(range(1 << 20))
    assert caught.value.code == "E401"
    assert "cannot write temporary files in " in caught.value.message
    assert caught.value.help == "free disk space, or set TMPDIR to another folder"


def test_a_temporary_folder_without_permission_is_reported(monkeypatch):
    def forbidden(buffering):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)
    with pytest.raises(HallucError) as caught:
        MappedArray("i")
    assert caught.value.code == "E401"
    assert "or set TMPDIR to another folder" in caught.value.help
