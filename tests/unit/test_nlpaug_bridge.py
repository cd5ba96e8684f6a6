"""What nlpaug returns comes back as edits: the same text, labels where they were, or a rejection."""

from __future__ import annotations

import random
import socket

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.methods.alignment import EditAlignment, permitted_edits
from halluc.augmentation.methods.base import Lexicon, OptionError, Rejected
from halluc.augmentation.methods.nlpaug_bridge import NlpaugBridge, NlpaugConfig
from halluc.core.edits import Editable, apply
from halluc.core.examples import Span, surface
from halluc.core.rng import Draws

NEW_YORK = Editable(("She", "left", "New", "York", "for", "Oslo", "."), (Span(2, 4, "LOC"), Span(5, 6, "LOC")))


def bridge(augmenter: str, args: dict | None = None, **keys) -> NlpaugBridge:
    return NlpaugBridge(NlpaugConfig(type="nlpaug", augmenter=augmenter, args=args or {}, **keys), Lexicon())


def aligned(example: Editable, new: str, keeps_positions: bool = True, mentions: bool = True) -> Editable:
    edits = EditAlignment(example, new.split(), keeps_positions, "nlpaug").edits()
    return apply(example, permitted_edits(example, edits, mentions))


def mentions(example: Editable) -> list[str]:
    return [surface(example.tokens, span) for span in example.spans]


class Returns:
    """Stands in for an augmenter of nlpaug."""

    def __init__(self, result) -> None:
        self.result = result

    def augment(self, text: str):
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def bridge_to(result) -> NlpaugBridge:
    made = bridge("char.KeyboardAug")
    made._augmenter = Returns(result)
    return made


@st.composite
def examples(draw) -> Editable:
    """Up to 12 different tokens, in spans and outside."""
    size = draw(st.integers(1, 12))
    spans, at = [], 0
    while at < size:
        end = draw(st.integers(at + 1, size))
        if draw(st.booleans()):
            spans.append(Span(at, end, draw(st.sampled_from(["PER", "LOC"]))))
        at = end
    return Editable(tuple(f"word{n}" for n in range(size)), tuple(spans))


@given(examples(), st.data())
def test_words_put_in_place_of_others_keep_every_span(example, data):
    new = [data.draw(st.sampled_from([word, f"new{n}"])) for n, word in enumerate(example.tokens)]
    made = aligned(example, " ".join(new))
    assert made == example._replace(tokens=tuple(new))


@given(examples(), st.data())
def test_deleted_words_shrink_their_span_or_are_rejected(example, data):
    kept = [data.draw(st.booleans()) for _ in example.tokens]
    left = [[example.tokens[at] for at in range(s.start, s.end) if kept[at]] for s in example.spans]
    new = [word for word, keep in zip(example.tokens, kept, strict=True) if keep]
    if not new or not all(left):
        with pytest.raises(Rejected, match="alignment"):
            aligned(example, " ".join(new))
    else:
        made = aligned(example, " ".join(new))
        assert made.tokens == tuple(new)
        assert mentions(made) == [" ".join(words) for words in left]


@given(examples(), st.data())
def test_inserted_words_stretch_only_the_span_they_are_strictly_inside(example, data):
    at = data.draw(st.integers(0, len(example.tokens)))
    made = aligned(example, " ".join([*example.tokens[:at], "more", *example.tokens[at:]]))
    assert made.tokens == (*example.tokens[:at], "more", *example.tokens[at:])
    inside = [span for span in example.spans if span.start < at < span.end]
    assert [span for span in made.spans if "more" in made.tokens[span.start : span.end]] == [
        Span(span.start, span.end + 1, span.label) for span in inside
    ]


@given(examples(), st.randoms(use_true_random=False))
def test_moved_words_never_change_what_a_mention_is_made_of(example, chance):
    new = list(example.tokens)
    for _ in range(2):
        at = chance.randrange(len(new))
        other = min(at + 1, len(new) - 1)
        new[at], new[other] = new[other], new[at]
    try:
        made = aligned(example, " ".join(new))
    except Rejected:
        return
    assert made.tokens == tuple(new)
    before, after = mentions(example), mentions(made)
    assert [sorted(one.split()) for one in before] == [sorted(one.split()) for one in after]


