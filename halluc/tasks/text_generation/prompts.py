"""The prompt of a model: a template, filled with the input or parts of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from string import Formatter
from typing import Any, NamedTuple

from halluc.core.errors import HallucError
from halluc.tasks.text_generation.source_text import BETWEEN_PARTS, Sourced

WHOLE = "input"


class Filled(NamedTuple):
    """A filled template, with its fields, which may be cut: the name and the character range of each."""

    text: str
    fields: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Prompt:
    """A template as pairs of a text and the field after it; None if no field follows."""

    pieces: tuple[tuple[str, str | None], ...]

    @classmethod
    def of(cls, template: str, fields: Collection[str]) -> Prompt:
        """
        Raises:
            HallucError C205: the template is invalid, or names a field that inputs do not have.
        """
        try:
            parsed = list(Formatter().parse(template))
        except ValueError as error:
            message = f"`task.prompt` is invalid: {error}"
            raise HallucError("C205", message, help="write literal braces twice: `{{`") from None
        for _, name, form, conversion in parsed:
            if name in (WHOLE, *fields) and (form or conversion):
                message = f"`task.prompt`: `{{{name}}}` has a format or a conversion"
                raise HallucError("C205", message, help=f"write `{{{name}}}`")
            if name is not None and name not in (WHOLE, *fields):
                known = ", ".join(f"`{{{one}}}`" for one in (WHOLE, *fields))
                raise HallucError("C205", f"`task.prompt` has the field `{{{name}}}`", help=f"the input has {known}")
        return cls(tuple((text, name) for text, name, _, _ in parsed))

    def fill(self, example: Sourced) -> Filled:
        """The template filled with the parts of an input. Parts with the same name are joined by line ends; the text of
        a part follows its speaker, if its name has one after a colon."""
        prompt, fields = "", []
        for text, name in self.pieces:
            prompt += text
            if name is None:
                continue
            value = example.full_text if name == WHOLE else BETWEEN_PARTS.join(_parts(example, name))
            fields.append((name, len(prompt), len(prompt) + len(value)))
            prompt += value
        return Filled(prompt, tuple(fields))


def _parts(example: Sourced, name: str) -> Iterator[str]:
    for part in example.parts:
        first, _, after = part.name.partition(":")
        if first == name:
            yield f"{after}: {example.text(part)}" if after else example.text(part)


class ChatFrame(NamedTuple):
    """The pieces before and after the user's message, up to the start of the assistant's answer."""

    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: Any) -> ChatFrame:
        """The frame of the tokenizer's chat template."""
        message = "\uffff"  # a placeholder that occurs in no text
        messages = [{"role": "user", "content": message}]
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        before, _, after = text.partition(message)
        # Special tokens in the template are read as such, those in a message as text.
        return cls(*(_pieces(tokenizer, side) for side in (before, after)))


def _pieces(tokenizer: Any, text: str) -> tuple[int, ...]:
    return tuple(tokenizer(text, add_special_tokens=False, split_special_tokens=False)["input_ids"])
