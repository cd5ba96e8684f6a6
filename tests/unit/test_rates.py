"""Rates of a ledger: counted again from its lines, and sums that add up whatever the claims."""

from __future__ import annotations

import json
from collections import Counter
from copy import copy
from dataclasses import replace

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halluc.analysis import rates, verdicts
from halluc.analysis.comparison import flipped
from halluc.analysis.table import table
from halluc.core.claims import Claim, Judged
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.core.figures import names
from halluc.core.significance import Sheet
from halluc.runs.schema import LedgerLine
from halluc.task import task_class
from halluc.tasks.token_classification.tagged_sentence import Tagged

LABELS = ("LOC", "ORG", "PER")
TASK = task_class("token_classification").evaluated(())


class SurfaceCount:
    """A training split that shows surfaces of even starts, shares words with those of threes, and lacks the rest."""

    label_counts = None

    def novelty(self, claim):
        start = claim.where.start
        return "seen" if start % 2 == 0 else "partial" if start % 3 == 0 else "new"

    def is_confusable(self, claim):
        return claim.text.endswith("7")

    def nearest(self, claim):
        return None

    def is_withheld(self, claim):
        return claim.text.startswith("5")


def claim(identity, span, confidence=None):
    return Claim(identity, "span", f"{span.start}-{span.end}", span, span.label, confidence)


@st.composite
def flat_spans(draw, length=12):
    found, start = [], 0
    while start < length:
        size, label = draw(st.integers(1, 3)), draw(st.sampled_from(["", "", *LABELS]))
        if label:
            found.append(Span(start, min(length, start + size), label))
        start += size
    return found


CONFIDENCES = st.sampled_from([0.0, 0.2, 0.5, 0.5000001, 0.9, 1.0])
EXAMPLE = st.tuples(flat_spans(), flat_spans(), st.lists(CONFIDENCES, min_size=12, max_size=12))


def made(examples, threshold=None, knowledge=None):
    """Ledger lines and the table of them."""
    judged, gold = [], []
    for number, (claimed, there, confidences) in enumerate(examples):
        identity = f"e{number}"
        claims = [claim(identity, span, c) for span, c in zip(claimed, confidences, strict=False)]
        example = Tagged(identity, Origin("f", 1), tuple(map(str, range(12))), tuple(there))
        gold.append(TASK.judge.gold(example))
        judged.append(TASK.judge.judge(example, claims))
    lines = verdicts.ledger_lines(judged, gold, knowledge or SurfaceCount(), threshold)
    return lines, table(TASK, lines, [f"e{n}" for n in range(len(examples))], [12] * len(examples))


def values(counted):
    sheet = Sheet(len(counted))
    figures = rates.figures(counted, sheet)
    totals = sheet.totals()
    return {(f.name, *sorted(f.by.items())): (float(f.formula(totals)), f.n) for f in figures}


def share(part, whole):
    return len(part) / len(whole) if whole else float("nan")


@settings(max_examples=60)
@given(st.lists(EXAMPLE, min_size=1, max_size=5), st.sampled_from([None, 0.5, 1.0]))
def test_every_rate_can_be_counted_again_from_the_lines_alone(examples, threshold):
    lines, counted = made(examples, threshold)
    records = [json.loads(json.dumps(verdicts.ledger_record(line))) for line in lines]
    found = values(counted)
    for kept_only in (False, True) if threshold is not None and any(r.get("abstained") for r in records) else (False,):
        claims = [r for r in records if r["record"] == "claim" and not (kept_only and r["abstained"])]
        gold = {
            (r["id"], g["start"], g["end"], g["label"]): g["novelty"]
            for r in records if r["record"] == "claim" for g in r["gold"]
        }  # fmt: skip
        gold |= {
            (r["id"], r["start"], r["end"], r["label"]): r["novelty"] for r in records if r["record"] == "omission"
        }
        touched = {(c["id"], g["start"], g["end"], g["label"]) for c in claims for g in c["gold"]}
        mark = (("claims", "kept"),) if kept_only else ()

        def rate(name, *by, mark=mark):
            return found[(name, *sorted((*mark, *by)))][0]

        def check(name, part, whole, *by, rate=rate):
            assert rate(name, *by) == pytest.approx(share(part, whole), nan_ok=True), (name, by)

        unsupported = [c for c in claims if c["verdict"] == "unsupported"]
        distorted = [c for c in claims if c["verdict"] == "distorted"]
        check("hallucination_rate", unsupported, claims)
        check("distortion_rate", distorted, claims)
        mislabelled = [c for c in distorted if c["reason"] in ("label", "both")]
        check("hallucination_rate_wide", unsupported + mislabelled, claims)
        check("omission_rate", [g for g in gold if g not in touched], list(gold))
        check("recall", [c for c in claims if c["verdict"] == "supported"], list(gold))
        for reason in TASK.judge.reasons:
            check("distortion_rate", [c for c in distorted if c["reason"] == reason], claims, ("reason", reason))
        for novelty in TASK.knowledge.novelties if claims else ():
            among = [c for c in claims if c["novelty"] == novelty]
            check("over_claim", [c for c in among if c["verdict"] != "supported"], among, ("novelty", novelty))
        if kept_only:
            continue
        for novelty in TASK.knowledge.novelties if records else ():
            there = [g for g, is_ in gold.items() if is_ == novelty]
            check("omission_rate", [g for g in there if g not in touched], there, ("novelty", novelty))


