"""Hashes of texts, and the set of hashes, compared with Python's own set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.filters.text_hashes import HashSet, exact_hash, normalised_hash

TOKENS = st.lists(st.text(st.characters(exclude_characters="\x1f"), min_size=1, max_size=4), max_size=6)
# Few different numbers, among them nought (which marks an empty slot) and ones that want the same slot.
NUMBERS = st.one_of(st.sampled_from([0, 1, 1 << 10, 1 << 20, 3 << 10, 2**64 - 1]), st.integers(0, 2**64 - 1))


@given(st.lists(NUMBERS, max_size=60), st.lists(NUMBERS, max_size=20))
def test_it_contains_only_what_was_added(added, asked):
    numbers, known = HashSet(), set(added)
    numbers.update(added)
    assert len(numbers) == len(known)
    assert all(number in numbers for number in added)
    assert [number in numbers for number in asked] == [number in known for number in asked]


def test_nought_is_a_member_only_once_it_was_added():
    numbers = HashSet()
    assert 0 not in numbers
    numbers.add(0)
    numbers.add(0)
    assert (0 in numbers, len(numbers)) == (True, 1)


def test_it_grows_without_forgetting_numbers_that_collide():
    numbers = HashSet()
    added = [*range(1, 2_000), *(step << 12 for step in range(1, 100))]
    numbers.update(added)
    assert len(numbers) == len(set(added))
    assert all(number in numbers for number in added)
    assert not any(number in numbers for number in range(2_000, 2_400))


def test_a_number_costs_no_more_than_a_few_of_its_size():
    numbers = HashSet()
    numbers.update(range(1, 20_001))
    slots = len(numbers._table)
    assert numbers._table.itemsize == 8
    assert slots <= 4 * 20_000


@given(TOKENS, TOKENS)
def test_exact_hashes_are_equal_for_equal_tokens_only(one, other):
    assert (exact_hash(one) == exact_hash(other)) == (one == other)


def test_exact_distinguishes_the_borders_of_tokens_and_case():
    texts = [("Oslo", "won"), ("Oslowon",), ("oslo", "won"), ("Oslo won",)]
    assert len({exact_hash(tokens) for tokens in texts}) == len(texts)


def test_normalised_looks_through_case_white_space_borders_and_unicode_form():
    same = [
        [("Oslo", "won", "."), ("OSLO", "won."), ("oslo won .",), ("Os\u00a0lo", "\twon", ".")],
        [("STRASSE",), ("Straße",), ("stra", "sse")],
        [("Zoe\u0308",), ("Zo\u00eb",), ("\uff3a\uff4f\u00eb",)],
        [("\ufb01n",), ("FIN",)],
    ]
    hashes = [{normalised_hash(tokens) for tokens in group} for group in same]
    assert [len(found) for found in hashes] == [1, 1, 1, 1]
    assert len(set.union(*hashes)) == 4


@given(TOKENS)
def test_an_ascii_text_is_hashed_as_any_other_would_be(tokens):
    """The short way of ASCII texts gives what the long one would."""
    plain = [token.encode("ascii", "ignore").decode() for token in tokens]
    assert normalised_hash(plain) == normalised_hash([*plain, "\u3000"])


@given(TOKENS)
def test_a_text_that_normalisation_leaves_alone_has_one_hash_of_each_kind(tokens):
    assert exact_hash(tokens) != normalised_hash(tokens)
    assert 0 <= normalised_hash(tokens) < 2**64


def test_lone_surrogates_can_be_hashed():
    assert exact_hash(("\ud800",)) != exact_hash(("\ud801",))
    assert normalised_hash(("a", "\ud800")) == normalised_hash(("A\ud800",))
