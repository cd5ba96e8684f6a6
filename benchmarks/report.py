"""The time of `halluc report`, including the start of Python, and the size of its page.

    python benchmarks/report.py                      # a synthetic run of 3,500 sentences and a study of 12 cells
    python benchmarks/report.py RUN_OR_STUDY …       # others, for example runs/conll-minilm/latest

The target is 3 s for a run of the size of CoNLL-2003, and 6 s for a study whose figures are cached.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

SENTENCES = 3_500
TIMES = 3


def main(targets: list[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for target in targets or synthetic(Path(folder)):
            measure(target, Path(folder) / "page")


def synthetic(folder: Path) -> list[Path]:
    from tests.made_runs import Rates, made_examples, make_run, make_study

    run = make_run(folder, made_examples(SENTENCES, Rates(0.03, 0.03, 0.1), "benchmark"))
    arms = {"none": Rates(0.1, 0.1, 0.1), "mix": Rates(0.05, 0.15, 0.1)}
    return [run.path, make_study(folder, arms=arms, sentences=SENTENCES)]


def measure(target: Path, page: Path) -> None:
    """Time a first report, which computes the figures of a study, and further ones, which reuse them."""
    seconds = []
    for _ in range(1 + TIMES):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "halluc", "report", target, "-q", "-o", page], check=True, stderr=-3)
        seconds.append(time.perf_counter() - start)
    size = (page / "index.html").stat().st_size
    print(f"{target.name}: first {seconds[0]:.2f} s, then {statistics.median(seconds[1:]):.2f} s; {size / 1e3:,.0f} kB")


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
