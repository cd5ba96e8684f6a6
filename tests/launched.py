"""A study of two tiny cells, for tests of what launches cells, and the files that must be the same however it ran."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import write_corpus, write_experiment

CELLS = ["seed=1", "seed=2"]


def write_study(folder: Path, encoder: Path, matrix: str = "{seed: [1, 2]}") -> Path:
    """Trainings of some seconds with a checkpoint at each step."""
    train = "epochs: 12, learning_rate: 0.01, batch_tokens: 64, checkpoint_steps: 1"
    config = write_experiment(folder, encoder, write_corpus(folder), train)
    config.write_text(config.read_text(encoding="utf-8") + f"matrix: {matrix}\n", encoding="utf-8")
    return config


def compared(home: Path) -> dict[str, bytes]:
    """What models say and what came of it, by file: weights, predictions, ledgers, evaluations, figures."""
    patterns = ("*/model/model.safetensors", "*/predictions/*", "*/ledger/*", "*/eval/*")
    found = {str(path.relative_to(home)): path.read_bytes() for pattern in patterns for path in home.glob(pattern)}
    for name, content in found.items():
        if name.endswith(".json") and "/eval/" in name:  # it names the folder of the model
            found[name] = content.replace(str(home).encode(), b"HOME")
    study = json.loads((home / "study.json").read_bytes())
    for cell in study["cells"]:
        cell.pop("runs", None)
        cell.pop("training", None)
    found["study.json"] = json.dumps([study["cells"], study["trends"], study["comparisons"]]).encode()
    assert len(found) > 10
    return found
