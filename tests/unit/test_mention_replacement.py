from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.augmentation.language.articles import agreeing_article, takes_an
from halluc.augmentation.methods.base import Lexicon, OptionError
from halluc.augmentation.methods.mention_replacement import MentionReplacement, MentionReplacementConfig
from halluc.augmentation.methods.name_parts import NameParts
from halluc.core.edits import Editable, Replace
from halluc.core.errors import EXIT_DATA, HallucError, ManyErrors
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.data.word_files import read_gazetteer


def editable(text: str, *spans: tuple[int, int, str], locked=()) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans), tuple(locked))


def inventory(**mentions: dict[str, int]) -> Lexicon:
    of_label = {label: {tuple(name.split()): n for name, n in names.items()} for label, names in mentions.items()}
    return Lexicon(tuple(sorted(of_label)), of_label)


TWO_EACH = inventory(PER={"Anna Berg": 1, "Carl Vik": 1}, LOC={"Oslo": 1, "Lima": 1})


def method(training: Lexicon = TWO_EACH, **keys) -> MentionReplacement:
    return MentionReplacement(MentionReplacementConfig(type="mention_replacement", **{"rate": 1.0, **keys}), training)


def texts(made: MentionReplacement, example: Editable, keys: int = 40) -> list[str]:
    return [" ".join(made.change(example, Draws.of(key)).edited.tokens) for key in range(keys)]


# --- from the training split -----------------------------------------------------------------------------------


def test_a_mention_gives_way_to_another_of_its_label_and_keeps_its_span():
    example = editable("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC"))
    changed = method().change(example, Draws(b"1"))
    assert changed.edited == editable("Carl Vik saw Lima .", (0, 2, "PER"), (3, 4, "LOC"))
    assert changed.steps == (
        (
            Replace(0, 2, ("Carl", "Vik"), "mention of the same label"),
            Replace(3, 4, ("Lima",), "mention of the same label"),
        ),
    )


def test_the_only_mention_of_its_label_is_left():
    example = editable("Oslo", (0, 1, "LOC"))
    assert method(inventory(LOC={"Oslo": 3})).propose(example, Draws(b"1")) == []
    # Whatever the label's other spellings: in capitals both are the same.
    shouted = editable("OSLO WINS", (0, 1, "LOC"))
    assert method(inventory(LOC={"Oslo": 3, "OSLO": 1})).propose(shouted, Draws(b"1")) == []
    assert method().propose(editable("x", (0, 1, "MISC")), Draws(b"1")) == []


def test_a_mention_is_never_replaced_by_itself_however_frequent_it_is():
    frequent = inventory(LOC={"Oslo": 1_000_000, "Lima": 1})
    assert set(texts(method(frequent), editable("Oslo", (0, 1, "LOC")))) == {"Lima"}


def test_frequent_mentions_are_drawn_more_often_unless_all_are_alike():
    training = inventory(LOC={"Oslo": 90, "Lima": 10, "Bonn": 1})
    example = editable("to Bonn .", (1, 2, "LOC"))
    by_frequency = Counter(texts(method(training), example, 400))
    alike = Counter(texts(method(training, weighting="uniform"), example, 400))
    assert by_frequency["to Oslo ."] > 320 > 240 > alike["to Oslo ."] > 160


def test_only_mentions_of_the_labels_named_are_replaced():
    example = editable("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC"))
    assert set(texts(method(labels=["LOC"]), example)) == {"Anna Berg saw Lima ."}


def test_rate_is_the_share_of_mentions():
    example = editable(" ".join(["Oslo"] * 10), *[(n, n + 1, "LOC") for n in range(10)])
    counts = [len(method(rate=0.3).propose(example, Draws.of(key))) for key in range(200)]
    assert sum(counts) / 200 == pytest.approx(3.0, abs=0.01)
    assert len(method(rate=0.3, at_most=1).propose(example, Draws(b"1"))) == 1


def test_a_mention_that_is_locked_even_in_part_is_left():
    example = editable("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC"), locked=[(1, 2)])
    assert set(texts(method(), example)) == {"Anna Berg saw Lima ."}


