"""Our span scorer against seqeval: the same figures, and how much faster. Synthetic tags, interleaved, medians.

python benchmarks/evaluate.py [--sentences 100000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from halluc.core.examples import Span
from halluc.core.labels import write_tags
from halluc.metrics import entity, spans


def corpus(sentences: int, chance: random.Random) -> tuple[list[list[str]], list[list[str]]]:
    """Gold tags, and predictions in which a tenth of the tags of a third of the sentences is another one."""
    tags = [f"{prefix}-{label}" for label in ("PER", "ORG", "LOC", "MISC") for prefix in "BI"] + ["O"]
    gold, predicted = [], []
    for _ in range(sentences):
        length, start, found = chance.randint(3, 30), 0, []
        while start < length:
            end = min(length, start + chance.randint(1, 3))
            if chance.random() < 0.15:
                found.append(Span(start, end, chance.choice(("PER", "ORG", "LOC", "MISC"))))
            start = end
        gold.append(write_tags(length, found))
        noisy = chance.random() < 0.33
        predicted.append([chance.choice(tags) if noisy and chance.random() < 0.1 else tag for tag in gold[-1]])
    return gold, predicted


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    clock = time.perf_counter()
    value = call()
    return time.perf_counter() - clock, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    gold, predicted = corpus(asked.sentences, random.Random(1))
    entity.report(gold[:10], predicted[:10])  # seqeval and what it imports are loaded before the clock starts
    for strict in (False, True):
        ours, theirs = [], []
        for _ in range(asked.rounds):
            seconds, counts = timed(lambda strict=strict: spans.count(gold, predicted, strict=strict))
            ours.append(seconds)
            seconds, report = timed(lambda strict=strict: entity.report(gold, predicted, strict=strict))
            theirs.append(seconds)
            difference = abs(spans.overall(counts).f1 - report["micro avg"]["f1-score"])
            assert difference < 1e-12, difference
        ratio = statistics.median(theirs) / statistics.median(ours)
        mode = "strict " if strict else "default"
        print(
            f"{mode} mode, {asked.sentences:,} sentences: halluc {statistics.median(ours):.3f} s, "
            f"seqeval {statistics.median(theirs):.2f} s, {ratio:.0f} times; same F1 within 1e-12"
        )


if __name__ == "__main__":
    main()
