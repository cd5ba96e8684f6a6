"""Files of text without labels, from which a model that a method fits learns too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from halluc.augmentation.methods.base import OptionError
from halluc.augmentation.methods.word_files import entries
from halluc.core.errors import EXIT_DATA, HallucError, refuse

_FORM = 'a line is a sentence; in a .jsonl file, {"text": …} or {"tokens": […]}'


def unlabelled_texts(references: Sequence[str], most: int, key: str) -> list[tuple[str, ...]]:
    """The tokens of the lines of all files, at most ``most`` lines; ``key`` is the key of the config that names them.

    Raises:
        HallucError D101, D103, D104, D114, D140: a file, or a line of it, cannot be read. OptionError D142: there is no
            text in one.
    """
    found: list[tuple[str, ...]] = []
    for reference in references:
        before = len(found)
        errors: list[HallucError] = []
        for tokens in _lines(reference, errors):
            found.append(tokens)
            if len(found) >= most:
                break
        refuse(errors)
        if len(found) >= most:
            break
        if len(found) == before:
            raise OptionError(key, "D142", f"{reference} holds no text", _FORM, EXIT_DATA)
    return found


def _lines(reference: str, errors: list[HallucError]) -> Iterator[tuple[str, ...]]:
    for item in entries(reference, _of_text, _of_object, code="D140", form=_FORM):
        if isinstance(item, HallucError):
            errors.append(item)
        else:
            yield item[1]


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
