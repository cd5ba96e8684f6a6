"""Models that write texts from a GGUF file, and with low-rank adapters; each where its package is installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch

from halluc.config.models import ModelConfig
from halluc.core.examples import Origin
from halluc.data.tokenization import Tokenizer
from halluc.engine import pretrained, runtime
from halluc.engine.reduced_precision import reduce_frozen
from halluc.engine.scratch import make_text_tokenizer
from halluc.tasks.text_generation.config import LowRankConfig
from halluc.tasks.text_generation.judge import GenerationJudge
from halluc.tasks.text_generation.loading import load_writer
from halluc.tasks.text_generation.model import GenerationModel
from halluc.tasks.text_generation.source_text import Sourced, cut_parts
from halluc.tasks.translation.config import TranslationConfig

WIDTH, HEADS, SIZE = 32, 2, 64


def llama(vocabulary: int):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    settings = LlamaConfig(
        vocab_size=vocabulary, hidden_size=WIDTH, intermediate_size=SIZE, num_hidden_layers=1,
        num_attention_heads=HEADS, max_position_embeddings=128, bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    return LlamaForCausalLM(settings).eval()


def write_gguf(path: Path, model, tokenizer) -> None:
    """The file that llama.cpp's converter would write: rows of query and key are interleaved for its rotation."""
    import json

    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(SIZE)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(model.config.rms_norm_eps)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokenizer))
    backend = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.CONTROL if one in tokenizer.all_special_tokens else 1 for one in pieces])
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in backend["merges"]])
    writer.add_bos_token_id(tokenizer.eos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    weights = {name: one.detach().numpy() for name, one in model.state_dict().items()}
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
    for name, one in weights.items():
        if "q_proj" in name or "k_proj" in name:
            one = one.reshape(HEADS, 2, WIDTH // HEADS // 2, WIDTH).swapaxes(1, 2).reshape(WIDTH, WIDTH)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), numpy.ascontiguousarray(one))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def tokenizer():
    return make_text_tokenizer(["he lives in Oslo", "er lebt in Oslo"] * 3, 280)


def sourced():
    parts = cut_parts([("source", "he lives in Oslo")], Tokenizer())
    return Sourced("e1", Origin("f", 1), *parts, ("er lebt in Oslo",))


def writing(**keys) -> GenerationModel:
    config = TranslationConfig(type="translation", decoding={"max_new_tokens": 5, "strategy": "greedy"}, **keys)
    return GenerationModel(config, GenerationJudge(), ("source",), "{source}\n")


def test_a_gguf_file_writes_what_the_model_in_it_writes(tmp_path, tokenizer):
    pytest.importorskip("gguf")
    model = llama(len(tokenizer))
    write_gguf(tmp_path / "tiny.gguf", model, tokenizer)
    loaded = load_writer(ModelConfig(name=str(tmp_path / "tiny.gguf")), "eager")
    ids = torch.tensor([tokenizer("he lives in Oslo", add_special_tokens=False)["input_ids"]])
    assert loaded.tokenizer("he lives in Oslo", add_special_tokens=False)["input_ids"] == ids[0].tolist()
    with torch.no_grad():
        assert torch.allclose(loaded.model(ids).logits, model(ids).logits, atol=1e-4)
    assert (loaded.framing.has_encoder, loaded.framing.end) == (False, tokenizer.eos_token_id)
    task = writing()
    encoded = task.encode([sourced()], loaded)
    [made] = task.predict(loaded.model, encoded, 256, runtime.start("fp32", 1), None)
    assert 1 <= made.tokens <= 5 and made.logprob < 0


def test_adapters_train_alone_and_are_merged_where_the_model_is_saved(tmp_path, tokenizer):
    pytest.importorskip("peft")
    pretrained.save(llama(len(tokenizer)), tokenizer, tmp_path / "base")
    loaded = load_writer(ModelConfig(name=str(tmp_path / "base")), "eager", lora=LowRankConfig(rank=4, dropout=0))
    trained = {name: one for name, one in loaded.model.named_parameters() if one.requires_grad}
    assert trained and all("lora_" in name for name in trained)
    encoded = writing().encode([sourced()], loaded)
    optimizer, losses = torch.optim.AdamW(trained.values(), lr=0.05), []
    for _ in range(8):
        batch = encoded.collate([0])
        loss = encoded.loss(loaded.model(**batch.inputs), batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 1
    loaded.model.eval()
    ids = torch.tensor([encoded.sources[0]])
    with torch.no_grad():
        wanted = loaded.model(ids).logits
        pretrained.save(loaded.model, loaded.tokenizer, tmp_path / "tuned")
        again = load_writer(ModelConfig(name=str(tmp_path / "tuned")), "eager")
        assert torch.allclose(again.model(ids).logits, wanted, atol=1e-4)
    assert not list((tmp_path / "tuned").glob("adapter*"))


def test_frozen_weights_are_in_bf16_where_training_is_and_the_saved_model_is_not_rounded(tmp_path, tokenizer):
    pytest.importorskip("peft")
    pretrained.save(llama(len(tokenizer)), tokenizer, tmp_path / "base")
    loaded = load_writer(ModelConfig(name=str(tmp_path / "base")), "eager", lora=LowRankConfig(rank=4, dropout=0))
    model, before = loaded.model, {name: one.detach().clone() for name, one in loaded.model.named_parameters()}
    engine = runtime.start("fp32", 1)
    reduce_frozen(model, engine)
    assert {one.dtype for one in model.parameters()} == {torch.float32}
    reduce_frozen(model, replace(engine, precision="bf16"))
    for name, one in model.named_parameters():
        assert one.dtype == (torch.float32 if "lora_" in name else torch.bfloat16)
        assert torch.equal(one.float(), before[name].to(one.dtype).float())
    encoded = writing().encode([sourced()], loaded)
    batch = encoded.collate([0])
    with torch.autocast("cpu", torch.bfloat16):
        encoded.loss(model(**batch.inputs), batch).backward()
    gradients = [one.grad for name, one in model.named_parameters() if "lora_B" in name]
    assert all(one.dtype == torch.float32 and one.abs().sum() > 0 for one in gradients)
    query = next(one for name, one in model.named_modules() if name.endswith("q_proj"))
    with torch.no_grad():
        query.lora_B["default"].weight.fill_(1e-4)
    wanted = query.base_layer.weight.float() + query.get_delta_weight("default")
    pretrained.save(model, loaded.tokenizer, tmp_path / "tuned")
    saved = load_writer(ModelConfig(name=str(tmp_path / "tuned")), "eager").model
    assert torch.allclose(saved.model.layers[0].self_attn.q_proj.weight, wanted, atol=1e-7)
