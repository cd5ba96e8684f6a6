"""Time and peak memory of judging claims in an evaluation, on synthetic sentences.

python benchmarks/ledger.py [--sentences 3453 --sentences 100000] [--rounds 3]

Timed are all steps after the predictions: claims and verdicts, novelty and nearest mentions, the ledger file, and all
figures with intervals. The time of seqeval's classification report is printed for comparison.
"""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import typer

from halluc.analysis import scoring, verdicts
from halluc.analysis.table import table
from halluc.core.examples import Origin, Span
from halluc.core.files import write_jsonl
from halluc.core.labels import write_tags
from halluc.gap.coverage import SurfaceCoverage
from halluc.gap.novelty import SurfaceKnowledge
from halluc.tasks.token_classification import entity_figures
from halluc.tasks.token_classification.config import TokenClassificationConfig
from halluc.tasks.token_classification.examples import TagPrediction
from halluc.tasks.token_classification.tagged_sentence import Tagged
from halluc.tasks.token_classification.task import TokenClassification

LABELS = ("PER", "ORG", "LOC", "MISC")


def corpus(sentences: int, chance: random.Random, words: list[str]) -> list[Tagged]:
    """Sentences of 3 to 30 tokens, three mentions in forty tokens; names are drawn unevenly from the words."""
    examples = []
    for number in range(sentences):
        length, start, spans = chance.randint(3, 30), 0, []
        while start < length:
            end = min(length, start + chance.randint(1, 3))
            if chance.random() < 0.15:
                spans.append(Span(start, end, chance.choice(LABELS)))
            start = end
        tokens = tuple(words[int(len(words) * chance.random() ** 3)] for _ in range(length))
        examples.append(Tagged(f"s{number}", Origin("train.txt", number + 1), tokens, tuple(spans)))
    return examples


def predictions(examples: list[Tagged], chance: random.Random) -> list[TagPrediction]:
    """The gold spans without a tenth of them, with another tenth of wrong labels, and some additional spans."""
    predicted = []
    for example in examples:
        spans = []
        for span in example.spans:
            draw = chance.random()
            if draw < 0.1:
                continue
            label = chance.choice(LABELS) if draw < 0.2 else span.label
            spans.append(Span(span.start, span.end, label))
        free = set(range(len(example.tokens))) - {i for s in example.spans for i in range(s.start, s.end)}
        if free and chance.random() < 0.05:
            at = chance.choice(sorted(free))
            spans.append(Span(at, at + 1, chance.choice(LABELS)))
        spans.sort()
        confidences = tuple(chance.random() ** 0.2 for _ in spans)
        tags = write_tags(len(example.tokens), spans)
        predicted.append(TagPrediction(example.id, tuple(tags), tuple(spans), confidences))
    return predicted


def timed(steps: dict[str, float], name: str, clock: float) -> float:
    now = time.perf_counter()
    steps[name] = now - clock
    return now


def one_round(
    examples: list[Tagged], predicted: list[TagPrediction], knowledge: SurfaceKnowledge, folder: Path
) -> dict[str, float]:
    task = TokenClassification(TokenClassificationConfig(type="token_classification"))
    steps: dict[str, float] = {}
    clock = time.perf_counter()
    judged = verdicts.verdicts(task, examples, predicted)
    clock = timed(steps, "verdicts", clock)
    lines = verdicts.ledger_lines(task, examples, judged, knowledge, None)
    clock = timed(steps, "novelty, nearest", clock)
    write_jsonl(folder / "ledger.jsonl", map(verdicts.ledger_record, lines))
    clock = timed(steps, "file", clock)
    counted = table(task, lines, [e.id for e in examples], [len(e.tokens) for e in examples])
    figures: list[Any] = scoring.score(examples, predicted, counted)
    timed(steps, f"{len(figures)} figures with intervals", clock)
    return steps


def main(sentences: list[int] = [3453, 100_000], rounds: int = 3) -> None:  # noqa: B006 - the default of an option
    chance = random.Random(1)
    words = [f"{chance.choice('ABCDEFGHIJ')}{chance.randrange(10**6):06d}" for _ in range(20_000)]
    coverage = SurfaceCoverage.of(corpus(14_000, chance, words))
    for size in sentences:
        examples = corpus(size, chance, words)
        predicted = predictions(examples, chance)
        totals, reports = [], []
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:  # without caches of the previous round
                steps = one_round(examples, predicted, SurfaceKnowledge(coverage), Path(folder))
            totals.append(sum(steps.values()))
            clock = time.perf_counter()
            entity_figures.report([write_tags(len(e.tokens), e.spans) for e in examples], [p.tags for p in predicted])
            reports.append(time.perf_counter() - clock)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        claims = sum(len(p.spans) for p in predicted)
        print(
            f"{size:,} sentences, {claims:,} claims: {statistics.median(totals):.2f} s, median of {rounds}, "
            f"peak {peak:.2f} GB; seqeval's report beside it {statistics.median(reports):.2f} s"
        )
        print("  last round: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in steps.items()))


if __name__ == "__main__":
    typer.run(main)
