"""The figures of a report, one per line: ``figures.jsonl`` and ``figures.csv``."""

from __future__ import annotations

from typing import Literal, NamedTuple

from pydantic import Field

from halluc.runs.schema import EvalFile, Record
from halluc.runs.studies import Plain


class NamedEvaluation(NamedTuple):
    """An evaluation in a report; ``choice`` is the cell of a study, without its seed."""

    name: str
    choice: dict[str, Plain]
    seed: Plain
    file: EvalFile


class FigureLine(Record):
    """A line of ``figures.jsonl``, and a row of ``figures.csv``.

    ``statistic`` is ``value`` (of one run), ``mean`` (over the ``seeds`` of a cell) or ``difference`` (of ``run`` or
    ``arm`` minus ``reference``). ``low`` and ``high`` are the 95% interval, ``sd`` the standard deviation over seeds,
    ``n`` the denominator, ``p`` the adjusted p-value (Holm).
    """

    figure: str
    split: str
    slice: dict[str, str]
    statistic: Literal["value", "mean", "difference"]
    value: float | None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    p: float | None = None
    n: int | None = None
    seeds: int | None = None
    protocol: str = ""
    run: str = ""
    arm: dict[str, Plain] = Field(default_factory=dict)
    seed: Plain = None
    reference: str = ""
