"""Texts of a pair for methods that take a whole text: what is whose, and where its edits come back to."""

from __future__ import annotations

import pytest

from halluc.augmentation.methods.base import Rejected
from halluc.augmentation.pipeline.fields import fields, map_edit, part, select_tokens, shift_edits
from halluc.core.edits import Editable, Replace, apply
from halluc.core.examples import Span

TOKENS = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("locked", "found"),
    [
        ((), [(0, 5)]),
        (((2, 2),), [(0, 2), (2, 5)]),  # both texts of a pair
        (((2, 5),), [(0, 2)]),
        (((0, 2),), [(2, 5)]),
        (((0, 5),), []),
        (((1, 2),), [(0, 5)]),  # a locked word between others
        (((1, 2), (2, 2), (2, 3)), [(0, 1), (3, 5)]),
        (((0, 1), (1, 2), (2, 2)), [(2, 5)]),
    ],
)
def test_fields_are_between_borders_without_locked_ends(locked, found):
    assert fields(Editable(TOKENS, (), locked)) == found


def test_no_field_cuts_a_span_and_nothing_has_none():
    assert fields(Editable(TOKENS, (Span(1, 3, "X"),), ((2, 2),))) == [(0, 5)]
    assert fields(Editable(())) == []


def test_a_part_is_an_example_of_its_own():
    example = Editable(TOKENS, (Span(0, 1, "X"), Span(3, 5, "Y")), ((2, 2), (2, 3)), ("l",))
    assert part(example, 2, 5) == Editable(("c", "d", "e"), (Span(1, 3, "Y"),), ((0, 1),), ("l",))
    assert part(example, 0, 5) is example


PAIR = Editable(TOKENS, (), ((2, 2),))


def test_what_comes_first_in_the_second_text_stays_there():
    made = apply(PAIR, shift_edits(PAIR, 2, [Replace(0, 0, ("x",), "w"), Replace(1, 2, ("y",), "w")]))
    assert (made.tokens, made.locked) == (("a", "b", "x", "c", "y", "e"), ((2, 2),))
    made = apply(PAIR, shift_edits(PAIR, 2, [Replace(0, 0, ("x",), "w"), Replace(0, 2, ("y",), "w")]))
    assert (made.tokens, made.locked) == (("a", "b", "x", "y", "e"), ((2, 2),))


def test_the_last_of_one_text_and_the_first_of_the_other_can_both_be_put_in():
    edits = [*shift_edits(PAIR, 0, [Replace(2, 2, ("x",), "w")]), *shift_edits(PAIR, 2, [Replace(0, 0, ("y",), "w")])]
    made = apply(PAIR, edits)
    assert (made.tokens, made.locked) == (("a", "b", "x", "y", "c", "d", "e"), ((3, 3),))


def test_nothing_is_inserted_between_a_border_and_a_labelled_token():
    with pytest.raises(Rejected, match="alignment"):
        shift_edits(PAIR._replace(spans=(Span(2, 3, "X"),)), 2, [Replace(0, 0, ("x",), "w")])


def test_edits_of_picked_tokens_are_edits_of_the_whole():
    example, at = Editable(("a", " ", "b", " ", "c"), (), ((2, 3),), ("l",)), [0, 2, 4]
    assert select_tokens(example, at) == Editable(("a", "b", "c"), (), ((1, 2),), ("l",))
    edits = [Replace(0, 1, ("x",), "w"), Replace(1, 1, ("y",), "w"), Replace(3, 3, ("z",), "w")]
    assert apply(example, [map_edit(edit, at) for edit in edits]).tokens == ("x", " ", "y", "b", " ", "c", "z")
    assert map_edit(Replace(0, 2, ("x",), "w"), at) == Replace(0, 3, ("x",), "w")
