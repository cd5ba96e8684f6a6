"""``python -m halluc`` and the console script: the one place where exceptions become messages and exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from halluc.commands.terminal import say
from halluc.core import errors
from halluc.core.errors import HallucError, render


def main() -> None:
    sys.exit(exit_code_of(sys.argv[1:]))


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


if __name__ == "__main__":
    main()
