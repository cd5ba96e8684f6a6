"""Text classification piece by piece: windows, losses, decoding, edits of pairs, models from scratch."""

from __future__ import annotations

import itertools
import math
import pickle
from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest
import torch
from hypothesis import example as explicit
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from halluc.analysis import calibration, verdicts
from halluc.config.models import ModelConfig, ScratchConfig
from halluc.core.decision_scores import DecisionScores
from halluc.core.edits import EditError, Reorder, Replace, apply
from halluc.core.errors import HallucError, ManyErrors
from halluc.core.examples import Corpus, Origin
from halluc.core.labels import OUT_OF_SCOPE
from halluc.engine import runtime
from halluc.engine.batching import Batch
from halluc.engine.pretrained import load_tokenizer
from halluc.engine.references import ModelSource
from halluc.engine.scratch import make_tokenizer
from halluc.tasks.encoders import frame_of_pair
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.text_classification.claims import LabelJudge, LabelSetJudge
from halluc.tasks.text_classification.decoding import label_sets, pool_windows, predict_single_label
from halluc.tasks.text_classification.encoding import TEXT_WEIGHT, cover_all, parts_of, parts_of_pair
from halluc.tasks.text_classification.figures import Labelling, LabelSets
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification
from halluc.tasks.token_classification.task import TokenClassification

HOWS = ["windows", "head", "tail", "head_tail"]


def text(number: int, words: str, *labels: str, second: int | None = None) -> Labelled:
    return Labelled(f"e{number}", Origin("f", number), tuple(words.split()), labels, second)


def make(**keys) -> TextClassification:
    return TextClassification(TextClassification.Config(type="text_classification", **keys))


@pytest.fixture(scope="module")
def engine():
    return runtime.start("fp32", 1)


def built(task, encoder, *examples):
    labels = task.examples.labels(Corpus("train", examples, "f"))
    made = task.model.build(ModelConfig(name=str(encoder)), labels, "eager")
    return made, task.model.encode(examples, made)


# --- long texts ------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 40), st.sampled_from(HOWS))
def test_windows_fit_and_show_all_unless_they_are_to_cut(length, space, how):
    parts = parts_of(length, space, how)
    sizes = [sum(end - start for start, end in part) for part in parts]
    assert all(size == min(length, space) for size in sizes)
    assert all(0 <= start <= end <= length for part in parts for start, end in part)
    if how == "windows" or length <= space:
        assert cover_all(parts, length)
        starts = [part[0][0] for part in parts]
        assert starts == sorted(set(starts))
        assert all(later - before <= space - space // 4 for before, later in itertools.pairwise(starts))
        # No window more than it takes.
        assert len(parts) == 1 or (len(parts) - 2) * (space - space // 4) + space < length
    else:
        assert len(parts) == 1
        assert not cover_all(parts, length)


def test_head_and_tail_are_what_they_say():
    assert parts_of(100, 8, "head") == [((0, 8),)]
    assert parts_of(100, 8, "tail") == [((92, 100),)]
    assert parts_of(100, 8, "head_tail") == [((0, 2), (94, 100))]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 40), st.sampled_from(HOWS))
