"""Tokens shuffled within mentions and between them (Dai & Adel 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from halluc.augmentation.methods.base import Augmenter, Lexicon, MethodConfig, RateConfig, Tokens
from halluc.config.section import Share
from halluc.core.edits import Edit, Editable, Range, Reorder, free_runs
from halluc.core.rng import Draws

# The number of draws of a random order, which may change nothing, before tokens are rotated.
_TRIES = 6


class ShuffleWithinSegmentsConfig(RateConfig):
    type: Literal["shuffle_within_segments"]
    rate: Share = Field(
        default=0.3,
        description="share of the segments of an example that is shuffled, on average; a single token does not count",
    )


class ShuffleWithinSegments(Augmenter):
    """Shuffles the tokens of mentions, and of the runs between them (Dai & Adel 2020)."""

    Config: ClassVar[type[MethodConfig]] = ShuffleWithinSegmentsConfig
    instead: ClassVar[str | None] = (
        "use `sentence_reorder`, or {type: nlpaug, augmenter: word.RandomWordAug, args: {action: swap}}"
    )

    def __init__(self, config: ShuffleWithinSegmentsConfig, training: Lexicon) -> None:
        self.config = config

    def propose(self, example: Editable, draws: Draws) -> Sequence[Edit]:
        segments = _segments(example)
        chosen = self.config.choose(len(segments), draws)
        return [_shuffle(example.tokens, *segments[number], draws) for number in chosen]


def _segments(example: Editable) -> list[Range]:
    """The spans and the runs between them that have at least two different tokens, and nothing locked."""
    segments: list[Range] = []
    for done, stop in free_runs(example):
        for start, end, _ in example.spans:
            if done <= start and end <= stop:
                segments += ((done, start), (start, end))
                done = end
        segments.append((done, stop))
    return [segment for segment in segments if segment[1] - segment[0] > 1 and _differ(example.tokens, *segment)]


def _differ(tokens: Tokens, start: int, end: int) -> bool:
    return tokens[start] != tokens[end - 1] or tokens[start:end].count(tokens[start]) < end - start


def _shuffle(tokens: Tokens, start: int, end: int, draws: Draws) -> Reorder:
    before = tokens[start:end]
    pieces = range(len(before))
    # A rotation by one always changes tokens that are not all equal.
    order = [*pieces[1:], 0]
    for _ in range(_TRIES):
        drawn = draws.shuffled(pieces)
        if tuple([before[piece] for piece in drawn]) != before:
            order = drawn
            break
    return Reorder(tuple(range(start, end + 1)), tuple(order), "shuffled")
