"""What commands share of the terminal: people's text to stderr, machine output to stdout, errors to exit codes."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from enum import Enum
from typing import Any

from rich.console import Console

from halluc.core import errors
from halluc.core.errors import HallucError, render


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
if not people.is_terminal and "COLUMNS" not in os.environ:
    people.width = _PIPED_WIDTH


def say(text: str = "", style: str | None = None) -> None:
    """A line for people."""
    people.print(errors.printable(text), style=style)


def put_json(value: Any) -> None:
    """A JSON object for machines, on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def exit_code_of(arguments: Sequence[str]) -> int:
    """Run the command line; every outcome as an exit code (README, "Exit codes")."""
    from typer.exceptions import Abort, TyperException

    from halluc.cli import app

    try:
        returned = app(args=list(arguments), standalone_mode=False)
    except HallucError as error:
        say(render(error))
        return error.exit_code
    except TyperException as error:
        _show_usage(error)
        return errors.EXIT_USAGE
    except (KeyboardInterrupt, Abort):
        say("interrupted")
        return errors.EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no error, and no second one while Python flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return errors.EXIT_DONE
    except Exception:  # noqa: BLE001 - the last resort: a bug in halluc, told as such, with its traceback
        say(traceback.format_exc())
        say("This is a bug in halluc. Please report it with the lines above and the config.")
        return errors.EXIT_BUG
    return returned if isinstance(returned, int) else errors.EXIT_DONE


def _show_usage(error: Any) -> None:
    """A mistake on the command line, in typer's words (its usage errors show the command's usage first)."""
    if hasattr(error, "show"):
        error.show(file=sys.stderr)
    else:
        say(f"Error: {error.format_message()}")