def test_of_a_pair_the_longer_is_cut_first(first, second, space, how):
    parts = parts_of_pair(first, second, space, how)
    for one, other in parts:
        sizes = [sum(end - start for start, end in side) for side in (one, other)]
        assert sum(sizes) == min(space, first + second)
        assert min(sizes) >= min(first, second, space // 2)
        assert all(sizes)
    sides = ([one for one, _ in parts], [other for _, other in parts])
    whole = [cover_all(side, length) for side, length in zip(sides, (first, second), strict=True)]
    if how == "windows":
        assert whole[first < second]  # the longer one is always read whole
        assert all(whole) == (min(first, second) <= space // 2 or first + second <= space)
    else:
        assert all(whole) == (first + second <= space)


def test_each_window_of_a_text_weighs_its_part(tiny_encoder, engine):
    task = make()
    long = text(1, "Anna visited Oslo " * 60, "travel")
    _, encoded = built(task, tiny_encoder, long, text(2, "bank", "money"))
    assert encoded.notes["windowed_texts"] == 1
    assert encoded.notes["cut_texts"] == 0
    assert encoded.notes["windows"] == len(encoded.windows) > 3
    assert max(encoded.lengths) <= 64
    assert encoded.weights[-1] == TEXT_WEIGHT
    assert sum(encoded.weights[:-1]) == pytest.approx(TEXT_WEIGHT, abs=len(encoded.windows))
    _, short = built(task, tiny_encoder, text(1, "Anna", "travel"), text(2, "bank", "money"))
    assert short.weights == [1, 1]


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_logits_of_windows_are_pooled_whatever_their_order(tiny_encoder, pool):
    task = make(pool=pool)
    long = text(1, "Anna visited Oslo " * 60, "travel")
    _, encoded = built(task, tiny_encoder, long, text(2, "bank", "money"))
    table = numpy.random.default_rng(1).normal(size=(len(encoded.windows), 2)).astype(numpy.float32)

    def outputs():
        for number in reversed(range(len(encoded.windows))):
            yield Batch({}, torch.zeros(1), (number,), 0), torch.tensor(table[number : number + 1])

    rows = DecisionScores([row[None] for row in pool_windows(encoded, outputs(), pool)])
    (of_long, of_short) = task.model.decided(encoded, rows, None)
    logits = getattr(table[:-1].astype(float), pool)(0)
    assert of_long.labels == (encoded.outputs[int(logits.argmax())],)
    assert of_long.confidences[0] == pytest.approx(float(torch.tensor(logits).softmax(0).max()))
    assert of_short.labels == (encoded.outputs[int(table[-1].argmax())],)


def test_a_window_without_a_prediction_is_a_bug(tiny_encoder):
    task = make()
    _, encoded = built(task, tiny_encoder, text(1, "Anna", "travel"), text(2, "bank", "money"))
    with pytest.raises(RuntimeError, match="without a prediction"):
        pool_windows(encoded, [(Batch({}, torch.zeros(1), (0,), 0), torch.zeros(1, 2))], "mean")


@pytest.mark.parametrize("how", ["head", "tail", "head_tail"])
def test_what_is_cut_is_counted_and_reported(tiny_encoder, how):
    task = make(long_texts=how)
    examples = (text(1, "Anna visited Oslo " * 60, "travel"), text(2, "bank", "money"))
    encoder, encoded = built(task, tiny_encoder, *examples)
    assert (encoded.notes["cut_texts"], encoded.notes["windowed_texts"], len(encoded.windows)) == (1, 0, 2)
    told = list(task.model.findings(Corpus("dev", examples, "f"), encoded.notes, encoder.outputs))
    assert any(line.startswith("1 text longer than the model's limit, truncated") for line in told)


# --- pairs -----------------------------------------------------------------------------------------------------


def test_pairs_are_joined_by_the_separator_with_token_types(tiny_encoder, engine):
    task = make()
    examples = (text(1, "Anna left Oslo", "yes", second=2), text(2, "bank won", "no", second=1))
    encoder, encoded = built(task, tiny_encoder, *examples)
    of = encoder.tokenizer
    named = of.convert_ids_to_tokens(list(encoded.windows[0].pieces))
    assert named == ["[CLS]", "anna", "left", "[SEP]", "oslo", "[SEP]"]
    assert encoded.windows[0].types == (0, 0, 0, 0, 1, 1)
    batch = encoded.collate([0, 1])
    assert batch.inputs["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0]]
    assert len(task.model.predict(encoder.model, encoded, 64, engine, None)) == 2
    # The border matters: the same words on other sides are another input.
    other = task.model.encode((replace(examples[0], second=1),), encoder)
    assert other.windows[0].pieces != encoded.windows[0].pieces


def test_the_windows_of_a_long_pair_contain_the_whole_shorter_text(tiny_encoder):
    task = make()
    pair = text(1, "bank won " + "Anna left Oslo " * 50, "yes", second=2)
    encoder, encoded = built(task, tiny_encoder, pair, text(2, "bank won", "no", second=1))
    question = encoder.tokenizer.convert_tokens_to_ids(["[CLS]", "bank", "won", "[SEP]"])
    windows = [window for window in encoded.windows if window.example == 0]
    assert len(windows) > 2
    assert all(list(window.pieces[:4]) == question and len(window.pieces) <= 64 for window in windows)
    assert encoded.notes["cut_texts"] == 0


def test_a_tokenizer_with_a_rule_for_pairs_is_followed():
    frame = frame_of_pair(make_tokenizer([["anna", "left"]], 100))
    assert [part.pieces for part in frame[:3]] == [(2,), (3,), (3,)]
    assert [part.types for part in frame[:3]] == [(0,), (0,), (1,)]
    assert (frame.first, frame.second, frame.size) == (0, 1, 3)


# --- losses ----------------------------------------------------------------------------------------------------


def test_smoothing_weights_and_focus_reach_the_loss_of_a_batch(tiny_encoder):
    examples = (text(1, "Anna", "a"), text(2, "Oslo", "a"), text(3, "bank", "b"))
    plain = make()
    encoder, encoded = built(plain, tiny_encoder, *examples)
    batch = encoded.collate([0, 1, 2])
    outputs = SimpleNamespace(logits=torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.5, 0.0]]))
    base = encoded.loss(outputs, batch).item()
    for keys in ({"label_smoothing": 0.1}, {"class_weights": "balanced"}, {"loss": "focal"}):
        assert make(**keys).model.encode(examples, encoder).loss(outputs, batch).item() != pytest.approx(base, rel=1e-3)


