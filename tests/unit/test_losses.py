"""Losses of all tasks: hand-computed values, weights of classes, and what stays as it was without them."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch.nn import functional

from halluc.core.examples import Origin, Span
from halluc.tasks.losses import UNLABELLED, Loss, balanced_weights, class_weights
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.encoding import EncodedTokens, Window
from halluc.tasks.token_classification.model import loss_of_tags
from halluc.tasks.token_classification.tagged_sentence import Tagged

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, -3.0], [1.0, 1.0, 1.0]])
# Of logits (ln 4, 0, 0) the probabilities are 4/6, 1/6 and 1/6.
FOUR_TO_ONE = torch.tensor([[math.log(4), 0.0, 0.0]] * 2)


def tokens(**keys) -> TokenClassificationConfig:
    return TokenClassificationConfig(type="token_classification", **keys)


def texts(**keys) -> TextClassificationConfig:
    return TextClassificationConfig(type="text_classification", **keys)


def test_cross_entropy_is_torchs_and_what_has_no_label_costs_nothing():
    labels = torch.tensor([0, 2, UNLABELLED])
    found = Loss()(LOGITS, labels)
    expected = functional.cross_entropy(LOGITS[:2], labels[:2], reduction="none")
    assert found.tolist() == pytest.approx([*expected.tolist(), 0.0])
    for other in (Loss(weights=(1.0, 1.0, 3.0)), Loss(smoothing=0.2)):
        assert other(LOGITS, labels)[2] == 0
        assert other(LOGITS, labels)[1] != pytest.approx(found[1].item())
    assert Loss(weights=(1.0, 1.0, 3.0))(LOGITS, labels)[1].item() == pytest.approx(3 * found[1].item())


@pytest.mark.parametrize(
    ("loss", "first", "second"),
    [
        (Loss(), -math.log(4 / 6), -math.log(1 / 6)),
        (Loss(weights=(0.5, 2.0, 1.0)), -0.5 * math.log(4 / 6), -2 * math.log(1 / 6)),
        (Loss(kind="focal"), -((2 / 6) ** 2) * math.log(4 / 6), -((5 / 6) ** 2) * math.log(1 / 6)),
        (Loss(kind="focal", gamma=1.0), -(2 / 6) * math.log(4 / 6), -(5 / 6) * math.log(1 / 6)),
        (Loss(kind="focal", weights=(0.5, 2.0, 1.0)),
         -0.5 * (2 / 6) ** 2 * math.log(4 / 6), -2 * (5 / 6) ** 2 * math.log(1 / 6)),
        (Loss(smoothing=0.3), -0.8 * math.log(4 / 6) - 0.2 * math.log(1 / 6),
         -0.8 * math.log(1 / 6) - 0.1 * math.log(4 / 6) - 0.1 * math.log(1 / 6)),
    ],
)  # fmt: skip
def test_values_that_can_be_computed_by_hand(loss, first, second):
    labels = torch.tensor([0, 1])
    assert loss(FOUR_TO_ONE, labels).tolist() == pytest.approx([first, second], rel=1e-5)
    assert loss.summed(FOUR_TO_ONE, labels).item() == pytest.approx(first + second, rel=1e-5)


def test_focal_loss_follows_its_formula_and_is_cross_entropy_at_gamma_nought():
    labels = torch.tensor([0, 2, 1])
    assert torch.allclose(Loss(False, "focal", 0.0)(LOGITS, labels), Loss(False)(LOGITS, labels))
    sets = torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1]])
    chance = LOGITS.sigmoid()
    of_truth = chance * sets + (1 - chance) * (1 - sets)
    assert Loss(True, "focal", 2.0)(LOGITS, sets).tolist() == pytest.approx(
        (-((1 - of_truth) ** 2) * of_truth.log()).mean(-1).tolist(), rel=1e-5
    )
    assert torch.allclose(Loss(True, "focal", 0.0)(LOGITS, sets), Loss(True)(LOGITS, sets))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("kind", ["cross_entropy", "focal"])
def test_losses_and_gradients_of_sure_models_stay_finite(kind, gamma):
    for logits in ([[200.0, -200.0]], [[20.0, 0.0]]):
        for labels in (torch.tensor([0]), torch.tensor([1]), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])):
            sure = torch.tensor(logits, requires_grad=True)
            loss = Loss(labels.ndim == 2, kind, gamma)(sure, labels).sum()
            loss.backward()
            assert math.isfinite(loss.item())
            assert torch.isfinite(sure.grad).all()


@given(
    st.lists(st.lists(st.floats(-20, 20, width=32), min_size=3, max_size=3), min_size=1, max_size=9),
    st.integers(0, 2**31),
    st.sampled_from([0.0, 0.1]),
)
def test_a_plain_sum_is_torchs_to_the_bit(rows, seed, smoothing):
    """Trainings of earlier versions are repeated, and resumed, exactly."""
    labels = torch.randint(0, 3, (len(rows),), generator=torch.Generator().manual_seed(seed))
    labels[0] = UNLABELLED
    expected = functional.cross_entropy(
        torch.tensor(rows), labels, ignore_index=UNLABELLED, reduction="sum", label_smoothing=smoothing
    )
    assert torch.equal(Loss(smoothing=smoothing).summed(torch.tensor(rows), labels), expected)


# --- weights of classes ----------------------------------------------------------------------------------------


def test_balanced_weights_make_classes_weigh_alike_up_to_ten_times():
    gold = [("a",)] * 60 + [("b",)] * 30 + [("c",)] * 10
    weights = balanced_weights(gold)
    assert [weights[name] * number for name, number in zip("abc", (60, 30, 10), strict=True)] == pytest.approx(
        [100 / 3] * 3
    )
    assert class_weights(texts(class_weights="balanced"), ("b", "none"), gold) == (weights["b"], 1.0)
    assert balanced_weights([("a",)] * 999 + [("b",)])["b"] == 10.0
    assert balanced_weights([("a",), ("a", "b"), ("a",), ()], multi_label=True) == pytest.approx({"a": 1 / 3, "b": 3.0})
    assert balanced_weights([("a",), ("a",)], multi_label=True) == {"a": 0.1}
    assert balanced_weights([]) == {}


def test_weights_by_label_leave_the_others_at_one():
    config = texts(class_weights={"b": 2.5, "absent": 3})
    assert class_weights(config, ("a", "b", "c"), iter(())) == (1.0, 2.5, 1.0)
    for none in ({}, {"class_weights": {}}):
        assert class_weights(texts(**none), ("a",), [("a",)]) is None


TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
# 8 tokens with a known label: 5 of O, 2 of PER, 1 of LOC.
TARGETS = [[0, 3, 4, 0], [0, 0, 1, 0, UNLABELLED]]


def test_tags_of_a_label_share_its_weight():
    assert loss_of_tags(TARGETS, TAGS, tokens()).weights is None
    assert loss_of_tags(TARGETS, TAGS, tokens(class_weights={"O": 0.5, "PER": 2})).weights == (0.5, 1, 1, 2, 2)
    # An evaluated model may come from elsewhere, with other outputs.
    assert loss_of_tags([], ("LABEL_0", "O"), tokens(class_weights={"O": 0.5, "PER": 2})).weights == (1, 0.5)
    found = loss_of_tags(TARGETS, TAGS, tokens(class_weights="balanced")).weights
    assert found == pytest.approx((8 / 15, 8 / 3, 8 / 3, 8 / 6, 8 / 6))


def test_the_loss_of_a_batch_of_tokens_is_the_weighted_sum_of_its_labelled_tokens():
    """Logits are those of ``FOUR_TO_ONE`` wherever the class stands."""
    example = Tagged("x", Origin("f", 1), ("in", "Oslo", "now"), (Span(1, 2, "LOC"),))
    windows = [Window(0, 0, (7, 8, 9, 6, 5), (1, 2, 3))]
    losses = []
    for keys in ({}, {"class_weights": {"O": 0.5, "LOC": 3}}, {"loss": "focal", "focal_gamma": 1.0}):
        loss = loss_of_tags([[0, 1, 0]], TAGS[:3], tokens(**keys))
        encoded = EncodedTokens([example], windows, [[0, 1, 0]], TAGS[:3], 0, {}, loss)
        batch = encoded.collate([0])
        assert batch.weight == 3  # the denominator counts tokens, whatever they weigh
        logits = torch.tensor([[math.log(4), 0.0, 0.0]] * 5)[None]
        losses.append(encoded.loss(type("Outputs", (), {"logits": logits}), batch).item())
    right, wrong = -math.log(4 / 6), -math.log(1 / 6)
    expected = [2 * right + wrong, right + 3 * wrong, 2 * right * 2 / 6 + wrong * 5 / 6]
    assert losses == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("make", [tokens, texts])
@pytest.mark.parametrize(
    "keys",
    [
        {"focal_gamma": 1.0},
        {"class_weights": "balance"},
        {"class_weights": {"PER": 0}},
        {"class_weights": {"PER": -1.0}},
        {"class_weights": {"PER": float("inf")}},
        {"class_weights": {"PER": "2"}},
        {"class_weights": {"": 2.0}},
    ],
)
def test_keys_that_mean_nothing_are_refused(make, keys):
    with pytest.raises(ValidationError):
        make(**keys)
