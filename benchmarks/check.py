"""Processor time and peak memory of ``halluc check`` on a large corpus.

python benchmarks/check.py [--examples 1000000] [--seed 1] [--rounds 1]

The corpus is generated from the seed: sentences of 15 tokens on average as CoNLL columns, and texts as JSON Lines, with
words and names drawn by Zipf's law.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import typer

WORDS, NAMES = 60_000, 40_000
LABELS = ("PER", "ORG", "LOC", "MISC")
DEV_SHARE = 20  # dev has one example for this many of train
LENGTHS = range(5, 26)
_CHILD = textwrap.dedent("""
    import json, os, resource, sys
    from halluc.__main__ import exit_code_of
    from halluc.core import memory
    code = exit_code_of(sys.argv[2:])
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    with open(sys.argv[1], "w") as file:
        json.dump({"memory": memory.of_process(os.getpid())[1], "workers": workers}, file)
    sys.exit(code)
""")


class Sentences:
    """Draws words and names by Zipf's law."""

    def __init__(self, seed: int, lengths: range = LENGTHS) -> None:
        self.chance, self.lengths = random.Random(seed), lengths
        letters = "etaoinshrdlucmfwypvbgkjqxz"
        spelled = lambda longest: "".join(self.chance.choices(letters, k=self.chance.randint(2, longest)))  # noqa: E731
        self.words = [spelled(9) for _ in range(WORDS)]
        self.names = [(spelled(9).capitalize(), LABELS[number % 4]) for number in range(NAMES)]
        self.word_weights, self.name_weights = (
            list(accumulate(1 / (rank + 3) for rank in range(count))) for count in (WORDS, NAMES)
        )

    def sentence(self) -> list[tuple[str, str]]:
        """Tokens with their IOB2 tags; one or two mentions in most sentences, of one or two tokens."""
        length = self.chance.choice(self.lengths)
        rows = [(word, "O") for word in self.chance.choices(self.words, cum_weights=self.word_weights, k=length)]
        for start in (1, length // 2):
            if self.chance.random() < 0.7:
                name, label = self.chance.choices(self.names, cum_weights=self.name_weights)[0]
                rows[start] = (name, f"B-{label}")
                if self.chance.random() < 0.5:
                    rows[start + 1] = (self.chance.choice(self.names)[0], f"I-{label}")
        return rows


def columns(sentences: Iterator[list[tuple[str, str]]]) -> Iterator[str]:
    for rows in sentences:
        yield "".join(f"{token} {tag}\n" for token, tag in rows) + "\n"


def records(sentences: Iterator[list[tuple[str, str]]]) -> Iterator[str]:
    """Texts of 150 classes."""
    for number, rows in enumerate(sentences):
        text = " ".join(token for token, _ in rows)
        yield json.dumps({"text": text, "label": f"intent_{number % 149 + len(rows) % 2}"}) + "\n"


FORMS = {
    "conll": (columns, "task: {type: token_classification}\ndata: {format: conll, "),
    "texts": (records, "task: {type: text_classification}\ndata: {format: jsonl, "),
}


def make(form: str, examples: int, seed: int, folder: Path) -> Path:
    """Write train and dev of a seed, and a config for them; returns the config's path."""
    lines, begin = FORMS[form]
    drawn = Sentences(seed)
    for split, count in (("train", examples), ("dev", examples // DEV_SHARE)):
        with (folder / f"{form}-{split}").open("w", encoding="utf-8") as file:
            file.writelines(lines(drawn.sentence() for _ in range(count)))
    config = folder / f"{form}.yaml"
    data = f"{begin}train: {folder}/{form}-train, dev: {folder}/{form}-dev}}\n"
    config.write_text(f"name: check-{form}\n{data}model: {{name: null, scratch: {{}}}}\n", encoding="utf-8")
    return config


def measured(command: Sequence[str], folder: Path) -> dict[str, float]:
    """Of ``halluc`` with these arguments: seconds by the clock and of processor time, peak resident memory in bytes, of
    its process and of the largest worker (with shared pages)."""
    memory = folder / "memory.json"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    clock = os.times().elapsed
    process = subprocess.Popen([sys.executable, "-c", _CHILD, str(memory), *command], env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"halluc {' '.join(command)} ended with exit code {process.returncode}")
    seconds, processor = os.times().elapsed - clock, usage.ru_utime + usage.ru_stime
    return {"seconds": seconds, "processor": processor, **json.loads(memory.read_text())}


def main(examples: int = 1_000_000, seed: int = 1, rounds: int = 1) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMS:
            config = make(form, examples, seed, Path(folder))
            found = [measured(["check", str(config), "--quiet"], Path(folder)) for _ in range(rounds)]
            seconds = statistics.median(one["processor"] for one in found)
            print(
                f"{form}, {examples:,} examples: {seconds:.1f} s of processor time, peak "
                f"{max(one['memory'] for one in found) / 1e9:.2f} GB (median of {rounds})",
                flush=True,
            )


if __name__ == "__main__":
    typer.run(main)