@settings(max_examples=40)
@given(st.lists(EXAMPLE, min_size=1, max_size=5))
def test_counts_by_label_novelty_length_and_decile_sum_to_the_overall_ones(examples):
    lines, counted = made(examples)
    found = values(counted)
    total = {"claims": found[("hallucination_rate",)][1], "gold": found[("omission_rate",)][1]}
    assert total == {
        "claims": sum(line.record == "claim" for line in lines),
        "gold": sum(len(there) for _, there, _ in examples),
    }

    def summed(name, by):
        rows = [row for (n, *key), row in found.items() if n == name and {k for k, _ in key} == by]
        parts = [(value * n, n) for value, n in rows if n]
        return round(sum(p for p, _ in parts)), sum(n for _, n in parts)

    for name, by, unit in (
        ("hallucination_rate", {"label"}, "claims"),
        ("hallucination_rate", {"novelty"}, "claims"),
        ("hallucination_rate", {"tokens"}, "claims"),
        ("hallucination_rate", {"confidence", "confidence_decile"}, "claims"),
        ("distortion_rate", {"label"}, "claims"),
        ("omission_rate", {"label"}, "gold"),
        ("omission_rate", {"novelty"}, "gold"),
    ):
        if not total[unit]:
            continue
        value, n = found[(name,)]
        assert summed(name, by) == (round(value * n), n), (name, by)


def test_verdicts_make_up_all_claims():
    lines, counted = made([([Span(0, 1, "PER"), Span(2, 3, "LOC")], [Span(0, 1, "PER")], [0.9] * 12)])
    found = values(counted)
    parts = [found[(name,)][0] for name in ("support_rate", "hallucination_rate", "distortion_rate")]
    assert sum(parts) == 1
    assert found[("false_claim_rate",)][0] == 1 - found[("support_rate",)][0] == 0.5
    assert [line.verdict for line in lines] == ["supported", "unsupported"]


def test_examples_are_counted_with_those_that_have_no_line():
    nothing = ([], [], [])
    spurious = ([Span(0, 1, "PER")], [], [0.9])
    found = values(made([nothing, spurious, spurious, nothing])[1])
    assert found[("hallucinated_examples",)] == (0.5, 4)
    assert found[("negative_sentence_rate",)] == (0.5, 4)
    assert found[("hallucination_density",)] == (pytest.approx(1000 * 2 / 48), 48)


def test_comparisons_have_what_a_task_has_a_name_for():
    right, wrong = ([Span(0, 1, "PER")], [Span(0, 1, "PER")], [0.9]), ([Span(0, 1, "PER")], [], [0.9])
    missed, silent = ([], [Span(0, 1, "PER")], []), ([], [], [])

    def named(examples, names):
        sheet, task = Sheet(len(examples)), copy(TASK)
        task.figures = type("Named", (type(TASK.figures),), {"named": names})()
        figures = rates.headline(replace(made(examples)[1], task=task), sheet)
        return {one.name: (float(one.formula(sheet.totals())), one.n) for one in figures if one.name in ("acc", "out")}

    names = {"recall": "acc", "claimed_without_gold": "out"}
    everything = [right, right, missed, wrong, silent, silent, silent]
    assert named(everything, names) == {"acc": (pytest.approx(2 / 3), 3), "out": (0.25, 4)}
    assert named([right, missed], names) == {"acc": (0.5, 2)}, "no example is without gold"
    assert named(everything, {}) == {}


