"""Sentences on arms, or runs, against a reference: one a topic, the answer first, and what cannot be shown of several
figures said once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from halluc.report.words.contests import Clause, Said, joined, said, who
from halluc.report.words.rivals import Family, Measure, Rival
from halluc.report.words.wording import MOST_NAMED, listed, sentence, signed

RATE = "hallucination_rate"
NO_CLAIMS = "a run without claims has no such rate"
_RATE = Measure(
    RATE,
    ("hallucinates less", "hallucinate less"),
    ("hallucinates more", "hallucinate more"),
    "hallucination",
    NO_CLAIMS,
)
_MATCHED = _RATE._replace(
    figure="hallucination_rate_at_matched_omission",
    undefined="a run has no claims left there",
)
MATCHED = _MATCHED.figure
_OMISSION = Measure(
    "omission_rate", ("omits less", "omit less"), ("omits more", "omit more"), "omission", "nothing is annotated"
)
OMISSION = _OMISSION.figure
_F1 = Measure("f1", ("has a lower F1", "have a lower F1"), ("has a higher F1", "have a higher F1"), "F1")
_DISTORTION = Measure(
    "distortion_rate", ("distorts less", "distort less"), ("distorts more", "distort more"), "distortion"
)
_ACCEPTANCE = Measure(
    "out_of_scope_acceptance",
    ("labels fewer texts that are out of scope", "label fewer texts that are out of scope"),
    ("labels more texts that are out of scope", "label more texts that are out of scope"),
    "texts out of scope that get a label",
)
_COSTS = (_OMISSION, _F1, _DISTORTION, _ACCEPTANCE)


def contests(families: Iterable[Family]) -> list[str]:
    """Hallucination with the omissions that less of it goes with; the same at matched omission; what else it costs.

    A sentence a topic, in which the families stand beside each other.
    """
    topics: tuple[list[str], ...] = ([], [], [])
    for family in families:
        for topic, body in zip(topics, _contest(family), strict=True):
            if body:
                topic.append(body)
    return [sentence("; ".join(topic)) for topic in topics if topic]


def _contest(family: Family) -> tuple[str, str, str]:
    """What is said of each topic, empty where another one says it too."""
    alike = _omits_alike(family)
    rate, matched = said(family, _RATE, None if alike else _OMISSION), said(family, _MATCHED)
    told = rate.differing if family.axis is None and not alike else []
    measures = [one for one in _COSTS if not (alike and one is _OMISSION)]
    costs, rest, other = _together(family, measures, [rival for rival in told if _is_less(family, rival)])
    body, at_matched = _body(family, _RATE, rate), _body(family, _MATCHED, matched)
    if alike:
        at_matched = ""
    elif _is_nothing(family, rate) and _is_nothing(family, matched):
        body, at_matched = f"{body}, nor at matched omission{_detail(family, matched.alike, _MATCHED)}", ""
    if _is_nothing(family, rate) and not at_matched and not costs and rest:
        body, rest = f"{body}, nor in {listed(rest, 'or')}", []
    return body, at_matched and f"at matched omission, {at_matched}", _with_rest(family, costs, rest, other)


def _is_less(family: Family, rival: Rival) -> bool:
    """Whether the sentence on hallucination tells its omissions too."""
    found = rival.at(family.points[0], RATE)
    return found is not None and found.shown == -1


def _omits_alike(family: Family) -> bool:
    """Whether omission is the same everywhere, so that rates at matched omission are the rates."""
    found = [(rival.at(point, OMISSION), rival.at(point, RATE), rival.at(point, MATCHED))
             for rival in family.rivals for point in family.points]  # fmt: skip
    known = [(o.value, a.value, b.value) for o, a, b in found if o and a and b]
    return bool(known) and all(omission == 0 and rate == matched for omission, rate, matched in known)


def _is_nothing(family: Family, found: Said) -> bool:
    """Whether all that can be said is that no difference is shown, of anybody."""
    return len(found.alike) == len(family.rivals)


def _body(family: Family, measure: Measure, found: Said) -> str:
    parts = joined(found.clauses)
    if found.alike:
        parts.append(_alike(family, measure, found))
    if found.undefined:
        parts.append(_unknown(family, measure, found.undefined))
    return "; ".join(parts)


def _alike(family: Family, measure: Measure, found: Said) -> str:
    """Rivals of which no difference is shown at any point, beside those that differ."""
    rivals, anywhere = found.alike, f" at any {family.axis}" if family.axis else ""
    many = len(rivals) > MOST_NAMED and len(rivals) + len(found.differing) == len(family.rivals)
    if found.clauses:
        others = f"the other {len(rivals)} {family.noun}s" if many else who(family, rivals)
        return f"for {others} no difference can be shown{anywhere}"
    others = f"any of the {len(rivals)} {family.noun}s" if many else who(family, rivals)
    between = f"between {family.reference} and {others}"
    return f"no difference in {measure.called} can be shown{anywhere} {between}{_detail(family, rivals, measure)}"


def _unknown(family: Family, measure: Measure, rivals: Sequence[Rival]) -> str:
    return f"of {who(family, rivals)} nothing can be said about {measure.called}: {measure.undefined}"


def _detail(family: Family, rivals: Sequence[Rival], measure: Measure) -> str:
    """`` (at 0.5 −0.4 points [−1.2, 0.5])`` of one rival; nothing of several."""
    known = [(point, found) for point in family.points if (found := rivals[0].at(point, measure.figure))]
    if len(rivals) > 1 or not known:
        return ""
    point, found = known[-1]
    if found.value is None:
        return ""
    where = f"at {point} " if family.axis else ""
    return f" ({where}{signed(measure.written_as, found.value, found.interval)})"


def together(families: Iterable[tuple[Family, Sequence[Measure]]]) -> list[str]:
    """Several figures of each family in one sentence: what is shown of each, then what cannot be shown of any."""
    bodies = list(filter(None, (_with_rest(family, *_together(family, measures)) for family, measures in families)))
    return [sentence("; ".join(bodies))] if bodies else []


def _together(
    family: Family, measures: Sequence[Measure], told: Sequence[Rival] = ()
) -> tuple[list[str], list[str], bool]:
    """Clauses, the names of the figures of which something is left that cannot be shown, and whether something of
    these is.

    Args:
        told: rivals of which another sentence tells the first figure.
    """
    clauses: list[Clause] = []
    unknown: list[str] = []
    rest: list[str] = []
    other = False
    for place, measure in enumerate(measures):
        of = [rival for rival in family.rivals if place or not any(rival is one for one in told)]
        found = said(family, measure, rivals=of, names_reference=not clauses, names_rest=False)
        clauses += found.clauses
        if found.undefined and measure.undefined:
            unknown.append(_unknown(family, measure, found.undefined))
        if any(_is_unshown(family, rival, measure) for rival in (*found.alike, *found.differing)):
            alone = len(family.rivals) == 1 and family.axis is None
            rest.append(measure.called + (_detail(family, family.rivals, measure) if alone else ""))
            other = other or bool(found.differing) or len(of) < len(family.rivals)
    return [*joined(clauses), *unknown], rest, other


def _is_unshown(family: Family, rival: Rival, measure: Measure) -> bool:
    """Whether there is a point at which no difference is shown."""
    found = (rival.at(point, measure.figure) for point in family.points)
    return any(one is not None and one.shown == 0 for one in found)


def _with_rest(family: Family, clauses: Sequence[str], rest: Sequence[str], other: bool) -> str:
    if not rest:
        return "; ".join(clauses)
    of = f"of {family.among}, " if family.among else ""
    nothing = f"{of}no {'other ' if other else ''}difference in {listed(rest, 'or')} can be shown"
    return "; ".join([*clauses, nothing])
