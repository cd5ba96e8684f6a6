"""Which layer a parameter belongs to, in models of several families, and what depends on it."""

from __future__ import annotations

import pytest
import torch
import transformers

from halluc.config.training import UnfreezeConfig
from halluc.core.errors import HallucError
from halluc.engine.layers import GradualUnfreezing, ranks
from halluc.engine.optimizer import adamw
from halluc.engine.pretrained import load_model
from halluc.engine.references import ModelSource
from halluc.engine.runtime import attention_for

SMALL = {"vocab_size": 20, "num_labels": 2}
BERT = transformers.BertConfig(
    **SMALL, hidden_size=8, num_hidden_layers=2, num_attention_heads=1, intermediate_size=8
)  # fmt: skip
DISTILBERT = transformers.DistilBertConfig(**SMALL, dim=8, n_layers=2, n_heads=1, hidden_dim=8)
MODERNBERT = transformers.ModernBertConfig(
    **SMALL, hidden_size=8, num_hidden_layers=2, num_attention_heads=1, intermediate_size=8, pad_token_id=0,
)  # fmt: skip
DEBERTA = transformers.DebertaV2Config(
    **SMALL, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
)  # fmt: skip
GPT2 = transformers.GPT2Config(vocab_size=20, n_embd=8, n_layer=2, n_head=1, n_positions=16)
T5 = transformers.T5Config(vocab_size=20, d_model=8, d_kv=8, d_ff=8, num_layers=2, num_decoder_layers=2, num_heads=1)
ALBERT = transformers.AlbertConfig(
    **SMALL, embedding_size=8, hidden_size=8, num_attention_heads=1, intermediate_size=8
)  # fmt: skip


def model_of(auto_class: str, config) -> torch.nn.Module:
    return getattr(transformers, auto_class).from_config(config)


@pytest.mark.parametrize(
    ("auto_class", "config", "expected"),
    [
        ("AutoModelForTokenClassification", BERT, {
            "classifier.weight": 0, "bert.encoder.layer.1.attention.self.query.weight": 1,
            "bert.encoder.layer.0.output.dense.bias": 2, "bert.embeddings.LayerNorm.weight": 3,
        }),
        ("AutoModelForSequenceClassification", DISTILBERT, {
            "pre_classifier.weight": 0, "distilbert.transformer.layer.0.ffn.lin1.weight": 2,
            "distilbert.embeddings.word_embeddings.weight": 3,
        }),
        ("AutoModelForTokenClassification", MODERNBERT, {
            "head.dense.weight": 0, "model.layers.1.mlp.Wi.weight": 1, "model.embeddings.tok_embeddings.weight": 3,
        }),
        ("AutoModelForCausalLM", GPT2, {
            "transformer.ln_f.weight": 0, "transformer.h.0.ln_1.weight": 2, "transformer.wte.weight": 3,
        }),
        ("AutoModelForSeq2SeqLM", T5, {
            "encoder.block.1.layer.0.SelfAttention.q.weight": 1, "decoder.block.0.layer.1.EncDecAttention.q.weight": 2,
            "encoder.final_layer_norm.weight": 0, "shared.weight": 3,
        }),
    ],
)  # fmt: skip
def test_parameters_have_the_rank_of_their_layer(auto_class, config, expected):
    found = ranks(model_of(auto_class, config), "train.layer_decay")
    assert {name: found[name] for name in expected} == expected
    assert set(found.values()) == {0, 1, 2, 3}


def test_a_model_without_a_list_of_layers_is_refused():
    with pytest.raises(HallucError) as caught:
        adamw(model_of("AutoModelForTokenClassification", ALBERT), 0.1, 0.01, layer_decay=0.9)
    assert caught.value.code == "C202"
    assert "train.layer_decay" in caught.value.message


def test_rates_decay_from_the_top_and_every_weight_has_one():
    model = model_of("AutoModelForTokenClassification", BERT)
    names = {parameter: name for name, parameter in model.named_parameters()}
    groups = adamw(model, 0.1, 0.01, layer_decay=0.5).param_groups
    scale = {names[one]: group["scale"] for group in groups for one in group["params"]}
    assert len(scale) == len(names)
    assert sum(len(group["params"]) for group in groups) == len(names)
    assert scale["classifier.weight"] == scale["bert.encoder.layer.1.output.dense.weight"] == 1.0
    assert scale["bert.encoder.layer.0.output.dense.weight"] == 0.5
    assert scale["bert.embeddings.word_embeddings.weight"] == 0.25
    assert {group["weight_decay"] for group in groups for one in group["params"] if one.ndim == 1} == {0.0}


@pytest.mark.parametrize("switches", [True, False])
@pytest.mark.parametrize(
    ("every", "when", "trained"),
    [
        ("epoch", (0, 1), 1),
        ("epoch", (9, 2), 2),
        (5, (4, 1), 1),
        (5, (14, 1), 3),
        (5, (99, 1), 4),
        ("epoch", (9, 9), 4),
    ],
)
def test_one_more_layer_is_trained_after_each_interval(switches, every, when, trained):
    model = model_of("AutoModelForTokenClassification", BERT)
    model.bert.encoder.layer[1].output.dense.bias.requires_grad_(False)  # by `model.freeze`: it stays
    unfreezing = GradualUnfreezing(model, UnfreezeConfig(every=every), switches=switches)
    unfreezing.begin(*when)
    model(torch.tensor([[1, 2]])).logits.sum().backward()
    unfreezing.drop_gradients()
    of = ranks(model, "train.unfreeze")
    moved = {name for name, one in model.named_parameters() if one.grad is not None}
    expected = {name for name, rank in of.items() if rank < trained}
    assert moved == expected - {"bert.encoder.layer.1.output.dense.bias"}


@pytest.mark.parametrize(("config", "attention"), [(BERT, "sdpa"), (DEBERTA, "eager")])
def test_on_a_gpu_attention_is_that_which_the_model_supports(tmp_path, config, attention):
    model_of("AutoModelForTokenClassification", config).save_pretrained(tmp_path)
    source = ModelSource(str(tmp_path), local=True)
    model, *_ = load_model("AutoModelForTokenClassification", source, attention_for("cuda"), {})
    assert model.config._attn_implementation == attention
