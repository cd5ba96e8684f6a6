from __future__ import annotations

from collections import Counter
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.rng import Draws

KEYS = st.binary(max_size=20)


def many(count: int = 4000):
    """A fresh stream for each of many keys: as an augmenter sees them."""
    return (Draws(f"key {number}".encode()) for number in range(count))


@given(KEYS)
def test_a_key_always_gives_the_same_stream(key):
    one, two = Draws(key), Draws(key)
    assert [one.bits() for _ in range(40)] == [two.bits() for _ in range(40)]


def test_streams_do_not_repeat_themselves_or_each_other():
    words = [word for draws in many(300) for word in (draws.bits() for _ in range(40))]
    assert len(set(words)) == len(words)
    assert all(0 <= word < 2**64 for word in words)


def test_keys_of_several_parts_distinguish_numbers_from_texts_and_keep_parts_apart():
    streams = [Draws.of(1, "a"), Draws.of("1", "a"), Draws.of("a", 1), Draws.of(1, "a", 0), Draws.of(11, "a")]
    assert len({stream.bits() for stream in streams}) == len(streams)
    assert Draws.of(1, "\ud800").bits() == Draws.of(1, "\ud800").bits()


def test_streams_of_neighbouring_keys_are_not_correlated():
    values = [draws.uniform() for draws in many()]
    pairs = list(pairwise(values))
    mean = sum(values) / len(values)
    covariance = sum((a - mean) * (b - mean) for a, b in pairs) / len(pairs)
    # A correlation of 0.06 is nearly four standard errors at 4,000 pairs; the variance of a uniform draw is 1/12.
    assert abs(covariance * 12) < 0.06


def test_uniform_fills_the_unit_interval_evenly():
    stream = Draws(b"uniform")
    tenths = Counter(int(10 * stream.uniform()) for _ in range(20_000))
    assert sorted(tenths) == list(range(10))
    # Chi-square with 9 degrees of freedom: 27.9 is its 0.999 quantile.
    assert sum((count - 2000) ** 2 / 2000 for count in tenths.values()) < 27.9


@given(KEYS, st.integers(1, 2**40))
def test_below_stays_below(key, bound):
    stream = Draws(key)
    assert all(0 <= stream.below(bound) < bound for _ in range(10))


def test_below_meets_every_number_alike():
    counts = Counter(draws.below(7) for draws in many(7000))
    assert sorted(counts) == list(range(7))
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 22.5  # 6 degrees of freedom, 0.999


@given(KEYS, st.integers(0, 60), st.integers(0, 70))
def test_some_are_different_ascending_and_as_many_as_wanted(key, total, wanted):
    found = Draws(key).some(total, wanted)
    assert found == sorted(set(found))
    assert len(found) == min(total, wanted)
    assert all(0 <= number < total for number in found)


@pytest.mark.parametrize(("total", "wanted"), [(9, 1), (9, 2), (9, 5), (9, 8)])
def test_some_prefers_no_number(total, wanted):
    counts = Counter(number for draws in many() for number in draws.some(total, wanted))
    share = wanted / total
    for number in range(total):
        assert abs(counts[number] / 4000 - share) < 4 * (share * (1 - share) / 4000) ** 0.5


def test_every_order_is_as_probable():
    counts = Counter(tuple(draws.shuffled("abcd")) for draws in many(4800))
    assert set(counts) == set(permutations("abcd"))
    assert sum((count - 200) ** 2 / 200 for count in counts.values()) < 49.7  # 23 degrees of freedom, 0.999


@given(KEYS, st.lists(st.integers(), max_size=30))
def test_shuffled_keeps_the_items_and_its_argument(key, items):
    before = list(items)
    assert sorted(Draws(key).shuffled(items)) == sorted(items)
    assert items == before


def test_weighted_follows_the_weights_and_never_draws_a_weight_of_none():
    counts = Counter(draws.weighted([1, 1, 4, 10]) for draws in many(5000))
    assert counts[1] == 0
    for index, share in ((0, 0.1), (2, 0.3), (3, 0.6)):
        assert abs(counts[index] / 5000 - share) < 4 * (share * (1 - share) / 5000) ** 0.5


def test_weighted_passes_over_weights_of_none_at_the_ends_of_the_interval(monkeypatch):
    monkeypatch.setattr(Draws, "uniform", lambda self: 0.0)
    assert Draws(b"").weighted([0, 0, 2]) == 2
    monkeypatch.setattr(Draws, "uniform", lambda self: 1 - 2**-53)
    assert Draws(b"").weighted([1, 1 + 2**-52]) == 1


@pytest.mark.parametrize("expected", [0.0, 0.25, 1.0, 2.7])
def test_count_is_one_of_two_neighbours_and_meets_its_mean(expected):
    counts = [draws.count(expected) for draws in many()]
    assert {int(expected)} <= set(counts) <= {int(expected), int(expected) + 1}
    assert abs(sum(counts) / len(counts) - expected) < 0.035


def test_chance_and_choice():
    assert not any(draws.chance(0.0) for draws in many(200))
    assert all(draws.chance(1.0) for draws in many(200))
    assert abs(sum(draws.chance(0.3) for draws in many()) / 4000 - 0.3) < 0.03
    assert {draws.choice("abc") for draws in many(60)} == set("abc")
