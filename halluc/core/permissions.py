"""Permissions that only the user gives, on the command line, and never a config."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_COMMANDS: ContextVar[bool] = ContextVar("commands", default=False)


def commands_allowed() -> bool:
    """Whether programs that a config names may be started (`--allow-commands`)."""
    return _COMMANDS.get()


@contextlib.contextmanager
def allowing_commands(allowed: bool) -> Iterator[None]:
    token = _COMMANDS.set(allowed)
    try:
        yield
    finally:
        _COMMANDS.reset(token)
