"""Which places of an annotation are suspects, of which kind, and in which order."""

from __future__ import annotations

import math
import re

import numpy
import pytest

from halluc.analysis import suspects
from halluc.core.claims import Claim
from halluc.core.examples import Origin, Span
from halluc.core.labels import OUT_OF_SCOPE
from halluc.reporting.collect.annotation import suspect_counts
from halluc.reporting.page.suspects import page
from halluc.runs.audits import AuditResult, SuspectLine
from halluc.runs.schema import LedgerLine
from halluc.task import AnnotatedPrediction
from halluc.tasks.example_labels import predict_annotated_label, predict_annotated_labels
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.relation_extraction.examples import PairPrediction, Related
from halluc.tasks.relation_extraction.task import RelationExtraction
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification
from halluc.tasks.token_classification.decoding import annotated_tags
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification

SPANS = TokenClassification(TokenClassification.Config(type="token_classification"))


def sentence(number: int, text: str, *spans: tuple[int, int, str]) -> Tagged:
    return Tagged(f"s{number}", Origin("f", number), tuple(text.split()), tuple(Span(*span) for span in spans))


def said(example: Tagged, sureness: float, *spans: tuple[int, int, str]) -> AnnotatedPrediction:
    made = TagPrediction(example.id, (), tuple(Span(*span) for span in spans), (0.9,) * len(spans))
    return AnnotatedPrediction(made, lambda claims: sureness)


def of_spans(*pairs):
    return suspects.find(SPANS, [one for one, _ in pairs], [two for _, two in pairs])


def told(found):
    return [
        (one.kind, [claim.mark for claim in one.annotated], [claim.mark for claim in one.proposed]) for one in found
    ]


def test_each_way_to_disagree_is_a_kind_and_the_least_probable_annotation_comes_first():
    missing = sentence(1, "Anna met Bo")
    label = sentence(2, "Oslo won .", (0, 1, "LOC"))
    boundary = sentence(3, "New York City fell", (0, 2, "LOC"))
    unlikely = sentence(4, "the bank won", (1, 2, "ORG"))
    agreed = sentence(5, "Anna left", (0, 1, "PER"))
    found = of_spans(
        (missing, said(missing, 0.3, (2, 3, "PER"))),
        (label, said(label, 0.1, (0, 1, "ORG"))),
        (boundary, said(boundary, 0.2, (0, 3, "LOC"))),
        (unlikely, said(unlikely, 0.05)),
        (agreed, said(agreed, 0.01, (0, 1, "PER"))),
    )
    assert told(found) == [
        ("unlikely", [(1, 2, "ORG")], []),
        ("wrong_label", [(0, 1, "LOC")], [(0, 1, "ORG")]),
        ("wrong_boundary", [(0, 2, "LOC")], [(0, 3, "LOC")]),
        ("missing", [], [(2, 3, "PER")]),
    ]
    assert [one.confidence for one in found] == [0.05, 0.1, 0.2, 0.3]


def test_what_overlaps_is_one_suspect():
    split, merged = sentence(1, "a b c d", (0, 4, "X")), sentence(2, "a b c d", (0, 1, "X"), (2, 4, "Y"))
    found = of_spans(
        (split, said(split, 0.1, (0, 2, "X"), (2, 4, "X"))),
        (merged, said(merged, 0.2, (0, 4, "X"))),
    )
    assert told(found) == [
        ("wrong_boundary", [(0, 4, "X")], [(0, 2, "X"), (2, 4, "X")]),
        ("wrong_boundary", [(0, 1, "X"), (2, 4, "Y")], [(0, 4, "X")]),
    ]


def test_equal_probabilities_are_ranked_by_the_other_places_of_the_surface():
    usual = [sentence(n, "visit Oslo soon", (1, 2, "LOC")) for n in (1, 2, 3)]
    odd, alone = sentence(4, "Oslo lost", (0, 1, "ORG")), sentence(5, "Bern lost", (0, 1, "ORG"))
    inside = sentence(6, "Oslo Bank fell", (0, 2, "ORG"))  # says nothing of the surface
    plain = sentence(7, "from Oslo")
    agreeing = [(one, said(one, 0.9, *one.spans)) for one in (*usual, inside, plain)]
    found = of_spans((alone, said(alone, 0.2)), (odd, said(odd, 0.2, (0, 1, "LOC"))), *agreeing)
    assert [(one.kind, one.consistency) for one in found] == [("wrong_label", 0.0), ("unlikely", None)]
    assert [place.label for place in found[0].others] == ["LOC", "LOC", "LOC", None]


def test_a_surface_annotated_otherwise_between_the_same_words_is_inconsistent_where_the_model_agrees():
    usual = [sentence(n, "in May we", (1, 2, "DATE")) for n in (1, 2)]
    without, elsewhere = sentence(3, "In May We"), sentence(4, "you May go")
    found = of_spans(*((one, said(one, 0.8, *one.spans)) for one in (*usual, without, elsewhere)))
    assert told(found) == [("inconsistent", [], [(1, 2, "DATE")])]
    assert found[0].example == 2
    tied = [usual[0], sentence(5, "in May we")]
    assert of_spans(*((one, said(one, 0.8, *one.spans)) for one in tied)) == []


