"""Interpretation of differences in sentences. A study has one per arm, or one per figure if there are many arms, and
one per numeric axis, at most six in all. For runs that are compared with a first one they say which to deploy: they are
about these checkpoints, not about the recipes that made them.

A difference of arms is *shown* if its p-value, adjusted for the compared arms (Holm), is below .05 and there are at
least three seeds. Otherwise the sentence says "undecided"; that there is no difference only if it is 0 in all examples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from halluc.core.figures import HALLUCINATION, MATCHED, figure, shown
from halluc.core.quantities import quantity
from halluc.runs import training_facts
from halluc.runs.studies import (
    ALPHA,
    LEAST_SEEDS,
    ArmComparison,
    ArmDelta,
    BestOnDev,
    Comparison,
    Delta,
    MatchedOmission,
    Plain,
    StudyFigures,
    Trend,
)
from halluc.wording import formats
from halluc.wording.formats import NAMED, listed, of_seeds, quoted, sentence, signed

MOST_SENTENCES = 6
_MOST_NAMED = 3  # cells, or settings, in one sentence; runs with a sentence of their own
_WORD = {1: "higher", -1: "lower", 0: "undecided"}
_TREND = {1: "rises", -1: "falls", 0: "undecided"}


def study_sentences(figures: StudyFigures) -> list[str]:
    """The results of a study so far: of its arms, of its numeric axes, otherwise of its cells."""
    if not figures.cells:
        return ["No conclusion: no cell is evaluated."]
    head, tail = _basis(figures), [*_training(figures), *_best(figures.best_on_dev), *_method(figures)]
    arms = sorted(figures.comparisons, key=lambda one: -sum(delta.shown for delta in one.figures))
    many = len(arms) > _MOST_NAMED and len({(one.axis, str(one.reference), _choice(one.choice)) for one in arms}) == 1
    results = _many(figures.comparisons) if many else [_arm(one) for one in arms]
    body, room = [*results, *_curves(figures)] or [_single_cell(figures)], MOST_SENTENCES - len(head) - len(tail)
    if not many and len(arms) > room:
        body[room - 1] += f" {quantity(len(arms) - room, 'more comparisons')} {_be(len(arms) - room)} in the tables."
    return [*head, *body[:room], *tail]


def _basis(figures: StudyFigures) -> list[str]:
    """Limits of the results: missing cells, too few seeds, runs without claims."""
    missing, present = len(figures.missing), sum(len(cell.runs) for cell in figures.cells)
    results = [f"{missing} of {missing + present} cells {_be(missing)} missing"] if missing else []
    fewest = min(len(cell.runs) for cell in figures.cells)
    if fewest < LEAST_SEEDS and len(figures.cells) > 1:
        some = "" if all(len(cell.runs) == fewest for cell in figures.cells) else " for some cells"
        why = "intervals only cover the examples, and " if fewest == 1 else ""
        results.append(
            f"{quantity(fewest, 'seeds')}{some}: {why}no difference can be shown with fewer than {LEAST_SEEDS} seeds"
        )
    results += [
        f"no conclusion{_choice(cell.choice)}: the model makes no claim in {len(cell.silent_seeds)} of "
        f"{quantity(len(cell.runs), 'seeds')}"
        for cell in [cell for cell in figures.cells if cell.silent_seeds][:_MOST_NAMED]
    ]
    return [sentence("; ".join(results))] if results else []


def _arm(one: ArmComparison) -> str:
    """``“mix” hallucinates less than “none” at matched omission (3 seeds): hallucination rate −0.7 points […], …``."""
    deltas = {delta.name: delta for delta in one.figures if not delta.by and delta.difference is not None}
    name = MATCHED if MATCHED in deltas else HALLUCINATION
    arm, reference = (_arm_name(one.axis, value) for value in (one.arm, one.reference))
    named = {name: delta for name in NAMED if (delta := deltas.get(name)) is not None}
    is_open = len(named) > 1 and not any(map(_sign, named.values()))
    matched = " at matched omission" if name == MATCHED and not is_open else ""
    where = f"{matched}{_choice(one.choice)} ({quantity(one.seeds, 'seeds')})"
    sign = _sign(deltas[name]) if name in deltas else 0
    text = f"{arm} hallucinates {'more' if sign > 0 else 'less'} than {reference}{where}"
    if not sign:
        text = f"no difference{'' if is_open else ' in hallucination'} is shown between {arm} and {reference}{where}"
    parts = [
        f"{NAMED[name]} {signed(name, delta.difference, delta.interval, delta.p)}"
        f"{_seeds_note(delta.n, len(delta.values))}{'' if is_open else f', {_WORD[_sign(delta)]}'}"
        for name, delta in named.items()
    ]
    return sentence(f"{text}: {'; '.join([*parts, *['all undecided'] * is_open]) or 'no figure is defined in both'}")


def _many(arms: Sequence[ArmComparison]) -> list[str]:
    """For each figure the arms that differ from their common reference; not for figures that are equal in all arms.

    ``Hallucination rate at matched omission: lower than with “none” for “casing” (−2.2 points […]); no difference is
    shown for the other 14 arms (3 seeds).``
    """
    by_arm = [{delta.name: delta for delta in one.figures if not delta.by} for one in arms]
    rate = MATCHED if any(MATCHED in one for one in by_arm) else HALLUCINATION
    seeds = sorted({one.seeds for one in arms})
    basis = quantity(seeds[-1], "seeds") if len(seeds) == 1 else f"{seeds[0]} to {quantity(seeds[-1], 'seeds')}"
    reference = _arm_name(arms[0].axis, arms[0].reference)
    results = []
    for name in (rate, *(name for name in NAMED if name not in (MATCHED, HALLUCINATION))):
        deltas = [(arm, one[name]) for arm, one in zip(arms, by_arm, strict=True) if name in one]
        if not any(abs(delta.difference or 0) > 1e-9 for _, delta in deltas):
            continue
        parts = []
        for sign in (-1, 1):
            shown_ones = sorted(
                (one for one in deltas if _sign(one[1]) == sign), key=lambda one: -abs(one[1].difference or 0)
            )
            named = [
                f"{_arm_name(arm.axis, arm.arm)} ({signed(name, delta.difference, delta.interval, delta.p)})"
                for arm, delta in shown_ones[:_MOST_NAMED]
            ]
            if len(shown_ones) > _MOST_NAMED:
                named.append(quantity(len(shown_ones) - _MOST_NAMED, "more arms"))
            if named:
                parts.append(f"{_WORD[sign]} than with {reference} for {listed(named)}")
        rest = sum(not _sign(delta) for _, delta in deltas)
        if rest:
            others = (
                f"the other {quantity(rest, 'arms')}"
                if parts
                else f"any of the {quantity(rest, 'arms')} against {reference}"
            )
            parts.append(f"no difference is shown for {others}")
        results.append(sentence(f"{NAMED[name]}{_choice(arms[0].choice)}: {'; '.join(parts)} ({basis})"))
    return results


def _sign(delta: ArmDelta | Delta | MatchedOmission) -> int:
    """1 or -1 if a difference is shown, else 0."""
    value = delta.difference or 0.0
    return (value > 0) - (value < 0) if delta.shown else 0


def _seeds_note(n: int, seeds: int) -> str:
    """The number of seeds of a figure, if it is not all."""
    return "" if n in (0, seeds) else f" ({of_seeds(n, seeds)} seeds)"


def _curves(figures: StudyFigures) -> list[str]:
    """A sentence for each numeric axis and choice on the other axes; with arms, only for their references."""
    against = {one.axis: one.reference for one in figures.comparisons}
    groups: dict[tuple[str, str], list[Trend]] = {}
    for trend in figures.trends:
        if trend.slope is not None and all(trend.choice.get(axis, arm) == arm for axis, arm in against.items()):
            groups.setdefault((trend.axis, _choice(trend.choice)), []).append(trend)
    return [text for (_, where), trends in groups.items() if (text := _curve(where, trends, figures))]


def _curve(where: str, trends: Sequence[Trend], figures: StudyFigures) -> str:
    """How far each figure changes over the axis: its slope times the width of the axis."""
    first = trends[0]
    values = [cell.choice[first.axis] for cell in figures.cells if first.choice.items() <= cell.choice.items()]
    places = [float(value) for value in values if isinstance(value, (int, float))]
    low, high = min(places), max(places)
    width, scale = (math.log10(high / low), ", log scale") if first.scale == "log10" else (high - low, "")
    parts = []
    for column in shown("slope sentences"):
        for one in trends:
            if (one.name, tuple(one.by.items())) == column.key:
                ends = one.slope_interval and (one.slope_interval[0] * width, one.slope_interval[1] * width)
                change = signed(one.name, (one.slope or 0.0) * width, ends, one.slope_p) + _seeds_note(one.n, one.seeds)
                parts.append(f"{column.heading} {_with_verdict(change, _TREND[one.sign])}")
    axis = f"{formats.visible(first.axis)} from {low:g} to {high:g}{where} ({quantity(first.seeds, 'seeds')}{scale})"
    return sentence(f"along {axis}: {'; '.join(parts)}") if parts else ""


def _training(figures: StudyFigures) -> list[str]:
    """Further differences between the compared cells."""
    differences = [
        (one, f"{_arm_name(arm.axis, arm.arm)}: {one.b}; {_arm_name(arm.axis, arm.reference)}: {one.a}")
        for arm in figures.comparisons
        for one in arm.training_differences
    ]
    result = list({one.what: f"{one.what} ({text})" for one, text in reversed(differences)}.values())[::-1]
    if not figures.comparisons:
        result = training_facts.varying(cell.training for cell in figures.cells)
    return [sentence(f"training also differs: {', '.join(result)}")] if result else []


def _best(result: Sequence[BestOnDev]) -> list[str]:
    """Which value of a setting is best on dev, and whether it differs significantly from the next one."""
    parts = []
    for one in result[:_MOST_NAMED]:
        is_better = one.p is not None and one.p < ALPHA and one.seeds >= LEAST_SEEDS
        parts.append(
            f"the best {formats.visible(one.axis)} on dev{_choice(one.choice)} is {_plain(one.value)} "
            f"({formats.title(one.name)} {formats.with_interval(one.name, one.mean, one.interval)}); it "
            f"{'is better than' if is_better else 'cannot be distinguished from'} the next best, {_plain(one.next)} "
            f"({signed(one.name, one.difference, one.difference_interval)})"
        )
    return [sentence("; ".join(parts))] if parts else []


def _method(figures: StudyFigures) -> list[str]:
    """The criterion for a shown difference, and the smallest one that could have been shown."""
    if not figures.comparisons:
        return []
    enough = [one for one in figures.comparisons if one.seeds >= LEAST_SEEDS]
    rates = [delta for one in enough for delta in one.figures if delta.name == HALLUCINATION and not delta.by]
    least = min((delta.smallest for delta in rates if delta.smallest is not None), default=None)
    text = f"a difference is shown where p < {ALPHA}, adjusted for the arms compared (Holm)"
    if least is not None:
        smallest = formats.difference(HALLUCINATION, least).removeprefix("+")
        text += f"; the smallest detectable difference in hallucination rate is {smallest}"
    return [sentence(text)]


def _single_cell(figures: StudyFigures) -> str:
    """Cells without anything to compare with."""
    if len(figures.cells) > 1:
        return "Nothing can be compared yet: no two cells differ only in the arm or only in one number."
    result = {one.name: one for one in figures.cells[0].figures if not one.by and one.mean is not None}
    parts = [f"{NAMED[n]} {formats.with_interval(n, result[n].mean, result[n].interval)}" for n in NAMED if n in result]
    setting = f"one setting ({quantity(len(figures.cells[0].runs), 'seeds')})"
    return sentence(f"there is only {setting}, so nothing can be compared: {', '.join(parts) or 'it makes no claim'}")


def _choice(choice: Mapping[str, Plain]) -> str:
    """`` with gap.fraction 0.5 and arm “mix”``; empty if there is no other axis."""
    parts = [
        f"{formats.visible(axis)} {quoted(_plain(value)) if isinstance(value, str) else _plain(value)}"
        for axis, value in choice.items()
    ]
    return f" with {listed(parts)}" if parts else ""


def _arm_name(axis: str, arm: Plain) -> str:
    return quoted(_plain(arm) if axis == "arm" else f"{formats.visible(axis)}={_plain(arm)}")


def _plain(value: Plain) -> str:
    """A value or arm as written in the config."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return formats.visible(value)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def comparison_sentences(comparisons: Sequence[Comparison]) -> list[str]:
    """How the checkpoints compare with the first one, and which to deploy."""
    if not comparisons:
        return []
    paths = [PurePath(run) for run in (comparisons[0].a, *(one.b for one in comparisons))]
    # Cells of one study by their choice, others by name and time.
    parts = 1 if len({path.parent for path in paths}) == 1 else 2
    first, *names = (quoted(formats.visible("/".join(path.parts[-parts:]))) for path in paths)
    others = dict(zip(names, comparisons, strict=True))
    is_of_dev = comparisons[0].split == "dev"
    method = (
        f"This compares one checkpoint per recipe: to decide which recipe is better, use at least {LEAST_SEEDS} "
        "seeds of each. p is adjusted for all figures compared (Holm)."
        f"{' The checkpoints were selected on dev, so figures on dev are slightly optimistic.' if is_of_dev else ''}"
    )
    lines = [_run_sentence(name, first, one) for name, one in list(others.items())[:_MOST_NAMED]]
    differing = [
        f"{name} in {listed(f'{d.what} ({d.b} against {d.a})' for d in one.training_differences)}"
        for name, one in others.items()
        if one.training_differences
    ]
    if differing:
        lines.append(sentence(f"training also differs: {'; '.join(differing)}"))
    return [*lines, method, _recommendation(first, others)]


