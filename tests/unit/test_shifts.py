"""Shares over time: periods, exact intervals, shifts, and what is read of timestamps."""

from __future__ import annotations

import json

import pytest
from scipy.stats import binomtest, fisher_exact

from halluc.analysis import scoring, shifts
from halluc.core.examples import Origin
from halluc.core.significance import Sheet
from halluc.reporting.views import evaluation
from halluc.tasks import period_figures
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.figures import Labelling
from halluc.tasks.text_classification.labelled_text import Labelled
from tests.unit.test_texts_reader import errors, places, read

# Of 10 texts a month so many are negative.
NEGATIVE = {"2024-01": 2, "2024-02": 3, "2024-03": 9}


def rows():
    return [(f"{month}-1{n}", "bad" if n < count else "good") for month, count in NEGATIVE.items() for n in range(10)]


def scored(of=None, period="month", gold=()):
    timestamps, labels = zip(*(of or rows()), strict=True)
    sheet = Sheet(len(labels))
    found = period_figures.figures(timestamps, [(label,) for label in labels], [gold] * len(labels), period, sheet)
    return scoring.results(found + shifts.changes(found), sheet) + shifts.tests(found, sheet)


def figure(results, name, **by):
    (found,) = [one for one in results if one.name == name and one.by == by]
    return found


def test_shares_have_exact_intervals_and_periods_are_tested_against_all_earlier_ones():
    found = scored()
    share = figure(found, "label_share", label="bad", period="2024-03")
    exact = binomtest(9, 10).proportion_ci(method="exact")
    assert (share.value, share.n, share.protocol) == (0.9, 10, "texts by month")
    assert share.interval == pytest.approx((exact.low, exact.high))
    change = figure(found, "shift", label="bad", period="2024-03")
    assert change.value == pytest.approx(0.9 - 5 / 20)
    assert change.interval[0] > 0.25 and change.interval[1] < 0.85
    last, second = (float(fisher_exact(table).pvalue) for table in ([[9, 1], [5, 15]], [[3, 7], [2, 8]]))
    # Of each label two periods are tested; the shares of two labels are each other's complement.
    for label in ("bad", "good"):
        assert figure(found, "shift_p", label=label, period="2024-03").value == pytest.approx(2 * last)
        assert figure(found, "shift_p", label=label, period="2024-02").value == pytest.approx(second)
        assert figure(found, "shift_p", label=label, period="any").value == pytest.approx(2 * last)
    for period, tested in (("any", 4), ("latest", 2)):
        whole = figure(found, "shift_p", period=period)
        assert (whole.value, whole.n) == (pytest.approx(4 * last), tested)
    late = scored([(stamp, "bad" if stamp.endswith(("0", "1")) else "good") for stamp, _ in rows()])
    assert figure(late, "shift_p", period="latest").value == 1


def test_a_table_marks_the_shift_alone():
    (table,) = evaluation.period_tables(scored(), "test")
    assert [one.heading for one in table.columns] == ["period", "texts", "bad", "good"]
    assert [[cell.text for cell in row] for row in table.rows][2] == ["2024-03", "10", "90.0%", "10.0%"]
    assert [row[2].bold for row in table.rows] == [False, False, True]
    assert "Fisher" in table.notes[0]
    (quiet,) = evaluation.period_tables(scored([(stamp, "good") for stamp, _ in rows()]), "test")
    assert quiet.notes == []


def test_a_label_that_is_never_predicted_is_tested_too():
    found = scored([(stamp, "good") for stamp, _ in rows()], gold=("bad",))
    assert figure(found, "label_share", label="bad", period="2024-03").value == 0
    assert figure(found, "shift_p", label="bad", period="latest").value == 1


def test_a_period_without_a_text_in_scope_has_no_accuracy():
    texts = [Labelled(f"t{n}", Origin("f", n), ("x",), ("a",) * n, None, None, f"2024-0{n + 1}-01") for n in (0, 1)]
    said = [TextPrediction(one.id, ("a",), (0.9,), 0.9, out_of_scope=False) for one in texts]
    sheet = Sheet(2)
    found = {tuple(one.by.items()): one for one in Labelling().figures(texts, said, sheet) if one.name == "accuracy"}
    values = [float(found[key].formula(sheet.totals())) for key in ((), *((("period", f"2024-0{n}"),) for n in (1, 2)))]
    assert values == pytest.approx([1, float("nan"), 1], nan_ok=True)


def test_one_period_or_no_timestamp_is_tested_for_nothing():
    assert {one.name for one in scored([("2024-01-01", "a"), ("2024-01-02", "b")])} == {"label_share"}
    assert scored([(None, "a"), (None, "b")]) == []


@pytest.mark.parametrize(
    ("period", "name"), [("day", "2024-12-30"), ("week", "2025-W01"), ("month", "2024-12"), ("year", "2024")]
)
def test_periods_have_the_names_of_iso_8601(period, name):
    assert list(period_figures.periods(["2024-12-30T23:59:00+01:00"], period)[1]) == [name]


def test_if_there_are_too_many_periods_longer_ones_are_used():
    days = [f"2024-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 29)]
    kind, found = period_figures.periods(days, "day")
    assert (kind, len(found)) == ("week", 26)


KEYS = {"timestamp_field": "when", "group_field": "who"}


def test_timestamps_and_groups_are_kept_with_the_example(tmp_path):
    lines = [{"text": "a b", "label": "x", "when": when, "who": 7} for when in ("2024-03-31", "2024-03-31T09:30:00Z")]
    content = "\n".join(map(json.dumps, lines))
    found = read(tmp_path, content, "d.jsonl", **KEYS).splits["dev"].examples
    assert [(one.timestamp, one.group) for one in found] == [("2024-03-31", "7"), ("2024-03-31T09:30:00Z", "7")]


@pytest.mark.parametrize("when", ["31.03.2024", "2024-3-31", "2024-02-30", "20240331", 1711843200, None, "", "2024-03"])
def test_other_dates_are_an_error_with_their_line(tmp_path, when):
    content = "\n".join(
        json.dumps({"text": "a b", "label": "x", "when": one, "who": "u"}) for one in ("2024-01-01", when)
    )
    (told,) = errors(tmp_path, content, "d.jsonl", **KEYS)
    assert places([told]) == [("D127", 2)]
    assert told.help is not None


@pytest.mark.parametrize("row", [{"when": "2024-01-01"}, {"when": "2024-01-01", "who": ""}, {"who": "u"}])
def test_a_text_without_group_or_date_is_an_error_with_its_line(tmp_path, row):
    (told,) = errors(tmp_path, json.dumps({"text": "a b", "label": "x", **row}), "d.jsonl", **KEYS)
    assert places([told]) == [("D127", 1)]