def test_tags_are_as_probable_as_the_least_probable_of_them():
    example = sentence(1, "a b c", (0, 2, "X"))
    scores = numpy.log(numpy.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4], [0.25, 0.5, 0.25]]))  # O, B-X, I-X
    (one,) = annotated_tags([[1, 2, 0]], [TagPrediction("s1", (), (), ())], scores)
    gold = SPANS.judge.gold(example)
    assert one.probability(gold) == pytest.approx(0.2)
    (claim,) = SPANS.judge.claims(example, TagPrediction("s1", (), (Span(1, 3, "X"),), (0.9,)))
    assert one.probability((claim,)) == pytest.approx(0.25)
    assert one.probability((*gold, claim)) == pytest.approx(0.2)
    (unknown,) = annotated_tags([[UNLABELLED, 2, 0]], [TagPrediction("s1", (), (), ())], scores)
    assert unknown.probability(gold) == 0


def text(number: int, words: str, *labels: str) -> Labelled:
    return Labelled(f"t{number}", Origin("f", number), tuple(words.split()), labels)


def test_labels_of_texts():
    task = TextClassification(TextClassification.Config(type="text_classification"))
    share, outputs = numpy.array([0.6, 0.3, 0.1]), ("ask", "say", OUT_OF_SCOPE)
    texts = [text(1, "why", "say"), text(2, "so", "ask"), text(3, "what")]
    predicted = [TextPrediction("t1", ("ask",), (0.6,), 0.6), TextPrediction("t2", (), (), 0.3, out_of_scope=True)]
    predicted.append(TextPrediction("t3", ("ask",), (0.6,), 0.6))
    golds = ["say", "ask", OUT_OF_SCOPE]
    rows = zip(golds, predicted, strict=True)
    found = suspects.find(task, texts, [predict_annotated_label(outputs, share, gold, one) for gold, one in rows])
    assert [(one.kind, round(one.confidence, 3)) for one in found] == [
        ("missing", 0.1), ("wrong_label", 0.3), ("unlikely", 0.6),
    ]  # fmt: skip
    assert predict_annotated_label(outputs[:2], share[:2], OUT_OF_SCOPE, None).probability(()) == pytest.approx(0.4)


def test_each_of_several_labels_is_judged_by_itself():
    task = TextClassification(TextClassification.Config(type="text_classification", multi_label=True))
    one = text(1, "both", "ask", "sing")
    made = TextPrediction("t1", ("ask", "say"), (0.9, 0.8), None)
    opinion = predict_annotated_labels(("ask", "say", "sing"), numpy.array([0.9, 0.8, 0.3]), one.labels, made)
    found = suspects.find(task, [one], [opinion])
    assert [(s.kind, s.shown.label, round(s.confidence, 3)) for s in found] == [
        ("missing", "say", 0.2), ("unlikely", "sing", 0.3),
    ]  # fmt: skip


def test_equal_texts_with_other_labels_are_inconsistent():
    task = TextClassification(TextClassification.Config(type="text_classification"))
    texts = [text(1, "How much", "ask"), text(2, "how much", "ask"), text(3, "how much", "say")]
    made = [TextPrediction(one.id, one.labels, (0.9,), 0.9) for one in texts]
    found = suspects.find(task, texts, [AnnotatedPrediction(one, lambda claims: 0.9) for one in made])
    assert [(one.kind, one.example, one.annotated[0].label, one.proposed[0].label) for one in found] == [
        ("inconsistent", 2, "say", "ask")
    ]


def related(number: int, relation: str | None, head=(0, 1), tail=(2, 3)) -> Related:
    return Related(
        f"r{number}", Origin("f", number), ("Anna", "leads", "Acme"), Span(*head, ""), Span(*tail, ""), relation
    )


