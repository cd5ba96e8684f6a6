"""Our scorer against seqeval's, on random tags, illegal ones included."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.tasks.token_classification import entity_figures, span_counts

IOB = ["O", "B-X", "I-X", "B-Y", "I-Y", "B-Z-z", "I-Z-z"]
ANY = [*IOB, "E-X", "S-X", "E-Y", "S-Y"]


def pairs(tags):
    token = st.tuples(st.sampled_from(tags), st.sampled_from(tags))
    return st.lists(st.lists(token, max_size=9), min_size=1, max_size=6)


def split(sentences):
    gold = [[g for g, _ in sentence] for sentence in sentences]
    return gold, [[p for _, p in sentence] for sentence in sentences]


def check_agreement(gold, predicted, strict):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = entity_figures.report(gold, predicted, strict=strict)
    counts = span_counts.count(gold, predicted, strict=strict)
    rows = span_counts.by_label(counts)
    ours = {
        **rows,
        "micro avg": span_counts.overall(counts),
        "macro avg": span_counts.average(rows),
        "weighted avg": span_counts.average(rows, weighted=True),
    }
    assert ours.keys() == theirs.keys()
    for name, row in theirs.items():
        mine = ours[name]
        assert mine.precision == pytest.approx(row["precision"], abs=1e-12), name
        assert mine.recall == pytest.approx(row["recall"], abs=1e-12), name
        assert mine.f1 == pytest.approx(row["f1-score"], abs=1e-12), name
        assert mine.support == row["support"], name


@settings(max_examples=300)
@given(pairs(ANY))
def test_the_default_mode_is_seqevals(sentences):
    check_agreement(*split(sentences), strict=False)


@settings(max_examples=300)
@given(pairs(IOB))
def test_the_strict_mode_is_seqevals(sentences):
    check_agreement(*split(sentences), strict=True)


def test_counts_are_told_apart_by_sentence():
    gold, predicted = [["B-X", "O"], [], ["B-Y", "B-X"]], [["B-X", "O"], [], ["B-Y", "I-Y"]]
    counts = span_counts.count(gold, predicted)
    assert counts.labels == ("X", "Y")
    assert counts.hits.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert counts.predicted.tolist() == [[1, 0], [0, 0], [0, 1]]
    assert counts.gold.tolist() == [[1, 0], [0, 0], [1, 1]]


def test_sentences_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="same sentences"):
        span_counts.count([["O"]], [["O", "O"]])
    with pytest.raises(ValueError, match="same sentences"):
        span_counts.count([["O"]], [])


def test_nothing_at_all_counts_as_nothing():
    assert span_counts.overall(span_counts.count([], [])).f1 == 0
