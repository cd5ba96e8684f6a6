"""The n-gram synthesizer: valid labelled sentences of training n-grams, alike for the same key."""

from __future__ import annotations

from pathlib import Path

import pytest

from halluc.augmentation.methods.base import OptionError, Rejected, Workspace, tags
from halluc.augmentation.methods.ngram import Ngram, NgramConfig
from halluc.components import TABLE
from halluc.core.edits import Editable
from halluc.core.examples import Span
from halluc.core.rng import Draws
from halluc.data.corpora import read_corpora
from halluc.tasks.token_classification.reading.config import SpansConfig

LIKE = Editable(("any",))
ANNA = Editable(("Anna", "Berg", "left", "Oslo", "."), (Span(0, 2, "PER"), Span(3, 4, "LOC")))


@pytest.fixture(scope="module")
def demo() -> list[Editable]:
    config = SpansConfig(format="conll", train="demo:ner", dev="demo:ner", test="demo:ner")
    train = read_corpora(config, TABLE).splits["train"]
    return [Editable(example.tokens, example.spans) for example in train]


def fitted(examples: list[Editable], **keys) -> Ngram:
    model = Ngram(NgramConfig(type="ngram", **keys))
    model.fit(examples, Workspace(Path("unused"), 1))
    return model


def sampled(model: Ngram, count: int) -> list[Editable]:
    made = []
    for key in range(count):
        try:
            made.append(model.sample(LIKE, Draws.of(key)))
        except Rejected as rejected:
            assert rejected.reason == "too long"
    return made


def pairs(example: Editable) -> list[tuple[str, str]]:
    return list(zip(tags(example), example.tokens, strict=True))


def ngrams(examples: list[Editable], order: int) -> set[tuple]:
    """All n-grams of tags and tokens, with borders."""
    padded = [[None] * (order - 1) + pairs(one) + [None] for one in examples]
    return {tuple(one[at : at + order]) for one in padded for at in range(len(one) - order + 1)}


def free_share(examples: list[Editable]) -> float:
    return sum(not one.spans for one in examples) / len(examples)


def test_same_key_same_sample(demo):
    assert sampled(fitted(demo), 50) == sampled(fitted(demo), 50)
    assert len({one.tokens for one in sampled(fitted(demo), 50)}) > 40


@pytest.mark.parametrize("keys", [{}, {"order": 2, "temperature": 5.0}, {"order": 5, "temperature": 0.2}], ids=str)
def test_spans_are_valid_whatever_the_smoothing_does(demo, keys):
    labels = {span.label for one in demo for span in one.spans}
    made = sampled(fitted(demo, **keys), 200)
    assert len(made) > 100
    for one in made:
        borders = [at for start, end, _ in one.spans for at in (start, end)]
        assert borders == sorted(borders) and all(start < end <= len(one.tokens) for start, end, _ in one.spans)
        assert {span.label for span in one.spans} <= labels


def test_a_token_has_only_tags_that_it_had_in_training(demo):
    assert ngrams(sampled(fitted(demo), 200), 1) <= ngrams(demo, 1)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_without_smoothing_every_ngram_is_of_the_training_split(demo, order):
    made = sampled(fitted(demo, order=order, smoothing="none"), 200)
    assert ngrams(made, order) <= ngrams(demo, order)
    assert not ngrams(made, order + 1) <= ngrams(demo, order + 1)


def test_smoothing_makes_ngrams_that_training_lacks_but_mostly_those_it_has(demo):
    made, known = ngrams(sampled(fitted(demo), 200), 3), ngrams(demo, 3)
    assert 0.2 < len(made - known) / len(made) < 0.8


