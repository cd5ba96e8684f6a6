"""The separately translated parts of an example, and their translations as edits of the example.

Spans and locked ranges are *held*, that is, not translated. They divide a text into segments, or they are replaced by
placeholders, which must be in the result.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Literal, NamedTuple

from halluc.augmentation.language.articles import agreeing_article, is_article
from halluc.augmentation.methods.base import Rejected
from halluc.augmentation.translation.wording import CONTRACTIONS, join_tokens, restore_case, split
from halluc.core.edits import Edit, Editable, Range, Reorder, Replace, between_borders


class Returned(NamedTuple):
    """A translation: the tokens between held ranges, and the numbers of these ranges in their new order."""

    segments: tuple[tuple[str, ...], ...]
    order: tuple[int, ...]

    @property
    def words(self) -> list[str]:
        return [token for segment in self.segments for token in segment]


@dataclass(frozen=True)
class TranslationUnit:
    """Tokens ``start`` to ``end`` of an example, which begin and end with a word or a held range.

    ``sent`` is the text for the engine, including the punctuation around the unit.
    """

    example: Editable
    start: int
    end: int
    held: tuple[Range, ...]
    sent: str

    def segments(self) -> list[Range]:
        """The ranges between held ones, one more than held ranges; some may be empty."""
        starts = [self.start, *(end for _, end in self.held)]
        return list(zip(starts, [*(start for start, _ in self.held), self.end], strict=True))

    def words(self) -> list[str]:
        """The tokens that are not held."""
        return [token for start, end in self.segments() for token in self.example.tokens[start:end]]

    def parse_returned(self, text: str, placeholder: str, vocabulary: Collection[str]) -> Returned:
        """
        Raises:
            Rejected: a placeholder was lost, duplicated or changed, or the result has no word.
        """
        name = _placeholder_pattern(placeholder)
        tokens = split(name.sub(r" \g<0> ", text), vocabulary) if self.held else split(text, vocabulary)
        solid = [number for number, token in enumerate(tokens) if any(map(str.isalnum, token))]
        if not solid:
            raise Rejected("no translation")
        segments: list[list[str]] = [[]]
        order: list[int] = []
        for token in tokens[solid[0] : solid[-1] + 1]:
            match = name.fullmatch(token) if self.held else None
            if match:
                order.append(int(match[1]))
                segments.append([])
            else:
                segments[-1].append(token)
        if sorted(order) != list(range(len(self.held))):
            raise Rejected("placeholders")
        return Returned(tuple(self._restore_casing(segments, order, vocabulary)), tuple(order))

    def _restore_casing(
        self, segments: Sequence[list[str]], order: Sequence[int], vocabulary: Collection[str]
    ) -> list[tuple[str, ...]]:
        """The segments with the capitalisation of the original, and English articles that fit the following word."""
        held = [self.example.tokens[self.held[number][0]] for number in order]
        # A held range also counts as a word of the sentence.
        whole = [token for segment, word in zip(segments, [*held, None], strict=True) for token in (*segment, word)]
        original = self.example.tokens[self.start : self.end]
        cased = iter(restore_case([token for token in whole if token is not None], original, vocabulary))
        written: list[tuple[str, ...]] = []
        for number, segment in enumerate(segments):
            tokens = [next(cased) for _ in segment]
            if number < len(held):
                next(cased)
                if tokens and is_article(tokens[-1]) and "a" in vocabulary and "an" in vocabulary:
                    tokens[-1] = agreeing_article(tokens[-1], held[number])
            written.append(tuple(tokens))
        return written

    def edits(self, returned: Returned, why: str) -> tuple[list[Edit], list[Edit]]:
        """The edits that replace the unit by the translation: held ranges are moved first, then words are replaced.

        Raises:
            Rejected: a held range that is locked would move, or words would cross the border between two texts.
        """
        moves: list[Edit] = []
        segments = self.segments()
        if list(returned.order) != sorted(returned.order):
            if any(start < self.end and end > self.start and start < end for start, end in self.example.locked):
                raise Rejected("order")
            move, segments = self._move_held(returned.order, why)
            moves = [move]
        self._refuse_crossed(returned)
        old = [self.example.tokens[start:end] for start, end in self.segments()]
        replaced: list[Edit] = [
            Replace(start, end, new, why)
            for (start, end), before, new in zip(segments, old, returned.segments, strict=True)
            if before != new
        ]
        return moves, replaced

    def _refuse_crossed(self, returned: Returned) -> None:
        """
        Raises:
            Rejected: words would cross a locked range, which divides two texts, or a text would become empty.
        """
        locked = self.example.locked
        if (self.start, self.start) in locked and self.held and self.held[0][0] == self.start and returned.segments[0]:
            raise Rejected("border")  # it would be inserted before the border
        sizes = [(0, 0)]
        for number, ((start, end), new) in enumerate(zip(self.segments(), returned.segments, strict=True)):
            if number:
                first, last = self.held[number - 1]
                if any(first < stop and begin < last for begin, stop in locked if begin < stop):
                    sizes.append((0, 0))
                else:  # a mention, which stays
                    sizes[-1] = (sizes[-1][0] + 1, sizes[-1][1] + 1)
            sizes[-1] = (sizes[-1][0] + end - start, sizes[-1][1] + len(new))
        if any(before and not after for before, after in sizes):
            raise Rejected("border")

    def _move_held(self, order: Sequence[int], why: str) -> tuple[Reorder, list[Range]]:
        """The edit that moves held ranges, and leaves the segments between them in order; and these segments then."""
        segments = self.segments()
        before: list[Range] = [segments[0]]
        after: list[Range] = [segments[0]]
        for number, held in enumerate(self.held):
            before += [held, segments[number + 1]]
            after += [self.held[order[number]], segments[number + 1]]
        pieces = [piece for piece in before if piece[0] < piece[1]]
        number_of = {piece: number for number, piece in enumerate(pieces)}
        cuts = (*(start for start, _ in pieces), pieces[-1][1])
        borders = accumulate((end - start for start, end in after), initial=self.start)
        reorder = Reorder(cuts, tuple(number_of[piece] for piece in after if piece[0] < piece[1]), why)
        return reorder, list(pairwise(borders))[::2]


def _placeholder_pattern(placeholder: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(placeholder)}(\d+)(?!\w)")


def units_of(
    example: Editable, strategy: Literal["segments", "placeholders"], min_words: int, placeholder: str
) -> list[TranslationUnit]:
    """The translatable parts of an example, from left to right, with at least ``min_words`` words each.

    Raises:
        Rejected: the text has a word that looks like a placeholder.
    """
    held, fields = _held_ranges(example), between_borders(example)
    if any(start < border < end for border, _ in fields[1:] for start, end in held):
        return []
    if strategy == "segments":
        parts: list[tuple[Range, tuple[Range, ...]]] = [(run, ()) for field in fields for run in _runs(field, held)]
    else:
        if any(_placeholder_pattern(placeholder).search(token) for token in example.tokens):
            raise Rejected("placeholder in text")
        parts = [(field, tuple(one for one in held if field[0] <= one[0] and one[1] <= field[1])) for field in fields]
    units = (_unit(example, part, inside, placeholder) for part, inside in parts)
    return [unit for unit in units if unit is not None and _count(unit.words()) >= min_words]


def _held_ranges(example: Editable) -> list[Range]:
    """Spans and locked ranges; overlapping ones are merged."""
    merged: list[Range] = []
    for start, end in sorted([*(span[:2] for span in example.spans), *example.locked]):
        if start == end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _runs(field: Range, held: Sequence[Range]) -> list[Range]:
    runs: list[Range] = []
    done = field[0]
    for start, end in held:
        if field[0] <= start and end <= field[1]:
            runs.append((done, start))
            done = end
    return [(start, end) for start, end in [*runs, (done, field[1])] if start < end]


def _unit(example: Editable, part: Range, held: tuple[Range, ...], placeholder: str) -> TranslationUnit | None:
    """A part without the punctuation at its ends; None if it is only punctuation."""
    numbers = {start: number for number, (start, _) in enumerate(held)}
    inside = {at for start, end in held for at in range(start, end)}
    solid = [at for at in range(*part) if at in inside or any(map(str.isalnum, example.tokens[at]))]
    begin = part[0]
    while solid and solid[0] not in inside and example.tokens[solid[0]].lower() in CONTRACTIONS:
        begin = solid.pop(0) + 1  # a part of the held range before it
    if not solid:
        return None
    tokens = [
        f"{placeholder}{numbers[at]}" if at in numbers else example.tokens[at]
        for at in range(begin, part[1])
        if at in numbers or at not in inside
    ]
    return TranslationUnit(example, solid[0], solid[-1] + 1, held, join_tokens(tokens))


def _count(tokens: Sequence[str]) -> int:
    """The number of words, without those in capitals, since engines translate headlines and tables badly."""
    return sum(any(map(str.isalpha, token)) and not (len(token) > 1 and token.isupper()) for token in tokens)
