"""Claims on which two ledgers differ."""

from __future__ import annotations

from collections.abc import Iterable

from halluc.runs.schema import LedgerLine
from halluc.runs.studies import Flip

Key = tuple[str, int | None, int | None, str]

ABSENT = "absent"


def flipped(one: Iterable[LedgerLine], other: Iterable[LedgerLine]) -> list[Flip]:
    """Every claim that only one of them makes, or that they were judged differently for; in the order of the ledgers.

    A withdrawn claim counts as not made.
    """
    first, second = _claims(one), _claims(other)
    found = []
    for key in dict.fromkeys((*first, *second)):
        before, after = first.get(key), second.get(key)
        a, b = _verdict(before), _verdict(after)
        if a != b:
            line = before or after
            assert line is not None
            found.append(Flip(id=line.id, start=line.start, end=line.end, text=line.text, label=line.label, a=a, b=b))
    return found


def _claims(lines: Iterable[LedgerLine]) -> dict[Key, LedgerLine]:
    return {
        (line.id, line.start, line.end, line.label): line
        for line in lines
        if line.record == "claim" and not line.abstained
    }


def _verdict(line: LedgerLine | None) -> str:
    return ABSENT if line is None else str(line.verdict)
