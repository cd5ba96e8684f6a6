"""The fields of an example, such as the texts of a pair, as separate examples."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from halluc.augmentation.methods.base import Rejected
from halluc.core.edits import Editable, Range, Replace, between_borders
from halluc.core.examples import Span


def fields(example: Editable) -> list[Range]:
    """The ranges between borders (empty locked ranges), without locked tokens at their ends, and without empty ranges.

    If a span crosses an end, the whole example is one field.
    """
    size = len(example.tokens)
    if not example.locked:
        return [(0, size)] if size else []
    narrowed = (_trim_locked(example, *field) for field in between_borders(example))
    fields = [(start, end) for start, end in narrowed if start < end]
    cuts = {cut for field in fields for cut in field}
    is_cut = any(first < cut < last for first, last, _ in example.spans for cut in cuts)
    return [(0, size)] if is_cut else fields


def _trim_locked(example: Editable, start: int, end: int) -> Range:
    """A field without the locked tokens at its ends."""
    for first, last in example.locked:
        start = last if first <= start < last else start
    for first, last in reversed(example.locked):
        end = first if first < end <= last else end
    return start, end


def part(example: Editable, start: int, end: int) -> Editable:
    """Tokens ``start`` to ``end`` as a separate example; no span may cross its ends."""
    if not start and end == len(example.tokens):
        return example
    spans = [Span(first - start, last - start, label) for first, last, label in example.spans if start <= first < end]
    locked = [(first - start, last - start) for first, last in example.locked if start <= first < last <= end]
    return Editable(example.tokens[start:end], tuple(spans), tuple(locked), example.labels)


def shift_edits(example: Editable, start: int, edits: Sequence[Replace]) -> list[Replace]:
    """The edits of the part from ``start`` as edits of the whole example.

    An insertion at the start of a field would belong to the field before it, so it is merged into a replacement of the
    first token.

    Raises:
        Rejected: that token is labelled.
    """
    replaces = [edit._replace(start=edit.start + start, end=edit.end + start) for edit in edits] if start else [*edits]
    first = next((edit for edit in replaces if edit.start == edit.end == start), None)
    if first is None or (start, start) not in example.locked:
        return replaces
    if any(span.start == start for span in example.spans):
        raise Rejected("alignment")
    replaces.remove(first)
    old = next((edit for edit in replaces if edit.start == start), None)
    if old is None:
        old = Replace(start, start + 1, example.tokens[start : start + 1], first.why)
    else:
        replaces.remove(old)
    return [old._replace(tokens=(*first.tokens, *old.tokens)), *replaces]


def select_tokens(example: Editable, at: Sequence[int]) -> Editable:
    """Some tokens, by their ascending positions, of an example without spans."""
    locked = [(bisect_left(at, first), bisect_left(at, last)) for first, last in example.locked]
    return Editable(tuple([example.tokens[number] for number in at]), (), tuple(locked), example.labels)


def map_edit(edit: Replace, at: Sequence[int]) -> Replace:
    """An edit of the tokens at ``at`` as an edit of the whole example, including tokens between those it replaces."""
    start, end = edit.start, edit.end
    if start < end:
        return edit._replace(start=at[start], end=at[end - 1] + 1)
    place = at[start] if start < len(at) else at[-1] + 1
    return edit._replace(start=place, end=place)