# --- what is predicted -----------------------------------------------------------------------------------------


def test_out_of_scope_claims_nothing_and_reports_how_far_in_scope():
    outputs = ("ask", "buy", OUT_OF_SCOPE)
    logits = numpy.log(numpy.array([[0.2, 0.1, 0.7], [0.5, 0.1, 0.4]]))
    outside, inside = predict_single_label(["x", "y"], logits, outputs)
    assert (outside.labels, outside.confidences, outside.scores, outside.out_of_scope) == ((), (), (), True)
    assert outside.in_scope == pytest.approx(0.2)
    assert (inside.labels, inside.out_of_scope) == (("ask",), False)
    assert inside.in_scope == inside.confidences[0] == pytest.approx(0.5)


def test_of_several_labels_all_above_the_threshold_are_claimed():
    logits = numpy.array([[0.3, -0.2, 4.0], [-1.0, -1.0, -1.0]])
    found = label_sets(["x", "y"], logits, ("b", "a", "b"), 0.4)
    assert found[0].labels == ("a", "b")
    assert found[0].confidences == pytest.approx((1 / (1 + math.exp(0.2)), 1 / (1 + math.exp(-4))))
    assert (found[1].labels, found[1].out_of_scope, found[1].in_scope) == ((), False, None)


@given(st.lists(st.floats(-6, 6), min_size=1, max_size=8), st.floats(0.05, 20))
def test_confidences_of_label_sets_can_be_scaled_whichever_side_of_a_half_they_are(logits, temperature):
    found = label_sets(["x"], numpy.array([logits]), [f"l{n}" for n in range(len(logits))], 0.001)
    assert len(found[0].labels) == len(logits)
    (same,) = verdicts.calibrated([replace(found[0])], 1.0 + 1e-12)
    assert same.confidences == pytest.approx(found[0].confidences)
    (scaled,) = verdicts.calibrated(found, temperature)
    assert scaled.confidences == pytest.approx([1 / (1 + math.exp(-z / temperature)) for z in logits], rel=1e-9)


def test_confidences_of_one_label_can_be_scaled():
    logits = numpy.array([[2.0, 0.0, -1.0], [0.0, 3.0, 1.0]])
    found = predict_single_label(["x", "y"], logits, ("a", "b", OUT_OF_SCOPE))
    scaled = verdicts.calibrated(found, 2.0)
    assert [p.confidences[0] for p in scaled] == pytest.approx(torch.tensor(logits / 2).softmax(-1).amax(-1).tolist())