def _run_sentence(name: str, first: str, one: Comparison) -> str:
    parts = [
        f"{NAMED[n]} {_with_verdict(signed(n, d.difference, d.interval, d.p), _verdict(d))}"
        for n, d in _shown_differences(one).items()
    ]
    return sentence(f"{name} against {first} on {one.split}: {'; '.join(parts) or 'no figure is defined in both'}")


def _with_verdict(difference: str, verdict: str) -> str:
    """Figures that are equal in all examples have no verdict."""
    return difference if formats.SAME in difference else f"{difference}, {verdict}"


def _shown_differences(one: Comparison) -> dict[str, Delta | MatchedOmission]:
    """The differences that sentences name."""
    result = {delta.name: delta for delta in one.figures if not delta.by}
    both = {**result, MATCHED: one.matched_omission}
    return {name: delta for name in NAMED if (delta := both.get(name)) is not None and delta.difference is not None}


def _verdict(delta: Delta | MatchedOmission) -> str:
    if _sign(delta) or delta.interval is None:
        return _WORD[_sign(delta)]
    is_around = delta.interval[0] <= 0 <= delta.interval[1]
    return f"undecided{': the interval contains 0' if is_around else ' after adjustment'}"


def _recommendation(first: str, others: Mapping[str, Comparison]) -> str:
    """``Deploy “b”.`` if it is better in hallucination at matched omission or in F1 or BLEU, and worse in neither."""
    known = {name: _shown_differences(one) for name, one in others.items()}
    ranks = {name: _rank(deltas) for name, deltas in known.items()}
    rows = [figure(name) for name in dict.fromkeys(name for deltas in known.values() for name in deltas)]
    gains = {"F1" if row.unit == "F1" else row.title: None for row in rows if row.better == "higher"} or {"F1": None}
    better = [name for name, rank in ranks.items() if rank == {1}]
    if len(better) == 1:
        return f"Recommendation: deploy {better[0]}."
    if better:
        return f"Recommendation: deploy {listed(better, 'or')}: each is better than {first}; compare them to choose."
    if all(rank == {-1} for rank in ranks.values()):
        return f"Recommendation: deploy {first}."
    if any(rank == {1, -1} for rank in ranks.values()):
        mixed = f"a run that is better in one of {listed(['hallucination', *gains])} is worse in another"
        return f"Recommendation: undecided: {mixed if len(gains) > 1 else mixed.replace('another', 'the other')}."
    neither = listed(["hallucination", *(f"in {gain}" for gain in gains)], "nor")
    return f"Recommendation: undecided: no improvement is shown, neither in {neither}."


def _rank(known: Mapping[str, Delta | MatchedOmission]) -> set[int]:
    """1 if something is significantly better, -1 if worse."""
    rate = MATCHED if MATCHED in known else HALLUCINATION
    signs = {name: 1 if figure(name).better == "higher" else -1 for name in known}
    return {
        _sign(one) * signs[name] for name, one in known.items() if _sign(one) and (name == rate or signs[name] == 1)
    }
