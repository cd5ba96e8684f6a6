from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rapidfuzz.distance import DamerauLevenshtein

from halluc.augmentation.methods.base import Lexicon
from halluc.augmentation.methods.noise import KINDS, Noise, NoiseConfig
from halluc.augmentation.methods.noise_slips import alphabet, fold_token, unfold_token
from halluc.augmentation.methods.noise_tables import KEYBOARD, MISSPELLINGS, OCR, OCR_PAIRS, PUNCTUATION
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws

LETTERS = [kind for kind in KINDS if kind not in ("misspelling", "whitespace", "punctuation")]
TEXT = Editable(
    ("The", "committee", "met", "Anna", "Berg", "in", "Oslo", ",", "which", "is", "far", "away", "."),
    (Span(3, 5, "PER"), Span(6, 7, "LOC")),
)


def noise(*kinds: str, **keys: object) -> Noise:
    weights = {"kinds": dict.fromkeys(kinds, 1.0)} if kinds else {}
    return Noise(NoiseConfig(type="noise", **weights, **keys), Lexicon())


def outcomes(method: Noise, *tokens: str, times: int = 200, **fields: tuple) -> set[tuple[str, ...]]:
    """What the method makes of tokens, over many draws."""
    example = Editable(tokens, **fields)
    return {method.change(example, Draws.of(number)).edited.tokens for number in range(times)}


def whys(method: Noise, *tokens: str, times: int = 200) -> Counter[str]:
    edits = (method.propose(Editable(tokens), Draws.of(number)) for number in range(times))
    return Counter(edit.why for proposed in edits for edit in proposed)


@pytest.mark.parametrize("kind", LETTERS)
def test_a_slip_of_letters_changes_one_character_of_a_short_word(kind):
    for (made,) in outcomes(noise(kind), "street"):
        distance = DamerauLevenshtein.distance("street", made)
        assert distance == 1 or (kind == "ocr" and distance == 2), (kind, made)


def test_a_keyboard_error_is_an_adjacent_key_of_the_same_case():
    made = outcomes(noise("keyboard"), "Ab")
    assert made == {(wrong + "b",) for wrong in KEYBOARD["A"]} | {("A" + wrong,) for wrong in KEYBOARD["b"]}
    assert set(KEYBOARD["A"]) == set("QWSZ")


def test_adjacency_of_keys_is_symmetric():
    assert all(key in KEYBOARD[near] for key, nears in KEYBOARD.items() for near in nears)


def test_a_scanner_takes_two_characters_for_one_and_one_for_two():
    assert ("rnan",) in outcomes(noise("ocr"), "man")
    assert ("bam",) in outcomes(noise("ocr"), "barn")


def test_capitals_stay_where_they_are_when_letters_are_swapped_doubled_or_inserted():
    assert outcomes(noise("swap"), "Oslo") == {("Solo",), ("Olso",), ("Osol",)}
    assert ("Ooslo",) in outcomes(noise("double"), "Oslo") and ("OOSLO",) in outcomes(noise("double"), "OSLO")
    assert all(made[1:].islower() for (made,) in outcomes(noise("insert"), "Oslo"))
    assert all(made.isupper() for (made,) in outcomes(noise("insert"), "OSLO"))


def test_the_last_character_of_a_token_is_never_deleted():
    assert outcomes(noise("delete", min_length=1), "x") == {("x",)}
    assert outcomes(noise("delete", char_rate=1.0, char_at_most=None), "abc") <= {("a",), ("b",), ("c",)}


def test_a_known_misspelling_gets_the_case_of_the_word():
    method = noise("misspelling")
    assert outcomes(method, "receive") == {("recieve",)}
    assert outcomes(method, "Receive") == {("Recieve",)}
    assert outcomes(method, "RECEIVE") == {("RECIEVE",)}
    assert outcomes(method, "Oslo") == {("Oslo",)}


def test_words_without_a_table_entry_get_another_kind_of_noise():
    made = whys(noise("misspelling", "keyboard", "delete"), "東京都")
    assert set(made) == {"character deleted"} and sum(made.values()) == 200


def test_white_space_slips_split_a_token_or_join_two():
    assert outcomes(noise("whitespace", at_most=1), "in", "on") == {("i", "n", "on"), ("in", "o", "n"), ("inon",)}


