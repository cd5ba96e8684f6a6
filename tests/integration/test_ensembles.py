"""Ensembles of runs at eval and predict, and as teachers, checked against the probabilities of their members."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest

from halluc.core.decision_scores import DecisionScores, MeanProbabilities
from tests.conftest import write_corpus, write_experiment
from tests.interruptions import killed_after_a_checkpoint

pytestmark = pytest.mark.usefixtures("without_charts")


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_encoder):
    """A config, and two runs of it that differ in their seed."""
    import halluc as api

    folder = tmp_path_factory.mktemp("together")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), "epochs: 4, learning_rate: 0.01")
    made = [Path(api.train(config, [f"seed={seed}"])[0].run) for seed in (1, 2)]
    return config, *made


def softmax(logits):
    odds = numpy.exp(logits - logits.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def test_scores_of_a_mean_are_the_mean_of_probabilities():
    random = numpy.random.default_rng(0)
    members = [[random.normal(size=(3, 4)) * 3, random.normal(size=(1, 4))] for _ in range(3)]
    mean = MeanProbabilities()
    for rows in members:
        mean.add(DecisionScores(rows))
    expected = [sum(softmax(rows[at]) for rows in members) / 3 for at in (0, 1)]
    for at in (0, 1):
        numpy.testing.assert_allclose(softmax(mean.result().rows[at]), expected[at])
        numpy.testing.assert_allclose(mean.probabilities()[at], expected[at])
    sigmoid = MeanProbabilities(temperature=2.0)
    for rows in members:
        sigmoid.add(DecisionScores(rows, independent=True))
    expected = sum(1 / (1 + numpy.exp(-rows[0] / 2)) for rows in members) / 3
    numpy.testing.assert_allclose(1 / (1 + numpy.exp(-sigmoid.result().rows[0])), expected)
    with pytest.raises(ValueError, match="word pieces"):
        mean.add(DecisionScores(members[0], pieces="other"))


def test_an_ensemble_is_evaluated_apart_and_by_mean_probabilities(halluc, runs):
    from halluc.workflows import ensembles, trained_models

    _, one, two = runs
    assert halluc("eval", "--run", one, "-q").code == 0
    before = (one / "eval/test.json").read_bytes()
    assert b'"ensemble"' not in before
    outcome = halluc("eval", "--run", one, "--with", two, "--json", "--set", "eval.calibration=temperature")
    assert outcome.code == 0, outcome.err
    assert (one / "eval/test.json").read_bytes() == before
    (apart,) = [
        path.parent for path in one.parent.glob("*/run.json") if path.parent.name not in (one.name, two.name, "latest")
    ]
    written = json.loads((apart / "eval/test.json").read_text())
    assert [member["model"] for member in written["ensemble"]] == [str(one), str(two)]
    assert len({member["sha256"] for member in written["ensemble"]}) == 2

    ensemble = ensembles.Ensemble.of(trained_models.locate(str(one)), [str(two)])
    corpus = ensemble.members[0].job.corpora(("test",)).splits["test"]
    loaded = [ensembles.load(member, ensemble.members[0].job) for member in ensemble.members]
    (encoded, first), (_, second) = [model.scored(corpus) for model in loaded]
    means = [(softmax(a) + softmax(b)) / 2 for a, b in zip(first.rows, second.rows, strict=True)]
    expected = loaded[0].task.model.decided(encoded, DecisionScores([numpy.log(row) for row in means]), "constrained")
    said = ensemble.resident().predict(corpus).predictions
    assert [one.tags for one in said] == [one.tags for one in expected]
    lines = (apart / "predictions/test.jsonl").read_text().splitlines()
    assert [json.loads(line)["predicted"] for line in lines]
    for a, b in zip(said, expected, strict=True):
        assert a.confidences == pytest.approx(b.confidences)

    assert halluc("report", apart, "-q").code == 0
    assert "an ensemble of 2 models" in (apart / "report/report.md").read_text()
    refused = halluc("eval", "--run", apart)
    assert refused.code == 2
    assert f"halluc eval --run {one} --with {two}" in refused.err


def test_predict_averages_and_takes_the_confidence_of_the_evaluated_ensemble(halluc, runs, tmp_path):
    from halluc.workflows import prediction

    _, one, two = runs
    options = ["--set", "eval.calibration=temperature", "--set", "eval.abstain.threshold=0.5"]
    assert halluc("eval", "--run", one, "--with", two, "-q", *options).code == 0
    predictor = prediction.load(str(one), members=[str(two)])
    assert predictor.threshold == 0.5
    text = tmp_path / "texts.txt"
    text.write_text("Anna Berg visited Oslo .\n", encoding="utf-8")
    outcome = halluc("predict", one, "--with", two, "-i", text, "-o", tmp_path / "out.jsonl")
    assert outcome.code == 0
    assert f"averaged with: {two / 'model'}" in outcome.err
    (record,) = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert record == predictor.predict(["Anna Berg visited Oslo ."])[0].model_dump(mode="json")
    assert (
        prediction.load(str(one)).trained.confidence is None
        or not prediction.load(str(one)).trained.confidence.ensemble
    )


def test_the_config_key_evaluates_in_the_run_itself(halluc, runs):
    _, one, two = runs
    assert halluc("eval", "--run", two, "-q", "--set", f'eval.ensemble=["{one}"]', "--split", "dev").code == 0
    written = json.loads((two / "eval/dev.json").read_text())
    assert [member["model"] for member in written["ensemble"]] == [str(two), str(one)]
    outcome = halluc("predict", two, "-i", two / "config.yaml", "--format", "text", "-o", two / "said.jsonl")
    assert "confidence.json belongs to an ensemble" in outcome.err  # the kept config names none
    (two / "said.jsonl").unlink()


def test_models_that_do_not_fit_are_named_with_what_differs(halluc, runs, tiny_encoder, tmp_path):
    _, one, _ = runs
    files = write_corpus(tmp_path)
    for file in files.values():
        file.write_text(file.read_text().replace("-MISC", "-NAT"), encoding="utf-8")
    config = write_experiment(tmp_path, tiny_encoder, files, "steps: 1")
    outcome = halluc("train", config, "--json")
    other = json.loads(outcome.out)["run"]
    refused = halluc("eval", "--run", one, "--with", other)
    assert refused.code == 2
    assert "C210" in refused.err
    assert f"only {one} has `B-MISC`, `I-MISC`; only {other} has `B-NAT`, `I-NAT`" in refused.err
    assert "twice" in halluc("eval", "--run", one, "--with", one / "model").err
    assert "R101" in halluc("predict", one, "--with", tmp_path / "none", "-i", files["test"]).err


def test_a_student_resumes_with_the_soft_targets_of_its_teachers(halluc, runs, tmp_path):
    from halluc.workflows import distillation, ensembles, trained_models

    config, one, two = runs
    teacher = f'train.teacher={{"runs": ["{one}", "{two}"], "temperature": 3, "weight": 0.4}}'
    augment = "augment={size: 1.5x, methods: [{type: duplicate}], filters: []}"
    options = ["--set", teacher, "--set", augment, "--set", "seed=3", "--set", "train.checkpoint_steps=2"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert halluc("train", config, "--run", whole, "-q", *options).code == 0
    with killed_after_a_checkpoint():
        halluc("train", config, "--run", killed, *options)
    first = (killed / "teacher.npz").stat().st_mtime_ns
    assert halluc("train", config, "--run", killed, "--resume", *options).code == 0
    assert (killed / "teacher.npz").stat().st_mtime_ns == first
    weights = [(run / "model/model.safetensors").read_bytes() for run in (whole, killed)]
    assert weights[0] == weights[1]

    kept = numpy.load(whole / "teacher.npz")
    job = trained_models.locate(str(whole)).job
    corpus = distillation.train_split(job)
    assert len(corpus) == 1.5 * len(job.train())
    members = [ensembles.load(trained_models.locate(str(run)), job) for run in (one, two)]
    rows = [numpy.concatenate(model.scored(corpus)[1].rows) for model in members]
    numpy.testing.assert_allclose(kept["rows"], sum(softmax(row / 3) for row in rows) / 2, atol=1e-6)
    assert kept["sizes"].tolist() == [len(example.tokens) for example in corpus]
    for run in (one, two):  # the teachers are inputs of the training
        assert str(run / "model/model.safetensors") in json.loads((whole / "run.json").read_text())["inputs"]


def test_a_teacher_with_other_labels_is_refused(halluc, runs, tiny_encoder, tmp_path):
    _, one, _ = runs
    files = write_corpus(tmp_path)
    files["train"].write_text(files["train"].read_text().replace("-MISC", "-NAT"), encoding="utf-8")
    config = write_experiment(tmp_path, tiny_encoder, files)
    outcome = halluc("train", config, "--set", f'train.teacher={{"runs": ["{one}"]}}')
    assert outcome.code == 2
    assert "C210" in outcome.err
    assert f"only {one} has `B-MISC`, `I-MISC`" in outcome.err
    assert "training examples" not in outcome.err, "it predicts nothing first"


def test_passes_with_dropout_are_seeded_and_averaged(halluc, runs, tmp_path):
    from dataclasses import replace

    from halluc.core.rng import keyed_seed
    from halluc.workflows import ensembles, trained_models

    _, one, _ = runs
    asked = "eval.uncertainty={kind: dropout, samples: 3}"
    said = []
    for _ in range(2):
        assert halluc("eval", "--run", one, "-q", "--split", "test", "--set", asked).code == 0
        said.append((one / "predictions/test.jsonl").read_bytes())
    assert said[0] == said[1]

    trained = trained_models.locate(str(one))
    model = ensembles.load(trained, trained.job)
    corpus = trained.job.corpora(("test",)).splits["test"]
    encoded, plain = model.scored(corpus)
    seeds = [keyed_seed("uncertainty", model.seed, number) for number in range(3)]
    passes = [
        model.task.model.scored(model.encoder.model, encoded, 4096, replace(model.engine, sample=seed))
        for seed in seeds
    ]
    assert not numpy.allclose(passes[0].rows[0], passes[1].rows[0])
    expected = sum(softmax(numpy.concatenate(one.rows)) for one in passes) / 3
    asked = trained.job.settings.eval.model_validate({"uncertainty": {"samples": 3}}).uncertainty
    _, mean = replace(model, settings=model.settings.model_copy(update={"uncertainty": asked})).scored(corpus)
    numpy.testing.assert_allclose(softmax(numpy.concatenate(mean.rows)), expected, atol=1e-6)
    numpy.testing.assert_array_equal(model.scored(corpus)[1].rows[0], plain.rows[0])  # the next pass drops nothing

    folder = shutil.copytree(one / "model", tmp_path / "certain")
    config = json.loads((folder / "config.json").read_text())
    config.update(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    (folder / "config.json").write_text(json.dumps(config))
    refused = halluc("eval", one / "config.yaml", "--checkpoint", folder, "--set", "eval.uncertainty.samples=2")
    assert refused.code == 2
    assert "C211" in refused.err
