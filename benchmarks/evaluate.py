"""Speed of halluc's span counting and of seqeval on the same synthetic tags, with equal figures.

python benchmarks/evaluate.py [--sentences 100000] [--rounds 3]

With a run of token classification: the additional time of constrained decoding, as a share of the time of a prediction
(tokenizing, forward passes, decoding) of one split of its data.

python benchmarks/evaluate.py --run runs/conll-minilm/latest [--split test] [--rounds 3]
"""

from __future__ import annotations

import functools
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import typer

from halluc.components import TABLE
from halluc.core.examples import Span
from halluc.core.labels import write_tags
from halluc.data.corpora import read_corpora
from halluc.engine.inference import forward
from halluc.tasks.token_classification import entity_figures
from halluc.workflows import ready_models, trained_models

Split = Literal["train", "dev", "test"]


def corpus(sentences: int, chance: random.Random) -> tuple[list[list[str]], list[list[str]]]:
    """Gold tags, and predictions with 10% wrong tags in a third of the sentences."""
    tags = [f"{prefix}-{label}" for label in ("PER", "ORG", "LOC", "MISC") for prefix in "BI"] + ["O"]
    gold, predicted = [], []
    for _ in range(sentences):
        length, start, spans = chance.randint(3, 30), 0, []
        while start < length:
            end = min(length, start + chance.randint(1, 3))
            if chance.random() < 0.15:
                spans.append(Span(start, end, chance.choice(("PER", "ORG", "LOC", "MISC"))))
            start = end
        gold.append(write_tags(length, spans))
        noisy = chance.random() < 0.33
        predicted.append([chance.choice(tags) if noisy and chance.random() < 0.1 else tag for tag in gold[-1]])
    return gold, predicted


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    clock = time.perf_counter()
    value = call()
    return time.perf_counter() - clock, value


def time_decoding(run: Path, split: Split, rounds: int) -> None:
    """Predict ``rounds`` times; decode the same scores both ways, in turn, ten times as often."""
    trained = trained_models.locate(str(run))
    examples = read_corpora(trained.job.settings.data, TABLE, (split,)).splits[split].examples
    model = ready_models.ReadyModel.load(trained.job, trained.reference)
    tagger, budget = model.task.model, model.settings.batch_tokens

    def scored() -> tuple[Any, list[Any]]:
        encoded = tagger.encode(examples, model.encoder)
        return encoded, list(forward(model.encoder.model, encoded, budget, model.engine))

    times: dict[str, list[float]] = {"passes": [], "argmax": [], "constrained": []}
    for _ in range(rounds):
        seconds, (encoded, outputs) = timed(scored)
        times["passes"].append(seconds)
        for how in ("argmax", "constrained") * 10:
            times[how].append(timed(functools.partial(tagger.decode, encoded, outputs, how))[0])
    forwards, plain, best = map(statistics.median, times.values())
    print(
        f"{split}, {len(examples):,} sentences, {encoded.notes['words']:,} words: encoding and forward passes "
        f"{forwards:.2f} s, decoding {plain:.3f} s by argmax, {best:.3f} s constrained: "
        f"{(best - plain) / (forwards + plain):.2%} more time for a prediction; "
        f"{encoded.notes['constrained_words']:,} words with another tag"
    )


def time_scorer(sentences: int, rounds: int) -> None:
    gold, predicted = corpus(sentences, random.Random(1))
    entity_figures.report(gold[:10], predicted[:10])  # imports seqeval
    for strict in (False, True):
        ours, theirs = [], []
        for _ in range(rounds):
            seconds, counts = timed(lambda strict=strict: entity_figures.count(gold, predicted, strict=strict))
            ours.append(seconds)
            seconds, report = timed(lambda strict=strict: entity_figures.report(gold, predicted, strict=strict))
            theirs.append(seconds)
            difference = abs(entity_figures.overall(counts)["entity_f1"] - report["micro avg"]["f1-score"])
            assert difference < 1e-12, difference
        ratio = statistics.median(theirs) / statistics.median(ours)
        mode = "strict " if strict else "default"
        print(
            f"{mode} mode, {sentences:,} sentences: halluc {statistics.median(ours):.3f} s, "
            f"seqeval {statistics.median(theirs):.2f} s, {ratio:.0f} times; same F1 within 1e-12"
        )


def main(sentences: int = 100_000, rounds: int = 3, run: Path | None = None, split: Split = "test") -> None:
    if run is None:
        time_scorer(sentences, rounds)
    else:
        time_decoding(run, split, rounds)


if __name__ == "__main__":
    typer.run(main)
