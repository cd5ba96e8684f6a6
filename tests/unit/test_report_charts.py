"""Charts: safe and self-contained SVG, true to the figures, and readable whatever the labels are."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from halluc.reporting.charts import confidence_charts, difference_charts, outcome_charts, plots, svg, training_charts
from halluc.reporting.charts.chart import (
    LONGEST_LABEL,
    MOST_ROWS,
    WIDTH,
    Chart,
    measurable_label,
    plain_log,
    series,
    shorten,
    ticks,
)
from halluc.reporting.charts.drawing import charts as drawn
from halluc.reporting.charts.plots import Point, scatter
from halluc.runs.reports import ConfidenceBin, Curves, Outcome, ReliabilityBin, RiskPoint, RunReport
from halluc.runs.schema import MetricResult
from halluc.wording.formats import value, visible
from tests.hostile_texts import LABELS, REFUSED_LABELS
from tests.report_records import figure, run_report
from tests.study_records import comparison_report, study_report

ROOT = Path(__file__).parents[2]
NAME_SPACE = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    *LABELS, *REFUSED_LABELS, "$\\alpha$", "$", "_^", "_hidden", "\"&'", "a\x00b", "\ud800",
    "👨\u200d👩\u200d👧", "机构名称", "منظمة", "", "x" * 10_000,
]  # fmt: skip


def full_report(labels: list[str] | None = None) -> RunReport:
    """A run that has figures for every chart; ``labels`` take the place of its own."""
    report = run_report()
    counts = {"supported": 40, "distorted": 7, "unsupported": 3}
    bins = [
        ConfidenceBin(low=n / 20, high=(n + 1) / 20, counts={k: v * n // 19 for k, v in counts.items()})
        for n in range(20)
    ]
    points = [RiskPoint(coverage=n / 20, risk=0.01 * n, interval=(0.005 * n, 0.02 * n)) for n in range(1, 21)]
    share = figure("reliability", 0.8, 50, (0.66, 0.9))
    report = report.model_copy(update={"confidence": bins, "risk": points})
    report.reliability.append(ReliabilityBin(confidence=0.5, supported=share))
    if labels is not None:
        outcomes = [
            report.by_label[1].model_copy(update={"name": label, "claims": n}) for n, label in enumerate(labels)
        ]
        gaps = [report.gap[1].model_copy(update={"label": label, "counted": n}) for n, label in enumerate(labels)]
        report = report.model_copy(update={"by_label": [report.by_label[0], *outcomes], "gap": [report.gap[0], *gaps]})
    return report


@cache
def run_charts() -> list[Chart]:
    return drawn(full_report())


@cache
def study_charts() -> list[Chart]:
    return drawn(study_report())


@cache
def every_chart() -> list[Chart]:
    return [*run_charts(), *study_charts(), *drawn(comparison_report())]


def only(make: Callable[[RunReport], Chart | None], report: RunReport) -> Chart:
    """One chart of a report, which takes an eighth of the time of all."""
    with svg.drawing():
        chart = make(report)
    assert chart is not None
    return chart


def parsed(chart: Chart) -> Element:
    return ElementTree.fromstring(chart.svg)


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in parsed(chart).iter(f"{NAME_SPACE}text")]


def by_id(charts: list[Chart]) -> dict[str, Chart]:
    return {chart.id: chart for chart in charts}


def filled(chart: Chart, role: str) -> list[tuple[float, float]]:
    """(left, right) of every area of a role that is wider than nothing; the square of the legend is the last."""
    found = []
    for path in parsed(chart).iter(f"{NAME_SPACE}path"):
        if f"fill: var(--c-{role}," in path.attrib.get("style", ""):
            xs = [float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", path.attrib["d"])]
            found.append((min(xs), max(xs)))
    return [(left, right) for left, right in found if right > left]


def points(chart: Chart) -> list[tuple[float, float, str]]:
    """(across, down, fill) of every marker."""
    return [
        (float(use.attrib["x"]), float(use.attrib["y"]), use.attrib["style"])
        for use in parsed(chart).iter(f"{NAME_SPACE}use")
        if "fill:" in use.attrib["style"]
    ]


def test_every_chart_of_a_run_is_drawn_in_its_order():
    ids = [chart.id for chart in run_charts()]
    assert ids == ["by-novelty", "by-label", "gap", "confidence", "reliability", "risk-coverage", "loss", "dev"]


def test_a_run_without_figures_has_no_charts():
    empty = {"by_novelty": [], "by_label": [], "gap": [], "confidence": [], "reliability": [], "risk": []}
    assert drawn(run_report().model_copy(update={**empty, "curves": None})) == []


def test_rows_that_are_all_undefined_are_no_chart():
    none = Outcome(name="all", claims=0, gold=0, support=None, distortion=None, hallucination=None, omission=None)
    report = full_report().model_copy(update={"by_novelty": [none]})
    assert outcome_charts.by_novelty(report) is None


def test_a_chart_is_self_contained_and_has_a_title():
    for chart in every_chart():
        root = parsed(chart)
        assert root.tag == f"{NAME_SPACE}svg" and root.attrib["role"] == "img"
        assert [root.find(f"{NAME_SPACE}title").text, root.find(f"{NAME_SPACE}desc").text] == [chart.title, chart.alt]
        assert root.attrib["viewBox"].split()[2] == str(WIDTH) and "width: 100%" in root.attrib["style"]
        tags = {element.tag.removeprefix(NAME_SPACE) for element in root.iter()}
        assert tags <= {"svg", "title", "desc", "g", "defs", "path", "use", "text", "clipPath", "rect"}
        assert set(re.findall(r"https?://[^\"' ]+", chart.svg)) == {"http://www.w3.org/2000/svg"}
        assert chart.svg.startswith("<svg ") and "font-family" not in chart.svg
        assert re.fullmatch(r"[A-Za-z0-9-]+", chart.id) and chart.note.endswith(".") and chart.alt
        assert {len(row) for row in chart.rows} == {len(chart.columns)}


def test_colours_are_the_pages_and_text_is_ink():
    for chart in every_chart():
        assert set(re.findall(r"(.{8}, )?(#[0-9a-f]{6})", chart.svg)) and not re.search(
            r"[:\"] ?#[0-9a-f]{6}", chart.svg
        )
        for role, fallback in re.findall(r"var\(--c-([a-z0-9]+), (#[0-9a-f]{6})\)", chart.svg):
            assert svg.ROLES[role] == fallback
        for text in parsed(chart).iter(f"{NAME_SPACE}text"):
            assert f"fill: var(--c-ink, {svg.ROLES['ink']})" in text.attrib["style"]


def test_ids_do_not_clash_and_every_reference_leads_somewhere():
    charts = run_charts()
    ids = [element.attrib["id"] for c in charts for element in parsed(c).iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    for chart in charts:
        own = {element.attrib["id"] for element in parsed(chart).iter() if "id" in element.attrib}
        assert set(re.findall(r"url\(#([^)]+)\)", chart.svg)) <= own
        assert set(re.findall(r'href="#([^"]+)"', chart.svg)) <= own


def test_the_same_report_gives_the_same_bytes_in_any_process():
    code = (
        "import hashlib\nfrom tests.unit.test_report_charts import every_chart\n"
        "print(hashlib.sha256(''.join(chart.svg for chart in every_chart()).encode()).hexdigest())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}
    )
    here = hashlib.sha256("".join(chart.svg for chart in every_chart()).encode()).hexdigest()
    assert done.stdout.strip() == here


def test_a_persons_settings_change_nothing_and_are_left_as_they_are():
    before = [chart.svg for chart in run_charts()]
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9, "svg.fonttype": "path"}):
        assert [chart.svg for chart in drawn(full_report())] == before
        assert matplotlib.rcParams["font.size"] == 30


def test_hostile_labels_neither_break_out_nor_warn():
    report = full_report(HOSTILE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        charts = by_id(drawn(report))
    for chart in charts.values():
        assert not any(element.tag.endswith(("script", "img", "iframe")) for element in parsed(chart).iter())
        assert "\x00" not in chart.svg and "\u202e" not in chart.svg
        chart.svg.encode()
    shown = texts(charts["by-label"])
    for label in HOSTILE[-MOST_ROWS:]:
        assert shorten(label) in shown or not label
    assert "<script>alert(1)</script>" in [row[0] for row in charts["by-label"].rows]


def test_hostile_names_of_arms_and_axes():
    report = study_report()
    cells = [
        cell.model_copy(update={"choice": {"<b>$x$</b>": arm, "gap.fraction": cell.choice["gap.fraction"]}})
        for cell, arm in zip(report.figures.cells, ("</svg><script>1</script>", "\u202e$", "_^", "机构"), strict=True)
    ]
    report = report.model_copy(update={"figures": report.figures.model_copy(update={"cells": cells})})
    for chart in drawn(report):
        assert "<script" not in chart.svg and parsed(chart) is not None


def test_of_many_labels_those_with_most_claims_are_drawn_and_all_are_reported():
    labels = [f"label-{n}" for n in range(300)]
    for make in (outcome_charts.by_label, outcome_charts.gap):
        chart = only(make, full_report(labels))
        names = {text for text in texts(chart) if text.startswith("label-")}
        assert names == set(labels[-MOST_ROWS:])
        assert len(chart.rows) == 301 and "300" in chart.note


def test_labels_are_sorted_by_hallucination_rate_below_all():
    report = full_report(["a", "b", "all"])
    rates = (0.1, None, 0.3)
    for row, rate in zip(report.by_label[1:], rates, strict=True):
        row.hallucination = rate if rate is None else figure("hallucination_rate", rate, 9, None)
    chart = only(outcome_charts.by_label, report)
    assert [row[0] for row in chart.rows] == ["all", "all", "a", "b"]
    assert chart.rows[1][4] == "30.0% (no interval)"


def test_bars_are_as_long_as_their_shares():
    report = full_report()
    chart = only(outcome_charts.by_novelty, report)
    rows = [row for row in report.by_novelty if row.claims]
    spans = {role: filled(chart, role)[:-1] for role in ("unsupported", "distorted", "supported")}
    left, right = min(start for start, _ in spans["unsupported"]), max(end for _, end in spans["supported"])
    unsupported = [row.hallucination.value for row in rows if row.hallucination.value]
    for (start, end), share in zip(spans["unsupported"], unsupported, strict=True):
        assert start == left and (end - start) / (right - left) == pytest.approx(share, abs=0.002)
    for (_, end), (start, _) in zip(spans["distorted"], spans["supported"], strict=True):
        assert end == pytest.approx(start, abs=0.02)


def test_the_threshold_is_drawn_where_there_is_one():
    report, charts = full_report(), by_id(run_charts())
    told = f"threshold {report.abstention.threshold}"
    assert told in texts(charts["confidence"]) and told in texts(charts["risk-coverage"])
    without = report.model_copy(update={"abstention": None})
    assert not any("threshold" in c.svg for c in drawn(without))


def test_the_band_of_risk_needs_intervals():
    report = full_report()
    bare = [point.model_copy(update={"interval": None}) for point in report.risk]
    assert "fill-opacity" in by_id(run_charts())["risk-coverage"].svg
    without = report.model_copy(update={"risk": bare})
    assert "fill-opacity" not in only(confidence_charts.risk_coverage, without).svg


def test_the_table_of_risk_has_a_column_of_intervals_where_one_is_known():
    report = full_report()
    bare = [point.model_copy(update={"interval": None}) for point in report.risk]
    for risk, columns in ((report.risk, 3), ([*bare[:-1], report.risk[-1]], 3), (bare, 2)):
        chart = only(confidence_charts.risk_coverage, report.model_copy(update={"risk": risk}))
        assert len(chart.columns) == columns and {len(row) for row in chart.rows} == {columns}


def test_more_claims_make_larger_points_of_reliability():
    report = full_report()
    report.reliability[0].supported = figure("reliability", 0.9, 5000, (0.89, 0.91))
    sizes = [
        max(float(number) for number in re.findall(r"[\d.]+", path.attrib["d"]))
        for path in parsed(only(confidence_charts.reliability, report)).iter(f"{NAME_SPACE}path")
        if path.attrib.get("id") and "C" in path.attrib["d"]
    ]
    assert len(sizes) == 2 and sizes[0] > 2 * sizes[1]


def curves(loss: list[tuple[int, float]], dev: dict[str, list[tuple[int, float]]]) -> Curves:
    return run_report().curves.model_copy(update={"loss": loss, "dev": dev})


def test_a_loss_that_is_no_number_is_left_out_of_the_line():
    report = run_report().model_copy(update={"curves": curves([(1, 2.0), (2, float("nan")), (3, 0.01)], {})})
    chart = only(training_charts.loss, report)
    assert "nan" not in chart.svg and "log scale" in " ".join(texts(chart)) and len(chart.rows) == 3


def test_figures_on_dev_are_named_with_their_last_value():
    dev = {"entity_f1": [(2, 0.5), (4, 0.81)], "entity_recall": [(4, 0.81)], "seconds": [(2, 90.0)]}
    chart = only(training_charts.dev, run_report().model_copy(update={"curves": curves([], dev)}))
    assert {"entity F1 0.810", "entity recall 0.810"} <= set(texts(chart))
    assert chart.columns == ["step", "entity F1", "entity recall", "seconds"]
    assert chart.rows[0] == ["2", "0.500", "–", "90.000"]


def test_a_study_of_arms_and_numbers_has_charts_of_both():
    charts = by_id(study_charts())
    assert list(charts) == [
        "curve-hallucination", "curve-wide", "curve-omission", "curve-entity-f1", "curve-ece", "cells", "trade-off",
        "difference-1", "difference-2", "slope-1", "slope-difference-1",
    ]  # fmt: skip
    assert {"none", "mix"} <= set(texts(charts["curve-hallucination"]))
    assert charts["curve-hallucination"].rows[0] == ["0.0", "none", "3", "4.0% [3.4, 4.6]"]
    assert "gap.fraction 0.5" in charts["difference-2"].title


def test_a_study_of_numbers_alone_has_one_line_without_a_name():
    figures = study_report().figures
    cells = [
        cell.model_copy(update={"choice": {"gap.fraction": cell.choice["gap.fraction"]}})
        for cell in figures.cells
        if cell.choice["arm"] == "none"
    ]
    trends = [figures.trends[0].model_copy(update={"choice": {}})]
    update = {"cells": cells, "trends": trends, "comparisons": [], "arm_trends": []}
    report = study_report().model_copy(update={"figures": figures.model_copy(update=update)})
    charts = by_id(drawn(report))
    assert "curve-hallucination" in charts and "cells" not in charts and "trade-off" not in charts
    assert charts["slope-1"].rows == [["hallucination rate", "+0.9 points [−0.1, 1.9]"]]


def test_a_study_without_cells_has_no_charts():
    figures = study_report().figures.model_copy(update={"cells": []})
    assert drawn(study_report().model_copy(update={"figures": figures})) == []


def test_what_can_be_shown_is_filled():
    charts = by_id(study_charts())
    for number, expected in (("difference-1", ["faint", "ink"]), ("difference-2", ["ink", "ink"])):
        fills = [re.search(r"fill: var\(--c-(\w+)", style)[1] for _, _, style in points(charts[number])]
        assert fills == expected


def test_points_of_a_comparison_lie_on_the_side_of_their_sign():
    report = comparison_report()
    chart = by_id(drawn(report))["difference-1"]
    assert [row[0] for row in chart.rows][:3] == [
        "entity F1",
        "hallucination rate",
        "hallucination rate at matched omission",
    ]
    zero = next(float(t.attrib["x"]) for t in parsed(chart).iter(f"{NAME_SPACE}text") if t.text == "0")
    assert len(points(chart)) == 3 and points(chart)[0][0] < zero and points(chart)[1][0] < zero
    assert chart.rows[-1] == ["gap ratio", value("gap_ratio", 4.6), "–", "–", ""]


def test_long_labels_are_cut_by_how_wide_they_are():
    assert shorten("a" * LONGEST_LABEL) == "a" * LONGEST_LABEL
    assert shorten("a" * 25) == "a" * 23 + "…"
    assert shorten("机" * 13) == "机" * 11 + "…"
    assert shorten("\u202eab") == visible("\u202eab")
    assert measurable_label("机构 a").strip(svg.EN_SPACE) == "机构 a" and len(measurable_label("机构 a")) == 6


def test_series_differ_in_colour_or_shape():
    assert len({series(number) for number in range(64)}) == 64


def told_ticks(name: str, low: float, high: float, **how: Any) -> list[str]:
    """The ticks within an axis from ``low`` to ``high``."""
    axes = Figure().add_subplot()
    ticks(axes.yaxis, name, **how)
    axes.set_ylim(low, high)
    inside = [place for place in axes.get_yticks() if low <= place <= high]
    return axes.yaxis.get_major_formatter().format_ticks(inside)


@pytest.mark.parametrize(
    ("name", "low", "high", "how", "expected"),
    [
        ("omission_rate", 0, 0.052, {"most": 3}, ["0%", "2%", "4%"]),
        ("omission_rate", 0, 1, {"most": 4}, ["0%", "25%", "50%", "75%", "100%"]),
        ("ece", 0.84, 0.99, {"most": 4}, ["0.85", "0.9", "0.95"]),
        ("omission_rate", -0.021, 0.012, {"signed": True, "most": 4}, ["−2", "−1", "0", "+1"]),
        ("steps", 0, 8400, {"most": 4}, ["0", "2,500", "5,000", "7,500"]),
        ("omission_rate", 0, 0.0004, {"most": 3}, ["0%", "0.02%", "0.04%"]),
    ],
)  # fmt: skip
def test_ticks_are_few_and_round(name, low, high, how, expected):
    assert told_ticks(name, low, high, **how) == expected


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.booleans())
def test_ticks_differ_and_are_no_more_than_asked_for(low, span, signed):
    for name in ("ece", "omission_rate"):
        told = told_ticks(name, low, low + span, signed=signed)
        assert len(told) <= 7 and (span < 1e-4 * abs(low) or len(set(told)) == len(told))


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((1, 10, 100), ["1", "10", "100"]),
        (range(1, 13), ["1", "2", "5", "10"]),
        ([1, 2e4, *range(3, 9)], ["1", "10", "100", "1,000", "10,000"]),
    ],
)  # fmt: skip
def test_ticks_of_a_logarithmic_axis(places, expected):
    axes = Figure().add_subplot()
    axes.set_xscale("log")
    plain_log(axes.xaxis, places)
    axes.set_xlim(min(places), max(places))
    inside = [place for place in axes.get_xticks() if min(places) <= place <= max(places)]
    assert axes.xaxis.get_major_formatter().format_ticks(inside) == expected


def boxes(figure: Figure, of: list[Any]) -> list[Bbox]:
    figure.draw_without_rendering()
    return [one.get_window_extent() for one in of]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=5))
@settings(max_examples=25, deadline=None)
def test_names_of_points_do_not_overlap(places):
    paths = [[Point(x, y, None, None, *series(n), f"arm {n}")] for n, (x, y) in enumerate(places)]
    with svg.drawing():
        figure = scatter(paths, x="omission_rate", y="hallucination_rate", below="omission", above="hallucination")
        names = boxes(figure, figure.axes[0].texts)
    for one, other in combinations(names, 2):
        across, down = (min(one.max[n], other.max[n]) - max(one.min[n], other.min[n]) for n in (0, 1))
        assert min(across, down) < 3


@pytest.mark.parametrize("label", ["机" * 11, "W" * LONGEST_LABEL, "a"])
def test_names_of_rows_are_within_the_drawing(label):
    """Those of wide characters too, which matplotlib's fonts do not have."""
    chart = only(outcome_charts.gap, full_report([label]))
    (end,) = (float(t.attrib["x"]) for t in parsed(chart).iter(f"{NAME_SPACE}text") if t.text == label)
    assert 10.5 * (len(label) if label[0] in "机W" else 0.6) <= end < WIDTH