@pytest.mark.parametrize(
    "fields",
    [
        {"spans": (Span(0, 1, "LOC"),)},
        {"spans": (Span(1, 2, "LOC"),)},
        {"spans": (Span(0, 1, "LOC"), Span(1, 2, "LOC"))},
        {"locked": ((1, 1),)},
        {"locked": ((0, 1),)},
        {"locked": ((1, 2),)},
    ],
)
def test_tokens_are_not_joined_over_the_border_of_a_span_or_a_lock(fields):
    assert ("inon",) not in outcomes(noise("whitespace"), "in", "on", **fields)


def test_tokens_are_joined_within_a_span_which_shrinks():
    example = Editable(("St", "Ives"), (Span(0, 2, "LOC"),))
    joined = [
        changed
        for changed in (noise("whitespace").change(example, Draws.of(number)).edited for number in range(50))
        if changed.tokens == ("StIves",)
    ]
    assert joined and all(changed.spans == (Span(0, 1, "LOC"),) for changed in joined)


def test_punctuation_is_dropped_doubled_or_mistaken():
    made = outcomes(noise("punctuation"), "so", ",")
    assert made == {("so",), ("so", ",,"), ("so", ";"), ("so", ".")}


@pytest.mark.parametrize(
    ("tokens", "fields"),
    [
        ((",",), {}),
        ((",", "."), {}),
        (("so", ","), {"spans": (Span(1, 2, "MISC"),)}),
        (("so", ","), {"locked": ((0, 1),)}),
        (("so", ","), {"locked": ((1, 1),)}),
    ],
)
def test_a_mark_that_alone_fills_an_example_a_span_or_a_field_is_not_dropped(tokens, fields):
    assert {len(made) for made in outcomes(noise("punctuation"), *tokens, **fields)} == {len(tokens)}


def test_an_empty_token_is_left_as_it_is():
    assert outcomes(noise(), "", "ok")
    assert all(made[0] == "" for made in outcomes(noise("punctuation"), "", "ok"))


def test_punctuation_stays_where_it_is_no_kind_and_words_where_it_is_the_only_one():
    assert whys(noise("delete"), ",", "...") == {}
    assert whys(noise("punctuation"), "so", "what") == {}


def test_the_rate_is_the_share_of_the_tokens_that_can_be_noised():
    tokens = ("word", ",", "of", "a") * 25
    method = noise("delete", rate=0.3, at_least=0)
    edits = sum(len(method.propose(Editable(tokens), Draws.of(number))) for number in range(400))
    assert edits / 400 == pytest.approx(0.3 * 50, rel=0.05)


def test_at_least_so_many_tokens_are_noised_where_there_are_so_many():
    method = noise("delete", rate=0.01, at_least=2)
    assert all(len(method.propose(Editable(("a", ",", "of", "by", "b")), Draws.of(n))) == 2 for n in range(50))
    assert all(len(method.propose(Editable(("a", ",", "of", "b")), Draws.of(n))) == 1 for n in range(50))


def test_tokens_added_to_reach_the_least_are_not_those_that_were_joined():
    method = noise("whitespace", rate=0.01, at_least=2)
    assert (",", "inon") in outcomes(method, ",", "in", "on", times=300)


def test_a_share_of_the_characters_is_changed_within_its_bounds():
    word = "abcdefghij" * 4
    assert {len(word) - len(made) for (made,) in outcomes(noise("delete", char_rate=0.1, char_at_most=None), word)} == {
        4
    }
    assert {len(word) - len(made) for (made,) in outcomes(noise("delete", char_rate=0.1), word)} == {2}
    assert {len(word) - len(made) for (made,) in outcomes(noise("delete", char_rate=0.0), word)} == {1}
    few = noise("delete", char_rate=0.0, char_at_least=3, char_at_most=3)
    assert {len(word) - len(made) for (made,) in outcomes(few, word)} == {3}


def test_mentions_are_left_alone_where_that_is_asked_for():
    method = noise(rate=1.0, mentions=False)
    for number in range(50):
        changed = method.change(TEXT, Draws.of(number)).edited
        assert [changed.tokens[start:end] for start, end, _ in changed.spans] == [("Anna", "Berg"), ("Oslo",)]
    assert noise(rate=1.0).change(TEXT, Draws.of(1)).edited.tokens[3:5] != ("Anna", "Berg")


