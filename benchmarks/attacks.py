"""Robustness tests: inputs and interruptions that once broke halluc, and generated ones, with a table of the outcomes.

    python benchmarks/attacks.py [--seed 1] [--only GROUP]… [--configs 300] [--corpora 300] [--share 0.3]

An attack is passed if it ends with an error with a code, with a reported fallback, or with a result that is equal byte
for byte to the undisturbed one (times masked). The exit code is 1 if an attack is not passed. All attacks take about 25
minutes on two cores. All files are written into a temporary folder, and everything random depends only on the seed. A
call may take 10 seconds of processor time and a gigabyte of memory; this includes torch, even if the command would not
load it.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parent.parent


def all_attacks(
    folder: Path, only: Sequence[str], seed: int, count_of_configs: int, count_of_corpora: int, share: float
) -> Iterator:
    from attacking import by_hand, by_hand_on_runs, damage, generated, kills, made, together
    from attacking.results import Attack

    def wants(group: str) -> bool:
        return not only or group.startswith(tuple(only))

    ready = made.make(folder)
    several = [
        *(
            Attack(group, name, task)
            for group, tasks in {**by_hand.groups(ready), **by_hand_on_runs.groups(ready)}.items()
            for name, task in tasks
        ),
        *together.attacks(ready, seed),
        generated.million(ready),
        *kills.attacks(ready, seed),
    ]
    yield from (one for one in several if wants(one.group))
    if wants("configs"):
        yield from generated.configs(ready, seed, count_of_configs)
    if wants("corpora"):
        yield from generated.corpora(ready, seed, count_of_corpora)
    if wants("damage"):
        yield from damage.attacks(ready, seed, share)


def shuffled(attacks: list, most: int | None, seed: int) -> list:
    """The attacks in random order, at most ``most`` of each group."""
    random.Random(seed).shuffle(attacks)
    counts: Counter[str] = Counter()
    chosen = []
    for one in attacks:
        counts[one.group] += 1
        if most is None or counts[one.group] <= most:
            chosen.append(one)
    return chosen


# Most attacks cannot be pickled: workers inherit them, and get their numbers.
_attacks: list = []


def _perform(folder: Path, number: int) -> object:
    from attacking.results import perform

    return perform(_attacks[number], folder / f"worker-{os.getpid()}")


def perform_all(attacks: Sequence, folder: Path, workers: int) -> list:
    """Distribute the attacks over worker processes, which fork a process for each call; prints the progress."""
    results, printed = [], time.monotonic()
    _attacks[:] = attacks
    perform = functools.partial(_perform, folder)
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        try:
            for done in as_completed([pool.submit(perform, number) for number in range(len(attacks))]):
                results.append(done.result())
                if time.monotonic() - printed > 60:
                    printed = time.monotonic()
                    text = f"{time.strftime('%H:%M:%S')}: {len(results)} of {len(attacks)} attacks"
                    print(text, file=sys.stderr, flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results


def main(
    seed: int = 1,
    only: Annotated[list[str], typer.Option(help="groups whose name begins so; repeatable")] = [],  # noqa: B006
    configs: int = 300,
    corpora: int = 300,
    share: Annotated[float, typer.Option(help="the share of all combinations of damage and command")] = 0.3,
    most: Annotated[int | None, typer.Option(help="no more attacks of a group than this, drawn by the seed")] = None,
    workers: Annotated[int, typer.Option(help="attacks at a time")] = 2,
    faults_file: Annotated[Path | None, typer.Option("--faults", help="write the faults, a JSON object a line")] = None,
) -> None:
    # Before halluc is imported, and for the processes that are started.
    os.environ.update(
        HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", TERM="dumb", PYTHONPATH=str(ROOT)
    )
    os.environ.pop("COLUMNS", None)
    sys.path.insert(0, str(ROOT))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    from attacking import calls
    from attacking.results import HELD, not_held, table

    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="attacks-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        calls.import_everything()
        (folder / "made").mkdir()
        attacks = list(all_attacks(folder / "made", only, seed, configs, corpora, share))
        results = perform_all(shuffled(attacks, most, seed), folder, workers)
    results.sort(key=lambda one: (one.group, one.outcome, one.name))
    faults = [one for one in results if one.outcome not in HELD]
    print(table(results))
    total, broken, later = (
        sum(one.count for one in results),
        sum(one.count for one in faults),
        sum(one.after_checkpoint for one in results),
    )
    print(f"\n{total} attacks in {(time.monotonic() - started) / 60:.1f} minutes; {broken} did not hold")
    if later:
        print(f"{later} of the kills came after the first checkpoint of a training")
    if faults:
        print("\n" + not_held(results))
    if faults_file is not None:
        faults_file.write_text("".join(json.dumps(asdict(one)) + "\n" for one in faults))
    raise typer.Exit(int(bool(faults)))


if __name__ == "__main__":
    typer.run(main)
