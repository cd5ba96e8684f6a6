"""What commands share of the terminal: people's text to stderr, machine output to stdout."""

from __future__ import annotations

import json
import os
import sys
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table

from halluc.core import errors
from halluc.core.errors import HallucError


class Talk(Enum):
    """How much a command says, and to whom."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"
    JSON = "json"

    @classmethod
    def of(cls, quiet: bool, verbose: bool, json: bool) -> Talk:
        if quiet and verbose:
            raise HallucError("C009", "--quiet and --verbose contradict each other")
        return cls.JSON if json else cls.QUIET if quiet else cls.VERBOSE if verbose else cls.NORMAL


# Tables of a corpus with long labels must not wrap in a log file, where rich assumes 80 columns.
_PIPED_WIDTH = 140

people = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)
_tables = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False, width=1_000)
if not people.is_terminal and "COLUMNS" not in os.environ:
    people.width = _PIPED_WIDTH


def is_main_process() -> bool:
    """Whether this process is the one of its group (torchrun, accelerate launch) that speaks and writes."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str = "", style: str | None = None) -> None:
    """A line for people, from the main process alone."""
    if is_main_process():
        people.print(errors.printable(text), style=style)


def put_table(table: Table) -> None:
    """A table for people, as wide as it is: a narrow terminal wraps its lines, but no figure is cut."""
    _tables.print(table)


def say_from_any_process(text: str) -> None:
    """A line for people that only this process knows; those of other than the main process say whose they are."""
    prefix = "" if is_main_process() else f"[process {os.environ['RANK']}] "
    people.print(errors.printable(prefix + text))


def put_json(value: Any) -> None:
    """A JSON object for machines, on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()
