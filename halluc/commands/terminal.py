"""The terminal, shared by all commands: messages and progress go to stderr, machine-readable output to stdout."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

from pydantic import BaseModel
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from halluc.core.characters import escaped_json, printable, printable_cell, printable_line
from halluc.core.errors import HallucError, render
from halluc.core.messages import Level, Listener, Tick, no_progress
from halluc.core.processes import is_main_process

if TYPE_CHECKING:
    from halluc.reporting.views.tables import TableView as View


class _SafeConsole(Console):
    """Escapes everything that is printed: no control or bidirectional character of a corpus, a model or a path reaches
    the terminal. The console's own colours and cursor movements stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


class Grid(Table):
    """A table without lines. Cells, headings and title are escaped and truncated before they are measured and
    aligned."""

    def __init__(self, *headings: str, title: str | None = None, show_header: bool = True) -> None:
        """``headings``: the first column is aligned left, all others right; none: columns are added by the caller."""
        safe_title = None if title is None else printable_line(title)
        super().__init__(title=safe_title, title_justify="left", show_header=show_header, box=None, pad_edge=False)
        for heading in headings:
            self.add_column(heading, justify="right" if self.columns else "left")

    def add_column(self, header: RenderableType = "", *args: Any, **options: Any) -> None:
        super().add_column(_cell(header) or "", *args, **options)

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*map(_cell, cells), **options)


def _cell(content: RenderableType | None) -> RenderableType | None:
    return printable_cell(content) if isinstance(content, str) else content


# Tables of a corpus with long labels must not wrap in a log file, for which rich assumes 80 columns.
_PIPED_WIDTH = 140

people = _SafeConsole(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
_tables = _SafeConsole(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False, width=1_000)
if not people.is_terminal and "COLUMNS" not in os.environ:
    people.width = _PIPED_WIDTH


def say(text: str = "", style: str | None = None) -> None:
    """Print one line, only from the main process; line feeds in it are escaped."""
    if is_main_process():
        people.print(printable_line(text), style=style)


def say_error(error: HallucError) -> None:
    """Print an error with its location and advice, line by line."""
    for line in render(error).split("\n"):
        say(line)


def put_table(table: Table) -> None:
    """Print a table at its full width: a narrow terminal wraps its lines, but no figure is truncated."""
    _tables.print(table)


def put_folded(table: Table) -> None:
    """Print a table no wider than the terminal, with long cells (``folded``) on several lines."""
    if is_main_process():
        people.print(table, soft_wrap=False, width=_width())


def folded(text: str) -> Text:
    """The content of a cell that is wrapped instead of truncated."""
    return Text(printable_line(text), overflow="fold")


def _width() -> int:
    from halluc.reporting.terminal import WIDTH

    columns = os.environ.get("COLUMNS", "")
    return max(40, people.width if people.is_terminal else int(columns) if columns.isdecimal() else WIDTH)


def put_view(view: View, *, brief: bool = False, legend: bool = True) -> None:
    """Print a table of a report, no wider than the terminal, and a blank line; see ``draw_table``."""
    from halluc.reporting.terminal import draw_table

    if is_main_process():
        width = _width()
        people.print(draw_table(view, width, brief=brief, legend=legend), soft_wrap=False, width=width)
        say()


def say_from_any_process(text: str) -> None:
    """Print lines from any process; processes other than the main one add their number."""
    prefix = "" if is_main_process() else f"[process {os.environ['RANK']}] "
    people.print("\n".join(map(printable_line, f"{prefix}{text}".split("\n"))))


def put_json(value: Any, output: TextIO | None = None) -> None:
    """Print a JSON object on one line of printable text: see ``escaped_json``."""
    output = output or sys.stdout
    output.write(escaped_json(json.dumps(value, ensure_ascii=False, allow_nan=False)) + "\n")
    output.flush()


# Seconds between two lines of a log, and between two updates of the bar.
_LOGGED, _DRAWN = 10.0, 0.1


Show = Callable[[Any], None]


class Terminal(Listener):
    """Shows the messages of workflows, and their results as JSON or with ``show``."""

    def __init__(
        self, show: Show | None = None, *, quiet: bool = False, verbose: bool = False, json: bool = False
    ) -> None:
        if quiet and verbose:
            raise HallucError("C009", "--quiet and --verbose contradict each other")
        self.show, self.is_json = show, json
        self.output = sys.stdout  # it may be redirected while others print
        usual = Level.VERBOSE if verbose else Level.OUTCOMES if quiet else Level.NORMAL
        self.level = Level.WARNINGS if json else usual

    def say(self, text: str, style: str | None = None) -> None:
        say(text, style)

    def put(self, result: object) -> None:
        if not self.is_json:
            # it has many classes: importing it takes half of the start-up time of `predict`
            from halluc.runs.results import SkippedCell

            if self.show is not None and not isinstance(result, SkippedCell):  # a message reports it already
                self.show(result)
        elif is_main_process():
            record = result if isinstance(result, BaseModel) else result.record  # type: ignore[attr-defined]
            put_json(record.model_dump(mode="json"), self.output)

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        """A progress bar with the remaining time on a terminal, otherwise a line now and then."""
        if self.level < Level.NORMAL or not (logged or people.is_terminal) or not is_main_process():
            yield no_progress
        elif people.is_terminal:
            with drawn(what, unit) as tick:
                yield tick
        else:
            yield _lines(what)


@contextlib.contextmanager
def drawn(what: str, unit: str) -> Iterator[Tick]:
    """A progress bar with the remaining time, and the number of ``unit`` per second."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
    )
    speed = TextColumn("{task.fields[rate]:,.0f}" + f" {unit}".rstrip() + "/s")
    # Without a drawing thread, which would interfere with forked processes.
    with Progress(*columns, speed, TimeRemainingColumn(), console=people, transient=True, auto_refresh=False) as bar:
        task = bar.add_task(printable_line(what), total=0, rate=0.0)
        began = time.monotonic()
        last, first = 0.0, -1

        def draw(done: int, total: int, what: str | None = None) -> None:
            nonlocal last, first
            now = time.monotonic()
            first = done if first < 0 else first  # a resumed training has done some before
            if now - last > _DRAWN:
                last = now
                rate = (done - first) / (now - began)
                text = None if what is None else printable_line(what)
                bar.update(task, completed=done, total=total, description=text, rate=rate, refresh=True)

        yield draw


def _lines(what: str) -> Tick:
    began = last = time.monotonic()
    first: int | None = None

    def line(done: int, total: int, what: str | None = what) -> None:
        nonlocal last, first
        now = time.monotonic()
        first = done if first is None else first
        if now - last > _LOGGED and done > first:
            last, rate = now, (done - first) / (now - began)
            speed = f"{rate:,.0f} a second" if rate >= 1 else f"{1 / rate:.1f} s each"
            say(f"{what}: {done:,} of {total:,}, {speed}, {(total - done) / rate:,.0f} s left")

    return line
