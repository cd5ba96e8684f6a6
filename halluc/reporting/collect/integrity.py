"""Problems of the files of a run, and what its report lacks for them, in sentences with a command that helps."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from halluc.core.errors import HallucError, ManyErrors
from halluc.runs import evaluations, integrity
from halluc.runs.directory import RUN_FILE, RunDir
from halluc.runs.schema import RunFile

T = TypeVar("T")

_UNTRUE = "its content may be wrong"
UNRECORDED = "No hashes of the evaluation files were recorded, so it is unknown whether they were changed."


@dataclass
class FileProblems:
    """The files of a run with recorded hashes, and the parts of a report that could not be read.

    ``shown`` is the split of the report. ``changed`` describes the problem of a file, by its path in the run,
    ``splits`` the evaluation that it belongs to, ``lacking`` what the report lacks without it, and ``unreadable`` why a
    part of the report could not be read. ``notes`` are about unreadable files without a recorded hash.
    """

    run: RunDir
    shown: str
    changed: dict[str, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    lacking: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path, reader: Callable[[], T], lacking: str, split: str | None = None) -> T | None:
        """The result of ``reader``; None if the file is missing or damaged, which is recorded.

        Args:
            lacking: what the report lacks without the file, as half a sentence. split: the evaluation that writes it.
        """
        name = str(path.relative_to(self.run.path))
        try:
            return reader()
        except FileNotFoundError:
            self.unreadable[name] = "is missing"
        except HallucError as error:
            self.unreadable[name] = _damage(path, error)
        except OSError as error:
            self.unreadable[name] = f"cannot be read ({error.strerror})"
        self.lacking[name] = lacking
        if split is not None:
            self.splits[name] = split
        return None

    @property
    def integrity(self) -> list[str]:
        """A sentence for each file whose hash has changed, with the command that makes it again."""
        # A file that also cannot be read is described by its damage.
        return [self._sentence(name, self.unreadable.get(name, what)) for name, what in self.changed.items()]

    @property
    def notes(self) -> list[str]:
        """The same for unreadable files without a recorded hash."""
        return [self._sentence(name, what) for name, what in self.unreadable.items() if name not in self.changed]

    def _sentence(self, name: str, what: str) -> str:
        shown = name not in self.splits or self.splits[name] == self.shown
        lacking = self.lacking.get(name, _UNTRUE if shown and what.startswith("was changed") else None)
        return f"{name} {what}{f': {lacking}' if lacking else ''}. {self._remedy(name, what)}"

    def _remedy(self, name: str, what: str) -> str:
        if what == integrity.ADDED:
            return "Remove it if it is not needed."
        if name in self.splits:
            return f"`{evaluations.command(self.run, self.splits[name])}` writes it again."
        if name == RUN_FILE:
            return "Restore it from a copy."
        return f"Restore it, or train again: `{shlex.join(['halluc', 'train', str(self.run.config)])}`."


def run_problems(run: RunDir, record: RunFile, shown: str, requested: str | None) -> FileProblems:
    """Problems of the files of a run with recorded hashes.

    Args:
        shown: the split of the report. requested: the split that was requested, if any.
    """
    problems = FileProblems(run, shown, _record_problem(run))
    for split in sorted(evaluations.on_record(record), key=lambda split: split != shown):
        wrong = evaluations.problems(run, record, split)
        file = f"eval/{split}.json"
        if not run.evaluation(split).is_file():
            wrong.setdefault(file, "is missing")
            if requested is None and evaluations.PREFERRED.index(split) < evaluations.PREFERRED.index(shown):
                problems.lacking[file] = f"{split} was evaluated, and this report shows {shown} instead"
        problems.changed.update(wrong)
        problems.splits = {**dict.fromkeys(wrong, split), **problems.splits}
    problems.changed.update(integrity.problems(run.path, integrity.recorded_training(record), "the training"))
    for name, what in integrity.changed_model_files(run, record).items():
        problems.changed[f"model/{name}"] = what
    return problems


def cell_problems(run: RunDir, splits: Sequence[str]) -> list[str]:
    """The same for a cell of a study, or a compared run: its record, config, log and evaluations.

    Args:
        splits: the evaluations, that of the report first.
    """
    try:
        record = run.read()
    except HallucError:
        return []  # reported when its figures are needed
    problems = FileProblems(run, splits[0], _record_problem(run))
    for split in dict.fromkeys(splits):
        wrong = evaluations.problems(run, record, split)
        problems.changed.update(wrong)
        problems.splits = {**dict.fromkeys(wrong, split), **problems.splits}
    recorded, read = integrity.recorded_training(record), (run.config.name, run.events.name)
    of_training = {name: sha256 for name, sha256 in recorded.items() if name in read}
    problems.changed.update(integrity.problems(run.path, of_training, "the training"))
    return [f"{run.path.name}: {text}" for text in problems.integrity]


def _record_problem(run: RunDir) -> dict[str, str]:
    return {RUN_FILE: "was changed after halluc wrote it"} if run.is_record_changed() else {}


def _damage(path: Path, error: HallucError) -> str:
    one = error.errors[0] if isinstance(error, ManyErrors) else error
    if one.message.startswith((f"{path} is ", f"{path} cannot ")):
        return one.message.removeprefix(f"{path} ")
    return f"is damaged ({first_error(error)})"


def first_error(error: HallucError) -> str:
    """The line of the first error, and its description."""
    one = error.errors[0] if isinstance(error, ManyErrors) else error
    line = f"line {one.where.line}: " if one.where and one.where.line else ""
    return line + one.message.split(" is damaged: ")[-1]
