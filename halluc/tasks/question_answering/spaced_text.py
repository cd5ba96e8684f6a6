"""A text as tokens and the characters between them, from which any part can be restored exactly."""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from rapidfuzz.distance import Levenshtein

from halluc.core.edits import EditError, Range
from halluc.data.tokenization import Tokenizer, is_cut_into_characters


@dataclass(frozen=True, slots=True)
class SpacedText:
    """Tokens, and ``spaces``: the characters before each token, and finally those after the last.

    ``divided`` are tokens that form one word with the previous token: an annotated answer begins or ends between the
    two. A model gets the whole word, so that annotation does not change its input.
    """

    tokens: tuple[str, ...]
    spaces: tuple[str, ...]
    divided: frozenset[int] = field(default=frozenset(), compare=False)

    @classmethod
    def at(cls, text: str, bounds: Sequence[Range], uncut: Sequence[Range] | None = None) -> SpacedText:
        """The text with tokens at ``bounds``, in characters, from left to right.

        Args:
            uncut: the positions of the words that these tokens are parts of; None if each token is a word.
        """
        inside = {at for start, end in uncut or () for at in range(start + 1, end)}
        ends = [0, *(end for _, end in bounds)]
        starts = [*(start for start, _ in bounds), len(text)]
        return cls(
            tuple(sys.intern(text[start:end]) for start, end in bounds),
            tuple(sys.intern(text[end:start]) for end, start in zip(ends, starts, strict=True)),
            frozenset(n for n in range(1, len(bounds)) if bounds[n][0] in inside and bounds[n - 1][1] == bounds[n][0]),
        )

    @classmethod
    def cut(cls, text: str, tokenizer: Tokenizer, borders: Collection[int] = ()) -> SpacedText:
        """The tokens of a text; a token that crosses one of the ``borders``, in characters, is divided there."""
        bounds, _ = tokenizer.cut(text)
        cuts = sorted(borders)
        divided: list[Range] = []
        for start, end in bounds:
            inside = cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
            divided += pairwise([start, *dict.fromkeys(inside), end]) if inside else [(start, end)]
        return cls.at(text, divided, bounds if len(divided) > len(bounds) else None)

    @classmethod
    def from_tokens(cls, tokens: Sequence[str]) -> SpacedText:
        """Tokens without a text: separated by blanks, unless they are characters of a script without blanks."""
        blank = "" if is_cut_into_characters(tokens) else " "
        return cls(tuple(tokens), ("", *[blank] * (len(tokens) - 1), "") if tokens else ("",))

    @property
    def word_starts(self) -> list[int]:
        """The first token of each word, and finally the number of tokens."""
        return [*(number for number in range(len(self.tokens)) if number not in self.divided), len(self.tokens)]

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens as model input: those divided by an answer are joined."""
        if not self.divided:
            return self.tokens
        return tuple("".join(self.tokens[start:end]) for start, end in pairwise(self.word_starts))

    @property
    def text(self) -> str:
        return "".join([part for pair in zip(self.spaces, (*self.tokens, ""), strict=True) for part in pair])

    def part(self, start: int, end: int) -> str:
        """The text of tokens ``start`` to ``end`` (half open), including the characters between them."""
        return self.tokens[start] + "".join(
            [self.spaces[place] + self.tokens[place] for place in range(start + 1, end)]
        )

    @property
    def offsets(self) -> list[int]:
        """The start of each token in characters."""
        sizes = [len(space) + len(token) for space, token in zip(self.spaces[1:], self.tokens, strict=True)]
        return list(accumulate(sizes, initial=len(self.spaces[0])))[: len(self.tokens)]

    def borders(self) -> tuple[dict[int, int], dict[int, int]]:
        """By character: the token that begins there, and the token after the one that ends there."""
        starts = {start: number for number, start in enumerate(self.offsets)}
        return starts, {start + len(self.tokens[number]): number + 1 for start, number in starts.items()}

    def with_tokens(self, tokens: tuple[str, ...], kept: Sequence[tuple[Range, Range]] = ()) -> SpacedText:
        """The text with other tokens.

        Blanks next to unchanged tokens stay. A new token is surrounded by blanks, unless the tokens are characters of a
        script without blanks, or it replaces a single token.

        Args:
            kept: pairs of old and new ranges with equal tokens, and equal blanks between them.

        Raises:
            EditError: the tokens of such a range differ.
        """
        if tokens == self.tokens:
            return self
        blank = "" if is_cut_into_characters(self.tokens) else " "
        spaces: list[str] = []
        inside: set[int] = set()
        old_at = new_at = 0
        for (old_start, old_end), (new_start, new_end) in (*kept, ((len(self.tokens),) * 2, (len(tokens),) * 2)):
            if self.tokens[old_start:old_end] != tokens[new_start:new_end] or new_start < new_at:
                raise EditError("an edit changes an answer")
            old, before = self.tokens[old_at:old_start], self.spaces[old_at:old_start]
            spaces += _align_spaces(old, before, tokens[new_at:new_start], blank)
            spaces += self.spaces[old_start:old_end]
            inside |= set(range(new_start + 1, new_end))
            old_at, new_at = old_end, new_end
        parts = {self.tokens[number - 1 : number + 1] for number in self.divided}
        divided: set[int] = set()
        for place in range(1, len(tokens)):
            if not spaces[place] and tokens[place - 1 : place + 1] in parts:
                divided.add(place)
                continue
            is_word = tokens[place - 1][-1:].isalnum() and tokens[place][:1].isalnum()
            if is_word and not spaces[place] and place not in inside:
                spaces[place] = blank
        around = (*self.spaces[:1], *spaces[1:], self.spaces[-1]) if tokens else ("",)
        return SpacedText(tokens, around, frozenset(divided))


def _align_spaces(old: Sequence[str], spaces: Sequence[str], new: Sequence[str], blank: str) -> list[str]:
    """The characters before each of the ``new`` tokens."""
    if old == new:
        return list(spaces)
    result = [blank] * len(new)
    for part in Levenshtein.opcodes(old, new):
        if part.tag in ("equal", "replace"):
            result[part.dest_start : part.dest_end] = spaces[part.src_start : part.src_end]
    return result