def test_weights_say_how_often_a_kind_is_drawn():
    method = Noise(NoiseConfig(type="noise", kinds={"delete": 3.0, "double": 1.0, "swap": 0.0}), Lexicon())
    made = whys(method, "abcdef", times=2000)
    assert set(made) == {"character deleted", "character doubled"}
    assert made["character deleted"] / 2000 == pytest.approx(0.75, abs=0.04)


def test_a_kind_of_tiny_weight_is_not_rounded_away():
    method = Noise(NoiseConfig(type="noise", kinds={"delete": 1000.0, "double": 0.001}), Lexicon())
    assert whys(method, "abcdef", times=20000)["character doubled"] > 0


@pytest.mark.parametrize(
    "keys",
    [
        {"rate": 1.1},
        {"kinds": {}},
        {"kinds": {"swap": 0.0}},
        {"kinds": {"swop": 1.0}},
        {"kinds": {"swap": -1.0}},
        {"char_at_least": 3},
    ],
)
def test_what_makes_no_sense_is_refused(keys):
    with pytest.raises(ValidationError):
        NoiseConfig(type="noise", **keys)


@pytest.mark.parametrize(
    ("token", "size"),
    [
        ("e\u0301te\u0301", 3),
        ("नमस्ते", 4),
        ("👩‍👩‍👧👍🏽", 2),
        ("🇳🇴🇸🇪", 2),
        ("שָׁלוֹם", 4),
        ("❤️❤️", 2),
        ("café", 4),
    ],
)
def test_no_character_is_torn_apart(token, size):
    word, several = fold_token(token)
    parts = {unfold_token(char, several) for char in word}
    assert unfold_token(word, several) == token and len(word) == size
    for kind in ("insert", "delete", "swap", "substitute", "double", "whitespace"):
        for made in outcomes(noise(kind, min_length=1), token, times=60):
            for piece in made:
                again, known = fold_token(piece)
                odd = {unfold_token(char, known) for char in again} - parts
                assert all(len(char) == 1 and not unicodedata.combining(char) for char in odd), (kind, made)


def test_letters_stay_in_their_script():
    assert set(alphabet("é")) == set(alphabet("a")) and alphabet("É").isupper()
    assert all(unicodedata.name(char).startswith("CYRILLIC SMALL") for char in alphabet("ж"))
    assert all(unicodedata.name(char).startswith("HEBREW ") for char in alphabet("ש"))


def test_the_tables_change_what_they_are_asked_for():
    assert len(MISSPELLINGS) > 200
    assert all(word not in wrong and word.islower() for word, wrong in MISSPELLINGS.items())
    assert all(sign not in read for table in (OCR, PUNCTUATION) for sign, read in table.items())
    assert all(len(pair) == 2 for pair in OCR_PAIRS)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=12)


@st.composite
def examples(draw: st.DrawFn) -> Editable:
    tokens = draw(st.lists(st.one_of(WORDS, st.sampled_from([",", ".", "the", "Oslo", "..."])), max_size=9))
    borders = sorted(draw(st.sets(st.integers(0, len(tokens)), max_size=6)))
    ranges = list(pairwise(borders))[::2]
    split = draw(st.integers(0, len(ranges)))
    spans = tuple(Span(start, end, "X") for start, end in ranges[:split])
    return Editable(tuple(tokens), spans, tuple(ranges[split:]))


@given(examples(), st.integers(0, 99), st.floats(0, 1))
def test_noise_keeps_labels_and_locks_and_leaves_no_token_empty(example, seed, rate):
    method = noise(rate=rate, min_length=1)
    changed = method.change(example, Draws.of(seed)).edited
    assert [label for _, _, label in changed.spans] == [label for _, _, label in example.spans]
    assert [changed.tokens[start:end] for start, end in changed.locked] == [
        example.tokens[start:end] for start, end in example.locked
    ]
    assert all(changed.tokens) and bool(changed.tokens) == bool(example.tokens)
    assert changed == method.change(example, Draws.of(seed)).edited
    assert rate or changed == example
