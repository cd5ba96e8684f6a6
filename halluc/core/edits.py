"""Edits of labelled texts: the only code that changes the tokens of an example and moves its spans.

An augmenter proposes edits, and ``apply`` applies or refuses them, so labels stay aligned with tokens in every method
and task.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from operator import ge, itemgetter
from typing import NamedTuple

from halluc.core.examples import Span

Range = tuple[int, int]


class Editable(NamedTuple):
    """The input of an augmenter: tokens, labelled spans, and locked ranges (half open) that must not change.

    Spans and locked ranges are sorted, and spans do not overlap. A task locks the tokens that its label depends on, and
    the borders between its fields: an empty locked range separates two neighbours that may both change. A span that is
    a locked range is replaced completely or not at all. ``labels`` are the labels of the whole example, if the task has
    such labels. ``target`` is the text to be generated from it, if the task has one; ``text`` is the exact text if the
    tokens were generated and not edited, otherwise empty.
    """

    tokens: tuple[str, ...]
    spans: tuple[Span, ...] = ()
    locked: tuple[Range, ...] = ()
    labels: tuple[str, ...] = ()
    target: str = ""
    text: str = ""


class Replace(NamedTuple):
    """Replace tokens ``start`` to ``end`` by ``tokens``; with ``start == end`` they are inserted there.

    The range is completely outside, completely inside or exactly on a span; inside or on a span, the span is resized
    and keeps its label. Tokens inserted at the border of a span are outside of it.
    """

    start: int
    end: int
    tokens: tuple[str, ...]
    why: str


class Reorder(NamedTuple):
    """Permute the pieces between ``cuts``: the new n-th piece is the old piece ``order[n]``.

    No cut is inside a span, unless the whole permutation is inside it: then the span stays unchanged.
    """

    cuts: tuple[int, ...]
    order: tuple[int, ...]
    why: str


Edit = Replace | Reorder

# A named tuple defined this way is created three times as fast.
_new_tuple = tuple.__new__


class EditError(ValueError):
    """An invalid edit: a bug in the method that proposes it."""


def apply(example: Editable, edits: Sequence[Edit]) -> Editable:
    """The example after all ``edits``, in any order; their positions are those of ``example``.

    Raises:
        EditError: edits overlap, are outside the example, cross the border of a span, leave a span or the example
            without a token, insert an empty token, or touch a locked range.
    """
    if not edits:
        return example
    quickly = _replaced(example, edits)
    if quickly is not None:
        return quickly
    placed = _placed(example, edits)
    tokens: list[str] = []
    done = 0
    for start, end, _, edit in placed:
        tokens += example.tokens[done:start]
        tokens += edit.tokens if isinstance(edit, Replace) else permuted(example.tokens, edit)
        done = end
    tokens += example.tokens[done:]
    if not tokens and example.tokens:
        raise EditError("the example would be empty")
    spans = tuple([_moved(span, placed) for span in example.spans]) if example.spans else ()
    if len(spans) > 1 and any(isinstance(edit, Reorder) for edit in edits):
        spans = tuple(sorted(spans))
    locked = tuple([_shifted(held, placed) for held in example.locked]) if example.locked else ()
    return Editable(tuple(tokens), spans, locked, example.labels, example.target)


def is_free(example: Editable, start: int, end: int) -> bool:
    """Whether tokens ``start`` to ``end`` touch no locked range, so that they may be edited."""
    return not any(start < last and end > first for first, last in example.locked)


def is_replaceable(example: Editable, start: int, end: int) -> bool:
    """Whether tokens ``start`` to ``end`` may be replaced as a whole: they are free, or exactly a locked span."""
    if is_free(example, start, end):
        return True
    return (start, end) in example.locked and any(span[:2] == (start, end) for span in example.spans)


def _replaced(example: Editable, edits: Sequence[Edit]) -> Editable | None:
    """The example after valid replacements that are sorted from left to right; None for all other edits.

    This fast path takes a third of the time, and most methods mostly replace single tokens.
    """
    tokens = list(example.tokens)
    size, done, shift = len(tokens), 0, 0
    moving: list[_Placed] = []
    for edit in edits:
        if len(edit) != 4:
            return None
        start, end, new, _ = edit
        if not done <= start < end <= size or "" in new or (example.locked and not is_replaceable(example, start, end)):
            return None
        done = end
        if end == start + 1 and len(new) == 1:
            tokens[start + shift] = new[0]
        else:
            tokens[start + shift : end + shift] = new
            delta = len(new) - (end - start)
            shift += delta
            moving.append((start, end, delta, edit))
    if not moving:
        return _new_tuple(Editable, (tuple(tokens), example.spans, example.locked, example.labels, example.target, ""))
    if not tokens:
        return None
    spans = tuple([_moved(span, moving) for span in example.spans]) if example.spans else ()
    locked = tuple([_shifted(held, moving) for held in example.locked]) if example.locked else ()
    return Editable(tuple(tokens), spans, locked, example.labels, example.target)


def between_locked(example: Editable) -> list[Range]:
    """The ranges between the locked ranges, from left to right, including empty ones."""
    starts = (0, *(end for _, end in example.locked))
    return list(zip(starts, (*(start for start, _ in example.locked), len(example.tokens)), strict=True))


def between_borders(example: Editable) -> list[Range]:
    """The fields of an example: the ranges between its borders (empty locked ranges), including empty ones."""
    borders = [start for start, end in example.locked if start == end]
    return list(zip([0, *borders], [*borders, len(example.tokens)], strict=True))


def free_positions(example: Editable, in_spans: bool) -> Sequence[int]:
    """The positions of tokens that may change individually; with ``in_spans`` also those in spans."""
    if not example.locked and (in_spans or not example.spans):
        return range(len(example.tokens))
    positions: list[int] = []
    done = 0
    for start, end, _ in () if in_spans else example.spans:
        positions += range(done, start)
        done = end
    positions += range(done, len(example.tokens))
    return [at for at in positions if is_free(example, at, at + 1)] if example.locked else positions


def free_runs(example: Editable) -> list[Range]:
    """The maximal ranges, from left to right, without locked tokens and without tokens of partly locked spans."""
    if not example.locked:
        return [(0, len(example.tokens))] if example.tokens else []
    held = [(start, end) for start, end, _ in example.spans if not is_free(example, start, end)]
    runs: list[Range] = []
    done = 0
    for first, last in sorted([*example.locked, *held, (len(example.tokens), len(example.tokens))]):
        if first > done:
            runs.append((done, first))
        done = max(done, last)
    return runs


# An edit with its range and the number of tokens that it adds.
_Placed = tuple[int, int, int, Edit]


def _placed(example: Editable, edits: Sequence[Edit]) -> list[_Placed]:
    """The edits from left to right, after validation."""
    size = len(example.tokens)
    placed: list[_Placed] = []
    for edit in edits:
        start, end = edit[:2] if isinstance(edit, Replace) else _range(edit)
        if isinstance(edit, Replace) and "" in edit.tokens:
            raise EditError(f"{edit}  would add an empty token")
        placed.append((start, end, len(edit.tokens) - (end - start) if isinstance(edit, Replace) else 0, edit))
        if not 0 <= start <= end <= size:
            raise EditError(f"{edit} lies outside an example of {size} tokens")
        may_be = is_replaceable if isinstance(edit, Replace) else is_free
        if example.locked and not may_be(example, start, end):
            raise EditError(f"{edit} touches a locked range")
    placed.sort(key=itemgetter(0, 1))
    for last, one in pairwise(placed):
        if one[0] < last[1] or one[:2] == last[:2]:
            raise EditError(f"{last[3]} and {one[3]} overlap")
    return placed


def _range(edit: Reorder) -> Range:
    cuts, order = edit.cuts, edit.order
    if len(cuts) < 2 or sorted(order) != list(range(len(cuts) - 1)) or any(map(ge, cuts, cuts[1:])):
        raise EditError(f"{edit} is not a permutation of the pieces between ascending cuts")
    return cuts[0], cuts[-1]


def permuted(tokens: Sequence[str], edit: Reorder) -> list[str]:
    """The tokens between the cuts of a permutation, in their new order."""
    return [token for piece in edit.order for token in tokens[edit.cuts[piece] : edit.cuts[piece + 1]]]


def _moved(span: Span, placed: Sequence[_Placed]) -> Span:
    """The position of a span after the edits."""
    first, last, label = span
    begin, end = first, last
    for start, stop, delta, edit in placed:
        if stop <= first:
            begin += delta
            end += delta
        elif start >= last:
            break
        elif first <= start and stop <= last:
            end += delta
        elif isinstance(edit, Reorder) and start <= first and last <= stop:
            offset = _offset(edit, first, last)
            begin += offset
            end += offset
        else:
            raise EditError(f"{edit}  crosses the boundary of {span}")
    if begin >= end:
        raise EditError(f"{span} would be empty")
    return span if begin == first and end == last else Span(begin, end, label)


def _offset(edit: Reorder, first: int, last: int) -> int:
    """How far the piece with tokens ``first`` to ``last`` moves."""
    cuts = edit.cuts
    position = cuts[0]
    for piece in edit.order:
        if cuts[piece] <= first and last <= cuts[piece + 1]:
            return position - cuts[piece]
        position += cuts[piece + 1] - cuts[piece]
    raise EditError(f"{edit} cuts what lies at {first} to {last}")


def _shifted(held: Range, placed: Sequence[_Placed]) -> Range:
    """A locked range moves with the changes before it; a locked span that was replaced becomes the new span."""
    shift = sum(delta for _, stop, delta, _ in placed if stop <= held[0])
    own = sum(delta for start, stop, delta, _ in placed if (start, stop) == held and start < stop)
    return held[0] + shift, held[1] + shift + own
