"""report.md: a report for a comment on a pull request, with the figures of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.gfm import Markdown, Room
from halluc.reporting.page import highlight
from halluc.reporting.views import comparison, evaluation, probes, run, study, suspects
from halluc.reporting.views.tables import first_of
from halluc.reporting.words import nouns
from halluc.runs.reports import AnyReport, ComparisonReport, RunReport, ShownClaim, StudyReport
from halluc.runs.schema import LedgerLine
from halluc.runs.studies import Comparison
from halluc.wording import formats
from halluc.wording.nouns import Nouns

# A comment on GitHub has at most 65,536 characters; this leaves room for an introduction.
MOST_CHARACTERS = 60_000
# Claims and rows are reduced first, then the length of texts.
ROOMS = (Room(10, 200, 1_000), Room(5, 60, 1_000), Room(5, 20, 400), Room(3, 8, 160), Room(0, 3, 60))


def page(report: AnyReport) -> str:
    """A report in GitHub-flavoured Markdown, short enough for a comment: what does not fit is counted."""
    words = nouns.task_of(report).wording.nouns
    return fitted(f"{report.kind}.md.j2", lambda room: {"nouns": words, **_VIEWS[report.kind](report, room)}, report)


def fitted(template: str, views: Callable[[Room], dict[str, Any]], report: object) -> str:
    """A template with the first limits for which it is short enough, or with the last."""
    text = ""
    for room in ROOMS:
        text = gfm.render(template, room, {"report": report, **views(room)})
        if len(text) <= MOST_CHARACTERS:
            break
    return text


def _of_run(report: RunReport, room: Room) -> dict[str, Any]:
    words = nouns.task_of(report).wording.nouns
    worst = [section for section in report.claims if section.section in ("unsupported", "distorted")]
    claims = list(islice((claim for section in worst for claim in section.shown), room.claims))
    return {
        **_lists(room),
        "trained": report.run.stages.get("train"),
        "headlines": gfm.table(run.headlines(report), room),
        "gates": gfm.gates(report.gates, room),
        "outcomes": [gfm.table(one, room) for one in run.outcomes(report, words)],
        "gap": gfm.table(evaluation.gap_by_label(report.gap, words.counted), room),
        "periods": [gfm.titled(one, room) for one in evaluation.over_time(report.metrics, report.split)],
        "abstention": run.abstention(report.abstention, words) if report.abstention else [],
        "annotation": [gfm.titled(one, room) for one in suspects.of_report(report.annotation)]
        if report.annotation
        else [],
        "claims": [_claim(claim, room, words) for claim in claims],
        "sentences": [sentence(claim, room, is_placed=words.is_placed) for claim in claims],
        "sureness": run.confidence(report),
        "worst": " and ".join(
            f"{formats.count(one.total)} {words.unsupported if one.section == 'unsupported' else one.section} "
            f"{words.golds}"
            for one in worst
        ),
        "classification": run.classification(report, words),
        "probed": [view for one in report.probes for view in probes.tables(one, detailed=True)],
    }


def _claim(claim: ShownClaim, room: Room, words: Nouns) -> Markdown:
    """A claim on one line: its content, its confidence, and its novelty."""
    line = claim.line
    parts = [
        Markdown(f"{_surface(line.text, room)} as {_label(line.label)}")
        if words.is_placed
        else _text_claim(claim, words)
    ]
    if line.confidence is not None:
        parts.append(gfm.md(formats.percent(line.confidence)))
    facts = (_verdict(line, words), line.novelty and words.about_training(line.novelty), line.abstained and "withdrawn")
    parts += [gfm.md(fact) for fact in facts if fact]
    if line.nearest is not None:
        where = gfm.code(f"{line.nearest.file}:{line.nearest.line}", room.text)
        phrase = "there at" if line.nearest.text == line.text else f"nearest: {_surface(line.nearest.text, room)} at"
        parts.append(Markdown(f"{phrase} {where}"))
    return Markdown(", ".join(parts))


def _text_claim(claim: ShownClaim, words: Nouns) -> Markdown:
    """The label claimed for a whole text, and the annotated one."""
    annotated = [_label(label) for _, _, label in claim.gold] or [gfm.md(words.nothing)]
    return Markdown(f"{_label(claim.line.label)}, annotated {', '.join(annotated)}")


def _label(label: str) -> Markdown:
    return gfm.strong(label, 40)


def _verdict(line: LedgerLine, words: Nouns) -> str:
    """The verdict, with the reason if the claim is distorted."""
    if line.verdict == "unsupported":
        return "hallucination"
    return f"{line.verdict}: {words.reason(line.reason)}" if line.reason else str(line.verdict)


def _surface(text: str, room: Room) -> Markdown:
    return gfm.strong(highlight.surface(text), min(room.text, gfm.LONGEST_NAME))


def sentence(claim: ShownClaim, room: Room, *, is_placed: bool = True) -> Markdown:
    """A claim in its text: claims are bold, annotation is underlined; a whole text is plain."""
    if not is_placed and not claim.marked:  # a whole text, with the parts of a pair separated
        parts = highlight.halves(claim.tokens, claim.first, claim.second)
        phrase = " ‖ ".join(gfm.inert(part, room.text) for part in parts)
    else:
        phrase = ""
        for piece in highlight.pieces(claim, is_placed=is_placed):
            text = gfm.inert(piece.text, room.text)
            if piece.claim and piece.claim.style != highlight.OTHER:
                text = f"<b>{text}</b>"
            phrase += piece.gap + (f"<ins>{text}</ins>" if piece.gold else text)
    phrase = ("… " if claim.before else "") + phrase + (" …" if claim.after else "")
    for name, text in claim.related_texts:
        phrase += f" ‖ {gfm.inert(name, 40)}: {gfm.inert(highlight.beginning(text), room.text)}"
    return gfm.isolated(phrase)


def _of_comparison(report: ComparisonReport, room: Room) -> dict[str, Any]:
    result = comparison.lettered(report)[: room.rows]
    training = comparison.training(report)
    return {
        **_lists(room),
        "runs": [(letter, other.b, _differing(other, room)) for letter, other in result],
        "families": [comparison.differences(letter, other) for letter, other in result],
        "training": training and gfm.titled(training, room),
        "flips": [comparison.flips(letter, other) for letter, other in result],
        "left": len(report.others) - len(result),
    }


def _differing(other: Comparison, room: Room) -> Markdown:
    """The keys in which the configs differ."""
    differing = [gfm.code(one.replace("`", ""), room.text) for one in other.config_differences]
    return Markdown(", ".join(first_of(differing, room.rows)))


def _of_study(report: StudyReport, room: Room) -> dict[str, Any]:
    result = report.figures
    families = study.differences(result)
    return {
        **_lists(room),
        "seeds": study.seeds(result),
        "axes": [_axis(axis, values, room) for axis, values in report.axes.items()],
        "cells": study.cells(result),
        "by_seed": gfm.table(study.by_seed(result), room),
        "training": gfm.table(study.training(result), room),
        "families": families[: room.rows],
        "families_left": len(families[room.rows :]),
        "trends": [*study.slopes(result.trends), *study.slopes(result.arm_trends)],
    }


def _axis(axis: str, values: Sequence[object], room: Room) -> str:
    parts = [formats.visible(value, 40) for value in values]
    return f"{axis}: {', '.join(first_of(parts, room.rows, 'and {:,} more'))}"


def _lists(room: Room) -> dict[str, Callable[..., Markdown]]:
    def numbered(items: Iterable[Markdown]) -> Markdown:
        return Markdown("\n".join(f"{place}. {item}" for place, item in enumerate(items, 1)))

    return {
        "bullets": partial(gfm.bullets, room=room),
        "numbered": numbered,
        "commands": lambda lines: gfm.fenced(lines[: room.rows], "sh", room.text),
        "titled": partial(gfm.titled, room=room),
    }


_VIEWS: dict[str, Callable[[Any, Room], dict[str, Any]]] = {
    "run": _of_run,
    "comparison": _of_comparison,
    "study": _of_study,
}
