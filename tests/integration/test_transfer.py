"""What an encoder brings with it: adapters on it, another run's weights, and what its first training split shows."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

from tests.conftest import write_corpus, write_experiment

TRAIN = "steps: 30, learning_rate: 0.02, batch_tokens: 64"


def test_adapters_are_merged_into_the_published_model(halluc, tiny_encoder, tmp_path):
    pytest.importorskip("peft")
    import transformers

    config = write_experiment(
        tmp_path, tiny_encoder, write_corpus(tmp_path), f"{TRAIN}, average: {{kind: exponential}}"
    )
    run = tmp_path / "run"
    outcome = halluc("train", config, "--run", run, "--set", "model.lora.rank=4", "-q")
    assert outcome.code == 0, outcome.err
    names = set(load_file(run / "model" / "model.safetensors"))
    model, report = transformers.AutoModelForTokenClassification.from_pretrained(
        run / "model", output_loading_info=True
    )
    assert names == set(model.state_dict())
    assert not report["missing_keys"] and not report["unexpected_keys"]
    before = load_file(tiny_encoder / "model.safetensors")
    after = load_file(run / "model" / "model.safetensors")
    assert not after["bert.encoder.layer.0.output.dense.weight"].equal(before["encoder.layer.0.output.dense.weight"])
    assert after["bert.embeddings.word_embeddings.weight"].equal(before["embeddings.word_embeddings.weight"])
    assert json.loads((run / "run.json").read_text())["model"]["trained_parameters"] < 10_000
    assert json.loads((run / "run.json").read_text())["best"]["dev"]["entity_f1"] > 0.5


def test_adapters_need_peft(halluc, tiny_encoder, tmp_path, monkeypatch):
    from halluc.engine import low_rank

    monkeypatch.setattr(low_rank, "find_spec", lambda name: None)
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), TRAIN)
    outcome = halluc("train", config, "--set", "model.lora={}")
    assert outcome.code == 3
    assert "error[E420]" in outcome.err
    assert 'pip install "halluc[lora]"' in outcome.err
