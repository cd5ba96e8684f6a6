"""A table shows the same cells on the page, in Markdown and on the terminal, and no line there is wider than it."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from halluc.core.characters import printable_cell, printable_line
from halluc.reporting import terminal
from halluc.reporting.markdown import gfm
from halluc.reporting.page import render
from halluc.reporting.views import study
from halluc.reporting.views.tables import TableCell, TableColumn, table
from halluc.wording import formats
from tests.hostile_texts import LABELS, SCRIPT
from tests.markdown_reading import read
from tests.study_records import study_report

HOSTILE = [
    *LABELS,
    SCRIPT,
    "a | b",
    "two\nlines",
    "<b>x</b>",
    "محمد",
    "מילה",
    "長い名前" * 8,
    "x" * 300,
    "a_b" * 40,
    "",
    " ",
]
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60))
shares = st.tuples(st.sampled_from(["12.6%", "0.723", "–", "", "+0.1"]), st.sampled_from(["", "[7.7, 17.7]"]))
figures = st.one_of(
    shares.map(lambda both: TableCell(*both)),
    shares.map(lambda both: TableCell(*both, bold=True)),
    texts.map(TableCell),
)
kinds = st.sampled_from(["name", "text", "figure"])


@st.composite
def tables(draw):
    columns = draw(st.lists(st.builds(TableColumn, texts, kinds, texts, texts), min_size=1, max_size=12))
    cell = lambda column: figures if column.kind == "figure" else texts.map(TableCell)  # noqa: E731
    rows = st.lists(st.tuples(*map(cell, columns)), max_size=4)
    return table(draw(texts), columns, draw(rows), totals=draw(rows), notes=draw(st.lists(texts, max_size=2)))


def lines(found, width=80, **options):
    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(terminal.draw_table(found, width, **options))
    return captured.get().splitlines()


class Cells(HTMLParser):
    """The text of each cell of a page."""

    def __init__(self, page):
        super().__init__()
        self.found, self.is_inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag in ("td", "th"):
            self.found.append("")
        self.is_inside = self.is_inside or tag in ("td", "th")

    def handle_endtag(self, tag):
        self.is_inside = self.is_inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.is_inside:
            self.found[-1] += data


def bare(text):
    """Text without what a renderer may change: white space, and how long texts are cut."""
    return re.sub(r"\s", "", text)


def on_page(found):
    macros = render._environment().get_template("parts.html.j2").module
    return Cells(str(macros.table(found))).found


@settings(deadline=None)
@given(tables())
def test_the_page_has_every_cell(found):
    headings = [formats.visible(column.heading) for column in found.columns]
    cells = [
        formats.visible(cell.text, 400) + formats.visible(cell.under, None)
        for row in (*found.rows, *found.totals)
        for cell in row
    ]
    assert list(map(bare, on_page(found))) == list(map(bare, [*headings, *cells]))


@settings(deadline=None)
@given(tables())
def test_markdown_has_every_cell(found):
    found = found._replace(notes=(), totals=[(TableCell("all"), *row[1:]) for row in found.totals])
    seen = [one.replace("\u2068", "").replace("\u2069", "") for one in read(f"x\n\n{gfm.table(found)}\n")[1:]]
    wanted = [formats.visible(column.heading, None) for column in found.columns]
    wanted += [
        " ".join(formats.visible(part, None) for part in (cell.text, cell.under))
        for row in (*found.rows, *found.totals)
        for cell in row
    ]
    assert [one for one in map(bare, seen) if one] == [one for one in map(bare, wanted) if one]


@settings(deadline=None)
@given(tables(), st.integers(40, 140), st.booleans())
def test_no_line_of_the_terminal_is_wider_than_it(found, width, brief):
    assert max(map(cell_len, lines(found, width, brief=brief)), default=0) <= width


@settings(deadline=None)
@given(tables())
def test_the_terminal_has_every_character_of_every_cell(found):
    told = Counter(bare("".join(lines(found))))
    for place, column in enumerate(found.columns):
        escaped = printable_line if column.kind == "text" else printable_cell
        cells = [row[place] for row in (*found.rows, *found.totals)]
        wanted = Counter(bare("".join(escaped(cell.text) + printable_cell(cell.under) for cell in cells)))
        assert wanted <= told


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), texts)
def test_a_text_is_wrapped_and_not_cut(cells, heading):
    found = table("", [TableColumn(heading, "text")], [[cell] for cell in cells])
    wanted = printable_line(heading) + "".join(map(printable_line, cells))
    assert bare("".join(lines(found, 40))) == bare(wanted)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_words_of_headings_and_figures_are_not_broken(width):
    columns = ["label", *(TableColumn(f"hallucination {number}", short=f"H{number}") for number in range(12)), "gold"]
    cells = [TableCell(f"{number}.5%", f"[{number}.1, {number}.9]") for number in range(12)]
    told = lines(table("t", columns, [["PER", *cells, "1,234"]]), width)
    whole = " ".join(told)
    for number in range(12):
        assert f"{number}.5%" in whole and f"[{number}.1, {number}.9]" in whole
        assert re.search(rf"\bH{number}\b", whole) or "hallucination" in whole
    assert "1,234" in whole
    assert sum("PER" in line for line in told) == sum(line.startswith("label") for line in told)


def test_a_brief_table_has_a_line_for_each_row_and_names_what_is_left_out():
    report = study_report()
    (cells, *_) = study.cells(report.figures)
    told = lines(cells, 60, brief=True)
    rows = [line for line in told if re.match(r"0\.[05] ", line)]
    assert len(rows) == len(report.figures.cells)
    assert "not shown here: " in " ".join(told)
    assert not any("[" in line for line in rows)


def test_short_headings_are_explained():
    columns = ["label", TableColumn("hallucination", short="HR", title="hallucination rate")]
    assert "HR: hallucination rate" in lines(table("", [*columns, *["something long"] * 6], [["x", *["1"] * 7]]), 60)
    assert "HR" not in " ".join(lines(table("", columns, [["x", "1"]])))


def test_a_name_on_two_lines_is_indented_more_than_a_row_below_it():
    rows = [["hallucination rate at 95% coverage", "87.1%"], ["  a part of it with a name that is long", "1.0%"]]
    found = [line.rstrip() for line in lines(table("", ["figure", "all"], rows), width=40)]
    assert found[1:] == [
        "hallucination rate at 95%          87.1%",
        "    coverage",
        "  a part of it with a name that     1.0%",
        "      is long",
    ]
