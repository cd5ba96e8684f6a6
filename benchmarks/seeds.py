"""False positive rates of comparisons in simulated studies without a difference, by source of variance and seeds.

python benchmarks/seeds.py [--draws 60000]

Each cell is the share of 95% intervals that exclude 0, by the method of docs/metrics.md, and in parentheses by the
earlier method of halluc, a bootstrap over seeds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.seed_simulation import SOURCES, false_positives, false_positives_of_resampled_seeds


def main(draws: int = 60_000) -> None:
    counts = (2, 3, 5, 10)
    print(f"{'what varies':<20}" + "".join(f"{f'{k} seeds':>17}" for k in counts))
    for source in SOURCES:
        line = f"{source:<20}"
        for k in counts:
            now, before = false_positives(k, source, draws), false_positives_of_resampled_seeds(k, source, draws // 10)
            line += f"{f'{now:.3f} ({before:.3f})':>17}"
        print(line)


if __name__ == "__main__":
    typer.run(main)
