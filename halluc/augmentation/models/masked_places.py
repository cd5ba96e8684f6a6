"""Which words of an example a masked language model fills in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from halluc.augmentation.language.casing import pattern
from halluc.augmentation.language.function_words import FUNCTION_WORDS
from halluc.augmentation.models.whole_words import Kind, is_word, kind_of
from halluc.core.edits import Editable, is_free, is_replaceable
from halluc.core.rng import Draws

if TYPE_CHECKING:
    from halluc.augmentation.methods.masked_infill import MaskedInfillConfig


def places_of(
    config: MaskedInfillConfig, example: Editable, labels: Collection[str], draws: Draws
) -> dict[int, Kind]:  # fmt: skip
    """The words of an example that are filled in, drawn from those that can be, and what may stand there.

    ``labels`` are those that the model was trained to fill mentions of.
    """
    found: dict[int, Kind] = {}
    if config.fills_context:
        candidates = list(context_words(example, config.function_words))
        for number in config.chosen(len(candidates), draws):
            at = candidates[number]
            found[at] = kind_of(example.tokens[at], False)
    if config.fills_mentions and config.mention_rate:
        candidates = list(mention_words(example, labels, config.function_words))
        wanted = max(1, draws.count(config.mention_rate * len(candidates)))
        for number in draws.some(len(candidates), wanted) if candidates else ():
            at = candidates[number]
            found[at] = kind_of(example.tokens[at], True)
    return found


def context_words(example: Editable, function_words: bool) -> Iterator[int]:
    """Words outside mentions and locks; a capital is left alone unless it begins the text or all is in capitals.

    Within a sentence a capital may be that of a name that has no label.
    """
    tokens = example.tokens
    marked = {at for start, end, _ in example.spans for at in range(start, end)}
    first = next((at for at, token in enumerate(tokens) if any(map(str.isalnum, token))), 0)
    in_capitals = all(token == token.upper() for token in tokens)
    for at, token in enumerate(tokens):
        if at in marked or not _can_be_filled(token, function_words) or not is_free(example, at, at + 1):
            continue
        has_capitals = token != token.lower()
        if not has_capitals or in_capitals or (at == first and pattern(token) == "title"):
            yield at


def mention_words(example: Editable, labels: Collection[str], function_words: bool) -> Iterator[int]:
    """Words of mentions that may change, which have one of ``labels``."""
    for start, end, label in example.spans:
        if label in labels and is_replaceable(example, start, end):
            yield from (at for at in range(start, end) if _can_be_filled(example.tokens[at], function_words))


def _can_be_filled(token: str, function_words: bool) -> bool:
    return is_word(token) and (function_words or token.lower() not in FUNCTION_WORDS)
