"""Files of text without labels, from which a model that a method fits learns too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.augmentation.methods.base import OptionError
from halluc.core.errors import EXIT_DATA, HallucError, refuse
from halluc.data.word_files import entries

_FORM = 'a line is a sentence; in a .jsonl file, {"text": …} or {"tokens": […]}'


def unlabelled_texts(references: Sequence[str], most: int, key: str) -> list[tuple[str, ...]]:
    """The tokens of the lines of all files, at most ``most`` lines; ``key`` is the key of the config that names them.

    Raises:
        HallucError D101, D103, D104, D114, D140: a file, or a line of it, cannot be read. OptionError D142: there is no
            text in one.
    """
    lines: list[tuple[str, ...]] = []
    for reference in references:
        before = len(lines)
        errors: list[HallucError] = []
        for _, tokens in entries(reference, _of_text, _of_object, errors, code="D140", form=_FORM):
            lines.append(tokens)
            if len(lines) >= most:
                break
        refuse(errors)
        if len(lines) >= most:
            break
        if len(lines) == before:
            raise OptionError(key, "D142", f"{reference} holds no text", _FORM, EXIT_DATA)
    return lines


def _of_text(line: str) -> tuple[str, ...] | str:
    return tuple(line.split())


def _of_object(record: Mapping[str, Any]) -> tuple[str, ...] | str:
    """The tokens of a record, or what is wrong with it."""
    tokens, text = record.get("tokens"), record.get("text")
    if isinstance(tokens, list) and tokens and all(isinstance(one, str) and one for one in tokens):
        return tuple(tokens)
    if isinstance(text, str) and text.strip():
        return tuple(text.split())
    return "neither a list of words in the field `tokens` nor a text in the field `text`"