@given(
    st.lists(st.lists(st.floats(-60, 60), min_size=3, max_size=3), min_size=1, max_size=6), st.floats(0.05, 20)
)  # fmt: skip
def test_how_far_in_scope_is_scaled_as_confidence_is(logits, temperature):
    names = [f"x{number}" for number in range(len(logits))]
    found = verdicts.calibrated(predict_single_label(names, numpy.array(logits), ("a", OUT_OF_SCOPE, "b")), temperature)
    expected = (torch.tensor(logits, dtype=torch.float64) / temperature).softmax(-1)[:, [0, 2]].amax(-1).tolist()
    assert [p.in_scope for p in found] == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert all(p.in_scope == p.confidences[0] for p in found if p.labels)


def test_a_model_that_knows_no_label_finds_nothing_in_scope():
    (found,) = verdicts.calibrated(predict_single_label(["x"], numpy.array([[3.0]]), (OUT_OF_SCOPE,)), 2.0)
    assert (found.out_of_scope, found.in_scope) == (True, 0.0)


def test_a_temperature_is_fitted_for_label_sets():
    generator = numpy.random.default_rng(3)
    logits = generator.normal(0, 2, size=(4000, 1))
    right = generator.random(4000) < 1 / (1 + numpy.exp(-logits[:, 0]))
    overconfident = label_sets([str(n) for n in range(4000)], 3 * logits, ("a",), 0.001)
    rows, claim, claimed = verdicts.scores(overconfident)
    there = numpy.array([bool(p.labels) for p in overconfident])
    found = calibration.fit_temperature(rows, claim, right[there], claimed)
    assert found == pytest.approx(3.0, rel=0.1)


# --- labels and models -----------------------------------------------------------------------------------------


def test_the_output_for_out_of_scope_is_last_and_only_there_if_configured():
    corpus = Corpus("train", (text(1, "a", "zoo"), text(2, "b"), text(3, "c", "ask")), "f")
    assert make().examples.labels(corpus) == ("ask", "zoo", OUT_OF_SCOPE)
    assert make(out_of_scope="leave_out").examples.labels(corpus) == ("ask", "zoo")
    assert make(multi_label=True).examples.labels(corpus) == ("ask", "zoo")
    assert make().examples.labels(Corpus("train", (text(1, "a", "zoo"),), "f")) == ("zoo",)


def test_where_nothing_can_be_learned_is_reported():
    def lacking(*examples, **keys):
        return make(**keys).examples.untrainable_reason(Corpus("train", examples, "f"))

    assert lacking(text(1, "a")) == "no label"
    assert lacking(text(1, "a", "x"), text(2, "b", "x")) == "only one label"
    assert lacking(text(1, "a", "x"), text(2, "b")) is None
    assert lacking(text(1, "a", "x"), text(2, "b"), out_of_scope="leave_out") == "only one label"
    assert lacking(text(1, "a", "x"), text(2, "b"), multi_label=True) is None


def test_labels_that_the_task_cannot_have_are_refused_with_their_line(tiny_encoder):
    examples = (text(1, "Anna", "x", "y"), text(2, "Oslo", OUT_OF_SCOPE), text(3, "bank", "x"))
    with pytest.raises(ManyErrors) as caught:
        make().examples.labels(Corpus("train", examples, "f"))
    several, reserved = caught.value.errors
    assert (several.code, several.where.line) == ("D136", 1)
    assert "multi_label: true" in several.help
    assert (reserved.code, reserved.where.line) == ("D137", 2)
    encoder, _ = built(make(), tiny_encoder, text(1, "Anna", "x"), text(2, "bank", "y"))
    with pytest.raises(HallucError, match="2 labels"):
        make().model.encode(examples[:1], encoder)


def test_texts_that_teach_nothing_have_no_weight_and_are_counted(tiny_encoder):
    task = make()
    encoder, encoded = built(task, tiny_encoder, text(1, "Anna", "x"), text(2, "bank", "y"))
    others = task.model.encode((text(3, "Oslo", "z"), text(4, "left"), text(5, "won", "y")), encoder)
    assert others.weights == [0, 0, 1]
    assert (others.notes["unknown_label_texts"], others.notes["unanswerable_texts"]) == (1, 1)
    batch = others.collate([0, 1])
    assert batch.labels.tolist() == [UNLABELLED] * 2
    assert others.loss(encoder.model(**batch.inputs), batch).item() == 0
    several = make(multi_label=True)
    encoder, encoded = built(several, tiny_encoder, text(1, "Anna", "x", "y"), text(2, "bank"))
    assert encoded.collate([0, 1]).labels.tolist() == [[1, 1], [0, 0]]
    assert encoded.weights == [1, 1]