def test_a_model_that_asserts_nothing_has_no_rates_of_claims_and_omits_everything():
    found = values(made([([], [Span(0, 1, "PER")], [])])[1])
    assert numpy.isnan(found[("hallucination_rate",)][0])
    assert found[("omission_rate",)] == (1.0, 1)
    assert found[("hallucinated_examples",)] == (0.0, 1)


def test_unverifiable_claims_are_in_no_rate():
    lines, _ = made([([Span(0, 1, "PER"), Span(2, 3, "PER")], [], [0.9] * 12)])
    lines[0] = lines[0].model_copy(update={"verdict": "unverifiable"})
    counted = table(TASK, lines, ["e0"], [12])
    assert counted.unverifiable == 1
    assert values(counted)[("hallucination_rate",)] == (1.0, 1)


def test_an_omission_has_neither_confidence_nor_verdict():
    (line,), _ = made([([], [Span(0, 1, "PER")], [])])
    record = verdicts.ledger_record(line)
    assert record["record"] == "omission"
    assert not {"confidence", "verdict", "reason", "matched", "touched", "abstained"} & record.keys()
    assert LedgerLine.model_validate(record) == line


def test_without_a_training_split_novelty_is_unknown():
    judged = [Judged((), (claim("e0", Span(0, 1, "PER")),))]
    (line,) = verdicts.ledger_lines(judged, [judged[0].omissions], None, None)
    assert (line.novelty, line.confusable, line.withheld) == (None, None, False)
    found = values(table(TASK, [line], ["e0"], [12]))
    assert not any("novelty" in dict(key[1:]) for key in found)


def test_a_label_as_long_as_a_novel_does_not_widen_the_table():
    long = "X" * 1_000_000
    spans = [Span(n, n + 1, long if n == 0 else "PER") for n in range(12)]
    counted = made([(spans, [], [0.5] * 12)])[1]
    assert counted.claims.label.nbytes < 1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": "a"}\n', "line"),
        ("not json\n", "line"),
        ('{"id": "a", "record": "guess", "kind": "span", "text": "x", "start": 0, "end": 1, "label": "X"}\n', "line"),
    ],
)
def test_a_damaged_ledger_is_reported_with_its_line(tmp_path, text, told):
    whole = verdicts.ledger_record(made([([], [Span(0, 1, "PER")], [])])[0][0])
    (tmp_path / "dev.jsonl").write_text(json.dumps(whole) + "\n" + text)
    with pytest.raises(HallucError) as caught:
        verdicts.read_ledger(tmp_path / "dev.jsonl")
    assert caught.value.code == "R111"
    assert caught.value.where.line == 2


def test_flipped_claims_are_those_that_differ():
    gold = [Span(0, 2, "PER"), Span(5, 6, "LOC")]
    before, _ = made([([Span(0, 2, "PER"), Span(8, 9, "ORG")], gold, [0.9] * 12)])
    after, _ = made([([Span(0, 2, "PER"), Span(5, 6, "LOC")], gold, [0.9] * 12)])
    told = {(flip.start, flip.end, flip.label): (flip.a, flip.b) for flip in flipped(before, after)}
    assert told == {(8, 9, "ORG"): ("unsupported", "absent"), (5, 6, "LOC"): ("absent", "supported")}
    assert flipped(before, before) == []
    withdrawn, _ = made([([Span(0, 2, "PER"), Span(8, 9, "ORG")], gold, [0.9, 0.1] * 6)], threshold=0.5)
    assert [(flip.a, flip.b) for flip in flipped(before, withdrawn)] == [("unsupported", "absent")]


def test_the_names_that_gates_may_use_are_those_that_are_counted():
    spans = [Span(0, 1, "PER"), Span(3, 4, "LOC")]
    found = values(made([(spans, spans[:1], [0.9, 0.1] * 6)], threshold=0.5)[1])
    assert {key[0] for key in found} == set(names(["claims"]))


def test_figures_are_counted_over_verdicts_as_in_the_ledger():
    lines, _ = made([([Span(0, 3, "PER"), Span(4, 5, "PER")], [Span(0, 2, "PER"), Span(4, 5, "LOC")], [0.9] * 12)])
    assert Counter(line.reason for line in lines) == {"boundary": 1, "label": 1}
