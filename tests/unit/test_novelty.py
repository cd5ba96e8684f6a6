from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from halluc.core.claims import Claim
from halluc.core.examples import Origin, Span
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.novelty import NearestMentions, SurfaceKnowledge, novelty
from halluc.gap.stopwords import STOP_WORDS, is_content
from halluc.gap.units import WithheldUnits
from halluc.tasks.defaults import SurfacesOfTraining
from halluc.tasks.token_classification.tagged_sentence import Tagged


def covering(*mentions: tuple[str, str]) -> SurfaceCoverage:
    """Coverage of sentences that are one mention each: (surface, label)."""
    return SurfaceCoverage.of(
        Tagged(str(line), Origin("train.txt", line), tuple(text.split(" ")), (Span(0, text.count(" ") + 1, label),))
        for line, (text, label) in enumerate(mentions, 1)
    )


KNOWN = covering(
    ("Bank of England", "ORG"), ("Anna Berg", "PER"), ("US Open", "MISC"), ("Jean - Paul", "PER"), ("Oslo", "LOC")
)


@pytest.mark.parametrize(
    ("text", "label", "expected"),
    [
        ("Bank of England", "ORG", "seen"),
        ("Bank of England", "LOC", "new"),
        ("Bank of Norway", "ORG", "partial"),
        ("House of Norway", "ORG", "new"),
        ("House OF Norway", "ORG", "new"),
        ("bank of england", "ORG", "new"),
        ("Berg", "PER", "partial"),
        ("Berg", "ORG", "new"),
        ("Marie - Claire", "PER", "new"),
        ("US Navy", "MISC", "partial"),
        ("Oslo", "NEVER", "new"),
    ],
)
def test_a_mention_is_seen_partial_or_new(text, label, expected):
    assert novelty(KNOWN, text, label) == expected
    assert expected in SurfacesOfTraining.novelties


def test_a_token_with_a_space_counts_as_its_parts():
    assert novelty(KNOWN, "Anna Berg", "PER") == "seen"
    assert novelty(KNOWN, "Berg Anna", "PER") == "partial"


def test_a_surface_known_only_by_other_labels_is_confusable():
    knowledge = SurfaceKnowledge(covering(("Oslo", "LOC"), ("Oslo", "ORG")))
    assert knowledge.is_confusable(claim("Oslo", "PER"))
    assert not knowledge.is_confusable(claim("Oslo", "ORG"))
    assert not knowledge.is_confusable(claim("Bergen", "PER"))


@pytest.mark.parametrize("word", ["of", "The", "AND", "'s", "-", "...", ""])
def test_function_words_and_punctuation_are_no_content(word):
    assert not is_content(word)


@pytest.mark.parametrize("word", ["US", "IT", "WHO", "May", "Will", "7", "东", "Ö", "U.S."])
def test_names_are_content_though_they_look_like_function_words(word):
    assert is_content(word)


def test_stop_words_are_lower_case_so_that_they_are_found():
    assert {word.lower() for word in STOP_WORDS} == STOP_WORDS


def nearest(coverage: SurfaceCoverage, text: str, label: str) -> str | None:
    found = NearestMentions(coverage).nearest(text, label)
    return found.text if found else None


def test_an_exact_surface_is_its_own_nearest_with_its_place():
    found = NearestMentions(covering(("Oslo", "LOC"), ("Oslo", "ORG"))).nearest("Oslo", "ORG")
    assert (found.text, found.file, found.line) == ("Oslo", "train.txt", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bank of Scotland", "Royal Bank of Scotland"),  # two content words shared, though "Bank of China" is as near
        ("Bank of Chinu", "Bank of China"),  # one shared by both: the smaller distance
        ("of", "Oslo"),  # a stop word tells nothing: the smallest distance alone
        ("Olso", "Oslo"),
    ],
)
def test_the_nearest_shares_most_words_then_letters(text, expected):
    coverage = covering(
        ("Royal Bank of Scotland", "ORG"), ("Bank of China", "ORG"), ("Oslo", "ORG"), ("Osla", "ORG"), ("Oslo", "ORG")
    )
    assert nearest(coverage, text, "ORG") == expected


def test_ties_go_to_the_more_frequent_then_to_the_first_by_surface():
    assert nearest(covering(("abd", "X"), ("abc", "X")), "abx", "X") == "abc"
    assert nearest(covering(("abc", "X"), ("abd", "X"), ("abd", "X")), "abx", "X") == "abd"
    assert nearest(covering(("b Q", "X"), ("a Q", "X")), "c Q", "X") == "a Q"
    assert nearest(covering(("a Q", "X"), ("b Q", "X"), ("b Q", "X")), "c Q", "X") == "b Q"


def test_a_label_that_training_never_shows_has_no_nearest():
    assert nearest(KNOWN, "Oslo", "NEVER") is None


SURFACE = st.lists(st.sampled_from(["a1", "b1", "ab1", "of", "-", "ba12"]), min_size=1, max_size=3).map(" ".join)


@given(st.lists(SURFACE, min_size=1, max_size=12), SURFACE)
def test_it_finds_what_a_search_of_every_mention_finds(surfaces, text):
    coverage = covering(*((surface, "X") for surface in surfaces))

    def content(surface: str) -> set[str]:
        return {word for word in surface.split(" ") if is_content(word)}

    def order(surface: str) -> tuple[bool, int, int, int, str]:
        shared = len(content(surface) & content(text))
        distance = Levenshtein.distance(surface, text)
        return surface != text, -shared, distance, -surfaces.count(surface), surface

    assert nearest(coverage, text, "X") == min(surfaces, key=order)
    together = NearestMentions(coverage)
    together.look_up([(surfaces[0], "X"), (text, "NEVER"), (text, "X"), (text, "X")])
    assert together.nearest(text, "X").text == min(surfaces, key=order)


def claim(text, label):
    return Claim("e", "span", text, None, label)


def test_knowledge_answers_by_surface():
    knowledge = SurfaceKnowledge(KNOWN, WithheldUnits("mention", frozenset({("Paris", "LOC")})))
    assert knowledge.novelty(claim("Bank of Norway", "ORG")) == "partial"
    assert knowledge.is_confusable(claim("Oslo", "PER"))
    assert knowledge.nearest(claim("Anna Bergh", "PER")).text == "Anna Berg"
    assert knowledge.is_withheld(claim("Paris", "LOC"))
    assert not knowledge.is_withheld(claim("Paris", "PER"))
    assert not SurfaceKnowledge(KNOWN).is_withheld(claim("Paris", "LOC"))
