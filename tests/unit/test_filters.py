"""What each filter rejects, what it lets pass, and what candidates are compared by."""

from __future__ import annotations

import random

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.augmentation.filters import minhash
from halluc.augmentation.filters.filters import (
    Candidate,
    DuplicateFilter,
    DuplicateFilterConfig,
    Filter,
    Leak,
    LeakConfig,
    LengthRatio,
    LengthRatioConfig,
    NearDuplicate,
    NearDuplicateConfig,
    Novelty,
    NoveltyConfig,
    Unchanged,
    UnchangedConfig,
    build,
)
from halluc.core.edits import Editable
from halluc.core.examples import Span


def example(text: str, *spans: tuple[int, int, str]) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans))


def candidate(after: str, before: str = "Anna left", *, form_only: bool = False, is_copy: bool = False) -> Candidate:
    return Candidate(example(before), example(after), form_only, is_copy)


def clashes(one: Filter, taken: Candidate, offered: Candidate) -> bool:
    """Whether a candidate may not be taken after another one was."""
    one.memory.update(one.keys(taken))
    return any(key in one.memory for key in one.keys(offered))


def test_every_filter_is_built_from_its_config_and_bears_its_name():
    configs = [UnchangedConfig(type="unchanged"), DuplicateFilterConfig(type="duplicate"), LeakConfig(type="leak"),
               LengthRatioConfig(type="length_ratio"), NearDuplicateConfig(type="near_duplicate"),
               NoveltyConfig(type="novelty")]  # fmt: skip
    assert [build(config).name for config in configs] == [config.type for config in configs]


# --- unchanged -------------------------------------------------------------------------------------------------


def test_unchanged_rejects_what_equals_its_parent_but_no_copy():
    unchanged = Unchanged(UnchangedConfig(type="unchanged"))
    assert unchanged.refuses(candidate("Anna left"))
    assert not unchanged.refuses(candidate("Anna left", is_copy=True))
    assert not unchanged.refuses(candidate("anna left"))


# --- duplicate -------------------------------------------------------------------------------------------------


def duplicate(*training: str) -> DuplicateFilter:
    made = DuplicateFilter(DuplicateFilterConfig(type="duplicate"))
    for text in training:
        made.record(example(text))
    return made


def test_duplicate_rejects_a_training_example_also_in_another_case():
    one = duplicate("Berg left")
    assert one.refuses(candidate("Berg left"))
    assert one.refuses(candidate("BERG left"))
    assert one.refuses(candidate("Bergleft"))
    assert not one.refuses(candidate("Berg won"))


def test_duplicate_compares_a_change_of_form_exactly():
    one = duplicate("Berg left")
    assert not one.refuses(candidate("BERG left", form_only=True))
    assert one.refuses(candidate("Berg left", form_only=True))


def test_duplicate_lets_copies_pass():
    one = duplicate("Anna left")
    copy = candidate("Anna left", is_copy=True)
    assert not one.refuses(copy)
    assert one.keys(copy) == ()
    assert not clashes(one, copy, copy)


@pytest.mark.parametrize(
    ("taken", "offered", "form_only", "clash"),
    [
        ("Berg left", "Berg left", False, True),
        ("Berg left", "BERG left", False, True),
        ("Berg left", "Berg left", True, True),
        ("Berg left", "BERG left", True, False),
        ("Berg left", "Berg won", False, False),
    ],
)
def test_duplicate_compares_candidates_with_each_other(taken, offered, form_only, clash):
    one = duplicate()
    assert clashes(one, candidate(taken, form_only=form_only), candidate(offered, form_only=form_only)) == clash


def test_refusal_of_a_single_candidate_does_not_depend_on_accepted_ones():
    """Else it would depend on the process: only one of them takes."""
    one = duplicate("Anna left")
    offered = candidate("Berg left")
    one.memory.update(one.keys(offered))
    assert not one.refuses(offered)


# --- leak ------------------------------------------------------------------------------------------------------


def test_leak_rejects_what_dev_or_test_hold_whoever_made_it():
    leak = Leak(LeakConfig(type="leak"))
    leak.record(example("Anna left"))
    leak.record_held_out(example("Berg left"))
    assert leak.refuses(candidate("Berg left"))
    assert leak.refuses(candidate("berg LEFT"))
    assert leak.refuses(candidate("berg left", form_only=True))
    assert leak.refuses(candidate("Berg left", is_copy=True))
    assert not leak.refuses(candidate("Anna left"))


# --- length ratio ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tokens", "refused"), [(1, True), (2, False), (4, False), (8, False), (9, True)])
def test_length_ratio_keeps_within_a_half_and_twice_by_default(tokens, refused):
    one = LengthRatio(LengthRatioConfig(type="length_ratio"))
    assert one.refuses(candidate("a " * tokens, "a b c d")) == refused


def test_length_ratio_takes_its_own_bounds_and_survives_no_tokens():
    one = LengthRatio(LengthRatioConfig(type="length_ratio", min=1.0, max=1.0))
    assert one.refuses(candidate("a b c", "a b"))
    assert not one.refuses(candidate("", ""))
    for wrong in ({"min": 1.2}, {"max": 0.9}, {"min": -0.1}):
        with pytest.raises(ValidationError):
            LengthRatioConfig(type="length_ratio", **wrong)


