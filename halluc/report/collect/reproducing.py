"""The resolved config line by line, and the commands that make a run again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from halluc.report.collect.reading import Evaluated
from halluc.runs.directory import RunDir
from halluc.runs.reports import ConfigLine

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


def commands(source: Evaluated, config: list[ConfigLine]) -> list[str]:
    """Lines for a shell, comments among them, that make the run again: from its config file, and from its folder."""
    if not config:
        return []
    lines = [*_state_of_code(source), *_environment(source.run)]
    name = _config_file(source.run, config)
    only = choice(source.run.path.name)
    if name is not None and only is not None:
        lines += _calls(source, name, [part for axis in only for part in ("--only", axis)])
        lines.append("# or from the run's folder alone, where the data stand at the paths that its config.yaml names:")
    else:
        lines.append("# from the run's folder, where the data stand at the paths that its config.yaml names:")
    return [*lines, *_calls(source, "config.yaml", [])]


def _calls(source: Evaluated, config: str, only: list[str]) -> Iterator[str]:
    """``halluc run`` where it does it all, else one command for each step that was taken."""
    record, own = source.record, config == "config.yaml"
    train, evaluation = record.stages.get("train"), record.stages.get("eval")
    # What training was asked for on the command line already stands in config.yaml.
    given = train.arguments if train else []
    asked = [] if own else given
    then = [one for one in (evaluation.arguments if evaluation else []) if not own or one not in given]
    if train is None:
        yield _call("eval", config, ["--checkpoint", source.file.checkpoint], then, only)
    elif then == asked and "train" not in source.splits:
        yield _call("run", config, [], asked, only)
    else:
        yield _call("train", config, [], asked, only)
        sets = list(dict.fromkeys([*asked, *then]))
        # Dev and test are evaluated unasked.
        named = [*reversed(source.splits)] if "train" in source.splits else []
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


def _config_file(run: RunDir, config: list[ConfigLine]) -> str | None:
    """The config that was named on the command line, as origins name it; its own name where they do not."""
    first = next(iter(sorted((run.path / "source").glob("00-*"))), None)
    if first is None:
        return None
    own = first.name.removeprefix("00-")
    origins = (line.origin.rpartition(":")[0] for line in config if line.origin and not line.origin.startswith("--set"))
    named = next((origin for origin in origins if Path(origin).name == own), own)
    return f"./{named}" if named.startswith("-") else named


def _environment(run: RunDir) -> Iterator[str]:
    """The variables that the config reads: their values are not on record."""
    names: dict[str, None] = {}
    for file in sorted((run.path / "source").glob("*")):
        names.update(dict.fromkeys(_VARIABLE.findall(file.read_text(encoding="utf-8", errors="replace"))))
    if names:
        yield f"# the config reads the environment: {', '.join(names)}"


def _state_of_code(source: Evaluated) -> Iterator[str]:
    record, git = source.record, source.record.git or {}
    versions = [f"{name} {record.versions[name]}" for name in ("torch", "transformers") if name in record.versions]
    yield f"# {', '.join([f'halluc {record.halluc}', *versions])}"
    if git.get("commit"):
        changed = ", and files that differed from it" if git.get("dirty") else ""
        yield f"# commit {git['commit']}{changed}"
