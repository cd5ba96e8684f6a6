"""Prediction speed of the `pipeline` of transformers, of halluc, and of exports of the same run.

Texts are the sentences of the dev split of CoNLL-2003, words joined by blanks. Each arm runs in a separate process, and
arms take turns in rounds. The clock starts after the model is loaded and has predicted once; entity F1 is of exact
character spans. The start is also timed: a process that predicts one text, and one that only imports torch.

    HALLUC_DATA=… python benchmarks/predict.py RUN [--exports FOLDER]… [--texts 1000] [--rounds 5]

(a) pipeline   one call a text
(b) batched    one call with all texts, batches of 32
(c) halluc     `halluc.load(RUN).predict(texts)`
(d…)           the same with each export
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any

import typer

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

Spans = set[tuple[int, int, int, str]]
Predict = Callable[[list[str]], list[list[tuple[int, int, str]]]]


def corpus(texts: int) -> tuple[list[str], Spans]:
    """Texts of dev, and the gold spans: index of the text, start and end in characters, label."""
    from halluc.components import TABLE
    from halluc.data.corpora import read_corpora
    from halluc.tasks.token_classification.reading.config import SpansConfig

    folder = Path(os.environ.get("HALLUC_DATA", "data")) / "ner" / "conll2003"
    dev = str(folder / "valid.txt")
    examples = read_corpora(SpansConfig(format="conll", dev=dev), TABLE).splits["dev"].examples[:texts]
    gold: Spans = set()
    for number, example in enumerate(examples):
        starts = list(accumulate((len(token) + 1 for token in example.tokens), initial=0))
        gold |= {(number, starts[one.start], starts[one.end] - 1, one.label) for one in example.spans}
    return [" ".join(example.tokens) for example in examples], gold


def pipeline(run: str, batch: int | None) -> Predict:
    from transformers import pipeline as build

    model = build("token-classification", model=f"{run}/model", aggregation_strategy="first", device=-1)

    def predict(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        results: Iterable[Any] = model(texts, batch_size=batch) if batch else (model(text) for text in texts)
        return [[(one["start"], one["end"], one["entity_group"]) for one in text] for text in results]

    return predict


def halluc(reference: str) -> Predict:
    from halluc import load

    model = load(reference)

    def predict(texts: list[str]) -> list[list[tuple[int, int, str]]]:
        records: list[Any] = model.predict(texts)
        return [[(one.start_char, one.end_char, one.label) for one in record.spans] for record in records]

    return predict


def child(run: str, arm: str, reference: str, count: int) -> None:
    """One arm; prints texts per second, by the clock and by processor time, F1 and memory in MiB as a line of JSON."""
    texts, gold = corpus(count)
    predict = pipeline(run, {"a": None, "b": 32}[arm]) if arm in "ab" else halluc(reference)
    predict(texts[:8])
    wall, used = time.perf_counter(), time.process_time()
    predicted = predict(texts)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    claims: Spans = {(number, *span) for number, spans in enumerate(predicted) for span in spans}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    f1 = 2 * len(gold & claims) / (len(gold) + len(claims))
    print(json.dumps({"speed": len(texts) / wall, "by_processor": len(texts) / used, "f1": f1, "peak": peak}))


def measured(arm: str, reference: str) -> dict[str, float]:
    command = [sys.executable, *sys.argv, "--arm", arm, "--reference", reference]
    environ = dict(os.environ)
    if arm > "b":
        from halluc.engine import environment

        environment.prepare(environ, modules={})
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def seconds(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of a process."""
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - clock, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def starts(references: list[str], rounds: int) -> None:
    """The time to the first text, against `import torch`."""
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text.txt")
        text.write_text("EU rejects German call .\n", encoding="utf-8")
        commands = {"import torch": [sys.executable, "-c", "import torch"]}
        for reference in references:
            options = ["--input", str(text), "--quiet"]
            commands[reference] = [sys.executable, "-m", "halluc", "predict", reference, *options]
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(seconds(command))
    for name, of in found.items():
        wall, used = (statistics.median(one[part] for one in of) for part in (0, 1))
        print(f"one text, {name}: {wall:.2f} s, {used:.2f} s of processor time")


def main(
    run: str,
    exports: list[str] = [],  # noqa: B006 - the default of an option
    texts: int = 1000,
    rounds: int = 5,
    own_arm: Annotated[str | None, typer.Option("--arm", hidden=True)] = None,
    own_reference: Annotated[str, typer.Option("--reference", hidden=True)] = "",
) -> None:
    if own_arm is not None:
        child(run, own_arm, own_reference, texts)
        return
    names = {"a": "pipeline, one call a text", "b": "pipeline, batches of 32", "c": "halluc"}
    references = {"a": "", "b": "", "c": run}
    for number, folder in enumerate(exports):
        names[chr(ord("d") + number)], references[chr(ord("d") + number)] = folder, folder
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in names}
    for _ in range(rounds):
        for arm, reference in references.items():
            found[arm].append(measured(arm, reference))
    print(f"{texts} texts, medians of {rounds} rounds")
    for arm, of in found.items():
        one = {key: statistics.median(each[key] for each in of) for key in of[0]}
        ratios = {
            key: statistics.median(mine[key] / peer[key] for mine, peer in zip(of, found["a"], strict=True))
            for key in ("speed", "by_processor")
        }
        print(
            f"({arm}) {names[arm]:<28}{one['speed']:8.1f} texts/s  F1 {one['f1']:.4f}  {one['peak']:6.0f} MiB"
            f"  {ratios['speed']:5.2f} times (a), {ratios['by_processor']:5.2f} by processor time"
        )
    starts([run, *exports], rounds)


if __name__ == "__main__":
    typer.run(main)
