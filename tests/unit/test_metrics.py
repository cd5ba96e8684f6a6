from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.analysis import scoring
from halluc.core.significance import Sheet
from halluc.tasks import label_tables, token_figures
from halluc.tasks.token_classification import entity_figures

GOLD = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "O"], ["B-ORG", "I-ORG"]]
PREDICTED = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "I-LOC"], ["B-ORG", "O"]]


def results_of(kind, gold, predicted):
    sheet = Sheet(len(gold))
    return scoring.results(kind.figures(gold, predicted, sheet), sheet)


def figure(results, name, protocol, **by):
    (found,) = [r for r in results if (r.name, r.protocol, r.by) == (name, protocol, by)]
    return found


def test_entity_figures_by_hand():
    # 3 gold, 4 predicted in conlleval's reading (the orphaned I-LOC opens a span), 1 right.
    results = results_of(entity_figures, GOLD, PREDICTED)
    precision = figure(results, "entity_precision", entity_figures.CONLLEVAL)
    assert (precision.value, precision.n) == (pytest.approx(1 / 4), 3)
    assert figure(results, "entity_recall", entity_figures.CONLLEVAL).value == pytest.approx(1 / 3)
    assert figure(results, "entity_f1", entity_figures.CONLLEVAL).value == pytest.approx(2 / 7)
    assert figure(results, "entity_f1", entity_figures.CONLLEVAL, label="PER").value == 1.0
    # Strict IOB2 does not count the orphan.
    assert figure(results, "entity_precision", entity_figures.STRICT).value == pytest.approx(1 / 3)


def test_the_token_table_lists_every_tag_with_o():
    rows = token_figures.report(GOLD, PREDICTED)
    assert list(rows) == [
        "O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-PER", "I-PER", "micro avg", "macro avg", "weighted avg",
    ]  # fmt: skip
    assert rows["O"] == {"precision": 2 / 3, "recall": 2 / 3, "f1-score": pytest.approx(2 / 3), "support": 3}
    assert rows["micro avg"]["f1-score"] == pytest.approx(5 / 8)
    assert rows["macro avg"]["support"] == 8
    text = label_tables.as_text(rows)
    assert [line.split()[0] for line in text.splitlines() if line.strip()][1:3] == ["O", "B-LOC"]


TAG = st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"])


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(TAG, TAG), max_size=6), max_size=5))
def test_any_tags_give_figures_between_nought_and_one(pairs):
    gold = [[g for g, _ in sentence] for sentence in pairs]
    predicted = [[p for _, p in sentence] for sentence in pairs]
    if not any(gold):
        return
    for result in results_of(entity_figures, gold, predicted) + results_of(token_figures, gold, predicted):
        assert 0 <= result.value <= 1


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(TAG, TAG), min_size=1, max_size=6), min_size=1, max_size=5))
def test_figures_of_tokens_are_those_of_scikit_learns_report(pairs):
    gold = [[g for g, _ in sentence] for sentence in pairs]
    predicted = [[p for _, p in sentence] for sentence in pairs]
    results = results_of(token_figures, gold, predicted)
    for name, row in token_figures.report(gold, predicted).items():
        average = name.removesuffix(" avg")
        by = {} if average == "micro" else {"average": average} if average != name else {"tag": name}
        found = figure(results, "token_f1", token_figures.PROTOCOL, **by)
        assert (found.value, found.n) == (pytest.approx(row["f1-score"]), row["support"])


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(TAG, TAG), min_size=1, max_size=6), min_size=1, max_size=5))
def test_figures_of_entities_are_those_of_seqevals_report(pairs):
    gold = [[g for g, _ in sentence] for sentence in pairs]
    predicted = [[p for _, p in sentence] for sentence in pairs]
    results = results_of(entity_figures, gold, predicted)
    for protocol, strict in ((entity_figures.CONLLEVAL, False), (entity_figures.STRICT, True)):
        for name, row in entity_figures.report(gold, predicted, strict=strict).items():
            average = name.removesuffix(" avg")
            by = {} if average == "micro" else {"average": average} if average != name else {"label": name}
            for kind, column in (("f1", "f1-score"), ("precision", "precision"), ("recall", "recall")):
                found = figure(results, f"entity_{kind}", protocol, **by)
                assert found.value == pytest.approx(row[column], abs=1e-12), (protocol, name, kind)


def test_a_corpus_without_entities_has_figures_of_nought():
    results = results_of(entity_figures, [["O"]], [["O"]])
    assert figure(results, "entity_f1", entity_figures.CONLLEVAL).value == 0
