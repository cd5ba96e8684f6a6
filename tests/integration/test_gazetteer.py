"""A gazetteer as an input feature: trained with, used with other names, and what is wrong with one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from halluc.config.models import ModelConfig
from halluc.core.errors import HallucError
from halluc.core.examples import Origin, Span
from halluc.core.rng import Draws, keyed_generator
from halluc.engine.added_features import RATE
from halluc.tasks.token_classification.config import GazetteerConfig, TokenClassificationConfig
from halluc.tasks.token_classification.gazetteer import Gazetteer, Match, contradictions
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification
from tests.conftest import write_experiment

LABELS = ("LOC", "PER")


def written(folder: Path, text: str, name: str = "names.tsv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def tagged(text: str, *spans: tuple[int, int, str]) -> Tagged:
    return Tagged(text, Origin("f", 1), tuple(text.split()), tuple(Span(*span) for span in spans))


# --- matches ----------------------------------------------------------------------------------------------------


def test_the_longest_name_matches_from_left_to_right(tmp_path):
    names = Gazetteer.read(
        [written(tmp_path, "LOC\tNew  York\nLOC\tYork\nPER\tYork Minster\nPER\tYork\n")], LABELS, "m"
    )
    found = names.matches("In New York Minster and York , new york".split())  # noqa: SIM905
    assert found == [Match(1, 3, (0,)), Match(5, 6, (0, 1))]


def test_names_match_with_any_tokenization(tmp_path):
    names = Gazetteer.read([written(tmp_path, "LOC\t北京\nPER\tJ. Doe-Berg\n")], LABELS, "m")
    assert names.matches("在 北 京 住".split()) == [Match(1, 3, (0,))]  # noqa: SIM905
    assert names.matches(("J", ".", "Doe", "-", "Berg")) == [Match(0, 5, (1,))]
    assert names.matches(("", "Doe-Berg", "")) == []


@given(
    st.lists(st.sampled_from(["a", "b", "ab", "ba", ""]), max_size=8),
    st.sets(st.sampled_from(["a", "ab", "bab", "aab"]), min_size=1),
)
def test_matches_are_those_of_looking_at_all_ranges(tokens, names):
    gazetteer = Gazetteer(("X",), dict.fromkeys(names, (0,)), max(map(len, names)))
    expected, start = [], 0
    while start < len(tokens):
        ends = [end for end in range(start + 1, len(tokens) + 1) if "".join(tokens[start:end]) in names]
        expected += [Match(start, ends[-1], (0,))] if ends else []
        start = ends[-1] if ends else start + 1
    assert gazetteer.matches(tokens) == expected


def test_what_contradicts_training_is_reported_with_counts(tmp_path):
    names = Gazetteer.read([written(tmp_path, "PER\tOslo\nPER\tAnna\nLOC\tMay\n")], LABELS, "m")
    oslo, may, anna = tagged("in Oslo", (1, 2, "LOC")), tagged("in May"), tagged("Anna left", (0, 1, "PER"))
    part = tagged("May Berg left", (0, 2, "PER"))
    (told,) = contradictions(names, [oslo, oslo, may, anna, part, tagged("Oslo left", (0, 1, "PER"))])
    assert told == (
        "the gazetteer contradicts the training split for 2 of the 3 names that occur there: "
        "`Oslo`: PER in the gazetteer, LOC 2 of 3 times; `May`: LOC in the gazetteer, no mention 1 of 1 times"
    )
    assert list(contradictions(names, [anna])) == []


# --- features ---------------------------------------------------------------------------------------------------


def encoded(tiny_encoder: Path, file: str, dropout: float = 0.0):
    config = TokenClassificationConfig(
        type="token_classification", gazetteer=GazetteerConfig(files=[file], dropout=dropout)
    )
    task = TokenClassification(config)
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder), dropout=0.0), LABELS, "eager")
    examples = [tagged("Anna Bergen left Oslo"), tagged("said the bank")]
    return encoder, task.model.encode(examples, encoder)


def test_words_of_names_are_marked_in_all_their_pieces(tmp_path, tiny_encoder):
    encoder, features = encoded(tiny_encoder, written(tmp_path, "PER\tAnna Bergen\nLOC\tOslo\nPER\tOslo\n"))
    assert features.notes["gazetteer_names"] == 2
    batch = features.collate([0, 1])
    marks, pieces = batch.inputs["added_features"], len(encoder.tokenizer.tokenize("bergen"))
    expected = torch.zeros_like(marks)
    expected[0, 1, 2] = 1  # of LOC the first two, of PER the others: for the first word, and for others
    expected[0, 2 : 2 + pieces, 3] = 1
    expected[0, 3 + pieces, [0, 2]] = 1
    assert torch.equal(marks, expected)
    ones = [encoded(tiny_encoder, str(tmp_path / "names.tsv"), share)[1] for share in (0.0, 0.5, 1.0)]
    varied = [of.varied(of.collate([0]), keyed_generator(1)).inputs["added_features"].sum().item() for of in ones]
    assert (varied[0], varied[2]) == (marks.sum().item(), 0)
    sums = {
        ones[1].varied(ones[1].collate([0]), keyed_generator(n)).inputs["added_features"].sum().item()
        for n in range(20)
    }
    assert sums == {0, 2, 1 + pieces, 3 + pieces}  # whole names are left out


def test_features_change_nothing_at_first_and_add_rows_of_the_matrix_later(tmp_path, tiny_encoder):
    encoder, features = encoded(tiny_encoder, written(tmp_path, "LOC\tOslo\n"))
    model, inputs = encoder.model.eval(), features.collate([0, 1]).inputs
    plain = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    assert torch.equal(model(**inputs).logits, model(**plain).logits)
    torch.nn.init.normal_(model.added_features.weight)
    embedded = model.get_input_embeddings()(inputs["input_ids"])
    at = (inputs["added_features"][0].sum(-1) == 1).nonzero().item()
    embedded[0, at] += RATE * model.added_features.weight[0]
    by_hand = model(inputs_embeds=embedded, attention_mask=inputs["attention_mask"]).logits
    assert torch.allclose(model(**inputs).logits, by_hand, atol=1e-6)
    assert not torch.allclose(by_hand, model(**plain).logits, atol=1e-3)


# --- a run ------------------------------------------------------------------------------------------------------


def invented(number: int) -> str:
    draws = Draws.of("name", number)
    return "".join(draws.choice("bdfgklmnrstvz") + draws.choice("aeiou") for _ in range(3))


def corpus_of(numbers: range) -> tuple[str, str]:
    """Sentences in which names of both labels stand alike, and their gazetteer."""
    lines, names = [], []
    for number in numbers:
        label, name = LABELS[number % 2], invented(number)
        lines += [f"the O\n{name} B-{label}\nwon O\n. O\n"]
        names += [f"{label}\t{name}\n"]
    return "\n".join(lines), "".join(names)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    from halluc.__main__ import exit_code_of

    folder = tmp_path_factory.mktemp("gazetteer")
    train, names = corpus_of(range(60))
    test, _ = corpus_of(range(100, 110))
    files = {split: folder / f"{split}.txt" for split in ("train", "dev", "test")}
    for split, file in files.items():
        file.write_text(train if split != "test" else test, encoding="utf-8")
    config = write_experiment(folder, tiny_encoder, files, "epochs: 20, learning_rate: 0.01, batch_tokens: 128")
    file = written(folder, names, "known.tsv")
    text = config.read_text(encoding="utf-8")
    config.write_text(
        text.replace(
            "{type: token_classification}",
            f"{{type: token_classification, gazetteer: {{files: [{file}], dropout: 0.1}}}}",
        ),
        encoding="utf-8",
    )
    run = folder / "runs" / "whole"
    assert exit_code_of(["train", str(config), "--run", str(run), "-q"]) == 0
    return SimpleNamespace(folder=folder, config=config, run=run)


def test_a_gap_is_filled_by_adding_names_without_training(trained, halluc, tmp_path):
    text = written(tmp_path, "the zuzuzu won .\n", "in.txt")
    for label in LABELS:
        file = written(tmp_path, f"{label}\tzuzuzu\n", f"{label}.tsv")
        outcome = halluc("predict", trained.run, "-i", text, "--set", f"task.gazetteer.files=[{file}]")
        assert outcome.code == 0, outcome.err
        (claim,) = json.loads(outcome.out)["spans"]
        assert (claim["text"], claim["label"]) == ("zuzuzu", label)


def test_eval_takes_other_names_and_judges_by_them(trained, halluc, tmp_path):
    _, names = corpus_of(range(100, 110))
    found = {}
    for kind, text in {
        "right": names,
        "swapped": names.replace("LOC", "X").replace("PER", "LOC").replace("X", "PER"),
    }.items():
        file = written(tmp_path, text, f"{kind}.tsv")
        outcome = halluc(
            "eval", "--run", trained.run, "--json", "--set", f"task.gazetteer.files=[{file}]", "--split", "test"
        )
        assert outcome.code == 0, outcome.err
        told = json.loads(outcome.out)
        assert told["encoding"]["gazetteer_names"] == 10
        metrics = told["metrics"]
        found[kind] = next(m["value"] for m in metrics if m["name"] == "entity_f1" and not m["by"])
    assert found["right"] > 0.9
    assert found["swapped"] < 0.1
    assert halluc("eval", "--run", trained.run, "--set", "task.border_smoothing=0.5").code == 2


def test_the_cells_of_a_study_are_evaluated_with_other_names(trained, halluc, tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(f"extends: {trained.config}\nname: study\nruns_dir: {tmp_path}\nmatrix: {{seed: [1, 2]}}\n")
    quick = ["--set", "train.epochs=1"]
    assert halluc("train", study, "-q", *quick).code == 0
    noted = (tmp_path / "study/matrix.json").read_bytes()
    file = written(tmp_path, corpus_of(range(100, 110))[1], "others.tsv")
    other = ["--set", f"task.gazetteer.files=[{file}]", "--split", "test"]
    outcome = halluc("eval", study, "--json", *quick, *other)
    assert outcome.code == 0, outcome.err
    assert [json.loads(line)["encoding"]["gazetteer_names"] for line in outcome.out.splitlines()] == [10, 10]
    assert (tmp_path / "study/matrix.json").read_bytes() == noted
    outcome = halluc("eval", study, *quick, *other, "--set", "train.learning_rate=0.5")
    assert outcome.code == 2 and "R104" in outcome.err
    assert halluc("train", study, *quick, *other[:2]).code == 2


def test_the_folder_loads_in_transformers_and_has_the_matrix_in_another_file(trained):
    from transformers import AutoModelForTokenClassification

    folder = trained.run / "model"
    _, report = AutoModelForTokenClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert load_file(folder / "added_features.safetensors")["weight"].shape == (4, 32)


def test_a_model_without_its_matrix_is_reported(trained, halluc, tmp_path):
    copy = shutil.copytree(trained.run / "model", tmp_path / "copy")
    (copy / "added_features.safetensors").unlink()
    outcome = halluc("eval", trained.config, "--checkpoint", copy)
    assert outcome.code == 4
    assert "cannot load added_features.safetensors" in outcome.err


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("", "D142", "has no names"),
        ("LOC\tOslo\nOslo\n", "D140", "bad.tsv:2"),
        ("LOC\tOslo\nGPE\tRome\n", "D141", "the training split has no label `GPE`"),
    ],
)
def test_a_bad_gazetteer_is_reported_before_training(trained, halluc, tmp_path, text, code, told):
    file = written(tmp_path, text, "bad.tsv")
    outcome = halluc("train", trained.config, "--set", "name=bad", "--set", f"task.gazetteer.files=[{file}]")
    assert outcome.code == 3
    assert code in outcome.err
    assert told in outcome.err
    assert not (trained.folder / "runs" / "bad").exists()


def test_a_contradiction_is_a_warning_of_check(trained, halluc, tmp_path):
    file = written(tmp_path, f"LOC\t{invented(1)}\n")
    outcome = halluc("check", trained.config, "--set", f"task.gazetteer.files=[{file}]")
    assert outcome.code == 0
    told = " ".join((outcome.out + outcome.err).split())
    assert f"`{invented(1)}`: LOC in the gazetteer, PER 1 of 1 times" in told


def test_a_model_that_was_trained_without_one_is_reported(tiny_encoder, tmp_path):
    task = TokenClassification(TokenClassificationConfig(type="token_classification"))
    encoder = task.model.build(ModelConfig(name=str(tiny_encoder)), LABELS, "eager")
    file = written(tmp_path, "LOC\tOslo\n")
    other = TokenClassification(
        TokenClassificationConfig(type="token_classification", gazetteer=GazetteerConfig(files=[file]))
    )
    with pytest.raises(HallucError, match="trained without one") as caught:
        other.model.encode([tagged("in Oslo")], encoder)
    assert caught.value.code == "C222"
