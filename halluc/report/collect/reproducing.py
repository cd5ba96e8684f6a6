"""The resolved config line by line, and the commands that make a run, several runs or a study again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halluc.core.errors import HallucError
from halluc.report.collect.reading import Evaluated, evaluated
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.reports import ConfigLine
from halluc.runs.schema import RunFile

# Of more runs beside each other only the first ones are told how to make.
MOST_RUNS = 5

# A line of a config that halluc has written: values are plain words, or JSON, in which alone `#` may stand.
_LINE = re.compile(r"""(?P<text>(?:[^"#]|"(?:[^"\\]|\\.)*")*?)(?:\s+\#\s(?P<origin>.*))?""", re.VERBOSE)
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)")


def config_lines(run: RunDir) -> list[ConfigLine]:
    """The lines of ``config.yaml``, each with the origin of its value; empty where there is none."""
    if not run.config.is_file():
        return []
    return [_line(text) for text in run.config.read_text(encoding="utf-8", errors="replace").split("\n") if text]


def _line(text: str) -> ConfigLine:
    found = _LINE.fullmatch(text)
    if found is None:
        return ConfigLine(text=text, origin=None)
    return ConfigLine(text=found["text"].rstrip(), origin=found["origin"])


class Made(NamedTuple):
    """What made a run, as far as it is on record; ``checkpoint`` is a model from elsewhere."""

    run: RunDir
    record: RunFile
    config: list[ConfigLine]
    splits: list[str]
    checkpoint: str


def commands(source: Evaluated, config: list[ConfigLine]) -> list[str]:
    """Lines for a shell, comments among them, that make the run again: from its config file, and from its folder."""
    if not config:
        return []
    made = Made(source.run, source.record, config, source.splits, source.file.checkpoint)
    named, where = _from_config(made), "where the data stand at the paths that its config.yaml names:"
    lines = [*_state_of_code(made.record), *_environment(made.run), *named]
    lines.append(f"# or from the run's folder alone, {where}" if named else f"# from the run's folder, {where}")
    return [*lines, *_calls(made, "config.yaml", [])]


def of_study(runs: Sequence[RunDir]) -> list[str]:
    """Lines for a shell that run a study, with the config and the code of the first cell that tells them."""
    for made in filter(None, map(_made, runs)):
        name = _config_file(made)
        if name is not None:
            return [*_state_of_code(made.record), *_environment(made.run), *_calls(made, name, [])]
    return []


def of_runs(runs: Sequence[RunDir]) -> list[str]:
    """Lines for a shell that make each of the first runs, those that tell how."""
    lines: list[str] = []
    for run in runs[:MOST_RUNS]:
        made = _made(run)
        named = _from_config(made) if made is not None else []
        if made is not None and named:
            lines += [f"# {run.path}:", *_state_of_code(made.record), *_environment(run), *named]
        else:
            lines.append(f"# {run.path}: its folder does not tell by which config it was made")
    left = len(runs) - MOST_RUNS
    return lines + ([f"# and {left:,} more, as the report of each tells"] if left > 0 else [])


def _made(run: RunDir) -> Made | None:
    """None where that is not on record, or damaged."""
    try:
        record, splits = run.read(), evaluated(run)
        from_elsewhere = "train" not in record.stages and splits
        checkpoint = evaluations.read(run, splits[0]).checkpoint if from_elsewhere else ""
    except HallucError:
        return None  # told by who needs its figures
    return Made(run, record, config_lines(run), splits, checkpoint)


def _from_config(made: Made) -> list[str]:
    """The commands that make a run from its config file; empty where that, or the run's place in a study, is not
    known."""
    name, only = _config_file(made), choice(made.run.path.name)
    if name is None or only is None:
        return []
    return list(_calls(made, name, [part for axis in only for part in ("--only", axis)]))


def _calls(made: Made, config: str, only: list[str]) -> Iterator[str]:
    """``halluc run`` where it does it all, else one command for each step that was taken."""
    record, own = made.record, config == "config.yaml"
    train, evaluation = record.stages.get("train"), record.stages.get("eval")
    # What training was asked for on the command line already stands in config.yaml.
    given = train.arguments if train else []
    asked = [] if own else given
    then = [one for one in (evaluation.arguments if evaluation else []) if not own or one not in given]
    if train is None:
        yield _call("eval", config, ["--checkpoint", made.checkpoint], then, only)
    elif then == asked and "train" not in made.splits:
        yield _call("run", config, [], asked, only)
    else:
        yield _call("train", config, [], asked, only)
        sets = list(dict.fromkeys([*asked, *then]))
        # Dev and test are evaluated unasked.
        named = [*reversed(made.splits)] if "train" in made.splits else []
        yield _call("eval", config, [part for split in named for part in ("--split", split)], sets, only)


def _call(command: str, config: str, options: list[str], sets: list[str], only: list[str]) -> str:
    overrides = [part for override in sets for part in ("--set", override)]
    return shlex.join(["halluc", command, config, *options, *overrides, *only])


def choice(folder: str) -> list[str] | None:
    """What ``--only`` says of the cell of a study in this folder; empty for a run that is none, and None where a
    value was shortened to make the name."""
    if "=" not in folder:
        return []
    return None if "~" in folder else folder.split(",")


def _config_file(made: Made) -> str | None:
    """The config that was named on the command line, as origins name it; its own name where they do not."""
    first = next(iter(sorted((made.run.path / "source").glob("00-*"))), None)
    if first is None:
        return None
    own = first.name.removeprefix("00-")
    told = (line.origin for line in made.config)
    origins = (origin.rpartition(":")[0] for origin in told if origin and not origin.startswith("--set"))
    named = next((origin for origin in origins if Path(origin).name == own), own)
    return f"./{named}" if named.startswith("-") else named


def _environment(run: RunDir) -> Iterator[str]:
    """The variables that the config reads: their values are not on record."""
    names: dict[str, None] = {}
    for file in sorted((run.path / "source").glob("*")):
        names.update(dict.fromkeys(_VARIABLE.findall(file.read_text(encoding="utf-8", errors="replace"))))
    if names:
        yield f"# the config reads the environment: {', '.join(names)}"


def _state_of_code(record: RunFile) -> Iterator[str]:
    git = record.git or {}
    versions = [f"{name} {record.versions[name]}" for name in ("torch", "transformers") if name in record.versions]
    yield f"# {', '.join([f'halluc {record.halluc}', *versions])}"
    if git.get("commit"):
        changed = ", and files that differed from it" if git.get("dirty") else ""
        yield f"# commit {git['commit']}{changed}"
