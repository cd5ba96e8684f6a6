"""Errors that the user can fix, with code, location and advice; ``render`` makes the text for the terminal."""

from __future__ import annotations

import copyreg
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from halluc.core.characters import cut as cut  # what messages quote
from halluc.core.characters import printable_line

EXIT_DONE, EXIT_BUG, EXIT_USAGE, EXIT_DATA, EXIT_ENVIRONMENT, EXIT_GATE, EXIT_INTERRUPTED = 0, 1, 2, 3, 4, 5, 130

MOST_SHOWN = 20
# The most characters of a message, a place or a help text: labels and ids may have megabytes.
_MOST_IN_MESSAGE = 1_000


@dataclass(frozen=True)
class Location:
    """A place in a file (lines and columns count from 1), or in a command-line override when ``line`` is None.

    ``text`` is the line itself; ``width`` is how many characters the caret underlines.
    """

    file: str
    line: int | None = None
    column: int | None = None
    width: int = 1
    text: str | None = None

    def __str__(self) -> str:
        if self.line is None:  # an override has columns, which the caret shows, and no lines
            return self.file
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


class HallucError(Exception):
    """An error that the user can fix.

    Args:
        code: a letter for the family (C config, D data, E environment, R run directory, T training) and a number.
        message: what is wrong, in one line.
        help: what to do about it, in one line.
        exit_code: see docs/runs.md, "Exit codes".
    """

    def __init__(
        self,
        code: str,
        message: str,
        where: Location | None = None,
        help: str | None = None,
        exit_code: int = EXIT_USAGE,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.help = help
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle would call ``__init__`` with the message alone.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ManyErrors(HallucError):
    """Several errors of one input, reported together so that they can be fixed together."""

    def __init__(self, errors: Iterable[HallucError], total: int | None = None) -> None:
        self.errors = tuple(errors)
        self.total = len(self.errors) if total is None else total
        first = self.errors[0]
        super().__init__(first.code, f"{self.total} errors", exit_code=first.exit_code)


def refuse(errors: Iterable[HallucError]) -> None:
    """Raise the errors, if there are any: a single one unchanged, several as ``ManyErrors``."""
    raised = list(errors)
    if raised:
        raise raised[0] if len(raised) == 1 else ManyErrors(raised[:MOST_SHOWN], len(raised))


def data_error(code: str, message: str, where: Location | None = None, help: str | None = None) -> HallucError:
    return HallucError(code, message, where, help, EXIT_DATA)


def environment_error(code: str, message: str, help: str | None = None) -> HallucError:
    return HallucError(code, message, None, help, EXIT_ENVIRONMENT)


def first_line(error: BaseException) -> str:
    """The first line of the message of an exception of a library; the name of its class if it has none."""
    return str(error).strip().split("\n", 1)[0] or type(error).__name__


def require_package(package: str, what: str, extra: str) -> None:
    """
    Raises:
        HallucError E420: the package, which ``what`` needs and an extra of halluc installs, is not installed.
    """
    if find_spec(package) is None:
        message = f"{what} needs the Python package `{package}`, which is not installed"
        raise environment_error("E420", message, f'install it: pip install "halluc[{extra}]"')


def render(error: HallucError) -> str:
    """The error as plain text for a terminal, in the style of rustc: code, place, line, caret, help."""
    if isinstance(error, ManyErrors):
        shown = [render(one) for one in error.errors[:MOST_SHOWN]]
        hidden = error.total - len(shown)
        if hidden > 0:
            shown.append(f"… and {hidden} more error{'s' if hidden > 1 else ''} of this kind")
        return "\n\n".join(shown)
    lines = [f"error[{error.code}]: {printable_line(error.message, _MOST_IN_MESSAGE)}"]
    where = error.where
    gutter = " " * max(2, len(str(where.line or "")) + 1) if where else "  "
    if where:
        lines.append(f"{gutter}--> {printable_line(str(where), _MOST_IN_MESSAGE)}")
        if where.text is not None:
            lines += _excerpt(where, gutter)
    if error.help:
        lines.append(f"{gutter} = help: {printable_line(error.help, _MOST_IN_MESSAGE)}")
    return "\n".join(lines)


def _excerpt(where: Location, gutter: str) -> list[str]:
    assert where.text is not None
    text, column, width = where.text, where.column or 1, max(1, where.width)
    if len(text) > 160:  # lines may have megabytes: show the part around the column
        start = max(0, column - 60)
        text = ("…" if start else "") + text[start : start + 150] + "…"
        column = column - start + (1 if start else 0)
    number = "" if where.line is None else str(where.line)
    rows = [f"{gutter} |", f" {number:<{len(gutter) - 1}} | {printable_line(text)}".rstrip()]
    if where.column is not None:
        # Escapes and wide characters take more columns on the screen than characters in the text.
        before, under = text[: column - 1], text[column - 1 : column - 1 + width]
        rows.append(f"{gutter} | {' ' * _cells(printable_line(before))}{'^' * max(1, _cells(printable_line(under)))}")
    return rows


def _cells(text: str) -> int:
    """Terminal columns of a text: two per wide character, zero for combining characters and joiners."""
    wide = {"W": 2, "F": 2}
    spaced = (char for char in text if not unicodedata.combining(char) and char not in "\u200c\u200d")
    return sum(wide.get(unicodedata.east_asian_width(char), 1) for char in spaced)


def did_you_mean(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word that is most similar to ``word``; None if no similarity reaches ``cutoff`` (1: equal)."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=cutoff)
    if not near:
        squeezed = {name.replace("_", "").lower(): name for name in names}
        near = [squeezed[key] for key in get_close_matches(word.replace("_", "").lower(), squeezed, n=1, cutoff=0.75)]
    return near[0] if near else None


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """Help for an unknown word: the most similar known one, or ``otherwise``."""
    near = did_you_mean(word, known)
    return f"did you mean `{near}`?" if near else otherwise
