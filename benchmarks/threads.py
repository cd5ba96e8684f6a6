"""How OpenMP threads wait for work: the speed of one training alone and of two at once on the same cores.

Every setting is tried in rounds, one after the other, each training in a process of its own, since libgomp reads its
environment when it is loaded. The two trainings of a pair load first and start together.

    HALLUC_DATA=… python benchmarks/threads.py [--sentences 600] [--rounds 3] [--arms 300000,active,passive,1000]

`active` and `passive` are values of OMP_WAIT_POLICY, and a number is that of GOMP_SPINCOUNT: how often libgomp looks
for work before it sleeps. Its own default is 300000.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from halluc.engine import environment

_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def environment_of(arm: str) -> dict[str, str]:
    """The environment of a training under one setting."""
    kept = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
    found = {**kept, "GOMP_SPINCOUNT" if arm.isdecimal() else "OMP_WAIT_POLICY": arm}
    environment.prepare(found, modules={})
    return found


def child(sentences: int) -> None:
    """Load, say so, wait for a line on standard input, train, and print sentences a second."""
    import train  # the benchmark beside this one

    from halluc.tasks.encoders import quiet_libraries

    quiet_libraries(verbose=False)
    # The first 64 sentences warm the libraries up, so that both of a pair are past that when they start together.
    warm = train.Setting(64, 1, 2e-4, 3e-4, 1024)
    train.halluc(warm, 1)
    setting = train.Setting(sentences, 1, 2e-4, 3e-4, 1024)
    print("ready", flush=True)
    sys.stdin.readline()
    seconds, _ = train.halluc(setting, 1)
    print(json.dumps(len(setting.train) / seconds), flush=True)


def speeds(arm: str, processes: int, sentences: int) -> list[float]:
    """Sentences a second of each of some trainings that start together."""
    command = [sys.executable, str(Path(__file__)), "--child", "--sentences", str(sentences)]
    started = [
        subprocess.Popen(command, env=environment_of(arm), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    for one in started:
        assert one.stdout is not None
        if one.stdout.readline() != "ready\n":
            raise SystemExit(f"a training under `{arm}` failed")
    for one in started:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return [float(one.communicate()[0]) for one in started]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arms", default="300000,active,passive,1000,3000,10000")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.sentences)
        return
    arms = asked.arms.split(",")
    found: dict[tuple[str, int], list[float]] = {(arm, processes): [] for arm in arms for processes in (1, 2)}
    for number in range(1, asked.rounds + 1):
        for arm in arms:
            for processes in (1, 2):
                told = speeds(arm, processes, asked.sentences)
                found[arm, processes].append(statistics.mean(told))
                print(f"round {number} {arm:<10}", " + ".join(f"{speed:.1f}" for speed in told), flush=True)
    print(f"\n{asked.sentences} sentences, medians of {asked.rounds} rounds, sentences/s of each training")
    print(f"{'setting':<12}{'alone':>8}{'two at once':>13}")
    for arm in arms:
        alone, both = (statistics.median(found[arm, processes]) for processes in (1, 2))
        print(f"{arm:<12}{alone:8.1f}{both:13.1f}")


if __name__ == "__main__":
    main()
