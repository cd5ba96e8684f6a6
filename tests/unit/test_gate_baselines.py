"""Gates that compare a run with a baseline, and how continuous integration is told."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from halluc.analysis import gates
from halluc.core.errors import HallucError
from halluc.core.messages import Listener, listening
from halluc.runs import evaluations
from halluc.runs.reports import GateResult
from halluc.workflows import gate_reports
from halluc.workflows.job import load
from tests.made_runs import Rates, made_examples, make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("baselines")


@pytest.fixture(scope="module")
def baseline(folder):
    return make_run(folder, made_examples(40, Rates(0.1, 0.1, 0.1), "gates"), name="baseline")


@pytest.fixture(scope="module")
def worse(folder):
    return make_run(folder, made_examples(40, Rates(0.5, 0.1, 0.1), "gates"), name="worse")


def judged(run, gate, name="hallucination_rate"):
    config = run.path.parent.parent.parent / f"{run.path.parent.name}.yaml"
    loaded = load(config, [f"gates={{{name}: {gate}}}"])
    gates.refuse_invalid(loaded)
    (result,) = gates.judged(loaded, [evaluations.read(run, "test")], run)
    return result


def values(*runs):
    files = [evaluations.read(run, "test") for run in runs]
    return [next(m.value for m in file.metrics if m.name == "hallucination_rate" and not m.by) for file in files]


def test_an_increase_over_the_baseline_is_bounded(baseline, worse):
    before, after = values(baseline, worse)
    small, large = (after - before) * 0.9, (after - before) * 1.1
    kept = judged(worse, f"{{max_increase: {large}, baseline: {baseline.path}}}")
    broken = judged(worse, f"{{max_increase: {small}, baseline: {baseline.path}}}")
    assert kept.met and not broken.met
    assert broken.difference == pytest.approx(after - before) and broken.value == after
    assert "may increase by at most" in broken.text and str(baseline.path) in broken.text


def test_the_worse_end_of_the_interval_is_compared_if_asked(baseline, worse):
    before, after = values(baseline, worse)
    gate = f"max_increase: {(after - before) * 1.01}, baseline: {baseline.path}"
    assert judged(worse, f"{{{gate}}}").met
    strict = judged(worse, f"{{{gate}, use: interval}}")
    assert not strict.met and strict.difference_interval[1] > (after - before) * 1.01


def test_an_improvement_breaks_no_bound_of_an_increase(baseline, worse):
    assert judged(baseline, f"{{max_increase: 0, baseline: {worse.path}}}").met
    assert not judged(baseline, f"{{max_decrease: 0, baseline: {worse.path}}}").met


def test_a_run_equals_itself(baseline):
    result = judged(baseline, f"{{max_increase: 0, max_decrease: 0, use: interval, baseline: {baseline.path}}}")
    assert result.met and result.difference == 0


def test_the_newest_run_is_not_compared_with_itself(baseline):
    latest = baseline.path.parent / "latest"
    if not latest.exists():
        latest.symlink_to(baseline.path.name)
    with pytest.raises(HallucError) as caught:
        judged(baseline, f"{{max_increase: 0, baseline: {latest}}}")
    assert caught.value.code == "C103" and "is the run itself" in caught.value.message


def test_the_main_figure_of_the_task_has_its_own_name(baseline, worse):
    result = judged(worse, f"{{max_decrease: 0.9, baseline: {baseline.path}}}", "entity_f1")
    assert result.met and result.difference < 0


def test_a_bound_of_the_value_is_checked_too(baseline):
    result = judged(baseline, f"{{max: 0.0001, max_increase: 0.1, baseline: {baseline.path}}}")
    assert not result.met and "must be at most 0.0001" in result.text


def test_a_baseline_on_other_examples_is_an_error(folder, baseline):
    other = make_run(folder, made_examples(30, Rates(0.1, 0.1, 0.1), "others"), name="strangers")
    with pytest.raises(HallucError) as caught:
        judged(baseline, f"{{max_increase: 0.1, baseline: {other.path}}}")
    assert caught.value.code == "R113" and "`gates.hallucination_rate` cannot be compared" in caught.value.message


def test_a_baseline_that_is_no_run_is_an_error_before_anything_is_read(baseline, tmp_path):
    with pytest.raises(HallucError) as caught:
        judged(baseline, f"{{max_increase: 0.1, baseline: {tmp_path / 'none'}}}")
    assert caught.value.code == "R101"


@pytest.mark.parametrize(
    "gate", ["{max_increase: 0.1}", "{baseline: x}", "{baseline: x, max: 1}", "{max_increase: -1}"]
)
def test_bounds_of_a_change_go_with_a_baseline(baseline, gate):
    with pytest.raises(HallucError) as caught:
        judged(baseline, gate)
    assert caught.value.code.startswith("C")


class Heard(Listener):
    def __init__(self):
        self.lines = []

    def say(self, text, style=None):
        self.lines.append(text)


def told(run, kind, results):
    loaded, heard = load(run.path.parent.parent.parent / f"{run.path.parent.name}.yaml", ()), Heard()
    with gate_reports.use_format(kind), listening(heard):
        gate_reports.write(loaded, run, results)
    return heard.lines


HOSTILE = "100% of a:b, c\nd\x1b[31m ::error::"


def results():
    common = {"by": {}, "split": "test"}
    return [
        GateResult(name="entity_f1", met=True, text="fine", **common),
        GateResult(name="omission_rate", met=False, text=HOSTILE, **common),
    ]


def test_github_gets_one_line_for_each_gate_that_is_not_met(baseline):
    (line,) = told(baseline, "github", results())
    assert line == "::error title=gate not met%3A omission_rate::100%25 of a:b, c\\nd\\u001b[31m ::error::"
    assert told(baseline, None, results()) == []


def test_junit_has_a_case_for_each_gate(baseline):
    (line,) = told(baseline, "junit", results())
    path = baseline.path / "gates.junit.xml"
    assert line == f"gates: {path}"
    suites = ElementTree.parse(path).getroot()
    (suite,) = suites
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("2", "1")
    assert [case.attrib["name"] for case in suite] == ["entity_f1", "omission_rate"]
    assert [case.find("failure") is None for case in suite] == [True, False]
