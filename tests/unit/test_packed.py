"""Corpora and features in flat memory are the same corpora and features."""

import tracemalloc
from array import array

import pytest

from halluc.components import TABLE
from halluc.core import packed
from halluc.core.examples import Origin, Span
from halluc.core.packed import Packed, Ragged
from halluc.data.checks import check_corpora
from halluc.data.corpora import read_corpora
from halluc.engine.batching import plan
from halluc.tasks.token_classification.encoding import Window, Windows
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.tagged_sentence import RawSentence, Tagged
from halluc.tasks.token_classification.wording import SENTENCES as WORDS

SENTENCES = [
    Tagged("a", Origin("f", 1, number=1), ("Anna", "\ud800", "\0", "日本"), (Span(0, 1, "PER"), Span(2, 4, "LOC"))),
    Tagged("b", Origin("f", 6, 2, "a", ("noise",), 2), (), ()),
    Tagged("c", Origin("f", 2**40), ("x",) * 300, ()),
]
RAW = [
    RawSentence("a", "f", range(3, 5), 0, ("Anna", "met"), ("B-PER", "O")),
    RawSentence("b", "f", (1, 3), 1, ("x", "y"), spans=(Span(0, 2, "LOC"),), confidences=(None, 0.5, "?"), number=7),
    RawSentence("c", "f", [9], 1, ("x",), (), (), ("mended",)),
]


@pytest.fixture
def packs(monkeypatch):
    monkeypatch.setattr(packed, "MOST_OBJECTS", 1)


@pytest.mark.parametrize("items", [SENTENCES, RAW], ids=["examples", "raw"])
def test_what_is_packed_comes_back_the_same(packs, items):
    kept = Packed(items)
    assert kept.settled() is kept  # bytes
    assert [*map(repr, kept)] == [repr(item).replace("lines=[9]", "lines=(9,)") for item in items]
    assert kept[1:] == kept[-2:] == [*kept][1:]
    assert (len(kept), kept[-1], kept[0]) == (3, [*kept][2], items[0])
    with pytest.raises(IndexError):
        kept[3]


def test_few_items_and_items_that_cannot_be_packed_stay_as_they_are(packs):
    assert Packed(SENTENCES[:1]).settled() == (SENTENCES[0],)
    assert Packed([1.5, 2.5]).settled() == (1.5, 2.5)


def test_a_large_corpus_is_read_and_counted_as_a_small_one(monkeypatch):
    config = SpansConfig(format="conll", train="demo:ner", dev="demo:ner", test="demo:ner")
    small = read_corpora(config, TABLE)
    monkeypatch.setattr(packed, "MOST_OBJECTS", 10)
    large = read_corpora(config, TABLE)
    assert isinstance(large.splits["train"].examples, Packed)
    for split, corpus in small.splits.items():
        assert tuple(large.splits[split]) == corpus.examples
    assert check_corpora(large, WORDS, config=config) == check_corpora(small, WORDS, config=config)


def test_a_held_out_share_and_max_examples_are_the_same_for_a_large_corpus(monkeypatch):
    config = SpansConfig(format="conll", train="demo:ner", dev_share=0.2, max_examples=50)
    small = {split: tuple(corpus) for split, corpus in read_corpora(config, TABLE).splits.items()}
    monkeypatch.setattr(packed, "MOST_OBJECTS", 3)
    assert {split: tuple(corpus) for split, corpus in read_corpora(config, TABLE).splits.items()} == small
    assert {split: len(corpus) <= 50 for split, corpus in small.items()} == {"train": True, "dev": True}


@pytest.mark.parametrize("most", [100, 2**15, 2**31 - 1])
def test_rows_of_numbers_come_back_the_same(most):
    rows = [(1, 2, -100), (), (99,)]
    made = Ragged(rows, most)
    assert ([*made], made[1:], made[-1]) == (rows, rows[1:], (99,))
    assert made.values.itemsize == (2 if most < 2**15 else 4)
    windows = Windows(most)
    windows.extend([Window(0, 0, (1, 99), (1,)), Window(1, 3, (2,), (0,))])
    assert [*windows] == windows[:] == [Window(0, 0, (1, 99), (1,)), Window(1, 3, (2,), (0,))]


def test_the_plan_of_an_epoch_takes_a_few_bytes_an_example():
    lengths = array("i", [5 + index % 37 for index in range(100_000)])
    tracemalloc.start()
    try:
        made = plan(lengths, budget=1024, seed=1, epoch=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sorted(index for step in made.steps for share in step for index in share) == [*range(100_000)]
    assert peak < 16 * 100_000 + 64 * 65_536