@given(examples(), st.lists(st.sampled_from(["word0", "word1", "Word2", "word3", "other", "word1word2"]), max_size=12))
def test_whatever_is_returned_is_made_or_rejected(example, new):
    try:
        made = aligned(example, " ".join(new))
    except Rejected:
        return
    assert made.tokens == tuple(new)
    assert [span.label for span in made.spans] == [span.label for span in example.spans]


def test_a_word_swapped_into_a_mention_of_several_words_is_rejected():
    with pytest.raises(Rejected, match="alignment"):
        aligned(NEW_YORK, "She left New for York Oslo .")


def test_a_mention_swapped_with_its_neighbour_takes_its_label_along():
    made = aligned(NEW_YORK, "She left New York Oslo for .")
    assert mentions(made) == ["New York", "Oslo"]


def test_the_first_letter_that_a_swap_changes_is_no_other_word():
    made = aligned(Editable(("Oslo", "is", "near"), (Span(0, 1, "LOC"),)), "Is oslo near")
    assert (made.tokens, made.spans) == (("Is", "oslo", "near"), (Span(1, 2, "LOC"),))


def test_words_split_on_both_sides_of_a_border_stay_on_their_side():
    made = aligned(NEW_YORK, "She le ft Ne w Yo rk f or Os lo .")
    assert mentions(made) == ["Ne w Yo rk", "Os lo"]


def test_other_words_on_both_sides_of_a_border_are_rejected():
    with pytest.raises(Rejected, match="alignment"):
        aligned(NEW_YORK, "She departed from Gotham City for Oslo .")


def test_a_model_that_joins_punctuation_and_drops_capitals_changes_neither():
    made = aligned(NEW_YORK, "she quickly left new york for oslo.", keeps_positions=False)
    assert made.tokens == ("She", "quickly", "left", "New", "York", "for", "Oslo", ".")
    assert mentions(made) == ["New York", "Oslo"]


def test_equal_length_is_no_alignment_where_a_model_has_its_own_tokenizer():
    example = Editable(("Anna", "visited", "Oslo", "now"), (Span(0, 1, "PER"), Span(2, 3, "LOC")))
    with pytest.raises(Rejected, match="alignment"):
        aligned(example, "Anna went to Norway", keeps_positions=False)


def test_mentions_stay_as_they_are_where_reported():
    made = aligned(NEW_YORK, "He went Old Pork to Osl0 .", mentions=False)
    assert made.tokens == ("He", "went", "New", "York", "to", "Oslo", ".")


def test_a_locked_token_stays_as_it_was_or_rejects_the_candidate():
    example = Editable(("a", "b", "c"), (), ((1, 2),))
    assert aligned(example, "x b y").tokens == ("x", "b", "y")
    assert aligned(example, "x z y").tokens == ("x", "b", "y")
    for moved in ("a c", "a b1 b2 c", "a c b"):
        with pytest.raises(Rejected, match="locked"):
            aligned(example, moved)


def test_texts_of_a_pair_swap_no_words():
    method = bridge("word.RandomWordAug", {"action": "swap", "aug_p": 1.0})
    tokens = ("a1", "a2", "a3", "b1", "b2")
    for example in (Editable(tokens, (), ((3, 3),)), Editable(tokens, (), ((3, 5),)), Editable(tokens, (), ((0, 3),))):
        for key in range(20):
            made = [token.lower() for token in method.change(example, Draws.of(key)).edited.tokens]
            assert [token[0] for token in made] == ["a", "a", "a", "b", "b"]
            assert sorted(made) == list(tokens)


def test_a_field_between_locked_ranges_keeps_a_word():
    example = Editable(("a", "|", "b", "c"), (), ((1, 2),))
    with pytest.raises(Rejected, match="alignment"):
        aligned(example, "| b c")
    assert aligned(example, "a | c").tokens == ("a", "|", "c")


def test_long_texts_are_aligned_too():
    words = [f"w{n}" for n in range(1500)]
    example = Editable(tuple(words), (Span(700, 702, "LOC"),))
    made = aligned(example, " ".join(word for n, word in enumerate(words) if n % 9))
    assert mentions(made) == ["w700 w701"]


