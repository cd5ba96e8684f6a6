"""The second task through the command line, on a tiny real encoder: train, eval, gates, resume, abstention."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from halluc.core import figures
from halluc.runs.results import EvalResult
from halluc.runs.schema import EvalFile, RunFile
from halluc.tasks.text_classification.records import LabelPrediction
from tests.interruptions import interrupted_after

TRAVEL = ["Anna visited Oslo", "Berg left for Paris", "met in Oslo and left for Paris", "Anna and Berg visited Paris"]
MONEY = ["the bank won", "Acme Corp said the bank won", "a bank of Acme", "the bank and Acme Corp"]
OUTSIDE = ["german german reuters", "reuters on german", "met on german reuters", "german . reuters german"]


Rows = list[dict[str, object]]


def records(*, several: bool = False, pairs: bool = False) -> Rows:
    rows: Rows = []
    for number, (travel, money, outside) in enumerate(zip(TRAVEL, MONEY, OUTSIDE, strict=True)):
        if several:
            rows += [
                {"text": travel, "label": ["travel"]},
                {"text": f"{travel} . {money}", "label": ["travel", "money"]},
            ]
            rows += [{"text": money, "label": ["money"]}, {"text": outside, "label": []}]
        elif pairs:
            rows += [{"text": travel, "second": TRAVEL[number - 1], "label": "same"}]
            rows += [{"text": travel, "second": money, "label": "other"}]
        else:
            rows += [{"text": travel, "label": "travel"}, {"text": money, "label": "money"}]
            rows += [{"text": outside, "label": "oos"}]
    return rows


def write_experiment(
    folder: Path,
    encoder: Path,
    task: str = "",
    data: str = "",
    more: str = "",
    *,
    rows: Rows | None = None,
    best: str = "",
    epochs: int = 16,
) -> Path:
    """Write a config and its corpora."""
    found = rows or records()
    for split, copies in (("train", 6), ("dev", 2), ("test", 1)):
        lines = [json.dumps(row) + "\n" for row in found * copies]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    splits = "\n".join(f"  {split}: {folder / split}.jsonl" for split in ("train", "dev", "test"))
    config = folder / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {folder / 'runs'}\ntask: {{type: text_classification{task}}}\n"
        f"data:\n  format: texts\n  out_of_scope_label: oos\n{splits}\n{data}"
        f"model: {{name: {encoder}, dropout: 0.05}}\n"
        f"train: {{epochs: {epochs}, learning_rate: 0.004, batch_tokens: 32{best}}}\n{more}",
        encoding="utf-8",
    )
    return config


@pytest.fixture
def labelled(tmp_path: Path, tiny_encoder: Path) -> Callable[..., Path]:
    """Writes a config and its corpora."""
    return partial(write_experiment, tmp_path, tiny_encoder)


def trained(config: Path) -> Path:
    from halluc.__main__ import exit_code_of

    assert exit_code_of(["train", str(config), "-q"]) == 0
    return config


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The config of a trained classifier that knows of texts out of scope."""
    # Accuracy is that of texts in scope: it is perfect while texts out of scope are still accepted.
    return trained(write_experiment(tmp_path_factory.mktemp("classifier"), tiny_encoder, best=", best: mcc"))


@pytest.fixture(scope="module")
def in_scope_only(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Path) -> Path:
    """The config of a trained classifier that has no output for texts out of scope."""
    folder = tmp_path_factory.mktemp("in-scope")
    return trained(write_experiment(folder, tiny_encoder, ", out_of_scope: leave_out"))


def only_run(config: Path) -> Path:
    home = config.parent / "runs" / "texts"
    return home / (home / "latest").readlink()


def value(outcome, name: str, **by: str) -> float:
    metrics = EvalResult.model_validate_json(outcome.out).metrics
    (found,) = [m for m in metrics if m.name == name and m.by == by]
    return found.value