# --- casing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("OSLO BEATS ALL", "LIMA BEATS ALL"),
        ("oslo beats all", "lima beats all"),
        ("Oslo beats all", "Lima beats all"),
        ("LONDON was full", "LIMA was full"),
        # Acronyms in running text: in a headline nothing tells them from a word.
        ("EU was full", "Lima was full"),
        ("U.S. was full", "Lima was full"),
        ("EU IS FULL", "LIMA IS FULL"),
        ("X was full", "Lima was full"),
        ("東京 was full", "Lima was full"),
    ],
)
def test_the_casing_of_the_text_is_kept(text, wanted):
    assert set(texts(method(inventory(LOC={"Lima": 1, "Oslo": 0})), editable(text, (0, 1, "LOC")))) == {wanted}


# --- a and an --------------------------------------------------------------------------------------------------

MISC = inventory(MISC={"Italian": 1, "German": 1})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("an Italian car", "a German car"),
        ("a German car", "an Italian car"),
        ("An Italian car", "A German car"),
        ("A German car", "An Italian car"),
        ("A GERMAN CAR", "AN ITALIAN CAR"),
        ("AN ITALIAN CAR", "A GERMAN CAR"),
        ("the German car", "the Italian car"),
    ],
)
def test_the_article_before_a_mention_agrees(text, wanted):
    changed = method(MISC).change(editable(text, (1, 2, "MISC")), Draws(b"1"))
    assert " ".join(changed.edited.tokens) == wanted
    assert changed.edited.spans == (Span(1, 2, "MISC"),)


def test_an_article_is_unchanged_within_a_mention_after_a_lock_and_on_request():
    within = editable("Plan A German", (0, 2, "ORG"), (2, 3, "MISC"))
    assert set(texts(method(MISC), within)) == {"Plan A Italian"}
    locked = editable("a German car", (1, 2, "MISC"), locked=[(0, 1)])
    assert set(texts(method(MISC), locked)) == {"a Italian car"}
    asked = editable("a German car", (1, 2, "MISC"))
    assert set(texts(method(MISC, articles=False), asked)) == {"a Italian car"}


WITH_AN = """
    apple Oslo hour honest heir honour Honor heirloom 8 80 8,000 8th 11 18 18th 11,500 11-year-old 1865 FBI MP NBC
    HIV LSD X-ray F-16 H&M EU eight unable unimportant unidentified Uzbek onerous ÉLAN Élan Örebro Yvonne S.E.C.
    e-mail 'honest
""".split()  # noqa: SIM905
WITH_A = """
    car Hamburg house hotel university European euro one one-off unique united union US UN U-turn U.N. UK NATO
    FIFA NASA UEFA Ukrainian Ugandan Uruguayan used usual utopia unanimous 1 10 12 100 110 1,100 180 Yale York 7
    BBC TV once 東京 😀 - $5
""".split()  # noqa: SIM905


@pytest.mark.parametrize("word", WITH_AN)
def test_these_words_take_an(word):
    assert takes_an(word)


@pytest.mark.parametrize("word", WITH_A)
def test_these_words_take_a(word):
    assert not takes_an(word)


@given(st.text(max_size=8))
def test_any_word_has_an_article(word):
    assert agreeing_article("a", word) in ("a", "an")
    assert agreeing_article("An", word) in ("A", "An")


# --- a gazetteer -----------------------------------------------------------------------------------------------

LABELS = ("LOC", "PER")


def written(tmp_path, text: str | bytes, name: str = "names.tsv") -> str:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_gazetteer_is_read_by_label(tmp_path):
    text = "\ufeff# of cities\nLOC\tSão  Tomé\r\n\nPER\tUma Thorn\nLOC\tQuito\nLOC\tQuito\n"
    assert read_gazetteer(written(tmp_path, text), LABELS) == {
        "LOC": {("São", "Tomé"): 1, ("Quito",): 1},
        "PER": {("Uma", "Thorn"): 1},
    }


def test_a_gazetteer_may_be_json_lines(tmp_path):
    lines = [{"label": "LOC", "name": "São Tomé", "more": 1}, {"label": "PER", "name": "Uma"}]
    path = written(tmp_path, "\n\n".join(map(json.dumps, lines)), "names.jsonl")
    assert read_gazetteer(path, LABELS) == {"LOC": {("São", "Tomé"): 1}, "PER": {("Uma",): 1}}