def test_a_deeper_context_is_passed_by_as_often_as_witten_and_bell_say():
    # After "a": "b" 18 times, "c" twice, so 2 / (20 + 2) of the draws come from the tag alone, of which a third are
    # "b", "c" or the end each: "b" comes 18/22 + 2/22 * 18/60 of the time.
    examples = [Editable(("a", "b"))] * 18 + [Editable(("a", "c"))] * 2
    made = sampled(fitted(examples, order=2), 4000)
    after_a = [one.tokens[1] if len(one.tokens) > 1 else "" for one in made if one.tokens[0] == "a"]
    # After an O tag stand 18 "b", 2 "c" and 20 borders.
    assert after_a.count("b") / len(after_a) == pytest.approx(18 / 22 + 2 / 22 * 18 / 40, abs=0.02)
    assert after_a.count("") / len(after_a) == pytest.approx(2 / 22 * 20 / 40, abs=0.01)


def test_entity_free_share_stays_near_that_of_training(demo):
    assert free_share(sampled(fitted(demo), 500)) == pytest.approx(free_share(demo), abs=0.08)


def test_a_low_temperature_repeats_more_than_a_high_one(demo):
    few, usual, many = (len(ngrams(sampled(fitted(demo, temperature=heat), 300)[:250], 3)) for heat in (0.2, 1.0, 5.0))
    assert few < usual < many


def test_temperature_sharpens_counts():
    examples = [Editable(("b", "!"))] * 8 + [Editable(("c", "!"))] * 2
    shares = {}
    for heat in (0.5, 1.0, 2.0):
        made = sampled(fitted(examples, order=2, temperature=heat, smoothing="none"), 2000)
        shares[heat] = sum(one.tokens[0] == "b" for one in made) / len(made)
    assert shares == {
        0.5: pytest.approx(64 / 68, abs=0.02),
        1.0: pytest.approx(0.8, abs=0.02),
        2.0: pytest.approx(8**0.5 / (8**0.5 + 2**0.5), abs=0.03),
    }


def test_adjacent_mentions_of_one_label_stay_two():
    example = Editable(("Oslo", "Paris"), (Span(0, 1, "LOC"), Span(1, 2, "LOC")))
    assert set(sampled(fitted([example] * 10, smoothing="none"), 20)) == {example}


@pytest.mark.parametrize(
    "tokens", [("Oslo",), ("😀", "👩‍👩‍👧"), ("我们在北京",), ("שלום", "עולם"), ("word",) * 400], ids=lambda t: t[0]
)
def test_degenerate_examples_are_learned(tokens):
    example = Editable(tokens, (Span(0, len(tokens), "PER"),))
    made = sampled(fitted([example] * 12, longest=500), 5)
    assert made and all(set(one.tokens) == set(tokens) and len(one.spans) == 1 for one in made)


def test_what_is_longer_than_allowed_is_rejected(demo):
    model = fitted(demo, longest=3)
    made = sampled(model, 200)
    assert 0 < len(made) < 200
    assert max(len(one.tokens) for one in made) <= 3
    exact = fitted([ANNA] * 10, longest=5, smoothing="none")
    assert exact.sample(LIKE, Draws.of(1)) == ANNA


def test_an_example_with_locked_ranges_has_no_place_for_a_sentence(demo):
    with pytest.raises(Rejected, match="locked"):
        fitted(demo).sample(Editable(("a", "b"), (), ((0, 1),)), Draws.of(1))


@pytest.mark.parametrize("examples", [[], [ANNA], [ANNA] * 9, [ANNA] * 9 + [Editable(())] * 5], ids=len)
def test_too_small_a_training_split_is_an_error(examples):
    with pytest.raises(OptionError, match="too few") as error:
        fitted(examples)
    assert (error.value.code, error.value.key, error.value.exit_code) == ("D144", "order", 3)


def test_empty_examples_are_never_sampled():
    made = sampled(fitted([ANNA] * 10 + [Editable(())] * 50), 50)
    assert all(one.tokens for one in made)


def test_a_second_fit_forgets_the_first(demo):
    model = fitted(demo)
    model.fit([ANNA] * 10, Workspace(Path("unused"), 1))
    assert {token for one in sampled(model, 20) for token in one.tokens} <= set(ANNA.tokens)


@pytest.mark.parametrize("keys", [{"order": 1}, {"temperature": 0.0}, {"longest": 0}], ids=str)
def test_senseless_options_are_refused(keys):
    with pytest.raises(ValueError):
        NgramConfig(type="ngram", **keys)
