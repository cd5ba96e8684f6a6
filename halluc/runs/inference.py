"""Requests and responses of ``halluc serve``: in the form of Hugging Face's inference tasks, with fields of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from halluc.runs.schema import Problem, Record


class NoParameters(Record):
    """A task without parameters."""


@dataclass(frozen=True)
class InferenceSchema:
    """How a task answers requests: ``answers`` maps the record that ``predict`` writes to the items of a response.

    ``Answer`` is the type of an item, ``Parameters`` that of ``parameters`` in a request, the second argument of
    ``answers``. ``pair`` are the names of the two texts of an input that is an object. ``nested``: the response to one
    input is a list of lists too, as Hugging Face has it for text-classification.
    """

    Answer: type[Record]
    answers: Callable[[Any, Any], Sequence[Record]]
    Parameters: type[Record] = NoParameters
    pair: tuple[str, str] | None = None
    nested: bool = False


class ErrorBody(Record):
    """The body of every response that is an error; ``request_id`` is that of the header X-Request-ID."""

    error: Problem
    request_id: str


class State(Record):
    """Whether the server runs, and whether it takes requests."""

    status: str = Field(description="`ok`, or why no request is taken")
