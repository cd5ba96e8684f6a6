"""What a study says in sentences: one an arm, one an axis of numbers, at most six in all.

A difference is *shown* where its p, adjusted for the arms compared (Holm), is under .05 and there are three seeds at
least. Elsewhere the sentence says "undecided", never that there is no difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from halluc.core.figures import HALLUCINATION, MATCHED, shown
from halluc.runs import training_facts
from halluc.runs.studies import LEAST_SEEDS, SURE, ArmComparison, ArmDelta, BestOnDev, Plain, StudyFigures, Trend
from halluc.wording import formats
from halluc.wording.phrases import NAMED, counted, listed, of_seeds, quoted, sentence, signed

MOST_SENTENCES = 6
_MOST_NAMED = 3  # cells, or settings, in one sentence
_WORD = {1: "higher", -1: "lower", 0: "undecided"}
_TREND = {1: "rises", -1: "falls", 0: "undecided"}


def study_sentences(figures: StudyFigures) -> list[str]:
    """What a study says so far: of its arms, of its axes of numbers, else of what there is."""
    if not figures.cells:
        return ["Nothing can be said: no cell is evaluated."]
    head, tail = _basis(figures), [*_training(figures), *_best(figures.best_on_dev), *_method(figures)]
    arms = sorted(figures.comparisons, key=lambda one: -sum(delta.shown for delta in one.figures))
    body, room = [*map(_arm, arms), *_curves(figures)] or [_alone(figures)], MOST_SENTENCES - len(head) - len(tail)
    if len(arms) > room:
        body[room - 1] += f" {counted(len(arms) - room, 'more comparison')} {_be(len(arms) - room)} in the tables."
    return [*head, *body[:room], *tail]


def is_single_seed(figures: StudyFigures) -> bool:
    """Whether no cell has more than one run."""
    return all(len(cell.runs) == 1 for cell in figures.cells)


def _basis(figures: StudyFigures) -> list[str]:
    """What must be known before the rest is read: missing cells, too few seeds, runs without claims."""
    missing, there = len(figures.missing), sum(len(cell.runs) for cell in figures.cells)
    found = [f"{missing} of {missing + there} cells {_be(missing)} missing"] if missing else []
    fewest = min(len(cell.runs) for cell in figures.cells)
    if fewest < LEAST_SEEDS and len(figures.cells) > 1:
        some = "" if all(len(cell.runs) == fewest for cell in figures.cells) else " for some cells"
        why = "intervals cover the examples only, and " if fewest == 1 else ""
        least = f"no difference can be shown with fewer than {LEAST_SEEDS} seeds"
        found.append(f"{counted(fewest, 'seed')}{some}: {why}{least}")
    for cell in [cell for cell in figures.cells if cell.silent_seeds][:_MOST_NAMED]:
        silent = f"{len(cell.silent_seeds)} of {counted(len(cell.runs), 'seed')}"
        found.append(f"no conclusion{_at(cell.choice)}: the model makes no claim in {silent}")
    return [sentence("; ".join(found))] if found else []


def _arm(one: ArmComparison) -> str:
    """``“mix” hallucinates less than “none” at matched omission (3 seeds): hallucination rate −0.7 points […], …``."""
    deltas = {delta.name: delta for delta in one.figures if not delta.by and delta.difference is not None}
    name = MATCHED if MATCHED in deltas else HALLUCINATION
    arm, reference = (_named(one.axis, value) for value in (one.arm, one.reference))
    matched = " at matched omission" if name == MATCHED else ""
    where = f"{matched}{_at(one.choice)} ({counted(one.seeds, 'seed')})"
    sign = _sign(deltas[name]) if name in deltas else 0
    told = f"{arm} hallucinates {'more' if sign > 0 else 'less'} than {reference}{where}"
    if not sign:
        told = f"no difference in hallucination is shown between {arm} and {reference}{where}"
    parts = [_difference(deltas[name]) for name in NAMED if name in deltas]
    return sentence(f"{told}: {'; '.join(parts) or 'no figure is defined in both'}")


def _difference(delta: ArmDelta) -> str:
    value = signed(delta.name, delta.difference or 0.0, delta.interval)
    return f"{NAMED[delta.name]} {value}{_of_some(delta.n, len(delta.values))}, {_WORD[_sign(delta)]}"


def _sign(delta: ArmDelta) -> int:
    """1 or -1 where a difference is shown, else 0."""
    value = delta.difference or 0.0
    return (value > 0) - (value < 0) if delta.shown else 0


def _of_some(n: int, seeds: int) -> str:
    """Of how many seeds a figure is, where not of all."""
    return "" if n in (0, seeds) else f" ({of_seeds(n, seeds)} seeds)"


def _curves(figures: StudyFigures) -> list[str]:
    """A sentence for each axis of numbers and choice on the other axes; beside arms, for their references alone."""
    against = {one.axis: one.reference for one in figures.comparisons}
    groups: dict[tuple[str, str], list[Trend]] = {}
    for trend in figures.trends:
        if trend.slope is not None and all(trend.choice.get(axis, arm) == arm for axis, arm in against.items()):
            groups.setdefault((trend.axis, _at(trend.choice)), []).append(trend)
    return [told for (_, where), trends in groups.items() if (told := _curve(where, trends, figures))]


def _curve(where: str, trends: Sequence[Trend], figures: StudyFigures) -> str:
    """How far each figure changes over the axis: its slope times the width of the axis."""
    first = trends[0]
    alike = [cell.choice for cell in figures.cells if first.choice.items() <= cell.choice.items()]
    places = [float(value) for choice in alike if isinstance(value := choice[first.axis], (int, float))]
    low, high = min(places), max(places)
    width, scale = (math.log10(high / low), ", log scale") if first.scale == "log10" else (high - low, "")
    parts = []
    for column in shown("slope sentences"):
        for one in trends:
            if (one.name, tuple(one.by.items())) == column.key:
                ends = one.slope_interval and (one.slope_interval[0] * width, one.slope_interval[1] * width)
                change = signed(one.name, (one.slope or 0.0) * width, ends) + _of_some(one.n, one.seeds)
                parts.append(f"{column.heading} {change}, {_TREND[one.sign]}")
    axis = f"{formats.visible(first.axis)} from {low:g} to {high:g}{where} ({counted(first.seeds, 'seed')}{scale})"
    return sentence(f"along {axis}: {'; '.join(parts)}") if parts else ""


def _training(figures: StudyFigures) -> list[str]:
    """What else differs between the cells that are compared."""
    differences = [one for comparison in figures.comparisons for one in comparison.training_differences]
    found = list({one.what: f"{one.what} ({one.b} against {one.a})" for one in reversed(differences)}.values())[::-1]
    if not figures.comparisons:
        found = training_facts.varying(cell.training for cell in figures.cells)
    return [sentence(f"training also differs: {', '.join(found)}")] if found else []


def _best(found: Sequence[BestOnDev]) -> list[str]:
    """Which value of a setting is best on dev, and whether the next one can be told apart from it."""
    parts = []
    for one in found[:_MOST_NAMED]:
        apart = one.p is not None and one.p < SURE and one.seeds >= LEAST_SEEDS
        parts.append(
            f"the best {formats.visible(one.axis)} on dev{_at(one.choice)} is {_plain(one.value)} "
            f"({formats.title(one.name)} {formats.with_interval(one.name, one.mean, one.interval)}); it "
            f"{'is better than' if apart else 'cannot be told apart from'} the next best, {_plain(one.next)} "
            f"({signed(one.name, one.difference, one.difference_interval)})"
        )
    return [sentence("; ".join(parts))] if parts else []


def _method(figures: StudyFigures) -> list[str]:
    """What counts as shown, and how small a difference could have been."""
    if not figures.comparisons:
        return []
    enough = [one for one in figures.comparisons if one.seeds >= LEAST_SEEDS]
    rates = [delta for one in enough for delta in one.figures if delta.name == HALLUCINATION and not delta.by]
    least = min((delta.smallest for delta in rates if delta.smallest is not None), default=None)
    smallest = formats.difference(HALLUCINATION, least).removeprefix("+")
    could = f"; the smallest difference in hallucination rate that could be shown is {smallest}"
    told = f"a difference is shown where p < {SURE}, adjusted for the arms compared (Holm)"
    return [sentence(told + could * (least is not None))]


def _alone(figures: StudyFigures) -> str:
    """Of cells that stand beside nothing."""
    if len(figures.cells) > 1:
        return "Nothing can be compared yet: no cell differs from another one in its arm, or in one number, alone."
    found = {one.name: one for one in figures.cells[0].figures if not one.by and one.mean is not None}
    told = [f"{NAMED[n]} {formats.with_interval(n, found[n].mean, found[n].interval)}" for n in NAMED if n in found]
    return sentence(f"there is only one cell, so nothing can be compared: {', '.join(told) or 'it makes no claim'}")


def _at(choice: Mapping[str, Plain]) -> str:
    """`` with gap.fraction 0.5 and arm “mix”``; nothing where there is no other axis."""
    told = [
        f"{formats.visible(axis)} {quoted(_plain(value)) if isinstance(value, str) else _plain(value)}"
        for axis, value in choice.items()
    ]
    return f" with {listed(told)}" if told else ""


def _named(axis: str, arm: Plain) -> str:
    return quoted(_plain(arm) if axis == "arm" else f"{formats.visible(axis)}={_plain(arm)}")


def _plain(value: Plain) -> str:
    """A value or arm as the config has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return formats.visible(value)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"
