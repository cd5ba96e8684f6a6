from __future__ import annotations

import pytest

from halluc.commands import check
from halluc.core.characters import is_invisible
from halluc.core.examples import Corpus, Origin, Span, Tagged
from halluc.data.checks import check_corpora
from halluc.data.corpora import Corpora, Finding, Place
from halluc.data.statistics import SENTENCES
from halluc.runs.data import Instances


def corpus(split: str, *sentences: tuple[str, tuple[Span, ...]]) -> Corpus[Tagged]:
    examples = tuple(
        Tagged(f"{split}-{line}", Origin(f"{split}.txt", line), tuple(text.split(" ")), spans)
        for line, (text, spans) in enumerate(sentences, 1)
    )
    return Corpus(split, examples, f"{split}.txt")


PER, ORG = Span(0, 1, "PER"), Span(0, 1, "ORG")


def test_counts_and_overlaps_are_exact():
    report = check_corpora(
        Corpora(
            {
                "train": corpus("train", ("Anna left", (PER,)), ("a b c", ()), ("Anna left", (PER,)), ("Acme", (ORG,))),
                "test": corpus("test", ("Anna left", (PER,)), ("Acme", (PER,)), ("x", (Span(0, 1, "NEW"),))),
            },
            "iob2",
        ),
        SENTENCES,
    )
    train = report.splits["train"]
    assert train.counts == {"sentences": 4, "tokens": 8, "mentions": 3, "entity_free": 1}
    assert train.labels == {"ORG": 1, "PER": 2}
    assert train.duplicates == 1
    assert train.contradictions == 0
    (overlap,) = report.overlaps
    assert (overlap.examples, overlap.same_annotation, overlap.first[0]) == (2, 1, "test.txt:1")
    assert report.unseen_labels == {"test": {"NEW": Instances(count=1, first=["test.txt:3"])}}
    assert any("2 test sentences also stand in train, 1 of them with the same tags" in w for w in report.warnings)
    assert any("labels that train never shows: NEW (1, first: test.txt:3); no model" in w for w in report.warnings)


def test_contradictions_and_repairs_are_told():
    found = Corpora({"train": corpus("train", ("Acme", (PER,)), ("Acme", (ORG,)))})
    found.repairs.append(Finding(Place("train.txt", 7), "I-X after O"))
    report = check_corpora(found, SENTENCES)
    assert report.splits["train"].contradictions == 1
    assert report.repairs.count == 1
    assert any("train.txt:7" in warning for warning in report.warnings)


def test_one_is_told_as_one_and_thousands_have_a_comma():
    twice, same, other = ("Acme", (PER,)), ("Bo", (PER,)), ("Bo", (ORG,))
    long = ("x" * 101, ())
    one = Corpora({"train": corpus("train", twice, ("Acme", (ORG,)), same, long), "test": corpus("test", other)})
    one.repairs.append(Finding(Place("train.txt", 7), "I-X after O"))
    one.skipped.append(Finding(Place("train.txt", 8), "no tag"))
    assert check_corpora(one, SENTENCES).warnings == [
        "1 test sentence also stands in train, with other tags (first: test.txt:1)",
        "train: 1 sentence repeats an earlier one of the same split",
        "train: 1 sentence stands there with different tags",
        "train: 1 token is longer than 100 characters (first: train.txt:4 101 characters)",
        "1 tag or span was repaired (first: train.txt:7: I-X after O)",
        "1 line was skipped (first: train.txt:8: no tag)",
    ]
    many = Corpora({"train": corpus("train", same), "test": corpus("test", *[same] * 1350, *[("New", (ORG,))] * 1001)})
    assert check_corpora(many, SENTENCES).warnings == [
        "1,350 test sentences also stand in train, 1,350 of them with the same tags (first: test.txt:1)",
        "test has labels that train never shows: ORG (1,001, first: test.txt:1351); no model that learns from train can"
        " claim them: mend them, or let train show them too",
        "test: 2,349 sentences repeat an earlier one of the same split",
    ]


@pytest.mark.parametrize("token", ["", " ", "\u200b", "\ufe0f", "\u00a0", "\x07", "\u2060", "\u3164", "\u3000\u200d"])
def test_tokens_that_show_nothing_are_found(token):
    assert is_invisible(token)


@pytest.mark.parametrize("token", ["a", ".", "名", "🙂\ufe0f", "e\u0301", "\u0301"])
def test_tokens_that_show_something_are_left_alone(token):
    assert not is_invisible(token)


def test_other_cells_that_a_check_is_for_are_counted():
    assert check._others(["a"]) == "and 1 cell that differs in none of this, a"
    assert check._others(["a", "b"]) == "and 2 cells that differ in none of this, such as b"
