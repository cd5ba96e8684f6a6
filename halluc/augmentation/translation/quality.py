"""Quality checks of a round trip: similarity to the original, length, script, numbers."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache, lru_cache
from typing import Any

from pydantic import Field, model_validator

from halluc.config.section import PositiveShare, Section, Share


class QualityConfig(Section):
    """Which round trips are rejected."""

    chrf_min: Share = Field(
        default=0.5,
        description="minimum similarity to the original (chrF2, 0 to 1); below it, the text is too different",
    )
    chrf_max: Share = Field(default=1.0, description="maximum similarity to the original (chrF2, 0 to 1)")
    length_min: PositiveShare = Field(
        default=0.5, description="minimum length, relative to the number of tokens of the original"
    )
    length_max: float = Field(
        default=1.75, ge=1, le=100, description="maximum length, relative to the number of tokens of the original"
    )
    script: bool = Field(default=True, description="reject letters of a script that the original does not have")
    numbers: bool = Field(default=True, description="reject texts with other numbers than the original")
    pivot_words: bool = Field(
        default=True,
        description="reject words of the pivot language that were not translated back: words that occur in the pivot "
        "text, but neither in the original nor in the training split",
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> QualityConfig:
        if self.chrf_max <= self.chrf_min:
            raise ValueError(f"`chrf_max: {self.chrf_max}` is not more than `chrf_min: {self.chrf_min}`")
        return self


def fault(
    config: QualityConfig, before: Sequence[str], after: Sequence[str], pivot: Sequence[str], known: Collection[str]
) -> str | None:
    """Why a round trip is rejected; None if it is not.

    Args:
        before, after, pivot: the tokens of the original, of the result, and of the text in the other language, without
            placeholders.
        known: the tokens of the training split.
    """
    if _essence(before) == _essence(after):
        return "unchanged"
    if not config.length_min <= len(after) / max(1, len(before)) <= config.length_max:
        return "length"
    if config.script and not _scripts(after) <= _scripts(before):
        return "script"
    if config.numbers and _numbers(before) != _numbers(after):
        return "numbers"
    if config.pivot_words and _pivot_words(before, after, pivot, known):
        return "not translated back"
    similarity = chrf(" ".join(after), " ".join(before))
    if not config.chrf_min <= similarity <= config.chrf_max:
        return "chrF"
    return None


def _essence(tokens: Sequence[str]) -> list[str]:
    """The words of a text, without case."""
    return [token.casefold() for token in tokens if any(map(str.isalnum, token))]


def _scripts(tokens: Sequence[str]) -> set[str]:
    return {_script(char) for char in set("".join(tokens)) if char.isalpha()}


@lru_cache(maxsize=1 << 14)
def _script(char: str) -> str:
    """The script of a letter: the first word of its Unicode name, such as LATIN, CYRILLIC or CJK."""
    return unicodedata.name(char, "?").split(" ", 1)[0].split("-", 1)[0]


def _numbers(tokens: Sequence[str]) -> Counter[str]:
    """The digits of each token that has some, without separators."""
    return Counter(digits for token in tokens if (digits := "".join(filter(str.isdigit, token))))


def _pivot_words(before: Sequence[str], after: Sequence[str], pivot: Sequence[str], known: Collection[str]) -> set[str]:
    new = {token.casefold() for token in after if token.isalpha() and token not in known}
    new -= {token.casefold() for token in before}
    return {word for word in new & {token.casefold() for token in pivot} if word not in known}


def chrf(hypothesis: str, reference: str) -> float:
    """chrF2 of one sentence (Popović 2015), 0 to 1: the F-score of character n-grams, with recall weighted twice."""
    return float(_chrf().sentence_score(hypothesis, [reference]).score) / 100


@cache
def _chrf() -> Any:
    from sacrebleu.metrics import CHRF

    return CHRF()
