"""Converts a new version of a sentence to edits of its tokens, or rejects it if a label would become uncertain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from rapidfuzz.distance import Indel

from halluc.augmentation.methods.base import Rejected
from halluc.core.edits import Editable, Replace, between_locked, is_free


class EditAlignment:
    """Aligns new tokens with those of an example, as edits that are each completely inside or outside of a span.

    ``keeps_positions``: the new tokens were made by a model that changes single tokens.
    """

    def __init__(self, example: Editable, new: Sequence[str], keeps_positions: bool, why: str) -> None:
        self._old = example.tokens
        self._keeps_positions = keeps_positions
        self._why = why
        self._zones = zones(example)
        self._new = list(new) if keeps_positions else _split_as_original(example.tokens, new)

    def edits(self) -> list[Replace]:
        """The edits from left to right.

        Raises:
            Rejected: a token changed across the border of a span, or moved over it.
        """
        in_place = self._token_edits()
        if in_place is not None:
            return in_place
        edits: list[Replace] = []
        done, new_done = 0, 0
        for at, new_at in [*self._matches(), (len(self._old), len(self._new))]:
            edits += self._block(done, at, new_done, new_at)
            # Matches ignore case, so the case of a kept token may differ.
            if self._keeps_positions and at < len(self._old) and self._old[at] != self._new[new_at]:
                edits.append(self._edit(at, at + 1, new_at, new_at + 1))
            done, new_done = at + 1, new_at + 1
        if self._moves(edits):
            raise Rejected("alignment")
        return edits

    def _edit(self, start: int, end: int, new_start: int, new_end: int) -> Replace:
        return Replace(start, end, tuple(self._new[new_start:new_end]), self._why)

    def _token_edits(self) -> list[Replace] | None:
        """The edits of an alignment token by token, the usual case; None if that is impossible, or a word moved."""
        if not self._keeps_positions or len(self._old) != len(self._new):
            return None
        changed = [at for at, (before, after) in enumerate(zip(self._old, self._new, strict=True)) if before != after]
        before = {self._old[at].casefold() for at in changed}
        if not before.isdisjoint([self._new[at].casefold() for at in changed]):
            return None
        return [self._edit(at, at + 1, at, at + 1) for at in changed]

    def _matches(self) -> list[tuple[int, int]]:
        """Positions of the tokens that were kept, ignoring case."""
        old, new = [word.casefold() for word in self._old], [word.casefold() for word in self._new]
        return longest_match(old, new, [2 if zone < 0 else 3 for zone in self._zones])

    def _block(self, start: int, end: int, new_start: int, new_end: int) -> list[Replace]:
        """The edits of the tokens between two matches."""
        if start == end:
            return [self._edit(start, end, new_start, new_end)] if new_start < new_end else []
        if new_start == new_end:
            return [self._edit(at, at + 1, new_start, new_start) for at in range(start, end)]
        if self._keeps_positions and end - start == new_end - new_start:
            return [self._edit(start + n, start + n + 1, new_start + n, new_start + n + 1) for n in range(end - start)]
        border = next((at for at in range(start + 1, end) if self._zones[at] != self._zones[at - 1]), None)
        if border is None:
            return [self._edit(start, end, new_start, new_end)]
        cut = self._find_border(start, border, end, new_start, new_end)
        return [*self._block(start, border, new_start, cut), *self._block(border, end, cut, new_end)]

    def _find_border(self, start: int, border: int, end: int, new_start: int, new_end: int) -> int:
        """The position in the new tokens that corresponds to ``border``, by the similarity of the letters around it.

        Raises:
            Rejected: no position is similar enough.
        """
        left, right = "".join(self._old[start:border]), "".join(self._old[border:end])
        best, best_cut = 0.0, -1
        for cut in range(new_start + 1, new_end):
            first = Indel.normalized_similarity(left, "".join(self._new[new_start:cut]))
            second = Indel.normalized_similarity(right, "".join(self._new[cut:new_end]))
            if min(first, second) >= 0.5 and first + second > best:
                best, best_cut = first + second, cut
        if best_cut < 0:
            raise Rejected("alignment")
        return best_cut

    def _moves(self, edits: Sequence[Replace]) -> bool:
        """Whether a word moved out of a span, or into one."""
        left: dict[str, set[int]] = {}
        for edit in edits:
            for token in self._old[edit.start : edit.end]:
                left.setdefault(token.casefold(), set()).add(zone_of(edit, self._zones))
        return any(
            not left.get(token.casefold(), set()) <= {zone_of(edit, self._zones)}
            for edit in edits
            for token in edit.tokens
        )


def zones(example: Editable) -> list[int]:
    """For each token the number of its span, or -1."""
    result = [-1] * len(example.tokens)
    for number, (start, end, _) in enumerate(example.spans):
        result[start:end] = [number] * (end - start)
    return result


def zone_of(edit: Replace, zones: Sequence[int]) -> int:
    if edit.start < edit.end:
        return zones[edit.start]
    inside = 0 < edit.start < len(zones) and zones[edit.start - 1] == zones[edit.start]
    return zones[edit.start] if inside else -1


def permitted_edits(example: Editable, edits: Sequence[Replace], mentions: bool) -> Sequence[Replace]:
    """The permitted edits: without those in mentions, unless ``mentions``, and without replacements of locked tokens.

    Raises:
        Rejected: another edit touches a locked range, or a mention or field would become empty.
    """
    in_zone = zones(example)
    if not mentions:
        edits = [edit for edit in edits if zone_of(edit, in_zone) < 0]
    if example.locked:
        edits = [
            edit for edit in edits
            if is_free(example, edit.start, edit.end) or (edit.end - edit.start, len(edit.tokens)) != (1, 1)
        ]  # fmt: skip
        if not all(is_free(example, edit.start, edit.end) for edit in edits):
            raise Rejected("locked")
    shrunk = [edit for edit in edits if len(edit.tokens) < edit.end - edit.start]
    if shrunk and any(_is_emptied(start, end, edits) for start, end in _protected_ranges(example)):
        raise Rejected("alignment")
    return edits


def _protected_ranges(example: Editable) -> Iterator[tuple[int, int]]:
    """Mentions, and the fields between locked ranges."""
    yield from (span[:2] for span in example.spans)
    yield from (field for field in between_locked(example) if field[0] < field[1])


def _is_emptied(start: int, end: int, edits: Sequence[Replace]) -> bool:
    inside = [edit for edit in edits if start <= edit.start and edit.end <= end and edit.start < edit.end]
    return sum(edit.end - edit.start - len(edit.tokens) for edit in inside) == end - start


def _split_as_original(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The tokens of a model with its own tokenizer, split at punctuation if the example has a part as a token."""
    written = {word.casefold() for word in old}
    result: list[str] = []
    for word in new:
        pieces = [word] if word.casefold() in written else re.findall(r"\w+|[^\w\s]", word)
        apart = len(pieces) > 1 and any(piece.casefold() in written for piece in pieces)
        result += pieces if apart else [word]
    return result