@pytest.mark.parametrize("augmenter", ["char.KeyboardAug", "char.OcrAug", "word.RandomWordAug", "word.SplitAug"])
def test_same_key_same_edits_and_global_random_states_are_as_before(augmenter):
    made = bridge(augmenter)
    random.seed(3)
    numpy.random.seed(3)
    expected = random.random(), numpy.random.random()
    random.seed(3)
    numpy.random.seed(3)
    results = {_proposed(made, NEW_YORK, key) for key in (1, 1, 1)}
    assert (random.random(), numpy.random.random()) == expected
    assert len(results) == 1
    assert len({_proposed(made, NEW_YORK, key) for key in range(20)}) > 5


def _proposed(made: NlpaugBridge, example: Editable, key: int):
    try:
        return tuple(made.propose(example, Draws.of(key)))
    except Rejected as rejected:
        return rejected.reason


@pytest.mark.parametrize("augmenter", ["char.KeyboardAug", "char.RandomCharAug", "word.RandomWordAug", "word.SplitAug"])
@pytest.mark.parametrize(
    "tokens",
    [
        (),
        ("Oslo",),
        ("Anna", "Berg"),
        ("word", "other") * 200,
        ("😀", "👩‍👩‍👧", "😀"),
        ("我们在北京大学学习中文",),
        ("שלום", "עולם"),
    ],
    ids=["empty", "one token", "only mentions", "400 tokens", "emoji", "Chinese", "right to left"],
)
def test_degenerate_examples_are_changed_or_rejected(augmenter, tokens):
    example = Editable(tokens, (Span(0, min(2, len(tokens)), "PER"),) if tokens else ())
    made = bridge(augmenter)
    for key in range(5):
        try:
            changed = made.change(example, Draws.of(key)).edited
        except Rejected:
            continue
        assert len(changed.spans) == len(example.spans)


def test_punctuation_keeps_its_own_tokens():
    example = Editable(("``", "Yes", ",", "''", "(", "he", ")", "said", "U.S.", "-", "based", "."))
    made = bridge("char.KeyboardAug", {"aug_word_p": 1.0, "min_char": 3, "include_special_char": False})
    changed = made.change(example, Draws.of(1)).edited.tokens
    assert len(changed) == len(example.tokens)
    assert changed[:1] + changed[2:6] == example.tokens[:1] + example.tokens[2:6]
    assert changed != example.tokens


def test_arguments_reach_the_augmenter():
    made = bridge("word.RandomWordAug", {"action": "substitute", "target_words": ["zebra"], "aug_p": 1.0})
    edits = made.propose(Editable(("one", "two")), Draws.of(1))
    assert [edit.tokens for edit in edits] == [("zebra",), ("zebra",)]
    assert {edit.why for edit in edits} == {"nlpaug word.RandomWordAug"}


def test_only_char_augmenters_change_form_alone():
    assert bridge("char.OcrAug").changes_form_only
    assert not bridge("word.SplitAug").changes_form_only


@pytest.mark.parametrize("result", [[], None, 7], ids=repr)
def test_no_string_is_no_result(result):
    with pytest.raises(Rejected, match="no result"):
        bridge_to(result).propose(NEW_YORK, Draws.of(1))


def test_an_empty_string_is_rejected_and_of_a_list_the_first_counts():
    with pytest.raises(Rejected, match="alignment"):
        bridge_to("").propose(NEW_YORK, Draws.of(1))
    assert not bridge_to([" ".join(NEW_YORK.tokens), "other"]).propose(NEW_YORK, Draws.of(1))


def test_an_error_of_nlpaug_rejects_the_candidate_only():
    with pytest.raises(Rejected, match="nlpaug failed"):
        bridge_to(ValueError("Sample larger than population")).propose(NEW_YORK, Draws.of(1))


@pytest.mark.parametrize("token", ["New York", "a\u3000b", "\u00a0"])
def test_a_token_with_white_space_stays_or_where_spans_are_rejects(token):
    method, example = bridge_to("on that"), Editable(("in", token, "this"))
    assert method.change(example, Draws.of(1)).edited.tokens == ("on", token, "that")
    assert method.propose(Editable((token,)), Draws.of(1)) == []
    with pytest.raises(Rejected, match="alignment"):
        method.propose(example._replace(spans=(Span(0, 2, "X"),)), Draws.of(1))


