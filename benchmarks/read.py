"""Speed and memory of reading corpora: only rows, and examples, each in a separate process.

python benchmarks/read.py [--examples 200000] [--rounds 3] [--seed 1]

The corpus is generated from the seed: texts of 12 words with one of seven labels. With ``--examples 2000000`` the peak
memory shows whether reading needs a constant amount.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS, LENGTH, LABELS = 5_000, 12, 7
TEXTS, SPANS = "text_classification", "token_classification"
FORMATS = {"jsonl": TEXTS, "csv": TEXTS, "json": TEXTS, "lines": TEXTS, "conll": SPANS, "spans.jsonl": SPANS}


def make(folder: Path, examples: int, seed: int) -> None:
    """A file of each format."""
    chance = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(WORDS)]
    files = {name: (folder / f"corpus.{name}").open("w", encoding="utf-8", newline="") for name in FORMATS}
    table = csv.writer(files["csv"])
    table.writerow(["id", "text", "label"])
    files["json"].write("[")
    for number in range(examples):
        tokens = chance.choices(words, k=LENGTH)
        text, label = " ".join(tokens) + ", they said", f"label{number % LABELS}"
        record = json.dumps({"id": number, "text": text, "label": label})
        files["jsonl"].write(record + "\n")
        files["json"].write((", " if number else "") + record)
        table.writerow([number, text, label])
        files["lines"].write(f"{label} {text}\n")
        files["conll"].write(
            "".join(f"{token} {'B-X' if at == 3 else 'O'}\n" for at, token in enumerate(tokens)) + "\n"
        )
        start = text.index(tokens[1], len(tokens[0]))
        spans = {"text": text, "spans": [[start, start + len(tokens[1]), "X"]]}
        files["spans.jsonl"].write(json.dumps(spans) + "\n")
    files["json"].write("]")
    for file in files.values():
        file.close()


MEASURE = """
import json, resource, sys, time
from halluc.components import TABLE
from halluc.core import registry
from halluc.data.corpora import stream_corpora
from halluc.data.rows.reading import open_rows
name, path, task, what = sys.argv[1:]
form = name.rpartition(".")[2]
config = registry.load(TABLE, "reader", task).Config(format=form, train=path)
if what == "rows":
    begun = time.perf_counter()
    count = sum(1 for _ in open_rows(path, "train", config.layout())[1])
else:
    corpus = stream_corpora(config, TABLE)["train"]
    begun = time.perf_counter()
    count = sum(1 for _ in corpus)
seconds = time.perf_counter() - begun
print(json.dumps([count, count / seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), args.examples, args.seed)
        print("| format | examples | rows/s | examples/s | peak MB |\n|---|---|---|---|---|")
        for name, task in FORMATS.items():
            results: dict[str, list[list[float]]] = {"rows": [], "examples": []}
            for _ in range(args.rounds):
                for what, values in results.items():
                    command = [sys.executable, "-c", MEASURE, name, f"{folder}/corpus.{name}", task, what]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)
                    values.append(json.loads(done.stdout))
            rows, examples = (statistics.median(one[1] for one in values) for values in results.values())
            count, peak = int(results["examples"][0][0]), max(one[2] for one in results["examples"])
            print(f"| {name} | {count:,} | {rows:,.0f} | {examples:,.0f} | {peak:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
