"""Runs on the same examples: paired differences of their figures from the first run, and claims on which they
differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy

from halluc.analysis import matched_omission, run_figures
from halluc.analysis.run_figures import FigureKey, Measured
from halluc.components import TABLE
from halluc.config import loading
from halluc.config.rendering import differences
from halluc.core.significance import defined, difference, holm
from halluc.runs import training_facts
from halluc.runs.schema import LedgerLine
from halluc.runs.studies import Comparison, Delta, Flip, MatchedOmission, TrainingDifference


def compare_all(first: Measured, others: Sequence[Measured]) -> list[Comparison]:
    """Each of the other runs (``b``) compared with the first (``a``): paired differences of the headline figures, and
    flipped claims. p is adjusted (Holm) over all figures of all other runs.

    Raises:
        HallucError R113: they were evaluated on different examples.
    """
    for other in others:
        run_figures.refuse_different_examples(first, other)
    comparisons = [_compared(first, other) for other in others]
    tested = [one for comparison in comparisons for one in _tested(comparison)]
    for one, adjusted in zip(tested, holm([one.p for one in tested]), strict=True):
        one.p_holm = adjusted
    return comparisons


def deltas(a: Measured, b: Measured) -> dict[FigureKey, Delta]:
    """Every headline figure of both, ``b`` minus ``a``; p is not adjusted."""
    return {key: _delta(a, b, key) for key in a.values if key in b.values}


def _tested(comparison: Comparison) -> list[Delta | MatchedOmission]:
    return [*comparison.figures, *([comparison.matched_omission] if comparison.matched_omission is not None else [])]


def _compared(a: Measured, b: Measured) -> Comparison:
    """The comparison with p-values that are not adjusted yet."""
    return Comparison(
        split=a.split,
        a=a.name,
        b=b.name,
        examples=len(a.examples),
        config_differences=_config_differences(a, b),
        training_differences=_training_differences(a, b),
        figures=list(deltas(a, b).values()),
        matched_omission=_matched(a, b),
        flipped=flipped(a.lines, b.lines, by_text=a.table.task.examples.Line.has_own_text),
    )


def _config_differences(a: Measured, b: Measured) -> list[str]:
    """The keys of the config that may cause the differences."""
    keys = differences(*(loading.load(one.run.config, table=TABLE, stored=True).tree for one in (a, b)))
    tools = [one.record.predictions for one in (a, b)]
    if any(tools):
        named = " and ".join(tool.name for tool in tools if tool is not None)
        return keys if tools[0] == tools[1] else [*keys, f"`--predictions` ({named})"]
    return keys if a.decoding == b.decoding else [*keys, "`eval.decode`"]


def _training_differences(a: Measured, b: Measured) -> list[TrainingDifference]:
    if a.record.predictions is not None or b.record.predictions is not None:
        return []
    return training_facts.differences(*(training_facts.facts([one.run]) for one in (a, b)))


def _delta(a: Measured, b: Measured, key: FigureKey) -> Delta:
    result = difference(b.samples[key], a.samples[key])
    return Delta(
        name=key[0], by=dict(key[1]), a=defined(a.values[key]), b=defined(b.values[key]),
        difference=result.value, interval=result.interval, p=result.p,
    )  # fmt: skip


def _matched(a: Measured, b: Measured) -> MatchedOmission | None:
    """None if there is no gold, or a run has no claim that can be withdrawn."""
    first, second = arm(a), arm(b)
    if not len(a.table.gold.example) or not all(numpy.isfinite(one.confidence).any() for one in (first, second)):
        return None
    return matched_omission.matched_omission(first, second, a.table.gold.example, len(a.examples))


def arm(one: Measured) -> matched_omission.Arm:
    """A run as an arm that withdraws its least confident claims."""
    claims = one.table.claims
    # A claim without a confidence cannot be withdrawn.
    confidence = numpy.where(numpy.isnan(claims.confidence), numpy.inf, claims.confidence)
    return matched_omission.Arm(claims.example, confidence, claims.verdict == "unsupported", one.table.gold.best)


Key = tuple[str, int | None, int | None, str, str]

ABSENT = "absent"


def flipped(one: Iterable[LedgerLine], other: Iterable[LedgerLine], *, by_text: bool = False) -> list[Flip]:
    """The claims of only one ledger, and those with different verdicts, in the order of the ledgers.

    Withdrawn claims are left out. ``by_text``: claims are matched by content instead of position, since positions refer
    to the text that each model generated.
    """
    first, second = _claims(one, by_text), _claims(other, by_text)
    flips = []
    for key in dict.fromkeys((*first, *second)):
        before, after = first.get(key), second.get(key)
        a, b = _verdict(before), _verdict(after)
        if a != b:
            line = before or after
            assert line is not None
            flips.append(Flip(id=line.id, start=line.start, end=line.end, text=line.text, label=line.label, a=a, b=b))
    return flips


def _claims(lines: Iterable[LedgerLine], by_text: bool) -> dict[Key, LedgerLine]:
    return {
        (
            line.id,
            *((None, None) if by_text else (line.start, line.end)),
            line.label,
            line.text if by_text else "",
        ): line
        for line in lines
        if line.record == "claim" and not line.abstained
    }


def _verdict(line: LedgerLine | None) -> str:
    return ABSENT if line is None else str(line.verdict)
