"""Ranking by group: held to scikit-learn, to every order of ties, and to figures computed by hand."""

from __future__ import annotations

from itertools import permutations
from statistics import mean

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score, roc_auc_score

from halluc.analysis import scoring
from halluc.core.errors import HallucError
from halluc.core.examples import Origin
from halluc.data.predictions import ExternalPrediction
from halluc.tasks.text_classification import ranking
from halluc.tasks.text_classification.config import RankingConfig, TextClassificationConfig
from halluc.tasks.text_classification.coverage import TextCoverage
from halluc.tasks.text_classification.decoding import predict_single_label
from halluc.tasks.text_classification.knowledge import TextKnowledge
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification

CONFIG = TextClassificationConfig(type="text_classification", ranking=RankingConfig(positive="clicked"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=2, max_size=12), st.integers(1, 12))
def test_auc_and_ndcg_with_ties_are_those_of_scikit_learn(items, k):
    relevant, scores = zip(*items, strict=True)
    if len(set(relevant)) < 2:
        return
    auc, _, ndcg = ranking.group_scores(relevant, scores, k)
    assert auc == pytest.approx(roc_auc_score(relevant, scores))
    assert ndcg == pytest.approx(ndcg_score([relevant], [scores], k=k))


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1)), min_size=2, max_size=5))
def test_the_reciprocal_rank_is_the_mean_over_every_order_of_ties(items):
    if len({relevant for relevant, _ in items}) < 2:
        return
    orders = [order for order in permutations(items) if [s for _, s in order] == sorted((s for _, s in items))[::-1]]
    wanted = mean(1 / (1 + [relevant for relevant, _ in order].index(True)) for order in orders)
    assert ranking.group_scores(*zip(*items, strict=True), 10)[1] == pytest.approx(wanted)


def test_figures_are_averaged_over_groups_with_both_labels_and_the_others_are_counted():
    groups = ["a", "a", "a", "b", "b", "c", "c", None]
    relevant = [True, False, False, False, True, False, False, True]
    scores = [0.9, 0.5, 0.1, 0.8, 0.3, 0.7, 0.6, 0.5]
    found = [one for row in ranking.rank_groups(groups, relevant, scores, 2) for one in scoring.ranked_results(row, 8)]
    values = {one.name: (one.value, one.n) for one in found}
    second = 1 / numpy.log2(3)  # of group b the clicked item stands on rank 2
    assert values == {
        "group_auc": (pytest.approx(0.5), 2),
        "mrr": (pytest.approx(0.75), 2),
        "ndcg": (pytest.approx((1 + second) / 2), 2),
        "ranked_groups": (pytest.approx(2 / 3), 3),
    }
    assert found[1].interval == pytest.approx((0.5, 1.0)), "groups are resampled: both times b, both times a"
    assert ranking.rank_groups([None], [True], [0.5], 10) == []


def test_the_positive_label_has_its_probability_whatever_is_claimed():
    logits = numpy.log([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    found = predict_single_label(["1", "2"], logits, ("clicked", "seen", "out_of_scope"), "clicked")
    assert [(one.labels, round(one.positive, 6)) for one in found] == [(("clicked",), 0.7), (("seen",), 0.1)]
    line = TextClassification(CONFIG).examples.line(texts()[0], found[0]).model_dump(mode="json")
    assert list(line) == ["id", "tokens", "gold", "second", "group", "predicted", "in_scope", "positive"]


def texts():
    rows = [("u1", "news on trains", "clicked"), ("u1", "a new boat", "seen"), ("u2", "a new boat", "clicked")]
    return [
        Labelled(f"t{n}", Origin("f", n), ("history", *item.split()), (label,), 1, group)
        for n, (group, item, label) in enumerate(rows)
    ]


def test_predictions_of_another_tool_rank_where_there_are_two_labels():
    task, examples = TextClassification(CONFIG), texts()
    labels = [("clicked",), ("seen",), ("seen",)]
    stated = [ExternalPrediction(Labelled("", Origin("p", 1), (), of), (0.8,), True, None, None) for of in labels]
    assert [one.positive for one in task.model.imported(examples, stated)] == pytest.approx([0.8, 0.2, 0.2])
    unsure = [*stated[:2], ExternalPrediction(stated[2].example, (None,), True, None, None)]
    assert {one.positive for one in task.model.imported(examples, unsure)} == {None}


def test_a_model_without_the_positive_label_is_refused():
    with pytest.raises(HallucError, match=r"`task.ranking.positive` is `clicked`.*no output") as caught:
        TextClassification(CONFIG).model._refuse_unranked(("click", "seen"))
    assert (caught.value.code, caught.value.help) == ("C203", "did you mean `click`?")


def test_users_and_items_of_training_are_saved_and_distinguished_from_new_ones(tmp_path):
    coverage = TextCoverage.of(texts())
    coverage.save(tmp_path / "coverage.json")
    knowledge = TextKnowledge(TextCoverage.load(tmp_path / "coverage.json"))
    asked = [
        Labelled("a", Origin("f", 1), ("h", "a", "new", "boat"), ("seen",), 1, "u3"),
        Labelled("b", Origin("f", 2), ("h", "a", "boat"), ("seen",), 1, "u2"),
        Labelled("c", Origin("f", 3), ("h",), ("seen",)),
    ]
    assert knowledge.slices(asked) == {"user": ["new", "seen", ""], "item": ["seen", "new", ""]}
    assert TextKnowledge(TextCoverage.of([Labelled("a", Origin("f", 1), ("h",), ("seen",))])).slices(asked) == {}