# A larger table takes more than a tenth of a second.
_MOST_CELLS = 1_000_000


def longest_match(old: Sequence[str], new: Sequence[str], weights: Sequence[int]) -> list[tuple[int, int]]:
    """The positions of a common subsequence with the largest weight; each old token has a weight.

    Common prefixes and suffixes are matched first, the rest by dynamic programming, or by ``difflib`` if it is very
    long.
    """
    first, last, new_last = 0, len(old), len(new)
    while first < last and first < new_last and old[first] == new[first]:
        first += 1
    while first < last and first < new_last and old[last - 1] == new[new_last - 1]:
        last, new_last = last - 1, new_last - 1
    if (last - first) * (new_last - first) > _MOST_CELLS:
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return [(block.a + n, block.b + n) for block in blocks for n in range(block.size)]
    tail = [(last + n, new_last + n) for n in range(len(old) - last)]
    inner = _heaviest(old[first:last], new[first:new_last], weights[first:last])
    return [(n, n) for n in range(first)] + [(first + at, first + new_at) for at, new_at in inner] + tail


def _heaviest(old: Sequence[str], new: Sequence[str], weights: Sequence[int]) -> list[tuple[int, int]]:
    below = [0] * (len(new) + 1)
    rows = [below]
    for word, weight in zip(reversed(old), reversed(weights), strict=True):
        row, right = [0] * (len(new) + 1), 0
        for at in range(len(new) - 1, -1, -1):
            if below[at] > right:
                right = below[at]
            if new[at] == word and below[at + 1] + weight > right:
                right = below[at + 1] + weight
            row[at] = right
        rows.append(row)
        below = row
    rows.reverse()
    result: list[tuple[int, int]] = []
    at = new_at = 0
    while at < len(old) and new_at < len(new):
        if old[at] == new[new_at] and rows[at][new_at] == rows[at + 1][new_at + 1] + weights[at]:
            result.append((at, new_at))
            at, new_at = at + 1, new_at + 1
        elif rows[at][new_at] == rows[at + 1][new_at]:
            at += 1
        else:
            new_at += 1
    return result
