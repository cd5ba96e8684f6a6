"""Continued pre-training: held-out perplexity falls, the result is kept, and a killed training goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file

from halluc.augmentation.methods.base import OptionError, Workspace
from halluc.augmentation.models.pretraining import pretrain
from halluc.config.training import PretrainConfig
from halluc.core.errors import HallucError
from tests.conftest import WORDS, write_corpus, write_experiment
from tests.interruptions import killed_after_a_checkpoint

KEYS = {"epochs": 3, "learning_rate": 1e-2, "batch_tokens": 128}


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> Path:
    """A language in which each word says which one follows."""
    file = tmp_path_factory.mktemp("texts") / "unlabelled.txt"
    lines = [" ".join(WORDS[(start + step) % len(WORDS)] for step in range(6)) for start in range(60)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def weights_in(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_perplexity_falls_and_a_killed_training_ends_with_the_same_bytes(tmp_path, tiny_encoder, texts):
    config = PretrainConfig(texts=[str(texts)], **KEYS)
    whole = pretrain(config, str(tiny_encoder), (), Workspace(tmp_path / "whole", 1))
    perplexity = whole.facts["held_out_perplexity"]
    assert perplexity["after"] < perplexity["before"]
    assert (whole.facts["texts"], whole.facts["held_out_texts"]) == (57, 3)

    with killed_after_a_checkpoint():
        pretrain(config, str(tiny_encoder), (), Workspace(tmp_path / "killed", 1))
    resumed = pretrain(config, str(tiny_encoder), (), Workspace(tmp_path / "killed", 1))
    assert weights_in(resumed.folder) == weights_in(whole.folder)
    assert resumed.facts == whole.facts
    # It is there: nothing is trained a second time.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("halluc.augmentation.models.training.train", None)
        assert pretrain(config, str(tiny_encoder), (), Workspace(tmp_path / "killed", 1)).folder == resumed.folder
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(whole.folder / "model.safetensors")
    assert before.keys() == after.keys()
    assert after["pooler.dense.weight"].equal(before["pooler.dense.weight"])
    assert not after["encoder.layer.0.output.dense.weight"].equal(before["encoder.layer.0.output.dense.weight"])


def test_steps_and_the_texts_of_the_training_split(tmp_path, tiny_encoder):
    own = [("anna", "visited", "oslo")] * 30
    config = PretrainConfig(own=True, steps=4, batch_tokens=32)
    made = pretrain(config, str(tiny_encoder), own, Workspace(tmp_path, 1))
    assert made.facts["steps"] == 4
    assert made.facts["texts"] == 28


OWN_CODE = """
from transformers import BertConfig, BertForMaskedLM, BertModel

class OwnConfig(BertConfig):
    model_type = "own"

class OwnModel(BertModel):
    config_class = OwnConfig

class OwnForMaskedLM(BertForMaskedLM):
    config_class = OwnConfig
"""


def test_a_model_with_code_of_its_own_is_loaded_where_that_is_trusted(tmp_path, tiny_encoder, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    model = shutil.copytree(tiny_encoder, tmp_path / "own")
    (model / "modeling_own.py").write_text(OWN_CODE)
    settings = json.loads((model / "config.json").read_text())
    auto_map = {"AutoConfig": "OwnConfig", "AutoModel": "OwnModel", "AutoModelForMaskedLM": "OwnForMaskedLM"}
    settings |= {"model_type": "own", "auto_map": {auto: f"modeling_own.{name}" for auto, name in auto_map.items()}}
    (model / "config.json").write_text(json.dumps(settings))
    own, config = [("anna", "visited", "oslo")] * 30, PretrainConfig(own=True, steps=1, batch_tokens=32)
    with pytest.raises(HallucError, match="contains custom code"):
        pretrain(config, str(model), own, Workspace(tmp_path, 1))
    made = pretrain(config, str(model), own, Workspace(tmp_path, 1), trust_remote_code=True)
    assert (made.folder / "modeling_own.py").is_file()


def test_too_few_texts_are_refused(tmp_path, tiny_encoder):
    with pytest.raises(OptionError) as caught:
        pretrain(PretrainConfig(own=True), str(tiny_encoder), [("a",)] * 19, Workspace(tmp_path, 1))
    assert caught.value.code == "D144"


def test_a_run_is_fine_tuned_from_it_and_says_so(halluc, tmp_path, tiny_encoder, texts):
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), "steps: 2, batch_tokens: 64")
    asked = f"{{texts: [{texts}], own: true, epochs: 1}}"
    outcome = halluc("train", config, "--run", tmp_path / "run", "--set", f"train.pretrain={asked}")
    assert outcome.code == 0, outcome.err
    assert "perplexity on held-out texts" in outcome.err
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert "commit" not in run["model"], "a local model has none"
    assert set(run["model"]["pretraining"]["held_out_perplexity"]) == {"before", "after"}
    assert str(texts) in run["inputs"]


@pytest.mark.parametrize(
    ("content", "keys", "code", "told"),
    [
        (None, {}, "D101", "no such file"),
        ("", {}, "D142", "has no texts"),
        ("a b\n" * 30, {"lines": 5}, "D144", "5 texts are too few"),
        ('{"words": 1}\n', {}, "D140", "neither a list of words"),
    ],
)
def test_bad_files_are_reported(halluc, tmp_path, tiny_encoder, content, keys, code, told):
    config = write_experiment(tmp_path, tiny_encoder, write_corpus(tmp_path), "steps: 1")
    file = tmp_path / ("texts.jsonl" if code == "D140" else "texts.txt")
    if content is not None:
        file.write_text(content)
    outcome = halluc("train", config, "--set", f"train.pretrain={json.dumps({'texts': [str(file)], **keys})}")
    assert outcome.code == 3
    assert f"error[{code}]" in outcome.err
    assert told in outcome.err
