"""Permissions that only the user gives, on the command line, and never a config."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar

from halluc.core.context_values import bound

_COMMANDS: ContextVar[bool] = ContextVar("commands", default=False)


def commands_allowed() -> bool:
    """Whether programs that a config names may be started (`--allow-commands`)."""
    return _COMMANDS.get()


def allowing_commands(allowed: bool) -> AbstractContextManager[None]:
    return bound(_COMMANDS, allowed)
