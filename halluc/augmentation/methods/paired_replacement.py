"""Replaces names and numbers that occur in both an input and its target text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import regex
from pydantic import Field

from halluc.augmentation.language.casing import Pattern, pattern, recase
from halluc.augmentation.methods.base import MethodConfig, OptionError, Tokens, Workspace
from halluc.augmentation.methods.mention_replacement import MentionReplacement, MentionReplacementConfig
from halluc.core.edits import Editable
from halluc.core.rng import Draws

_DIGITS = regex.compile(r"[0-9]+(?:[.,:'’][0-9]+)*")
# The number of draws of a different number.
_TRIES = 8


class PairedReplacementConfig(MentionReplacementConfig):
    type: Literal["paired_replacement"]  # type: ignore[assignment]
    weighting: Literal["frequency", "uniform"] = Field(
        default="uniform", description="how a training mention is sampled: by frequency, or uniformly"
    )


class PairedReplacement(MentionReplacement):
    """Replaces a name or number in the input and in its target text together.

    Only what occurs exactly once on each side is replaced. A number in digits is replaced by another one of the same
    form; names and number words are drawn like mentions of their label.
    """

    Config: ClassVar[type[MethodConfig]] = PairedReplacementConfig
    instead: ClassVar[str | None] = None

    def fit(self, examples: Iterable[Editable], workspace: Workspace) -> None:
        """
        Raises:
            OptionError C145: no example has such a name or number.
        """
        if not any(example.spans for example in examples):
            message = (
                "no training example has a name or number that occurs exactly once in the input and once in the target"
            )
            raise OptionError("type", "C145", message, "remove this method, or use `noise` or `synonym`")

    def _draw_replacement(self, mention: Tokens, label: str, casing: Pattern, draws: Draws) -> Tokens | None:
        if _DIGITS.fullmatch("".join(mention)):
            return _other_digits(mention, draws)
        name = super()._draw_replacement(mention, label, casing, draws)
        if name is None or pattern(" ".join(mention)) != "title":
            return name
        cased = (recase("title", name[0]), *name[1:])
        return None if cased == mention else cased


def _other_digits(number: Tokens, draws: Draws) -> Tokens | None:
    """A number with as many digits and the same separators; a single digit is at least 2, which needs a plural."""
    least = 2 if number[0].isdigit() and len("".join(number)) == 1 else 1

    def draw_digit(digit: str, is_first: bool) -> str:
        if not digit.isdigit() or (is_first and digit == "0"):
            return digit
        return str(least + draws.below(10 - least)) if is_first else str(draws.below(10))

    for _ in range(_TRIES):
        drawn = tuple(
            "".join(draw_digit(digit, not place and not at) for at, digit in enumerate(token))
            for place, token in enumerate(number)
        )
        if drawn != number:
            return drawn
    return None
