"""Figures of labels, held to scikit-learn's."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    classification_report,
    hamming_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.preprocessing import MultiLabelBinarizer

from halluc.analysis import scoring
from halluc.core import selective
from halluc.core.examples import Origin
from halluc.core.significance import Ranked, Sheet
from halluc.tasks import label_counts, label_tables
from halluc.tasks.text_classification.figures import Labelling, LabelSets
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.records import LabelPrediction

ONE, SETS = Labelling(), LabelSets()
NAMES = ("ask", "say", "sing", "問い")
OUTSIDE = "out_of_scope"

maybe = st.sampled_from([None, *NAMES])
pairs = st.lists(st.tuples(maybe, maybe), min_size=1, max_size=40)
label_sets = st.lists(st.sampled_from(NAMES), unique=True).map(sorted)
set_pairs = st.lists(st.tuples(label_sets, label_sets), min_size=1, max_size=30)


@dataclass(frozen=True)
class Told:
    labels: tuple[str, ...]
    in_scope: float | None = 0.5


def texts(found):
    return [
        Labelled(f"t{number}", Origin("f", number), (f"w{number}",), tuple(label_counts))
        for number, label_counts in enumerate(found)
    ]


def one(label):
    return () if label is None else (label,)


def single(both, sureness=None):
    """Examples and predictions of pairs (gold, predicted), None being out of scope."""
    sure = sureness or [0.5] * len(both)
    return texts(one(gold) for gold, _ in both), [Told(one(p), s) for (_, p), s in zip(both, sure, strict=True)]


def values(metrics, examples, predictions):
    sheet = Sheet(len(examples))
    figures = metrics.figures(examples, predictions, sheet)
    totals = sheet.totals()
    return {(f.name, *f.by.values()): (float(f.formula(totals)), f.n) for f in figures}


def quietly(figure, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return figure(*arguments, **options)


def check_averages(found, gold, predicted, names):
    for average in ("micro", "macro", "weighted"):
        three = quietly(
            precision_recall_fscore_support, gold, predicted, labels=names, average=average, zero_division=0
        )  # fmt: skip
        for name, wanted in zip(("precision", "recall", "f1"), three, strict=False):
            assert found[f"{average}_{name}",][0] == pytest.approx(wanted), (average, name)


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_averages_and_labels_are_those_of_scikit_learn(both):
    gold, predicted = ([label or OUTSIDE for label in side] for side in zip(*both, strict=True))
    found = values(ONE, *single(both))
    shown = sorted({*gold, *predicted} - {OUTSIDE})
    assert {key[1] for key in found if key[0] == "label_f1"} == set(shown)
    if not shown:
        assert found["macro_f1",] == (0.0, 0)
        return
    check_averages(found, gold, predicted, shown)
    rows = precision_recall_fscore_support(gold, predicted, labels=shown, zero_division=0)
    for place, label in enumerate(shown):
        precision, recall, f1, support = (float(column[place]) for column in rows)
        claims = predicted.count(label)
        assert found["label_precision", label] == (pytest.approx(precision), claims)
        assert found["label_recall", label] == (pytest.approx(recall), support)
        assert found["label_f1", label] == (pytest.approx(f1), support)


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_correlation_is_that_of_scikit_learn(both):
    gold, predicted = ([label or OUTSIDE for label in side] for side in zip(*both, strict=True))
    assert values(ONE, *single(both))["mcc",] == (pytest.approx(quietly(matthews_corrcoef, gold, predicted)), len(both))


@settings(deadline=None, max_examples=60)
@given(pairs)
def test_the_report_has_the_rows_of_scikit_learn(both):
    gold, predicted = ([label or OUTSIDE for label in side] for side in zip(*both, strict=True))
    report = ONE.report(*single(both))
    shown = sorted({*gold, *predicted} - {OUTSIDE})
    if not shown:
        assert report["labels"] == {}
        return
    # Of more labels than are asked for, scikit-learn tells an accuracy instead of the micro average.
    wanted = classification_report(gold, predicted, labels=[*shown, "nowhere"], output_dict=True, zero_division=0)
    assert report["labels"] == {label: pytest.approx(wanted[label]) for label in shown}
    wanted = classification_report(gold, predicted, labels=shown, output_dict=True, zero_division=0)
    if "micro avg" in wanted:
        assert report["averages"]["micro avg"] == pytest.approx(wanted["micro avg"])
    for average in ("macro avg", "weighted avg"):
        assert report["averages"][average] == pytest.approx(wanted[average])
    every = classification_report(gold, predicted, output_dict=True, zero_division=0)
    assert report.get("out_of_scope") == (pytest.approx(every[OUTSIDE]) if OUTSIDE in every else None)
    assert sum(n for row in report["confusion"].values() for n in row.values()) == len(both)
    assert {(g, p): n for g, row in report["confusion"].items() for p, n in row.items() if n} == {
        pair: list(zip(gold, predicted, strict=True)).count(pair) for pair in zip(gold, predicted, strict=True)
    }


@settings(deadline=None, max_examples=60)
@given(set_pairs)
def test_sets_of_labels_are_counted_as_scikit_learn_counts_them(both):
    gold, predicted = ([list(one) for one in side] for side in zip(*both, strict=True))
    found = values(SETS, texts(gold), [Told(tuple(one), None) for one in predicted])
    shown = sorted({label for side in (gold, predicted) for one in side for label in one})
    exact = sum(map(list.__eq__, gold, predicted)) / len(both)
    assert found["subset_accuracy",] == (pytest.approx(exact), len(both))
    if not shown:
        assert found["hamming_loss",] == (0.0, 0)
        return
    columns = MultiLabelBinarizer(classes=shown)
    there, told = columns.fit_transform(gold), columns.fit_transform(predicted)
    # scikit-learn takes a matrix of one column for something else.
    wider = [numpy.pad(side, ((0, 0), (0, 1))) for side in (there, told)]
    check_averages(found, *wider, list(range(len(shown))))
    assert found["hamming_loss",] == (pytest.approx(hamming_loss(there, told)), there.size)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(maybe, st.integers(0, 4)), min_size=2, max_size=40))
def test_auroc_of_in_against_out_is_that_of_scikit_learn(rows):
    examples, predictions = single([(gold, None) for gold, _ in rows], [sure / 4 for _, sure in rows])
    ranked = ONE.ranked(examples, predictions)
    outside = [gold is None for gold, _ in rows]
    if all(outside) or not any(outside):
        assert ranked == []
        return
    ((name, by, figure),) = ranked[0].figures
    wanted = roc_auc_score(outside, [1 - sure / 4 for _, sure in rows])
    assert (name, by, figure(None)) == ("out_of_scope_auroc", {}, pytest.approx(wanted))


def test_auroc_has_a_bootstrap_interval_and_leaves_out_what_is_not_known():
    rows = [("ask" if n % 3 else None, None) for n in range(300)]
    generator = numpy.random.default_rng(3)
    sure = [float(generator.normal(0.6 if gold else 0.4, 0.2)) for gold, _ in rows]
    examples, predictions = single(rows, sure)
    (found,) = scoring.ranked_results(*ONE.ranked(examples, predictions), len(examples))
    low, high = found.interval
    assert 0.6 < low < found.value < high < 0.95
    assert found.n == 300
    with_unknown = [*predictions, Told((), None)], [*examples, *texts([("ask",)])]
    (again,) = ONE.ranked(with_unknown[1], with_unknown[0])
    assert len(again.example) == 300
    assert again.figures[0][2](None) == pytest.approx(found.value)


@pytest.mark.parametrize("bad", [0, 1])
def test_a_rate_at_a_coverage_that_is_0_or_1_has_the_exact_interval(bad):
    sure = numpy.linspace(0.3, 0.9, 75)
    wrong = numpy.full(75, bool(bad))
    rate = partial(selective.rate_at_coverage, sure, wrong, 0.95)
    wanted = [("hallucination_rate_at_coverage", {"coverage": "0.95"}, rate)]
    (found,) = scoring.ranked_results(Ranked("by confidence", numpy.arange(75), tuple(wanted)), 75)
    edge = 0.025 ** (1 / 72)  # 72 of 75 are kept
    assert found.value == bad
    assert found.interval == pytest.approx((edge, 1.0) if bad else (0.0, 1 - edge))


MIXED = [("ask", "ask"), ("ask", None), ("say", "say"), (None, None), (None, "say"), (None, "ask"), ("say", "ask")]


def test_what_becomes_of_texts_out_of_scope():
    found = values(ONE, *single(MIXED))
    assert found["accuracy",] == (0.5, 4)
    assert found["accuracy", "all"] == (pytest.approx(3 / 7), 7)
    assert found["out_of_scope_acceptance",] == (pytest.approx(2 / 3), 3)
    assert found["out_of_scope_recall",] == (pytest.approx(1 / 3), 3)
    assert found["out_of_scope_precision",] == (0.5, 2)


def test_without_texts_out_of_scope_nothing_is_reported_them():
    inside = [pair for pair in MIXED if pair[0] is not None]
    assert [key for key in values(ONE, *single(inside)) if "scope" in key[0] or key[1:] == ("all",)] == []
    examples, predictions = single(inside)
    assert ONE.after_abstention(examples, predictions, numpy.ones(len(examples)), Sheet(len(examples))) == []
    # A text that is refused stands in the report all the same.
    assert ONE.report(examples, predictions)["out_of_scope"]["support"] == 0
    right = single([("ask", "ask")])
    assert "out_of_scope" not in ONE.report(*right)
    assert OUTSIDE not in ONE.text(ONE.report(*right))


def test_only_texts_out_of_scope_have_an_accuracy_of_nought_and_still_their_own_figures():
    found = values(ONE, *single([(None, None), (None, "ask")]))
    assert found["accuracy",] == (0.0, 0)
    assert found["out_of_scope_recall",] == (0.5, 2)
    assert ONE.headline(*single([(None, None)]))["accuracy"] == 0.0


def test_a_precision_of_nothing_is_undefined_out_of_scope():
    value, n = values(ONE, *single([(None, "ask"), ("ask", "ask")]))["out_of_scope_precision",]
    assert numpy.isnan(value)
    assert n == 0


def test_acceptance_after_abstention_counts_the_claims_that_remain():
    examples, predictions = single(MIXED)
    sheet = Sheet(len(examples))
    remaining = numpy.array([1, 0, 1, 0, 1, 0, 1])
    (figure,) = ONE.after_abstention(examples, predictions, remaining, sheet)
    assert (figure.name, figure.by, figure.n) == ("out_of_scope_acceptance", {"claims": "kept"}, 3)
    assert float(figure.formula(sheet.totals())) == pytest.approx(1 / 3)


def test_several_labels_are_no_figure_of_one():
    with pytest.raises(ValueError, match="ask, say"):
        ONE.headline(texts([("ask", "say")]), [Told(())])
    with pytest.raises(ValueError, match="not of the same texts"):
        label_counts.count([("ask",)], [])


def test_averages_of_a_resample_are_over_the_labels_that_it_draws():
    """A label of one text that a resample leaves out must not count there as an F1 of nought."""
    both = [("ask", "ask"), ("say", "say"), ("sing", "sing")]
    sheet = Sheet(3)
    found = {f.name: f for f in ONE.figures(*single(both), sheet) if not f.by}
    sums = sheet.summed(numpy.array([[2.0, 1.0, 0.0]], dtype=numpy.float32).T)
    assert [float(found[name].formula(sums)[0]) for name in ("macro_f1", "macro_recall", "weighted_f1")] == [1, 1, 1]


def many(classes, wrong):
    """A text of each class, the first ``wrong`` of them taken for the next one."""
    names = [f"c{number:03}" for number in range(classes)]
    return [(name, names[(n + 1) % classes] if n < wrong else name) for n, name in enumerate(names)]


def test_up_to_60_classes_have_a_matrix_and_more_the_commonest_mistakes():
    small = ONE.report(*single(many(label_tables.LARGEST_MATRIX, 3)))
    assert len(small["confusion"]) == 60
    assert "confusions" not in small
    large = [*many(61, 50), ("c060", "c000"), ("c060", "c000")]
    report = ONE.report(*single(large))
    assert "confusion" not in report
    assert len(report["confusions"]) == 40
    assert report["confusions"][0] == {"gold": "c060", "predicted": "c000", "n": 2}
    assert report["confusions"][1] == {"gold": "c000", "predicted": "c001", "n": 1}
    text = ONE.text(report)
    assert (
        "the most frequent confusions\n\n   texts  gold  predicted\n       2  c060  c000\n       1  c000  c001" in text
    )
    assert "confusions" not in ONE.text(ONE.report(*single(many(61, 0))))


def test_the_text_is_the_table_of_scikit_learn_followed_by_out_of_scope():
    gold, predicted = ([label or OUTSIDE for label in side] for side in zip(*MIXED, strict=True))
    wanted = classification_report(gold, predicted, labels=["ask", "say"], digits=4, zero_division=0)
    text = ONE.text(ONE.report(*single(MIXED)))
    table = [line.split() for line in text.split("\n\n", 1)[1].splitlines() if line.strip()]
    assert table[:6] == [line.split() for line in wanted.splitlines() if line.strip()]
    assert table[6] == [OUTSIDE, "0.5000", "0.3333", "0.4000", "3"]
    assert f"{OUTSIDE:>14}{1:>14}{1:>14}{1:>14}" in text


def test_a_line_of_predictions_reads_back_and_reports_what_makes_it_the_same():
    line = LabelPrediction(
        id="t1", tokens=["where", "is", "it"], second=2, gold=["ask"], predicted=[("ask", 0.9)], in_scope=0.9
    )
    again = LabelPrediction.model_validate_json(line.model_dump_json())
    assert again == line
    assert again.example == ("t1", ("where", "is", "it"), ("ask",))
    assert list(line.model_dump()) == ["id", "tokens", "gold", "second", "predicted", "in_scope"]
