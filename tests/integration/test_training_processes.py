"""One training by several processes: on one machine, and on two nodes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from tests.conftest import write_corpus, write_experiment
from tests.ports import free_ports


@pytest.fixture
def experiment(tmp_path, tiny_encoder):
    settings = "epochs: 1, precision: fp32, checkpoint_steps: 5, learning_rate: 0.01, batch_tokens: 40"
    path = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path, train=16), settings)
    path.write_text(path.read_text().replace("model: {", "model: {dropout: 0.0, "))
    return path


def losses_of(run):
    with (run / "events.jsonl").open() as file:
        return [event["loss"] for event in map(json.loads, file) if event["event"] == "step"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="torchrun is tested on POSIX")
def test_two_nodes_reach_the_losses_of_one_process(halluc, experiment, tmp_path):
    assert halluc("train", experiment, "--run", tmp_path / "one", "-q").code == 0
    python, environ = [sys.executable, "-m"], {**os.environ, "OMP_NUM_THREADS": "1"}
    command = ["halluc", "train", str(experiment)]
    # Two nodes of one process each: every node has its own torchrun.
    launcher = ["torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    meet = ["--master-addr", "127.0.0.1", "--master-port", str(free_ports(1)[0])]
    nodes = [
        subprocess.Popen(
            [*python, *launcher, *meet, "--node-rank", str(rank), "-m", *command, "--run-dir", str(tmp_path / "nodes")],
            stderr=subprocess.PIPE, text=True, env=environ,
        )
        for rank in range(2)
    ]  # fmt: skip
    errors = [node.communicate(timeout=300)[1] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], errors
    assert "".join(errors).count("model: ") == 1  # one process speaks
    expected = losses_of(tmp_path / "one")
    assert len(expected) > 8
    assert losses_of(tmp_path / "nodes") == pytest.approx(expected, abs=1e-5)


def test_a_sharded_training_and_its_continuation_reach_the_losses_of_one_process(halluc, experiment, tmp_path):
    command = [sys.executable, "-m", "halluc", "train", str(experiment), "--processes", "2", "--set", "train.fsdp=true"]
    one, sharded = tmp_path / "one", tmp_path / "sharded"
    for epochs in (1, 2):
        more = ["--resume", "-q", "--set", f"train.epochs={epochs}", "--set", "train.checkpoints.keep=last"]
        assert halluc("train", experiment, "--run", one, *more).code == 0
        ended = subprocess.run(
            [*command, "--run", str(sharded), *more],
            capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        assert "arning" not in ended.stderr
    assert len(losses_of(one)) > 16
    assert losses_of(sharded) == pytest.approx(losses_of(one), abs=1e-5)
    weights, expected = (load_file(run / "model/model.safetensors") for run in (sharded, one))
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-4, rtol=0)


# The command line, where few sentences are a large corpus. It writes each rank that encodes to the file of its first
# argument.
_LARGE_CORPUS = """
import os, sys
from halluc.__main__ import main
from halluc.core import packed
from halluc.tasks.token_classification.model import Tagger

packed.MOST_OBJECTS = 2
encode, record = Tagger.encode, sys.argv.pop(1)

def recorded(*arguments):
    with open(record, "a") as file:
        file.write(os.environ["RANK"])
    return encode(*arguments)

Tagger.encode = recorded
main()
"""


def test_the_features_of_a_large_corpus_are_encoded_by_one_process(halluc, experiment, tmp_path):
    assert halluc("train", experiment, "--run", tmp_path / "one", "-q").code == 0
    script, record = tmp_path / "large.py", tmp_path / "ranks"
    script.write_text(_LARGE_CORPUS)
    launcher = ["torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_ports(1)[0])]
    ended = subprocess.run(
        [sys.executable, "-m", *launcher, script, record, "train", experiment, "--run-dir", tmp_path / "two", "-q"],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert record.read_text() == "00"  # train and dev
    assert losses_of(tmp_path / "two") == pytest.approx(losses_of(tmp_path / "one"), abs=1e-5)


def test_sharding_is_refused_with_keys_that_need_the_whole_weights(halluc, experiment):
    outcome = halluc("train", experiment, "--set", "train.fsdp=true", "--set", "train.adversarial=0.5")
    assert outcome.code == 2
    assert "`train.fsdp` cannot be combined with `train.adversarial`" in outcome.err


def test_processes_that_fail_end_with_the_exit_code_of_the_first(halluc, experiment):
    command = [sys.executable, "-m", "halluc", "train", str(experiment), "--set", "data.train=no.jsonl"]
    ended = subprocess.run([*command, "--processes", "2"], capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 3
    assert ended.stderr.count("error[D101]") == 1, ended.stderr  # one process speaks
    assert "Traceback" not in ended.stderr
    assert "exitcode" not in ended.stderr


def test_the_number_of_processes_is_checked(halluc, experiment, monkeypatch):
    outcome = halluc("train", experiment, "--processes", "none")
    assert outcome.code == 2
    assert "`--processes none` must be `auto` or a number" in outcome.err
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "C019" in halluc("train", experiment, "--processes", "2").err


def test_a_signal_ends_all_processes_with_a_checkpoint(experiment, tmp_path):
    run = tmp_path / "stopped"
    command = [sys.executable, "-m", "halluc", "train", str(experiment), "--run", str(run), "--set", "train.epochs=500"]
    process = subprocess.Popen([*command, "--processes", "2"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not list(run.glob("checkpoints/*")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