def saved(encoder, folder):
    encoder.model.save_pretrained(folder)
    encoder.tokenizer.save_pretrained(folder)
    return ModelConfig(name=str(folder))


def test_a_model_knows_whether_it_was_trained_for_one_label_or_several(tiny_encoder, tmp_path):
    examples = (text(1, "Anna", "x"), text(2, "bank", "y"))
    for trained in (False, True):
        encoder, _ = built(make(multi_label=trained), tiny_encoder, *examples)
        config = saved(encoder, tmp_path / str(trained))
        assert make(multi_label=trained).model.restore(config, {}, "eager").outputs == ("x", "y")
        with pytest.raises(HallucError, match="was trained for") as caught:
            make(multi_label=not trained).model.restore(config, {}, "eager")
        assert caught.value.code == "C204"
        assert f"multi_label: {str(trained).lower()}" in caught.value.help


def test_labels_of_a_model_are_renamed_or_count_as_out_of_scope(tiny_encoder, tmp_path):
    encoder, _ = built(make(), tiny_encoder, text(1, "Anna", "LABEL_0"), text(2, "bank", "LABEL_1"))
    encoder.model.config.problem_type = None  # as models from elsewhere have it
    config = saved(encoder, tmp_path / "m")
    names = {"LABEL_0": "travel", "LABEL_1": None}
    for keys in ({}, {"multi_label": True}):
        assert make(**keys).model.restore(config, names, "eager").outputs == ("travel", OUT_OF_SCOPE)
    with pytest.raises(HallucError, match="no label `LABEL_3`") as caught:
        make().model.restore(config, {"LABEL_3": "x"}, "eager")
    assert caught.value.code == "C203"


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"threshold": 0.3}, "multi_label: true"),
        ({"pool": "max", "long_texts": "head"}, "long_texts: windows"),
        ({"focal_gamma": 1.0}, "loss: focal"),
        ({"multi_label": True, "out_of_scope": "leave_out"}, "cannot be combined with `multi_label: true`"),
    ],
)
def test_keys_that_would_do_nothing_are_refused(keys, told):
    with pytest.raises(ValidationError, match=told):
        make(**keys)


def test_the_config_decides_figures_and_detector():
    one, several = make(), make(multi_label=True)
    assert (one.figures.primary, type(one.figures), type(one.judge)) == ("accuracy", Labelling, LabelJudge)
    assert (several.figures.primary, type(several.figures), type(several.judge)) == (
        "micro_f1",
        LabelSets,
        LabelSetJudge,
    )
    for task in (one, several):
        assert type(TextClassification.evaluated(task.figures.protocols).figures) is type(task.figures)


def test_an_example_survives_pickling_and_has_a_pair_for_each_label():
    example = text(1, "Anna left Oslo", "x", "y", second=1)
    assert pickle.loads(pickle.dumps(example)) == example  # noqa: S301
    assert example.pairs == [("Anna left Oslo", "x"), ("Anna left Oslo", "y")]
    assert text(1, "Anna").pairs == []


# --- augmentation ----------------------------------------------------------------------------------------------


@st.composite
def edited_pairs(draw):
    first, second = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    tokens = [*(f"a{n}" for n in range(first)), *(f"b{n}" for n in range(second))]
    held = draw(st.sets(st.sampled_from(tokens), max_size=2))
    size = len(tokens)
    edits = []
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.integers(0, 3)):
            start = draw(st.integers(0, size))
            end = draw(st.integers(start, min(size, start + 3)))
            edits.append(Replace(start, end, tuple(draw(st.lists(st.sampled_from("xyz"), max_size=3))), ""))
        else:
            cuts = sorted(draw(st.lists(st.integers(0, size), unique=True, min_size=2, max_size=4)))
            edits.append(Reorder(tuple(cuts), tuple(draw(st.permutations(range(len(cuts) - 1)))), ""))
    return Labelled("p", Origin("f", 1), tuple(tokens), ("l",), first), sorted(held), edits