def test_a_classifier_is_trained_and_evaluated(halluc, labelled):
    config = labelled(more="gates: {accuracy: {min: 0.9}, out_of_scope_acceptance: {max: 0.1}}\n", best=", best: mcc")
    told = halluc("train", config)
    assert told.code == 0, told.err
    assert "72 texts" in told.err
    assert "mcc" in told.err
    outcome = halluc("eval", config, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    assert value(outcome, "accuracy") == value(outcome, "out_of_scope_recall") == 1.0
    assert value(outcome, "out_of_scope_auroc") > 0.9
    run = only_run(config)
    record = RunFile.model_validate_json((run / "run.json").read_text())
    assert record.best["chosen_by"] == "mcc"
    settings = json.loads((run / "model" / "config.json").read_text())
    assert settings["problem_type"] == "single_label_classification"
    assert list(settings["id2label"].values()) == ["money", "travel", "out_of_scope"]
    lines = [LabelPrediction.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    outside = [line for line in lines if not line.gold]
    assert len(outside) == 4
    assert all(not line.predicted and line.in_scope < 0.5 for line in outside)
    reported = halluc("report", run)
    assert reported.code == 0, reported.err
    assert "By novelty of the text" in (run / "report" / "index.html").read_text()
    assert "pipeline_tag: text-classification" in (run / "model" / "README.md").read_text()
    assert all(len(line.predicted) == 1 and line.in_scope == line.predicted[0][1] for line in lines if line.gold)


def test_a_classifier_whose_outputs_have_no_names_is_mapped(halluc, classifier, tmp_path):
    own = halluc("eval", classifier, "--split", "test", "--json")
    unnamed = tmp_path / "unnamed"
    shutil.copytree(only_run(classifier) / "model", unnamed)
    settings = json.loads((unnamed / "config.json").read_text())
    names = {f"LABEL_{number}": name for number, name in settings["id2label"].items()}
    del settings["id2label"], settings["label2id"]
    (unnamed / "config.json").write_text(json.dumps({**settings, "num_labels": len(names)}))
    labels = {name: None if label == "out_of_scope" else label for name, label in names.items()}
    asked = ["eval", classifier, "--checkpoint", unnamed, "--split", "test", "--json"]
    mapped = halluc(*asked, "--set", f"eval.labels={json.dumps(labels)}")
    assert mapped.code == 0, mapped.err
    for figure in ("accuracy", "out_of_scope_recall", "hallucination_rate"):
        assert value(mapped, figure) == value(own, figure)
    assert value(halluc(*asked), "accuracy") == 0
    refused = halluc(*asked, "--set", "eval.labels={LABEL_0: money}")
    assert refused.code == 2
    assert "has no entry for LABEL_1, LABEL_2" in refused.err


def test_the_ledger_describes_labels_of_whole_texts(halluc, in_scope_only):
    config = in_scope_only
    told = halluc("eval", config, "--split", "test")
    assert "4 out-of-scope texts, for which the model has no output: it predicts a label for each" in told.err
    ledger = [json.loads(line) for line in (only_run(config) / "ledger/test.jsonl").open()]
    assert {line["kind"] for line in ledger} == {"label"}
    assert all((line["start"], line["end"]) == (0, len(line["text"].split(" "))) for line in ledger)
    outside = [line for line in ledger if line["reason"] == "out_of_scope"]
    assert len(outside) == 4
    assert all(line["verdict"] == "unsupported" and not line["gold"] for line in outside)
    found = halluc("eval", config, "--split", "test", "--json")
    assert value(found, "out_of_scope_acceptance") == 1.0
    names = {m.name for m in EvalResult.model_validate_json(found.out).metrics}
    excluded = ("hallucination_rate_wide", "distortion_rate", "false_claim_rate", "hallucination_density")
    assert names.isdisjoint({*excluded, "negative_sentence_rate"})
    assert {"hallucination_rate", "omission_rate", "over_claim", "hallucinated_examples"} <= names
    both = (only_run(config), only_run(config), "--format", "json")
    compared = halluc("report", *both, "--json")
    assert compared.code == 0, compared.err
    (other,) = json.loads(compared.out)["others"]
    assert {"micro_f1", "hallucination_rate", "omission_rate"} <= {figure["name"] for figure in other["figures"]}
    assert {figure["name"] for figure in other["figures"]}.isdisjoint(excluded)
    shown = halluc("report", *both).err
    assert "omission rate" in shown and not any(figures.figure(name).title in shown for name in excluded)


def test_a_gate_that_is_not_met_is_reported(halluc, labelled):
    config = labelled(more="gates: {accuracy: {min: 1.0, use: interval}}\n")
    assert halluc("train", config, "-q", "--set", "train.steps=1").code == 0
    outcome = halluc("eval", config, "--split", "test", "--set", "train.steps=1")
    assert outcome.code == 5
    assert "accuracy" in outcome.err


def test_abstention_withdraws_claims_and_lowers_acceptance(halluc, in_scope_only):
    config, asked = in_scope_only, "eval={calibration: temperature, abstain: {threshold: 0.99999}}"
    outcome = halluc("eval", config, "--split", "test", "--json", "--set", asked)
    assert outcome.code == 0, outcome.err
    assert value(outcome, "out_of_scope_acceptance") == 1.0
    assert value(outcome, "out_of_scope_acceptance", claims="kept") < 1.0
    assert json.loads((only_run(config) / "confidence.json").read_text())["temperature"] > 0


def test_several_labels_a_text(halluc, labelled):
    config = labelled(task=", multi_label: true, threshold: 0.4", rows=records(several=True), epochs=28,
                      more="eval: {calibration: temperature}\n")  # fmt: skip
    assert halluc("train", config, "-q").code == 0
    outcome = halluc("eval", config, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    assert value(outcome, "micro_f1") > 0.9
    run = only_run(config)
    assert json.loads((run / "model/config.json").read_text())["problem_type"] == "multi_label_classification"
    lines = [LabelPrediction.model_validate_json(line) for line in (run / "predictions/test.jsonl").open()]
    assert {tuple(label for label, _ in line.predicted) for line in lines} >= {("money", "travel"), ()}
    assert all(line.in_scope is None for line in lines)
    record = RunFile.model_validate_json((run / "run.json").read_text())
    assert record.best["chosen_by"] == "micro_f1"
    wrong = halluc("eval", config, "--checkpoint", run / "model", "--set", "task.multi_label=false",
                   "--set", "task.threshold=0.5")  # fmt: skip
    assert wrong.code == 2
    assert "several labels per text" in wrong.err


@pytest.mark.parametrize(("task", "bare"), [("", "oos"), (", multi_label: true", [])])
def test_dev_without_a_label_chooses_nothing_and_stops_nothing(halluc, labelled, task, bare):
    config = labelled(task=task)
    (config.parent / "dev.jsonl").write_text(json.dumps({"text": "tell a joke", "label": bare}) + "\n")
    outcome = halluc("train", config, "--set", "train.patience=1", "--set", "train.epochs=3")
    assert outcome.code == 0, outcome.err
    told = (
        "dev has no label: no checkpoint will be selected, and the last one is kept, and early stopping (`patience`) is"
    )
    assert f"warning: {told}" in outcome.err
    assert "best so far" not in outcome.err
    assert "all epochs done" in outcome.err
    best = json.loads((only_run(config) / "run.json").read_text())["best"]
    assert (best["chosen_by"], best["dev"]) == ("last: dev has no label", {})
    evaluated = halluc("eval", "--run", only_run(config), "--split", "dev")
    assert evaluated.code == 0, evaluated.err
    assert "no gold label: figures of labels are 0 by convention" in evaluated.err
    assert halluc("report", only_run(config), "--format", "json").code == 0
    told = (only_run(config) / "model" / "README.md").read_text()
    assert "chosen by" not in told


def test_pairs_of_texts(halluc, labelled):
    config = labelled(data="  second_field: second\n", rows=records(pairs=True))
    assert halluc("train", config, "-q").code == 0
    outcome = halluc("eval", config, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    assert value(outcome, "accuracy") > 0.7
    lines = [json.loads(line) for line in (only_run(config) / "predictions/test.jsonl").open()]
    assert [line["tokens"][: line["second"]] for line in lines[:2]] == [["Anna", "visited", "Oslo"]] * 2


@pytest.mark.parametrize("how", ["windows", "head_tail"])
def test_long_texts_are_read_and_reported(halluc, labelled, how):
    rows = [{"text": f"{row['text']} . " * 12, "label": row["label"]} for row in records()]
    config = labelled(task=f", long_texts: {how}", rows=rows)
    short = ("--set", "train.epochs=5", "--set", "train.batch_tokens=512")
    assert halluc("train", config, "-q", *short).code == 0
    outcome = halluc("eval", config, "--split", "test", *short)
    assert outcome.code == 0, outcome.err
    note = {"windows": "windowed_texts", "head_tail": "cut_texts"}[how]
    encoding = json.loads((only_run(config) / "eval/test.json").read_text())["encoding"]
    assert encoding[note] > 0
    assert f"{encoding[note]} texts longer than the model's limit" in outcome.err
    accuracy = [m for m in EvalFile.model_validate_json((only_run(config) / "eval/test.json").read_text()).metrics
                if m.name == "accuracy" and not m.by]  # fmt: skip
    assert accuracy[0].value > 0.7


def test_a_training_that_was_interrupted_ends_as_if_it_had_not_been(halluc, labelled):
    config = labelled(task=", class_weights: balanced, loss: focal")
    whole, cut, short = config.parent / "whole", config.parent / "cut", ("-q", "--set", "train.epochs=2")
    assert halluc("train", config, "--run", whole, *short).code == 0
    with interrupted_after(8):
        assert halluc("train", config, "--run", cut, *short).code == 130
    assert not (cut / "model").exists()
    assert halluc("train", config, "--run", cut, "--resume", *short).code == 0
    one, other = (load_file(run / "model/model.safetensors") for run in (whole, cut))
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


def test_both_tasks_train_from_scratch(halluc, labelled, experiment):
    scratch = ("--set", "model={scratch: {layers: 2, width: 32, heads: 2, vocabulary: 150}}")
    longer = ("--set", "train.learning_rate=0.01", "--set", "train.epochs=20", "--set", "train.batch_tokens=64")
    for config in (labelled(), experiment):
        text = config.read_text()
        start = text.index("model: ")
        config.write_text(text[:start] + "model: {scratch: {layers: 2, width: 32, heads: 2, vocabulary: 150}}\n"
                          + text[text.index("\n", start) + 1 :])  # fmt: skip
        outcome = halluc("train", config, "-q", *longer)
        assert outcome.code == 0, outcome.err
        outcome = halluc("eval", config, "--split", "test", "--json", *longer)
        assert outcome.code == 0, outcome.err
        name = "accuracy" if "texts" in text.splitlines()[0] else "entity_f1"
        figures = [m for m in EvalResult.model_validate_json(outcome.out).metrics if m.name == name and not m.by]
        assert figures[0].value > 0.8
        assert halluc("check", config, "--deep").code == 0
        both = halluc("check", config, *scratch, "--set", "model.name=x")
        assert both.code == 2
        assert "both `name` and `scratch`" in both.err


def test_augmented_texts_keep_labels_and_borders(halluc, labelled):
    more = "augment: {size: 2.0x, methods: [{type: delete, rate: 0.3}, {type: case}]}\n"
    config = labelled(task=", locked_words: [Oslo], augment_side: second", data="  second_field: second\n",
                      rows=records(pairs=True), more=more)  # fmt: skip
    outcome = halluc("train", config, "-q", "--set", "train.epochs=1")
    assert outcome.code == 0, outcome.err
    lines = [json.loads(line) for line in (only_run(config) / "augment/train.jsonl").open()]
    first = {tuple(row["text"].split()) for row in records(pairs=True)}
    assert len(lines) > 48
    for line in lines:
        assert tuple(line["tokens"][: line["second"]]) in first
        assert line["label"] in (["same"], ["other"])


def test_predict_labels_raw_lines(halluc, classifier, tmp_path):
    given = tmp_path / "given.txt"
    given.write_text("Anna visited Paris\n\nthe bank won .\ngerman reuters german\n", encoding="utf-8")
    outcome = halluc("predict", only_run(classifier), "--input", given)
    assert outcome.code == 0, outcome.err
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [[one["label"] for one in line["labels"]] for line in lines] == [["travel"], [], ["money"], []]
    assert lines[2]["tokens"] == ["the", "bank", "won", "."]
    assert all(0.5 < one["confidence"] <= 1 and not one["abstained"] for line in lines for one in line["labels"])
