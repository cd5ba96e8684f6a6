"""What a paper takes from a report: LaTeX that compiles, rows that are no formulas, charts as files."""

from __future__ import annotations

import csv
import io
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.reporting.charts import chart as charts
from halluc.reporting.charts import drawing
from halluc.reporting.paper import latex, rows
from halluc.reporting.views import papers
from halluc.reporting.views.tables import TableCell, table
from halluc.runs.figure_lines import FigureLine, NamedEvaluation
from halluc.runs.schema import EvalFile
from tests.report_records import run_report
from tests.study_records import comparison_report, study_report

COMMANDS = {
    "textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "char", "times", "pm",
    "ldots", "hallucchar", "{", "}", "$", "&", "#", "%", "_",
}  # fmt: skip


def evaluated(report):
    file = EvalFile(
        task="token_classification", split="test", checkpoint="model", encoding={}, metrics=run_report().metrics
    )
    return [NamedEvaluation(report.kind, {}, 7, file)]


@given(st.text())
def test_no_text_is_a_command_of_latex(text):
    told = latex.escape(text, None)
    plain = re.sub(r"\\hallucchar\{[0-9A-F]+\}\{[^{}\\]\}", "", told)
    assert all(char.isascii() or char in "ßæÆøØœŒłŁ" or "\u00c0" <= char <= "\u017f" for char in plain)
    assert set(re.findall(r"\\([a-zA-Z]+|.)", plain)) <= COMMANDS
    bare = re.sub(r"\\([a-zA-Z]+|.)", "", re.sub(r"\$(-|\\pm|\\times)\$", "", plain))
    assert not set(bare) & set("$&#%_^\\\n\r") and not re.search(r"[\[\]*\"'](?!\})", bare.replace("''", ""))
    assert bare.count("{") == bare.count("}")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("50% of $x_1$ & ~#", r"50\% of \$x\_1\$ \& \textasciitilde{}\#"),
        ("[1.9, 6.3] −2", "{[}1.9, 6.3{]} $-$2"),
        ("Ünïcode 中", r"Ünïcode \hallucchar{4E2D}{中}"),
    ],
)
def test_texts_of_a_corpus_in_latex(text, told):
    assert latex.escape(text) == told


def test_a_table_has_its_rows_bold_and_notes():
    view = table("By label", ["label", "rate"], [["A&B", TableCell("3.2%", "[1, 5]", bold=True)]], notes=["n = 4."])
    told = latex.table(view, "by-label")
    assert r"A\&B & \textbf{3.2\%} {\footnotesize {[}1, 5{]}} \\" in told
    assert r"\caption{By label}" in told and r"\label{tab:by{-}label}" not in told and r"\label{tab:by-label}" in told
    assert "n = 4." in told and r"\begin{tabular}{lr}" in told


def test_a_table_that_is_wider_than_a_column_goes_across_both_in_small_type():
    cells = ["all", *[TableCell("18.9%", "[15.1, 22.6]")] * 4]
    narrow, wide = (latex.table(table("Gap", ["label", "a", "b", "c", "d"][:n], [cells[:n]]), "gap") for n in (3, 5))
    assert r"\begin{table}" in narrow and r"\scriptsize" not in narrow
    assert r"\begin{table*}" in wide and r"\end{table*}" in wide and r"\scriptsize\setlength{\tabcolsep}{3pt}" in wide
    assert r"{\footnotesize {[}15" not in wide  # larger than the figure before it


def test_bold_in_the_means_of_a_study_is_what_is_shown_to_be_better():
    report = study_report()
    arms = [one.model_copy(update={"figures": [
        delta.model_copy(update={"shown": delta.name == "hallucination_rate", "difference": -0.01})
        for delta in one.figures
    ]}) for one in report.figures.comparisons]  # fmt: skip
    for comparisons, bold in ((arms, 2), ([], 0)):
        figures = report.figures.model_copy(update={"comparisons": comparisons})
        view = papers.tables(report.model_copy(update={"figures": figures}), evaluated(report))["means"]
        assert sum(cell.bold for row in view.rows for cell in row) == bold
    assert any("±" in cell.under for row in view.rows for cell in row)
    assert any("n = 50" in note for note in view.notes)


@pytest.mark.parametrize("report", [run_report(), comparison_report(), study_report()], ids=lambda one: one.kind)
def test_every_report_has_tables_with_the_protocols_below(report):
    made = papers.tables(report, evaluated(report))
    assert all(re.fullmatch(r"[a-z0-9-]+", name) and view.rows for name, view in made.items())
    first = next(iter(made.values()))
    assert any("matched optimally" in note for note in first.notes)


def test_rows_have_value_interval_and_origin():
    report = study_report()
    made = rows.rows(report, evaluated(report))
    kinds = {row.statistic for row in made}
    assert kinds == {"value", "mean", "difference"}
    one = next(row for row in made if row.statistic == "value" and row.figure == "hallucination_rate" and not row.slice)
    assert (one.value, one.n, one.run, one.seed, one.split) == (0.06, 50, "study", 7, "test")
    mean = next(row for row in made if row.statistic == "mean" and row.figure == "hallucination_rate")
    assert mean.seeds == 3 and mean.sd is not None and mean.protocol == one.protocol and mean.arm


@pytest.mark.parametrize("label", ['=cmd|"/c calc"!A1', "+1", "-2+3", "@SUM(A1)", "\t=1", "a\nb", 'x"y,z', "\ud800"])
def test_a_label_is_no_formula_in_a_spreadsheet(label):
    line = FigureLine(
        figure="f1", split="test", slice={label: label}, statistic="value", value=-0.5, run=label, protocol="p"
    )
    told = rows.as_csv([line])
    told.encode("utf-8")
    (_, row) = csv.reader(io.StringIO(told))
    assert len(row) == len(rows.COLUMNS)
    assert not any(cell[:1] in tuple("=+-@\t\r") for cell in row if cell != "-0.5")
    assert "-0.5" in row


def test_charts_as_files_are_as_wide_as_a_column():
    chart = next(iter(drawing.charts(run_report())))
    drawn = charts.svg_file(chart)
    root = ElementTree.fromstring(drawn)
    assert root.attrib["width"] == "88mm" and b"var(--" not in drawn
    pdf, png = charts.pdf_file(chart), charts.png_file(chart)
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf)[1])
    assert pdf.startswith(b"%PDF") and abs(width - 88 / 25.4 * 72) < 0.01 and b"/FontFile2" in pdf
    assert png.startswith(b"\x89PNG") and abs(int.from_bytes(png[16:20], "big") - 88 / 25.4 * 300) <= 1
