"""The ledger on the way through the command line: eval, gates, abstention, report."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from halluc.__main__ import exit_code_of
from halluc.runs.reports import ComparisonReport
from halluc.runs.schema import ConfidenceFile, EvalFile, LedgerLine, RunFile
from halluc.tasks.token_classification.records import SpanPrediction
from tests.conftest import Snapshot, train_in

pytestmark = pytest.mark.usefixtures("without_charts")


def only_run(config):
    home = config.parent / "runs" / "tiny"
    return home / (home / "latest").readlink()


def lines_of(run, split):
    return [LedgerLine.model_validate_json(line) for line in (run / "ledger" / f"{split}.jsonl").open()]


def figure(run, split, name, **by):
    metrics = EvalFile.model_validate_json((run / "eval" / f"{split}.json").read_text()).metrics
    return next(m for m in metrics if m.name == name and m.by == by)


EPOCHS = ("--set", "train.epochs=4")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory, tiny_encoder):
    """A model that has learned a little, so that its claims get every kind of verdict."""
    return Snapshot.of(train_in(tmp_path_factory.mktemp("ledger"), tiny_encoder, *EPOCHS).parent)


@pytest.fixture
def trained(snapshot):
    config = snapshot.restore() / "tiny.yaml"
    return config, only_run(config)


@pytest.fixture(scope="module")
def evaluated_snapshot(tmp_path_factory, tiny_encoder):
    config = train_in(tmp_path_factory.mktemp("evaluated"), tiny_encoder, *EPOCHS)
    assert exit_code_of(["eval", str(config), *EPOCHS, "-q"]) == 0
    return Snapshot.of(config.parent)


@pytest.fixture
def evaluated(evaluated_snapshot):
    """As ``trained``, and evaluated on dev and test."""
    config = evaluated_snapshot.restore() / "tiny.yaml"
    return config, only_run(config)


@pytest.fixture
def corpus_files(trained):
    """The corpora of the config of ``trained``."""
    return {split: trained[0].with_name(f"{split}.txt") for split in ("train", "dev", "test")}


def test_the_ledger_has_every_claim_and_every_omission(evaluated):
    _, run = evaluated
    for split in ("dev", "test"):
        lines = lines_of(run, split)
        predicted = [
            SpanPrediction.model_validate_json(line) for line in (run / "predictions" / f"{split}.jsonl").open()
        ]
        claims = {(line.id, line.start, line.end, line.label) for line in lines if line.record == "claim"}
        assert claims == {(p.id, *span[:3]) for p in predicted for span in p.predicted}
        gold = {(p.id, *span) for p in predicted for span in p.gold}
        reached = {(line.id, g.start, g.end, g.label) for line in lines if line.gold for g in line.gold}
        omitted = {(line.id, line.start, line.end, line.label) for line in lines if line.record == "omission"}
        assert reached | omitted == gold
        verdicts = Counter(line.verdict for line in lines if line.record == "claim")
        assert figure(run, split, "support_rate").n == verdicts.total() == len(claims)
        assert figure(run, split, "hallucination_rate").value == verdicts["unsupported"] / verdicts.total()
        assert figure(run, split, "omission_rate").value == len(omitted) / len(gold)
        for line in lines:
            assert line.novelty in ("seen", "partial", "new")
            if line.novelty == "seen":
                assert (line.nearest.text, line.confusable) == (line.text, False)
            if line.nearest:
                assert line.nearest.file.endswith("train.txt")
                assert line.nearest.line >= 1


def test_supported_claims_make_entity_f1(evaluated):
    _, run = evaluated
    lines = lines_of(run, "test")
    claims = [line for line in lines if line.record == "claim"]
    gold = figure(run, "test", "omission_rate").n
    f1 = 2 * sum(line.verdict == "supported" for line in claims) / (len(claims) + gold)
    assert figure(run, "test", "entity_f1").value == pytest.approx(f1, abs=1e-12)


def test_figures_have_intervals_around_them(evaluated):
    _, run = evaluated
    file = EvalFile.model_validate_json((run / "eval" / "test.json").read_text())
    around = [m for m in file.metrics if m.interval is not None]
    assert {"entity_f1", "token_f1", "hallucination_rate", "omission_rate", "ece", "aurc"} <= {m.name for m in around}
    for metric in around:
        low, high = metric.interval
        assert low <= high
        if metric.name in ("entity_f1", "hallucination_rate", "omission_rate", "distortion_rate"):
            assert low <= metric.value <= high
    assert figure(run, "test", "hallucination_rate").protocol


def test_the_terminal_reports_rates_by_novelty(halluc, trained):
    config, _ = trained
    outcome = halluc("eval", config, *EPOCHS)
    assert "hallucination rate" in outcome.err
    assert "omission rate" in outcome.err
    assert "seen" in outcome.err


@pytest.mark.parametrize(
    ("gate", "code", "told"),
    [
        ("gates.entity_f1.min=0.0", 0, ""),
        ("gates.entity_f1.min=1.01", 5, "entity_f1 on test is"),
        ("gates.omission_rate={max: 0.0, use: interval}", 5, "must be at most 0"),
        (
            "gates.hallucination_rate={max: 1.0, by: {label: ALIEN}}",
            5,
            "is not measured: there are no such examples in the split",
        ),
        ("gates.entity_f1={min: 0.0, split: train}", 2, "cannot be checked on train"),
        ("gates.halucination_rate.max=1", 2, "did you mean `hallucination_rate`?"),
        ("gates.entity_f1.use=value", 2, "a gate needs `min`, `max`, or a `baseline`"),
    ],
)
def test_gates(halluc, trained, gate, code, told):
    config, run = trained
    outcome = halluc("eval", config, *EPOCHS, "--set", gate)
    assert outcome.code == code, outcome.err
    assert told in outcome.err
    if code == 5:
        assert (run / "eval" / "test.json").is_file()


def test_a_threshold_withdraws_claims_and_both_figures_are_reported(halluc, evaluated):
    config, run = evaluated
    confidences = sorted(line.confidence for line in lines_of(run, "test") if line.record == "claim")
    middle = confidences[len(confidences) // 2]
    assert halluc("eval", config, *EPOCHS, "--set", f"eval.abstain.threshold={middle}").code == 0
    claims = [line for line in lines_of(run, "test") if line.record == "claim"]
    assert all(line.abstained == (line.confidence < middle) for line in claims)
    kept = [line for line in claims if not line.abstained]
    assert figure(run, "test", "hallucination_rate").n == len(claims)
    assert figure(run, "test", "hallucination_rate", claims="kept").n == len(kept) < len(claims)
    assert figure(run, "test", "claim_coverage", claims="kept").value == len(kept) / len(claims)
    assert ConfidenceFile.model_validate_json((run / "confidence.json").read_text()).threshold == middle


def test_a_threshold_above_all_confidence_leaves_no_claims_and_no_division_by_nought(halluc, trained):
    config, run = trained
    assert halluc("eval", config, *EPOCHS, "--set", "eval.abstain.threshold=1.0").code == 0
    kept = figure(run, "test", "hallucination_rate", claims="kept")
    assert (kept.value, kept.n, kept.interval) == (None, 0, None)
    assert figure(run, "test", "omission_rate", claims="kept").value == 1.0


def test_an_impossible_guarantee_is_reported_as_none(halluc, trained):
    config, run = trained
    bound = "eval.abstain.guarantee={max_rate: 0.05, probability: 0.95}"
    outcome = halluc("eval", config, *EPOCHS, "--set", bound)
    assert outcome.code == 0
    assert "no threshold on dev can guarantee" in outcome.err  # five sentences of dev are too few
    found = ConfidenceFile.model_validate_json((run / "confidence.json").read_text())
    assert found.threshold is None
    assert found.guarantee["max_rate"] == 0.05
    assert not any(line.abstained for line in lines_of(run, "test"))


def test_temperature_changes_confidences_and_no_verdict(halluc, evaluated):
    config, run = evaluated
    before = lines_of(run, "test")
    assert halluc("eval", config, *EPOCHS, "-q", "--set", "eval.calibration=temperature", "--split", "test").code == 0
    after = lines_of(run, "test")
    assert [line.verdict for line in before] == [line.verdict for line in after]
    found = ConfidenceFile.model_validate_json((run / "confidence.json").read_text())
    assert found.fitted_on["examples"] == 5
    if found.temperature != 1.0:
        assert [line.confidence for line in before] != [line.confidence for line in after]
        assert figure(run, "test", "ece", confidence="uncalibrated").n == figure(run, "test", "ece").n


def test_what_is_fitted_needs_dev(halluc, trained, corpus_files):
    config, _ = trained
    text = config.read_text()
    config.write_text(text.replace(f"  dev: {corpus_files['dev']}\n", ""))
    assert halluc("train", config, *EPOCHS).code == 0
    outcome = halluc("eval", config, *EPOCHS, "--set", "eval.calibration=temperature")
    assert outcome.code == 2
    assert "need `data.dev`" in outcome.err


def test_a_gold_empty_split_and_one_example_are_evaluated(halluc, trained, corpus_files):
    config, run = trained
    corpus_files["test"].write_text("the O\nbank O\n")
    outcome = halluc("eval", config, *EPOCHS, "--split", "test")
    assert outcome.code == 0, outcome.err
    assert figure(run, "test", "omission_rate").value is None
    assert figure(run, "test", "hallucinated_examples").interval is None  # one example can not be resampled


def test_labels_that_the_model_lacks_are_omitted_or_mislabelled(halluc, trained, corpus_files):
    config, run = trained
    corpus_files["test"].write_text("Oslo B-CITY\nleft O\n\nParis B-LOC\nwon O\n")
    outcome = halluc("eval", config, *EPOCHS, "--split", "test")
    assert outcome.code == 0
    assert "1 token with a label that the model cannot predict" in outcome.err
    for line in lines_of(run, "test"):
        if line.record == "claim" and line.matched and line.matched[2] == "CITY":
            assert line.verdict == "distorted"


def test_two_runs_are_compared_on_the_same_examples(halluc, evaluated):
    config, first = evaluated
    other = ("--set", "train.epochs=6", "--set", "seed=2")
    assert halluc("train", config, *other, "-q").code == 0
    assert halluc("eval", config, *other, "-q").code == 0
    second = only_run(config)
    outcome = halluc("report", first, second, "--json", "--format", "json")
    (found,) = ComparisonReport.model_validate_json(outcome.out).others
    assert (found.split, found.examples) == ("test", 5)
    assert set(found.config_differences) == {"`train.epochs`", "`seed`"}
    for delta in found.figures:
        if delta.difference is not None:
            assert delta.difference == pytest.approx(delta.b - delta.a)
            assert delta.p <= delta.p_holm <= 1
    (f1,) = [delta for delta in found.figures if delta.name == "entity_f1"]
    assert f1.a == pytest.approx(figure(first, "test", "entity_f1").value, abs=1e-12)
    assert f1.b == pytest.approx(figure(second, "test", "entity_f1").value, abs=1e-12)
    shown = halluc("report", first, second, "--format", "json")
    assert "b minus a" in shown.err
    assert f"{len(found.flipped)} claims differ" in shown.err


def test_a_run_compared_with_itself_differs_in_nothing(halluc, evaluated):
    _, run = evaluated
    (found,) = ComparisonReport.model_validate_json(halluc("report", run, run, "--json", "--format", "json").out).others
    assert found.flipped == []
    assert {delta.difference for delta in found.figures} <= {0.0, None}
    assert {delta.p for delta in found.figures} <= {1.0, None}


def test_runs_on_different_examples_are_refused_with_the_first_difference(halluc, evaluated):
    config, first = evaluated
    test = config.with_name("test.txt")
    assert halluc("train", config, "--set", "train.epochs=1", "-q").code == 0
    second = only_run(config)
    text = test.read_text()
    test.write_text(text.replace("Paris B-LOC", "Paris B-ORG"))
    assert halluc("eval", config, "--set", "train.epochs=1", "-q").code == 0
    outcome = halluc("report", first, second, "--split", "test")
    assert outcome.code == 2
    assert "example 4: the gold" in outcome.err
    test.write_text(text + "\n\nOslo B-LOC\n")
    assert halluc("eval", config, "--set", "train.epochs=1", "-q").code == 0
    assert "5 and 6 examples" in halluc("report", first, second, "--split", "test").err


def test_a_report_of_one_run_shows_its_figures_and_names_what_is_missing(halluc, trained):
    config, run = trained
    outcome = halluc("report", run)
    assert outcome.code == 2
    assert "is not evaluated" in outcome.err
    assert halluc("eval", config, *EPOCHS, "-q").code == 0
    assert "hallucination rate" in halluc("report", run).err
    assert "hallucination rate" in halluc("report", config, *EPOCHS, "--format", "json").err
    (run / "ledger" / "test.jsonl").write_text("{")
    outcome = halluc("report", run, run, "--split", "test")
    assert (outcome.code, "test.jsonl:1" in outcome.err) == (2, True)


def test_an_evaluation_without_a_training_split_has_no_novelty(halluc, trained, corpus_files):
    config, run = trained
    text = config.read_text()
    alone = config.with_name("alone.yaml")
    alone.write_text(text.replace(f"  train: {corpus_files['train']}\n", "").replace("name: tiny", "name: alone"))
    outcome = halluc("eval", alone, "--checkpoint", run / "model", "--split", "test")
    assert outcome.code == 0, outcome.err
    assert "novelty is unknown" in outcome.err
    (ledger,) = (config.parent / "runs" / "alone").glob("*/ledger/test.jsonl")
    assert all(json.loads(line)["novelty"] is None for line in ledger.open())


def test_run_json_describes_the_evaluation(evaluated):
    _, run = evaluated
    detail = RunFile.model_validate_json((run / "run.json").read_text()).stages["eval"].detail
    assert detail["test"]["entity_f1"] == figure(run, "test", "entity_f1").value
    assert detail["test"]["hallucination_rate"] == figure(run, "test", "hallucination_rate").value
