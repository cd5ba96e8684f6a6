"""Generated configs and corpora, from ``tests/generated_configs.py`` and ``tests/generated_corpora.py``."""

from __future__ import annotations

import functools
import importlib
import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attacking.made import Made
from attacking.results import CLEAR, EQUAL, OTHER, Attack, Bench, Verdict

_TESTS = Path(__file__).resolve().parents[2] / "tests"


def _generator(name: str) -> Any:
    """A generator of the tests beside this benchmark; it is not part of the checkout that is attacked."""
    sys.path.append(str(_TESTS))
    try:
        return getattr(importlib.import_module(name), name)
    finally:
        sys.path.remove(str(_TESTS))


def configs(made: Made, seed: int, count: int) -> Iterator[Attack]:
    for number, text in enumerate(_generator("generated_configs")(seed, count)):
        yield Attack("configs", f"{number} = {_short(text)}", functools.partial(_config, made, text))


def _config(made: Made, text: str, bench: Bench) -> Verdict:
    """``check``, ``config show``, and a step of ``train`` for what ``check`` accepts: it must not fail there."""
    config = bench.put("c.yaml", text)
    show, check = bench.halluc("config", "show", config), bench.halluc("check", config)
    if check.code:
        return Verdict(CLEAR if check.refused else OTHER, check.first_error)
    if show.code:
        return Verdict(OTHER, f"check accepts what config show refuses: {show.first_error}")
    first = _first_cell(bench, config)
    only = [] if first is None else ["--only", first]
    train = bench.halluc("train", config, "--set", "train.steps=1", "--set", f"runs_dir={bench.out}", *only)
    if train.refused and train.code != 4:  # what the machine lacks is not the config's fault
        return Verdict(OTHER, f"check accepts it, train ends: {train.first_error}")
    return Verdict(CLEAR if train.refused else EQUAL)


def _first_cell(bench: Bench, config: Path) -> str | None:
    """Of a study, the cell of the first value on each axis; None of a single experiment."""
    try:
        from halluc.components import TABLE
        from halluc.config.matrix import load_study

        slug = load_study(config, (), table=TABLE).cells[0].slug
    except Exception as error:  # noqa: BLE001 - `check` has just accepted it
        raise AssertionError(f"a config that check accepts cannot be loaded: {config.read_text()[:500]}") from error
    return slug


def corpora(made: Made, seed: int, count: int) -> Iterator[Attack]:
    for number, (name, content, yaml) in enumerate(_generator("generated_corpora")(seed, count)):
        yield Attack("corpora", f"{number} = {name}", functools.partial(_corpus, made, name, content, yaml))


def _corpus(made: Made, name: str, content: bytes, yaml: str, bench: Bench) -> Verdict:
    """``check`` on a corpus, and ``predict`` on it as texts: an error with a code, or figures."""
    file = bench.put(Path(name).name or "corpus", content)
    config = bench.put("c.yaml", yaml.replace("{path}", str(file)))
    check = bench.halluc("check", config)
    predict = bench.halluc("predict", made.texts, "--input", file, "--output", bench.out / "claims.jsonl")
    for call in (check, predict):
        if call.code and not call.refused:
            return Verdict(OTHER, f"{call.command}: exit {call.code}: {call.first_error}")
    if predict.code == 0:
        lines = (bench.out / "claims.jsonl").read_bytes().decode("utf-8").split("\n")
        for line in itertools.filterfalse(lambda line: line == "", lines):
            json.loads(line)
    return Verdict(CLEAR if check.refused else EQUAL)


def _short(text: str) -> str:
    """The config on one line, long values cut."""
    line = json.dumps(text, ensure_ascii=True)[1:-1]
    return line if len(line) <= 600 else line[:300] + "…" + line[-300:]