def test_unknown_augmenter_names_the_nearest():
    with pytest.raises(OptionError) as error:
        bridge("char.KeybordAug")
    assert (error.value.code, error.value.key, error.value.exit_code) == ("C140", "augmenter", 2)
    assert error.value.help == "did you mean `char.KeyboardAug`?"


@pytest.mark.parametrize("name", ["KeyboardAug", "audio.NoiseAug", "char.CharAugmenter", "word.", "char.os"])
def test_what_is_no_text_augmenter_is_unknown(name):
    with pytest.raises(OptionError, match="has no augmenter"):
        bridge(name)


@pytest.mark.parametrize(
    ("augmenter", "args"),
    [
        ("char.KeyboardAug", {"aug_chr_p": 0.3}),
        ("char.KeyboardAug", {"lang": "xx"}),
        ("char.KeyboardAug", {"aug_char_p": "much"}),
        ("word.RandomWordAug", {"action": "insert"}),
        ("word.ReservedAug", {}),
    ],
)
def test_errors_about_arguments_list_the_valid_ones(augmenter, args):
    with pytest.raises(OptionError) as error:
        bridge(augmenter, args)
    assert (error.value.code, error.value.key, error.value.exit_code) == ("C141", "args", 2)
    assert "it takes" in error.value.help and "_p=0.3" in error.value.help


def test_missing_nltk_data_are_named_and_never_downloaded(monkeypatch):
    nltk = pytest.importorskip("nltk")
    asked = []
    monkeypatch.setattr(nltk.data, "path", [])
    monkeypatch.setattr(nltk, "download", asked.append)
    with pytest.raises(OptionError, match="NLTK data `") as error:
        bridge("word.SynonymAug")
    assert (error.value.code, error.value.key, error.value.exit_code) == ("E420", "augmenter", 4)
    assert not asked
    nltk.download("restored")
    assert asked == ["restored"]


def test_a_model_is_not_looked_for_on_the_network_unless_named_as_of_the_hub(monkeypatch):
    from huggingface_hub import constants

    asked = []

    def refused(*arguments, **_):
        asked.append(arguments)
        raise OSError("no network in tests")

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
    with pytest.raises(OptionError, match="cannot run here") as error:
        bridge("word.ContextualWordEmbsAug", {"model_path": "nobody/no-such-bert"})
    assert error.value.code == "E420"
    assert not asked
    assert constants.HF_HUB_OFFLINE is False


@pytest.mark.parametrize(
    ("written", "given", "offline"), [("hub:some/bert", "some/bert", False), ("bert", "bert", True)]
)
def test_a_model_named_as_of_the_hub_may_be_downloaded(monkeypatch, written, given, offline):
    from huggingface_hub import constants

    class Model(Returns):
        """Stands in for an augmenter with a model."""

        __module__ = "nlpaug.augmenter.word.random"

        def __init__(self, model_path: str) -> None:
            seen.append((model_path, constants.HF_HUB_OFFLINE))
            super().__init__("a text")

    seen: list = []
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    bridge("word.RandomWordAug")
    monkeypatch.setattr("halluc.augmentation.methods.nlpaug_bridge.augmenter_class", lambda name: Model)
    bridge("word.Model", {"model_path": written})
    assert seen == [(given, offline)]


def test_every_augmenter_has_its_own_dictionary_in_an_order_that_never_changes(tmp_path):
    for name, slips in (("one", "wnot twon tonw tow own toun ton twn"), ("two", "taun")):
        (tmp_path / name).write_text(f"town {slips}\n", encoding="utf-8")
    one, two = (bridge("word.SpellingAug", {"dict_path": str(tmp_path / name)}) for name in ("one", "two"))
    assert one._augmenter.model.dict["town"] == sorted(["wnot", "twon", "tonw", "tow", "own", "toun", "ton", "twn"])
    assert two._augmenter.model.dict["town"] == ["taun"]
