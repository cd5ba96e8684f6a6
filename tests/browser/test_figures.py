"""What the page says is what the evaluation wrote."""

from __future__ import annotations

import json

import pytest

from halluc.runs.reports import RunReport
from halluc.runs.schema import EvalFile, MetricResult
from halluc.wording import formats


@pytest.fixture(scope="module")
def evaluation(run_page) -> EvalFile:
    return EvalFile.model_validate_json((run_page.source / "eval" / "test.json").read_text())


@pytest.fixture(scope="module")
def told(run_page) -> RunReport:
    return RunReport.model_validate_json((run_page.page.parent / "report.json").read_text())


def figure(evaluation: EvalFile, name: str, **by: str) -> MetricResult:
    """The first of this name, slice and the task's first protocol."""
    return next(found for found in evaluation.metrics if found.name == name and found.by == by)


def test_the_headlines_are_those_of_the_evaluation(run_page, read_page, evaluation):
    page = read_page(run_page)
    names = page.attributes(".headline", "data-metric")
    assert names == ["entity_f1", "hallucination_rate", "gap_ratio", "ece"]
    for name, value in zip(names, page.attributes(".headline", "data-value"), strict=True):
        found = figure(evaluation, name)
        assert float(value) == found.value
        text = page.texts(f".headline[data-metric={name}]")[0]
        assert formats.value(name, found.value) in text
        assert formats.interval(name, found.interval) in text


def test_report_json_has_the_figures_of_the_evaluation(evaluation, told):
    assert told.metrics == evaluation.metrics
    assert [head.figure for head in told.headlines] == [figure(evaluation, h.figure.name) for h in told.headlines]


def test_every_figure_is_in_the_table(run_page, read_page, evaluation):
    rows = read_page(run_page).rows("#figures")
    expected = [
        [formats.value(m.name, m.value), formats.interval(m.name, m.interval), formats.count(m.n)]
        for m in evaluation.metrics
    ]
    assert [row[2:5] for row in rows] == expected
    assert [row[0] for row in rows] == [m.name for m in evaluation.metrics]


def test_the_chart_of_novelty_has_the_figures_of_the_evaluation(run_page, read_page, evaluation):
    rows = {row[0]: row for row in read_page(run_page).rows("#chart-by-novelty")}
    for novelty in ("seen", "partial", "new"):
        for name in ("hallucination_rate", "distortion_rate", "support_rate", "omission_rate"):
            found = figure(evaluation, name, novelty=novelty)
            assert any(cell.startswith(formats.value(name, found.value)) for cell in rows[novelty]), (novelty, name)


def test_the_chart_of_labels_has_the_figures_of_the_evaluation(run_page, read_page, evaluation):
    rows = {row[0]: row for row in read_page(run_page).rows("#chart-by-label")}
    for label in ("PER", "LOC", "ORG", "MISC"):
        found = figure(evaluation, "hallucination_rate", label=label)
        assert any(cell.startswith(formats.percent(found.value)) for cell in rows[label])
        assert formats.count(found.n) in rows[label]


def test_the_classification_reports_are_those_of_the_evaluation(run_page, read_page):
    file = run_page.source / "eval" / "test_classification_report.json"
    wanted = json.loads(file.read_text())
    rows = read_page(run_page).rows("#classification")
    for kind in ("entity", "entity_strict", "token"):
        for label in ("PER", "LOC", "ORG", "MISC"):
            found = wanted[kind].get(label)
            if found is None:
                continue
            numbers = [formats.decimal(found[key]) for key in ("precision", "recall", "f1-score")]
            assert [label, *numbers, formats.count(found["support"])] in rows, (kind, label)


def test_gates_are_reported(run_page, read_page, told):
    page = read_page(run_page)
    assert [gate.met for gate in told.gates] == [False]
    assert told.gates[0].text in page.texts(".gates li")[0]


def test_every_chart_has_its_numbers_beneath(any_page, read_page):
    page = read_page(any_page)
    charts = page.js(
        "return [...document.querySelectorAll('figure.chart')].map(f =>"
        " [f.querySelectorAll('svg').length, f.querySelectorAll(':scope > details table tbody tr').length])"
    )
    assert charts
    assert all(drawn == 1 and rows > 0 for drawn, rows in charts)


def test_the_spans_of_a_claim_are_within_its_sentence(run_page, read_page):
    page = read_page(run_page)
    broken = page.js(
        "return [...document.querySelectorAll('article.claim')].filter(c =>"
        " ![...c.querySelectorAll('.sentence .span, .sentence .gold')].some(s => s.dataset.label === c.dataset.label)"
        ").length"
    )
    assert broken == 0


def test_a_study_shows_a_row_for_each_cell(study_page, read_page):
    figures = json.loads((study_page.page.parent / "report.json").read_text())["figures"]
    page = read_page(study_page)
    rows = [page.rows(f"#cells .scroll:nth-of-type({number})") for number in (1, 2)]
    assert [len(one) for one in rows] == [len(figures["cells"])] * 2 == [10] * 2
    first = {one["name"]: one for one in figures["cells"][0]["figures"] if not one["by"]}
    shown = formats.percent(first["hallucination_rate"]["mean"])
    assert any(cell.startswith(shown) for cell in page.rows("#cells")[0])


def test_a_missing_cell_is_named(study_page, read_page):
    page = read_page(study_page)
    assert any("not run" in note for note in page.texts(".notes li"))


def test_a_comparison_shows_differences_and_flips(comparison_page, read_page):
    compared = json.loads((comparison_page.page.parent / "report.json").read_text())["others"][0]
    page = read_page(comparison_page)
    one = next(d for d in compared["figures"] if d["name"] == "omission_rate" and not d.get("by"))
    assert any(formats.percent(one["b"]) in " ".join(row) for row in page.rows("#differences"))
    assert page.texts("#flips article.claim")
