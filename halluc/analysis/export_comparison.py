"""An export compared with its run on dev: the claims that only one of them makes, and the primary figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from halluc.core.significance import Sheet, defined, difference
from halluc.runs.exports import DevComparison
from halluc.task import AnyTask


def compared(
    task: AnyTask, examples: Sequence[Any], before: Sequence[Any], after: Sequence[Any], tolerance: float
) -> DevComparison:
    """The claims and the primary figure of two models on the same examples: of the run, and of its export."""
    claims, others = (_claims(task, examples, predictions) for predictions in (before, after))
    both = claims.keys() & others.keys()
    changes = [abs(claims[key] - others[key]) for key in both]
    sheet = Sheet(len(examples))
    formulas = [
        next(
            figure.formula
            for figure in task.figures.figures(examples, predictions, sheet)
            if figure.name == task.figures.primary and not figure.by and figure.protocol in task.figures.protocols
        )
        for predictions in (before, after)
    ]
    run, exported = sheet.samples(formulas)
    result = difference(exported, run)
    return DevComparison(
        examples=len(examples),
        claims=len(claims.keys() | others.keys()),
        differing=len(claims.keys() ^ others.keys()),
        largest_change=max(changes, default=None),
        figure=task.figures.primary,
        run=defined(run.value),
        export=defined(exported.value),
        difference=result.value,
        interval=result.interval,
        tolerance=tolerance,
    )


def _claims(task: AnyTask, examples: Sequence[Any], predictions: Sequence[Any]) -> Mapping[Any, float]:
    """Each claim by its content, with its confidence."""
    return {
        (number, claim.kind, claim.where, claim.label, claim.text): float(claim.confidence or 0.0)
        for number, (example, prediction) in enumerate(zip(examples, predictions, strict=True))
        for claim in task.judge.claims(example, prediction)
    }
