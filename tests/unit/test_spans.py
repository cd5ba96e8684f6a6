"""Our scorer against seqeval's, on random tags, illegal ones included."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.tasks.token_classification import entity_figures

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
    counts = entity_figures.count(gold, predicted, strict=strict)
    hits, claims, there = (pairs.count(len(counts.labels)) for pairs in counts.all_pairs)
    ours = dict(zip(counts.labels, zip(hits.tolist(), claims.tolist(), there.tolist(), strict=True), strict=True))
    rows = {name: row for name, row in theirs.items() if not name.endswith(" avg")}
    assert {name for name, (_, claimed, annotated) in ours.items() if claimed or annotated} == rows.keys()
    for name, row in rows.items():
        hit, claimed, annotated = ours[name]
        assert row["support"] == annotated, name
        assert row["precision"] == pytest.approx(hit / claimed if claimed else 0.0, abs=1e-12), name
        assert row["recall"] == pytest.approx(hit / annotated if annotated else 0.0, abs=1e-12), name
    overall = entity_figures.overall(counts)
    for name, column in (("entity_f1", "f1-score"), ("entity_precision", "precision"), ("entity_recall", "recall")):
        assert overall[name] == pytest.approx(theirs["micro avg"][column], abs=1e-12), name


@settings(max_examples=300)
@given(pairs(ANY))
def test_the_default_mode_is_seqevals(sentences):
    check_agreement(*split(sentences), strict=False)


@settings(max_examples=300)
@given(pairs(IOB))
def test_the_strict_mode_is_seqevals(sentences):
    check_agreement(*split(sentences), strict=True)


def test_counts_are_distinguished_by_sentence():
    gold, predicted = [["B-X", "O"], [], ["B-Y", "B-X"]], [["B-X", "O"], [], ["B-Y", "I-Y"]]
    counts = entity_figures.count(gold, predicted)
    assert counts.labels == ("X", "Y")
    pairs = [list(zip(one.text.tolist(), one.label.tolist(), strict=True)) for one in counts.all_pairs]
    assert pairs == [[(0, 0)], [(0, 0), (2, 1)], [(0, 0), (2, 1), (2, 0)]]


def test_sentences_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="same sentences"):
        entity_figures.count([["O"]], [["O", "O"]])
    with pytest.raises(ValueError, match="same sentences"):
        entity_figures.count([["O"]], [])


def test_nothing_at_all_counts_as_nothing():
    assert entity_figures.overall(entity_figures.count([], []))["entity_f1"] == 0
