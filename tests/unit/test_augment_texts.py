"""What every method may do to texts and pairs of them: labels, borders and locked words stay."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.augmentation.filters.filters import Candidate, NoveltyConfig
from halluc.augmentation.filters.filters import build as build_filter
from halluc.augmentation.methods.base import Augmenter, Lexicon, OptionError, Rejected, Workspace, build, tags
from halluc.augmentation.methods.ngram import Ngram, NgramConfig
from halluc.augmentation.pipeline.candidates import CandidateMaker, Method
from halluc.augmentation.pipeline.lines import LineMaker
from halluc.augmentation.pipeline.tally import CorpusCounts
from halluc.components import TABLE
from halluc.core import registry
from halluc.core.edits import Editable, Reorder, Replace
from halluc.core.examples import Origin
from halluc.core.rng import Draws
from halluc.gap.novelty import CONTENT_WORDS
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.edits import LockedWords
from halluc.tasks.text_classification.examples import TextExamples
from halluc.tasks.text_classification.labelled_text import Labelled

ORIGIN = Origin("texts.txt", 1)
METHODS = {
    "synonym": {"rate": 0.6},
    "noise": {"rate": 0.6},
    "case": {},
    "delete": {"rate": 0.6},
    "sentence_reorder": {"unit": "clause"},
    "label_wise_replacement": {"rate": 0.6},
    "nlpaug": {"augmenter": "char.KeyboardAug"},
    "duplicate": {},
}
WORDS = {"swap": {"action": "swap", "aug_p": 0.6}, "delete": {"aug_p": 0.6}, "crop": {"action": "crop"}}
CASES = [*METHODS, *(f"nlpaug {action}" for action in WORDS)]
TEXTS = [
    "The bank opened late .",
    "a cheap boat , and a fast car",
    "who knows ? nobody came",
    "It was a good , warm day",
]


def task(**keys) -> TextExamples:
    return TextExamples(TextClassificationConfig(type="text_classification", **keys))


def text(tokens: str, *labels: str, second: int | None = None, number: int = 1) -> Labelled:
    return Labelled(f"t{number}", ORIGIN, tuple(tokens.split()), labels, second)


@cache
def method(name: str) -> Augmenter:
    name, _, action = name.partition(" ")
    keys = {"augmenter": "word.RandomWordAug", "args": WORDS[action]} if action else METHODS[name]
    config = registry.load(TABLE, "augmenter", name).Config(type=name, **keys)
    return build(config, Lexicon.of(task().editable(text(one, "x")) for one in TEXTS))


VOCABULARY = "bank Bank opened late cheap boat fast a an apple car . , ? ' who knows Monday the 好 书 I"
TOKENS = st.sampled_from([*VOCABULARY.split(), " ", "\u3000"])
SIDES = st.lists(TOKENS, min_size=1, max_size=9)


@st.composite
def texts(draw) -> Labelled:
    first = draw(SIDES)
    second = draw(st.one_of(st.none(), SIDES))
    labels = tuple(sorted(draw(st.sets(st.sampled_from("xyz"), max_size=2))))
    border = None if second is None else len(first)
    return Labelled("t", ORIGIN, (*first, *(second or ())), labels, border)


def sides(example: Labelled) -> tuple[tuple[str, ...], ...]:
    if example.second is None:
        return (example.tokens,)
    return example.tokens[: example.second], example.tokens[example.second :]


LOCKED = ["bank", "WHO KNOWS", "好书", "monday"]


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=80, deadline=None)
@given(texts(), st.sampled_from(["both", "first", "second"]), st.booleans(), st.integers(0, 9))
def test_labels_borders_and_locked_words_stay(name, example, side, locks, key):
    made_by = task(augment_side=side, locked_words=LOCKED if locks else [])
    before = made_by.editable(example)
    try:
        changed = method(name).change(before, Draws.of(key))
    except Rejected:
        return
    made = made_by.rebuild(example, changed.edited, "n", ORIGIN)
    assert made.labels == example.labels
    assert changed.edited.labels == example.labels
    assert all(sides(made))
    if example.second is not None:
        assert sides(example)[1] == sides(made)[1] or side != "first"
        assert sides(example)[0] == sides(made)[0] or side != "second"
        no_edit_crosses(changed.steps[0], example.second, made.second)
    held = [before.tokens[start:end] for start, end in before.locked]
    assert [changed.edited.tokens[start:end] for start, end in changed.edited.locked] == held
    for old, new in zip(sides(example), sides(made), strict=True):
        if locks:
            assert Counter(map(str.casefold, old))["bank"] <= Counter(map(str.casefold, new))["bank"]
            assert "".join(old).casefold().count("好书") <= "".join(new).casefold().count("好书")


def no_edit_crosses(edits, border: int, after: int) -> None:
    """Every edit lies in one text, and the border moved by what came into the first."""
    grown = 0
    for edit in edits:
        start, end = (edit.cuts[0], edit.cuts[-1]) if isinstance(edit, Reorder) else (edit.start, edit.end)
        assert end <= border or start >= border
        if end <= border and isinstance(edit, Replace):
            grown += len(edit.tokens) - (end - start)
    assert after == border + grown


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("duplicate", "sentence_reorder")])
def test_every_method_changes_either_text_of_a_pair(name):
    pair = text("The bank opened late today , and a fast boat came the cheap car was late , and a good day ended", "x",
                second=11)  # fmt: skip
    changed = set()
    for key in range(40):
        try:
            made = task().rebuild(pair, method(name).change(task().editable(pair), Draws.of(key)).edited, "n", ORIGIN)
        except Rejected:
            continue
        changed |= {number for number in (0, 1) if sides(made)[number] != sides(pair)[number]}
    assert changed == {0, 1}


def test_an_article_does_not_agree_with_a_word_of_the_other_text():
    pair = text("it was a fast", "x", second=3)
    for key in range(20):
        made = method("synonym").change(task().editable(pair), Draws.of(key)).edited
        assert made.tokens[:3] == ("it", "was", "a")


@pytest.mark.parametrize(
    ("tokens", "border", "found"),
    [
        ("my Credit CARD is lost", None, [(1, 3)]),
        ("my credit-card", None, []),
        ("my creditcard", None, [(1, 2)]),
        ("credit credit card card", None, [(1, 3)]),
        ("who knows nothing", None, [(0, 3)]),
        ("my credit card", 2, []),
        ("这 本 好 书", None, [(2, 4)]),
        ("STRASSE straße", None, [(0, 1), (1, 2)]),
        ("", None, []),
    ],
)
def test_locked_words_of_several_tokens_are_found(tokens, border, found):
    words = LockedWords(["credit card", "who  knows", "knows nothing", "好书", "straße", " "])
    assert words.ranges(tuple(tokens.split()), border) == found


# --- what novelty is measured in -------------------------------------------------------------------------------


def test_new_words_of_a_text_are_counted_and_mentions_are_not():
    shown = Lexicon.of([task().editable(text("The boat is fast", "x"))], units=CONTENT_WORDS)
    maker = CandidateMaker([Method("duplicate", ("duplicate",), 1.0, method("duplicate"))], (), 1, 1, True)
    press = LineMaker(maker, task(), "~", 1, shown)
    line = press.candidate(text("A FAST car , a fast car", "x", "y"), 1).line
    assert (line.size, line.labels, line.units, line.new) == (7, ("x", "y"), 4, 2)


def test_the_manifest_counts_content_words():
    figures = CorpusCounts()
    figures.add(5, ["x"], 4, 1)
    figures.add(2, [], 0)
    told = figures.as_json(CONTENT_WORDS)
    assert told == {
        "examples": 2, "tokens": 7, "content_words": 4, "new_words": 1, "unlabelled": 1, "labels": {"x": 1},
        "unlabelled_share": 0.5, "new_word_share": 0.25,
    }  # fmt: skip


def test_novelty_of_a_text_is_the_share_of_its_content_words_that_training_lacks():
    def refuses(after: str, **bounds) -> bool:
        made = build_filter(NoveltyConfig(type="novelty", **bounds), CONTENT_WORDS)
        made.record(task().editable(text("The boat is fast", "x")))
        return made.refuses(Candidate(Editable(("a",)), Editable(tuple(after.split())), False, False))

    assert not refuses("the FAST boat", max=0.0)
    assert refuses("the fast car", max=0.4)
    assert not refuses("the fast car", min=0.5, max=0.5)
    assert not refuses("and ? is", min=1.0)


# --- methods that learn by label -------------------------------------------------------------------------------


def test_words_of_the_same_labels_take_the_place_of_words():
    of_label = {"x": "red green blue", "y": "one two three"}
    examples = [task().editable(text(words, label)) for label, words in of_label.items()]
    examples.append(task().editable(text("zero zero nought")))
    config = registry.load(TABLE, "augmenter", "label_wise_replacement").Config(type="label_wise_replacement", rate=1.0)
    replacing = build(config, Lexicon.of(examples))
    for example in examples:
        for key in range(10):
            made = replacing.change(example, Draws.of(key)).edited
            assert set(made.tokens) <= set(example.tokens)
            assert made.tokens != example.tokens
    assert tags(examples[0]) == ["=x"] * 3
    assert tags(examples[2]) == ["O"] * 3


def fitted(*examples: Labelled, **keys) -> Ngram:
    made = Ngram(NgramConfig(type="ngram", **keys))
    made.fit([task(locked_words=["held"]).editable(example) for example in examples], Workspace(Path("unused"), 1))
    return made


def test_texts_are_sampled_from_the_model_of_their_labels():
    colours = [text(f"red green w{number} blue", "x") for number in range(12)]
    numbers = [text(f"one two n{number} three", "x", "y") for number in range(12)]
    made = fitted(*colours, *numbers, text("rare words here", "z"))
    for like, shown in ((colours[0], colours), (numbers[0], numbers)):
        known = {token for one in shown for token in one.tokens}
        for key in range(40):
            sample = made.sample(task().editable(like), Draws.of(key))
            assert set(sample.tokens) <= known
            assert sample.labels == like.labels
    with pytest.raises(Rejected, match="too few of its label"):
        made.sample(task().editable(text("rare", "z")), Draws.of(1))


def test_too_few_texts_of_every_label_and_pairs_are_refused():
    with pytest.raises(OptionError, match="9 training examples of a label are too few"):
        fitted(*(text(f"w{n}", label) for n in range(9) for label in "xy"))
    with pytest.raises(OptionError, match="pair or has locked words") as caught:
        fitted(*(text(f"a w{n}", "x", second=1) for n in range(20)))
    assert (caught.value.code, caught.value.key) == ("C147", "type")
    some = [text(f"w{n}", "x") for n in range(10)]
    with pytest.raises(Rejected, match="locked"):
        fitted(*some, text("held w1", "x")).sample(task(locked_words=["held"]).editable(text("held", "x")), Draws.of(1))


def test_a_model_without_out_of_scope_learns_nothing_from_such_texts():
    inside, outside = text("a", "x"), text("b")
    assert [task().trains_on(one) for one in (inside, outside)] == [True, True]
    assert [task(out_of_scope="leave_out").trains_on(one) for one in (inside, outside)] == [True, False]


def test_the_line_of_an_augmented_pair_is_read_by_name():
    line = json.loads(
        LineMaker(CandidateMaker([], (), 1, 1, True), task(), "~", 1, Lexicon()).original(text("a b", "x", second=1))
    )
    assert line == {"id": "t1", "tokens": ["a", "b"], "second": 1, "label": ["x"]}


@pytest.mark.parametrize(("side", "wanted"), [("first", "b , a c , d"), ("second", "a , b d , c")])
def test_clauses_of_the_side_that_may_change_end_at_the_border(side, wanted):
    pair = text("a , b c , d", "x", second=3)
    edited = method("sentence_reorder").change(task(augment_side=side).editable(pair), Draws(b"1")).edited
    made = task(augment_side=side).rebuild(pair, edited, "n", ORIGIN)
    assert (" ".join(made.tokens), made.second) == (wanted, 3)
