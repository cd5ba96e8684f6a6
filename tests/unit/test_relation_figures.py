"""The figures of relations, on cases worked out by hand, and against scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.core.examples import Origin, Span
from halluc.core.significance import Sheet
from halluc.tasks.relation_extraction.claims import RelationJudge
from halluc.tasks.relation_extraction.examples import PairPrediction, Related
from halluc.tasks.relation_extraction.figures import RelationFigures

A12, A21, B12, B21, NONE = "A(e1,e2)", "A(e2,e1)", "B(e1,e2)", "B(e2,e1)", None
FIGURES = RelationFigures()


@dataclass(frozen=True)
class Said:
    labels: tuple[str, ...]


def pair(number: int, relation: str | None) -> Related:
    return Related(f"e{number}", Origin("f", number), ("x", "and", "y"), Span(0, 1, ""), Span(2, 3, ""), relation)


def split(*rows: tuple[str | None, str | None]):
    """Gold and predicted relations."""
    examples = [pair(number, gold) for number, (gold, _) in enumerate(rows)]
    return examples, [Said(() if said is None else (said,)) for _, said in rows]


def figures(*rows):
    examples, said = split(*rows)
    sheet = Sheet(len(rows))
    found = FIGURES.figures(examples, said, sheet)
    return {(one.name, *one.by.values()): (float(one.formula(sheet.totals())), one.n) for one in found}


# Gold and predicted relations with the official macro F1: of each relation the right direction is a hit, and all that
# is predicted or annotated in either direction stands in the denominators; `Other` has no row of its own.
BY_HAND = {
    "all right": ([(A12, A12), (B21, B21), (NONE, NONE)], 1.0),
    "all none": ([(A12, NONE), (B12, NONE)], 0.0),
    # A: 1 hit of 2 predicted, of 2 annotated: P = R = F1 = 1/2. B: 1.
    "a wrong direction": ([(A12, A21), (A21, A21), (B12, B12)], 0.75),
    # A: 2 hits of 4 predicted, of 3 annotated: 2 * 2 / 7. B: 0 of 0, of 1: 0.
    "false and missed": ([(A12, A12), (A12, A21), (A21, A21), (B12, NONE), (NONE, A12), (NONE, NONE)], 2 / 7),
    # A: 0 of 0, of 1. B: 1 hit of 2 predicted, of 1 annotated: 2 / 3. The mean of 0 and 2/3.
    "another relation": ([(A12, B12), (B12, B12)], 1 / 3),
    # A: 1 hit of 1, of 2: 2 / 3. B: both directions are wrong: 0.
    "both directions wrong": ([(A12, A12), (A21, B21), (B12, B21), (B21, B12)], 1 / 3),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_the_official_macro_f1_of_semeval(case):
    rows, expected = BY_HAND[case]
    value, n = figures(*rows)["semeval_macro_f1",]
    assert value == pytest.approx(expected)
    assert n == sum(gold is not None for gold, _ in rows)
    assert FIGURES.headline(*split(*rows))["semeval_macro_f1"] == pytest.approx(expected)


def test_micro_and_macro_f1_leave_none_aside_and_distinguish_directions():
    found = figures(*BY_HAND["false and missed"][0])
    # Hits: A12, A21. Predicted: A12 twice, A21 twice. Annotated: A12 twice, A21, B12.
    assert found["micro_f1",] == (0.5, 4)
    assert found["label_f1", A12] == (0.5, 2)
    assert found["label_f1", A21] == (pytest.approx(2 / 3), 1)
    assert found["label_f1", B12] == (0.0, 1)
    assert found["macro_f1",][0] == pytest.approx((0.5 + 2 / 3 + 0) / 3)


def test_without_directions_there_is_no_official_figure():
    assert ("semeval_macro_f1",) not in figures(("a", "a"), (None, "b"))
    assert ("semeval_macro_f1",) in figures((A12, A12), (None, "b"))
    assert set(FIGURES.report(*split(("a", "a")))) == {"labels", "averages", "confusion"}


def test_the_report_shows_relations_without_direction_and_the_confusion():
    report = FIGURES.report(*split(*BY_HAND["false and missed"][0]))
    assert report["relations"]["A"] == {
        "precision": 0.5, "recall": pytest.approx(2 / 3), "f1-score": pytest.approx(4 / 7), "support": 3,
    }  # fmt: skip
    assert report["confusion"]["no_relation"] == {A12: 1, A21: 0, B12: 0, "no_relation": 1}
    text = FIGURES.text(report)
    assert "SemEval-2010 Task 8" in text
    assert [line.split()[0] for line in text.splitlines() if line.strip()[:2] in ("A ", "B ")] == ["A", "B"]


labels = st.sampled_from([A12, A21, B12, "C", NONE])


@given(st.lists(st.tuples(labels, labels), min_size=1, max_size=30))
def test_averages_are_scikit_learns_without_none(rows):
    from sklearn.metrics import f1_score

    found, gold, said = figures(*rows), [str(one) for one, _ in rows], [str(other) for _, other in rows]
    there = sorted({*gold, *said} - {"None"})
    for average in ("micro", "macro", "weighted"):
        wanted = f1_score(gold, said, labels=there, average=average, zero_division=0) if there else 0.0
        assert found[f"{average}_f1",][0] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("gold", "said", "verdict", "reason", "omitted"),
    [
        (A12, A12, "supported", None, 0),
        (A12, A21, "distorted", "direction", 0),
        (A12, B12, "distorted", "label", 0),
        (A12, B21, "distorted", "label", 0),
        (NONE, A12, "unsupported", "no_relation", 0),
        (A12, NONE, None, None, 1),
        (NONE, NONE, None, None, 0),
    ],
)
def test_verdicts_by_hand(gold, said, verdict, reason, omitted):
    example, judge = pair(1, gold), RelationJudge()
    prediction = PairPrediction("e1", (said,), (0.9,)) if said else PairPrediction("e1", (), ())
    judged = judge.judge(example, judge.claims(example, prediction))
    assert [(one.verdict, one.reason) for one in judged.claims] == ([] if verdict is None else [(verdict, reason)])
    assert [one.label for one in judged.omissions] == [gold] * omitted
    assert all(one.text == "x → y" for one in (*judged.claims, *judged.omissions))
