"""Edits against a second, slow reading of what they mean: every token carries the number of its span and lock."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.core.edits import Edit, Editable, EditError, Range, Reorder, Replace, apply, free_runs, is_free
from halluc.core.examples import Span


def ranges(draw: st.DrawFn, size: int) -> list[Range]:
    """Sorted, without overlap, not empty."""
    borders = draw(st.lists(st.integers(0, size), unique=True, max_size=6))
    borders.sort()
    return list(zip(borders[::2], borders[1::2], strict=False))


@st.composite
def examples(draw: st.DrawFn) -> Editable:
    size = draw(st.integers(0, 10))
    spans = tuple(Span(*found, draw(st.sampled_from("XY"))) for found in ranges(draw, size))
    locked = tuple(ranges(draw, size)) if draw(st.booleans()) else ()
    return Editable(tuple(f"t{number}" for number in range(size)), spans, locked)


@st.composite
def any_edit(draw: st.DrawFn, size: int) -> Edit:
    """Often one that may not be made."""
    if draw(st.integers(0, 3)):
        start = draw(st.integers(0, size))
        end = draw(st.integers(start, min(size, start + 3)))
        return Replace(start, end, tuple(draw(st.lists(st.sampled_from("abc"), max_size=3))), "why")
    cuts = sorted(draw(st.lists(st.integers(0, size), unique=True, min_size=min(2, size + 1), max_size=5)))
    return Reorder(tuple(cuts), tuple(draw(st.permutations(range(max(0, len(cuts) - 1))))), "why")


@st.composite
def examples_with_edits(draw: st.DrawFn) -> tuple[Editable, list[Edit]]:
    example = draw(examples())
    return example, draw(st.lists(any_edit(len(example.tokens)), max_size=4))


class Marked(NamedTuple):
    token: str
    span: int | None
    lock: int | None


def extent(edit: Edit) -> Range:
    return (edit.start, edit.end) if isinstance(edit, Replace) else (edit.cuts[0], edit.cuts[-1])


def collide(one: Range, other: Range) -> bool:
    return (one[0] < other[1] and other[0] < one[1]) or one == other


def may_lie(edit: Edit, span: Span) -> bool:
    start, end = extent(edit)
    if end <= span.start or start >= span.end or (span.start <= start and end <= span.end):
        return True
    if isinstance(edit, Replace):
        return False
    return start <= span.start and span.end <= end and not any(span.start < cut < span.end for cut in edit.cuts)


def marked(example: Editable) -> list[Marked]:
    def number_at(position: int, found: Sequence[Span | Range]) -> int | None:
        return next((number for number, (start, end, *_) in enumerate(found) if start <= position < end), None)

    return [
        Marked(token, number_at(position, example.spans), number_at(position, example.locked))
        for position, token in enumerate(example.tokens)
    ]


def made(example: Editable, edit: Edit) -> list[Marked]:
    """What stands in the range of an edit after it."""
    start, end = extent(edit)
    row = marked(example)
    if isinstance(edit, Reorder):
        if any(span.start <= start and end <= span.end for span in example.spans):
            row[start:end] = [mark._replace(span=row[start].span) for mark in row[start:end]]
        return [mark for piece in edit.order for mark in row[edit.cuts[piece] : edit.cuts[piece + 1]]]
    held = [n for n, span in enumerate(example.spans) if span.start <= start and end <= span.end]
    if start == end:
        held = [n for n in held if example.spans[n].start < start < example.spans[n].end]
    return [Marked(token, held[0] if held else None, None) for token in edit.tokens]


def expected(example: Editable, edits: Sequence[Edit]) -> Editable | None:
    """The example after edits, or None where they may not be made."""
    if any(len(edit.cuts) < 2 for edit in edits if isinstance(edit, Reorder)):
        return None
    taken = [extent(edit) for edit in edits]
    if any(collide(one, other) for number, one in enumerate(taken) for other in taken[:number]):
        return None
    for edit in edits:
        start, end = extent(edit)
        if not all(may_lie(edit, span) for span in example.spans):
            return None
        if any(start < last and first < end for first, last in example.locked):
            return None
    result, done, row = [], 0, marked(example)
    for edit in sorted(edits, key=extent):
        start, end = extent(edit)
        result += row[done:start] + made(example, edit)
        done = end
    result += row[done:]
    places = [[at for at, mark in enumerate(result) if mark.span == number] for number in range(len(example.spans))]
    if any(not found for found in places) or (example.tokens and not result):
        return None
    spans = [Span(at[0], at[-1] + 1, span.label) for at, span in zip(places, example.spans, strict=True)]
    held = [[at for at, mark in enumerate(result) if mark.lock == number] for number in range(len(example.locked))]
    locked = tuple((at[0], at[-1] + 1) for at in held)
    return Editable(tuple(mark.token for mark in result), tuple(sorted(spans)), locked)


@given(examples_with_edits())
@settings(max_examples=300)
def test_edits_are_made_as_they_say_or_refused(case):
    example, edits = case
    wanted = expected(example, edits)
    if wanted is None:
        with pytest.raises(EditError):
            apply(example, edits)
    else:
        assert apply(example, edits) == wanted


def accepted(example: Editable, edits: Sequence[Edit], gap: int) -> list[Edit]:
    """Those of ``edits`` that may be made together and have ``gap`` tokens between them."""
    kept: list[Edit] = []
    for edit in edits:
        if isinstance(edit, Reorder) and len(edit.cuts) < 2:
            continue
        start, end = extent(edit)
        apart = all(end + gap <= extent(other)[0] or extent(other)[1] + gap <= start for other in kept)
        if apart and expected(example, [*kept, edit]) is not None:
            kept.append(edit)
    return kept


@given(examples_with_edits(), st.randoms(use_true_random=False))
@settings(max_examples=120)
def test_labels_stay_valid_and_locked_tokens_are_unchanged(case, random):
    example, proposed = case
    edits = accepted(example, proposed, 0)
    edited = apply(example, edits)
    assert sorted(span.label for span in edited.spans) == sorted(span.label for span in example.spans)
    done = 0
    for span in edited.spans:
        assert done <= span.start < span.end <= len(edited.tokens)
        done = span.end
    assert [edited.tokens[a:b] for a, b in edited.locked] == [example.tokens[a:b] for a, b in example.locked]
    mixed = list(edits)
    random.shuffle(mixed)
    assert apply(example, mixed) == edited


@given(examples_with_edits())
@settings(max_examples=120)
def test_edits_that_do_not_touch_may_be_made_one_by_one_from_the_right(case):
    example, proposed = case
    edits = accepted(example, proposed, 1)
    one_by_one = example
    for edit in sorted(edits, key=extent, reverse=True):
        one_by_one = apply(one_by_one, [edit])
    assert one_by_one == apply(example, edits)


@given(examples())
def test_no_edit_is_the_identity(example):
    assert apply(example, []) is example


@given(examples())
def test_a_rotation_and_its_inverse_change_nothing(example):
    size = len(example.tokens)
    if size < 2 or example.spans or example.locked:
        return
    there = Reorder(tuple(range(size + 1)), (*range(1, size), 0), "there")
    back = Reorder(tuple(range(size + 1)), (size - 1, *range(size - 1)), "back")
    assert apply(apply(example, [there]), [back]) == example


ANNA = Editable(("Anna", "Berg", "saw", "Oslo", "."), (Span(0, 2, "PER"), Span(3, 4, "LOC")), ((4, 5),))


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ([Replace(0, 2, (), "")], "would be empty"),
        ([Replace(0, 1, (), ""), Replace(1, 2, (), "")], "would be empty"),
        ([Replace(1, 3, ("x",), "")], "crosses"),
        ([Replace(2, 4, ("x",), "")], "crosses"),
        ([Replace(0, 4, ("x",), "")], "crosses"),
        ([Replace(2, 3, ("",), "")], "empty token"),
        ([Replace(2, 3, ("a", ""), "")], "empty token"),
        ([Replace(4, 5, ("!",), "")], "locked"),
        ([Replace(5, 6, ("x",), "")], "outside"),
        ([Replace(-1, 0, ("x",), "")], "outside"),
        ([Replace(3, 2, ("x",), "")], "outside"),
        ([Replace(2, 3, ("a",), ""), Replace(2, 3, ("b",), "")], "overlap"),
        ([Replace(2, 2, ("a",), ""), Replace(2, 2, ("b",), "")], "overlap"),
        ([Replace(0, 2, ("a",), ""), Replace(1, 1, ("b",), "")], "overlap"),
        ([Reorder((0, 2, 3), (1, 0), ""), Replace(2, 3, ("b",), "")], "overlap"),
        ([Reorder((0, 1, 3), (1, 0), "")], "cuts"),
        ([Reorder((1, 2, 3), (1, 0), "")], "crosses"),
        ([Reorder((2, 3, 5), (1, 0), "")], "locked"),
        ([Reorder((0, 2, 3), (0, 0), "")], "permutation"),
        ([Reorder((0, 2, 3), (0,), "")], "permutation"),
        ([Reorder((0, 2, 2), (1, 0), "")], "permutation"),
        ([Reorder((0,), (), "")], "permutation"),
    ],
)
def test_every_refusal_says_why(edits, told):
    with pytest.raises(EditError, match=told):
        apply(ANNA, edits)


def test_an_example_is_never_emptied():
    with pytest.raises(EditError, match="the example would be empty"):
        apply(Editable(("a", "b")), [Replace(0, 2, (), "")])


def test_an_insertion_belongs_to_a_mention_only_if_it_is_inside():
    inside = apply(ANNA, [Replace(1, 1, ("van", "der"), "")])
    assert inside.spans == (Span(0, 4, "PER"), Span(5, 6, "LOC"))
    assert inside.locked == ((6, 7),)
    beside = apply(ANNA, [Replace(0, 0, ("Dr",), ""), Replace(4, 4, ("today",), "")])
    assert beside.tokens == ("Dr", "Anna", "Berg", "saw", "Oslo", "today", ".")
    assert beside.spans == (Span(1, 3, "PER"), Span(4, 5, "LOC"))


def test_pieces_travel_with_their_mentions():
    edited = apply(ANNA, [Reorder((0, 2, 3, 4), (2, 1, 0), "")])
    assert edited.tokens == ("Oslo", "saw", "Anna", "Berg", ".")
    assert edited.spans == (Span(0, 1, "LOC"), Span(2, 4, "PER"))


def test_a_mention_that_is_reordered_within_stays_where_it_is():
    edited = apply(ANNA, [Reorder((0, 1, 2), (1, 0), "")])
    assert edited == ANNA._replace(tokens=("Berg", "Anna", "saw", "Oslo", "."))


def test_a_border_without_width_cannot_be_crossed():
    border = Editable(("a", "b", "c", "d"), (), ((2, 2),))
    with pytest.raises(EditError, match="locked"):
        apply(border, [Replace(1, 3, ("x",), "")])
    edited = apply(border, [Replace(0, 1, ("x", "y"), ""), Replace(2, 3, (), "")])
    assert edited == Editable(("x", "y", "b", "d"), (), ((3, 3),))
    assert free_runs(border) == [(0, 2), (2, 4)]


@given(examples())
def test_free_runs_are_the_longest_ranges_that_may_be_reordered(example):
    held = set()
    for first, last in example.locked:
        held.update(range(first, last))
    for start, end, _ in example.spans:
        if not held.isdisjoint(range(start, end)) and not is_free(example, start, end):
            held.update(range(start, end))
    free = [at for at in range(len(example.tokens)) if at not in held]
    runs = free_runs(example)
    assert [at for start, end in runs for at in range(start, end)] == free
    assert all(start < end and is_free(example, start, end) for start, end in runs)
    if not example.spans:  # else two runs may meet at the border of a mention that is held
        assert all(one[1] < two[0] for one, two in pairwise(runs))
