"""train and eval through the command line, on a tiny real encoder."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from safetensors.torch import load_file

from halluc.runs.schema import EvalFile, RunFile
from halluc.tasks.token_classification.records import SpanPrediction


def only_run(config: Path) -> Path:
    home = config.parent / "runs" / "tiny"
    return home / (home / "latest").readlink()


def test_a_run_directory_has_all_documented_files(halluc, experiment):
    config, outcome = experiment, halluc("train", experiment)
    assert outcome.code == 0, outcome.err
    run = only_run(config)
    assert outcome.out == ""
    assert outcome.err.splitlines()[-1] == f"model: {run / 'model'}"
    assert halluc("eval", config).code == 0
    files = {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()}
    assert files >= {
        "config.yaml", "source/00-tiny.yaml", "run.json", "data.json", "events.jsonl",
        "model/config.json", "model/model.safetensors", "model/tokenizer.json",
        "predictions/dev.jsonl", "predictions/test.jsonl", "eval/dev.json", "eval/test.json",
        "eval/test_classification_report.txt", "eval/test_classification_report.json",
    }  # fmt: skip
    assert not [name for name in files if name.endswith(".tmp")]
    record = RunFile.model_validate_json((run / "run.json").read_text())
    assert (record.status, record.command, set(record.stages)) == ("done", "eval", {"train", "eval"})
    assert len(record.inputs) == 2
    assert len(record.stages["eval"].detail["inputs"]) == 2
    assert all(len(digest) == 64 for digest in record.inputs.values())
    assert record.hardware["threads"] >= 1
    assert record.best["chosen_by"] == "entity_f1"


def test_predictions_and_metrics_agree_with_each_other(halluc, trained_experiment):
    config, run = trained_experiment
    outcome = halluc("eval", config, "--split", "test", "--json")
    printed = json.loads(outcome.out)
    assert printed.pop("gates") == []
    assert printed == json.loads((run / "eval" / "test.json").read_text())
    metrics = EvalFile.model_validate(printed).metrics
    lines = [SpanPrediction.model_validate_json(line) for line in (run / "predictions" / "test.jsonl").open()]
    assert len(lines) == 5
    gold = {(line.id, *span) for line in lines for span in line.gold}
    claimed = {(line.id, start, end, label) for line in lines for start, end, label, _ in line.predicted}
    (f1,) = [m for m in metrics if m.name == "entity_f1" and not m.by and "default" in m.protocol]
    assert f1.value == pytest.approx(2 * len(gold & claimed) / (len(gold) + len(claimed)))
    assert f1.n == len(gold) == 8
    assert f1.value > 0.8  # a corpus of five sentences, seen in training, is learned
    for line in lines:
        assert len(line.tokens) == len(line.gold_tags) == len(line.predicted_tags)
        assert all(0 < confidence <= 1 for *_, confidence in line.predicted)


def test_transformers_loads_the_model_as_its_own(trained_experiment):
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    _, run = trained_experiment
    model = AutoModelForTokenClassification.from_pretrained(run / "model")
    tokenizer = AutoTokenizer.from_pretrained(run / "model")
    assert model.config.id2label[0] == "O"
    long = " ".join(["Anna Berg visited Oslo ."] * 4)
    found = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="simple")(long)
    assert {"PER", "LOC"} <= {entity["entity_group"] for entity in found}
    assert max(entity["end"] for entity in found) > 60  # no truncation was saved with the tokenizer


def test_the_same_seed_gives_the_same_weights(halluc, trained_experiment):
    config, run = trained_experiment
    again = config.parent / "again"
    assert halluc("train", config, "--run", again, "-q").code == 0
    one, other = (load_file(folder / "model" / "model.safetensors") for folder in (run, again))
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


def test_events_are_logged_from_start_to_stop(trained_experiment):
    _, run = trained_experiment
    events = [json.loads(line) for line in (run / "events.jsonl").open()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "started"
    assert kinds[-1] in ("stopped", "checkpointed")
    steps = [event for event in events if event["event"] == "step"]
    assert len(steps) == events[0]["steps"] == steps[-1]["step"]
    assert steps[-1]["loss"] < steps[0]["loss"]
    evaluated = [event for event in events if event["event"] == "evaluated"]
    assert len(evaluated) == 6
    best = max(evaluated, key=lambda event: event["metrics"]["entity_f1"])
    record = RunFile.model_validate_json((run / "run.json").read_text())
    assert record.best["step"] == best["step"]
    assert record.best["dev"] == best["metrics"]


def test_an_edited_eval_section_still_finds_the_run(halluc, trained_experiment):
    config, run = trained_experiment
    outcome = halluc("eval", config, "--set", "eval.batch_tokens=9", "--set", "eval.splits=[train]")
    assert outcome.code == 0
    assert (run / "eval" / "train.json").is_file()


def test_another_model_section_does_not_find_it_and_names_the_command(halluc, trained_experiment):
    config, _ = trained_experiment
    outcome = halluc("eval", config, "--set", "seed=9")
    assert outcome.code == 2
    assert f"halluc train {config} --set seed=9" in outcome.err


def test_eval_before_train_names_the_command(halluc, experiment):
    outcome = halluc("eval", experiment)
    assert outcome.code == 2
    assert f"halluc train {experiment}" in outcome.err


def test_a_run_is_found_by_its_folder_alone(halluc, trained_experiment):
    _, run = trained_experiment
    assert halluc("eval", "--run", run, "--split", "dev", "-q").code == 0
    assert "`seed`" in halluc("eval", "--run", run, "--set", "seed=3").err
    assert halluc("eval", "--run", run.parent / "latest", "--split", "dev", "-q").code == 0
    assert halluc("eval", "--run", run.parent).code == 2
    assert halluc("eval").code == 2


def test_each_training_has_a_run_of_its_own(halluc, trained_experiment):
    config, run = trained_experiment
    assert halluc("train", config, "-q", "--set", "train.epochs=1").code == 0
    assert only_run(config) != run
    assert (run / "model").is_dir()


def test_a_run_without_model_and_checkpoint_is_trained(halluc, trained_experiment):
    import shutil

    config, run = trained_experiment
    shutil.rmtree(run / "model")
    outcome = halluc("train", config)
    assert "was not finished" in outcome.err
    assert only_run(config) == run
    assert (run / "model").is_dir()


def test_two_writers_are_refused(halluc, trained_experiment):
    from halluc.runs.directory import RunDir

    config, run = trained_experiment
    with RunDir(run).locked():
        outcome = halluc("eval", config)
    assert outcome.code == 2
    assert "error[R103]" in outcome.err
    assert "is being written by this process" in outcome.err


def test_without_dev_the_last_weights_are_used_with_a_message(halluc, experiment):
    text = experiment.read_text()
    dev = next(line for line in text.splitlines() if line.startswith("  dev:"))
    experiment.write_text(text.replace(dev + "\n", ""))
    outcome = halluc("train", experiment, "--set", "train.patience=1")
    assert outcome.code == 0
    assert (
        "no dev split: no checkpoint will be selected, and the last one is kept, and early stopping (`patience`) is off"
        in outcome.err
    )
    record = json.loads((only_run(experiment) / "run.json").read_text())
    assert record["best"] == {"step": 18, "chosen_by": "last: no dev split", "dev": {}}


def test_dev_without_a_mention_chooses_nothing_and_stops_nothing(halluc, experiment, corpus_files):
    corpus_files["dev"].write_text("rain O\nfalls O\n\nrain O\nfalls O\n")
    outcome = halluc("train", experiment, "--set", "train.patience=1")
    assert outcome.code == 0
    assert "warning: dev has no mention: no checkpoint will be selected, and the last one is kept" in outcome.err
    assert "best so far" not in outcome.err
    assert "all epochs done: step 18" in outcome.err
    best = json.loads((only_run(experiment) / "run.json").read_text())["best"]
    assert best == {"step": 18, "chosen_by": "last: dev has no mention", "dev": {}}


def test_a_constant_figure_chooses_nothing_and_stops_nothing(halluc, experiment):
    sets = ["train.patience=1", "train.epochs=3", "train.learning_rate=1.0e-9", "train.checkpoints.keep=last"]
    outcome = halluc("train", experiment, *(part for one in sets for part in ("--set", one)))
    assert outcome.code == 0
    (value,) = set(re.findall(r"dev entity_f1 (\d\.\d{4})", outcome.err))
    told = f"`entity_f1` on dev was {value} in all 3 evaluations"
    run = only_run(experiment)
    assert re.search(
        rf"warning: no checkpoint of \S*{run.name} is selected, and the last one is kept: {told}", outcome.err
    )
    assert json.loads((run / "run.json").read_text())["best"] == {"step": 9, "chosen_by": f"last: {told}", "dev": {}}
    last = load_file(run / "checkpoints/step-00000009/model.safetensors")
    made = load_file(run / "model/model.safetensors")
    assert all((made[name] == last[name]).all() for name in made)


def without(config: Path, *splits: str) -> Path:
    lines = [line for line in config.read_text().splitlines() if not line.startswith(tuple(f"  {s}:" for s in splits))]
    config.write_text("\n".join(lines) + "\n")
    return config


GATE = ["--set", "gates={entity_f1: {min: 0.0}}"]


def test_the_training_split_is_scored_only_where_it_is_named(halluc, experiment):
    config = without(experiment, "dev", "test")
    assert halluc("train", config, "-q").code == 0
    unasked = halluc("eval", config, *GATE)
    assert unasked.code == 2
    assert "`--split train`" in unasked.err
    run = only_run(config)
    assert not (run / "eval").exists()
    for asked in (["--split", "train"], ["--set", "eval.splits=[train]"]):
        outcome = halluc("eval", config, *asked)
        assert outcome.code == 0, outcome.err
        assert "warning: the model was trained on train" in outcome.err
    gated = halluc("eval", config, "--split", "train", "--json", *GATE)
    assert gated.code == 5
    assert "was not evaluated on a split that the model is not trained on" in gated.err
    (gate,) = json.loads(gated.out)["gates"]
    assert (gate["met"], gate["split"], gate["value"]) == (False, None, None)
    assert halluc("report", run, "-q").code == 0
    card = (run / "model/README.md").read_text()
    assert "The quality of the model is not known" in card
    assert "model-index" not in card
    assert "## Figures" not in card
    assert "entity F1" not in card


@pytest.mark.parametrize("more", [[], GATE, ["--set", "eval.splits=[train]", *GATE]])
def test_run_refuses_what_it_could_not_evaluate_before_it_trains(halluc, experiment, tmp_path, more):
    outcome = halluc("run", without(experiment, "dev", "test"), *more)
    assert outcome.code == 2
    assert "error[C107]" in outcome.err
    assert not (tmp_path / "runs").exists()


def test_the_gates_are_in_the_json_of_their_split(halluc, trained_experiment):
    config, _ = trained_experiment
    gates = "gates={entity_f1: {min: 0.1, split: dev}, omission_rate: {max: 0.9, use: interval}}"
    outcome = halluc("eval", config, "--json", "--set", gates)
    assert outcome.code == 0
    found = {line["split"]: line for line in map(json.loads, outcome.out.splitlines())}
    (f1,), (omission,) = found["dev"]["gates"], found["test"]["gates"]
    assert (f1["name"], f1["met"], f1["split"], f1["min"], f1["max"], f1["use"]) == (
        "entity_f1", True, "dev", 0.1, None, "value",
    )  # fmt: skip
    figure = next(m for m in found["test"]["metrics"] if m["name"] == "omission_rate" and not m["by"])
    assert (omission["value"], omission["interval"]) == (figure["value"], figure["interval"])
    broken = halluc("eval", config, "--split", "test", "--json", "--set", "gates={entity_f1: {min: 1.01}}")
    assert broken.code == 5
    assert [gate["met"] for gate in json.loads(broken.out)["gates"]] == [False]


def test_json_goes_to_stdout_and_nothing_else(halluc, experiment):
    outcome = halluc("train", experiment, "--json")
    assert Path(json.loads(outcome.out)["model"]).is_dir()
    assert outcome.err == ""


def test_quiet_prints_only_where_the_results_are(halluc, experiment):
    outcome = halluc("train", experiment, "--quiet")
    assert outcome.err.startswith("model: ")
    assert len(outcome.err.splitlines()) == 1


def test_a_metric_that_does_not_exist_is_reported_before_training(halluc, experiment):
    outcome = halluc("train", experiment, "--set", "train.best=entity_f2")
    assert outcome.code == 2
    assert "did you mean `entity_f1`?" in outcome.err


def test_a_training_split_without_mentions_is_reported(halluc, experiment, corpus_files):
    corpus_files["train"].write_text("a O\nb O\n")
    outcome = halluc("train", experiment)
    assert outcome.code == 3
    assert "nothing to learn" in outcome.err


def test_fp16_without_cuda_is_a_config_error(halluc, experiment):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    outcome = halluc("train", experiment, "--set", "train.precision=fp16")
    assert outcome.code == 2
    assert "needs CUDA" in outcome.err


def test_a_run_of_another_version_is_refused(halluc, trained_experiment):
    _, run = trained_experiment
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "schema_version": 99}))
    outcome = halluc("eval", "--run", run)
    assert outcome.code == 2
    assert "schema version 99" in outcome.err


def test_evaluation_leaves_the_old_files_when_it_fails(halluc, trained_experiment, monkeypatch):
    config, run = trained_experiment
    assert halluc("eval", config, "-q").code == 0
    before = (run / "eval" / "test.json").read_bytes()
    from halluc.tasks.token_classification import entity_figures

    monkeypatch.setattr(entity_figures, "figures", lambda *_: 1 / 0)
    outcome = halluc("eval", config, "-q")
    assert outcome.code == 1
    assert "bug in halluc" in outcome.err
    assert (run / "eval" / "test.json").read_bytes() == before
    assert json.loads((run / "run.json").read_text())["stages"]["eval"]["status"] == "failed"