@pytest.mark.parametrize(
    ("name", "line", "code", "told"),
    [
        ("n.tsv", "LOC Quito", "D140", "no tab"),
        ("n.tsv", "LOC\t ", "D140", "no name"),
        ("n.tsv", "\tQuito", "D140", "no label"),
        ("n.tsv", "LOK\tQuito", "D141", "LOK"),
        ("n.tsv", b"LOC\tS\xe3o", "D104", "UTF-8"),
        ("n.jsonl", "LOC\tQuito", "D140", "JSON"),
        ("n.jsonl", '{"label": "LOC"}', "D140", "`name`"),
        ("n.jsonl", '{"label": 1, "name": "Quito"}', "D140", "`label`"),
        ("n.jsonl", '{"label": "LOC", "name": " "}', "D140", "`name`"),
        ("n.jsonl", '{"label": "LOK", "name": "Quito"}', "D141", "LOK"),
    ],
)
def test_a_bad_line_is_reported_with_its_place(tmp_path, name, line, code, told):
    good = b'{"label": "LOC", "name": "Lima"}' if name.endswith("jsonl") else b"LOC\tLima"
    path = written(tmp_path, good + b"\n" + (line if isinstance(line, bytes) else line.encode()), name)
    with pytest.raises(HallucError, match=told) as raised:
        read_gazetteer(path, LABELS)
    error = raised.value
    assert (error.code, error.exit_code, str(error.where).split(":")[:2]) == (code, EXIT_DATA, [path, "2"])
    if code == "D141":
        assert "`LOC`" in error.help


def test_an_unknown_label_is_reported_once(tmp_path):
    with pytest.raises(HallucError, match=r"`LOK` \(lines with it: 30\)") as raised:
        read_gazetteer(written(tmp_path, "LOC\tLima\n" + "LOK\tQuito\n" * 30), LABELS)
    assert str(raised.value.where).endswith(":2")


def test_bad_lines_are_reported_together(tmp_path):
    with pytest.raises(ManyErrors) as raised:
        read_gazetteer(written(tmp_path, "LOC\tLima\n" + "x\n" * 30), LABELS)
    assert (raised.value.total, len(raised.value.errors)) == (30, 20)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n"])
def test_a_gazetteer_without_names_is_refused(tmp_path, text):
    with pytest.raises(HallucError) as raised:
        read_gazetteer(written(tmp_path, text), LABELS)
    assert raised.value.code == "D142"


def test_a_gazetteer_that_is_not_there_is_reported_with_its_neighbour(tmp_path):
    written(tmp_path, "LOC\tLima")
    for reference, told in ((tmp_path / "name.tsv", "names.tsv"), (tmp_path, "LABEL")):
        with pytest.raises(HallucError) as raised:
            read_gazetteer(str(reference), LABELS)
        assert raised.value.code == "D101"
        assert told in raised.value.help


def test_mentions_come_from_the_gazetteer(tmp_path):
    path = written(tmp_path, "LOC\tQuito\nLOC\tPuerto Rico\n")
    made = method(source="gazetteer", gazetteer=path)
    example = editable("Anna Berg saw Oslo .", (0, 2, "PER"), (3, 4, "LOC"))
    assert set(texts(made, example)) == {"Anna Berg saw Quito .", "Anna Berg saw Puerto Rico ."}
    assert made.change(example, Draws(b"1")).steps[0][0].why == "gazetteer"


# --- names put together ----------------------------------------------------------------------------------------

NAMES = inventory(
    PER={"Anna Berg": 3, "Anna Dahl": 1, "Carl Vik": 1, "Jan Moe": 1},
    LOC={"Hamburg": 1, "Marburg": 1, "Coburg": 1, "Frankfort": 1, "Beaufort": 1, "Rochefort": 1, "Oslo": 1},
)


def test_a_free_side_is_joined_with_any_other_and_two_bound_sides_never():
    found = {NameParts(NAMES.mentions).invent("PER", 2, Draws.of(key)) for key in range(200)} - {None}
    assert {" ".join(name) for name in found} == {"Anna Vik", "Anna Moe"}


