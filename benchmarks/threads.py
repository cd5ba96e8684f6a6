"""Settings of how OpenMP threads wait: the speed of one training, and of two trainings at the same time.

There are two processes per setting, since libgomp reads its environment when it is loaded. They take short turns in
rounds. Other processes on the machine affect the medians more than the best round.

    HALLUC_DATA=… python benchmarks/threads.py [--sentences 200] [--rounds 7] [--arms active,300000,10000,1000,passive]

`active` and `passive` are values of OMP_WAIT_POLICY, and numbers are values of GOMP_SPINCOUNT: how often libgomp checks
for work before it sleeps (default 300000). Each process needs a gigabyte of memory.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from halluc.engine import environment

_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def environment_of(arm: str) -> dict[str, str]:
    """The environment of a training under one setting."""
    kept = {name: value for name, value in os.environ.items() if name not in _VARIABLES}
    variables = {**kept, "GOMP_SPINCOUNT" if arm.isdecimal() else "OMP_WAIT_POLICY": arm}
    environment.prepare(variables, modules={})
    return variables


def child(sentences: int) -> None:
    """For each line of standard input: train once, and print the sentences per second."""
    import train  # benchmarks/train.py

    from halluc.config.training import TrainConfig
    from halluc.engine import loop, runtime
    from halluc.engine.pretrained import quiet_libraries

    quiet_libraries(verbose=False)
    setting = train.Setting(sentences, 1, 2e-4, 3e-4, 1024)
    engine = runtime.start("auto", 1)
    encoder = setting.fresh(1, runtime.attention_for(engine.device.type))
    features = setting.task.model.encode(setting.train, encoder)
    config = TrainConfig(epochs=1, learning_rate=3e-4, batch_tokens=1024)
    for _ in sys.stdin:
        training = loop.prepare(encoder.model, features, config, engine, 1)
        *_, last = loop.fit(training, evaluate=None, choose_by="entity_f1")
        print(len(setting.train) / last.seconds, flush=True)


class Trainer:
    """A process that trains on request, and is stopped in between, because its threads may wait actively."""

    def __init__(self, arm: str, sentences: int) -> None:
        command = [sys.executable, str(Path(__file__)), "--child", "--sentences", str(sentences)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=environment_of(arm), text=True, **pipes)
        self.begin()
        self.speed()  # the first training also loads libraries

    def begin(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin is not None
        self.process.stdin.write("train\n")
        self.process.stdin.flush()

    def speed(self) -> float:
        assert self.process.stdout is not None
        speed = float(self.process.stdout.readline())
        self.process.send_signal(signal.SIGSTOP)
        return speed

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def measure(arms: dict[str, list[Trainer]], rounds: int) -> dict[tuple[str, int], list[float]]:
    """Sentences per second of each training, by setting and number of trainings at the same time."""
    speeds: dict[tuple[str, int], list[float]] = {(arm, number): [] for arm in arms for number in (1, 2)}
    for turn in range(1, rounds + 1):
        for arm, both in arms.items():
            for number in (1, 2):
                for one in both[:number]:
                    one.begin()
                own = [one.speed() for one in both[:number]]
                speeds[arm, number].append(statistics.mean(own))
                print(f"round {turn} {arm:<10}", " + ".join(f"{speed:.1f}" for speed in own), flush=True)
    return speeds


def main(
    sentences: int = 200,
    rounds: int = 7,
    arms: str = "active,300000,10000,1000,passive",
    is_child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    if is_child:
        child(sentences)
        return
    trainers: dict[str, list[Trainer]] = {}
    try:
        for arm in arms.split(","):
            trainers[arm] = [Trainer(arm, sentences) for _ in range(2)]
        speeds = measure(trainers, rounds)
    finally:
        for one in (one for both in trainers.values() for one in both):
            one.end()
    print(f"\n{sentences} sentences, sentences/s of each training: median and best of {rounds} rounds")
    print(f"{'setting':<10}{'alone':>16}{'two at once':>16}")
    for arm in trainers:
        cells = (f"{statistics.median(own):.1f} / {max(own):.1f}" for own in (speeds[arm, 1], speeds[arm, 2]))
        print(f"{arm:<10}" + "".join(f"{cell:>16}" for cell in cells))


if __name__ == "__main__":
    typer.run(main)
