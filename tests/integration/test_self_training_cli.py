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
def trained(halluc, experiment: Path) -> Path:
    outcome = halluc("train", experiment)
    assert outcome.code == 0, outcome.err
    home = experiment.parent / "runs" / "tiny"
    (home.parent / "raw.txt").write_text("\n".join(RAW) + "\n", encoding="utf-8")
    return home / (home / "latest").readlink()


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


def test_what_cannot_be_done_is_told_with_what_to_do(halluc, experiment, trained, tmp_path):
    raw = trained.parent.parent / "raw.txt"
    missing = halluc("check", experiment, *config(trained, tmp_path / "none.txt"))
    assert missing.code == 3
    assert "no such file" in missing.err
    unsure = halluc("augment", experiment, *config(trained, raw, min_confidence=1.0), "--run", tmp_path / "new")
    assert unsure.code == 3
    assert "lower `min_confidence`" in unsure.err
    nowhere = halluc("augment", experiment, *config(tmp_path / "nothing", raw), "--run", tmp_path / "other")
    assert nowhere.code == 2
    assert "is not there" in nowhere.err


def test_a_model_of_another_task_is_refused(halluc, experiment, trained, tmp_path):
    rows = [{"text": f"{word} {number}", "label": word} for number in range(6) for word in ("rain", "sun")]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    texts = tmp_path / "texts.yaml"
    texts.write_text(
        f"name: texts\nruns_dir: {tmp_path / 'runs'}\ntask: {{type: text_classification}}\n"
        f"data: {{format: texts, train: {tmp_path / 'texts.jsonl'}}}\nmodel: {{scratch: {{layers: 1}}}}\n",
        encoding="utf-8",
    )
    asked = config(trained, trained.parent.parent / "raw.txt")
    outcome = halluc("augment", texts, *asked, "--run", tmp_path / "new")
    assert outcome.code == 2
    assert "was trained for token_classification, and not for text_classification" in outcome.err
