from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.language.casing import pattern, recase


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("oslo", "lower"),
        ("new york", "lower"),
        ("1st", "lower"),
        ("straße", "lower"),
        ("OSLO", "upper"),
        ("U.S.", "upper"),
        ("ÅLESUND 2", "upper"),
        ("A", "title"),
        ("A 1", "title"),
        ("Oslo", "title"),
        ("New York 2", "title"),
        ("ǅ", "title"),
        ("McDonald", "mixed"),
        ("iPhone", "mixed"),
        ("New york", "mixed"),
        ("東京", "mixed"),
        ("1998-02-03", "mixed"),
        ("😀", "mixed"),
        ("שלום", "mixed"),
        ("", "mixed"),
    ],
)
def test_patterns_are_reported(text, wanted):
    assert pattern(text) == wanted


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("lower", "New York", "new york"),
        ("upper", "New York", "NEW YORK"),
        ("upper", "Straße", "STRASSE"),
        ("title", "new york", "New York"),
        ("title", "iPhone", "iPhone"),
        ("title", "New york", "New york"),
        ("mixed", "nEw", "nEw"),
        ("title", "東京", "東京"),
        ("title", "", ""),
    ],
)
def test_patterns_are_put(wanted, text, found):
    assert recase(wanted, text) == found


@given(st.text(max_size=12))
def test_what_is_put_in_lower_or_upper_case_stays_so_and_is_never_emptied(text):
    for wanted in ("lower", "upper", "title", "mixed"):
        assert bool(recase(wanted, text)) == bool(text)
    assert recase("lower", recase("lower", text)) == recase("lower", text)


@given(st.text(alphabet="abcÅÖzAB '-1", max_size=12))
def test_a_pattern_that_is_put_is_recognised(text):
    if pattern(text) == "mixed":
        return
    assert pattern(recase("lower", text)) == "lower"
    if sum(map(str.isalpha, text)) > 1:
        assert pattern(recase("upper", text)) == "upper"