def inserted(at):
    """A pair of one and three tokens, with one inserted."""
    example = Labelled("p", Origin("f", 1), ("a0", "b0", "b1", "b2"), ("l",), 1)
    return example, [], [Replace(at, at, ("x",), "")]


@given(edited_pairs(), st.sampled_from(["both", "first", "second"]))
@explicit(inserted(4), "first")
@explicit(inserted(0), "second")
def test_the_border_of_a_pair_survives_whatever_edits_may_be_made(found, side):
    example, held, edits = found
    task = make(locked_words=[word.upper() for word in held], augment_side=side)
    try:
        edited = apply(task.examples.editable(example), edits)
        made = task.examples.rebuild(example, edited, "n", Origin("f", 2))
    except EditError:
        return
    one, other = made.tokens[: made.second], made.tokens[made.second :]
    assert one
    assert other
    assert not any(token.startswith("b") for token in one)
    assert not any(token.startswith("a") for token in other)
    assert set(held) <= set(made.tokens)
    before = example.tokens[: example.second], example.tokens[example.second :]
    assert side != "second" or one == before[0]
    assert side != "first" or other == before[1]
    # What replaced or joined the tokens of a side is there: nothing went over to the other one.
    for after, old, start, stop in ((one, before[0], 0, example.second), (other, before[1], example.second, None)):
        stop = len(example.tokens) if stop is None else stop
        here = [e for e in edits if isinstance(e, Replace) and e.start < e.end and start <= e.start and e.end <= stop]
        at_border = [e for e in edits if isinstance(e, Replace) and e.start == e.end]
        if not at_border:
            grown = sum(len(edit.tokens) - (edit.end - edit.start) for edit in here)
            assert len(after) == len(old) + grown


@pytest.mark.parametrize(("side", "second"), [("both", 2), ("first", 2), ("second", 1)])
def test_what_is_inserted_at_the_border_goes_where_text_may_change(side, second):
    task = make(augment_side=side)
    pair = text(1, "one two", "l", second=1)
    edited = apply(task.examples.editable(pair), [Replace(1, 1, ("new",), "")])
    assert task.examples.rebuild(pair, edited, "n", Origin("f", 2)).second == second


def test_words_can_be_locked_in_any_case_and_no_edit_crosses_the_border():
    task = make(locked_words=["Refund", "kosten"])
    single = task.examples.editable(text(1, "my REFUND please refund", "l"))
    assert single.locked == ((1, 2), (3, 4))
    pair = task.examples.editable(text(1, "my refund please Kosten", "l", second=2))
    assert pair.locked == ((1, 2), (2, 2), (3, 4))
    with pytest.raises(EditError):
        apply(pair, [Reorder((0, 1, 2, 3, 4), (2, 1, 0, 3), "")])
    plain = make().examples.editable(text(1, "one two", "l", second=1))
    with pytest.raises(EditError):
        apply(plain, [Replace(0, 2, ("x",), "")])
    emptied = apply(plain, [Replace(0, 1, (), "")])
    with pytest.raises(EditError, match="one text would be empty"):
        make().examples.rebuild(text(1, "one two", "l", second=1), emptied, "n", Origin("f", 2))


def test_labels_stay_and_no_token_is_labelled():
    task = make(multi_label=True)
    example = text(1, "one two", "x", "y")
    editable = task.examples.editable(example)
    assert (editable.spans, editable.locked) == ((), ())
    made = task.examples.rebuild(example, apply(editable, [Replace(0, 1, ("three", "four"), "")]), "n", Origin("f", 2))
    assert (made.id, made.tokens, made.labels, made.second) == ("n", ("three", "four", "two"), ("x", "y"), None)


# --- from scratch ----------------------------------------------------------------------------------------------

TEXTS = [["Where", "is", "the", "refund", "?"], ["the", "parcels", "are", "where", "?"], ["什么", "refunds"]] * 3


