"""Gates are held to the figures of the task that the config names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from halluc.analysis import gates, rates, scoring
from halluc.analysis.table import table
from halluc.components import TABLE
from halluc.config import loading
from halluc.core.errors import HallucError
from halluc.core.significance import Sheet
from halluc.runs.directory import RunDir
from halluc.runs.schema import MetricResult
from halluc.task import build
from halluc.workflows import checking, experiments, training

CONFIG = """\
name: toy
task: TASK
data: {format: FORMAT, train: x.txt}
model: {name: nowhere}
gates: {FIGURE: {min: 0.5}}
"""
TAGS = {"TASK": "{type: token_classification}", "FORMAT": "conll"}
TEXTS = {"TASK": "{type: text_classification}", "FORMAT": "texts"}
SETS = {"TASK": "{type: text_classification, multi_label: true}", "FORMAT": "texts"}


def loaded(tmp_path, figure, parts):
    text = CONFIG.replace("FIGURE", figure)
    for name, value in parts.items():
        text = text.replace(name, value)
    (tmp_path / "toy.yaml").write_text(text, encoding="utf-8")
    return loading.load(tmp_path / "toy.yaml", table=TABLE)


@pytest.mark.parametrize(
    ("figure", "fits"),
    [
        ("entity_f1", [TAGS]),
        ("accuracy", [TEXTS]),
        ("out_of_scope_auroc", [TEXTS]),
        ("subset_accuracy", [SETS]),
        ("micro_f1", [TEXTS, SETS]),
        ("hallucination_rate", [TAGS, TEXTS, SETS]),
        ("hallucination_rate_wide", [TAGS]),
        ("hallucination_density", [TAGS]),
    ],
)
def test_a_gate_names_a_figure_of_its_task(tmp_path, figure, fits):
    for parts in (TAGS, TEXTS, SETS):
        config = loaded(tmp_path, figure, parts)
        if parts in fits:
            gates.refuse_invalid(config)
            continue
        with pytest.raises(HallucError, match=f"`gates.{figure}` is not a figure") as caught:
            gates.refuse_invalid(config)
        assert caught.value.where.line == 5


def test_the_nearest_figure_of_the_task_is_reported(tmp_path):
    with pytest.raises(HallucError) as caught:
        gates.refuse_invalid(loaded(tmp_path, "macro_f2", TEXTS))
    assert caught.value.help == "did you mean `macro_f1`?"


@pytest.mark.parametrize(("parts", "name"), [(TAGS, "entity_f1"), (TEXTS, "micro_f1"), (SETS, "micro_f1")])
def test_what_comparisons_call_f1_is_answered_with_the_name_that_a_gate_takes(tmp_path, parts, name):
    with pytest.raises(HallucError, match=r"`gates\.f1` is not a figure") as caught:
        gates.refuse_invalid(loaded(tmp_path, "f1", parts))
    assert caught.value.help == f"did you mean `{name}`?"
    gates.refuse_invalid(loaded(tmp_path, name, parts))


@pytest.mark.parametrize(
    ("test", "train", "is_trained_on"),
    [
        ("x.txt", "x.txt", True),
        ("./x.txt", "x.txt", True),
        ("y.txt", "x.txt", False),
        ("demo:ner", "demo:ner", False),
        ("hub:a", "hub:a", False),
        ("hub:a#train", "hub:a#train", True),
    ],
)
def test_another_name_of_the_training_file_is_the_training_split(tmp_path, test, train, is_trained_on):
    config = tmp_path / "toy.yaml"
    kind = "hub" if test.startswith("hub:") else "conll"
    text = CONFIG.replace("x.txt", f'"{train}", test: "{test}"').replace("FIGURE: {", "entity_f1: {split: test, ")
    config.write_text(text.replace("TASK", TAGS["TASK"]).replace("FORMAT", kind), encoding="utf-8")
    made = loading.load(config, table=TABLE)
    assert gates.is_trained_on(made, "test") == is_trained_on
    if is_trained_on:
        with pytest.raises(HallucError, match=r"cannot be checked on test, because the model is trained on this split"):
            gates.refuse_invalid(made)
        with pytest.raises(HallucError, match="cannot be checked on any of the evaluated splits: test"):
            gates.refuse_uncheckable(made, ("test",))
    else:
        gates.refuse_invalid(made)
        gates.refuse_uncheckable(made, ("test",))


@pytest.mark.parametrize("command", [checking.check, training.train, experiments.run])
def test_a_gate_of_no_figure_is_reported_before_the_data_are_read(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    loaded(tmp_path, "macro_f2", {**TEXTS, "x.txt": "is-not-there.txt"})
    with pytest.raises(HallucError, match=r"`gates\.macro_f2` is not a figure"):
        command(tmp_path / "toy.yaml")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("parts", [TAGS, TEXTS, SETS])
def test_a_gate_may_name_every_figure_of_comparisons_and_studies(tmp_path, parts):
    """F1 of claims and gold by the name that the evaluation of the task has for it."""
    task = build(loaded(tmp_path, "ece", parts).experiment.task)
    metrics = task.figures
    empty = table(task, [], [], [])
    compared = {figure.name for figure in rates.headline(empty, Sheet(0))}
    compared = {metrics.named["f1"] if name == "f1" else name for name in compared} | {*metrics.named.values()}
    assert {"hallucination_rate", "omission_rate", "gap_ratio"} < compared
    assert compared <= set(scoring.names(task))


def test_what_is_held_out_of_the_training_file_is_not_trained_on(tmp_path):
    config = tmp_path / "toy.yaml"
    text = CONFIG.replace("x.txt", '"x.txt", test_share: 0.2').replace("FIGURE: {", "entity_f1: {split: test, ")
    config.write_text(text.replace("TASK", TAGS["TASK"]).replace("FORMAT", "conll"), encoding="utf-8")
    made = loading.load(config, table=TABLE)
    assert not gates.is_trained_on(made, "test")
    gates.refuse_invalid(made)


@pytest.mark.parametrize(
    ("by", "told"),
    [
        ({"label": "PER"}, "is not measured: its denominator is 0 (n = 0)"),
        ({"label": "ALIEN"}, "there are no such examples in the split; measured are: {'label': 'LOC'}"),
        ({"label": "LOC"}, None),
    ],
)
def test_a_rate_of_what_is_never_predicted_is_not_measured_and_fails(tmp_path, by, told):
    text = CONFIG.replace("FIGURE: {min: 0.5}", f"hallucination_rate: {{max: 0.5, by: {by}}}")
    text = text.replace("TASK", TAGS["TASK"]).replace("FORMAT", "conll")
    (tmp_path / "toy.yaml").write_text(text, encoding="utf-8")
    metrics = [
        MetricResult(name="hallucination_rate", by={"label": label}, value=value, n=n, protocol="narrow")
        for label, value, n in (("PER", None, 0), ("LOC", 0.25, 4))
    ]
    file = SimpleNamespace(split="test", metrics=metrics)
    (held,) = gates.judged(loading.load(tmp_path / "toy.yaml", table=TABLE), [file], RunDir(tmp_path))
    assert held.met is (told is None)
    assert told is None or told in held.text
