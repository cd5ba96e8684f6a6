"""The input and output of the process of a cell: lines of JSON, in files that only these processes share."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import IO, Any

from halluc.core.errors import HallucError, Location, ManyErrors
from halluc.core.messages import Level, Listener
from halluc.runs.results import EvalResult, TrainResult
from halluc.workflows.gate_reports import Kind

COMMAND = (sys.executable, "-m", "halluc.launch.worker")
# The process whose end also ends the worker.
PARENT = "HALLUC_PARENT"


@dataclass(frozen=True)
class CellOrder:
    """One cell of a study. ``sha256`` is the hash of its config: a config that was edited since is refused.

    ``patience`` is how many seconds to wait for another process that writes the cell. Without ``trains`` it is only
    evaluated, on ``splits`` (None: those of the config).
    """

    config: str
    overrides: tuple[str, ...]
    slug: str
    sha256: str
    allow_commands: bool
    ci: Kind | None
    verbose: bool
    patience: float = 0.0
    trains: bool = True
    splits: Sequence[str] | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of_json(cls, text: str) -> CellOrder:
        message = json.loads(text)
        return cls(**{**message, "overrides": tuple(message["overrides"])})


_RESULTS: dict[str, type[TrainResult | EvalResult]] = {"train": TrainResult, "eval": EvalResult}


class Answering(Listener):
    """In the process of a cell: writes messages and results to its answers, and messages to its log too."""

    def __init__(self, answers: IO[str], log: IO[str], *, verbose: bool) -> None:
        self.answers, self.log = answers, log
        self.level = Level.VERBOSE if verbose else Level.WARNINGS

    def say(self, text: str, style: str | None = None) -> None:
        self.log.write(text + "\n")
        self._answer(say=[text, style])

    def put(self, result: object) -> None:
        for kind, of in _RESULTS.items():
            if isinstance(result, of):
                self._answer(result=[kind, result.model_dump(mode="json")])

    def fail(self, error: HallucError) -> None:
        for one in error.errors if isinstance(error, ManyErrors) else (error,):
            where = None if one.where is None else asdict(one.where)
            self._answer(error=[one.code, one.message, where, one.help, one.exit_code])

    def end(self, summary: str, seconds: float) -> None:
        self._answer(end=[summary, seconds])

    def _answer(self, **content: Any) -> None:
        self.answers.write(json.dumps(content) + "\n")
        self.answers.flush()


@dataclass
class CellAnswers:
    """The answers of the process of a cell. ``end`` summarises the cell in a few words, with its duration in
    seconds."""

    messages: list[tuple[str, str | None]] = field(default_factory=list)
    results: list[TrainResult | EvalResult] = field(default_factory=list)
    errors: list[HallucError] = field(default_factory=list)
    end: tuple[str, float] | None = None

    @classmethod
    def read(cls, text: str) -> CellAnswers:
        """An incomplete last line is ignored: the process was killed."""
        result = cls()
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                result._take(json.loads(line))
        return result

    def _take(self, answer: dict[str, Any]) -> None:
        ((kind, content),) = answer.items()
        if kind == "say":
            self.messages.append((content[0], content[1]))
        elif kind == "result":
            self.results.append(_RESULTS[content[0]].model_validate(content[1]))
        elif kind == "error":
            code, message, where, help, exit_code = content
            place = None if where is None else Location(**{one.name: where[one.name] for one in fields(Location)})
            self.errors.append(HallucError(code, message, place, help, exit_code))
        elif kind == "end":
            self.end = (content[0], content[1])

    @property
    def error(self) -> HallucError | None:
        return None if not self.errors else self.errors[0] if len(self.errors) == 1 else ManyErrors(self.errors)
