"""How the report writes figures and untrusted text."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.runs.schema import MetricResult
from halluc.wording import formats


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("hallucination_rate", 0.03229, "3.2%"),
        ("entity_f1", 0.8590014, "0.859"),
        ("ece", 0.0, "0.000"),
        ("gap_ratio", 5.8331, "5.8×"),
        ("gap_excess", -0.012, "−1.2%"),
        ("omission_rate", None, "–"),
    ],
)
def test_values_are_reported_as_their_name_has_it(name, number, told):
    assert formats.value(name, number) == told


def test_a_figure_is_shown_with_its_interval():
    rate = MetricResult(name="hallucination_rate", value=0.0323, n=5728, interval=(0.0281, 0.0368), protocol="p")
    assert formats.metric(rate) == "3.2% [2.8, 3.7]"
    assert formats.metric(rate.model_copy(update={"interval": None})) == "3.2% (no interval)"
    assert formats.metric(None) == "–"


@pytest.mark.parametrize(
    ("name", "number", "told"),
    [
        ("hallucination_rate", 0.0412, "+4.1 points"),
        ("hallucination_rate", -0.0412, "−4.1 points"),
        ("hallucination_rate", -0.0001, "+0.0 points"),  # no minus before nought
        ("entity_f1", -0.0123, "−0.012"),
        ("entity_f1", None, "–"),
    ],
)
def test_differences_have_a_sign_and_rates_are_in_points(name, number, told):
    assert formats.difference(name, number) == told


@pytest.mark.parametrize(
    ("number", "told"),
    [(None, "–"), (0.44, "0.4 s"), (36.4, "36 s"), (1895.84, "31 min 36 s"), (7500, "2 h 5 min"), (59.7, "1 min 0 s")],
)
def test_durations_are_reported_as_people_say_them(number, told):
    assert formats.seconds(number) == told


def test_p_values():
    assert [formats.p_value(p) for p in (None, 0.0004, 0.0314, 1.0)] == ["", "< 0.001", "0.031", "1.000"]


def test_titles_name_the_slice():
    assert formats.title("distortion_rate", {"reason": "boundary"}) == "distortion rate, boundary"
    assert formats.title("entity_f1") == "entity F1"


@given(st.text())
def test_visible_text_can_neither_act_nor_turn_its_surroundings(text):
    shown = formats.visible(text, longest=None)
    joiners = "\u200c\u200d"
    assert all(char in joiners or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)


@pytest.mark.parametrize("text", ["plain", "日本語 テキスト", "שלום עולם", "می‌خواهم", "👩‍🚀 up", "a b"])
def test_text_that_is_written_so_stays_as_it_is(text):
    assert formats.visible(text) == text


def test_escapes_say_what_was_there():
    assert formats.visible("a\u202eb\x00c\nd") == r"a\u202eb\u0000c d"


def test_long_words_lose_their_middle_and_say_how_much():
    shown = formats.visible("x" * 10_000)
    assert shown == "x" * 40 + "…(9,920 more)…" + "x" * 40
    assert formats.visible("x" * 10_000, longest=None) == "x" * 10_000
