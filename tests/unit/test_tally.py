"""What is counted of a corpus that is made, and that an interrupted count goes on."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from halluc.augmentation.pipeline import tally as counting
from halluc.augmentation.pipeline.candidates import UNCHANGEABLE, Refusal
from halluc.augmentation.pipeline.tally import CorpusCounts, Sample, Tally, alike_in_size, distinct
from halluc.gap.novelty import MENTIONS

CORPORA = st.lists(st.tuples(st.integers(0, 9), st.lists(st.sampled_from("XYZ"), max_size=3)), max_size=12)


def figures(corpus: list[tuple[int, list[str]]], new: int = 0) -> CorpusCounts:
    made = CorpusCounts()
    for tokens, labels in corpus:
        made.add(tokens, labels, len(labels), min(new, len(labels)))
    return made


@given(CORPORA)
def test_figures_are_what_a_recount_gives(corpus):
    made = figures(corpus)
    assert made.examples == len(corpus)
    assert made.tokens == sum(tokens for tokens, _ in corpus)
    assert made.units == sum(len(labels) for _, labels in corpus) == sum(made.labels.values())
    assert made.unlabelled == sum(not labels for _, labels in corpus)


@given(CORPORA, CORPORA)
def test_the_sum_of_two_corpora_is_the_corpus_of_both(one, other):
    assert figures(one, 1).plus(figures(other, 1)) == figures(one + other, 1)


def test_shares_are_of_examples_and_of_mentions():
    told = figures([(3, ["Y", "X"]), (2, []), (2, ["X"])], new=1).as_json(MENTIONS)
    assert told["entity_free_share"] == 0.3333
    assert told["new_mention_share"] == 0.6667
    assert list(told["labels"].items()) == [("X", 2), ("Y", 1)]


def test_an_empty_corpus_has_no_shares():
    told = CorpusCounts().as_json(MENTIONS)
    assert (told["entity_free_share"], told["new_mention_share"]) == (None, None)


def refusals() -> list[tuple[Refusal, str]]:
    return [
        (Refusal("duplicate", "noise", "a b"), "a c"),
        (Refusal("duplicate", "noise", "a d"), "a c"),
        (Refusal("duplicate", "delete", None), "a c"),
        (Refusal("leak", "noise", "e"), "f"),
        (Refusal(UNCHANGEABLE, "", None), "g"),
    ]


def counted() -> Tally:
    tally = Tally(wanted=9)
    for refusal, before in refusals():
        tally.refuse(refusal, before)
    tally.keep("noise", 4, ["X"], 1, 1)
    tally.keep("noise", 3, [], 0, 0)
    tally.keep("copy", 2, [], 0, 0)
    return tally


def test_refusals_are_counted_by_reason_and_method():
    tally = counted()
    assert tally.refused == {"duplicate": {"noise": 2, "delete": 1}, "leak": {"noise": 1}}
    assert tally.unchangeable == 1
    assert tally.kept == {"noise": 2, "copy": 1}
    assert tally.made == 3


def test_a_few_refusals_are_shown_and_only_those_that_have_a_text():
    tally = counted()
    assert tally.shown["duplicate"] == [
        {"method": "noise", "before": "a c", "after": "a b"},
        {"method": "noise", "before": "a c", "after": "a d"},
    ]
    for number in range(9):
        tally.refuse(Refusal("duplicate", "noise", str(number)), "b")
    assert len(tally.shown["duplicate"]) == 3
    assert tally.refused["duplicate"]["noise"] == 11


def test_an_interrupted_count_resumes():
    whole, first = counted(), counted()
    second = Tally.from_state(json.loads(json.dumps(first.state())))
    assert second == first
    for tally in (whole, second):
        tally.keep("delete", 5, ["Y"], 1, 0)
        tally.refuse(Refusal("leak", "delete", "h"), "i")
    assert second == whole


# --- diversity -------------------------------------------------------------------------------------------------


def test_distinct_n_is_different_n_grams_over_all():
    texts = [("a", "b", "a"), ("a", "b")]
    assert distinct(texts, 1) == 0.4
    assert distinct(texts, 2) == 0.6667
    assert distinct(texts, 3) == 1.0
    assert distinct(texts, 4) is None
    assert distinct([], 1) is None


def test_all_texts_are_sampled_while_they_are_few():
    sample = Sample()
    for number in range(500):
        sample.offer((str(number),))
    assert sample.texts == [(str(number),) for number in range(500)]


@given(st.integers(0, 200))
def test_a_sample_is_evenly_spaced_and_bounded(offered):
    sample, most = Sample(), counting.MOST
    counting.MOST = 8
    try:
        for number in range(offered):
            sample.offer((str(number),))
    finally:
        counting.MOST = most
    taken = [int(text[0]) for text in sample.texts]
    stride = taken[1] - taken[0] if len(taken) > 1 else 1
    assert taken == list(range(0, offered, stride))
    assert len(taken) <= 8
    assert offered <= 8 or len(taken) >= 4


@given(st.lists(st.integers(), max_size=30), st.lists(st.integers(), max_size=30))
def test_two_samples_are_brought_to_one_size_by_thinning_the_longer(one, other):
    first, second = alike_in_size(one, other)
    assert len(first) == len(second) == min(len(one), len(other))
    longer, thinned = (one, first) if len(one) >= len(other) else (other, second)
    shorter, whole = (other, second) if len(one) >= len(other) else (one, first)
    assert list(whole) == shorter
    left = iter(longer)
    assert all(any(item is kept for item in left) for kept in thinned)  # in order


def test_thinning_is_even():
    assert alike_in_size("ab", "0123456789")[1] == ["0", "5"]
