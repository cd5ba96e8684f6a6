"""Messages, progress and results of code that does not depend on a terminal: they go to the listener of the context.

Commands set the terminal as listener, the Python API sets the callbacks of its caller; the default listener ignores
everything. Each thread has its own context.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from contextvars import ContextVar
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from halluc.core.context_values import bound


class Level(IntEnum):
    """Which messages a listener receives: only warnings, also results, also information, everything."""

    WARNINGS = 0
    OUTCOMES = 1
    NORMAL = 2
    VERBOSE = 3


class Tick(Protocol):
    """Called with the number done, the total, and a description if it changes."""

    def __call__(self, done: int, total: int, what: str | None = None) -> None: ...


def no_progress(done: int, total: int, what: str | None = None) -> None:
    """A progress callback that does nothing."""


class Listener:
    """The base class of listeners, which ignores everything."""

    level = Level.WARNINGS

    def say(self, text: str, style: str | None = None) -> None:
        """A message; ``style`` is a style of rich."""

    def bar(self, what: str, unit: str, logged: bool) -> AbstractContextManager[Tick]:
        """See ``progress``."""
        return contextlib.nullcontext(no_progress)

    def put(self, result: object) -> None:
        """See ``put``."""


_LISTENER: ContextVar[Listener] = ContextVar("listener", default=Listener())  # noqa: B039 - it has no state


def listening(listener: Listener) -> AbstractContextManager[None]:
    """Send the messages of this context to ``listener``."""
    return bound(_LISTENER, listener)


class _Inner(Listener):
    """Forwards messages, but no results."""

    def __init__(self, outer: Listener) -> None:
        self.outer, self.level = outer, outer.level

    def say(self, text: str, style: str | None = None) -> None:
        self.outer.say(text, style)

    def bar(self, what: str, unit: str, logged: bool) -> AbstractContextManager[Tick]:
        return self.outer.bar(what, unit, logged)


def without_results() -> contextlib.AbstractContextManager[None]:
    """For a command that is used by another command: its messages are forwarded, its results are not."""
    return listening(_Inner(listener()))


def listener() -> Listener:
    """The listener of this context."""
    return _LISTENER.get()


def hears(level: Level) -> bool:
    """Whether the listener receives messages of this level."""
    return _LISTENER.get().level >= level


def say(text: str = "", style: str | None = None) -> None:
    """Send a message at any level of the listener."""
    _LISTENER.get().say(text, style)


def say_end_of(log: Path) -> None:
    """Send the last lines of a log file, if it exists."""
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:] if log.is_file() else ():
        say(line)


def warn(text: str) -> None:
    """Send a warning."""
    say(f"warning: {text}", style="yellow")


def conclude(text: str) -> None:
    """Send the line that states the result of a command."""
    if hears(Level.OUTCOMES):
        say(text)


def tell(text: str = "", style: str | None = None) -> None:
    """Send an informational line, which is hidden with ``--quiet``."""
    if hears(Level.NORMAL):
        say(text, style)


def put(result: object) -> None:
    """Hand over a typed result as soon as it is available: ``--json`` prints it."""
    _LISTENER.get().put(result)


def progress(what: str, unit: str = "", *, logged: bool = True) -> contextlib.AbstractContextManager[Tick]:
    """A callback for progress, which may be called often.

    Args:
        unit: what is counted, in the plural, to show the speed.
        logged: whether progress is reported as lines if there is no terminal.
    """
    return _LISTENER.get().bar(what, unit, logged)
