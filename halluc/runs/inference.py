"""Requests and responses of ``halluc serve``: those of Hugging Face's inference tasks, with additional fields."""

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
    """How a task answers requests: ``answers`` converts the record that ``predict`` writes to the items of a response.

    ``Answer`` is the type of an item, ``Parameters`` that of ``parameters`` in a request, the second argument of
    ``answers``. ``pair`` are the names of the two texts of an input that is an object. ``nested``: the response to a
    single input is also a list of lists, as in Hugging Face's text-classification.
    """

    Answer: type[Record]
    answers: Callable[[Any, Any], Sequence[Record]]
    Parameters: type[Record] = NoParameters
    pair: tuple[str, str] | None = None
    nested: bool = False


class ErrorBody(Record):
    """The body of every error response; ``request_id`` is that of the header X-Request-ID."""

    error: Problem
    request_id: str


class State(Record):
    """Whether the server runs, and whether it accepts requests."""

    status: str = Field(description="`ok`, or why requests are not accepted")
