"""What the judge of every task must do, and how spans are matched: optimally, without order, with sums that add up."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halluc.components import TABLE
from halluc.core.claims import VERDICTS, Claim
from halluc.core.examples import Example, Origin, Span
from halluc.core.labels import write_tags
from halluc.data.tokenization import Tokenizer
from halluc.task import Judge, task_class
from halluc.tasks.question_answering.claims import AnswerJudge
from halluc.tasks.question_answering.examples import ContextQuestion
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.relation_extraction.claims import RelationJudge
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.text_classification.claims import LabelJudge, LabelSetJudge
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.token_classification import claims as matching
from halluc.tasks.token_classification import entity_figures
from halluc.tasks.token_classification.claims import SpanJudge
from halluc.tasks.token_classification.tagged_sentence import Tagged

LABELS = ("X", "Y")


def claim(span: Span, confidence: float | None = None) -> Claim:
    return Claim("e1", "span", f"{span.start}-{span.end}", span, span.label, confidence)


@st.composite
def any_spans(draw):
    """Spans that may overlap, without repeats."""
    found = draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5), st.sampled_from(LABELS)), max_size=6))
    return list(dict.fromkeys(Span(start, start + size, label) for start, size, label in found))


@st.composite
def flat_spans(draw, length=14):
    """Spans as tags can hold them."""
    found, start = [], 0
    while start < length:
        size = draw(st.integers(1, 4))
        label = draw(st.sampled_from(["", "", *LABELS]))
        if label:
            found.append(Span(start, min(length, start + size), label))
        start += size
    return found


TOKENS = tuple(str(number) for number in range(15))


def sentence(*spans: Span) -> Tagged:
    return Tagged("e1", Origin("f", 1), TOKENS, spans)


def text(*labels: str) -> Labelled:
    return Labelled("e1", Origin("f", 1), ("0", "1", "2"), labels)


def labels(*names: str) -> list[Claim]:
    return [claim(Span(0, 3, name)) for name in names]


def written(target: str | None) -> Sourced:
    made = cut_parts([("source", "Anna has 12 dogs .")], Tokenizer())
    return Sourced("a", Origin("f", 1), *made, () if target is None else (target,))


def pair(relation: str | None) -> Related:
    return Related("a", Origin("f", 1), ("x", "of", "y"), Span(0, 1, ""), Span(2, 3, ""), relation)


def question(*answers: tuple[int, int]) -> ContextQuestion:
    texts = (SpacedText.from_tokens(text.split(" ")) for text in ("who ?", "the Anna Berg and Anna Moe"))
    return ContextQuestion("e1", Origin("f", 1), *texts, answers)


def answer(text: str, start: int) -> Claim:
    where = Span(start + 2, start + 2 + len(text.split(" ")), "answer")
    return Claim("e1", "answer", text, where, "answer", 0.5)


class Case(NamedTuple):
    """The judge of a task with an example, what is claimed about it, and the same example without gold."""

    judge: Judge
    example: Example
    claims: list[Claim]
    bare: Example


CASES = {
    "spans": Case(SpanJudge(), sentence(Span(0, 2, "X")), [claim(Span(0, 2, "X")), claim(Span(4, 5, "Y"))], sentence()),
    "labels": Case(LabelJudge(), text("Y"), labels("X"), text()),
    "label sets": Case(LabelSetJudge(), text("Y"), labels("X", "Y"), text()),
    "relations": Case(RelationJudge(), pair("Y"), labels("X"), pair(None)),
    "answers": Case(AnswerJudge(), question((1, 3)), [answer("Anna Berg and", 1)], question()),
    "written texts": Case(
        GenerationJudge(),
        written("Anna hat 12 Hunde ."),
        [replace(claim(Span(0, 1, "name")), text="Bert")],
        written(None),
    ),
}


def test_the_judge_of_every_task_has_a_case():
    tested = {type(case.judge) for case in CASES.values()}
    assert {type(task_class(name).evaluated(()).judge) for name in TABLE["task"]} <= tested


@pytest.mark.parametrize("name", CASES)
class TestEveryJudge:
    def test_each_claim_gets_a_verdict_in_its_place(self, name):
        judge, example, claims, _ = CASES[name]
        judged = judge.judge(example, claims)
        assert [(c.where, c.label, c.confidence) for c in judged.claims] == [
            (c.where, c.label, c.confidence) for c in claims
        ]
        assert all(c.verdict in VERDICTS for c in judged.claims)

    def test_without_claims_all_gold_is_omitted_and_without_gold_nothing_is(self, name):
        judge, example, claims, bare = CASES[name]
        assert judge.gold(example)
        assert judge.judge(example, []).omissions == judge.gold(example)
        assert judge.gold(bare) == ()
        assert judge.judge(bare, claims).omissions == ()
        assert judge.judge(bare, []).claims == ()

    def test_distorted_claims_have_a_reason_that_the_judge_names(self, name):
        judge, example, claims, _ = CASES[name]
        moved = [replace(one, where=Span(1, 3, one.label)) for one in claims] if judge.reasons else claims
        reasons = {one.reason for one in judge.judge(example, moved).claims if one.verdict == "distorted"}
        assert reasons <= set(judge.reasons)
        assert bool(reasons) is bool(judge.reasons)


@pytest.mark.parametrize(
    ("name", "claims", "gold", "verdicts", "omitted"),
    [
        ("labels", "X", "X", ["supported"], ""),
        ("labels", "X", "Y", ["other_label"], ""),
        ("labels", "X", "", ["out_of_scope"], ""),
        ("labels", "", "Y", [], "Y"),
        ("labels", "", "", [], ""),
        ("label sets", "XY", "YZ", ["other_label", "supported"], "Z"),
        ("label sets", "X", "Y", ["other_label"], "Y"),
        ("label sets", "XY", "", ["no_label", "no_label"], ""),
        ("label sets", "", "XY", [], "XY"),
    ],
)
def test_labels_of_texts_are_judged(name, claims, gold, verdicts, omitted):
    judged = CASES[name].judge.judge(text(*gold), labels(*claims))
    assert [c.reason or c.verdict for c in judged.claims] == verdicts
    assert [one.label for one in judged.omissions] == list(omitted)
    for one in judged.claims:
        assert (one.verdict == "unsupported") == (one.reason is not None)
        assert one.evidence.matched == (Span(0, 3, one.label) if one.verdict == "supported" else None)
        contradicted = tuple(Span(0, 3, label) for label in gold)
        assert one.evidence.touched == (contradicted if one.reason and name == "labels" else ())


@pytest.mark.parametrize(
    ("said", "answers", "verdict", "reason"),
    [
        (("anna berg", 1), [(1, 3)], "supported", None),
        (("the Anna Berg", 0), [(1, 3)], "supported", None),
        (("Anna Moe", 4), [(1, 3), (4, 6)], "supported", None),
        (("Berg", 2), [(1, 3)], "distorted", "boundary"),
        (("Anna Moe", 4), [(1, 3)], "distorted", "place"),
        (("and", 3), [(1, 3)], "unsupported", "other_answer"),
        (("Anna Berg", 1), [], "unsupported", "no_answer"),
    ],
)
def test_answers_are_judged(said, answers, verdict, reason):
    judge = AnswerJudge()
    (judged,) = judge.judge(question(*answers), [answer(*said)]).claims
    assert (judged.verdict, judged.reason) == (verdict, reason)
    there = tuple(one.mark for one in judge.gold(question(*answers)))
    assert len(there) == bool(answers)
    reached = (judged.evidence.matched, *judged.evidence.touched)
    assert [mark for mark in reached if mark] == list(there)


def judge(claims, gold):
    return SpanJudge().judge(sentence(*gold), [claim(s) for s in claims])


def outcome(claims, gold):
    judged = judge(claims, gold)
    told = {c.where: (c.verdict, c.reason, c.evidence.matched, c.evidence.touched) for c in judged.claims}
    return told, {o.where for o in judged.omissions}


@pytest.mark.parametrize(
    ("claims", "gold", "told"),
    [
        ([Span(0, 2, "X")], [Span(0, 2, "X")], [("supported", None)]),
        ([Span(0, 2, "Y")], [Span(0, 2, "X")], [("distorted", "label")]),
        ([Span(0, 3, "X")], [Span(0, 2, "X")], [("distorted", "boundary")]),
        ([Span(1, 3, "Y")], [Span(0, 2, "X")], [("distorted", "both")]),
        ([Span(2, 3, "X")], [Span(0, 2, "X")], [("unsupported", "spurious")]),
        # One gold span told in two parts: the longer part has the wrong boundary, the other says it twice.
        ([Span(0, 1, "X"), Span(1, 3, "X")], [Span(0, 3, "X")],
         [("distorted", "duplicate"), ("distorted", "boundary")]),
        # The exact claim keeps its gold, whatever else overlaps it.
        ([Span(0, 2, "X"), Span(1, 2, "X")], [Span(1, 2, "X")], [("distorted", "duplicate"), ("supported", None)]),
        # Greedy from the left would give the first claim the first gold span and leave the second without.
        ([Span(0, 4, "X"), Span(0, 2, "Y")], [Span(0, 2, "X"), Span(2, 4, "X")],
         [("distorted", "boundary"), ("distorted", "label")]),
    ],
)  # fmt: skip
def test_verdicts_by_hand(claims, gold, told):
    assert [(c.verdict, c.reason) for c in judge(claims, gold).claims] == told


def test_of_equal_matches_the_first_start_wins():
    (only,) = judge([Span(0, 4, "X")], [Span(0, 2, "X"), Span(2, 4, "X")]).claims
    assert only.evidence.matched == Span(0, 2, "X")
    assert only.evidence.touched == (Span(2, 4, "X"),)


@given(any_spans(), any_spans(), st.randoms(use_true_random=False))
def test_order_changes_nothing(claims, gold, chance):
    expected = outcome(claims, gold)
    chance.shuffle(claims)
    chance.shuffle(gold)
    assert outcome(claims, gold) == expected


@given(any_spans(), any_spans())
def test_gold_is_matched_once_touched_or_omitted_and_everything_adds_up(claims, gold):
    judged = judge(claims, gold)
    matched = [c.evidence.matched for c in judged.claims if c.evidence.matched]
    assert len(matched) == len(set(matched))
    reached = {*matched, *(span for c in judged.claims for span in c.evidence.touched)}
    omitted = {c.where for c in judged.omissions}
    assert reached | omitted == set(gold)
    assert not reached & omitted
    assert Counter(c.verdict for c in judged.claims).total() == len(claims)
    for one in judged.claims:
        overlaps = any(one.where.start < g.end and g.start < one.where.end for g in gold)
        assert (one.verdict == "unsupported") == (not overlaps)
        assert (one.verdict == "supported") == (one.where in gold)


def worth(claims, gold, pairs):
    """What a matching is worth, the most important first."""
    chosen = [(claims[c], gold[g]) for c, g in pairs]
    return (
        sum(a == b for a, b in chosen),
        sum(a[:2] == b[:2] for a, b in chosen),
        sum(a.label == b.label for a, b in chosen),
        sum(min(a.end, b.end) - max(a.start, b.start) for a, b in chosen),
    )


def every_matching(pairs):
    for size in range(len(pairs) + 1):
        for some in itertools.combinations(pairs, size):
            if len({c for c, _ in some}) == len({g for _, g in some}) == size:
                yield some


@given(any_spans(), any_spans())
def test_no_matching_is_worth_more(claims, gold):
    claims, gold = claims[:4], gold[:4]
    pairs = matching.overlaps(claims, gold)
    found = matching.match(claims, gold, pairs)
    best = max(worth(claims, gold, some) for some in every_matching([(p.claim, p.gold) for p in pairs][:10]))
    assert worth(claims, gold, found.items()) >= best


@given(flat_spans(), flat_spans())
def test_supported_claims_are_seqevals_true_positives(claims, gold):
    judged = judge(claims, gold)
    counts = entity_figures.count([write_tags(14, gold)], [write_tags(14, claims)])
    assert sum(c.verdict == "supported" for c in judged.claims) == len(counts.hits.text)
    for label, hits in zip(counts.labels, counts.hits.count(len(counts.labels)), strict=True):
        assert sum(c.verdict == "supported" and c.label == label for c in judged.claims) == hits


@given(flat_spans(), flat_spans())
def test_nervaluate_agrees_where_no_overlap_is_many_to_one(claims, gold):
    from nervaluate import Evaluator

    pairs = matching.overlaps(claims, gold)
    if max(Counter(p.claim for p in pairs).values(), default=1) > 1:
        return
    if max(Counter(p.gold for p in pairs).values(), default=1) > 1:
        return
    tags = [[write_tags(14, side)] for side in (gold, claims)]
    strict = Evaluator(*tags, tags=list(LABELS), loader="list").evaluate()["overall"]["strict"]
    judged = judge(claims, gold)
    assert strict.correct == sum(c.verdict == "supported" for c in judged.claims)
    assert strict.incorrect == sum(c.verdict == "distorted" for c in judged.claims)
    assert strict.spurious == sum(c.verdict == "unsupported" for c in judged.claims)
    assert strict.missed == len(judged.omissions)


def test_a_chain_of_two_hundred_overlaps_is_matched_in_no_time():
    gold = [Span(2 * i, 2 * i + 2, "X") for i in range(100)]
    claims = [Span(2 * i + 1, 2 * i + 3, "X") for i in range(100)]
    found = matching.match(claims, gold, matching.overlaps(claims, gold))
    assert len(found) == 100
    assert found[0] == 0
