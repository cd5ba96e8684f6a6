"""The methods that put tokens of the example, or of the training split, in other places or forms; and the sequence."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.augmentation.methods.base import Augmenter, Lexicon
from halluc.augmentation.methods.case import Case, CaseConfig
from halluc.augmentation.methods.delete import Delete, DeleteConfig
from halluc.augmentation.methods.duplicate import DuplicateConfig
from halluc.augmentation.methods.label_wise_replacement import LabelWiseReplacement, LabelWiseReplacementConfig
from halluc.augmentation.methods.sentence_reorder import SentenceReorder, SentenceReorderConfig
from halluc.augmentation.methods.sequence import Sequence, SequenceConfig
from halluc.augmentation.methods.shuffle_within_segments import ShuffleWithinSegments, ShuffleWithinSegmentsConfig
from halluc.core.edits import Editable, Reorder, apply
from halluc.core.examples import Span
from halluc.core.rng import Draws


def editable(text: str, *spans: tuple[int, int, str], locked=()) -> Editable:
    return Editable(tuple(text.split()), tuple(Span(*span) for span in spans), tuple(locked))


def results(method: Augmenter, example: Editable, keys: int = 60) -> set[str]:
    return {" ".join(method.change(example, Draws.of(key)).edited.tokens) for key in range(keys)}


ANNA = editable("Anna Berg saw Oslo and Lima .", (0, 2, "PER"), (3, 4, "LOC"), (5, 6, "LOC"))

# --- label-wise replacement ------------------------------------------------------------------------------------

WORDS = Lexicon(
    words={"O": {"saw": 60, "left": 30, "and": 9, "or": 1}, "B-PER": {"Uma": 1, "Anna": 1}, "I-PER": {"Thorn": 1}}
)


def label_wise(training: Lexicon = WORDS, **keys) -> LabelWiseReplacement:
    keys = {"rate": 1.0, **keys}
    return LabelWiseReplacement(LabelWiseReplacementConfig(type="label_wise_replacement", **keys), training)


def test_a_token_is_replaced_by_another_of_its_tag():
    example = editable("Anna Berg saw", (0, 2, "PER"))
    assert results(label_wise(), example, 200) == {"Uma Thorn left", "Uma Thorn and", "Uma Thorn or"}
    changed = label_wise().change(example, Draws(b"1"))
    assert changed.edited.spans == example.spans
    assert {edit.why for edit in changed.steps[0]} == {"token of the same label"}


def test_training_tokens_are_drawn_by_their_frequency():
    example = editable("was")
    drawn = Counter(label_wise().change(example, Draws.of(key)).edited.tokens[0] for key in range(600))
    assert 320 < drawn["saw"] < 400
    assert 150 < drawn["left"] < 210
    assert 30 < drawn["and"] < 80


def test_a_token_whose_tag_shows_no_other_is_left():
    thorn = editable("Uma Thorn", (0, 2, "PER"))
    assert results(label_wise(), thorn) == {"Anna Thorn"}
    assert label_wise().propose(editable("Thorn", (0, 1, "MISC")), Draws(b"1")) == []
    assert label_wise(Lexicon()).propose(ANNA, Draws(b"1")) == []


def test_a_token_is_replaced_however_frequent_it_is():
    frequent = Lexicon(words={"O": {"the": 1_000_000, "a": 1}})
    assert results(label_wise(frequent), editable("the")) == {"a"}


def test_mentions_and_locked_tokens_are_left_where_asked():
    example = editable("Anna saw", (0, 1, "PER"))
    assert all(text.startswith("Anna ") for text in results(label_wise(entities=False), example))
    locked = editable("Anna saw", (0, 1, "PER"), locked=[(1, 2)])
    assert results(label_wise(), locked) == {"Uma saw"}


# --- shuffle within segments -----------------------------------------------------------------------------------


def shuffle(**keys) -> ShuffleWithinSegments:
    keys = {"rate": 1.0, **keys}
    return ShuffleWithinSegments(ShuffleWithinSegmentsConfig(type="shuffle_within_segments", **keys), Lexicon())


def test_tokens_stay_in_their_segment_and_every_segment_changes():
    example = editable("he met Anna van Berg in Oslo", (2, 5, "PER"), (6, 7, "LOC"))
    for key in range(50):
        changed = shuffle().change(example, Draws.of(key))
        tokens = changed.edited.tokens
        assert changed.edited.spans == example.spans
        assert tokens[:2] == ("met", "he")
        assert sorted(tokens[2:5]) == ["Anna", "Berg", "van"]
        assert tokens[2:5] != example.tokens[2:5]
        assert tokens[5:] == ("in", "Oslo")


def test_all_other_orders_come_up():
    assert len(results(shuffle(), editable("a b c"), 200)) == 5


@pytest.mark.parametrize("text", ["a", "a a a", "", "東京"])
def test_what_has_one_order_is_left(text):
    assert shuffle().propose(editable(text), Draws(b"1")) == []


def test_equal_tokens_that_change_places_are_no_change():
    assert results(shuffle(), editable("a a b"), 100) == {"a b a", "b a a"}


def test_locked_tokens_border_segments():
    example = editable("a b | c d e Anna Berg", (6, 8, "PER"), locked=[(2, 3), (6, 7)])
    for text in results(shuffle(), example):
        tokens = text.split()
        assert tokens[:3] == ["b", "a", "|"]
        assert sorted(tokens[3:6]) == ["c", "d", "e"]
        assert tokens[6:] == ["Anna", "Berg"]


def test_rate_is_the_share_of_segments():
    example = editable(" ".join(["a b X"] * 20), *[(3 * n + 2, 3 * n + 3, "X") for n in range(20)])
    counts = [len(shuffle(rate=0.3).propose(example, Draws.of(key))) for key in range(20)]
    assert set(counts) == {6}


# --- sentences and clauses -------------------------------------------------------------------------------------


def reorder(**keys) -> SentenceReorder:
    return SentenceReorder(SentenceReorderConfig(type="sentence_reorder", **keys), Lexicon())


def test_sentences_change_places_and_keep_their_marks_and_mentions():
    example = editable("Anna left . Who knows Oslo ?", (0, 1, "PER"), (5, 6, "LOC"))
    changed = reorder().change(example, Draws(b"1"))
    assert changed.edited == editable("Who knows Oslo ? Anna left .", (2, 3, "LOC"), (4, 5, "PER"))
    assert [type(edit) for edit in changed.steps[0]] == [Reorder]


def test_all_other_orders_of_sentences_come_up():
    assert len(results(reorder(), editable("a . b . c ."), 200)) == 5


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('" a . " b .', 'b . " a . "'),
        ('a . " b . "', '" b . " a .'),
        ("( a . ) b !", "b ! ( a . )"),
        ("a ... b ?!", "b ?! a ..."),
        ("一 。 二 ！", "二 ！ 一 。"),
        ("أ ؟ ب .", "ب . أ ؟"),
        ("a . b", "b a ."),
        ("a . . b .", "b . a . ."),
    ],
)
def test_sentences_end_after_their_marks_and_closing_quotes(text, wanted):
    assert results(reorder(), editable(text)) == {wanted}


@pytest.mark.parametrize("text", ["", ".", "a", "a .", "a , b .", "a . )", "a . a ."])
def test_what_is_one_sentence_or_the_same_twice_is_left(text):
    assert not any(reorder().change(editable(text), Draws.of(key)).is_edited for key in range(10))


def test_clauses_change_places_and_their_marks_stay():
    assert results(reorder(unit="clause"), editable("a b , c .")) == {"c , a b ."}
    assert results(reorder(unit="clause"), editable("a ; b : c d")) == {
        "a ; c d : b", "b ; a : c d", "b ; c d : a", "c d ; a : b", "c d ; b : a",
    }  # fmt: skip
    spans = reorder(unit="clause").change(editable("Anna left , Oslo won .", (0, 1, "PER"), (3, 4, "LOC")), Draws(b"1"))
    assert spans.edited == editable("Oslo won , Anna left .", (0, 1, "LOC"), (3, 4, "PER"))


def test_a_mark_within_a_mention_ends_nothing():
    example = editable("the St . Gallen bank . b .", (1, 4, "LOC"))
    assert results(reorder(), example) == {"b . the St . Gallen bank ."}
    company = editable("he left Acme , Inc , a bank", (2, 5, "ORG"))
    assert results(reorder(unit="clause"), company) == {"a bank , he left Acme , Inc"}


def test_a_mark_at_the_end_of_a_mention_stays_in_it():
    example = editable("b , Acme Inc . won .", (2, 5, "ORG"))
    for key in range(20):
        changed = reorder(unit="clause").change(example, Draws.of(key)).edited
        (span,) = changed.spans
        assert changed.tokens[span.start : span.end] == ("Acme", "Inc", ".")


def test_sentences_stay_on_their_side_of_a_lock():
    example = editable("a . b . c . d .", locked=[(4, 4)])
    assert results(reorder(), example) == {"b . a . d . c ."}
    held = editable("a . Anna Berg . c .", (2, 4, "PER"), locked=[(3, 4)])
    assert results(reorder(), held) == {"a . Anna Berg . c ."}
    assert results(reorder(), editable("a b c . d .", locked=[(1, 1)])) == {"a d . b c ."}


@pytest.mark.parametrize(
    ("text", "locked", "wanted"),
    [
        ("it was broken , give me a refund", (7, 8), {"it was broken , give me a refund"}),
        ("refund me , it was broken", (0, 1), {"refund me , it was broken"}),
        ("a , b refund c , d", (3, 4), {"a , b refund c , d"}),
        ("a , b , c refund , d , e", (5, 6), {"b , a , c refund , e , d"}),
        ("a , refund , b , c", (2, 3), {"a , refund , c , b"}),
    ],
)
def test_a_clause_with_a_locked_word_stays_whole_and_in_its_place(text, locked, wanted):
    assert results(reorder(unit="clause"), editable(text, locked=[locked])) == wanted


WORDS_AND_MARKS = st.lists(st.sampled_from(["a", "b", "c", "x", ",", "."]), min_size=2, max_size=14)


@given(WORDS_AND_MARKS, st.sampled_from(["sentence", "clause"]), st.integers())
def test_no_fragment_is_moved_away_from_a_locked_word(tokens, unit, key):
    locked = [(at, at + 1) for at, token in enumerate(tokens) if token == "x"]
    before = Editable(tuple(tokens), (), tuple(locked))
    after = reorder(unit=unit).change(before, Draws.of(key)).edited.tokens
    ends = ",." if unit == "clause" else "."
    for at, _ in locked:
        first = max((n + 1 for n in range(at) if tokens[n] in ends), default=0)
        last = min((n for n in range(at, len(tokens)) if tokens[n] in ends), default=len(tokens))
        assert after[first:last] == before.tokens[first:last]


def test_rate_is_the_share_of_examples():
    example = editable("a . b .")
    changed = sum(reorder(rate=0.3).change(example, Draws.of(key)).is_edited for key in range(400))
    assert 90 < changed < 150


# --- case ------------------------------------------------------------------------------------------------------


def case(*to: str, **keys) -> Case:
    return Case(CaseConfig(type="case", **({"to": list(to)} if to else {}), **keys), Lexicon())


@pytest.mark.parametrize(
    ("to", "text", "wanted"),
    [
        ("lower", "Anna saw NATO .", "anna saw nato ."),
        ("upper", "Anna saw the Straße", "ANNA SAW THE STRASSE"),
        ("title", "Anna saw NATO and McCoy", "Anna Saw NATO And McCoy"),
        ("title", "ANNA SAW NATO", "Anna Saw Nato"),
        ("title", "ßen a", "Ssen A"),
    ],
)
def test_casings(to, text, wanted):
    assert results(case(to), editable(text)) == {wanted}


@pytest.mark.parametrize("text", ["", "12 . 😀", "東京 は", "שלום"])
def test_what_has_no_case_is_left(text):
    assert case().propose(editable(text), Draws(b"1")) == ()


def test_a_casing_that_would_change_nothing_gives_way_to_another():
    assert results(case("lower", "upper"), editable("anna saw")) == {"ANNA SAW"}
    assert results(case("lower", "upper"), editable("Anna saw")) == {"anna saw", "ANNA SAW"}
    assert len(results(case(), editable("Anna saw Oslo"))) > 3


def test_damage_takes_capitals_and_gives_as_many():
    example = editable("Aa Bb Cc Dd Ee ff gg hh ii jj . 1")
    for key in range(30):
        edits = case("damaged", rate=0.4).propose(example, Draws.of(key))
        lost = [edit for edit in edits if edit.tokens[0].islower()]
        gained = [edit for edit in edits if edit.tokens[0].istitle()]
        assert (len(lost), len(gained), len(edits)) == (2, 2, 4)
    assert case("damaged").propose(editable("aa bb"), Draws(b"1")) == ()
    assert results(case("damaged"), editable("NATO")) == {"nato"}


def test_mentions_and_locked_tokens_keep_their_case_where_asked():
    example = editable("Anna Berg Saw Oslo", (0, 2, "PER"), locked=[(3, 4)])
    assert results(case("lower", mentions=False), example) == {"Anna Berg saw Oslo"}


def test_no_casing_is_changed_at_rate_0_and_none_may_be_unknown():
    assert case("upper", rate=0.0).propose(editable("a"), Draws(b"1")) == ()
    for to in ([], ["capital"]):
        with pytest.raises(ValidationError):
            CaseConfig(type="case", to=to)


@given(st.lists(st.text(min_size=1, max_size=5), max_size=8), st.sampled_from(["lower", "upper", "title", "damaged"]))
def test_any_text_can_be_cased(tokens, to):
    example = Editable(tuple(tokens))
    changed = case(to).change(example, Draws(b"1"))
    assert len(changed.edited.tokens) == len(tokens)
    assert all(example.tokens[edit.start] != edit.tokens[0] for edit in changed.steps[0])


# --- delete ----------------------------------------------------------------------------------------------------


def delete(**keys) -> Delete:
    return Delete(DeleteConfig(type="delete", **{"rate": 1.0, **keys}), Lexicon())


def test_tokens_outside_of_mentions_are_deleted():
    assert results(delete(), ANNA) == {"Anna Berg Oslo Lima"}
    assert delete().change(ANNA, Draws(b"1")).edited.spans == (Span(0, 2, "PER"), Span(2, 3, "LOC"), Span(3, 4, "LOC"))
    assert {len(text.split()) for text in results(delete(rate=0.3), editable("a b c d e f g h i j"))} == {7}


def test_a_token_is_left_of_every_mention_and_of_the_example():
    assert results(delete(mentions=True), ANNA) == {"Anna Oslo Lima", "Berg Oslo Lima"}
    assert results(delete(), editable("a b c")) == {"a", "b", "c"}
    assert delete().propose(editable("a"), Draws(b"1")) == []
    assert delete().propose(Editable(()), Draws(b"1")) == []


def test_a_token_is_left_of_every_field_between_locks():
    example = editable("a b | c | d e", locked=[(2, 3), (4, 5)])
    assert results(delete(), example) == {f"{one} | c | {two}" for one in "ab" for two in "de"}


def test_a_token_that_may_not_be_deleted_takes_no_other_ones_place():
    fields = editable("a | b c", locked=[(1, 2)])
    assert results(delete(rate=0.01), fields) == {"a | b", "a | c"}
    mentions = editable("Oslo is", (0, 1, "LOC"))
    assert results(delete(rate=0.01, mentions=True), mentions) == {"Oslo"}


# --- sequence --------------------------------------------------------------------------------------------------


def chained(*configs) -> Sequence:
    return Sequence(SequenceConfig(type="sequence", methods=list(configs)), WORDS)


UPPER, DELETE = CaseConfig(type="case", to=["upper"]), DeleteConfig(type="delete", rate=1.0)


def test_each_method_is_given_what_the_one_before_made():
    changed = chained(DELETE, UPPER).change(ANNA, Draws(b"1"))
    assert changed.edited.tokens == ("ANNA", "BERG", "OSLO", "LIMA")
    assert [len(step) for step in changed.steps] == [3, 4]
    example = ANNA
    for step in changed.steps:
        example = apply(example, step)
    assert example == changed.edited


def test_a_sequence_changes_form_only_where_all_its_methods_do():
    assert chained(UPPER, UPPER).changes_form_only
    assert not chained(UPPER, DELETE).changes_form_only


def test_a_sequence_of_copies_changes_nothing():
    changed = chained(DuplicateConfig(type="duplicate")).change(ANNA, Draws(b"1"))
    assert changed.edited is ANNA
    assert not changed.is_edited


def test_the_steps_of_a_sequence_draw_from_one_stream():
    drawn = chained(DeleteConfig(type="delete"), DeleteConfig(type="delete"))
    example = editable("a b c d e f g h")
    changes = [drawn.change(example, Draws.of(key)) for key in range(20)]
    assert any(one.steps[0][0].start != one.steps[1][0].start for one in changes)
