"""report.md: a report for a comment on a pull request, with the figures of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.gfm import Markdown, PageLimits
from halluc.reporting.page import highlight
from halluc.reporting.views import comparison
from halluc.reporting.views.tables import first_of
from halluc.reporting.words import nouns
from halluc.runs.reports import AnyReport, ComparisonReport, RunReport, ShownClaim
from halluc.runs.schema import LedgerLine
from halluc.runs.studies import Comparison
from halluc.wording import formats
from halluc.wording.nouns import Nouns

# A comment on GitHub has at most 65,536 characters; this leaves room for an introduction.
MOST_CHARACTERS = 60_000
# Claims and rows are reduced first, then the length of texts.
LIMITS = [PageLimits(*sizes) for sizes in ((10, 200, 1_000), (5, 60, 1_000), (5, 20, 400), (3, 8, 160), (0, 3, 60))]


def page(report: AnyReport) -> str:
    """A report in GitHub-flavoured Markdown, short enough for a comment: what does not fit is counted."""
    words = nouns.task_of(report).wording.nouns

    def values(limits: PageLimits) -> dict[str, Any]:
        match report:
            case RunReport():
                return _run_values(report, limits, words)
            case ComparisonReport():
                shown = comparison.with_letters(report)[: limits.rows]
                return {"runs": [(letter, other, _differing_keys(other, limits)) for letter, other in shown]}
            case _:
                return {"axes": [_axis(axis, choices, limits) for axis, choices in report.axes.items()]}

    return fit_to_size(f"{report.kind}.md.j2", report, lambda limits: {"nouns": words, **values(limits)})


def fit_to_size(template: str, report: object, values: Callable[[PageLimits], dict[str, Any]] = lambda _: {}) -> str:
    """A template with the first limits for which it is short enough, or with the last."""
    text = ""
    for limits in LIMITS:
        text = gfm.render(template, limits, {"report": report, **values(limits)})
        if len(text) <= MOST_CHARACTERS:
            break
    return text


def _run_values(report: RunReport, limits: PageLimits, words: Nouns) -> dict[str, Any]:
    worst = [section for section in report.claims if section.section in ("unsupported", "distorted")]
    claims = list(islice((claim for section in worst for claim in section.shown), limits.claims))
    return {
        "claims": [_claim(claim, limits, words) for claim in claims],
        "sentences": [sentence(claim, limits, is_placed=words.is_placed) for claim in claims],
        "worst": _worst({one.section: one.total for one in worst}, words),
        "order": f": {words.unsupported} first, each" if len(worst) > 1 else ",",
    }


def _worst(totals: Mapping[str, int], words: Nouns) -> str:
    """``50 wrong mentions (5 hallucinated, 45 distorted)``, ``5 hallucinated mentions``."""
    names = {"unsupported": words.unsupported}
    parts = [f"{formats.count(total)} {names.get(section, section)}" for section, total in totals.items()]
    one = f"{formats.count(sum(totals.values()))} wrong {words.golds} ({', '.join(parts)})"
    return one if len(parts) > 1 else "".join(f"{part} {words.golds}" for part in parts)


def _claim(claim: ShownClaim, limits: PageLimits, words: Nouns) -> Markdown:
    """A claim on one line: its content, its confidence, and its novelty."""
    line = claim.line
    parts = [
        Markdown(f"{_surface(line.text, limits)} as {_label(line.label)}")
        if words.is_placed
        else _text_claim(claim, words)
    ]
    if line.confidence is not None:
        parts.append(gfm.md(formats.percent(line.confidence)))
    facts = (_verdict(line, words), line.novelty and words.about_training(line.novelty), line.abstained and "withdrawn")
    parts += [gfm.md(fact) for fact in facts if fact]
    if line.nearest is not None:
        where = gfm.code(f"{line.nearest.file}:{line.nearest.line}", limits.text)
        phrase = "there at" if line.nearest.text == line.text else f"nearest: {_surface(line.nearest.text, limits)} at"
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


def _surface(text: str, limits: PageLimits) -> Markdown:
    return gfm.strong(highlight.surface(text), min(limits.text, gfm.LONGEST_NAME))


def sentence(claim: ShownClaim, limits: PageLimits, *, is_placed: bool = True) -> Markdown:
    """A claim in its text: claims are bold, annotation is underlined; a whole text is plain."""
    if not is_placed and not claim.marked:  # a whole text, with the parts of a pair separated
        parts = highlight.halves(claim.tokens, claim.first, claim.second)
        phrase = " ‖ ".join(gfm.inert(part, limits.text) for part in parts)
    else:
        phrase = ""
        for piece in highlight.pieces(claim, is_placed=is_placed):
            text = gfm.inert(piece.text, limits.text)
            if piece.claim and piece.claim.style != highlight.OTHER:
                text = f"<b>{text}</b>"
            phrase += piece.gap + (f"<ins>{text}</ins>" if piece.gold else text)
    phrase = ("… " if claim.before else "") + phrase + (" …" if claim.after else "")
    for name, text in claim.related_texts:
        phrase += f" ‖ {gfm.inert(name, 40)}: {gfm.inert(highlight.beginning(text), limits.text)}"
    return gfm.isolate_direction(phrase)


def _differing_keys(other: Comparison, limits: PageLimits) -> Markdown:
    """The keys in which the configs differ."""
    differing = [gfm.code(one.replace("`", ""), limits.text) for one in other.config_differences]
    return Markdown(", ".join(first_of(differing, limits.rows)))


def _axis(axis: str, values: Sequence[object], limits: PageLimits) -> str:
    parts = [formats.visible(value, 40) for value in values]
    return f"{axis}: {', '.join(first_of(parts, limits.rows, 'and {:,} more'))}"
