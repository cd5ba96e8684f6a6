"""Messages, progress and results of code that knows no terminal: they go to the listener of the context.

Commands set the terminal as listener, the Python API the callbacks of its caller; by default nobody listens. A thread
has a context of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from enum import IntEnum
from typing import Protocol


class Level(IntEnum):
    """How much a listener wants to hear: warnings alone, what came of it too, what else people should know, all."""

    WARNINGS = 0
    OUTCOMES = 1
    NORMAL = 2
    VERBOSE = 3


class Tick(Protocol):
    """Called with how much is done, how much there is, and what is being done where that changes."""

    def __call__(self, done: int, total: int, what: str | None = None) -> None: ...


def unheard(done: int, total: int, what: str | None = None) -> None:
    """The tick where nobody wants to know how far something has come."""


class Listener:
    """Hears everything and does nothing with it."""

    level = Level.WARNINGS

    def say(self, text: str, style: str | None = None) -> None:
        """A line for people; ``style`` as rich names it."""

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        """See ``progress``."""
        yield unheard

    def put(self, result: object) -> None:
        """See ``put``."""


_LISTENER: ContextVar[Listener] = ContextVar("listener", default=Listener())  # noqa: B039 - it has no state


@contextlib.contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send what is said in this context to ``listener``."""
    before = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(before)


class _Inner(Listener):
    """Passes on what is said, and no results."""

    def __init__(self, outer: Listener) -> None:
        self.outer, self.level = outer, outer.level

    def say(self, text: str, style: str | None = None) -> None:
        self.outer.say(text, style)

    @contextlib.contextmanager
    def bar(self, what: str, unit: str, logged: bool) -> Iterator[Tick]:
        with self.outer.bar(what, unit, logged) as tick:
            yield tick


def without_results() -> contextlib.AbstractContextManager[None]:
    """For a command that a command uses: what it says is passed on, and its results are not handed over."""
    return listening(_Inner(listener()))


def listener() -> Listener:
    """Who listens in this context."""
    return _LISTENER.get()


def hears(level: Level) -> bool:
    """Whether whoever listens wants to hear what is said at this level."""
    return _LISTENER.get().level >= level


def say(text: str = "", style: str | None = None) -> None:
    """A line for people, whatever they want to hear."""
    _LISTENER.get().say(text, style)


def warn(text: str) -> None:
    """A warning for people."""
    say(f"warning: {text}", style="yellow")


def conclude(text: str) -> None:
    """A line that says what came of a command."""
    if hears(Level.OUTCOMES):
        say(text)


def tell(text: str = "", style: str | None = None) -> None:
    """A line for people who did not ask for quiet."""
    if hears(Level.NORMAL):
        say(text, style)


def put(result: object) -> None:
    """Hand over a typed result as soon as it is there: what ``--json`` prints."""
    _LISTENER.get().put(result)


def progress(what: str, unit: str = "", *, logged: bool = True) -> contextlib.AbstractContextManager[Tick]:
    """What to call as ``done`` grows towards ``total``; it costs next to nothing.

    Args:
        unit: what is counted, in the plural, for who shows how many a second there are.
        logged: whether lines tell of it where there is no terminal.
    """
    return _LISTENER.get().bar(what, unit, logged)
