"""A matrix as figures: over seeds, against an axis, on the terminal, and where cells are missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy
import pytest

from halluc.analysis import arms as arm_statistics
from halluc.analysis import points, study_cache
from halluc.analysis.arms import MATCHED
from halluc.commands.terminal import Terminal
from halluc.core.errors import HallucError
from halluc.core.messages import listening
from halluc.reporting.views.study import direction
from halluc.runs.directory import RunDir
from halluc.runs.records import content_sha256
from halluc.runs.reports import ComparisonReport, StudyReport
from halluc.runs.schema import EvalFile
from halluc.runs.studies import Comparison, StudyFigures, Trend
from halluc.workflows import reports
from halluc.workflows.reports import ReportOptions
from tests.made_runs import record_again

pytestmark = pytest.mark.usefixtures("without_charts")

# Names that are no mentions here, so that there is something to hallucinate.
MISLEADING = "Oslo O\nwon O\n. O\n\nthe O\nCorp O\nmet O\nParis O\n. O\n\nBerg O\nleft O\nAnna O\n. O\n"


# The charts of a page take longer than the figures.
NO_PAGE = ("--format", "json")


def run_study(
    folder: Path, encoder: Path, matrix: str, length: str = "epochs: 10", also_test: str = "", dev: str | None = None
) -> Path:
    """Train and evaluate every cell of a study of the tiny encoder."""
    from halluc.__main__ import exit_code_of
    from tests.conftest import SENTENCES

    for split, copies in (("train", 4), ("dev", 1), ("test", 2)):
        (folder / f"{split}.txt").write_text("\n".join([SENTENCES] * copies), encoding="utf-8")
    if dev is not None:
        (folder / "dev.txt").write_text(dev, encoding="utf-8")
    with (folder / "test.txt").open("a", encoding="utf-8") as file:
        file.write(also_test)
    splits = "\n".join(f"  {split}: {folder / split}.txt" for split in ("train", "dev", "test"))
    config = folder / "study.yaml"
    config.write_text(
        f"name: study\nruns_dir: {folder / 'runs'}\ntask: {{type: token_classification}}\n"
        f"data:\n  format: conll\n{splits}\n"
        f"model: {{name: {encoder}}}\ntrain: {{{length}, learning_rate: 0.01, batch_tokens: 64}}\n"
        "gap: {unit: example, fraction: 0.0, control: none}\n"
        f"matrix: {matrix}\n"
    )
    assert exit_code_of(["run", str(config), "-q"]) == 0
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_encoder):
    """A study of two fractions and two seeds that has run; tests take copies of it."""
    return run_study(tmp_path_factory.mktemp("study"), tiny_encoder, "{gap.fraction: [0.0, 0.5], seed: [1, 2]}")


@pytest.fixture(scope="module")
def finished_arms(tmp_path_factory, tiny_encoder):
    """Two arms of two fractions and two seeds, and a third one that is a copy of the first."""
    arms = "arm: {none: {}, dropout: {model: {dropout: 0.3}}}"
    matrix = f"{{{arms}, gap.fraction: [0.0, 0.5], seed: [1, 2]}}"
    folder = run_study(
        tmp_path_factory.mktemp("arms"), tiny_encoder, matrix, "steps: 17, evaluate_steps: 9", "\n" + MISLEADING
    )
    matrix = home(folder) / "matrix.json"
    known = json.loads(matrix.read_text())
    for cell in [cell for cell in known["cells"] if cell["choice"]["arm"] == "none"]:
        slug = cell["slug"].replace("none", "same")
        shutil.copytree(home(folder) / cell["slug"], home(folder) / slug)
        known["cells"].append({**cell, "slug": slug, "choice": {**cell["choice"], "arm": "same"}})
    known["axes"]["arm"].append("same")
    matrix.write_text(json.dumps(known))
    return folder


@pytest.fixture
def study(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def arms(finished_arms, tmp_path):
    shutil.copytree(finished_arms, tmp_path / "copy")
    return tmp_path / "copy"


def home(study):
    return study / "runs" / "study"


def reported(halluc, study, *arguments) -> StudyFigures:
    """The figures in what the report says of a study."""
    outcome = halluc("report", home(study), "--json", *NO_PAGE, *arguments)
    assert outcome.code == 0, outcome.err
    return StudyReport.model_validate_json(outcome.out).figures


def test_figures_are_means_over_the_seeds_of_a_cell(halluc, study):
    found = reported(halluc, study)
    content = json.loads((home(study) / "study.json").read_text())
    assert content.pop("sha256") == content_sha256(content)
    kept = StudyFigures.model_validate(content)
    for cell, other in zip(found.cells, kept.cells, strict=True):  # a report names runs by shorter paths
        assert [Path(run).name for run in cell.runs] == [Path(run).name for run in other.runs]
        cell.runs = other.runs
    assert found == kept
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
        assert figure.of_seeds == [1, 2]
        training = cell.training
        assert training.chosen_by == ["entity_f1"]
        assert len(training.steps) == len(training.examples) == len(training.precision) == 1


def test_a_slope_is_the_difference_of_two_points_over_their_distance(halluc, study):
    found = reported(halluc, study)
    means = [next(f.mean for f in cell.figures if f.name == "entity_f1") for cell in found.cells]
    (trend,) = [t for t in found.trends if t.name == "entity_f1"]
    assert (trend.axis, trend.points, trend.choice) == ("gap.fraction", 2, {})
    assert trend.slope == pytest.approx((means[1] - means[0]) / 0.5)
    assert trend.intercept == pytest.approx(means[0])
    assert trend.slope_interval is None or trend.slope_interval[0] <= trend.slope <= trend.slope_interval[1]
    assert (trend.scale, trend.seeds) == ("linear", 2)


def test_the_terminal_shows_cells_trends_and_words(halluc, study):
    outcome = halluc("report", study / "study.yaml", "--set", f"runs_dir={study / 'runs'}", *NO_PAGE)
    assert outcome.code == 0, outcome.err
    assert "2 seeds" in outcome.err
    assert "per unit of gap.fraction" in outcome.err
    assert "undecided" in outcome.err


def test_a_cell_that_is_not_there_is_named(halluc, study):
    shutil.rmtree(home(study) / "gap.fraction=0.5,seed=2")
    (home(study) / "gap.fraction=0.5,seed=1" / "ledger" / "test.jsonl").write_text("{\n")
    lost = home(study) / "gap.fraction=0.0,seed=1"
    (lost / "model").mkdir(exist_ok=True)
    (lost / "run.json").unlink()
    found = reported(halluc, study)
    assert set(found.missing) == {"gap.fraction=0.5,seed=1", "gap.fraction=0.5,seed=2", lost.name}
    assert [len(cell.runs) for cell in found.cells] == [1]
    assert found.trends == []
    told = halluc("report", home(study), *NO_PAGE).err
    assert "gap.fraction=0.5,seed=2 is missing: not run yet" in told
    assert f"{lost.name} is missing: it was trained, but its run.json is missing" in told


def test_a_single_seed_is_called_a_single_seed(halluc, study):
    for seed in (0, 1):
        shutil.rmtree(home(study) / f"gap.fraction={['0.0', '0.5'][seed]},seed=2")
    outcome = halluc("report", home(study), *NO_PAGE)
    assert "one seed: intervals only cover the examples" in outcome.err
    assert "no difference can be shown with fewer than 3 seeds" in " ".join(outcome.err.split())
    found = json.loads((home(study) / "study.json").read_text())
    assert {figure["sd"] for cell in found["cells"] for figure in cell["figures"]} == {None}
    assert {trend["slope_p"] for trend in found["trends"]} == {None}


def test_a_study_is_reported_from_cached_figures_until_a_cell_changes(halluc, study, monkeypatch):
    found = reported(halluc, study)
    with monkeypatch.context() as patched:
        patched.setattr(points, "resample", None)
        assert reported(halluc, study) == found
    with monkeypatch.context() as patched:
        patched.setattr(study_cache, "METHOD", 1)
        patched.setattr(points, "resample", None)
        assert "Traceback" in halluc("report", home(study)).err, "figures of another method are counted anew"
    ledger = home(study) / "gap.fraction=0.5,seed=1" / "ledger" / "test.jsonl"
    ledger.write_text(ledger.read_text().replace('"supported"', '"unsupported"', 1))
    assert reported(halluc, study).cells != found.cells


def test_cells_of_different_tasks_are_refused(halluc, study):
    file = home(study) / "gap.fraction=0.5,seed=1" / "eval" / "test.json"
    file.write_text(file.read_text().replace('"token_classification"', '"text_classification"'))
    outcome = halluc("report", home(study))
    assert outcome.code == 2
    assert "error[R113]" in outcome.err
    assert "the task text_classification: they cannot be compared" in outcome.err
    runs = [home(study) / f"gap.fraction=0.5,seed={seed}" for seed in (1, 2)]
    assert "error[R113]" in halluc("report", *runs).err


@pytest.mark.parametrize(
    ("made", "says"),
    [("study", "Along gap.fraction from 0 to 0.5 (2 seeds): hallucination"), ("arms", "A difference is shown")],
)
def test_the_conclusion_on_the_terminal_follows_from_the_figures(halluc, request, made, says):
    assert says in " ".join(halluc("report", home(request.getfixturevalue(made)), *NO_PAGE).err.split())


def test_cells_on_different_examples_are_refused(halluc, study):
    file = home(study) / "gap.fraction=0.5,seed=1" / "predictions" / "test.jsonl"
    file.write_text(file.read_text().replace('"Oslo"', '"Rome"'))
    record_again(RunDir(file.parent.parent))
    outcome = halluc("report", home(study))
    assert outcome.code == 2
    assert "different examples of test" in outcome.err


def test_a_study_that_has_not_run_says_what_to_do(halluc, study):
    shutil.rmtree(home(study))
    outcome = halluc("report", study / "study.yaml", "--set", f"runs_dir={study / 'runs'}")
    assert outcome.code == 2
    assert "halluc run" in outcome.err


def test_a_study_report_is_self_contained(halluc, study):
    run = home(study) / "gap.fraction=0.0,seed=1"
    outcome = halluc("report", home(study), run)
    assert outcome.code == 2
    assert "reported separately" in outcome.err
    assert "hallucination rate" in halluc("report", run, *NO_PAGE).err


@pytest.mark.parametrize(
    ("slope", "p", "seeds", "told"),
    [
        (0.1, 0.04, 3, "rises"),
        (-0.1, 0.04, 3, "falls"),
        (0.1, 0.06, 3, "undecided"),
        (0.1, 0.001, 2, "undecided"),
        (0.1, None, 1, "undecided"),
        (0.0, 0.001, 3, "undecided"),
        (None, None, 3, "undefined"),
    ],
)
def test_a_trend_in_words(slope, p, seeds, told):
    trend = Trend(
        choice={}, axis="x", name="entity_f1", by={}, points=2, seeds=seeds, slope=slope, slope_p=p, intercept=0.0
    )  # fmt: skip
    assert direction(trend) == told


# --- arms -------------------------------------------------------------------------------------------------------


def contest(found: StudyFigures, arm: str, fraction: float):
    (one,) = [one for one in found.comparisons if (one.arm, one.choice) == (arm, {"gap.fraction": fraction})]
    return one


def of_runs(halluc, study, fraction: float, seed: int) -> Comparison:
    runs = [home(study) / f"arm={arm},gap.fraction={fraction},seed={seed}" for arm in ("none", "dropout")]
    (found,) = ComparisonReport.model_validate_json(halluc("report", *runs, "--json", *NO_PAGE).out).others
    return found


def test_an_arm_is_compared_with_the_first_seed_by_seed(halluc, arms):
    found = reported(halluc, arms)
    assert [(one.axis, one.arm, one.reference, one.seeds) for one in found.comparisons] == [
        ("arm", arm, "none", 2) for arm in ("dropout", "same") for _ in (0.0, 0.5)
    ]
    for fraction in (0.0, 0.5):
        compared = contest(found, "dropout", fraction)
        alone = [of_runs(halluc, arms, fraction, seed) for seed in (1, 2)]
        for delta in compared.figures:
            if delta.name == MATCHED:
                continue
            ones = [next(d for d in one.figures if (d.name, d.by) == (delta.name, delta.by)) for one in alone]
            if any(one.difference is None for one in ones):
                known = [one.difference for one in ones if one.difference is not None]
                assert delta.difference == (pytest.approx(numpy.mean(known)) if known else None)
                assert (delta.p, delta.shown) == (None, False)
                assert delta.values.count(None) == len(ones) - len(known)
                continue
            assert delta.reference == pytest.approx(numpy.mean([one.a for one in ones]))
            assert delta.arm == pytest.approx(numpy.mean([one.b for one in ones]))
            assert delta.difference == pytest.approx(delta.arm - delta.reference)
            assert delta.interval is None or delta.interval[0] <= delta.difference <= delta.interval[1]
            assert delta.values == pytest.approx([one.difference for one in ones])
            assert not delta.shown, "two seeds show nothing"


def test_hallucination_rates_at_matched_omission_are_matched_seed_by_seed(halluc, arms):
    found = reported(halluc, arms)
    for fraction in (0.0, 0.5):
        compared = contest(found, "dropout", fraction)
        alone = [of_runs(halluc, arms, fraction, seed).matched_omission for seed in (1, 2)]
        (delta,) = [delta for delta in compared.figures if delta.name == MATCHED]
        assert compared.omission_rate == pytest.approx(numpy.mean([one.omission_rate for one in alone]))
        assert delta.reference == pytest.approx(numpy.mean([one.a for one in alone]))
        assert delta.arm == pytest.approx(numpy.mean([one.b for one in alone]))
        assert delta.difference == pytest.approx(numpy.mean([one.difference for one in alone]), abs=1e-12)
        cells = {cell.choice["arm"]: cell for cell in found.cells if cell.choice["gap.fraction"] == fraction}
        (shown,) = [figure for figure in cells["dropout"].figures if figure.name == MATCHED]
        assert (shown.by, shown.mean) == ({"arm": "none"}, pytest.approx(delta.arm))
        assert not [figure for figure in cells["none"].figures if figure.name == MATCHED]


def test_of_a_single_seed_arms_have_the_interval_of_two_runs_and_no_p(halluc, arms):
    for folder in home(arms).glob("*seed=2"):
        shutil.rmtree(folder)
    compared, alone = contest(reported(halluc, arms), "dropout", 0.5), of_runs(halluc, arms, 0.5, 1)
    for delta in compared.figures:
        if delta.name == MATCHED:
            assert delta.interval == pytest.approx(alone.matched_omission.interval)
            continue
        one = next(d for d in alone.figures if (d.name, d.by) == (delta.name, delta.by))
        assert (delta.difference, delta.p, delta.shown) == (pytest.approx(one.difference), None, False)
        if one.interval is not None and 0 < one.a < 1 and 0 < one.b < 1:
            assert delta.interval == pytest.approx(one.interval)


def test_equal_arms_do_not_differ_and_p_is_adjusted_for_the_arms(halluc, arms):
    found = reported(halluc, arms)
    same, other = contest(found, "same", 0.5), contest(found, "dropout", 0.5)
    assert {(delta.difference, delta.p, delta.p_holm) for delta in same.figures if delta.p} == {(0.0, 1.0, 1.0)}
    assert all(delta.interval is None or delta.interval[0] < 0 < delta.interval[1] for delta in same.figures)
    for delta, beside in zip(other.figures, same.figures, strict=True):
        if delta.p is not None and beside.p is not None:
            assert delta.p_holm == pytest.approx(min(1.0, 2 * delta.p))
    assert any(delta.p_holm != delta.p for delta in other.figures)


def test_an_arms_trend_less_the_references_is_the_difference_of_their_lines(halluc, arms):
    found = reported(halluc, arms)
    lines = {(line.choice["arm"], line.name, tuple(line.by.items())): line for line in found.trends}
    named = ("entity_f1", "omission_rate", "ece")
    compared = [one for one in found.arm_trends if one.arm == "dropout" and one.name in named]
    assert len(compared) == 3
    for one in compared:
        arm, reference = (lines[name, one.name, ()] for name in ("dropout", "none"))
        assert (one.arm_axis, one.reference, one.axis, one.points) == ("arm", "none", "gap.fraction", 2)
        assert one.slope == pytest.approx(arm.slope - reference.slope)
        assert one.intercept == pytest.approx(arm.intercept - reference.intercept)
        assert one.slope_interval is None or one.slope_interval[0] <= one.slope <= one.slope_interval[1]
    assert MATCHED in {one.name for one in found.arm_trends}
    equal = [one for one in found.arm_trends if one.arm == "same" and one.slope is not None]
    assert {(one.slope, one.slope_interval, one.sign) for one in equal} == {(0.0, None, 0)}


def test_only_seeds_that_both_arms_have_are_compared(halluc, arms):
    shutil.rmtree(home(arms) / "arm=none,gap.fraction=0.0,seed=2")
    shutil.rmtree(home(arms) / "arm=same,gap.fraction=0.0,seed=1")
    found = reported(halluc, arms)
    here = [(one.arm, one.seeds) for one in found.comparisons if one.choice["gap.fraction"] == 0.0]
    assert here == [("dropout", 1)]
    (f1,) = [delta for delta in contest(found, "dropout", 0.0).figures if delta.name == "entity_f1"]
    (one,) = [delta for delta in of_runs(halluc, arms, 0.0, 1).figures if delta.name == "entity_f1"]
    assert (f1.reference, f1.arm) == (pytest.approx(one.a), pytest.approx(one.b))
    # The line of an arm without its counterpart at one of two points can not be compared.
    assert {one.arm for one in found.arm_trends} == {"dropout"}
    assert {line.choice["arm"] for line in found.trends} == {"none", "dropout", "same"}


def test_another_arm_can_be_the_reference(arms, capsys):
    with listening(Terminal(json=True)):
        reports.report([home(arms)], [], ReportOptions(reference="same"))
    found = StudyReport.model_validate_json(capsys.readouterr().out).figures
    assert [(one.arm, one.reference) for one in found.comparisons][::2] == [("none", "same"), ("dropout", "same")]
    with pytest.raises(HallucError, match="there is no arm `other`") as caught:
        reports.report([home(arms)], [], ReportOptions(reference="other"))
    assert (caught.value.code, caught.value.help) == ("C015", "the arms are `none`, `dropout`, `same`")
    with pytest.raises(HallucError, match="an arm of a study"):
        reports.report([home(arms) / "arm=none,gap.fraction=0.0,seed=1"], [], ReportOptions(reference="same"))


def test_the_terminal_shows_how_arms_differ(halluc, arms):
    told = halluc("report", home(arms), *NO_PAGE).err
    assert "at matched" in told
    assert "Each arm minus “none”, gap.fraction 0.5" in told
    assert "Slopes per unit of gap.fraction, and intercepts, arms minus their reference" in told
    assert told.count("\ndropout ") == 2 + 2  # cells, differences
    assert "…" not in told


def test_a_narrow_terminal_cuts_no_figure(halluc, arms, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert "…" not in halluc("report", home(arms), *NO_PAGE).err


def test_axes_of_numbers_have_no_arms(halluc, study):
    found = reported(halluc, study)
    assert (found.comparisons, found.arm_trends) == ([], [])
    told = halluc("report", home(study)).err
    assert "matched" not in told
    assert "hallucination" in told
    assert "false in new" in (home(study) / "report" / "index.html").read_text()


def test_an_axis_of_words_or_null_is_one_of_arms_and_numbers_are_none():
    axes = {
        "train.schedule": ["cosine", "linear"],
        "model.dropout": [None, 0.1],
        "gap.fraction": [0.0, 0.5],
        "arm": ["a"],
    }
    assert arm_statistics.references(axes, None) == {"train.schedule": "cosine", "model.dropout": None}
    assert arm_statistics.references(axes, "linear") == {"train.schedule": "linear", "model.dropout": None}


# --- an axis of a training setting ----------------------------------------------------------------------------------


def test_no_value_is_best_on_a_dev_that_has_nothing_to_find(halluc, tmp_path, tiny_encoder):
    matrix = "{train.learning_rate: [0.0001, 0.01], seed: [1]}"
    folder = run_study(tmp_path, tiny_encoder, matrix, length="steps: 1", dev="rain O\nfalls O\n")
    config = folder / "study.yaml"
    config.write_text(config.read_text().replace(", learning_rate: 0.01", ""))
    found = reported(halluc, folder)
    assert found.best_on_dev == []
    assert [cell.training.chosen_by for cell in found.cells] == [["last: dev has no mention"]] * 2


def test_an_axis_over_a_factor_of_ten_is_on_a_log_scale_and_its_best_value_on_dev_is_named(
    halluc, tmp_path, tiny_encoder
):
    matrix = "{train.learning_rate: [0.0001, 0.01], seed: [1, 2]}"
    folder = run_study(tmp_path, tiny_encoder, matrix, length="epochs: 2")
    config = folder / "study.yaml"
    config.write_text(config.read_text().replace(", learning_rate: 0.01", ""))
    found = reported(halluc, folder)
    (trend,) = [one for one in found.trends if one.name == "entity_f1"]
    low, high = (next(f for f in cell.figures if f.name == "entity_f1").mean for cell in found.cells)
    assert trend.scale == "log10"
    assert trend.slope == pytest.approx((high - low) / 2)  # two factors of 10
    assert (trend.intercept, trend.intercept_interval) == (None, None)
    (best,) = found.best_on_dev
    values = {
        cell.choice["train.learning_rate"]: numpy.mean(
            [
                next(m.value for m in EvalFile.model_validate_json(
                    (home(folder) / Path(run).name / "eval" / "dev.json").read_text()
                ).metrics if m.name == "entity_f1" and not m.by)
                for run in cell.runs
            ]
        )
        for cell in found.cells
    }  # fmt: skip
    assert best.value == max(values, key=values.get)
    assert best.mean == pytest.approx(max(values.values()))
    assert best.difference == pytest.approx(max(values.values()) - min(values.values()))
    assert (best.axis, best.name, best.seeds) == ("train.learning_rate", "entity_f1", 2)
    told = " ".join(halluc("report", home(folder)).err.split())
    assert "Slopes per factor of 10 of train.learning_rate, and intercepts" in told
    assert f"he best train.learning_rate on dev is {best.value} (" in told and "cannot be distinguished" in told
    assert "log scale" in (home(folder) / "report" / "index.html").read_text()
