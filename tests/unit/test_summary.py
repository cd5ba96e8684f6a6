"""What the terminal shows of an evaluation, whatever its set of figures."""

from __future__ import annotations

import contextlib
import io

import pytest

from halluc.commands.figure_tables import show_evaluation
from halluc.reporting.views import evaluation
from halluc.runs.schema import EvalFile, MetricResult
from halluc.tasks.text_classification import figures as labelling


def figure(name, value, n=10, protocol="claims", **by):
    return MetricResult(name=name, value=value, n=n, by=by, protocol=protocol)


def shown(*figures):
    file = EvalFile(task="text_classification", split="test", checkpoint="m", encoding={}, metrics=list(figures))
    with contextlib.redirect_stderr(io.StringIO()) as captured:
        show_evaluation(file)
    return [line.rstrip() for line in captured.getvalue().splitlines()]


def of_labels(labels):
    for label, gold in labels.items():
        yield figure("label_f1", 0.5, gold, labelling.PROTOCOL, label=label)
        yield figure("hallucination_rate", 0.1, gold + 1, label=label)
        yield figure("omission_rate", 0.2, gold, label=label)


def test_of_many_labels_those_most_often_in_gold_are_shown_in_their_order_and_the_rest_counted():
    labels = {f"c{number:02}": (number * 7) % 43 + 1 for number in range(43)}
    lines = shown(*of_labels(labels))
    common = sorted(sorted(labels, key=labels.__getitem__)[-evaluation.MOST_LABELS :])
    rows = [line.split() for line in lines if line.startswith("c")]
    assert [row[0] for row in rows] == common
    assert [(int(row[-2]), int(row[-1])) for row in rows] == [(labels[c] + 1, labels[c]) for c in common]
    assert "13 less frequent labels are not shown" in lines
    few = shown(*of_labels(dict(list(labels.items())[:30])))
    assert [line for line in few if "not shown" in line] == []


@pytest.mark.parametrize(
    ("figures", "there", "not_there"),
    [(labelling.Labelling(), "accuracy", "micro F1"), (labelling.LabelSets(), "micro F1", "accuracy")],
)
def test_the_figures_are_those_of_the_set_that_the_file_was_written_with(figures, there, not_there):
    names = [name for name in ("micro_f1", "accuracy") if name in figures.names]
    made = [figure(name, 0.25, 10, figures.protocols[0]) for name in names]
    lines = shown(figure("hallucination_rate", 0.1), *made)
    assert [line for line in lines if line.startswith(there)]
    assert not [line for line in lines if line.startswith(not_there)]


def test_without_claims_and_gold_there_is_no_conclusion_about_the_training_split():
    told = "novelty is unknown, because the config has no training split"
    assert told not in shown(figure("hallucination_rate", None, 0), figure("omission_rate", None, 0))
    assert told in shown(figure("hallucination_rate", None, 0), figure("omission_rate", 1.0, 3))
    assert told in shown(figure("hallucination_rate", 1.0, 3), figure("omission_rate", None, 0))


def test_a_figure_by_label_alone_has_no_cell_in_the_row_of_all():
    lines = shown(*of_labels({"ask": 3}), figure("hallucination_rate", 0.1), figure("omission_rate", 0.2))
    assert not [line for line in lines if "distortion" in line], "nothing is told of what nothing was counted of"
    assert next(line for line in lines if line.startswith("ask")).split()[1] == "0.500"
    assert next(line for line in lines if line.startswith("all")).split() == ["all", "10.0%", "20.0%", "10", "10"]


def test_novelties_are_the_columns_that_the_file_has_in_its_order():
    names = ("q1", "q2", "q3", "q4", "unseen")
    found = [figure("hallucination_rate", n / 10, novelty=name) for n, name in enumerate(names)]
    lines = shown(figure("hallucination_rate", 0.1), *found)
    assert next(line for line in lines if "95% interval" in line).split()[-4:] == ["q1", "q2", "q3", "q4"]
    assert not [line for line in lines if "novelty is unknown" in line]
    assert [line for line in shown(figure("hallucination_rate", 0.1)) if "novelty is unknown" in line]