def test_relations_of_pairs():
    task = RelationExtraction(RelationExtraction.Config(type="relation_extraction"))
    pairs = [related(1, None), related(2, "leads(e1,e2)"), related(3, "owns")]
    made = [PairPrediction("r1", ("owns",), (0.9,)), PairPrediction("r2", ("leads(e2,e1)",), (0.9,))]
    made.append(PairPrediction("r3", (), ()))
    found = suspects.find(
        task, pairs, [AnnotatedPrediction(one, lambda claims, at=at: at / 10) for at, one in enumerate(made)]
    )
    assert [one.kind for one in found] == ["missing", "wrong_label", "unlikely"]
    both = [related(1, "leads"), related(2, "leads"), related(3, "led_by", (2, 3), (0, 1))]
    made = [PairPrediction(one.id, one.labels, (0.9,)) for one in both]
    agreed = [AnnotatedPrediction(one, lambda claims: 0.9) for one in made]
    assert suspects.find(task, both, agreed) == [], "a pair the other way round is another pair"
    mixed = [related(1, "leads"), related(2, "leads"), related(3, None), related(4, None), related(5, None)]
    made = [PairPrediction(one.id, one.labels, (0.9,) * len(one.labels)) for one in mixed]
    agreed = [AnnotatedPrediction(one, lambda claims: 0.9) for one in made]

    def inconsistent(count: int) -> list:
        found = suspects.find(task, mixed[:count], agreed[:count])
        assert {one.kind for one in found} == {"inconsistent"}
        marks = [([claim.label for claim in one.annotated], [claim.label for claim in one.proposed]) for one in found]
        return [(one.example, *mark) for one, mark in zip(found, marks, strict=True)]

    assert inconsistent(3) == [(2, [], ["leads"])], "no relation, where most equal pairs have one"
    assert inconsistent(5) == [(0, ["leads"], []), (1, ["leads"], [])]


@pytest.mark.parametrize(
    ("task", "example", "marks", "problem"),
    [
        (SPANS, sentence(1, "a b c"), [(0, 2, "X"), (1, 3, "Y")], "overlap"),
        (SPANS, sentence(1, "a b c"), [(2, 4, "X")], "which has 3"),
        (SPANS, sentence(1, "a b c"), [(None, None, "X")], "not in the sentence"),
        (
            TextClassification(TextClassification.Config(type="text_classification")),
            text(1, "a"),
            [(None, None, "x"), (None, None, "y")],
            "2 labels",
        ),
        (
            RelationExtraction(RelationExtraction.Config(type="relation_extraction")),
            related(1, "x"),
            [(None, None, "x"), (None, None, "x")],
            "a repeated label",
        ),
    ],
)
def test_annotation_that_an_example_cannot_have_is_refused(task, example, marks, problem):
    with pytest.raises(ValueError, match=problem):
        task.examples.corrected(example, marks)


@pytest.mark.parametrize(("has_spans", "edited"), [(True, "0 2 ask &lt;b&gt;"), (False, "ask &lt;b&gt;")])
def test_the_page_offers_what_is_proposed_for_editing(has_spans, edited):
    line = _line((Claim("t1", "label", "a b", Span(0, 2, "ask <b>"), "ask <b>", 0.9),), 0.5)
    result = AuditResult(
        run="r", split="dev", folds=2, examples=1, annotated=1, kinds={"missing": 1}, first=[line], files={}, left_out=0
    )
    first, second = (line.model_copy(update={"tokens": ["a", "b"], "suspect": name}) for name in ("x", "y"))
    made = page(result, [first, second], SPANS.wording.nouns, has_spans, "dev.txt")
    assert f'<textarea rows="2" cols="40">{edited}</textarea>' in made
    # The browser keeps decisions by the file, whichever suspect an audit ranks first.
    keys = [
        re.search(r'data-key="(\w+)"', one)
        for one in (made, page(result, [second, first], SPANS.wording.nouns, has_spans, "dev.txt"))
    ]
    assert keys[0] and keys[1] and keys[0][1] == keys[1][1]
    assert keys[0][1] not in page(result, [first], SPANS.wording.nouns, has_spans, "other.txt")


def test_shares_of_rates_that_lie_on_suspects():
    example, other = sentence(1, "a b c", (0, 1, "X")), sentence(2, "a b c")
    found = of_spans((example, said(example, 0.05, (2, 3, "X"))), (other, said(other, 0.6, (1, 2, "Y"))))
    lines = [_line(one.proposed or one.annotated, one.confidence) for one in found]
    ledger = [
        LedgerLine(id="s1", record="claim", kind="span", text="c", start=2, end=3, label="X", verdict="unsupported"),
        LedgerLine(id="s2", record="claim", kind="span", text="b", start=1, end=2, label="Y", verdict="unsupported"),
        LedgerLine(id="s2", record="claim", kind="span", text="c", start=2, end=3, label="Y", verdict="unsupported"),
        LedgerLine(id="s1", record="omission", kind="span", text="a", start=0, end=1, label="X"),
    ]
    rates = {one.name: (one.counted, dict(one.below)) for one in suspect_counts(lines, ledger)}
    assert rates["hallucination_rate"] == (3, {0.01: 0, 0.1: 1, 0.5: 1, 1.0: 2})
    assert rates["omission_rate"] == (1, {0.01: 0, 0.1: 1, 0.5: 1, 1.0: 1})
    assert "distortion_rate" not in rates and not math.isnan(rates["omission_rate"][0])


def _line(claims, confidence):
    return SuspectLine(
        suspect="x", split="dev", kind="missing", id=claims[0].example_id, file="f", line=1, sha256="", tokens=[],
        gold=[], text="", annotated=[], proposed=[claim.mark for claim in claims], confidence=confidence,
        certainty=[None], consistency=None, labels={}, others=[],
    )  # fmt: skip
