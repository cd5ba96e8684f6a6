"""Text classifiers on decoder models, whose config often names no padding token: trained, evaluated, asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from halluc.config.models import ModelConfig
from halluc.core.examples import Origin
from halluc.engine import runtime
from halluc.tasks.text_classification.config import TextClassificationConfig
from halluc.tasks.text_classification.labelled_text import Labelled
from halluc.tasks.text_classification.task import TextClassification

TEXTS = {
    "travel": ["Anna visited Oslo", "Berg left for Paris", "met in Oslo and left for Paris", "Anna in Paris"],
    "money": ["the bank won", "Acme Corp said that the bank won", "a bank of Acme", "the bank and Acme Corp"],
}


def tokenizer_of(special: dict[str, str]):
    """A byte-level tokenizer, as GPT-2 and Qwen2 have them, with these special tokens only."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    names = list(special.values())
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=names, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator([text for texts in TEXTS.values() for text in texts], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **special)


def decoder(kind: str, folder: Path) -> Path:
    from transformers import GPT2Config, GPT2Model, Qwen2Config, Qwen2Model

    torch.manual_seed(0)
    if kind == "gpt2":  # no padding token anywhere
        tokenizer = tokenizer_of({"eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})
        config = GPT2Config(vocab_size=len(tokenizer), n_positions=64, n_embd=32, n_layer=2, n_head=2)
        model = GPT2Model(config)
    else:  # the tokenizer has one, which is not its end token, and the config names none
        tokenizer = tokenizer_of({"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"})
        config = Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64,
        )  # fmt: skip
        model = Qwen2Model(config)
    assert config.pad_token_id is None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(params=["gpt2", "qwen2"])
def model(request, tmp_path):
    return request.param, decoder(request.param, tmp_path / "decoder")


def test_it_is_trained_evaluated_and_asked(halluc, model, tmp_path):
    kind, folder = model
    rows = [{"text": text, "label": label} for label, texts in TEXTS.items() for text in texts]
    for split, copies in (("train", 6), ("dev", 1), ("test", 1)):
        (tmp_path / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * copies))
    config = tmp_path / "texts.yaml"
    splits = "\n".join(f"  {split}: {tmp_path / split}.jsonl" for split in ("train", "dev", "test"))
    config.write_text(
        f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data:\n  format: texts\n{splits}\nmodel: {{name: {folder}}}\n"
        "train: {epochs: 12, learning_rate: 0.003, batch_tokens: 64}\n"
    )
    trained = halluc("train", config, "--json")
    assert trained.code == 0, trained.err
    made = Path(json.loads(trained.out)["model"])
    padding = json.loads((made / "config.json").read_text())["pad_token_id"]
    named = json.loads((made / "tokenizer_config.json").read_text())["pad_token"]
    assert named == "<|endoftext|>"
    assert padding == {"gpt2": 0, "qwen2": 1}[kind]

    outcome = halluc("eval", config, "--split", "test", "--json")
    assert outcome.code == 0, outcome.err
    (accuracy,) = [m for m in json.loads(outcome.out)["metrics"] if m["name"] == "accuracy" and not m["by"]]
    assert accuracy["value"] == 1.0

    (tmp_path / "in.txt").write_text("the bank won\nmet in Oslo and left for Paris\n")
    asked = halluc("predict", made, "--input", tmp_path / "in.txt")
    assert asked.code == 0, asked.err
    labels = [[one["label"] for one in json.loads(line)["labels"]] for line in asked.out.splitlines()]
    assert labels == [["money"], ["travel"]]


def test_padding_does_not_change_results(model):
    _, folder = model
    task = TextClassification(TextClassificationConfig(type="text_classification"))
    torch.manual_seed(1)
    encoder = task.model.build(ModelConfig(name=str(folder)), ("money", "travel"), "eager")
    texts = [text.split() for texts in TEXTS.values() for text in texts]
    encoded = task.model.encode([Labelled(str(n), Origin("f", n), tuple(t), ()) for n, t in enumerate(texts)], encoder)
    assert len(set(encoded.lengths)) > 1
    engine = runtime.start("fp32", 1)
    alone, together = (task.model.predict(encoder.model, encoded, budget, engine, None) for budget in (1, 10_000))
    for one, other in zip(alone, together, strict=True):
        assert one.scores[0] == pytest.approx(other.scores[0], abs=1e-5)


def test_a_model_without_padding_and_end_is_refused(halluc, tmp_path):
    folder = decoder("gpt2", tmp_path / "decoder")
    tokenizer_of({"unk_token": "<|endoftext|>"}).save_pretrained(folder)
    (tmp_path / "train.jsonl").write_text('{"text": "a b", "label": "x"}\n{"text": "c", "label": "y"}\n')
    config = tmp_path / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data: {{format: texts, train: {tmp_path / 'train.jsonl'}}}\nmodel: {{name: {folder}}}\n"
    )
    outcome = halluc("train", config)
    assert outcome.code == 4
    assert "has neither a padding token nor an end token" in outcome.err
