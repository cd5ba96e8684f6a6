"""What an encoder brings with it: adapters on it, another run's weights, and what its first training split shows."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

from halluc.gap.coverage import SurfaceCoverage
from halluc.reporting.collect import facts, reading
from halluc.runs.directory import RunDir
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
    monkeypatch.setattr("halluc.core.errors.find_spec", lambda name: None)
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), TRAIN)
    outcome = halluc("train", config, "--set", "model.lora={}")
    assert outcome.code == 4
    assert "error[E420]" in outcome.err
    assert 'pip install "halluc[lora]"' in outcome.err


@pytest.fixture(scope="module")
def first_run(tiny_encoder, tmp_path_factory):
    """A run of the small corpus."""
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("first")
    config = write_experiment(folder, tiny_encoder, write_corpus(folder), TRAIN)
    assert exit_code_of(["train", str(config), "--run", str(folder / "run"), "-q"]) == 0
    return folder / "run"


def relabelled(folder, files):
    """The corpus with persons called otherwise, and without MISC in the training split."""
    for split, path in files.items():
        text = path.read_text().replace("-PER", "-HUMAN")
        kept = [one for one in text.split("\n\n") if split != "train" or "MISC" not in one]
        (folder / f"{split}.txt").write_text("\n\n".join(kept))


def gold_novelties(run, label: str) -> set[str]:
    """How new the gold of a label is in test."""
    lines = list(map(json.loads, (run / "ledger" / "test.jsonl").read_text().splitlines()))
    gold = [one for line in lines for one in (line["gold"] or [])]
    gold += [line for line in lines if line["record"] == "omission"]
    return {one["novelty"] for one in gold if one["label"] == label}


def test_another_runs_encoder_with_other_labels_and_novelty_against_both(halluc, first_run, tmp_path):
    files = write_corpus(tmp_path)
    relabelled(tmp_path, files)
    config = write_experiment(tmp_path, first_run, files, "steps: 2, batch_tokens: 64")
    second, third = tmp_path / "second", tmp_path / "third"
    outcome = halluc("train", config, "--run", second)
    assert outcome.code == 0, outcome.err
    assert "was trained for other outputs (O, B-LOC" in outcome.err
    assert "novelty is relative to the training splits of this run and of" in outcome.err
    assert halluc("eval", "--run", second, "-q", "--set", "eval.splits=[test]").code == 0
    assert gold_novelties(second, "MISC") == {"seen"}  # by the first run alone
    assert gold_novelties(second, "HUMAN") == {"seen"}  # by this one
    assert SurfaceCoverage.load(second / "coverage.json").labels_of("German") == set()
    assert any(
        "the training splits of this run and of" in note for note in facts.state(reading.read(RunDir(second), "test"))
    )
    # A run that began with that run knows all three training splits.
    write_experiment(tmp_path, second / "model", files, "steps: 1, batch_tokens: 64")
    assert halluc("train", config, "--run", third, "-q").code == 0
    assert [path.name for path in sorted((third / "base").iterdir())] == ["01.json", "02.json"]
    (third / "base" / "02.json").unlink()
    outcome = halluc("eval", "--run", third, "-q")
    assert outcome.code != 0
    assert "error[R120]" in outcome.err
    assert "02.json is missing" in outcome.err


@pytest.mark.parametrize("same", [True, False])
def test_a_head_is_reused_only_for_the_same_labels(first_run, same):
    from halluc.config.models import ModelConfig
    from halluc.tasks.encoders import load_encoder

    before = load_file(first_run / "model" / "model.safetensors")
    config = json.loads((first_run / "model" / "config.json").read_text())
    names = list(config["id2label"].values())
    names = names if same else [name.replace("PER", "HUMAN") for name in names]
    model = load_encoder(
        "AutoModelForTokenClassification", ModelConfig(name=str(first_run)), "eager", labels=names
    ).model
    after = model.state_dict()
    assert after["classifier.weight"].equal(before["classifier.weight"]) is same
    assert after["bert.encoder.layer.1.output.dense.weight"].equal(before["bert.encoder.layer.1.output.dense.weight"])