def test_a_colour_of_no_role_is_a_mistake():
    drawn = Figure(figsize=(1, 1))
    with pytest.raises(KeyError):
        svg.inline(drawn, "p", "title", "alt")


def test_contrast_of_roles_on_white():
    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    contrast = {role: 1.05 / (luminance(colour) + 0.05) for role, colour in svg.ROLES.items() if role != "faint"}
    assert min(contrast.values()) >= 3
    verdicts = sorted(contrast[role] for role in ("supported", "distorted", "unsupported"))
    assert all(b / a > 1.3 for a, b in pairwise(verdicts)), "verdicts differ in lightness"
    assert len(set(svg.ROLES.values())) == len(svg.ROLES)


def test_figures_without_values_are_reported_as_such():
    report = full_report()
    chart = only(outcome_charts.by_novelty, report)
    partial = next(row for row in chart.rows if row[0] == "partial")
    assert partial[1] == "0" and partial[4] == "–"
    assert isinstance(report.by_novelty[2].hallucination, MetricResult)


def test_no_point_lies_beyond_the_last_tick():
    panel = plots.Panel("", "hallucination_rate", [plots.Mark(0.74, None), plots.Mark(0.1, None)], ["74.0%", "10.0%"])
    with svg.drawing():
        (axes,) = plots.forest([plots.Block(["a", "b"], [panel])]).axes
        assert axes.get_xlim() == (0.0, 1.0)


def test_a_point_without_a_line_is_explained():
    study = study_report().figures
    same = {"difference": 0.0, "interval": None, "p": 1.0}
    figures = [delta.model_copy(update=same) for delta in study.comparisons[0].figures]
    equal = [study.comparisons[0].model_copy(update={"figures": figures}), *study.comparisons[1:]]
    with svg.drawing():
        assert not any("without a line" in one.note for one in difference_charts.study_charts(study))
        charts = difference_charts.study_charts(study.model_copy(update={"comparisons": equal}))
    assert charts[0].note.endswith("A point without a line: no difference in any example.")
