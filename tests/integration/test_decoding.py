"""`eval.decode` through the command line: dev during training, eval, predict and comparisons."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import halluc as api
from halluc.core.labels import illegal
from halluc.runs.directory import RunDir
from tests.conftest import Snapshot, write_corpus, write_experiment
from tests.made_runs import record_again

# So little training that argmax makes illegal sequences.
BRIEF = ["train.steps=12", "train.learning_rate=0.004"]


def metrics(outcome) -> dict[tuple[str, str], float]:
    return {(m["name"], m["protocol"]): m["value"] for m in json.loads(outcome.out)["metrics"] if not m["by"]}


def f1(outcome, mode: str = "seqeval default (conlleval)") -> float:
    return metrics(outcome)["entity_f1", mode]


def lines(run: Path, file: str) -> list[dict]:
    return [json.loads(line) for line in (run / file).open()]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_encoder) -> tuple[Snapshot, dict[str, Path]]:
    folder = tmp_path_factory.mktemp("decoding")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder))
    found = {
        decoding: Path(api.train(config, [*BRIEF, f"eval.decode={decoding}"])[0].run)
        for decoding in ("argmax", "constrained")
    }
    return Snapshot.of(folder), found


@pytest.fixture
def trained(runs) -> dict[str, Path]:
    """The run of each decoding; a test may change them."""
    snapshot, found = runs
    snapshot.restore()
    return found


def test_training_evaluation_and_prediction_decode_alike(halluc, trained, corpus_files):
    dev = {}
    for decoding in ("argmax", "constrained"):
        run = trained[decoding]
        outcome = halluc("eval", "--run", run, "--split", "dev", "--json")
        assert outcome.code == 0, outcome.err
        dev[decoding] = f1(outcome)
        assert json.loads(outcome.out)["decoding"] == decoding
        assert json.loads((run / "run.json").read_text())["best"]["dev"]["entity_f1"] == dev[decoding]
        evaluated = lines(run, "predictions/dev.jsonl")
        broken = [line["id"] for line in evaluated if illegal(line["predicted_tags"], "iob2")]
        assert bool(broken) == (decoding == "argmax")
        asked = halluc("predict", run, "--input", corpus_files["dev"], "--format", "conll")
        assert asked.code == 0, asked.err
        spans = [[(s["start"], s["end"], s["label"]) for s in json.loads(t)["spans"]] for t in asked.out.splitlines()]
        assert spans == [[tuple(span[:3]) for span in line["predicted"]] for line in evaluated]
    assert dev["argmax"] != dev["constrained"]


def test_strict_and_default_figures_agree_where_sequences_are_legal(halluc, trained):
    run = trained["constrained"]
    same = halluc("eval", "--run", run, "--split", "test", "--json")
    assert f1(same) == f1(same, "seqeval strict IOB2")
    differs = halluc("eval", "--run", run, "--split", "test", "--json", "--set", "eval.decode=argmax")
    assert f1(differs) != f1(differs, "seqeval strict IOB2")


def test_a_comparison_names_a_different_decoding(halluc, trained, tmp_path):
    run = trained["constrained"]
    other = tmp_path / "other"
    shutil.copytree(run, other)
    assert halluc("eval", "--run", run, "--split", "test", "-q").code == 0
    assert halluc("eval", "--run", other, "--split", "test", "-q", "--set", "eval.decode=argmax").code == 0

    def differences() -> list[str]:
        compared = halluc("report", run, other, "--json", "--format", "json")
        assert compared.code == 0, compared.err
        return json.loads(compared.out)["others"][0]["config_differences"]

    assert differences() == ["`eval.decode`"]
    # Files from before there was a choice are of argmax.
    file = other / "eval" / "test.json"
    older = {key: value for key, value in json.loads(file.read_text()).items() if key != "decoding"}
    file.write_text(json.dumps(older))
    record_again(RunDir(other))
    assert differences() == ["`eval.decode`"]
    assert halluc("eval", "--run", other, "--split", "test", "-q").code == 0
    assert differences() == []


def test_an_unknown_decoding_is_refused(halluc, experiment):
    outcome = halluc("eval", experiment, "--set", "eval.decode=viterbi")
    assert outcome.code == 2
    assert "eval.decode" in outcome.err
