"""How far a long command has come: a bar with rate and time left on a terminal, a line now and then where piped."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from halluc.commands.terminal import Talk, people, say
from halluc.core.errors import HallucError
from halluc.data.config import DataConfig
from halluc.data.rows.streams import watched

# Seconds between two lines of a log, and between two looks of the bar.
_LOGGED, _DRAWN = 10.0, 0.1

# Called with how much is done and how much there is.
Tick = Callable[[int, int], None]


@contextlib.contextmanager
def bar(what: str, talk: Talk, *, logged: bool = True) -> Iterator[Tick]:
    """What to call as ``done`` grows towards ``total``; it costs next to nothing.

    Args:
        logged: whether lines tell of it where there is no terminal.
    """
    if talk not in (Talk.NORMAL, Talk.VERBOSE) or not (logged or people.is_terminal):
        yield lambda done, total: None
        return
    if not people.is_terminal:
        yield _lines(what)
        return
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.completed:,.0f}/{task.total:,.0f}"))
    speed = TextColumn("{task.fields[rate]:,.0f}/s")
    # Drawn by hand: a thread that draws would be in the way of processes that are forked meanwhile.
    with Progress(*columns, speed, TimeRemainingColumn(), console=people, transient=True, auto_refresh=False) as shown:
        task = shown.add_task(what, total=0, rate=0.0)
        began = last = time.monotonic()

        def draw(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > _DRAWN:
                last = now
                shown.update(task, completed=done, total=total, rate=done / (now - began), refresh=True)

        yield draw


@contextlib.contextmanager
def reading(config: DataConfig, talk: Talk) -> Iterator[None]:
    """A bar of the bytes that are read of the files that a config names; on a terminal alone."""
    try:
        total = sum(path.stat().st_size for path in config.paths())
    except (HallucError, OSError):  # told by who reads them
        total = 0
    done = 0
    with bar("bytes read", talk, logged=False) as tick:

        def read(count: int) -> None:
            nonlocal done
            done += count
            tick(done, total)

        with watched(read) if total else contextlib.nullcontext():
            yield


def _lines(what: str) -> Tick:
    began = last = time.monotonic()

    def line(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last > _LOGGED:
            last = now
            rate = done / (now - began)
            say(f"{what}: {done:,} of {total:,}, {rate:,.0f} a second, {(total - done) / rate:,.0f} s left")

    return line
