"""Statements of a text by rules: their places, the forms in which they are compared, and linear time."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from halluc.tasks.text_generation.dates import components, dates
from halluc.tasks.text_generation.languages import LANGUAGES, language_of
from halluc.tasks.text_generation.names import InputWords
from halluc.tasks.text_generation.numerals import numerals
from halluc.tasks.text_generation.statements import EvidenceTexts, statements


def stated(text: str, language: str, *kinds: str) -> list[tuple[str, str]]:
    return [(one.text, one.key) for one in statements(text, language) if one.kind in kinds]


PIECES = st.sampled_from(
    ["Jean", "Kerr", "von", "the", "3", "May", "2015", "one", "thousand", "und", "zweihundert", "quatre-vingt", "1.2m",
     "一千", "年", "第", "。", ".", "!", '"', "“", "”", "«", "\n", " ", "  ", "-", ",", "'s", "e\u0301", "\u200b",
     "NASA", "12:30", "1234", "567", "1'000", "5.6:7", "pm"]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60), st.sampled_from([*LANGUAGES, ""]))
@example("I", "en")
@example("“a” »b« .", "de")
def test_each_statement_is_the_text_at_its_position_and_is_supported_by_its_own_text(text, language):
    found = statements(text, language)
    assert all(text[one.start : one.end] == one.text and one.key and one.start < one.end for one in found)
    assert list(found) == sorted(found, key=lambda one: (one.start, -one.end))
    for kind in ("sentence", "number", "date", "name"):
        ends = [(one.start, one.end) for one in found if one.kind == kind]
        assert all(end <= start for (_, end), (start, _) in pairwise(ends)), kind
    evidence = EvidenceTexts([text], [language])
    assert [one for one in found if one.kind == "quotation" and not evidence.states(one.kind, one.text, language)] == []


HOSTILE = [
    "“", '"', "«", "1,", "1.", "a.", "A ", "A-", "Von der ", "one ", "zweihundert", "and one ", "31 May ", "1 ", "一",
    "...", ". ", "!?", "\n", " ", "'", "'s", "``", "1/", "-1", "May ", "U.S.", "\u0301", "A\u0301", "the A of ",
    "5 day ", "x" * 50 + ".",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_time_is_linear_in_the_text(piece):
    text = piece * (40_000 // len(piece))

    def seconds(size: int) -> float:
        begun = time.process_time()
        statements(text[:size], "de" if "und" in piece or "Von" in piece else "en")
        return time.process_time() - begun

    statements.cache_clear()
    assert seconds(40_000) < 0.2 + 16 * seconds(5_000)


@pytest.mark.parametrize(
    ("language", "text", "keys"),
    [
        (
            "en",
            "1,000 and 1000 and one thousand and £1.2m and 1.2 million",
            ["1000", "1000", "1000", "1200000", "1200000"],
        ),
        ("en", "two hundred and fifty-three, twenty-first, 2nd, 5pm, 17:00", ["253", "21th", "2th", "17:00", "17:00"]),
        ("en", "two days, 23-year-old, A380, COVID-19, -5", ["P2D", "P23Y", "19", "-5"]),
        ("de", "1.000 Euro, 3,5 Millionen, zweihundertfünfundzwanzig, 13.05 Uhr", ["1000", "3500000", "225", "13:05"]),
        ("fr", "1 000 euros, quatre-vingt-dix-sept, soixante et onze, trois ans", ["1000", "97", "71", "P3Y"]),
        ("es", "1.234,56 y doscientos treinta y cinco mil", ["1234.56", "235000"]),
        ("zh", "3万元，一千二百三十四人，2.5亿，三个月", ["30000", "1234", "250000000", "P3M"]),
    ],
)
def test_numbers_are_compared_as_numbers(language, text, keys):
    assert [key for _, key in stated(text, language, "number")] == keys


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999_999_999))
def test_a_number_has_one_key_however_it_is_written(number):
    for language, written in (
        ("en", f"{number:,}"), ("de", f"{number:,}".replace(",", ".")), ("fr", f"{number:,}".replace(",", "\u202f")),
        ("en", f"{number}"), ("zh", f"{number}"),
    ):  # fmt: skip
        (one,) = numerals(written, language)
        assert one.keys[0] == str(number)


@pytest.mark.parametrize(
    ("language", "text", "keys"),
    [
        (
            "en",
            "on 14 May 2015, May 14th, 2015, the 3rd of June, in May",
            ["2015-05-14", "2015-05-14", "--06-03", "--05"],
        ),
        ("en", "she may march in the 1990s; 5/6/2015 or Monday, 2,015 cars", ["199x", "2015-05-06", "W1"]),
        ("de", "am 3. Mai 2015, 14.05.2015, im März, 1990er", ["2015-05-03", "2015-05-14", "--03", "199x"]),
        ("fr", "le 1er mai 2015, le 14 juillet, lundi", ["2015-05-01", "--07-14", "W1"]),
        ("es", "14 de mayo de 2015, mayo del 2014", ["2015-05-14", "2014-05"]),
        ("zh", "2015年5月14日，二〇一五年，十二月二十一日，星期三", ["2015-05-14", "2015", "--12-21", "W3"]),
        ("other", "2015-05-14, 1999", ["2015-05-14", "1999"]),
    ],
)
def test_dates_are_compared_as_partial_iso_dates(language, text, keys):
    assert [one.keys[0] for one in dates(text, language)] == keys


def test_a_date_reports_what_is_less_exact():
    assert components("2015-05-14") == {"2015-05-14", "2015-05", "2015", "201x", "--05", "--05-14"}


def test_names_are_capitalised_words_that_belong_together():
    text = (
        "Children at Ardlow met Jean Kerr's aide, Dr. Ann de Witt of the University of Orden (NASA). Kerr won. So Kerr."
    )
    assert [name for name, _ in stated(text, "en", "name")] == [
        "Ardlow", "Jean Kerr", "Dr. Ann de Witt", "University of Orden", "NASA", "Kerr", "Kerr",
    ]  # fmt: skip


def test_a_scale_after_an_article_is_a_number_and_weeks_are_days():
    text = "A million pounds, half a million people and a thousand ferries in three weeks, from 12:30 weeks on."
    assert stated(text, "en", "number") == [
        ("A million", "1000000"), ("a thousand", "1000"), ("three weeks", "P21D"), ("12:30 weeks", "P12:30W"),
    ]  # fmt: skip
    assert EvidenceTexts(["It took 21 days."]).states("number", "three weeks", "en")
    assert stated("Il a cent euros, half-a million", "fr", "number") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Zorblax agreed.", ["Zorblax"]),
        ("James is tired. James spoke.", ["James"]),
        ("Lisbon, too. Maria has a car. Then Lisbon's mayor left.", ["Lisbon", "Maria", "Lisbon"]),
        ("Orden's ferries sank.", ["Orden"]),
        ("Today's ferries sank. Children's toys. Everyone is here. Police said so. Frustration led to it.", []),
        ("Local residents said so. Scientists found it. Ferries were late. Swimming is fun.", []),
        ("Mayors is what they are. Frustration led to it. Let's go. Let’s go. Neither was hurt.", []),
        ("Lisbon didn’t agree. Police Scotland said so.", ["Lisbon", "Police Scotland"]),
        ("Yesterday Jean Kerr met Mr. Paul Holm. In Orden Mr. Reid spoke.",
         ["Jean Kerr", "Mr. Paul Holm", "Orden", "Mr. Reid"]),
    ],
)  # fmt: skip
def test_the_first_word_of_a_sentence_is_a_name_if_it_looks_like_a_subject(text, found):
    known = InputWords(names=frozenset({"lisbon"}), lower=frozenset({"mayors"}))
    assert [one.text for one in statements(text, "en", known) if one.kind == "name"] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Die Zusammenarbeit mit Angela Brandt und der SPD gefiel dem Präsidenten der EU.",
         ["Angela Brandt", "SPD", "EU"]),
        ("Frau Brandt und Herr Kommissar Orr sprachen mit Otto von Orden.",
         ["Frau Brandt", "Herr Kommissar Orr", "Otto von Orden"]),
        ("Eine kleine Gruppe von Männern, zwei Mütter Fußball, im Hintergrund Musik, irgendeine Art Band.", []),
        ("Alte Weine. Der EU-Haushalt. Frau Präsidentin! GANZ WICHTIG ist das.", []),
    ],
)  # fmt: skip
def test_german_nouns_are_no_names(text, found):
    assert [name for name, _ in stated(text, "de", "name")] == found


def test_sentences_do_not_end_at_abbreviations_initials_or_german_ordinals():
    text = "Dr. J. K. Orr left at 5 p.m. yesterday. He paid 3.5 euros! Why? “No.” She nodded\nLine two"
    assert [sentence for sentence, _ in stated(text, "en", "sentence")] == [
        "Dr. J. K. Orr left at 5 p.m. yesterday.", "He paid 3.5 euros!", "Why?", "“No.”", "She nodded", "Line two",
    ]  # fmt: skip
    assert len(stated("Am 3. Mai kam z. B. Herr Orr. Er blieb.", "de", "sentence")) == 2
    assert len(stated("今天很好。我们去了！是吗？", "zh", "sentence")) == 3


def test_a_french_article_is_no_part_of_a_name():
    text = "L'Allemagne et d’autres villes d’Orden: O'Neill l'a dit."
    assert [name for name, _ in stated(text, "fr", "name")] == ["Allemagne", "Orden", "O'Neill"]


def test_quotations_are_recognised_by_their_marks():
    text = 'He said "we stay", „wir bleiben“, « nous restons », 「留下」 and “it is over”; 6" wide'
    assert [quote for quote, _ in stated(text, "en", "quotation")] == [
        "we stay",
        "wir bleiben",
        "nous restons",
        "留下",
        "it is over",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [("the cat is on the mat", "en"), ("die Katze ist auf der Matte", "de"), ("le chat est sur le tapis", "fr"),
     ("el gato está en la casa", "es"), ("今天很好", "zh"), ("今日は良い", "other"), ("кот на столе", "other"),
     ("", "en")],
)  # fmt: skip
def test_the_language_of_a_text_is_detected_by_its_function_words(text, language):
    assert language_of(text) == language
    assert language_of(text, "de-AT") == "de"


def test_evidence_includes_other_forms_of_a_statement():
    evidence = EvidenceTexts(
        ["Kenya paid £1.2m on 3 May 2015; after nine to twelve long months the United Nations left."]
    )
    there = [("name", "Kenyan"), ("name", "the United Nations"), ("number", "1,200,000"), ("date", "May 2015"),
             ("date", "2015"),
             ("number", "twelve months"), ("quotation", "the united nations left")]  # fmt: skip
    absent = [("name", "United States"), ("number", "1,300,000"), ("date", "4 May 2015"), ("number", "twelve days"),
              ("quotation", "the nations left")]  # fmt: skip
    assert [one for one in there if not evidence.states(*one, "en")] == []
    assert [one for one in absent if evidence.states(*one, "en")] == []
