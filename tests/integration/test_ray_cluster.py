"""A study and a prediction on a real Ray cluster of three nodes on loopback, one of which is killed."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from halluc.runs.directory import RunDir
from tests import ray_cluster
from tests.conftest import write_corpus, write_experiment
from tests.launched import CELLS, compared, write_study

pytestmark = pytest.mark.ray


@pytest.fixture
def nodes():
    reason = ray_cluster.lacks()
    if reason is not None:
        pytest.skip(reason)
    try:
        with ray_cluster.cluster(workers=2) as started:
            yield started
    except RuntimeError as error:
        pytest.skip(str(error))


def test_a_node_that_is_lost_loses_nothing_and_the_bytes_are_those_of_one_machine(nodes, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    study = write_study(tmp_path, tiny_encoder)
    longer = ["--set", "train.epochs=20"]
    assert exit_code_of(["run", str(study), "-q", *longer]) == 0
    runs = tmp_path / "cluster"
    command = [sys.executable, "-m", "halluc", "run", str(study), *longer, "--set", f"runs_dir={runs}"]
    command += ["--on", "ray", "--address", nodes[0].address]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while not any(RunDir(runs / "tiny" / slug).has_checkpoint() for slug in CELLS):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.05)
    nodes[1].kill()
    _, told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    assert "its process was killed by SIGKILL; it starts again" in told
    assert compared(runs / "tiny") == compared(tmp_path / "runs" / "tiny")
    assert not list((runs / "tiny").glob(".ray-*"))


def test_a_prediction_that_loses_a_node_has_the_bytes_of_one_process(nodes, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), "epochs: 1")
    run, source = tmp_path / "run", tmp_path / "texts.txt"
    assert exit_code_of(["train", str(config), "-q", "--run", str(run)]) == 0
    source.write_text("".join(f"anna berg visited oslo {number}\n" for number in range(4_000)))
    asked = ["predict", str(run), "--input", str(source), "--look-ahead", "32"]
    assert exit_code_of([*asked, "-q", "--output", str(tmp_path / "one.jsonl")]) == 0
    command = [sys.executable, "-m", "halluc", *asked, "--output", str(tmp_path / "cluster.jsonl"), "--shards", "6"]
    process = subprocess.Popen(
        [*command, "--on", "ray", "--address", nodes[0].address], stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    deadline = time.monotonic() + 600
    while len(list(tmp_path.glob(".cluster.jsonl.part-*-of-6"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.05)
    nodes[1].kill()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert "a shard was lost with its node" in errors
    assert (tmp_path / "cluster.jsonl").read_bytes() == (tmp_path / "one.jsonl").read_bytes()
    assert [one.name for one in tmp_path.glob(".*")] == []


def test_an_augmented_corpus_has_the_bytes_of_one_machine(nodes, tmp_path):
    from halluc.__main__ import exit_code_of

    config = tmp_path / "augmented.yaml"
    config.write_text(
        f"name: augmented\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: token_classification}}\n"
        "data: {train: 'demo:ner'}\nmodel: {name: none}\n"
        "augment: {size: 2.0x, methods: [{type: mention_replacement}, {type: noise}]}\n"
    )
    here, there = tmp_path / "here", tmp_path / "there"
    assert exit_code_of(["augment", str(config), "-q", "--run", str(here)]) == 0
    asked = ["augment", str(config), "--run", str(there), "--on", "ray", "--address", nodes[0].address]
    assert exit_code_of([*asked, "--shards", "2"]) == 0
    for name in ("train.jsonl", "provenance.jsonl"):
        assert (there / "augment" / name).read_bytes() == (here / "augment" / name).read_bytes()
    assert not list(there.glob("augment/.shard-*"))
    assert not list(there.glob("*.log"))
