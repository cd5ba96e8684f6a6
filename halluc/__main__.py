"""``python -m halluc`` and the console script: the only place where exceptions become messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import Any

from halluc.commands.terminal import Terminal, say, say_error, say_from_any_process
from halluc.core import characters, errors, messages, processes
from halluc.core.errors import HallucError, cut, render

# Seconds that other processes wait with an error in config or data, which every process meets: only the main process
# reports it, and the launcher ends all processes when one has ended.
_MAIN_SECONDS = 10


def main() -> None:
    # Batch systems end jobs with SIGTERM: it is handled like Ctrl-C.
    signal.signal(signal.SIGTERM, _interrupt)
    code = exit_code_of(sys.argv[1:])
    if code and int(os.environ.get("WORLD_SIZE", "1")) > 1:
        if code in (errors.EXIT_USAGE, errors.EXIT_DATA) and not processes.is_main_process():
            with contextlib.suppress(KeyboardInterrupt):
                time.sleep(_MAIN_SECONDS)
        # Other processes may wait for this one: exit without waiting for them, so that the launcher ends them too.
        sys.stderr.flush()
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def exit_code_of(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code (docs/runs.md)."""
    from typer.exceptions import Abort, TyperException

    from halluc.cli import app

    try:
        with messages.listening(Terminal()):
            returned = app(args=list(arguments), standalone_mode=False)
    except HallucError as error:
        _show(error)
        return error.exit_code
    except TyperException as error:
        _show_usage(error)
        return errors.EXIT_USAGE
    except (KeyboardInterrupt, Abort):
        return errors.EXIT_INTERRUPTED
    except BrokenPipeError:
        return _without_reader()
    except SystemExit as stop:
        # typer's code for a broken pipe inside a command
        if isinstance(stop.__context__, BrokenPipeError):
            return _without_reader()
        raise
    except Exception as error:  # noqa: BLE001 - the last resort: a bug in halluc, reported as such, with its traceback
        if _is_lost_peer(error):
            say_from_any_process("another process of this training ended, so this one ends too")
            return errors.EXIT_BUG
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:  # of any path
            say_error(HallucError("C005", f"a path is too long: {cut(str(error.filename))}", help="use a shorter path"))
            return errors.EXIT_USAGE
        say_from_any_process(traceback.format_exc())
        say_from_any_process("This is a bug in halluc. Please report it with the lines above and the config.")
        return errors.EXIT_BUG
    if returned == errors.EXIT_INTERRUPTED:  # typer's name for KeyboardInterrupt
        say("interrupted")
    return returned if isinstance(returned, int) else errors.EXIT_DONE


def _without_reader() -> int:
    """The reader of our output has closed the pipe (`| head`): not an error; prevent a second one when Python
    flushes."""
    for stream in (sys.stdout, sys.stderr):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return errors.EXIT_DONE


def _show(error: HallucError) -> None:
    """All errors from the main process; from other processes only those that are theirs alone."""
    if processes.is_main_process():
        say_error(error)
    elif error.code[0] in "ET":  # environment and training: config and data are the same in every process
        say_from_any_process(render(error))


def _is_lost_peer(error: Exception) -> bool:
    """Whether this error means that another process of the group has died."""
    if not isinstance(error, RuntimeError) or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return False
    return any(word in str(error).lower() for word in ("gloo", "nccl", "closed by peer"))


def _show_usage(error: Any) -> None:
    """A mistake on the command line, as typer reports it (its usage errors show the command's usage first)."""
    if hasattr(error, "show"):
        context = getattr(error, "ctx", None)
        if context is None or error.message != context.get_help():  # the help is shown if no argument is given
            # The prefix is pydantic's, which typer uses to convert values.
            error.message = characters.printable_line(error.message.removeprefix("Value error, "))
        error.show(file=sys.stderr)
    else:
        say(f"Error: {error.format_message()}")


if __name__ == "__main__":
    main()
