from __future__ import annotations

import pytest

from halluc.augmentation.language.inflection import Inflection
from halluc.augmentation.language.inflection_tables import PAST, PLURAL

RULES = Inflection()
WORDS = {
    "noun": "walk city box analysis spokesman child sheep business lie crisis watch hero play",
    "verb": "walk stop hope hop run travel go panic die put say lie study agree fix quit veto play free tie",
    "adj": "big happy large free quick good dry important",
    "adv": "fast early quickly well",
}


def exists(lemma: str, part: str) -> bool:
    return lemma in WORDS[part].split()


@pytest.mark.parametrize(
    ("lemma", "part", "form", "expected"),
    [
        ("stroll", "verb", "past or participle", "strolled"),
        ("try", "verb", "past or participle", "tried"),
        ("play", "verb", "past or participle", "played"),
        ("plan", "verb", "past or participle", "planned"),
        ("occur", "verb", "past or participle", "occurred"),
        ("offer", "verb", "past or participle", "offered"),
        ("seem", "verb", "past or participle", "seemed"),
        ("snow", "verb", "past or participle", "snowed"),
        ("mimic", "verb", "past or participle", "mimicked"),
        ("say", "verb", "past or participle", "said"),
        ("travel", "verb", "past", "traveled"),
        ("make", "verb", "ing", "making"),
        ("see", "verb", "ing", "seeing"),
        ("die", "verb", "ing", "dying"),
        ("dye", "verb", "ing", "dyeing"),
        ("quit", "verb", "ing", "quitting"),
        ("have", "verb", "third", "has"),
        ("go", "verb", "third", "goes"),
        ("watch", "verb", "third", "watches"),
        ("carry", "verb", "third", "carries"),
        ("town", "noun", "plural", "towns"),
        ("box", "noun", "plural", "boxes"),
        ("thesis", "noun", "plural", "theses"),
        ("wife", "noun", "plural", "wives"),
        ("fireman", "noun", "plural", "firemen"),
        ("German", "noun", "plural", "Germans"),
        ("human", "noun", "plural", "humans"),
        ("monarch", "noun", "plural", "monarchs"),
        ("sheep", "noun", "plural", "sheep"),
        ("big", "adj", "superlative", "biggest"),
        ("large", "adj", "comparative", "larger"),
        ("happy", "adj", "comparative", "happier"),
        ("narrow", "adj", "comparative", "narrower"),
        ("good", "adj", "superlative", "best"),
        ("fast", "adv", "comparative", "faster"),
        ("walk", "noun", "base", "walk"),
    ],
)
def test_a_form_is_written(lemma, part, form, expected):
    assert RULES.inflect(lemma, part, form) == expected


@pytest.mark.parametrize(
    ("lemma", "part", "form"),
    [
        ("go", "verb", "past or participle"),
        ("information", "noun", "plural"),
        ("politics", "noun", "plural"),
        ("happiness", "noun", "plural"),
        ("important", "adj", "comparative"),
        ("quickly", "adv", "superlative"),
        ("walk", "noun", "ing"),
    ],
)
def test_what_has_no_such_form_has_none_invented(lemma, part, form):
    assert RULES.inflect(lemma, part, form) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("walked", {("walk", "verb", "past or participle")}),
        ("walks", {("walk", "noun", "plural"), ("walk", "verb", "third")}),
        ("cities", {("city", "noun", "plural")}),
        ("hoping", {("hope", "verb", "ing")}),
        ("hopping", {("hop", "verb", "ing")}),
        ("stopped", {("stop", "verb", "past or participle")}),
        ("travelled", {("travel", "verb", "past or participle")}),
        ("traveled", {("travel", "verb", "past or participle")}),
        ("studies", {("study", "verb", "third")}),
        ("panicking", {("panic", "verb", "ing")}),
        ("dying", {("die", "verb", "ing")}),
        ("went", {("go", "verb", "past")}),
        ("gone", {("go", "verb", "participle")}),
        ("put", {("put", "verb", "base"), ("put", "verb", "past or participle")}),
        ("lay", {("lie", "verb", "past")}),
        ("analyses", {("analysis", "noun", "plural")}),
        ("spokesmen", {("spokesman", "noun", "plural")}),
        ("children", {("child", "noun", "plural")}),
        ("sheep", {("sheep", "noun", "base"), ("sheep", "noun", "plural")}),
        ("businesses", {("business", "noun", "plural")}),
        ("bigger", {("big", "adj", "comparative")}),
        ("driest", {("dry", "adj", "superlative")}),
        ("better", {("good", "adj", "comparative"), ("well", "adv", "comparative")}),
        ("hopped", {("hop", "verb", "past or participle")}),
        ("hoped", {("hope", "verb", "past or participle")}),
        ("walkied", set()),
        ("s", set()),
        ("ing", set()),
        ("", set()),
    ],
)
def test_a_word_is_read_as_the_forms_that_it_may_be(word, expected):
    assert set(RULES.readings(word, exists)) == expected


def test_every_form_is_read_back_as_what_it_was_made_of():
    anything = Inflection()
    for part, forms in (("verb", ("third", "past", "participle", "ing")), ("noun", ("plural",))):
        for lemma in PAST if part == "verb" else (*PLURAL, "town", "church", "story"):
            for form in forms:
                written = anything.inflect(lemma, part, form)
                assert written is not None, (lemma, form)
                found = {(one.lemma, one.part) for one in anything.readings(written, lambda word, _: word == lemma)}  # noqa: B023
                assert (lemma, part) in found, (lemma, form, written)


def test_exceptions_of_wordnet_are_used_in_addition_to_the_tables():
    listed = Inflection(
        {
            "noun": {"octopodes": ("octopus",)},
            "verb": {"hocus-pocussed": ("hocus-pocus",), "clove": ("cleave",), "cloven": ("cleave",)},
            "adj": {"littler": ("little",)},
        }
    )
    assert listed.inflect("octopus", "noun", "plural") == "octopodes"
    assert listed.inflect("hocus-pocus", "verb", "past or participle") == "hocus-pocussed"
    assert listed.readings("octopodes", lambda word, _: word == "octopus") == [("octopus", "noun", "plural")]


def test_of_two_listed_past_forms_neither_is_used():
    listed = Inflection({"verb": {"clove": ("cleave",), "cloven": ("cleave",)}})
    assert listed.inflect("cleave", "verb", "past") is None
    assert listed.inflect("cleave", "verb", "ing") == "cleaving"


def test_the_tables_have_the_common_irregular_words():
    assert len(PAST) >= 150 and len(PLURAL) >= 60
    assert all(past and participle for past, participle in PAST.values())