def test_a_tokenizer_from_scratch_has_no_unknown_pieces_and_is_reproducible():
    made = [make_tokenizer(iter(TEXTS), 150) for _ in range(4)]
    vocabularies = [tokenizer.get_vocab() for tokenizer in made]
    assert all(vocabulary == vocabularies[0] for vocabulary in vocabularies)
    assert len(vocabularies[0]) <= 150
    assert made[0].tokenize("where is the refund?") == ["where", "is", "the", "refund", "?"]
    assert made[0].tokenize("Where") != made[0].tokenize("where")  # case is kept
    assert made[0].tokenize("什么") == ["什", "么"]
    assert made[0].tokenize("Ж") == ["[UNK]"]
    assert made[0]("are", "the")["token_type_ids"] == [0, 0, 0, 1, 1]


def test_a_small_vocabulary_keeps_the_most_frequent_characters():
    texts = [[chr(0x4E00 + number)] * (300 - number) for number in range(200)]
    tokenizer = make_tokenizer(texts, 100)
    assert len(tokenizer) == 100
    assert tokenizer.tokenize(chr(0x4E00)) == [chr(0x4E00)]
    assert tokenizer.tokenize(chr(0x4E00 + 199)) == ["[UNK]"]


SCRATCH = ModelConfig(scratch=ScratchConfig(layers=2, width=32, heads=2, vocabulary=150), dropout=0.2)


def test_every_encoder_task_can_start_from_scratch_and_is_saved_like_any_other(tmp_path, engine):
    task, tagger = make(), TokenClassification(TokenClassification.Config(type="token_classification"))
    for one, labels in ((task, ("x", "y")), (tagger, ("PER",))):
        torch.manual_seed(1)
        encoder = one.model.build(SCRATCH, labels, "eager", TEXTS)
        torch.manual_seed(1)
        again = one.model.build(SCRATCH, labels, "eager", TEXTS)
        weights = [made.model.state_dict() for made in (encoder, again)]
        assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        shape = encoder.model.config
        assert (shape.num_hidden_layers, shape.hidden_size, shape.intermediate_size) == (2, 32, 128)
        assert shape.hidden_dropout_prob == 0.2
        restored = one.model.restore(saved(encoder, tmp_path / one.name), {}, "eager")
        assert restored.outputs == encoder.outputs
        assert restored.tokenizer.get_vocab() == encoder.tokenizer.get_vocab()
    examples = (text(1, "where is the refund", "x", second=2), text(2, "parcels", "y"))
    encoded = task.model.encode(examples, restored_of(task, tmp_path))
    assert encoded.windows[0].types == (0, 0, 0, 0, 1, 1, 1)
    assert len(task.model.predict(restored_of(task, tmp_path).model, encoded, 64, engine, None)) == 2


def restored_of(task, folder):
    return task.model.restore(ModelConfig(name=str(folder / task.name)), {}, "eager")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "needs `name`"),
        ({"name": "m", "scratch": {}}, "both `name` and `scratch`"),
        ({"scratch": {"width": 30, "heads": 4}}, "is not divisible"),
        ({"scratch": {}, "freeze": 1}, "requires `model.name`"),
    ],
)
def test_a_model_is_named_or_made(keys, told):
    with pytest.raises(ValidationError, match=told):
        ModelConfig(**keys)


def test_an_encoder_without_a_pooler_gets_a_fresh_one_with_its_head(tiny_encoder, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    folder = tmp_path / "bare"
    shutil.copytree(tiny_encoder, folder)
    weights = {name: t for name, t in load_file(folder / "model.safetensors").items() if "pooler" not in name}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    task = make()
    encoder = task.model.build(ModelConfig(name=str(folder)), ("x", "y"), "eager")
    config = saved(encoder, tmp_path / "whole")
    assert task.model.restore(config, {}, "eager").outputs == ("x", "y")
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(HallucError, match="not whole"):
        task.model.build(ModelConfig(name=str(folder)), ("x", "y"), "eager")


def test_texts_are_unpadded_whatever_the_tokenizer_was_saved_with(tiny_encoder):
    # The tokenizer of the fixture pads and cuts to twelve pieces.
    encoder = SimpleNamespace(tokenizer=load_tokenizer(ModelSource(tiny_encoder)))
    assert frame_of_pair(encoder.tokenizer).size == 3
