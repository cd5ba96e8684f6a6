"""What the page's templates lay out."""

from __future__ import annotations

from halluc.reporting.page import comparison_views
from halluc.reporting.page.comparison_views import run_letter


def test_runs_have_letters_however_many_there_are():
    assert [run_letter(number) for number in (0, 1, 25, 26, 27, 52)] == ["a", "b", "z", "a2", "b2", "a3"]


def test_many_keys_of_a_section_are_told_as_the_section():
    keys = ["`seed`", *(f"`augment.{name}`" for name in "abcde"), "`train.epochs`", "`train.steps`"]
    assert comparison_views._keys(keys) == ["seed", "augment (5 keys)", "train.epochs", "train.steps"]
