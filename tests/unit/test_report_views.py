"""What the page's templates lay out."""

from __future__ import annotations

from halluc.reporting.views import comparison


def test_runs_have_letters_however_many_there_are():
    assert [comparison.letter(number) for number in (0, 1, 25, 26, 27, 52)] == ["a", "b", "z", "a2", "b2", "a3"]


def test_many_keys_of_a_section_are_reported_as_the_section():
    keys = ["`seed`", *(f"`augment.{name}`" for name in "abcde"), "`train.epochs`", "`train.steps`"]
    assert comparison.keys(keys) == ["seed", "augment (5 keys)", "train.epochs", "train.steps"]
