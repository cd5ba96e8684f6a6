"""Configs and corpora from the generators of the tests."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from check import Sentences, columns

from attacking import calls
from attacking.calls import Call
from attacking.made import Made, base, write_config
from attacking.results import CLEAR, EQUAL, OTHER, Attack, Bench, Verdict
from tests.generated_configs import generated_configs
from tests.generated_corpora import generated_corpora


def configs(made: Made, seed: int, count: int) -> Iterator[Attack]:
    for number, text in enumerate(generated_configs(seed, count)):
        yield Attack("configs", f"{number} = {_short(text)}", functools.partial(_config, made, text))


def _config(made: Made, text: str, bench: Bench) -> Verdict:
    """``check``, ``config show``, and, if ``check`` accepts the config, a step of ``train``, which must not fail."""
    config = bench.put("c.yaml", text)
    show, check = bench.halluc("config", "show", config), bench.halluc("check", config)
    if check.code:
        return Verdict(CLEAR if check.refused else OTHER, check.first_error)
    if show.code:
        return Verdict(OTHER, f"check accepts what config show refuses: {show.first_error}")
    train = _train(bench, config, "--shard", "1/1000")  # of a study the first cell
    if "no `matrix`" in train.err:
        train = _train(bench, config)
    # These errors do not depend on the config alone: no CUDA on this machine (C201), no training split (C107).
    if train.refused and train.code != 4 and not re.search(r"error\[C(107|201)\]", train.err):
        return Verdict(OTHER, f"check accepts it, train ends: {train.first_error}")
    return Verdict(CLEAR if train.refused else EQUAL)


def _train(bench: Bench, config: Path, *more: str) -> Call:
    return bench.halluc("train", config, "--set", "train.steps=1", "--set", f"runs_dir={bench.out}", *more)


def corpora(made: Made, seed: int, count: int) -> Iterator[Attack]:
    """Corpora are files, because in memory they would count in the peak memory of each forked process."""
    folder = made.folder / "corpora"
    folder.mkdir(exist_ok=True)
    for number, (name, content, yaml) in enumerate(generated_corpora(seed, count)):
        file = folder / str(number)
        file.write_bytes(content)
        # Prediction is slow, so it is left out for long corpora.
        short = len(content) < 1_000_000 and content.count(b"\n") < 20_000 and "gzip" not in name
        yield Attack("corpora", f"{number} = {name}", functools.partial(_corpus, made, file, yaml, short))


def _corpus(made: Made, source: Path, yaml: str, short: bool, bench: Bench) -> Verdict:
    """``check`` on a corpus, and ``predict`` on it as texts: an error with a code, or figures."""
    file = bench.given / "corpus"
    os.link(source, file)
    rest = f"name: corpus\nmodel: {{name: {made.folder / 'encoder'}}}\nruns_dir: {bench.out}\n"
    config = bench.put("c.yaml", f"{yaml.replace('{path}', str(file))}{rest}")
    check = bench.halluc("check", config)
    calls = [check]
    if short:
        calls.append(bench.halluc("predict", made.texts, "--input", file, "--output", bench.out / "claims.jsonl"))
    for call in calls:
        if call.code and not call.refused:
            return Verdict(OTHER, f"{call.command}: exit {call.code}: {call.first_error}")
    if calls[-1] is not check and calls[-1].code == 0:
        for line in (bench.out / "claims.jsonl").read_bytes().splitlines():
            json.loads(line)
    return Verdict(CLEAR if check.refused else EQUAL)


def _short(text: str) -> str:
    """The config on one line, long values cut."""
    line = json.dumps(text, ensure_ascii=True)[1:-1]
    return line if len(line) <= 600 else line[:300] + "…" + line[-300:]


def million(made: Made) -> Attack:
    """``check`` on a million sentences: at most a minute and a gigabyte."""
    return Attack("million sentences", "check", functools.partial(_million, made), seconds=60)


def _million(made: Made, bench: Bench) -> Verdict:
    """In a new process, whose memory has no torch."""
    drawn = Sentences(seed=1, lengths=range(3, 21))
    with (bench.given / "train.txt").open("w", encoding="utf-8") as file:
        file.writelines(columns(drawn.sentence() for _ in range(1_000_000)))
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
