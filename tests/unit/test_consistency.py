"""``eval.consistency: document``: which label the mentions of a surface get, by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy
import pytest

from halluc.core.examples import Origin, Span
from halluc.core.labels import read_spans
from halluc.tasks.token_classification import model
from halluc.tasks.token_classification.consistency import consistent
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from tests.conftest import SENTENCES

OUTPUTS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def said(number: int, probabilities: dict[str, float], words: int = 1, document: int = 1, text: str = "Oslo"):
    """A sentence of a mention whose words all have these probabilities of a label, and what is predicted of it."""
    label = max(probabilities, key=probabilities.__getitem__)
    rows = []
    for place in range(words):
        first = "B-" if place == 0 else "I-"
        shares = [0.0, *(probabilities.get(tag[2:], 0.0) if tag.startswith(first) else 0.0 for tag in OUTPUTS[1:])]
        shares[0] = 1 - sum(shares)
        rows.append(numpy.log(numpy.maximum(shares, 1e-12)))
    span = Span(0, words, label)
    claimed = tuple(OUTPUTS.index(("B-" if place == 0 else "I-") + label) for place in range(words))
    tokens = tuple(f"{text}{place}" for place in range(words))
    example = Tagged(f"s{number}", Origin("f", number, document, number=number), tokens, ())
    tags = tuple(OUTPUTS[number] for number in claimed)
    return example, TagPrediction(f"s{number}", tags, (span,), (probabilities[label],), (numpy.array(rows),), claimed)


def labels(*made) -> list[str]:
    examples, predictions = zip(*made, strict=True)
    found = consistent(examples, predictions, OUTPUTS)
    for one in found:
        assert read_spans(one.tags) == one.spans
    return [span.label for one in found for span in one.spans]


SURE, UNSURE = {"LOC": 0.9, "PER": 0.05}, {"PER": 0.6, "LOC": 0.35}


def test_the_label_with_the_highest_mean_probability_wins():
    assert labels(said(1, SURE), said(2, UNSURE)) == ["LOC", "LOC"]
    assert labels(said(1, UNSURE), said(2, UNSURE), said(3, {"LOC": 0.5, "PER": 0.4})) == ["PER"] * 3


def test_other_surfaces_and_documents_have_no_voice():
    assert labels(said(1, SURE), said(2, UNSURE, document=2)) == ["LOC", "PER"]
    assert labels(said(1, SURE), said(2, UNSURE, text="oslo")) == ["LOC", "PER"]
    alone, prediction = said(2, UNSURE)
    assert labels(said(1, SURE), (Tagged("s2", Origin("f", 2, 1), alone.tokens, ()), prediction)) == ["LOC", "PER"]


def test_a_mention_has_the_confidence_of_its_new_label():
    (_, first), (example, second) = said(1, SURE, words=2), said(2, UNSURE, words=2)
    _, changed = consistent([said(1, SURE, words=2)[0], example], [first, second], OUTPUTS)
    assert changed.tags == ("B-LOC", "I-LOC")
    assert changed.confidences[0] == pytest.approx(0.35)
    assert changed.claimed == (1, 2)
    assert changed.scores is second.scores


def test_with_a_crf_whole_spans_have_probabilities():
    def of_chain(number: int, loc: float, per: float):
        example, prediction = said(number, {"LOC": loc, "PER": per})
        row = numpy.log([[loc, per, 1 - loc - per]])
        claimed = (0,) if loc > per else (1,)
        return example, TagPrediction(
            prediction.id, prediction.tags, prediction.spans, (max(loc, per),), (row,), claimed, ("LOC", "PER")
        )

    made = [of_chain(1, 0.9, 0.05), of_chain(2, 0.3, 0.6)]
    examples, predictions = zip(*made, strict=True)
    _, changed = consistent(examples, predictions, OUTPUTS)
    assert changed.spans == (Span(0, 1, "LOC"),)
    assert changed.claimed == (0,)
    assert math.isclose(changed.confidences[0], 0.3)


def test_a_run_is_judged_with_and_without(halluc, experiment, monkeypatch):
    run, asked = experiment.parent / "run", []

    def mute(examples, predictions, outputs):
        asked.append(len(examples))
        return [replace(one, spans=(), confidences=(), scores=(), claimed=()) for one in predictions]

    def claims() -> int:
        return sum(len(json.loads(line)["predicted"]) for line in (run / "predictions/test.jsonl").open())

    assert halluc("train", experiment, "--run", run, "-q", "--set", "train.steps=12").code == 0
    vote = ("--set", "eval.consistency=document")
    outcome = halluc("eval", "--run", run, *vote)
    assert outcome.code == 2
    assert "error[C107]: `eval.consistency: document` needs documents" in outcome.err
    for split in ("dev", "test"):
        path = experiment.parent / f"{split}.txt"
        path.write_text(f"-DOCSTART- O\n\n{SENTENCES}\n{SENTENCES}")
    monkeypatch.setattr(model, "consistent", mute)
    assert halluc("eval", "--run", run, "-q").code == 0
    assert (claims() > 0, asked) == (True, [])
    assert halluc("eval", "--run", run, *vote, "-q").code == 0
    assert (claims(), asked) == (0, [10, 10])


def test_other_tasks_have_no_mentions_to_agree(halluc, tmp_path):
    config = tmp_path / "a.yaml"
    config.write_text(
        f"name: a\nruns_dir: {tmp_path}\ntask: {{type: text_classification}}\n"
        "data: {format: auto, train: demo:intents}\nmodel: {name: x}\neval: {consistency: document}\n"
    )
    outcome = halluc("check", config)
    assert outcome.code == 2
    assert "error[C103]: `eval.consistency` cannot be combined with `task.type: text_classification`" in outcome.err
