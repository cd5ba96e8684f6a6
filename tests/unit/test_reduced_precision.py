"""Weights in bf16 while a model predicts: close to float32, and back to the bit."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from halluc.engine import runtime
from halluc.engine.batching import Batch
from halluc.engine.inference import forward
from halluc.engine.reduced_precision import reduce_weights, reduced_weights
from halluc.engine.shortcuts import Shortcuts


@pytest.fixture
def model() -> BertForTokenClassification:
    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, num_labels=5
    )
    return BertForTokenClassification(config)


class Texts:
    lengths = (7, 5)

    def collate(self, indexes) -> Batch:
        ids = torch.randint(0, 50, (len(indexes), 7), generator=torch.Generator().manual_seed(3))
        return Batch({"input_ids": ids, "attention_mask": torch.ones_like(ids)}, ids, tuple(indexes), 7)


def logits(model, precision: str) -> torch.Tensor:
    return torch.cat([found for _, found in forward(model, Texts(), 100, runtime.start(precision, 1))])


def test_predictions_are_close_and_weights_come_back(model):
    before = {name: one.clone() for name, one in model.state_dict().items()}
    seen = []
    handle = model.bert.register_forward_hook(lambda module, args, output: seen.append(output[0].dtype))
    full, reduced = logits(model, "fp32"), logits(model, "bf16")
    handle.remove()
    assert seen == [torch.float32, torch.bfloat16]  # what the head is given
    assert reduced.dtype == torch.float32
    assert not torch.equal(full, reduced)
    assert torch.allclose(full, reduced, atol=0.02)
    after = model.state_dict()
    assert all(torch.equal(after[name], one) for name, one in before.items())


def test_weights_come_back_after_an_error(model):
    def fail(module, args, output):
        raise KeyError("broken")

    model.bert.register_forward_hook(fail)
    with pytest.raises(KeyError):
        logits(model, "bf16")
    assert {one.dtype for one in model.parameters()} == {torch.float32}


def test_a_model_that_only_predicts_keeps_them_and_the_head_stays(model):
    engine = runtime.start("fp32", 1)
    assert reduce_weights(model, engine) == {}
    changed = reduce_weights(model, replace(engine, precision="bf16"))
    assert all(one.dtype == (torch.bfloat16 if one.ndim > 1 else torch.float32) for one in model.bert.parameters())
    assert len(changed) == sum(one.ndim > 1 for one in model.bert.parameters())
    assert model.classifier.weight.dtype == torch.float32
    assert reduce_weights(model, replace(engine, precision="bf16")) == {}


def test_in_training_embeddings_return_the_precision_of_products(model):
    with Shortcuts(1, torch.bfloat16):
        embedded = model.bert.embeddings.word_embeddings(torch.tensor([[1, 2]]))
    assert embedded.dtype == torch.bfloat16
    embedded.float().sum().backward()
    gradient = model.bert.embeddings.word_embeddings.weight.grad
    assert gradient.dtype == torch.float32
    assert gradient[1].tolist() == [1.0] * 32


def test_models_that_add_positions_in_float32_predict_too():
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    config = M2M100Config(
        vocab_size=40, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=32,
    )  # fmt: skip
    translator = M2M100ForConditionalGeneration(config).eval()
    engine = runtime.start("bf16", 1)
    ids = torch.tensor([[5, 6, 7]])
    with torch.inference_mode(), reduced_weights(translator, engine), engine.accelerator.autocast():
        made = translator(input_ids=ids, decoder_input_ids=ids).logits
    assert made.isfinite().all()
    assert {one.dtype for one in translator.parameters()} == {torch.float32}
