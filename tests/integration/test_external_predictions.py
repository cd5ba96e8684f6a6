"""`halluc eval --predictions`: the predictions of another tool, judged as those of an own model."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import halluc
from halluc.runs.schema import EvalFile, RunFile
from tests.conftest import Snapshot, train_in
from tests.integration.test_text_main_path import labelled, records  # noqa: F401  (a fixture)

pytestmark = pytest.mark.usefixtures("without_charts")

ROOT = Path(halluc.__file__).parent.parent


def figures(text: str) -> dict[tuple[str, str, str], Any]:
    """Every figure with its value, n and interval, by name, slice and protocol."""
    file = EvalFile.model_validate({key: value for key, value in json.loads(text).items() if key != "gates"})
    return {(m.name, str(m.by), m.protocol): (m.value, m.n, m.interval) for m in file.metrics}


def newest(config: Path, name: str) -> Path:
    """The run that was written last; two runs of one second sort by their hashes."""
    runs = [path for path in (config.parent / "runs" / name).iterdir() if path.is_dir() and not path.is_symlink()]
    return max(runs, key=lambda run: (run / "run.json").stat().st_mtime_ns)


def lines(run: Path, split: str = "test") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / f"predictions/{split}.jsonl").read_text().splitlines()]


def columns(path: Path, found: list[dict[str, Any]]) -> Path:
    rows = (zip(one["tokens"], one["gold_tags"], one["predicted_tags"], strict=True) for one in found)
    path.write_text("\n".join("".join(f"{' '.join(row)}\n" for row in sentence) for sentence in rows))
    return path


@pytest.fixture
def other(tmp_path: Path, corpus_files: dict[str, Path]):
    """Writes a config that no model is needed for, and the gold of test as predicted, with changes."""

    def write(more: str = "", train: bool = True) -> Path:
        splits = "".join(f"  {split}: {path}\n" for split, path in corpus_files.items() if train or split != "train")
        config = tmp_path / "other.yaml"
        config.write_text(
            f"name: other\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: token_classification}}\n"
            f"data:\n  format: conll\n{splits}model: {{name: hub:nowhere}}\n{more}",
            encoding="utf-8",
        )
        return config

    return write


@pytest.fixture
def tagged(tmp_path: Path, corpus_files: dict[str, Path]):
    """Writes the test split with other tags."""

    def write(changes: dict[str, str], name: str = "tool.conll") -> Path:
        text = corpus_files["test"].read_text()
        for old, new in changes.items():
            text = text.replace(old, new)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def spans(path: Path, corpus: Path, sure: dict[str, float]) -> Path:
    """The test split with the words of ``sure`` predicted, as PER, with their confidences."""
    blocks = [
        [line.split()[0] for line in block.splitlines()] for block in corpus.read_text().split("\n\n") if block.strip()
    ]
    rows = [
        {"tokens": words, "spans": [[n, n + 1, "PER", sure[word]] for n, word in enumerate(words) if word in sure]}
        for words in blocks
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def own_model(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Snapshot:
    return Snapshot.of(train_in(tmp_path_factory.mktemp("own"), tiny_encoder, "--set", "train.epochs=3").parent)


@pytest.mark.parametrize("decode", ["argmax", "constrained"])
def test_an_own_model_s_predictions_have_the_figures_of_its_own_evaluation(halluc, own_model, tmp_path, decode):
    experiment = own_model.restore() / "tiny.yaml"
    train, how = ("--set", "train.epochs=3"), ("--set", f"eval.decode={decode}")
    own = halluc("eval", experiment, *train, *how, "--split", "test", "--json")
    run = newest(experiment, "tiny")
    kept = tmp_path / "own.jsonl"
    kept.write_text((run / "predictions/test.jsonl").read_text())
    file = columns(tmp_path / "conlleval.txt", lines(run))
    again = halluc("eval", experiment, *train, "--predictions", kept, "--json")
    assert again.code == 0, again.err
    assert figures(again.out) == figures(own.out)
    tags = halluc("eval", experiment, *train, "--predictions", file, "--json")
    assert "no prediction has a confidence" in tags.err
    without = figures(tags.out)
    expected = figures(own.out)
    left_out = {name for name, by, _ in expected.keys() - without.keys() if "confidence_decile" not in by}
    assert without == {key: expected[key] for key in without}
    needing = {"ece", "brier", "reliability", "aurc", "e_aurc", "auroc", "risk_at_coverage"}
    assert left_out <= needing | {"hallucination_rate_at_coverage"}
    assert {"ece", "brier", "aurc"} <= left_out


@pytest.mark.parametrize("kind", ["one", "several", "pairs"])
def test_own_labels_of_texts_too(halluc, labelled, tmp_path, kind):  # noqa: F811
    task = {"several": ", multi_label: true"}.get(kind, "")
    data = "  second_field: second\n" if kind == "pairs" else ""
    config = labelled(task, data, rows=records(several=kind == "several", pairs=kind == "pairs"))
    assert halluc("train", config, "--set", "train.epochs=4", "--quiet").code == 0
    own = halluc("eval", config, "--set", "train.epochs=4", "--split", "test", "--json")
    kept = tmp_path / "own.jsonl"
    kept.write_text((newest(config, "texts") / "predictions/test.jsonl").read_text())
    again = halluc("eval", config, "--set", "train.epochs=4", "--predictions", kept, "--json")
    assert again.code == 0, again.err
    assert figures(again.out) == figures(own.out)


def test_an_evaluation_of_predictions_is_a_run_that_names_their_file(halluc, other, tagged, tmp_path):
    config, file = other(), tagged({"Anna B-PER": "Anna O"})
    first = halluc("eval", config, "--predictions", file, "--name", "spaCy 3")
    assert first.code == 0, first.err
    assert "test: 5 predictions of spaCy 3 from" in first.err
    assert "joined by order, with equal tokens" in first.err
    run = newest(config, "other")
    assert first.err.endswith(f"next: halluc report {run}\n")
    refused = halluc("report", config)
    assert f"or report on the predictions of another tool: halluc report {run} (spaCy 3)" in refused.err
    assert "token_classification, predictions of spaCy 3, evaluated" in halluc("runs", run.parent).err
    record = RunFile.model_validate_json((run / "run.json").read_text())
    assert record.predictions is not None
    assert (record.predictions.name, record.predictions.file, record.predictions.split) == (
        "spaCy 3",
        str(file),
        "test",
    )
    assert list(record.stages) == ["eval"]
    evaluation = EvalFile.model_validate_json((run / "eval/test.json").read_text())
    assert (evaluation.checkpoint, evaluation.decoding, evaluation.encoding) == ("spaCy 3", None, {"illegal_tags": 1})
    assert all(span[3] is None for line in lines(run) for span in line["predicted"])
    # The same file again is the same run; other predictions, or another name, are another.
    assert halluc("eval", config, "--predictions", file, "--name", "spaCy 3", "-q").code == 0
    assert newest(config, "other") == run
    halluc("eval", config, "--predictions", file, "--name", "flair")
    assert newest(config, "other") != run
    tagged({"Oslo B-LOC": "Oslo O"})
    third = halluc("eval", config, "--predictions", file)
    assert third.code == 0
    assert json.loads((newest(config, "other") / "run.json").read_text())["predictions"]["name"] == "tool"
    assert len([path for path in (tmp_path / "runs/other").iterdir() if path.is_dir()]) == 3


def test_its_report_and_its_comparison_with_a_run_of_confidences(halluc, other, tagged, tmp_path, corpus_files):
    config = other()
    halluc("eval", config, "--predictions", tagged({"Anna B-PER": "Anna O", "bank O": "bank B-LOC"}), "--name", "rules")
    rules = newest(config, "other")
    report = halluc("report", rules, "--format", "html,md,json")
    assert report.code == 0, report.err
    page = (rules / "report/report.md").read_text()
    assert "`predictions of rules`" in page
    assert "The predictions have no confidence: calibration, risk and abstention are not computed." in page
    assert "A single seed" not in page
    assert "The gap: coverage of the training data" in page
    reproduce = next(line for line in page.splitlines() if line.startswith("halluc eval"))
    assert shlex.split(reproduce)[3:] == [
        "--predictions",
        shlex.split(reproduce)[4],
        "--split",
        "test",
        "--name",
        "rules",
    ]
    assert "missing" not in page
    sure = spans(tmp_path / "llm.jsonl", corpus_files["test"], {"Anna": 0.9, "Oslo": 0.6, "bank": 0.3})
    halluc("eval", config, "--predictions", sure, "--name", "llm")
    llm = newest(config, "other")
    compared = halluc("report", rules, llm)
    assert compared.code == 0, compared.err
    assert "--predictions (rules and llm)" in compared.err
    assert "training differs" not in compared.err
    assert "predictions of rules, not of a model of halluc; they have no confidence" in compared.err
    assert "ece" not in compared.err
    assert "at an omission rate" not in compared.err
    one = halluc("report", llm, "--format", "md")
    assert one.code == 0, one.err
    assert "no confidence" not in (llm / "report/report.md").read_text()


def test_without_a_training_split_novelty_is_not_known(halluc, other, tagged):
    config = other(train=False)
    outcome = halluc("eval", config, "--predictions", tagged({}))
    assert "novelty is unknown" in outcome.err
    run = newest(config, "other")
    assert not (run / "coverage.json").exists()
    assert halluc("report", run).code == 0
    page = (run / "report/report.md").read_text()
    assert "The config has no training split" in page
    assert "missing" not in page


def test_a_threshold_withdraws_claims_that_state_a_confidence(halluc, other, tmp_path, corpus_files):
    config = other("eval: {abstain: {threshold: 0.5}, calibration: temperature}\n")
    sure = {"Anna": 0.9, "Oslo": 0.6, "bank": 0.3}
    file = spans(tmp_path / "p.jsonl", corpus_files["test"], sure)
    outcome = halluc("eval", config, "--predictions", file, "--json")
    assert outcome.code == 0, outcome.err
    assert "`eval.calibration` is ignored" in outcome.err
    found = {(m["name"], str(m["by"])): m["value"] for m in json.loads(outcome.out)["metrics"]}
    words = [word for word in corpus_files["test"].read_text().split() if word in sure]
    kept = [word for word in words if sure[word] >= 0.5]
    assert found["claim_coverage", "{'claims': 'kept'}"] == pytest.approx(len(kept) / len(words))
    assert found["hallucination_rate", "{}"] > found["hallucination_rate", "{'claims': 'kept'}"]


def test_gates_pass_or_fail_with_their_exit_code(halluc, other, tagged):
    config, file = other("gates: {entity_f1: {min: 0.99}}\n"), tagged({"Anna B-PER": "Anna O"})
    broken = halluc("eval", config, "--predictions", file)
    assert (broken.code, "gate not met: entity_f1 on test" in broken.err) == (5, True)
    assert halluc("eval", config, "--predictions", tagged({}, "perfect.txt")).code == 0


def test_labels_of_the_tool_are_renamed_and_unknown_ones_reported(halluc, other, tagged):
    file = tagged({"-PER": "-PERSON", "bank O": "bank B-FAC"})
    plain = halluc("eval", other(), "--predictions", file, "--json")
    assert "`PERSON` (" in plain.err
    assert "`FAC` (" in plain.err
    config = other("eval: {labels: {PERSON: PER, FAC: null, DATE: null}}\n")
    renamed = halluc("eval", config, "--predictions", file, "--json")
    assert "that is not in gold" not in renamed.err
    perfect = halluc("eval", other(), "--predictions", tagged({}, "perfect.txt"), "--json")
    assert figures(renamed.out) == figures(perfect.out)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--checkpoint", "x"], "C011", "--checkpoint cannot be combined with --predictions"),
        (["--run", "x"], "C011", "--run cannot be combined with --predictions"),
        (["--only", "seed=1"], "C012", "--predictions takes one file"),
        (["--split", "dev", "--split", "test"], "C011", "the file of one split"),
        (["--split", "dve"], "C011", "no split `dve`"),
        (["--name", " "], "C011", "--name has 0 characters"),
        (["--name", "x" * 201], "C011", "--name has 201 characters"),
        (["--name", "a\nb"], "C011", "not printable"),
        (["--set", "matrix={seed: [1, 2]}"], "C128", "--set matrix=null"),
    ],
)
def test_options_that_do_not_go_with_a_file(halluc, other, tagged, options, code, told):
    outcome = halluc("eval", other(), "--predictions", tagged({}), *options)
    assert (outcome.code, f"error[{code}]" in outcome.err, told in outcome.err) == (2, True, True), outcome.err


def test_other_mistakes_are_refused_before_anything_is_written(halluc, other, tagged, corpus_files, tmp_path):
    config = other()
    assert "--name is the name of the tool" in halluc("eval", config, "--name", "x").err
    assert "needs a CONFIG" in halluc("eval", "--predictions", tagged({})).err
    assert "is the gold of test" in halluc("eval", config, "--predictions", corpus_files["test"]).err
    assert halluc("eval", config, "--predictions", tmp_path / "absent.txt").code == 3
    corpus_files["dev"].write_text("said O\nthe O\n\nleft O\n")
    (tmp_path / "dev.pred").write_text("said O\nthe B-PER\n\nleft O\n")
    wrong = halluc("eval", config, "--predictions", tmp_path / "dev.pred")
    assert (wrong.code, "= help: --split dev" in wrong.err) == (3, True), wrong.err
    assert not (tmp_path / "runs").exists()
    assert halluc("eval", config, "--predictions", tmp_path / "dev.pred", "--split", "dev").code == 0
    run = newest(config, "other")
    again = halluc("eval", "--run", run)
    assert (again.code, "it evaluates predictions of dev" in again.err) == (2, True)
    assert "it evaluates predictions of dev" in halluc("predict", run, "--input", corpus_files["dev"]).err
    command = shlex.split(again.err.split("evaluate again: ")[1].splitlines()[0])
    assert halluc(*command[1:]).code == 0
    assert newest(config, "other") == run


def test_nothing_imports_torch(other, tagged):
    arguments = ["eval", str(other()), "--predictions", str(tagged({}))]
    code = (
        "import sys\n"
        "from halluc.__main__ import exit_code_of\n"
        f"code = exit_code_of({arguments!r})\n"
        "heavy = sorted({'torch', 'transformers', 'accelerate', 'datasets', 'matplotlib'} & set(sys.modules))\n"
        "sys.exit(f'imported {heavy}' if heavy else code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
