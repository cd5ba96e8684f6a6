"""GitHub-flavoured Markdown in which no text can be interpreted as markup; templates escape automatically.

A template prints ``Marked`` values unchanged; everything else is escaped first. Text is never put on a line that begins
a block of HTML (such as ``<summary>``): Markdown escapes have no effect there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from halluc.reporting.templating import environment
from halluc.reporting.views.tables import TableCell, TableView
from halluc.runs.reports import GateResult
from halluc.wording import formats

LONGEST_NAME = 80
# GitHub links people, issues, commits, addresses and emoji after parsing the Markdown, so a backslash does not prevent
# it, but a zero-width space inside does; before a dollar sign it prevents a formula.
_BREAK = "&#8203;"
_RISKY = re.compile(
    r"(?P<plain>\[[−-]?\d[\d.,% −-]*\](?![(\[:])|(?<=[^\W_])_(?=[^\W_])|<(?= \d))"  # [1.9, 6.3], a_b, < 0.001
    r"|(?P<special>[\\`*_\[\]~])"
    r"|(?P<entity>[<>&|])"
    r"|(?P<dollar>\$)"
    r"|(?P<hash>#)"
    r"|(?P<link>@|www(?=\.)|:(?=//)|:(?!\d\d:)(?=[\w+-]+:)|GH-(?=\d))"
    r"|(?P<commit>\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,40}\b)",
    re.IGNORECASE,
)
_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;", "|": "&#124;"}
# Characters that begin a list, a heading or a table at the start of a line.
_OPENING = re.compile(r"^(?:(\d{1,9})(?=[.)](?: |$))|(?=-[- ]|\+ |[-+]$|=|:-))")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_HEX = re.compile(r"[0-9a-f]{6,128}")
_ISOLATE, _END_OF_ISOLATE = "\u2068", "\u2069"


class Markdown(str):
    """A string that is Markdown. The result of ``+`` or ``join`` is plain text again."""


class PageLimits(NamedTuple):
    """Limits on what is shown: claims, rows of a table or list, and characters of one text."""

    claims: int
    rows: int
    text: int


WIDE = PageLimits(claims=10, rows=1_000, text=2_000)


def md(text: object, longest: int | None = WIDE.text) -> Markdown:
    """Any text on one line, escaped for use in a paragraph, an item of a list, a heading or a cell.

    Nothing in it is parsed as a tag, a link, a mention, a reference, a formula or a cell border, and invisible
    characters are shown. The middle of more than ``longest`` characters is left out. Right-to-left text does not affect
    its surroundings.
    """
    return text if isinstance(text, Markdown) else isolate_direction(inert(text, longest))


def inert(text: object, longest: int | None = WIDE.text) -> str:
    """Like ``md``, for a part of a text whose direction is isolated as a whole, see ``isolate_direction``."""
    phrase = re.sub(" +", " ", formats.visible(text, longest)).strip(" ")
    return _OPENING.sub(lambda result: f"{result[1] or ''}\\", _RISKY.sub(_harmless, phrase))


def isolate_direction(markdown: str) -> Markdown:
    """Markdown with its own text direction, isolated from its surroundings."""
    return Markdown(_ISOLATE + markdown + _END_OF_ISOLATE if _RIGHT_TO_LEFT.search(markdown) else markdown)


def _harmless(result: re.Match[str]) -> str:
    risky = result[0]
    harmless = {
        "plain": risky,
        "special": rf"\{risky}",
        "entity": _ENTITIES.get(risky, risky),
        "dollar": rf"{_BREAK}\$",
        "hash": rf"\#{_BREAK}",
        "link": risky + _BREAK,
        "commit": _BREAK.join(risky[place : place + 6] for place in range(0, len(risky), 6)),
    }
    return harmless[str(result.lastgroup)]


def code(text: object, longest: int | None = WIDE.text) -> Markdown:
    """Text as code that can be copied: a path, or the name of a key."""
    phrase = formats.visible(text, longest).strip(" ")
    if not phrase or "`" in phrase or "|" in phrase:  # a code span cannot contain these everywhere
        return Markdown(f"<code>{md(text, longest)}</code>")
    return Markdown(f"`{phrase}`")


def digest(text: object) -> Markdown:
    """A hash as code; anything else is treated as normal text."""
    return Markdown(f"`{text}`") if _HEX.fullmatch(str(text)) else md(text)


def strong(text: object, longest: int | None = LONGEST_NAME) -> Markdown:
    """Text in bold, with HTML where asterisks do not work, next to some characters."""
    phrase = md(text, longest) or formats.NOTHING
    return Markdown(f"**{phrase}**" if phrase[0].isalnum() and phrase[-1].isalnum() else f"<b>{phrase}</b>")


def fenced_code(lines: Sequence[str], language: str = "", longest: int | None = WIDE.text) -> Markdown:
    """Lines as a fenced code block, whose fence does not occur in them."""
    shown = [formats.visible(line, longest) for line in lines]
    ticks = max((len(run) for line in shown for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    return Markdown("\n".join([fence + language, *shown, fence]))


def commands(lines: Sequence[str], limits: PageLimits = WIDE) -> Markdown:
    """Shell commands, as many as fit."""
    return fenced_code(lines[: limits.rows], "sh", limits.text)


def bullets(texts: Sequence[object], limits: PageLimits = WIDE) -> Markdown:
    """A list; items that do not fit are counted."""
    items = [f"- {md(text, limits.text)}" for text in texts[: limits.rows]]
    more = len(texts) - len(items)
    return Markdown("\n".join([*items, f"- *and {more:,} more*"] if more > 0 else items))


def gates(results: Sequence[GateResult], limits: PageLimits = WIDE) -> Markdown:
    """Each gate with its result; those not met come first."""
    ordered = sorted(results, key=lambda gate: gate.met)
    return bullets(
        [Markdown(f"{strong('met' if one.met else 'not met')}: {md(one.text, limits.text)}") for one in ordered], limits
    )


def table(view: TableView, limits: PageLimits = WIDE) -> Markdown:
    """A table with its notes; rows that do not fit are counted, before its totals or below it."""
    more = max(0, len(view.rows) - limits.rows)
    left = f"and {more:,} more"
    lines: list[list[str]] = [
        [md(column.heading, limits.text) for column in view.columns],
        ["---:" if column.kind == "figure" else "---" for column in view.columns],
        *([_cell(cell, limits) for cell in row] for row in view.rows[: limits.rows]),
        *([[left]] if more and view.totals else []),
        *([strong(row[0].text), *(_cell(cell, limits) for cell in row[1:])] for row in view.totals),
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    below = [*([f"*{left}*"] if more and not view.totals else []), *(md(note, limits.text) for note in view.notes)]
    return Markdown("\n\n".join([text, *below]))


def titled_table(view: TableView, limits: PageLimits = WIDE) -> Markdown:
    return Markdown(f"{strong(view.title, 200)}\n\n{table(view, limits)}")


def _cell(cell: TableCell, limits: PageLimits) -> str:
    match cell.form:
        case "code":
            text = code(cell.text, limits.text)
        case "digest":
            text = digest(cell.text)
        case _:
            text = md(cell.text, limits.text)
            text = Markdown(f"**{text}**") if cell.bold and text else text
    return f"{text} {md(cell.under)}".strip()


def render(template: str, limits: PageLimits, values: Mapping[str, Any]) -> str:
    """A template of ``reporting/templates``, with ``values`` as its variables."""
    text = _environment().get_template(template).render(limits=limits, **values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _with_limits(function: Callable[..., Markdown]) -> Callable[..., Markdown]:
    """A function for templates, with the limits of the page that is rendered."""

    @pass_context
    def call(context: Context, value: Any) -> Markdown:
        return function(value, context["limits"])

    return call


@cache
def _environment() -> Environment:
    functions = {one.__name__: _with_limits(one) for one in (bullets, commands, gates, table, titled_table)}
    finalize = _with_limits(lambda value, limits: md(value, limits.text))
    return environment(finalize, _FILTERS, functions, is_html=False)


_FILTERS: dict[str, Callable[..., Any]] = {"code": code, "short": partial(md, longest=LONGEST_NAME), "strong": strong}
