"""report.md: it tells what the report has, fits into a comment, and no text in it is taken for markup.

The whole files stand in tests/golden/report. After a change that is meant, run this file with
``HALLUC_UPDATE_GOLDEN=1`` and read the diff.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from halluc.reporting.collect import run_reports
from halluc.reporting.markdown import pages
from halluc.reporting.views import study
from halluc.wording import formats
from tests.hostile_texts import SCRIPT, hostile_config, hostile_examples
from tests.made_runs import make_run
from tests.markdown_reading import assert_only_own_markup, kinds, read
from tests.report_records import bare_report, figure, run_report
from tests.study_records import comparison_report, study_report

GOLDEN = Path(__file__).parent.parent / "golden" / "report"
REPORTS = {"run": run_report, "comparison": comparison_report, "study": study_report}


@pytest.mark.parametrize("kind", REPORTS)
def test_the_whole_page(kind):
    path, told = GOLDEN / f"{kind}.md", pages.page(REPORTS[kind]())
    if os.environ.get("HALLUC_UPDATE_GOLDEN"):
        path.write_text(told, encoding="utf-8")
    assert told == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", REPORTS)
def test_a_page_is_made_of_whole_blocks(kind):
    told = pages.page(REPORTS[kind]())
    found = kinds(told)
    assert {"heading_open", "table_open", "bullet_list_open", "fence"} <= set(found)
    assert told.count("<details>") == told.count("</details>") > 0
    assert not [line for line in told.splitlines() if line.startswith("|") and line.count("|") < 3]
    assert re.search(r"<details><summary>[^\n]*</summary>\n\n", told)


def test_a_run_without_any_figure_is_reported_too():
    told = pages.page(bare_report())
    assert told.startswith("# letters: hallucination report\n")
    assert "##" not in told.removeprefix("#") and "None" not in told


def test_failed_gates_come_first():
    told = pages.page(run_report())
    assert told.index("**not met**") < told.index("**met**")


def grown_run(times: int, text: str):
    """A run with a lot of everything, told in a text that nobody wishes for."""
    report = run_report()
    outcome, gap, section, table = report.by_label[1], report.gap[1], report.claims[0], report.classification[0]
    names = [f"{place}{text}" for place in range(times)]
    claim = section.shown[0].model_copy(update={"tokens": [text] * 60})
    return report.model_copy(
        update={
            "name": text,
            "notes": names,
            "conclusion": names,
            "reproduce": names,
            "by_label": [outcome.model_copy(update={"name": name}) for name in names],
            "gap": [gap.model_copy(update={"label": name}) for name in names],
            "gates": [report.gates[0].model_copy(update={"text": name}) for name in names],
            "headlines": [report.headlines[0].model_copy(update={"meaning": name}) for name in names],
            "claims": [section.model_copy(update={"shown": [claim] * times, "total": times})],
            "classification": [
                table.model_copy(update={"rows": [table.rows[0].model_copy(update={"name": name}) for name in names]})
            ],
            "data": report.data.model_copy(update={"warnings": names}),
        }
    )


@pytest.mark.parametrize("text", ["label", "@" * 80, "@x" * 5_000, SCRIPT * 50])
@pytest.mark.parametrize("times", [30, 250])
def test_a_page_of_any_run_fits_into_a_comment(times, text):
    told = pages.page(grown_run(times, text))
    assert len(told) <= pages.MOST_CHARACTERS
    if times == 250:
        assert re.search(r"^- \*and [\d,]+ more\*$", told, re.M) and re.search(r"\n\n\*and [\d,]+ more\*\n", told)
        assert re.search(r"\| and [\d,]+ more \|", told)  # of the classes, before their averages
        assert "micro avg" in told


def test_claims_give_way_before_figures():
    report = grown_run(30, " a label")
    claim = report.claims[0].shown[0].model_copy(update={"tokens": ["@x" * 20] * 60})
    told = pages.page(
        report.model_copy(update={"claims": [report.claims[0].model_copy(update={"shown": [claim] * 30})]})
    )
    assert "5 of the 30 hallucinated" in told
    assert len(told) <= pages.MOST_CHARACTERS
    assert all(f"| {place} a label |" in told for place in range(30)) and "more*" not in told


def test_a_study_of_any_size_fits_into_a_comment():
    report = study_report()
    cells = [
        cell.model_copy(update={"choice": {"gap.fraction": 0.5, "arm": f"{place}{'@' * 90}"}})
        for place, cell in enumerate(report.figures.cells * 100)
    ]
    figures = report.figures.model_copy(
        update={
            "cells": cells,
            "trends": report.figures.trends * 300,
            "comparisons": [
                one.model_copy(update={"choice": {"gap.fraction": place / 100}})
                for place, one in enumerate(report.figures.comparisons * 50)
            ],
        }
    )
    told = pages.page(report.model_copy(update={"figures": figures, "axes": {"arm": ["@" * 90] * 400}}))
    assert len(told) <= pages.MOST_CHARACTERS
    assert re.search(r"\*and [\d,]+ more\*", told) and re.search(r"\*and [\d,]+ more tables\*", told)


def test_a_comparison_of_any_size_fits_into_a_comment():
    report = comparison_report()
    other = report.others[0].model_copy(
        update={
            "b": "@x" * 300,
            "config_differences": [f"`augment.{SCRIPT}{place}`" for place in range(80)],
            "figures": report.others[0].figures * 60,
        }
    )
    told = pages.page(report.model_copy(update={"others": [other] * 30, "notes": ["@" * 500] * 200}))
    assert len(told) <= pages.MOST_CHARACTERS
    assert re.search(r"\*and \d+ more\*", told) and re.search(r"\d+ more$", told, re.MULTILINE)


@pytest.mark.parametrize("kind", ["comparison", "study"])
def test_hostile_names_of_runs_and_arms_stay_text(kind):
    if kind == "comparison":
        report = comparison_report()
        report = report.model_copy(
            update={"reference": IMG, "others": [one.model_copy(update={"b": IMG}) for one in report.others]}
        )
    else:
        report = study_report()
        cells = [cell.model_copy(update={"choice": {IMG: SCRIPT}}) for cell in report.figures.cells]
        against = [
            one.model_copy(update={"axis": IMG, "arm": SCRIPT, "choice": {IMG: SCRIPT}})
            for one in report.figures.comparisons
        ]
        figures = report.figures.model_copy(update={"cells": cells, "comparisons": against})
        report = report.model_copy(update={"name": SCRIPT, "figures": figures, "axes": {IMG: [SCRIPT]}})
    assert_only_own_markup(pages.page(report))


IMG = "![x](http://a.b)<img src=x onerror=alert(1)>|`"


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory):
    """A run whose corpus, labels and config try to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    return make_run(folder, hostile_examples("test"), train=hostile_examples("train"), config_extra=hostile_config())


