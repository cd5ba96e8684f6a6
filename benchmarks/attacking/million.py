"""``check`` on a million sentences, at most a minute and a gigabyte; in a new process, whose memory has no torch."""

from __future__ import annotations

import functools
import subprocess
import sys
import time
from collections.abc import Iterator

from check import Sentences, columns

from attacking import calls
from attacking.made import Made, base, write_config
from attacking.results import EQUAL, OTHER, Attack, Bench, Verdict

_SECONDS, _SENTENCES = 60, 1_000_000


def attacks(made: Made) -> Iterator[Attack]:
    yield Attack("million sentences", "check", functools.partial(_check, made), _SECONDS)


def _check(made: Made, bench: Bench) -> Verdict:
    drawn = Sentences(seed=1, lengths=range(3, 21))
    with (bench.given / "train.txt").open("w", encoding="utf-8") as file:
        file.writelines(columns(drawn.sentence() for _ in range(_SENTENCES)))
    data = {"format": "conll", "train": str(bench.given / "train.txt"), "dev": base(made.folder)["data"]["dev"]}
    config = write_config(bench.given / "c.yaml", **{**base(made.folder), "data": data})
    outputs = (bench.logs / "out", bench.logs / "err")
    with outputs[0].open("wb") as out, outputs[1].open("wb") as err:
        command = [sys.executable, "-m", "halluc", "check", str(config)]
        started = subprocess.Popen(command, cwd=bench.cwd, stdout=out, stderr=err, start_new_session=True)
    started.returncode = 0  # ``calls.finish`` waits for it by its id
    call = calls.finish(calls.Started(started.pid, ("check", str(config)), outputs, time.monotonic()), 300)
    bench.calls.append(call)
    return Verdict(EQUAL if call.code == 0 else OTHER, call.first_error)
