"""Commands on a real Ray cluster of three nodes on loopback, one of which is killed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from halluc.runs.directory import RunDir
from halluc.runs.tuning import TuneFile
from tests import ray_cluster
from tests.conftest import write_corpus, write_experiment
from tests.launched import CELLS, compared, write_study

pytestmark = pytest.mark.ray


@pytest.fixture(scope="module")
def started():
    reason = ray_cluster.lacks()
    if reason is not None:
        pytest.skip(reason)
    try:
        with ray_cluster.cluster(workers=2) as nodes:
            yield nodes
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture
def nodes(started):
    """The head and two nodes; one that an earlier test has killed is replaced."""
    ray_cluster.replace_killed(started)
    return started


def test_a_node_that_is_lost_loses_nothing_and_the_bytes_are_those_of_one_machine(nodes, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    study = write_study(tmp_path, tiny_encoder)
    longer = ["--set", "train.epochs=20"]
    assert exit_code_of(["run", str(study), "-q", *longer]) == 0
    runs = tmp_path / "cluster"
    command = ["run", str(study), *longer, "--set", f"runs_dir={runs}"]
    told = without_a_node(
        nodes, command, lambda: any(RunDir(runs / "tiny" / slug).has_checkpoint() for slug in CELLS)
    )  # fmt: skip
    assert "its process was killed by SIGKILL; it is restarted" in told
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
    command = [*asked, "--output", str(tmp_path / "cluster.jsonl"), "--shards", "6"]
    errors = without_a_node(nodes, command, lambda: len(list(tmp_path.glob(".cluster.jsonl.part-*-of-6"))) >= 2)
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


def without_a_node(nodes, command: list[str], is_running: Callable[[], bool]) -> str:
    """Run a command on the cluster, and kill a node as soon as its tasks are running; returns what it said."""
    line = [sys.executable, "-m", "halluc", *command, "--on", "ray", "--address", nodes[0].address]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while not is_running():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.05)
    nodes[1].kill()
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return errors


def all_have_checkpoints(runs: list[Path]) -> bool:
    return all(RunDir(run).has_checkpoint() for run in runs)


def test_an_evaluated_study_that_loses_a_node_has_the_bytes_of_one_machine(nodes, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    study = write_study(tmp_path, tiny_encoder)
    trained, here, there = (tmp_path / name for name in ("runs", "here", "there"))
    asked = ["--set", "train.epochs=1", "--split", "test"]
    assert exit_code_of(["train", str(study), "-q", *asked[:2]]) == 0
    for copy in (here, there):
        shutil.copytree(trained, copy)
    assert exit_code_of(["eval", str(study), "-q", *asked, "--set", f"runs_dir={here}"]) == 0
    command = ["eval", str(study), *asked, "--set", f"runs_dir={there}"]
    logs = [there / "tiny" / slug / "cell.log" for slug in CELLS]
    errors = without_a_node(nodes, command, lambda: all(log.is_file() for log in logs))
    assert "its process was killed by SIGKILL; it is restarted (1 of 3)" in errors
    for name in ("predictions/test.jsonl", "ledger/test.jsonl", "eval/test.json"):
        for slug in CELLS:
            expected = (here / "tiny" / slug / name).read_bytes().replace(str(here).encode(), str(there).encode())
            assert (there / "tiny" / slug / name).read_bytes() == expected
    assert not list((there / "tiny").glob("*/eval/dev.json"))


def test_one_run_is_evaluated_and_its_figures_are_shown(nodes, tmp_path, tiny_encoder, halluc):
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), "epochs: 1")
    assert halluc("train", config, "-q").code == 0
    shown = halluc("eval", config, "--json")
    (run,) = (path for path in (tmp_path / "runs" / "tiny").iterdir() if path.is_dir() and not path.is_symlink())
    written = {path: path.read_bytes() for path in run.glob("eval/*.json")}
    for path in written:
        path.unlink()
    outcome = halluc("eval", config, "--json", "--on", "ray", "--address", nodes[0].address)
    assert (outcome.code, outcome.out) == (0, shown.out), outcome.err
    assert {path: path.read_bytes() for path in run.glob("eval/*.json")} == written


def test_an_audit_that_loses_a_node_has_the_suspects_of_one_machine(nodes, tmp_path, tiny_encoder):
    from halluc.__main__ import exit_code_of

    train = "steps: 30, learning_rate: 0.01, batch_tokens: 64, checkpoint_steps: 1"
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), train)
    asked = ["audit", str(config), "--split", "train", "--folds", "2"]
    assert exit_code_of([*asked, "-q"]) == 0
    runs = tmp_path / "cluster"

    def are_training() -> bool:
        parts = [path for path in runs.glob(".fitted/cross-fit-*/part-?-of-2") if path.is_dir()]
        return len(parts) == 2 and all_have_checkpoints(parts)

    errors = without_a_node(nodes, [*asked, "--set", f"runs_dir={runs}"], are_training)
    assert "a model was lost with its node and is restarted (1 of 3)" in errors
    (expected,), (suspects,) = ((home / "tiny").glob("*/audit/train.jsonl") for home in (tmp_path / "runs", runs))
    assert suspects.read_bytes() == expected.read_bytes()
    assert not list(runs.glob(".fitted/*/*.log"))


def test_a_tuning_that_loses_a_node_has_the_trials_of_one_machine(nodes, tmp_path, tiny_encoder):
    pytest.importorskip("optuna")
    from halluc.__main__ import exit_code_of

    train = "epochs: 10, learning_rate: 0.01, batch_tokens: 64, checkpoint_steps: 1"
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), train)
    with config.open("a") as file:
        file.write("tune: {trials: 3, batch: 2, space: {train.learning_rate: {low: 0.001, high: 0.02, log: true}}}\n")
    assert exit_code_of(["tune", str(config), "-q"]) == 0
    runs = tmp_path / "cluster"
    trials = [runs / "tiny.tune" / f"trial={number}" for number in (0, 1)]
    command = ["tune", str(config), "--set", f"runs_dir={runs}"]
    errors = without_a_node(nodes, command, lambda: all_have_checkpoints(trials))
    assert "a trial was lost with its node and is restarted (1 of 3)" in errors
    here, there = (
        TuneFile.model_validate_json((home / "tiny.tune" / "tune.json").read_bytes())
        for home in (tmp_path / "runs", runs)
    )
    for name in ("number", "state", "params", "values", "same_as"):
        assert [getattr(one, name) for one in there.trials] == [getattr(one, name) for one in here.trials]
    assert [one.number for one in there.best] == [one.number for one in here.best]
    assert not list(runs.glob("*/*.log"))
