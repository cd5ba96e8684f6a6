"""Paths in reports: never absolute, since absolute paths reveal names of users and machines.

A path in the folder of a variable that the config reads (such as ``HALLUC_DATA``) begins with ``${NAME}``; one in the
working directory of the run, or of the report, is relative to it; one in the config file's folder is relative to that;
of any other the last two parts stay, after ``…/``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, TypeVar

from pydantic import BaseModel

import halluc
from halluc.core.errors import HallucError
from halluc.runs.directory import RunDir
from halluc.runs.reports import ComparisonReport, ConfigLine, RunReport, ShownClaim, StudyReport
from halluc.wording.formats import ELLIPSIS

DATA_VARIABLE = "HALLUC_DATA"
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)")
# What may precede the first slash of an absolute path: not a part of a relative path, an address or markup.
_BEFORE = r"(?<![\w.…}~<:/-])(?:file://(?=/))?"
_AFTER = r"(?![\w.-])"
_UNQUOTED = r"[^\s\"'`,;()\[\]{}<>|]"
M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", ComparisonReport, StudyReport)


@dataclass(frozen=True)
class Paths:
    """``names`` maps folders to their replacements; ``configs`` are the folders of config files. ``start`` is the
    folder in which the run was started, None if unknown."""

    start: Path | None
    names: Mapping[str, str]
    configs: tuple[str, ...] = ()

    def of(self, path: str) -> str:
        """One path; a relative one stays unchanged."""
        if not path.startswith("/"):
            return path
        pure, home = PurePath(path), _home()
        for folders in (self.names, dict.fromkeys(self.configs, "")):
            inside = [folder for folder in folders if pure.is_relative_to(folder)]
            if inside:
                folder = max(inside, key=len)
                rest = str(pure.relative_to(folder))
                return "/".join(filter(None, (folders[folder], "" if rest == "." else rest))) or "."
        if home and pure != PurePath(home) and pure.is_relative_to(home):
            pure = pure.relative_to(home)  # the name of the home folder is that of a user
        parts = [part for part in pure.parts if part != "/"]
        return "/".join([ELLIPSIS, *parts[-2:]])

    def text(self, text: str) -> str:
        """A text in which every absolute path is replaced as by ``of``."""
        if "/" not in text:
            return text
        if text.startswith("/") and "\n" not in text:
            return self.of(text)
        return self._pattern.sub(self._replace, text)

    def from_start_folder(self) -> Paths:
        """The paths as seen from the start folder: variables, and files in this folder."""
        variables = {folder: name for folder, name in self.names.items() if name}
        if self.start is None:
            return Paths(None, variables, self.configs)
        return Paths(self.start, {str(self.start): "", str(self.start.resolve()): ""} | variables)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """Matches an absolute path in quotes, one in a known folder (which may contain blanks), or any other."""
        folders = sorted({*self.names, *self.configs, _home()} - {""}, key=len, reverse=True)
        known = "|".join(map(re.escape, folders)) or r"(?!)"
        return re.compile(
            rf"(?P<quote>[\"'`])(?P<quoted>/[^\"'`\n]*)(?P=quote)|"
            rf"{_BEFORE}(?P<bare>(?:{known}){_AFTER}{_UNQUOTED}*|/(?!/){_UNQUOTED}+)"
        )

    def _replace(self, match: re.Match[str]) -> str:
        quote, inner = match["quote"], match["quoted"]
        if quote:
            return f"{quote}{self.of(inner) if len(inner) > 1 else inner}{quote}"
        path = match["bare"]
        end = path.rstrip(".:")  # the end of a sentence
        return self.of(end) + path[len(end) :]

    def replace_in(self, value: Any) -> Any:
        """Plain data with every absolute path in it replaced, including keys."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            made: dict[Any, Any] = {}
            for key, inner in value.items():
                shown = self.replace_in(key)
                while shown in made:  # two files with the same last parts
                    shown = f"{shown}, another"
                made[shown] = self.replace_in(inner)
            return made
        if isinstance(value, list):
            return [self.replace_in(inner) for inner in value]
        return value


def _home() -> str:
    try:
        return str(Path.home())
    except RuntimeError:
        return ""


def known_paths(runs: Iterable[tuple[RunDir, Sequence[ConfigLine]]]) -> Paths:
    """The paths of several runs, each with the lines of its config; ``start`` is that of the first."""
    names, configs, starts = dict[str, str](), [], []
    for run, config in runs:
        starts.append(_start(run, config))
        # The folders of the variables in its config, with their current values.
        values = {name: os.environ.get(name, "") for name in [*variables(run), DATA_VARIABLE]}
        names |= {os.path.normpath(value): f"${{{name}}}" for name, value in values.items() if value.startswith("/")}
        file = config_file(run, config)
        configs += [str(Path(file).parent)] if file is not None and Path(file).is_absolute() else []
    folders = [Path.cwd(), *filter(None, starts), Path(halluc.__file__).resolve().parent.parent]
    names = {str(folder): "" for folder in folders} | names
    known = {folder: name for folder, name in names.items() if len(PurePath(folder).parts) > 1}
    return Paths(next(iter(starts), None), known, tuple(one for one in configs if len(PurePath(one).parts) > 1))


