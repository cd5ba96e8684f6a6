"""The page of ``halluc serve`` for trying a text, and the HTML fragment that shows the predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from halluc.reporting.page import highlight
from halluc.reporting.page.render import fragment as filled
from halluc.reporting.page.render import render_page
from halluc.task import AnyTask, Asserted

# Requests go only to the server of the page; inline styles are the columns of marked spans.
_POLICY = (
    "default-src 'none'; connect-src 'self'; script-src '{script}'; style-src '{style}'; "
    "style-src-attr 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_CLAIMED = "claimed"


def page(pair: tuple[str, str] | None) -> str:
    """The form. It reveals nothing about the model, so that it may be public.

    Args:
        pair: the names of the two texts of an input that is a pair.
    """
    return render_page("try.html.j2", "try.js", _POLICY, names=pair or ("text",))


def fragment(task: AnyTask, example: Any, prediction: Any, asserted: Sequence[Asserted]) -> str:
    """A text with its claims as spans, and all claims as a list, as HTML.

    Args:
        example: None for a blank text.
    """
    values: dict[str, Any] = {"claims": asserted, "pieces": [], "halves": [], "nouns": task.wording.nouns}
    if example is not None:
        line = task.examples.line(example, prediction)
        tokens = line.tokens_of("claim")
        ranges = () if line.has_own_text else task.examples.ranges(line)
        spans = [
            ((one.start, one.end, one.label), highlight.OTHER if claim.abstained else _CLAIMED)
            for claim in asserted
            if (one := claim.claim.where)
        ]
        marks = [(span, highlight.GOLD) for span in ranges]
        values["pieces"] = highlight.style_tokens(tokens, 0, spans, marks) if spans or marks else []
        values["halves"] = highlight.halves(tokens, 0, None if line.has_own_text else task.examples.border(line))
    return filled("tried.html.j2", **values)
