"""Casing as an input feature of models whose tokenizer drops capital letters."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.engine import added_features
from halluc.tasks.token_classification.config import GazetteerConfig, TokenClassificationConfig
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification
from halluc.tasks.token_classification.word_features import casing_of
from tests.conftest import write_experiment

LABELS = ("LOC", "PER")


@pytest.mark.parametrize(
    ("word", "casing"),
    [
        ("NATO", 0), ("U.N.", 0), ("B2B", 0), ("Turkey", 1), ("I", 1), ("Élan", 1), ("O'Neil", 2), ("McDonald", 2),
        ("iPhone", 2), ("turkey", None), ("1996", None), (",", None), ("", None), ("北京", None), ("ß", None),
    ],
)  # fmt: skip
def test_words_have_one_of_three_casings_or_none(word, casing):
    assert casing_of(word) == casing


def built(tiny_encoder, **keys):
    task = TokenClassification(TokenClassificationConfig(type="token_classification", casing=True, **keys))
    return task, task.model.build(ModelConfig(name=str(tiny_encoder), dropout=0.0), LABELS, "eager")


def tagged(text: str) -> Tagged:
    return Tagged(text, Origin("f", 1), tuple(text.split()), (Span(0, 1, "LOC"),))


def test_all_pieces_of_a_word_have_its_casing_after_the_features_of_names(tiny_encoder, tmp_path):
    (tmp_path / "names.tsv").write_text("PER\tBergen\n", encoding="utf-8")
    names = GazetteerConfig(files=[str(tmp_path / "names.tsv")], dropout=0.0)
    examples = [tagged("Bergen and OSLO"), tagged("McBride")]
    task, encoder = built(tiny_encoder, gazetteer=names)
    marks = task.model.encode(examples, encoder).collate([0, 1]).inputs["added_features"]
    first, last = (len(encoder.tokenizer.tokenize(word)) for word in ("bergen", "oslo"))
    expected = torch.zeros_like(marks)
    expected[0, 1 : 1 + first, 2] = expected[0, 1 : 1 + first, 5] = 1
    expected[0, 2 + first : 2 + first + last, 4] = 1
    expected[1, 1 : 1 + len(encoder.tokenizer.tokenize("mcbride")), 6] = 1
    assert torch.equal(marks, expected)
    without = TokenClassification(TokenClassificationConfig(type="token_classification"))
    plain = without.model.encode(examples, encoder).collate([0, 1]).inputs["added_features"]
    expected[..., :4] = 0
    assert torch.equal(plain, expected), "a model is used as it was trained; names are not given here"


def test_the_saved_matrix_is_the_one_that_is_added(tiny_encoder, tmp_path):
    task, encoder = built(tiny_encoder)
    inputs = task.model.encode([tagged("Oslo won")], encoder).collate([0]).inputs
    model = encoder.model.eval()
    torch.nn.init.normal_(model.added_features.weight)
    model.added_features.save_own_file(tmp_path)
    matrix = load_file(tmp_path / added_features.FILE)["weight"]
    embedded = model.get_input_embeddings()(inputs["input_ids"])
    at = inputs["added_features"][0, :, 1].nonzero().flatten()
    embedded[0, at] += matrix[1]
    by_hand = model(inputs_embeds=embedded, attention_mask=inputs["attention_mask"]).logits
    assert torch.allclose(model(**inputs).logits, by_hand, atol=1e-5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    """Trained where nothing but a capital letter says what is a name."""
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("casing")
    words = ("red", "blue", "green", "old", "new")
    lines = [f"the O\n{word.title()} B-LOC\n. O\n\nthe O\n{word} O\n. O\n" for word in words * 12]
    files = {split: folder / f"{split}.txt" for split in ("train", "dev", "test")}
    for file in files.values():
        file.write_text("\n".join(lines), encoding="utf-8")
    config = write_experiment(folder, tiny_encoder, files, "epochs: 8, learning_rate: 0.01, batch_tokens: 128")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("{type: token_classification}", "{type: token_classification, casing: true}"))
    run = folder / "runs" / "whole"
    assert exit_code_of(["train", str(config), "--run", str(run), "-q"]) == 0
    return config, run


def test_names_are_recognised_by_a_capital_letter_alone_also_from_the_bare_model_folder(trained, halluc, tmp_path):
    text = tmp_path / "in.txt"
    text.write_text("the Green .\nthe green .\n", encoding="utf-8")
    for source in (trained[1], shutil.copytree(trained[1] / "model", tmp_path / "model")):
        outcome = halluc("predict", source, "-i", text)
        assert outcome.code == 0, outcome.err
        first, second = (json.loads(line)["spans"] for line in outcome.out.splitlines())
        assert ([span["text"] for span in first], second) == (["Green"], [])


def test_casing_with_adapters_is_refused_before_training(trained, halluc):
    pytest.importorskip("peft")
    outcome = halluc("train", trained[0], "--set", "name=low", "--set", "model.lora={rank: 2}")
    assert outcome.code == 2
    assert "`model.lora` cannot be combined with `task.casing`" in outcome.err


def test_a_matrix_of_another_size_is_an_error(trained, tmp_path):
    folder = shutil.copytree(trained[1] / "model", tmp_path / "copy")
    settings = json.loads((folder / "config.json").read_text())
    settings["token_classification"]["gazetteer"] = ["LOC"]
    (folder / "config.json").write_text(json.dumps(settings))
    task = TokenClassification(TokenClassificationConfig(type="token_classification"))
    with pytest.raises(HallucError, match=r"cannot load added_features\.safetensors") as caught:
        task.model.restore(ModelConfig(name=str(folder)), {}, "eager")
    assert caught.value.code == "E411"
