"""The worked example of docs/metrics.md, counted again from its own text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from halluc.analysis import scoring, verdicts
from halluc.analysis.table import table
from halluc.core import figures
from halluc.core.examples import Origin
from halluc.core.labels import read_spans
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.novelty import SurfaceKnowledge
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.decoding import TextPrediction
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification

TEXT = (Path(__file__).parent.parent.parent / "docs/metrics.md").read_text(encoding="utf-8")
EXAMPLE = TEXT.split("## A worked example")[1].split("\n## ")[0]


def block(name):
    (found,) = re.findall(rf"```conll {name}\n(.*?)```", EXAMPLE, re.S)
    return [[line.split() for line in sentence.splitlines()] for sentence in found.strip().split("\n\n")]


def rows(heading, text=EXAMPLE):
    body = text.split(f"| {heading} |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in body]


def tagged(number, sentence, column=1):
    tokens, tags = [row[0] for row in sentence], [row[column] for row in sentence]
    return Tagged(f"e{number}", Origin("train.txt", 1), tuple(tokens), read_spans(tags))


@pytest.fixture(scope="module")
def judged():
    task = TokenClassification(TokenClassificationConfig(type="token_classification"))
    claims = rows("claim | confidence | verdict | reason | novelty")
    confidences = iter(float(row[1]) for row in claims)
    sentences = block("judged")
    examples = [tagged(number, sentence) for number, sentence in enumerate(sentences)]
    predictions = []
    for number, sentence in enumerate(sentences):
        tags = [row[2] for row in sentence]
        spans = read_spans(tags)
        predictions.append(TagPrediction(f"e{number}", tuple(tags), spans, tuple(next(confidences) for _ in spans)))
    knowledge = SurfaceKnowledge(SurfaceCoverage.of(tagged(n, sentence) for n, sentence in enumerate(block("train"))))
    lines = verdicts.ledger_lines(
        verdicts.verdicts(task, examples, predictions), map(task.judge.gold, examples), knowledge, None
    )
    counted = table(task, lines, [e.id for e in examples], [len(e.tokens) for e in examples])
    metrics = scoring.score(examples, predictions, counted)
    return claims, lines, metrics


def test_the_claims_have_the_verdicts_of_the_table(judged):
    claims, lines, _ = judged
    found = [
        [f"{line.text} {line.label}", f"{line.confidence:g}", line.verdict, line.reason or "", line.novelty]
        for line in lines if line.record == "claim"
    ]  # fmt: skip
    assert found == claims
    assert [line.text for line in lines if line.record == "omission"] == ["Paris"]


def test_the_figures_are_those_of_the_table(judged):
    _, _, metrics = judged
    table = rows("figure | by | value")
    assert len(table) > 15
    for name, by, told in table:
        wanted = dict([by.split("=")]) if by else {}
        found = next(m for m in metrics if m.name == name and m.by == wanted)
        assert re.fullmatch(r"[\d./+() ]+", told)
        assert found.value == pytest.approx(eval(told)), (name, by)
    assert next(m for m in metrics if m.name == "gap_ratio").value is None


OF_LABELS = TEXT.split("### Seven texts")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def labelled():
    """Every figure of the texts of the page."""
    task = TextClassification(TextClassificationConfig(type="text_classification"))
    examples, predictions = [], []
    for number, (text, gold, predicted, sure) in enumerate(rows("text | gold | predicted | in scope", OF_LABELS)):
        labels, confidence = tuple(filter(None, [predicted])), float(sure)
        examples.append(Labelled(f"t{number}", Origin("t", number), tuple(text.split()), tuple(filter(None, [gold]))))
        predictions.append(
            TextPrediction(f"t{number}", labels, (confidence,) * len(labels), confidence, out_of_scope=not labels)
        )
    lines = verdicts.ledger_lines(
        verdicts.verdicts(task, examples, predictions), map(task.judge.gold, examples), None, 0.55
    )
    counted = table(task, lines, [e.id for e in examples], [len(e.tokens) for e in examples])
    return scoring.score(examples, predictions, counted)


def test_the_figures_of_labels_are_those_of_the_table(labelled):
    told = rows("label figure | by | value", OF_LABELS)
    assert len(told) > 15
    for name, by, value in told:
        wanted = dict([by.split("=")]) if by else {}
        found = next(m for m in labelled if m.name == name and m.by == wanted)
        assert re.fullmatch(r"[\d./+() ]+", value)
        assert found.value == pytest.approx(eval(value)), (name, by)


def test_what_needs_boundaries_is_absent_for_labels(labelled):
    assert [m for m in labelled if m.name == "negative_sentence_rate" or "reason" in m.by] == []


def test_every_figure_is_documented():
    docs = Path(__file__).parent.parent.parent / "docs"
    documented = "".join(
        (docs / f"{page}.md").read_text(encoding="utf-8") for page in ("metrics", "evaluation", "studies")
    )
    named = [row.name for row in figures.rows().values() if row.family != "gap"]
    assert [name for name in named if f"`{name}`" not in documented] == []
