"""The conclusion of a study of remedies, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from halluc.core.figures import MATCHED
from halluc.core.quantities import quantity
from halluc.runs.advice import CostRatio, RemedyEffect, StudyAdvice
from halluc.runs.studies import LEAST_SEEDS, ArmDelta
from halluc.wording import formats
from halluc.wording.formats import listed, quoted, sentence, signed


def conclusion(advice: StudyAdvice, target: Path) -> list[str]:
    """Which arm to choose; or that the plain recipe stays; or why there is no conclusion."""
    if not advice.is_conclusive:
        return _inconclusive(advice, target)
    reference, chosen = quoted(str(advice.reference)), [one for one in advice.effects if one.arm == advice.best]
    if not chosen:
        text = f"Keep the plain recipe: no remedy is significantly better than {reference} on {advice.split}."
        return [" ".join([text, *_smallest(advice.effects)]), *_others(advice, None)]
    [best] = chosen
    figures = listed(_differences(best))
    text = f"{quoted(str(best.arm))} is better than {reference} on {advice.split} ({quantity(best.seeds, 'seeds')}): "
    cost = f"training takes {times(best.training)}, evaluation {times(best.prediction)} the time"
    return [f"{text}{figures}; {cost}.", *_others(advice, best)]


def _inconclusive(advice: StudyAdvice, target: Path) -> list[str]:
    results = []
    if advice.missing:
        slug, why = next(iter(advice.missing.items()))
        results.append(
            f"{quantity(len(advice.missing), 'cells')} without an evaluation of {advice.split} ({slug}: {why}). "
            f"Nothing is chosen until all are evaluated: halluc run {target}"
        )
    most = max((one.seeds for one in advice.effects), default=0)
    if most < LEAST_SEEDS:
        results.append(
            f"With {quantity(most, 'seeds')} no conclusion about remedies is possible: at least {LEAST_SEEDS} are "
            "needed."
        )
    return results


def _differences(one: RemedyEffect) -> list[str]:
    """The rate at matched omission and the primary figure, which are shown first."""
    parts = [delta for delta in (one.matched, one.primary) if delta is not None and delta.difference is not None]
    return [
        f"{formats.title(delta.name)} {signed(delta.name, delta.difference, delta.interval, delta.p)}"
        + (" (undecided)" if not delta.shown else "")
        for delta in sorted(parts, key=lambda delta: -delta.benefit)
    ]


def times(ratio: CostRatio) -> str:
    """``1.3×``."""
    return formats.NOTHING if ratio.value is None else f"{formats.decimal(ratio.value, 2)}×"


def _smallest(effects: Sequence[RemedyEffect]) -> list[str]:
    """The smallest effect that the study could have shown."""
    known = [one.matched.smallest for one in effects if one.matched is not None and one.matched.smallest is not None]
    if not known:
        return []
    least = formats.difference(MATCHED, min(known)).removeprefix("+")
    return [f"A difference of {least} in the hallucination rate at matched omission could have been detected."]


def _others(advice: StudyAdvice, best: RemedyEffect | None) -> Iterator[str]:
    """Other arms that are better or worse in some figure, and arms that are not better than copies."""
    lines: list[tuple[str, list[str]]] = [("also better in some figure", []), ("worse in some figure", [])]
    for one in advice.effects:
        benefits = [_benefit(delta) for delta in (one.matched, one.primary)]
        for (_, names), benefit in zip(lines, (1, -1), strict=True):
            if benefit in benefits and one is not best and not one.is_control:
                names.append(quoted(str(one.arm)))
    for what, names in lines:
        if names:
            yield sentence(f"{what}: {listed(names)}")
    equal = [
        quoted(str(one.arm))
        for one in advice.effects
        if one.over_control is not None and _benefit(one.matched) > 0 and not one.is_over_control
    ]
    if equal:
        yield sentence(f"not significantly better than copies: {listed(equal)}")


def _benefit(delta: ArmDelta | None) -> int:
    return 0 if delta is None else delta.benefit