def variables(run: RunDir) -> list[str]:
    """The environment variables in the config of a run."""
    files = sorted(filter(Path.is_file, (run.path / "source").glob("*")))
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in files)
    return list(dict.fromkeys(name for text in texts for name in _VARIABLE.findall(text)))


def config_file(run: RunDir, config: Sequence[ConfigLine]) -> str | None:
    """The config given on the command line, from the origins; if they have none, the run's own."""
    first = next(iter(sorted((run.path / "source").glob("00-*"))), None)
    if first is None:
        return None
    own = first.name.removeprefix("00-")
    text = (line.origin for line in config if line.origin and not line.origin.startswith("--set"))
    origins = (origin.rpartition(":")[0] for origin in text)
    return next((origin for origin in origins if Path(origin).name == own), own)


def _start(run: RunDir, config: Sequence[ConfigLine]) -> Path | None:
    """The folder in which a run was started.

    It is above the run's, if ``runs_dir`` is relative; otherwise the working directory, if it has the config file.
    """
    here = run.path.resolve()
    runs_dir = PurePath(_value(config, "runs_dir") or "/")
    below = (*runs_dir.parts, here.parent.name, here.name)
    if not runs_dir.is_absolute() and ".." not in below and here.parts[-len(below) :] == below:
        return Path(*here.parts[: -len(below)])
    file = config_file(run, config)
    return None if file is None or not _is_here(run, Path.cwd() / file) else Path.cwd()


def _is_here(run: RunDir, config: Path) -> bool:
    """Whether the working directory has the config, and the files that the run read by relative paths."""
    try:
        inputs = run.read().inputs
    except HallucError:
        return False  # reported when its figures are needed
    is_inside = config.is_file() and config.resolve().is_relative_to(Path.cwd().resolve())
    return is_inside and all(Path(path).is_file() for path in inputs if not path.startswith("/"))


def _value(config: Sequence[ConfigLine], key: str) -> str | None:
    """A string at the top level of a config that halluc wrote: plain, or as JSON."""
    line = next((line.text for line in config if line.text.startswith(f"{key}: ")), None)
    if line is None:
        return None
    text = line.removeprefix(f"{key}: ").strip()
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text)).replace("$$", "$")
    except ValueError:
        return None  # the file is truncated here


def relative(report: R, paths: Paths) -> R:
    """A report without absolute paths; texts, labels and user-defined names stay unchanged."""
    if isinstance(report, StudyReport):
        return _replace_fields(report, paths, ("conclusion", "integrity", "notes", "figures", "reproduce"))
    others = [_replace_fields(other, paths, ("a", "b", "config_differences")) for other in report.others]
    made = _replace_fields(report, paths, ("reference", "conclusion", "integrity", "notes", "reproduce"))
    return made.model_copy(update={"others": others})


def relative_run_report(report: RunReport, paths: Paths) -> RunReport:
    made = _replace_fields(
        report,
        paths,
        ("model", "run", "integrity", "notes", "data", "config", "reproduce", "gates", "probes", "annotation"),
    )
    sections = [
        section.model_copy(update={"shown": [_claim(one, paths) for one in section.shown]}) for section in report.claims
    ]
    augmentation = report.augmentation
    if augmentation is not None:
        pairs = [pair.model_copy(update={"source": paths.text(pair.source)}) for pair in augmentation.pairs]
        problems = list(map(paths.text, augmentation.problems))
        augmentation = augmentation.model_copy(update={"pairs": pairs, "problems": problems})
    return made.model_copy(update={"claims": sections, "augmentation": augmentation})


def _claim(shown: ShownClaim, paths: Paths) -> ShownClaim:
    nearest = shown.line.nearest
    if nearest is None:
        return shown
    line = shown.line.model_copy(update={"nearest": nearest.model_copy(update={"file": paths.of(nearest.file)})})
    return shown.model_copy(update={"line": line})


def _replace_fields(record: M, paths: Paths, fields: Sequence[str]) -> M:
    """A record with every path in some of its fields replaced."""
    changes = paths.replace_in(record.model_dump(include=set(fields)))
    changed = type(record).model_validate({**record.model_dump(), **changes})
    return record.model_copy(update={field: getattr(changed, field) for field in fields})
