"""`halluc predict` by shards: each writes a part, and the parts together are the bytes of one process."""

from __future__ import annotations

import json

import pytest

from tests.conftest import SENTENCES

TEXTS = [*(f"anna berg visited oslo {number}" for number in range(40)), "", "acme corp won"]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder):
    from halluc.__main__ import exit_code_of

    home = tmp_path_factory.mktemp("shards")
    (home / "train.txt").write_text(SENTENCES, encoding="utf-8")
    config = home / "tiny.yaml"
    config.write_text(
        f"name: tiny\nruns_dir: {home / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data: {{format: conll, train: {home / 'train.txt'}}}\nmodel: {{name: {tiny_encoder}}}\ntrain: {{epochs: 1}}\n"
    )
    assert exit_code_of(["train", str(config), "-q", "--run", str(home / "run")]) == 0
    return home / "run"


@pytest.fixture
def predict(halluc, run, tmp_path):
    source = tmp_path / "texts.jsonl"
    lines = [json.dumps({"text": text}) for text in TEXTS]
    source.write_text("\n".join([*lines[:7], "no JSON", *lines[7:]]) + "\n")

    def call(output, *options, code=3):
        arguments = ("--input", source, "--output", tmp_path / output, "--look-ahead", "8", *options)
        outcome = halluc("predict", run, *arguments)
        assert outcome.code == code, outcome.err
        return outcome

    return call


def test_parts_are_put_together_to_the_bytes_of_one_process(predict, tmp_path):
    predict("whole.jsonl")
    for number in (3, 1, 2):
        predict("shared.jsonl", "--shard", f"{number}/3", code=3 if number == 1 else 0)
    assert not (tmp_path / "shared.jsonl").exists()
    assert len(list(tmp_path.glob(".shared.jsonl.part-*"))) == 3
    outcome = predict("shared.jsonl")
    assert "43 texts from 3 parts, 1 not readable" in outcome.err
    assert (tmp_path / "shared.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert not list(tmp_path.glob(".shared.jsonl.part-*"))


def test_parts_that_lack_one_or_are_of_another_input_are_left_alone(predict, tmp_path):
    predict("shared.jsonl", "--shard", "2/2", code=0)
    predict("shared.jsonl", "--shard", "1/2", "--text-field", "text", code=3)  # asked otherwise: another set
    predict("shared.jsonl")
    assert len((tmp_path / "shared.jsonl").read_text().splitlines()) == len(TEXTS) + 1
    assert len(list(tmp_path.glob(".shared.jsonl.part-*"))) == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--shard", "3/2"], "C013"),
        (["--shards", "4"], "C020"),
        (["--address", "localhost:1"], "C020"),
        (["--on", "ray", "--shard", "1/2"], "C020"),
    ],
)
def test_options_that_do_not_fit_are_errors(predict, options, code):
    assert f"error[{code}]" in predict("out.jsonl", *options, code=2).err


def test_a_stream_cannot_be_shared_out(halluc, run, tmp_path):
    outcome = halluc("predict", run, "--shard", "1/2", "--output", tmp_path / "out")
    assert (outcome.code, "error[C016]" in outcome.err) == (2, True)
    source = tmp_path / "in.txt"
    source.write_text("anna\n")
    outcome = halluc("predict", run, "--shard", "1/2", "--input", source)
    assert (outcome.code, "error[C016]" in outcome.err) == (2, True)


def test_parts_that_are_left_do_not_keep_a_stream_from_being_read(halluc, predict, run, tmp_path, monkeypatch):
    predict("shared.jsonl", "--shard", "1/2", code=3)
    (tmp_path / "pipe").write_text("anna berg\n")
    with (tmp_path / "pipe").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        outcome = halluc("predict", run, "--output", tmp_path / "shared.jsonl")
    assert outcome.code == 0, outcome.err
    assert len((tmp_path / "shared.jsonl").read_text().splitlines()) == 1
