"""Mention masking, R-Drop, adversarial training and border smoothing against calculations by hand."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from halluc.config.models import ModelConfig
from halluc.config.training import TrainConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.core.rng import keyed_generator
from halluc.engine import loop, runtime
from halluc.runs.events import Step
from halluc.tasks.relation_extraction.examples import Related
from halluc.tasks.relation_extraction.task import RelationExtraction
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification


def tagged(text: str, *spans: tuple[int, int, str]) -> Tagged:
    return Tagged(text, Origin("f", 1), tuple(text.split()), tuple(Span(*span) for span in spans))


EXAMPLES = [
    tagged("Anna Bergen visited Oslo", (0, 2, "PER"), (3, 4, "LOC")),
    tagged("the bank in Paris won", (3, 4, "LOC")),
    tagged("said the bank"),
] * 3


def encoded_by(tiny_encoder: Path, examples=EXAMPLES, dropout: float | None = None, **keys):
    task = TokenClassification(TokenClassificationConfig(type="token_classification", **keys))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder), dropout=dropout), ("LOC", "PER"), "eager")
    return encoder, task.model.encode(examples, encoder)


def prepared(tiny_encoder: Path, task_keys: dict | None = None, dropout: float | None = None, **keys):
    config = TrainConfig(**{"epochs": 2, "learning_rate": 1e-3, "batch_tokens": 40, "precision": "fp32", **keys})
    engine = runtime.start(config.precision, 1)
    encoder, features = encoded_by(tiny_encoder, dropout=dropout, **(task_keys or {}))
    return loop.prepare(encoder.model, features, config, engine, 1)


def losses(training) -> list[float]:
    return [event.loss for event in loop.fit(training, evaluate=None, choose_by=None) if isinstance(event, Step)]


# --- mention masking --------------------------------------------------------------------------------------------


def words_of(encoder, pieces) -> str:
    return " ".join(encoder.tokenizer.convert_ids_to_tokens(pieces)).replace(" ##", "")


def test_masking_replaces_all_pieces_of_words_of_mentions_and_nothing_else(tiny_encoder):
    encoder, features = encoded_by(tiny_encoder, mention_masking=1.0)
    batch = features.varied(features.collate([0, 1, 2]), keyed_generator(1))
    shown = [words_of(encoder, row) for row in batch.inputs["input_ids"].tolist()]
    pieces = encoder.tokenizer.tokenize("bergen")
    assert len(pieces) > 1
    assert shown[0] == " ".join(["[CLS]", "[MASK]", *["[MASK]"] * len(pieces), "visited", "[MASK]", "[SEP]"])
    assert shown[1].startswith("[CLS] the bank in [MASK] won [SEP]")
    assert "[MASK]" not in shown[2]
    assert torch.equal(batch.labels, features.collate([0, 1, 2]).labels)


def test_the_share_of_words_is_masked_as_the_generator_says(tiny_encoder):
    encoder, features = encoded_by(tiny_encoder, [tagged("Oslo Paris " * 20, (0, 40, "LOC"))] * 50, mention_masking=0.3)
    plain = features.collate(range(50))
    one, again, other = (features.varied(plain, keyed_generator(key)).inputs["input_ids"] for key in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert (one == encoder.tokenizer.mask_token_id).sum().item() / 2000 == pytest.approx(0.3, abs=0.04)
    assert encoder.tokenizer.mask_token_id not in plain.inputs["input_ids"]


def test_head_and_tail_of_a_relation_are_masked_between_their_markers(tiny_encoder):
    task = RelationExtraction(RelationExtraction.Config(type="relation_extraction", mention_masking=1.0))
    words = ("Acme", "Corp", "met", "Bergen")
    example = Related("1", Origin("f", 1), words, Span(3, 4, ""), Span(0, 2, ""), "met")
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("met", "no_relation"), "eager")
    features = task.model.encode([example], encoder)
    batch = features.varied(features.collate([0]), keyed_generator(1))
    masks = " ".join(["[MASK]"] * len(encoder.tokenizer.tokenize("bergen")))
    assert words_of(encoder, batch.inputs["input_ids"][0].tolist()) == (
        f"[CLS] [TAIL] [MASK] [MASK] [/TAIL] met [HEAD] {masks} [/HEAD] [SEP]"
    )


def test_a_tokenizer_without_a_mask_token_is_an_error(tiny_encoder):
    task = TokenClassification(TokenClassificationConfig(type="token_classification", mention_masking=0.1))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), ("LOC",), "eager")
    encoder.tokenizer.mask_token = None
    with pytest.raises(HallucError, match="needs a tokenizer with a mask token") as caught:
        task.model.encode(EXAMPLES, encoder)
    assert caught.value.code == "C220"


@pytest.mark.parametrize("keys", [{"task_keys": {"mention_masking": 0.5}}])
def test_training_resumes_to_the_bit(tiny_encoder, keys):
    whole, begun, resumed = (prepared(tiny_encoder, **keys) for _ in range(3))
    stop = iter([False, False, True])
    list(loop.fit(begun, evaluate=None, choose_by=None, interrupted=lambda: next(stop)))
    resumed.model.load_state_dict(copy.deepcopy(begun.model.state_dict()))
    resumed.optimizer.load_state_dict(copy.deepcopy(begun.optimizer.state_dict()))
    resumed.progress.step = begun.progress.step
    of_whole = losses(whole)
    assert of_whole[3:] == losses(resumed)
    assert of_whole != losses(prepared(tiny_encoder))
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
