"""``task.head: crf`` against all sequences of tags, one by one."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy
import pytest
import torch
from safetensors.numpy import load_file

from halluc.analysis import verdicts
from halluc.config.models import ModelConfig
from halluc.core import hub
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.core.labels import illegal, read_spans, tag_set
from halluc.engine import runtime
from halluc.engine.batching import Batch
from halluc.engine.pretrained import save
from halluc.tasks.losses import UNLABELLED
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.crf import LinearChain
from halluc.tasks.token_classification.encoding import EncodedTokens, Window
from halluc.tasks.token_classification.marginals import Marginals
from halluc.tasks.token_classification.model import Tagger
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.viterbi import best_tags
from tests.conftest import SENTENCES, write_corpus, write_experiment
from tests.interruptions import killed_after_a_checkpoint

TAGS = tuple(tag_set(["LOC", "PER"]))
LENGTHS = [3, 1, 4]


def chain(seed: int = 1) -> LinearChain:
    made = LinearChain(TAGS)
    generator = torch.Generator().manual_seed(seed)
    for parameter in made.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) / 30
    return made


def emissions(words: int = sum(LENGTHS), seed: int = 2) -> torch.Tensor:
    return 2 * torch.randn(words, len(TAGS), generator=torch.Generator().manual_seed(seed))


def sequences(scores: numpy.ndarray, made: LinearChain, begins: bool = True, ends: bool = True) -> dict[tuple, float]:
    """The score of every legal sequence of a sentence, in doubles, from the parameters by the formula."""
    start, step, end = (30 * p.detach().double().numpy() for p in (made.start, made.step, made.end))
    found = {}
    for path in itertools.product(range(len(TAGS)), repeat=len(scores)):
        tags = [TAGS[number] for number in path]
        shown = tags if begins else [("B" if tags[0][0] == "I" else tags[0][0]) + tags[0][1:], *tags[1:]]
        if illegal(shown, "iob2"):
            continue
        value = (
            start[path[0]] * begins
            + end[path[-1]] * ends
            + sum(row[tag] for row, tag in zip(scores, path, strict=True))
        )
        found[path] = value + sum(step[one, other] for one, other in itertools.pairwise(path))
    return found


def log_sum(values) -> float:
    return float(numpy.logaddexp.reduce(list(values)))


def encoded_words(targets: list[list[int]], windows: list[Window], made: LinearChain | None) -> EncodedTokens:
    examples = [
        Tagged(f"s{n}", Origin("f", n, 1, number=n), tuple("w" for _ in own), ()) for n, own in enumerate(targets, 1)
    ]
    return EncodedTokens(examples, windows, targets, TAGS, 0, {"constrained_words": 0}, crf=made)


def row_of(targets: list[list[int]], made: LinearChain) -> EncodedTokens:
    """All sentences in one row, behind a special piece."""
    words = sum(map(len, targets))
    return encoded_words(targets, [Window(0, 0, tuple(range(words + 1)), tuple(range(1, words + 1)))], made)


class Outputs:
    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits


GOLD = [[0, 1, 2], [3], [1, 2, UNLABELLED, 0]]


def test_the_loss_is_the_likelihood_of_each_sentence_of_a_row():
    made, words = chain(), emissions()
    encoded = row_of(GOLD, made)
    logits = torch.cat([torch.zeros(1, len(TAGS)), words])[None]
    loss = encoded.loss(Outputs(logits), encoded.collate([0]))
    expected, start = 0.0, 0
    for gold in GOLD:
        every = sequences(words[start : start + len(gold)].double().numpy(), made)
        right = [v for path, v in every.items() if all(g in (t, UNLABELLED) for g, t in zip(gold, path, strict=True))]
        expected += log_sum(every.values()) - log_sum(right)
        start += len(gold)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_part_of_a_sentence_has_no_border_where_it_is_cut():
    made, words = chain(), emissions(5)
    windows = [Window(0, 0, (1, 2, 3), (0, 1, 2)), Window(0, 2, (3, 4, 5), (0, 1, 2))]
    encoded = encoded_words([[0, 1, 2, 2, 0]], windows, made)
    logits = torch.stack([words[:3], words[2:]])
    loss = encoded.loss(Outputs(logits), encoded.collate([0, 1]))
    left = sequences(words[:3].double().numpy(), made, ends=False)
    right = sequences(words[2:].double().numpy(), made, begins=False)
    expected = log_sum(left.values()) - left[(0, 1, 2)] + log_sum(right.values()) - right[(2, 2, 0)]
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_gradients_are_those_of_the_scores_and_steps_are_larger():
    made, words = chain(), emissions()
    encoded = row_of(GOLD, made)
    logits = torch.cat([torch.zeros(1, len(TAGS)), words])[None]
    encoded.loss(Outputs(logits), encoded.collate([0])).backward()
    assert made.step.grad is not None
    slope = made.step.grad[0, 1].item()
    moved = []
    for shift in (-1e-3, 1e-3):
        other = chain()
        other.step.data[0, 1] += shift / 30  # a change of the score by ``shift``
        moved.append(row_of(GOLD, other).loss(Outputs(logits), encoded.collate([0])).item())
    assert slope == pytest.approx((moved[1] - moved[0]) / 2e-3, rel=0.02)


def test_the_most_probable_sequence_and_all_marginals():
    made, words = chain(), emissions().double().numpy()
    weights = made.weights()
    best = best_tags(words, LENGTHS, weights)
    marginals = Marginals.of(words, LENGTHS, weights, TAGS)
    start = 0
    for length in LENGTHS:
        every = sequences(words[start : start + length], made)
        assert tuple(best[start : start + length]) == max(every, key=every.__getitem__)
        total = log_sum(every.values())
        for place, tag in itertools.product(range(length), range(len(TAGS))):
            own = [value for path, value in every.items() if path[place] == tag]
            expected = math.exp(log_sum(own) - total) if own else 0.0
            assert math.exp(marginals.word_log_probs[start + place, tag]) == pytest.approx(expected, abs=1e-6)
        for begin, end in itertools.combinations(range(length + 1), 2):
            numbers = [1, *[2] * (end - begin - 1)]  # B-LOC I-LOC …
            row = marginals.label_log_probs(Span(begin, end, "LOC"), start, numbers, ("LOC", "PER"))
            for label, value in enumerate(row[:2]):
                path = tuple(number + 2 * label for number in numbers)
                share = log_sum(v for one, v in every.items() if one[begin:end] == path) - total
                assert value == pytest.approx(share, abs=1e-5)
            assert numpy.exp(row).sum() == pytest.approx(1.0)
        start += length


def said(made: LinearChain, words: torch.Tensor, decoding="constrained"):
    encoded = row_of([[0] * length for length in LENGTHS], made)
    logits = torch.cat([torch.zeros(1, len(TAGS)), words])[None]
    return Tagger(config()).decode(encoded, [(Batch({}, torch.zeros(1), (0,), 0), logits)], decoding)


def test_a_span_has_the_probability_of_its_tags_and_a_temperature_scales_it():
    made, words = chain(), emissions()
    predictions = said(made, words)
    assert any(one.spans for one in predictions)
    start, found = 0, 0
    for prediction, length in zip(predictions, LENGTHS, strict=True):
        every = sequences(words[start : start + length].double().numpy(), made)
        total = log_sum(every.values())
        assert illegal(prediction.tags, "iob2") == []
        for span, confidence in zip(prediction.spans, prediction.confidences, strict=True):
            path = tuple(TAGS.index(tag) for tag in prediction.tags[span.start : span.end])
            share = log_sum(v for one, v in every.items() if one[span.start : span.end] == path) - total
            assert confidence == pytest.approx(math.exp(share), abs=1e-6)
            found += 1
        start += length
    (scaled, *_) = [one for one in verdicts.calibrated(predictions, 2.0) if one.spans]
    (plain, *_) = [one for one in predictions if one.spans]
    roots = numpy.exp(plain.scores[0][0] / 2)
    assert scaled.confidences[0] == pytest.approx(roots[plain.claimed[0]] / roots.sum())


def test_argmax_takes_the_most_probable_tag_of_each_word():
    made, words = chain(3), emissions()
    start = 0
    for prediction, length in zip(said(made, words, "argmax"), LENGTHS, strict=True):
        every = sequences(words[start : start + length].double().numpy(), made)
        for place, tag in enumerate(prediction.tags):
            shares = [log_sum([v for path, v in every.items() if path[place] == t] or [-99]) for t in range(len(TAGS))]
            assert TAGS.index(tag) == int(numpy.argmax(shares))
        assert prediction.spans == read_spans(prediction.tags)
        start += length


# --- models --------------------------------------------------------------------------------------------------------


def config(**keys) -> TokenClassificationConfig:
    return TokenClassificationConfig(type="token_classification", head="crf", **keys)


def test_transformers_loads_the_folder_as_it_loads_any_other(tiny_encoder, tmp_path):
    from transformers import AutoModelForTokenClassification

    tagger = Tagger(config())
    built = tagger.build(ModelConfig(name=str(tiny_encoder), dropout=0.0), ("LOC", "PER"), "eager")
    built.model.crf.load_state_dict(chain().state_dict())
    save(built.model, built.tokenizer, tmp_path)
    assert not any(name.startswith("crf") for name in load_file(tmp_path / "model.safetensors"))
    _, report = AutoModelForTokenClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert load_file(tmp_path / "crf.safetensors")["step"][0, 2] == -numpy.inf  # O, I-LOC

    restored = Tagger(TokenClassificationConfig(type="token_classification")).restore(
        ModelConfig(name=str(tmp_path)), {}, "eager"
    )
    engine = runtime.start("fp32", 1)
    examples = [Tagged("a", Origin("f", 1), ("Anna", "met", "Oslo", "."), ())]
    both = [
        tagger.predict(encoder.model, encoded, 64, engine, "constrained")
        for encoder in (built, restored)
        for encoded in [tagger.encode(examples, encoder)]
    ]
    assert both[0][0].tags == both[1][0].tags
    assert both[0][0].confidences == pytest.approx(both[1][0].confidences, abs=1e-5)
    for damage in (lambda path: path.write_bytes(b"no"), lambda path: path.unlink()):
        damage(tmp_path / "crf.safetensors")
        with pytest.raises(HallucError, match=r"crf\.safetensors") as error:
            tagger.restore(ModelConfig(name=str(tmp_path)), {}, "eager")
        assert error.value.code == "E411"


def test_a_model_of_the_hub_is_decoded_with_its_crf(tiny_encoder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "models--me--crf"
    (cached / "refs").mkdir(parents=True)
    (cached / "refs/main").write_text(commit)
    tagger = Tagger(config())
    built = tagger.build(ModelConfig(name=str(tiny_encoder)), ("LOC", "PER"), "eager")
    built.model.crf.load_state_dict(chain().state_dict())
    save(built.model, built.tokenizer, cached / "snapshots" / commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.unreachable.cache_clear()
    try:
        restored = tagger.restore(ModelConfig(name="hub:me/crf"), {}, "eager")
    finally:
        hub.unreachable.cache_clear()
    for mine, own in zip(restored.model.crf.weights(), built.model.crf.weights(), strict=True):
        assert numpy.allclose(mine, own, atol=1e-5)


@pytest.mark.parametrize("keys", [{"loss": "focal"}, {"class_weights": "balanced"}, {"label_smoothing": 0.1}])
def test_other_losses_do_not_go_with_it(keys):
    with pytest.raises(ValueError, match=r"cannot be combined with `head: crf`"):
        config(**keys)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory, tiny_encoder) -> Path:
    folder = tmp_path_factory.mktemp("crf")
    files = write_corpus(folder)
    for path in files.values():
        path.write_text("\n".join([f"-DOCSTART- O\n\n{SENTENCES}"] * 3), encoding="utf-8")
    made = write_experiment(
        folder, tiny_encoder, files, "steps: 6, learning_rate: 0.01, batch_tokens: 64, checkpoint_steps: 3"
    )
    task = "{type: token_classification, head: crf, context: 32}"
    made.write_text(made.read_text().replace("{type: token_classification}", task))
    return made


def test_a_run_with_a_crf_resumes_to_the_same_weights_and_is_used_as_any_other(halluc, experiment, tmp_path):
    dev = ("--set", "data.dev=null")
    assert halluc("train", experiment, "--run", tmp_path / "whole", *dev, "-q").code == 0
    with killed_after_a_checkpoint():
        halluc("train", experiment, "--run", tmp_path / "run", *dev, "-q")
    assert halluc("train", experiment, "--run", tmp_path / "run", *dev, "-q", "--resume").code == 0
    whole = load_file(tmp_path / "whole/model/crf.safetensors")
    assert abs(whole["step"][numpy.isfinite(whole["step"])]).max() > 0.5
    for name in ("crf.safetensors", "model.safetensors"):
        assert (tmp_path / "whole/model" / name).read_bytes() == (tmp_path / "run/model" / name).read_bytes()
    outcome = halluc("eval", "--run", tmp_path / "run", "--split", "test")
    assert outcome.code == 0, outcome.err
    lines = [json.loads(line) for line in (tmp_path / "run/predictions/test.jsonl").open()]
    confidences = [span[3] for line in lines for span in line["predicted"]]
    assert confidences
    assert all(0 < one <= 1 for one in confidences)