def test_a_hostile_corpus_stays_text(hostile_run):
    told = pages.page(run_reports.run_report(hostile_run))
    assert_only_own_markup(told)
    assert "alert(1)" in told and len(told) <= pages.MOST_CHARACTERS


def test_hostile_names_of_parts_of_an_input_stay_text():
    claim = run_report().claims[0].shown[0].model_copy(update={"related_texts": [(f"turn:{IMG}{'y' * 300}", "a text")]})
    told = pages.sentence(claim, pages.LIMITS[0])
    assert_only_own_markup(told)
    assert "turn:" in told and "y" * 40 not in told


def test_confidence_is_shown_in_tables():
    report = run_report()
    told = read(pages.page(report))
    (bin_,), (point,) = report.reliability, report.risk
    place = told.index("mean confidence")
    assert told[place + 3 : place + 6] == [
        formats.percent(bin_.confidence),
        formats.metric(bin_.supported),
        formats.count(bin_.supported.n),
    ]
    place = told.index("error rate")
    assert told[place + 1 : place + 3] == [formats.percent(point.coverage), formats.percent(point.risk)]
    known = point.model_copy(update={"interval": (0.01, 0.07)})
    assert "4.0% [1.0, 7.0]" in read(pages.page(report.model_copy(update={"risk": [known]})))


def test_the_time_of_the_steps_alone_is_reported_as_such():
    report = run_report()
    longer = report.curves.model_copy(update={"seconds": 20.4})
    assert "in 36 s (20 s for the training steps)" in pages.page(report.model_copy(update={"curves": longer}))
    assert "training steps" not in pages.page(report.model_copy(update={"curves": None}))


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((3, 3), "3 seeds per cell: the 95% intervals cover examples and seeds (Student's t)."),
        ((1, 3), "1 to 3 seeds per cell: the 95% intervals cover examples and seeds (Student's t); with one seed,"
                 " only the examples."),
    ],
)  # fmt: skip
def test_the_seeds_of_a_study_are_reported(counts, told):
    report = study_report()
    cells = [
        cell.model_copy(update={"runs": cell.runs[:number]})
        for cell, number in zip(report.figures.cells, (*counts, 3, 3), strict=True)
    ]
    figures = report.figures.model_copy(update={"cells": cells})
    assert told in pages.page(report.model_copy(update={"figures": figures}))


def test_every_cell_has_what_the_page_has():
    report = study_report()
    columns = [column.heading for column in study.cells(report.figures)[0].columns]
    assert f"| {' | '.join(columns)} |" in pages.page(report)
    assert {"entity F1", "hallucination", "wide", "distortion", "omission", "ECE"} <= set(columns)
    assert "micro F1" not in columns, "no column without a figure"
    told = pages.page(report)
    assert "| 0.5 | none | hallucination rate | 4.4% | 0.3 | 1: 4.4%, 2: 4.4%, 3: 4.4% |" in told


def test_the_figures_are_those_of_the_report():
    report = run_report()
    told = read(pages.page(report))
    for head in report.headlines:
        place = told.index(head.title)
        name = head.figure.name
        assert told[place + 1 : place + 3] == [
            formats.value(name, head.figure.value),
            formats.interval(name, head.figure.interval),
        ]
    assert formats.metric(figure("hallucination_rate", 0.1, 30, (0.05, 0.15))) in told