def test_stems_and_shared_endings_of_single_tokens_are_joined():
    found = {NameParts(NAMES.mentions).invent("LOC", 1, Draws.of(key)) for key in range(300)} - {None}
    names = {name for (name,) in found}
    assert {"Hamfort", "Frankburg", "Cofort"} <= names
    assert all(name.endswith(("burg", "fort")) for name in names)
    assert not names & {"Hamburg", "Frankfort", "Oslo"}


@given(st.integers(0, 10**6), st.sampled_from([("PER", 2), ("LOC", 1)]))
def test_an_invented_name_is_no_mention_of_any_label(key, kind):
    others = {"ORG": {("HAMFORT",): 1, ("anna", "moe"): 1}}
    taken = Lexicon(("LOC", "ORG", "PER"), {**NAMES.mentions, **others})
    name = NameParts(taken.mentions).invent(*kind, Draws.of(key))
    known = {" ".join(mention).lower() for of_label in taken.mentions.values() for mention in of_label}
    assert name is None or (len(name) == kind[1] and " ".join(name).lower() not in known)


@pytest.mark.parametrize(("label", "size"), [("PER", 1), ("PER", 3), ("LOC", 2), ("ORG", 1)])
def test_nothing_is_invented_where_no_parts_fit(label, size):
    assert NameParts(NAMES.mentions).invent(label, size, Draws(b"1")) is None


def test_parts_of_headlines_do_not_mix_with_those_of_running_text():
    training = inventory(PER={"Anna Berg": 1, "Anna Dahl": 1, "Jan Moe": 1, "JAN VIK": 1, "JAN LUND": 1})
    found = {NameParts(training.mentions).invent("PER", 2, Draws.of(key)) for key in range(60)} - {None}
    assert found == {("Anna", "Moe")}
    shouted = NameParts(inventory(PER={"JAN VIK": 1, "JAN LUND": 1, "ANNA MOE": 1}).mentions)
    assert {shouted.invent("PER", 2, Draws.of(key)) for key in range(60)} - {None} == {("JAN", "MOE")}


def test_parts_are_of_any_script_and_no_letter_is_cut():
    cyrillic = NameParts(inventory(LOC={"Петроград": 1, "Волгоград": 1, "Ленинград": 1, "Саратов": 1}).mentions)
    assert cyrillic.invent("LOC", 1, Draws(b"1")) is None  # one ending alone makes nothing new
    towns = "रामपुर जयपुर कानपुर अहमदाबाद फैजाबाद गाजियाबाद"
    marks = NameParts(inventory(LOC=dict.fromkeys(towns.split(), 1)).mentions)
    found = {marks.invent("LOC", 1, Draws.of(key)) for key in range(100)} - {None}
    wanted = {f"{stem}बाद" for stem in ("राम", "जय", "कान")} | {f"{stem}पुर" for stem in ("अहमदा", "फैजा", "गाजिया")}
    assert {name for (name,) in found} == wanted


def test_recombined_names_have_the_casing_of_the_text():
    made = method(NAMES, source="recombined")
    changed = made.change(editable("ANNA BERG WINS", (0, 2, "PER")), Draws(b"1"))
    assert " ".join(changed.edited.tokens) in ("ANNA VIK WINS", "ANNA MOE WINS")
    assert changed.steps[0][0].why == "recombined name"
    assert made.propose(editable("Berg wins", (0, 1, "PER")), Draws(b"1")) == []


# --- the config ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "keys",
    [
        {"source": "gazetteer"},
        {"gazetteer": "names.tsv"},
        {"source": "recombined", "gazetteer": "names.tsv"},
        {"labels": []},
        {"rate": 1.5},
        {"at_least": 3, "at_most": 2},
    ],
)
def test_keys_that_contradict_each_other_are_refused(keys):
    with pytest.raises(ValidationError):
        MentionReplacementConfig(type="mention_replacement", **keys)


def test_an_unknown_label_is_reported_with_the_nearest():
    with pytest.raises(OptionError) as raised:
        method(labels=["PER", "LOK"])
    assert (raised.value.key, raised.value.code) == ("labels", "C145")
    assert "`LOC`" in raised.value.help
