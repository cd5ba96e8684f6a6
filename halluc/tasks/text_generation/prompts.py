"""What a model reads: a template, filled with the input or parts of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from string import Formatter
from typing import NamedTuple

from halluc.core.errors import HallucError
from halluc.tasks.text_generation.source_text import BETWEEN_PARTS, Sourced

WHOLE = "input"


class Filled(NamedTuple):
    """A filled template, and the characters in it, from and to, that may be cut: those of the longest field."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Prompt:
    """A template in pieces: a text, and the field that follows it; None behind the last."""

    pieces: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, template: str, fields: Collection[str]) -> Prompt:
        """
        Raises:
            HallucError C205: the template cannot be read, or names a field that inputs do not have.
        """
        try:
            parsed = list(Formatter().parse(template))
        except ValueError as error:
            message = f"`task.prompt` cannot be read: {error}"
            raise HallucError("C205", message, help="write a brace that is text twice: `{{`") from None
        for _, name, form, conversion in parsed:
            if name is not None and (name not in (WHOLE, *fields) or form or conversion):
                known = ", ".join(f"`{{{one}}}`" for one in (WHOLE, *fields))
                raise HallucError("C205", f"`task.prompt` has the field `{{{name}}}`", help=f"the input has {known}")
        return cls(tuple((text, name) for text, name, _, _ in parsed))

    def filled(self, example: Sourced) -> Filled:
        """The template with the parts of an input; parts of one name are joined by line ends."""
        made, start, end = "", 0, 0
        for text, name in self.pieces:
            made += text
            if name is None:
                continue
            value = example.whole if name == WHOLE else BETWEEN_PARTS.join(example.named(name))
            if len(value) > end - start:
                start, end = len(made), len(made) + len(value)
            made += value
        return Filled(made, start, end)
