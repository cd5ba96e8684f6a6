"""What a study says in plain sentences: one template an arm, at most six in all.

A difference is *shown* where its p, adjusted for the arms compared (Holm), is under .05 and there are three seeds at
least. Elsewhere the sentence says "undecided", never that there is no difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from halluc.core.figures import HALLUCINATION, MATCHED, OMISSION, shown
from halluc.reporting.words.differences import MOST_NAMED, NAMED, WORD, Stated
from halluc.runs import training_facts
from halluc.runs.studies import (
    LEAST_SEEDS,
    SURE,
    ArmComparison,
    ArmDelta,
    BestOnDev,
    Plain,
    StudyFigures,
    Trend,
)
from halluc.wording import formats
from halluc.wording.phrases import counted, listed, of_seeds, quoted, sentence, signed

_MOST_SENTENCES = 6


def of_study(figures: StudyFigures) -> list[str]:
    """What a study says so far: of its arms, else of its curves, else of what there is."""
    if not figures.cells:
        missing = len(figures.missing)
        who = f"none of its {missing} cells" if missing > 1 else "no cell"
        return [f"Nothing can be said: {who} is evaluated."]
    head, tail = _basis(figures), [*_best(figures.best_on_dev), *_method(figures)]
    if figures.comparisons:
        training = _training(figures.comparisons)
        room = _MOST_SENTENCES - len(head) - len(tail) - len(training) - 1
        body = [_answer(figures.comparisons), *_arms(figures.comparisons, room), *training]
        body += _curves(_of_references(figures), figures)[: max(0, _MOST_SENTENCES - len(head) - len(body) - len(tail))]
    else:
        varying = training_facts.varying(cell.training for cell in figures.cells)
        beside = [sentence(f"beside the setting, the cells also differ in {listed(varying)}")] if varying else []
        body = [*_curves(figures.trends, figures), *beside] or _alone(figures)
    return [*head, *body[: _MOST_SENTENCES - len(head) - len(tail)], *tail]


def is_single_seed(figures: StudyFigures) -> bool:
    """Whether no cell has more than one run."""
    return all(len(cell.runs) == 1 for cell in figures.cells)


def _basis(figures: StudyFigures) -> list[str]:
    """What must be known before the rest is read: missing cells, too few seeds, runs without claims."""
    found = []
    missing, there = len(figures.missing), sum(len(cell.runs) for cell in figures.cells)
    if missing:
        found.append(f"{missing} of {missing + there} cells {'is' if missing == 1 else 'are'} missing")
    fewest = min(len(cell.runs) for cell in figures.cells)
    if fewest < LEAST_SEEDS and len(figures.cells) > 1:
        some = "" if len({len(cell.runs) for cell in figures.cells}) == 1 else " for some cells"
        why = "intervals cover the examples only, and " if fewest == 1 else ""
        what = f"{counted(fewest, 'seed')}{some}: {why}no difference can be shown with fewer than {LEAST_SEEDS} seeds"
        found.append(what)
    silent = [(cell, len(cell.silent_seeds)) for cell in figures.cells if cell.silent_seeds]
    for cell, count in silent[:MOST_NAMED]:
        where = f"at {_choice(cell.choice)} " if cell.choice else ""
        told = f"{where}{count} of {counted(len(cell.runs), 'seed')} make{'s' * (count == 1)} no claim"
        found.append(f"{told}, so that nothing is concluded there")
    return [sentence("; ".join(found))] if found else []


def _answer(comparisons: Sequence[ArmComparison]) -> str:
    """How many arms hallucinate less, at matched omission where that is known."""
    name = MATCHED if any(_delta(one, MATCHED) for one in comparisons) else HALLUCINATION
    pairs = [(one, delta) for one in comparisons if (delta := _delta(one, name)) is not None]
    if not pairs:
        return "Nothing can be said about hallucination: a run without claims has no such rate."
    arms = list(dict.fromkeys(_arm(one) for one, _ in pairs))
    less = dict.fromkeys(_arm(one) for one, delta in pairs if _sign(delta) < 0)
    more = dict.fromkeys(_arm(one) for one, delta in pairs if _sign(delta) > 0)
    where = " at matched omission" if name == MATCHED else ""
    points = len({_choice(one.choice) for one in comparisons})
    some = f" at one point of {points} at least" if points > 1 else ""
    parts = [
        f"{listed(found)} {'hallucinate' if len(found) > 1 else 'hallucinates'} {word}{where} than the reference{some}"
        for word, found in (("less", less), ("more", more))
        if found
    ]
    if not parts:
        of = f"any of the {len(arms)} arms" if len(arms) > 1 else listed(arms)
        return sentence(f"no difference in hallucination{where} can be shown between {of} and {_references(pairs)}")
    rest = len([arm for arm in arms if arm not in less and arm not in more])
    if rest:
        parts.append(f"for the other {counted(rest, 'arm')} no difference can be shown")
    return sentence("; ".join(parts))


def _references(pairs: Iterable[tuple[ArmComparison, ArmDelta]]) -> str:
    return listed(dict.fromkeys(_named(one.axis, one.reference) for one, _ in pairs))


def _arms(comparisons: Sequence[ArmComparison], most: int) -> list[str]:
    """A sentence for each of the first arms: those with something shown before the others."""
    groups: dict[tuple[str, str], list[ArmComparison]] = {}
    for one in comparisons:
        groups.setdefault((_arm(one), _named(one.axis, one.reference)), []).append(one)
    ranked = sorted(groups.items(), key=lambda item: -sum(bool(_sign(d)) for one in item[1] for d in one.figures))
    return [_of_arm(*names, members) for names, members in ranked[: max(0, min(most, MOST_NAMED))]]


def _of_arm(arm: str, reference: str, members: Sequence[ArmComparison]) -> str:
    """``“mix” less “none” (3 seeds): hallucination rate −0.7 points [−1.4, −0.2], lower; …``."""
    parts = []
    for name in NAMED:
        points = {_choice(one.choice): delta for one in members if (delta := _delta(one, name)) is not None}
        known = {where: stated for where, delta in points.items() if (stated := _stated(delta)) is not None}
        if known:
            parts.append(_figure(known) if len(known) == 1 else _along_points(known))
    seeds = {one.seeds for one in members}
    basis = f"{min(seeds)} to {max(seeds)} seeds" if len(seeds) > 1 else counted(min(seeds), "seed")
    return sentence(f"{arm} less {reference} ({basis}): {'; '.join(parts)}")


def _along_points(known: Mapping[str, Stated]) -> str:
    """One figure at several points: where it is higher, lower and undecided, with the differences that are shown."""
    name = NAMED[next(iter(known.values())).name]
    parts = []
    for sign in (-1, 1):
        there = [f"{where} ({one.told})" for where, one in known.items() if one.sign == sign]
        if there:
            parts.append(f"{WORD[sign]} at {listed(there)}")
    undecided = [where for where, one in known.items() if not one.sign]
    if undecided:
        places = f"all {len(known)} points" if len(undecided) == len(known) else listed(undecided)
        parts.append(f"undecided at {places}")
    return f"{name} {', '.join(parts)}"


def _figure(known: Mapping[str, Stated]) -> str:
    (where, one), *_ = known.items()
    at = f" at {where}" if where else ""
    return f"{NAMED[one.name]}{at} {one.told}, {WORD[one.sign]}"


def _training(comparisons: Sequence[ArmComparison]) -> list[str]:
    """What else differs between arms and their reference."""
    found: dict[str, dict[str, None]] = {}
    for one in comparisons:
        for difference in one.training_differences:
            found.setdefault(difference.what, {})[f"{difference.b} against {difference.a}"] = None
    if not found:
        return []
    parts = [f"{what} ({listed(list(told)[:MOST_NAMED])})" for what, told in found.items()]
    return [sentence(f"beside the setting, arms and reference also differ in {listed(parts)}")]


def _curves(trends: Sequence[Trend], figures: StudyFigures) -> list[str]:
    """A sentence for each axis of numbers and choice on the other axes."""
    groups: dict[tuple[str, str], list[Trend]] = {}
    for trend in trends:
        groups.setdefault((trend.axis, _choice(trend.choice)), []).append(trend)
    return [told for (_, where), members in groups.items() if (told := _curve(where, members, figures))]


def _curve(where: str, members: Sequence[Trend], figures: StudyFigures) -> str:
    """How far each figure changes over the axis: its slope times the width of the axis."""
    first = members[0]
    low, high = _ends(first, figures)
    width = math.log10(high / low) if first.scale == "log10" else high - low
    parts = []
    for column in shown("slope sentences"):
        for trend in members:
            if (trend.name, tuple(trend.by.items())) == column.key and trend.slope is not None:
                verb = {1: "rises", -1: "falls", 0: "undecided"}[trend.sign]
                ends = trend.slope_interval
                interval = None if ends is None else (ends[0] * width, ends[1] * width)
                some = "" if trend.n == trend.seeds else f" ({of_seeds(trend.n, trend.seeds)} seeds)"
                parts.append(f"{column.heading} {signed(trend.name, trend.slope * width, interval)}{some}, {verb}")
    if not parts:
        return ""
    also = f" with {where}" if where else ""
    scale = ", fitted on a log scale" if first.scale == "log10" else ""
    axis = f"{formats.visible(first.axis)}{also} from {low:g} to {high:g} ({counted(first.seeds, 'seed')}{scale})"
    return sentence(f"along {axis}: {'; '.join(parts)}")


def _ends(trend: Trend, figures: StudyFigures) -> tuple[float, float]:
    """The lowest and the highest place on the axis of a line."""
    choices = [cell.choice for cell in figures.cells]
    alike = [choice for choice in choices if all(choice.get(axis) == value for axis, value in trend.choice.items())]
    places = [float(value) for choice in alike if isinstance(value := choice[trend.axis], (int, float))]
    return min(places), max(places)


def _of_references(figures: StudyFigures) -> list[Trend]:
    """The lines of the reference of every axis of arms."""
    against = {one.axis: one.reference for one in figures.comparisons}
    return [t for t in figures.trends if all(t.choice.get(axis, value) == value for axis, value in against.items())]


def _best(found: Sequence[BestOnDev]) -> list[str]:
    """Which value of a setting is best on dev, and whether the next one can be told apart from it."""
    parts = []
    for one in found[:MOST_NAMED]:
        where = f" with {_choice(one.choice)}" if one.choice else ""
        value = f"{formats.value(one.name, one.mean)} {formats.interval(one.name, one.interval)}".strip()
        apart = one.p is not None and one.p < SURE and one.seeds >= LEAST_SEEDS
        parts.append(
            f"on dev the best {formats.visible(one.axis)}{where} is {_plain(one.value)} ({formats.title(one.name)} "
            f"{value}), which {'can' if apart else 'cannot'} be told apart from the next best, {_plain(one.next)} "
            f"({signed(one.name, one.difference, one.difference_interval)})"
        )
    return [sentence("; ".join(parts))] if parts else []


def _method(figures: StudyFigures) -> list[str]:
    """What counts as shown, and how small a difference could have been."""
    if not figures.comparisons:
        return []
    told = f"a difference counts as shown where p < {SURE}, adjusted for the arms compared (Holm)"
    known = [
        delta.smallest
        for one in figures.comparisons
        for delta in one.figures
        if delta.name == HALLUCINATION and not delta.by and delta.smallest is not None and one.seeds >= LEAST_SEEDS
    ]
    if known:
        least = formats.difference(HALLUCINATION, min(known)).removeprefix("+")
        told += f"; with these seeds a hallucination rate had to differ by {least} at least"
    return [sentence(told)]


def _alone(figures: StudyFigures) -> list[str]:
    """Of cells that stand beside nothing."""
    if len(figures.cells) > 1:
        return ["Nothing can be compared yet: no cell has its counterpart in another arm, or at another point."]
    found = {figure.name: figure for figure in figures.cells[0].figures if not figure.by}
    rate, omission = found.get(HALLUCINATION), found.get(OMISSION)
    if rate is None or rate.mean is None:
        return ["Nothing can be said about hallucination: a run without claims has no such rate."]
    told_rate = f"{formats.percent(rate.mean)} {formats.interval(HALLUCINATION, rate.interval)}"
    text = f"of the claims {told_rate.strip()} are hallucinations"
    if omission is not None and omission.mean is not None:
        text += f", and {formats.percent(omission.mean)} of the annotation is omitted"
    return [sentence(text), "Only one cell is there: nothing can be compared."]


def _delta(one: ArmComparison, name: str) -> ArmDelta | None:
    found = (delta for delta in one.figures if delta.name == name and not delta.by)
    return next((delta for delta in found if delta.difference is not None), None)


def _sign(delta: ArmDelta) -> int:
    value = delta.difference or 0.0
    return (value > 0) - (value < 0) if delta.shown else 0


def _stated(delta: ArmDelta) -> Stated | None:
    if delta.difference is None:
        return None
    some = "" if delta.n in (0, len(delta.values)) else f" ({of_seeds(delta.n, len(delta.values))} seeds)"
    return Stated(delta.name, delta.difference, delta.interval, _sign(delta), some)


def _arm(one: ArmComparison) -> str:
    return _named(one.axis, one.arm)


def _named(axis: str, arm: Plain) -> str:
    return quoted(_plain(arm) if axis == "arm" else f"{formats.visible(axis)}={_plain(arm)}")


def _choice(choice: Mapping[str, Plain]) -> str:
    """``gap.fraction 0.5, arm “mix”``."""
    return ", ".join(
        f"{formats.visible(axis)} {quoted(_plain(value)) if isinstance(value, str) else _plain(value)}"
        for axis, value in choice.items()
    )


def _plain(value: Plain) -> str:
    """A value or arm as the config has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return formats.visible(value)
