"""`self_training` from the command line, with the model of a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

RAW = [
    "Anna Berg won .",
    "Oslo met Acme Corp .",
    "",
    "the bank won .",
    "Paris and Anna met .",
    "said the bank .",
    "Berg left .",
]


@pytest.fixture
def experiment(trained_experiment: tuple[Path, Path]) -> Path:
    return trained_experiment[0]


@pytest.fixture
def trained(trained_experiment: tuple[Path, Path]) -> Path:
    _, run = trained_experiment
    (run.parent.parent / "raw.txt").write_text("\n".join(RAW) + "\n", encoding="utf-8")
    return run


def config(run: object, raw: object, **keys: object) -> list[str]:
    more = "".join(f", {key}: {value}" for key, value in keys.items())
    method = f"{{type: self_training, model: {run}, unlabelled: [{raw}]{more}}}"
    return ["--set", f"augment={{size: 2x, methods: [{method}]}}"]


def records(folder: Path, name: str) -> list[dict]:
    return [json.loads(line) for line in (folder / "augment" / name).read_text(encoding="utf-8").splitlines()]


def test_texts_get_the_labels_of_the_model_with_their_place(halluc, experiment, trained, tmp_path):
    raw = trained.parent.parent / "raw.txt"
    asked = config(trained, raw, min_confidence=0.1)
    outcome = halluc("augment", experiment, *asked, "--run", tmp_path / "new")
    assert outcome.code == 0, outcome.err
    provenance = records(tmp_path / "new", "provenance.jsonl")
    made = {line["id"]: line for line in records(tmp_path / "new", "train.jsonl")}
    sampled = [line for line in provenance if line["methods"] == ["self_training"]]
    assert sampled
    for line in sampled:
        file, _, number = line["source"].rpartition(":")
        assert file == str(raw)
        assert line["parent"] is None
        assert " ".join(made[line["id"]]["tokens"]) == RAW[int(number) - 1]
    assert any(made[line["id"]]["spans"] for line in sampled)
    facts = json.loads((tmp_path / "new/augment/manifest.json").read_text())["methods"]["self_training"]
    assert (facts["lines"], facts["texts"]) == (len(RAW), len(RAW) - 1)
    predicted = halluc("predict", trained, "--input", raw, "--format", "text")
    said = {
        line["text"]: [[span["start"], span["end"], span["label"]] for span in line["spans"]]
        for line in map(json.loads, predicted.out.splitlines())
    }
    for line in sampled:
        assert made[line["id"]]["spans"] == said[" ".join(made[line["id"]]["tokens"])]
    again = halluc("augment", experiment, *asked, "--run", tmp_path / "again")
    assert again.code == 0, again.err
    for name in ("train.jsonl", "provenance.jsonl"):
        assert (tmp_path / "new/augment" / name).read_bytes() == (tmp_path / "again/augment" / name).read_bytes()
    replayed = halluc("augment", experiment, *asked, "--run", tmp_path / "new", "--replay", sampled[0]["id"])
    assert replayed.code == 0, replayed.err


def test_what_cannot_be_done_is_reported_with_what_to_do(halluc, experiment, trained, tmp_path):
    raw = trained.parent.parent / "raw.txt"
    missing = halluc("check", experiment, *config(trained, tmp_path / "none.txt"))
    assert missing.code == 3
    assert "no such file" in missing.err
    unsure = halluc("augment", experiment, *config(trained, raw, min_confidence=1.0), "--run", tmp_path / "new")
    assert unsure.code == 3
    assert "lower `min_confidence`" in unsure.err
    nowhere = halluc("augment", experiment, *config(tmp_path / "nothing", raw), "--run", tmp_path / "other")
    assert nowhere.code == 2
    assert "does not exist" in nowhere.err


def texts_config(folder: Path, more: str = "") -> Path:
    """A config that trains a small model on texts of two labels; with ``more`` keys of `data`."""
    rows = [{"text": f"{word} {n}", "second": f"x {n}", "label": word} for n in range(12) for word in ("rain", "sun")]
    (folder / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    config = folder / "texts.yaml"
    config.write_text(
        f"name: texts\nruns_dir: {folder / 'texts'}\ntask: {{type: text_classification}}\n"
        f"data: {{format: texts, train: {folder / 'texts.jsonl'}, dev: {folder / 'texts.jsonl'}{more}}}\n"
        "model: {scratch: {layers: 1, width: 32, heads: 2, vocabulary: 100}}\n"
        "train: {epochs: 20, learning_rate: 0.003, batch_tokens: 32}\n",
        encoding="utf-8",
    )
    return config


def test_a_model_of_another_task_is_refused(halluc, trained, tmp_path):
    asked = config(trained, trained.parent.parent / "raw.txt")
    outcome = halluc("augment", texts_config(tmp_path), *asked, "--run", tmp_path / "new")
    assert outcome.code == 2
    assert "was trained for token_classification, not for text_classification" in outcome.err


def test_texts_get_labels_of_the_whole(halluc, tmp_path):
    texts, raw = texts_config(tmp_path), tmp_path / "raw.txt"
    raw.write_text("".join(f"{word} again {n}\n" for n in range(20) for word in ("rain", "sun")), encoding="utf-8")
    outcome = halluc("train", texts)
    assert outcome.code == 0, outcome.err
    asked = config(tmp_path / "texts/texts/latest", raw, min_confidence=0.5)
    outcome = halluc("augment", texts, *asked, "--run", tmp_path / "new")
    assert outcome.code == 0, outcome.err
    made = {line["id"]: line for line in records(tmp_path / "new", "train.jsonl")}
    provenance = records(tmp_path / "new", "provenance.jsonl")
    assert len(provenance) == 24
    for line in provenance:
        parent = made[line["id"].partition("~")[0]]
        assert made[line["id"]]["label"] == parent["label"] == made[line["id"]]["tokens"][:1]

    judged = "{type: fidelity, model: MODEL, action: relabel}".replace("MODEL", str(tmp_path / "texts/texts/latest"))
    swap = f"augment={{size: 2x, methods: [{{type: label_wise_replacement, rate: 1.0}}], filters: [{judged}]}}"
    outcome = halluc("augment", texts, "--set", swap, "--run", tmp_path / "judged")
    assert outcome.code == 0, outcome.err
    assert all(len(line["label"]) == 1 for line in records(tmp_path / "judged", "train.jsonl"))


def test_pairs_of_texts_are_refused(halluc, tmp_path):
    (tmp_path / "raw.txt").write_text("rain again\n", encoding="utf-8")
    texts = texts_config(tmp_path, ", second_field: second")
    outcome = halluc("augment", texts, *config("runs/x", tmp_path / "raw.txt"), "--run", tmp_path / "new")
    assert outcome.code == 2
    assert "error[C103]" in outcome.err
    assert "every training example is a pair or has locked words" in outcome.err