def test_length_ratio_lets_samples_pass_which_have_no_parent():
    one = LengthRatio(LengthRatioConfig(type="length_ratio"))
    parent, sample = example("a b"), example("a b c d e f")
    assert one.refuses(Candidate(parent, sample, False, False))
    assert not one.refuses(Candidate(parent, sample, False, False, sampled=True))


# --- near duplicate --------------------------------------------------------------------------------------------

LONG = "the board of the old bank said on monday that it would not sell the two mills which it bought last year"


def near(threshold: float = 0.8) -> NearDuplicate:
    return NearDuplicate(NearDuplicateConfig(type="near_duplicate", threshold=threshold))


def test_near_duplicate_rejects_what_shares_most_words_with_another_candidate():
    assert clashes(near(), candidate(LONG), candidate(LONG + " ."))
    assert clashes(near(), candidate(LONG), candidate(LONG.upper()))
    assert not clashes(near(), candidate(LONG), candidate(" ".join(reversed(LONG.split()))))


def test_near_duplicate_is_stricter_with_a_lower_threshold():
    words = LONG.split()
    words[10] = "never"  # three of some twenty triples, on each side
    changed = candidate(" ".join(words))
    assert not clashes(near(0.95), candidate(LONG), changed)
    assert clashes(near(0.5), candidate(LONG), changed)


def test_near_duplicate_does_not_compare_with_training_nor_copies():
    one = near()
    one.record(example(LONG))
    assert len(one.memory) == 0
    assert one.keys(candidate(LONG, is_copy=True)) == ()


def jaccard(one: list[str], other: list[str]) -> float:
    triples = [{tuple(text[at : at + 3]) for at in range(max(1, len(text) - 2))} for text in (one, other)]
    return len(triples[0] & triples[1]) / len(triples[0] | triples[1])


def test_the_frequency_of_shared_bands_follows_the_curve():
    """Far below the threshold never, far above it always (a fixed corpus, so that it cannot flicker)."""
    chance = random.Random(7)
    counts = {"far": [0, 0], "near": [0, 0]}
    for _ in range(150):
        text = [f"w{chance.randrange(300)}" for _ in range(40)]
        other = list(text)
        for _ in range(chance.choice([0, 1, 12, 20])):
            other[chance.randrange(40)] = "x" + str(chance.randrange(300))
        alike = jaccard(text, other)
        band = "near" if alike > 0.84 else "far" if alike < 0.35 else None
        if band:
            counts[band][0] += 1
            counts[band][1] += bool(set(minhash.bands(text, 0.6)) & set(minhash.bands(other, 0.6)))
    assert min(counts["far"][0], counts["near"][0]) > 20
    assert counts["far"][1] <= 0.05 * counts["far"][0]
    assert counts["near"][1] >= 0.95 * counts["near"][0]


@given(st.lists(st.text(min_size=1, max_size=3), max_size=8), st.sampled_from([0.1, 0.5, 0.8, 0.99]))
def test_bands_are_a_function_of_the_words_alone(tokens, threshold):
    found = minhash.bands(tokens, threshold)
    assert found == minhash.bands(tuple(tokens), threshold)
    assert found
    assert all(0 <= key < 2**64 for key in found)


def test_the_hash_functions_order_shingles_differently():
    """Else all bands would hang on one shingle, and the curve would be a straight line."""
    alone = [minhash._signature([word]) for word in LONG.split()]
    first = {int(numpy.argmin([signature[number] for signature in alone])) for number in range(128)}
    assert len(first) > 10


def test_bands_of_different_places_are_never_the_same_key():
    """A text of one word has equal rows in each band, were it not for the number of the band."""
    assert len(set(minhash.bands(["a"], 0.5))) == len(minhash.bands(["a"], 0.5))


# --- novelty ---------------------------------------------------------------------------------------------------


def novelty(**bounds: float) -> Novelty:
    made = Novelty(NoveltyConfig(type="novelty", **bounds))
    made.record(example("Anna met Acme", (0, 1, "PER"), (2, 3, "ORG")))
    return made


def naming(text: str, *spans: tuple[int, int, str]) -> Candidate:
    return Candidate(example("Anna left"), example(text, *spans), False, False)


@pytest.mark.parametrize(
    ("bounds", "refused"), [({}, False), ({"min": 0.5}, False), ({"min": 0.6}, True), ({"max": 0.4}, True)]
)
def test_novelty_bounds_the_share_of_mentions_that_are_new(bounds, refused):
    assert novelty(**bounds).refuses(naming("Anna met Berg", (0, 1, "PER"), (2, 3, "PER"))) == refused


def test_a_known_surface_with_another_label_is_new():
    assert novelty(max=0.0).refuses(naming("Acme left", (0, 1, "PER")))
    assert not novelty(max=0.0).refuses(naming("Acme left", (0, 1, "ORG")))


def test_novelty_lets_sentences_without_mentions_pass():
    assert not novelty(min=1.0).refuses(naming("it rained"))


def test_novelty_refuses_bounds_in_the_wrong_order():
    with pytest.raises(ValidationError, match=r"`min: 0\.6` is more than its `max: 0\.5`"):
        NoveltyConfig(type="novelty", min=0.6, max=0.5)
