"""The resolved config line by line, and the commands that reproduce a run, several runs or a study."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from halluc.core.errors import HallucError
from halluc.reporting.collect import paths
from halluc.reporting.collect.paths import Paths
from halluc.reporting.collect.reading import EvaluatedRun, evaluated_splits
from halluc.runs import evaluations
from halluc.runs.directory import RunDir
from halluc.runs.reports import ConfigLine
from halluc.runs.schema import RunFile
from halluc.wording.formats import ELLIPSIS

# Commands are shown only for the first of several compared runs.
MOST_RUNS = 5

# A line of a config written by halluc: values are plain words, or JSON, and only JSON may contain `#`.
_LINE = re.compile(r"""(?P<text>(?:[^"#]|"(?:[^"\\]|\\.)*")*?)(?:\s+\#\s(?P<origin>.*))?""", re.VERBOSE)


def config_lines(run: RunDir) -> list[ConfigLine]:
    """The lines of ``config.yaml``, each with the origin of its value; empty if there is none."""
    if not run.config.is_file():
        return []
    lines = run.config.read_text(encoding="utf-8", errors="replace").split("\n")
    return [
        ConfigLine(text=result["text"].rstrip() if result else text, origin=result["origin"] if result else None)
        for text, result in ((text, _LINE.fullmatch(text)) for text in lines if text)
    ]


class Commands(NamedTuple):
    """The commands that made a run, as far as recorded; ``checkpoint`` is a model from elsewhere."""

    run: RunDir
    record: RunFile
    config: list[ConfigLine]
    splits: list[str]
    checkpoint: str
    paths: Paths


def commands(source: EvaluatedRun, config: list[ConfigLine], known: Paths) -> list[str]:
    """Shell lines, with comments, that reproduce the run: from its config file, and from its stored config, each with
    the folder to start in."""
    if not config:
        return []
    made = Commands(source.run, source.record, config, source.splits, source.file.checkpoint, known.from_start_folder())
    named, kept = _from_config(made), _from_stored_config(made)
    if named and known.start is not None:
        kept = kept[1:]  # in the same folder
    if named:
        named.append("# or with the resolved config in the run")
    return _explain_placeholders([*_surroundings(made), *named, *kept])


def study_commands(runs: Sequence[RunDir]) -> list[str]:
    """Shell lines that run a study, with the config and the code of the first cell that records them."""
    for made in filter(None, map(_recorded_commands, runs)):
        named = paths.config_file(made.run, made.config)
        if named is not None:
            where = _place(made, named) or (_start_at(_stored_config(made)), made.paths.of(named))
            return _explain_placeholders([*_surroundings(made), where[0], *_calls(made, where[1], [])])
    return []


def comparison_commands(runs: Sequence[RunDir]) -> list[str]:
    """Shell lines that reproduce each of the first runs, if known."""
    lines: list[str] = []
    for run in runs[:MOST_RUNS]:
        made = _recorded_commands(run)
        named = _from_config(made) or (_from_stored_config(made) if made.config else []) if made is not None else []
        if made is not None and named:
            lines += [f"# {run.path}:", *_surroundings(made), *named]
        else:
            lines.append(f"# {run.path}: its config is unknown")
    left = len(runs) - MOST_RUNS
    return _explain_placeholders(lines) + ([f"# and {left:,} more, see the report of each"] if left > 0 else [])


def from_start(path: Path, runs: Sequence[RunDir]) -> str:
    """A path as written in a command in the folder in which the first of several runs was started."""
    start = paths.known_paths([(run, config_lines(run)) for run in runs[:1]]).start
    return str(path) if start is None else _relative_below(path.absolute(), start) or str(path)


def _explain_placeholders(lines: list[str]) -> list[str]:
    """With a line about placeholders: the beginnings of paths outside of all known folders."""
    is_open = any(f"{ELLIPSIS}/" in line for line in lines if not line.startswith("#"))
    return [f"# replace {ELLIPSIS}/ by the complete path", *lines] if is_open else lines


def _recorded_commands(run: RunDir) -> Commands | None:
    """None if it is not recorded, or damaged."""
    try:
        record, splits = run.read(), evaluated_splits(run)
        from_elsewhere = "train" not in record.stages and splits
        checkpoint = evaluations.read(run, splits[0]).checkpoint if from_elsewhere else ""
    except HallucError:
        return None  # reported when its figures are needed
    config = config_lines(run)
    return Commands(run, record, config, splits, checkpoint, paths.known_paths([(run, config)]).from_start_folder())


def _from_config(made: Commands) -> list[str]:
    """The folder to start in, and the commands that reproduce a run from its config file; empty if the file, or the
    run's place in a study, is unknown, or the file is not in that folder."""
    named, only = paths.config_file(made.run, made.config), choice(made.run.path.name)
    where = None if named is None else _place(made, named)
    if where is None or only is None:
        return []
    start, name = where
    return [start, *_calls(made, name, [part for axis in only for part in ("--only", axis)])]


def _place(made: Commands, named: str) -> tuple[str, str] | None:
    """The folder to start in, as a comment, and the path of the config file there; None if it is elsewhere."""
    start = made.paths.start
    if start is not None:
        name = _relative_below(start / named, start)
    else:
        name = Path(named).name if Path(named).is_absolute() else named
    return None if name is None else (_start_at(name), _argument(name))


def _start_at(name: str) -> str:
    return f"# start in the folder that contains {name}"


def _from_stored_config(made: Commands) -> list[str]:
    """The same from the config stored in the run."""
    kept, start = (
        _stored_config(made),
        "# start in the folder of the run, with the data at the paths in its config.yaml",
    )
    if kept != made.run.config.name:
        start = _start_at(kept)
    return [start, *_calls(made, _argument(kept), [], is_stored=True)]


def _stored_config(made: Commands) -> str:
    """The path of the run's stored config in the folder to start in; otherwise in the run itself."""
    start = made.paths.start
    inside = None if start is None else _relative_below(made.run.config.absolute(), start)
    return inside or made.run.config.name


def _relative_below(path: Path, start: Path) -> str | None:
    """A path relative to a folder; None if it is not in it."""
    for one, folder in ((path, start), (path.resolve(), start.resolve())):
        if one.is_relative_to(folder) and ".." not in one.parts:
            return str(one.relative_to(folder))
    return None


def _argument(name: str) -> str:
    return f"./{name}" if name.startswith("-") else name


def _calls(made: Commands, config: str, only: list[str], *, is_stored: bool = False) -> Iterator[str]:
    """``halluc run`` if it does everything, otherwise one command for each step.

    Args:
        is_kept: whether ``config`` is the one stored in the run.
    """
    record = made.record
    train, evaluation = record.stages.get("train"), record.stages.get("eval")
    # Command-line settings of training are in config.yaml already.
    given = [made.paths.text(one) for one in train.arguments] if train else []
    requested = [] if is_stored else given
    asked_of_eval = [made.paths.text(one) for one in evaluation.arguments] if evaluation else []
    then = [one for one in asked_of_eval if not is_stored or one not in given]
    if record.predictions is not None:
        judged = record.predictions
        options = ["--predictions", made.paths.of(judged.file), "--split", judged.split, "--name", judged.name]
        yield _call("eval", config, options, then, only)
    elif train is None:
        yield _call("eval", config, ["--checkpoint", made.paths.of(made.checkpoint)], then, only)
    elif then == requested and "train" not in made.splits:
        yield _call("run", config, [], requested, only)
    else:
        yield _call("train", config, [], requested, only)
        sets = list(dict.fromkeys([*requested, *then]))
        # Dev and test are evaluated by default.
        named = [*reversed(made.splits)] if "train" in made.splits else []
        yield _call("eval", config, [part for split in named for part in ("--split", split)], sets, only)


def _call(command: str, config: str, options: list[str], sets: list[str], only: list[str]) -> str:
    return shlex.join(
        ["halluc", command, config, *options, *(part for override in sets for part in ("--set", override)), *only]
    )


def choice(folder: str) -> list[str] | None:
    """The ``--only`` argument for the cell of a study in this folder; empty for a run that is not a cell, and None if a
    value was shortened to make the name."""
    if "=" not in folder:
        return []
    return None if "~" in folder else folder.split(",")


def _surroundings(made: Commands) -> Iterator[str]:
    """Versions, the commit, and the variables that the config reads, whose values are not recorded."""
    record, git, names = made.record, made.record.git or {}, paths.variables(made.run)
    versions = [f"{name} {record.versions[name]}" for name in ("torch", "transformers") if name in record.versions]
    yield f"# {', '.join([f'halluc {record.halluc}', *versions])}"
    if git.get("commit"):
        yield f"# commit {git['commit']}{', with local changes' if git.get('dirty') else ''}"
    if names:
        yield f"# the config reads the environment: {', '.join(names)}"
