"""A matrix as figures: over seeds, against an axis, on the terminal, and where cells are missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest

from halluc.commands import studytable
from halluc.runs.schema import EvalFile
from halluc.runs.studies import StudyFigures, Trend


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_encoder):
    """A study of two fractions and two seeds that has run; tests take copies of it."""
    from halluc.__main__ import exit_code_of
    from tests.conftest import SENTENCES

    folder = tmp_path_factory.mktemp("study")
    for split, copies in (("train", 4), ("dev", 1), ("test", 2)):
        (folder / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    splits = "\n".join(f"  {split}: {folder / split}.txt" for split in ("train", "dev", "test"))
    config = folder / "study.yaml"
    config.write_text(
        f"name: study\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data:\n  format: conll\n{splits}\n"
        f"model: {{name: {tiny_encoder}}}\ntrain: {{epochs: 4, learning_rate: 0.01, batch_tokens: 64}}\n"
        "gap: {unit: example, fraction: 0.0, control: none}\n"
        "matrix: {gap.fraction: [0.0, 0.5], seed: [1, 2]}\n"
    )
    assert exit_code_of(["run", str(config), "-q"]) == 0
    return folder


@pytest.fixture
def study(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def home(study):
    return study / "runs" / "study"


def test_figures_are_means_over_the_seeds_of_a_cell(halluc, study):
    outcome = halluc("report", home(study), "--json")
    assert outcome.code == 0, outcome.err
    found = StudyFigures.model_validate_json(outcome.out)
    assert found == StudyFigures.model_validate_json((home(study) / "study.json").read_text())
    assert (found.split, found.examples, found.missing) == ("test", 10, {})
    assert [cell.choice for cell in found.cells] == [{"gap.fraction": 0.0}, {"gap.fraction": 0.5}]
    for cell in found.cells:
        values = []
        for run in cell.runs:
            metrics = EvalFile.model_validate_json(Path(f"{run}/eval/test.json").read_text()).metrics
            values.append(next(m.value for m in metrics if m.name == "omission_rate" and not m.by))
        (figure,) = [f for f in cell.figures if f.name == "omission_rate"]
        assert figure.values == pytest.approx(values)
        assert (figure.seeds, figure.mean) == (2, pytest.approx(numpy.mean(values)))
        assert figure.sd == pytest.approx(numpy.std(values, ddof=1))
        low, high = figure.interval
        assert low <= figure.mean <= high


def test_a_slope_is_the_difference_of_two_points_over_their_distance(halluc, study):
    found = StudyFigures.model_validate_json(halluc("report", home(study), "--json").out)
    means = [next(f.mean for f in cell.figures if f.name == "f1") for cell in found.cells]
    (trend,) = [t for t in found.trends if t.name == "f1"]
    assert (trend.axis, trend.points, trend.choice) == ("gap.fraction", 2, {})
    assert trend.slope == pytest.approx((means[1] - means[0]) / 0.5)
    assert trend.intercept == pytest.approx(means[0])
    assert trend.slope_interval[0] <= trend.slope <= trend.slope_interval[1]


def test_the_terminal_shows_cells_trends_and_words(halluc, study):
    outcome = halluc("report", study / "study.yaml", "--set", f"runs_dir={study / 'runs'}")
    assert outcome.code == 0, outcome.err
    assert "2 seeds" in outcome.err
    assert "per unit of gap.fraction" in outcome.err
    assert any(word in outcome.err for word in ("no trend can be shown", "grows", "falls"))


def test_a_cell_that_is_not_there_is_named(halluc, study):
    shutil.rmtree(home(study) / "gap.fraction=0.5,seed=2")
    (home(study) / "gap.fraction=0.5,seed=1" / "ledger" / "test.jsonl").write_text("{\n")
    found = StudyFigures.model_validate_json(halluc("report", home(study), "--json").out)
    assert set(found.missing) == {"gap.fraction=0.5,seed=1", "gap.fraction=0.5,seed=2"}
    assert [len(cell.runs) for cell in found.cells] == [2]
    assert found.trends == []
    assert "missing: gap.fraction=0.5,seed=2: not run yet" in halluc("report", home(study)).err


def test_a_single_seed_is_called_a_single_seed(halluc, study):
    for seed in (0, 1):
        shutil.rmtree(home(study) / f"gap.fraction={['0.0', '0.5'][seed]},seed=2")
    outcome = halluc("report", home(study))
    assert "a single seed" in outcome.err
    found = json.loads((home(study) / "study.json").read_text())
    assert {figure["sd"] for cell in found["cells"] for figure in cell["figures"]} == {None}


def test_cells_on_different_examples_are_refused(halluc, study):
    file = home(study) / "gap.fraction=0.5,seed=1" / "predictions" / "test.jsonl"
    file.write_text(file.read_text().replace('"Oslo"', '"Rome"'))
    outcome = halluc("report", home(study))
    assert outcome.code == 2
    assert "different examples of test" in outcome.err


def test_a_study_that_has_not_run_says_what_to_do(halluc, study):
    shutil.rmtree(home(study))
    outcome = halluc("report", study / "study.yaml", "--set", f"runs_dir={study / 'runs'}")
    assert outcome.code == 2
    assert "halluc run" in outcome.err


def test_a_study_stands_alone(halluc, study):
    run = home(study) / "gap.fraction=0.0,seed=1"
    outcome = halluc("report", home(study), run)
    assert outcome.code == 2
    assert "reported by itself" in outcome.err
    assert "hallucination rate" in halluc("report", run).err


@pytest.mark.parametrize(
    ("interval", "told"),
    [((0.1, 0.2), "grows"), ((-0.2, -0.1), "falls"), ((-0.1, 0.2), "no trend can be shown"), (None, "undefined")],
)
def test_a_trend_in_words(interval, told):
    trend = Trend(
        choice={}, axis="x", name="f1", by={}, points=2, slope=0.1, slope_interval=interval, intercept=0.0
    )  # fmt: skip
    assert studytable.direction(trend) == told
