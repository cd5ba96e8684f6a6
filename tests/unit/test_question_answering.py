"""Windows, best spans, the threshold for no answer, comparison of answers, and answers that survive edits."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import numpy
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from halluc.config.models import ModelConfig
from halluc.core.decision_scores import DecisionScores, MeanProbabilities
from halluc.core.edits import EditError, Replace, apply
from halluc.core.errors import HallucError
from halluc.core.examples import Corpus, Origin
from halluc.core.significance import Sheet
from halluc.data.tokenization import Tokenizer
from halluc.engine.batching import Batch
from halluc.tasks.question_answering.config import QuestionAnsweringConfig
from halluc.tasks.question_answering.decoding import (
    BestAnswer,
    best_answers,
    fit_threshold,
    predict_answer,
    rows_of_questions,
)
from halluc.tasks.question_answering.encoding import window_starts
from halluc.tasks.question_answering.examples import AnswerPrediction, ContextQuestion, QuestionExamples
from halluc.tasks.question_answering.figures import score
from halluc.tasks.question_answering.knowledge import AnswerKnowledge, context_units, question_units
from halluc.tasks.question_answering.normalisation import exact, f1, normalise_answer, units
from halluc.tasks.question_answering.spaced_text import SpacedText
from halluc.tasks.question_answering.task import QuestionAnswering
from halluc.workflows.trained_models import locate

CONTEXT = "Anna visited Oslo, and the bank (in Paris) won the-thing in 1990s."
PLACES = [(0, 4), (13, 17), (51, 56), (60, 64)]  # Anna, Oslo, thing, and a part of a token: 1990


def question(context: str, *places: tuple[int, int], asks: str = "who won ?", number: int = 1) -> ContextQuestion:
    text = SpacedText.cut(context, Tokenizer(), {at for place in places for at in place})
    starts, ends = text.borders()
    answers = tuple((starts[start], ends[end]) for start, end in places)
    return ContextQuestion(f"e{number}", Origin("f", number), SpacedText.cut(asks, Tokenizer()), text, answers)


def task_of(**keys) -> QuestionAnswering:
    return QuestionAnswering(QuestionAnsweringConfig(type="question_answering", **keys))


def encoded_by(tiny_encoder, examples, **keys):
    task = task_of(**keys)
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("answer",), "eager")
    return task, encoder, task.model.encode(examples, encoder)


# --- texts -----------------------------------------------------------------------------------------------------


@given(st.text(max_size=60), st.sets(st.integers(0, 60)), st.sampled_from(["words", "whitespace", "characters"]))
def test_a_text_is_preserved_exactly(text, borders, how):
    cut = SpacedText.cut(text, Tokenizer(how), borders)
    assert cut.text == text
    assert all(text.startswith(token, start) for token, start in zip(cut.tokens, cut.offsets, strict=True))
    starts, ends = cut.borders()
    for at in borders & set(range(1, len(text))):
        if not text[at - 1].isspace() and not text[at].isspace():
            assert at in starts and at in ends


def test_answers_are_cut_out_of_words():
    one = question(CONTEXT, *PLACES)
    assert one.texts == ["Anna", "Oslo", "thing", "1990"]
    assert one.pairs == [("Anna", "answer")]


# --- windows and best spans --------------------------------------------------------------------------------------


@given(st.integers(0, 200), st.integers(1, 50), st.integers(1, 60))
def test_windows_hold_every_piece_and_the_last_one_ends_with_the_text(length, space, stride):
    starts = window_starts(length, space, stride)
    ends = [min(start + space, length) for start in starts]
    assert {piece for pair in zip(starts, ends, strict=True) for piece in range(*pair)} == set(range(length))
    assert ends[-1] == length and all(end < length for end in ends[:-1])


def brute(encoded, logits, number, longest):
    """The best span of a question, and the least score of no answer, by trying every pair of tokens."""
    found, nulls = [], []
    for window, scores in zip(encoded.windows, logits, strict=True):
        if window.example != number:
            continue
        nulls.append(scores[0].sum().item())
        here = [
            (token, first - window.start + window.offset, last - window.start + window.offset)
            for token, (first, last) in enumerate(zip(window.context.first, window.context.last, strict=True))
            if window.start <= first and last < window.end
        ]
        for (start, at, _), (end, _, to) in itertools.product(here, here):
            if start <= end < start + longest:
                found.append((scores[at, 0].item() + scores[to, 1].item(), (start, end + 1)))
    return max(found), min(nulls)


@pytest.mark.parametrize(("candidates", "longest"), [(1_000, 4), (1_000, 30)])
def test_the_best_span_over_windows_is_that_of_a_search_through_all(tiny_encoder, candidates, longest):
    examples = [question(CONTEXT * times, PLACES[0], number=times) for times in (1, 3)]
    _, _, encoded = encoded_by(tiny_encoder, examples, window=32, stride=7)
    assert encoded.notes["windowed_contexts"] == 2 and len(encoded.windows) > 8
    torch.manual_seed(candidates + longest)
    logits = [torch.randn(length, 2).double() for length in encoded.lengths]
    outputs = [(Batch({}, torch.zeros(1), (i,), 1), one[None]) for i, one in enumerate(logits)]
    best = best_answers(encoded, rows_of_questions(encoded, outputs), candidates, longest)
    for number, one in enumerate(best):
        (total, span), null = brute(encoded, logits, number, longest)
        assert (one.score, one.span, one.null) == (pytest.approx(total), span, pytest.approx(null))
    few = best_answers(encoded, rows_of_questions(encoded, outputs), 3, longest)
    assert all(one.score <= other.score and one.null == other.null for one, other in zip(few, best, strict=True))


def test_a_mean_of_models_is_over_answers_of_all_windows(tiny_encoder):
    examples = [question(CONTEXT * times, PLACES[0], number=times) for times in (1, 3)]
    _, _, encoded = encoded_by(tiny_encoder, examples, window=32, stride=7)
    torch.manual_seed(4)
    members = []
    for _ in range(2):
        outputs = [
            (Batch({}, torch.zeros(1), (i,), 1), torch.randn(1, length, 2) * 3)
            for i, length in enumerate(encoded.lengths)
        ]
        members.append(rows_of_questions(encoded, outputs))
    alone, both = MeanProbabilities(), MeanProbabilities()
    alone.add(DecisionScores(members[0], pieces="a", threshold=1.0))
    for rows, threshold in zip(members, (1.0, 2.0), strict=True):
        both.add(DecisionScores(rows, pieces="a", threshold=threshold))
    for one, same in zip(*(best_answers(encoded, r, 20, 30) for r in (members[0], alone.result().rows)), strict=True):
        assert one.span == same.span
        assert one.difference == pytest.approx(same.difference)
    assert both.result().threshold == 1.5
    for own, rows in enumerate(zip(*members, strict=True)):
        odds = [
            numpy.exp(row - row.max(-1, keepdims=True), where=row > -1e8, out=numpy.zeros(row.shape)) for row in rows
        ]
        expected = sum(one / one.sum(-1, keepdims=True) for one in odds) / 2
        numpy.testing.assert_allclose(both.probabilities()[own], expected, atol=1e-6)


def test_text_outside_the_context_changes_neither_loss_nor_answer(tiny_encoder):
    examples = [question(CONTEXT, PLACES[2]), question(CONTEXT, number=2)]
    _, _, encoded = encoded_by(tiny_encoder, examples)
    batch = encoded.collate([0, 1])
    logits = torch.randn(2, max(encoded.lengths), 2)
    windows = [encoded.windows[index] for index in (0, 1)]
    wild = logits.clone()
    for row, window in enumerate(windows):
        wild[row, 1 : window.offset] = 1e4
        wild[row, window.offset + window.end - window.start :] = 1e4
    losses, answers = [], []
    for some in (logits, wild):
        outputs = SimpleNamespace(start_logits=some[..., 0], end_logits=some[..., 1])
        losses.append(encoded.loss(outputs, batch).item())
        answers.append(best_answers(encoded, rows_of_questions(encoded, [(batch, some)]), 20, 30))
    assert losses[0] == pytest.approx(losses[1])
    assert answers[0] == answers[1]
    # The target is what answers, to the piece; a question without an answer has the first piece.
    first, last = batch.labels[0].tolist()
    pieces = windows[0].context.pieces[first - windows[0].offset : last + 1 - windows[0].offset]
    assert len(pieces) == len("thing")  # letters, for the word is in no vocabulary
    assert batch.labels[1].tolist() == [0, 0]


def test_a_window_without_the_answer_is_taught_that_there_is_none(tiny_encoder):
    one = question(CONTEXT * 3, PLACES[0])
    _, _, encoded = encoded_by(tiny_encoder, [one], window=32, stride=8)
    assert encoded.targets[0] != (0, 0)
    assert set(encoded.targets[4:]) == {(0, 0)}


# --- when nothing is answered ------------------------------------------------------------------------------------

GAINS = st.lists(st.tuples(st.integers(-4, 4), st.sampled_from([0.0, 0.5, 1.0]), st.booleans()), min_size=1, max_size=8)


@given(GAINS)
def test_the_threshold_is_the_best_of_all(rows):
    differences = [float(difference) for difference, _, _ in rows]
    given_scores = [0.0 if without else score for _, score, without in rows]
    refused = [float(without) for _, _, without in rows]

    def total(threshold):
        return sum(
            answer if difference <= threshold else none
            for difference, answer, none in zip(differences, given_scores, refused, strict=True)
        )

    found = fit_threshold(differences, given_scores, refused)
    tried = [-9.0, *(value + 0.5 for value in sorted({-5.0, *differences}))]
    assert total(found) == pytest.approx(max(map(total, tried)))
    fewest = min((t for t in tried if total(t) == max(map(total, tried))), default=None)
    assert sum(d <= found for d in differences) == sum(d <= fewest for d in differences)
    assert found not in differences


def test_an_answer_is_given_up_to_the_threshold_and_is_sure_by_the_difference():
    one, best = question(CONTEXT, PLACES[0]), BestAnswer((0, 1), 3.0, 4.0)
    assert predict_answer(one, best, 0.5).text is None
    given_one = predict_answer(one, best, 2.0)
    assert (given_one.text, given_one.no_answer) == ("Anna", 1.0)
    assert given_one.confidences == (pytest.approx(1 / (1 + numpy.exp(-1.0))),)
    assert predict_answer(one, best, None).text == "Anna"


def test_the_threshold_is_fitted_on_dev_and_stored_in_the_model(tiny_encoder):
    task, encoder, _ = encoded_by(tiny_encoder, [question(CONTEXT, PLACES[0])])
    examples = [question(CONTEXT, PLACES[0]), question(CONTEXT, number=2), question(CONTEXT, PLACES[1], number=3)]
    best = [BestAnswer((0, 1), 0.0, 1.0), BestAnswer((0, 1), 0.0, 3.0), BestAnswer((2, 3), 0.0, 2.0)]
    said = [predict_answer(*pair, 0.0) for pair in zip(examples, best, strict=True)]
    assert [one.text for one in said] == [None, None, None]
    again = task.model.fit_on_dev(encoder.model, examples, said, [True] * 3)
    assert [one.text for one in again] == ["Anna", None, "Oslo"]
    assert encoder.model.config.question_answering["no_answer_threshold"] == 2.5
    # The half of dev that tests a guarantee has no part in it, and is predicted with it.
    assert len(task.model.fit_on_dev(encoder.model, examples, said, [True, True, False])) == 3
    assert encoder.model.config.question_answering["no_answer_threshold"] == 2.0
    # Where every question has an answer, none is refused.
    task.model.fit_on_dev(encoder.model, [examples[0], examples[2]], [said[0], said[2]], [True] * 2)
    assert encoder.model.config.question_answering["no_answer_threshold"] is None
    # Where no question has one, nothing is fitted; without dev, the training questions say whether any is refused.
    task, encoder, _ = encoded_by(tiny_encoder, examples)
    kept = encoder.model.config.question_answering
    task.model.fit_on_dev(encoder.model, examples[1:2], said[1:2], [True])
    task.model.train_without_dev(encoder.model, examples)
    assert "no_answer_threshold" not in kept
    task.model.train_without_dev(encoder.model, [examples[0], examples[2]])
    assert kept["no_answer_threshold"] is None
    # What the config gives is kept in the model, and nothing else is.
    fixed, encoder, _ = encoded_by(tiny_encoder, examples, no_answer_threshold=-7.0)
    fixed.model.train_without_dev(encoder.model, [examples[0]])
    assert encoder.model.config.question_answering["no_answer_threshold"] == -7.0
    assert [one.text for one in fixed.model.fit_on_dev(encoder.model, examples, said, [True] * 3)] == [None] * 3


@pytest.mark.parametrize("kept", ["high", float("nan"), True, 10**400])
def test_a_threshold_in_a_model_that_is_no_number_is_an_error(kept):
    model = SimpleNamespace(config=SimpleNamespace(question_answering={"no_answer_threshold": kept}))
    with pytest.raises(HallucError, match="not a finite number") as caught:
        task_of().model.fit_on_dev(model, [], [], [])
    assert caught.value.code == "E411"


@pytest.mark.parametrize("settings", [{"window": "abc"}, {"window": 32, "stride": 64}])
def test_settings_in_a_model_that_are_not_valid_are_an_error(tmp_path, settings):
    content = {"architectures": ["BertForQuestionAnswering"], "question_answering": settings}
    (tmp_path / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(HallucError, match="question_answering") as caught:
        locate(str(tmp_path))
    assert caught.value.code == "E411"


# --- comparison --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "gold", "form", "is_exact", "overlap"),
    [
        ("The Cat's  hat!", "cats hat", "squad", True, 1.0),
        ("a b c", "b c d", "squad", False, 0.8),  # the article does not count
        ("10,000 men", "10000", "squad", False, 2 / 3),
        ("an", "the", "squad", True, 1.0),
        ("the", "cat", "squad", False, 0.0),
        ("《光荣》", "光荣", "cmrc", True, 1.0),
        ("光荣和ω-force", "光荣", "cmrc", False, 2 * 2 / (4 + 2)),
        ("荣光", "光荣", "cmrc", False, 0.5),  # a run of one, where a bag would have two
        ("1990年", "1990", "cmrc", False, 2 / 3),
    ],
)
def test_answers_are_compared_as_the_scripts_do(said, gold, form, is_exact, overlap):
    assert exact(said, gold, form) is is_exact
    assert f1(said, gold, form) == pytest.approx(overlap) == f1(gold, said, form)


def test_normalised_forms():
    assert normalise_answer("An apple-pie, THE best.", "squad") == "applepie best"
    assert units("第2章：ABC", "cmrc") == ["第", "2", "章", "abc"]


def test_runs_are_compared_by_the_figures_of_their_stored_answers():
    answers = [AnswerPrediction("e1", "Oslo and Paris", (2, 9), (0.5,), 0.1), AnswerPrediction("e2", None, None, ())]
    examples = [question(CONTEXT, PLACES[1]), question(CONTEXT, PLACES[0], number=2)]
    task, sheet, stored = task_of(), Sheet(2), Sheet(2)
    lines = [task.examples.line(*one) for one in zip(examples, answers, strict=True)]
    found = task.figures.of_lines([task.examples.of_line(line) for line in lines], lines, stored)
    values = {one.name: float(one.formula(stored.totals())) for one in found}
    every = task.figures.figures(examples, answers, sheet)
    assert values == {
        one.name: float(one.formula(sheet.totals())) for one in every if not one.by and one.name in values
    }
    assert values == {"answer_f1": pytest.approx(0.25), "exact_match": 0.0}
    for form in ("auto", "squad", "cmrc"):
        (protocol, *_) = {one.protocol for one in task_of(normalisation=form).figures.figures(examples, answers, sheet)}
        assert QuestionAnswering.evaluated([protocol]).figures.form == form


def test_the_best_of_several_answers_counts_and_none_is_an_answer_too():
    one = question(CONTEXT, PLACES[0], PLACES[1])
    assert score(one, "oslo", "auto") == (1.0, 1.0)
    assert score(one, None, "auto") == (0.0, 0.0)
    assert score(question(CONTEXT), None, "auto") == (1.0, 1.0)
    assert score(question(CONTEXT), "Oslo", "auto") == (0.0, 0.0)
    chinese = question("光荣和ω-force合作开发", (0, 2))
    assert score(chinese, "光", "auto")[1] == pytest.approx(2 / 3)


# --- edits -------------------------------------------------------------------------------------------------------

WORDS = st.lists(st.sampled_from(["Oslo", "thing", "x", ",", "1990", "中"]), max_size=3).map(tuple)


@settings(max_examples=100)
@given(st.data(), st.sampled_from(["both", "context", "question"]))
def test_an_answer_stays_an_exact_part_of_the_edited_context(data, side):
    places = data.draw(st.lists(st.sampled_from([*PLACES, (13, 22), (0, 12)]), unique=True, max_size=4))
    one, examples = question(CONTEXT, *places), QuestionExamples(side)
    editable = examples.editable(one)
    cuts = data.draw(st.lists(st.integers(0, len(editable.tokens)), min_size=2, max_size=6).map(sorted))
    edits = [Replace(start, end, data.draw(WORDS), "why") for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    try:
        edited = apply(editable, edits)
        made = examples.rebuild(one, edited, "new", Origin("f", 9))
    except EditError:
        assume(False)
    assert made.texts == one.texts
    assert all(text in made.context.text for text in made.texts)
    assert made.tokens == edited.tokens
    if side == "context":
        assert made.question == one.question
    if side == "question":
        assert made.context == one.context
    # What is written is read back with the answers at their places.
    record = examples.record(made)
    for text, start in zip(record["answers"]["text"], record["answers"]["answer_start"], strict=True):
        assert record["context"][start : start + len(text)] == text


def test_no_answer_is_replaced_as_a_whole():
    for place in PLACES:
        one, examples = question(CONTEXT, place), QuestionExamples()
        editable = examples.editable(one)
        (span,) = editable.spans
        with pytest.raises(EditError):
            apply(editable, [Replace(span.start, span.end, ("Moss",), "why")])


def test_blanks_stay_with_the_tokens_that_stay():
    text = SpacedText.cut("It's (very) good,  really.", Tokenizer())
    assert text.with_tokens(("It", "'", "s", "(", "not", ")", "good", ",", "really", "good", ".")).text == (
        "It's (not) good,  really good."
    )
    assert SpacedText.cut("很好。", Tokenizer()).with_tokens(("很", "不", "好", "。")).text == "很不好。"


# --- knowledge ---------------------------------------------------------------------------------------------------


def test_units_of_questions_and_contexts_take_all_that_hold_them():
    examples = [
        question(CONTEXT, PLACES[0], asks="who ?"),
        question(CONTEXT, asks="where ?", number=2),
        question("Anna won.", (0, 4), asks="who ?", number=3),
    ]
    contexts, questions = context_units(examples), question_units(examples)
    assert (contexts.count, questions.count) == (2, 2)
    assert contexts.first[0] == contexts.first[1] != contexts.first[2]
    assert questions.first[0] == questions.first[2] != questions.first[1]


@pytest.mark.parametrize(
    ("text", "novelty"), [("Oslo", "seen"), ("the Oslo bank", "partial"), ("the end", "new"), ("OSLO", "partial")]
)
def test_an_answer_is_as_new_as_training_makes_it(text, novelty):
    knowledge = AnswerKnowledge()
    train = Corpus("train", (question(CONTEXT, PLACES[1]), question("of the bank", (0, 6), number=2)), "f")
    known = knowledge.from_coverage(knowledge.of({"train": train}), None)
    assert known.novelty_of(text, "answer") == novelty
