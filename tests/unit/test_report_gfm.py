"""No text is taken for markup in GitHub-flavoured Markdown, wherever it stands, and people see it as it was."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from halluc.reporting import templating
from halluc.reporting.markdown import gfm
from halluc.reporting.markdown.gfm import Markdown, PageLimits, code, digest, fenced_code, md, strong
from halluc.reporting.views.tables import TableCell, table
from halluc.wording import formats
from tests.hostile_texts import LABELS, REFUSED_LABELS, SCRIPT, TOKENS
from tests.markdown_reading import LINKED, kinds, parsed, read

RISKS = [*TOKENS, *LABELS, *REFUSED_LABELS]
RISKS += ["@user", "@org/team", "#1", "GH-1", "o/r#2", "http://a.b/c", "HTTPS://A.B", "www.a.b", "a@b.c", ":smile:"]
RISKS += ["[x]: http://a", "[a](b)", "![a](b)", "<http://a.b>", "[^1]", "[ ] do", "[1](x)", "[1]: x", "``", "a`b``c"]
RISKS += ["- a", "+ a", "1. a", "12) a", "# a", "> a", "===", "---", "***", "___", "~~~", "```", "    code", ":--", "="]
RISKS += ["a\\", "\\|", "\\\\|", "|", "a | b", "*a*", "_a_", "a_b_c", "~~a~~", "$x$", "$$x$$", "&lt;", "&#64;x", "<!--"]
RISKS += [
    "654725d166bc6089a66ec0446255faedab2ecafc",
    "3f2a9c1",
    "[1.9, 6.3]",
    "< 0.001",
    "<1",
    "مرحبا [a](b)",
    "-",
    "+",
]
texts = st.one_of(
    st.text(st.characters(codec=None)),
    st.text(st.sampled_from("\\`*_[](){}<>#|~$&@:!-+=.1ax \n\t\u202e\u0645"), max_size=30),
    st.lists(st.sampled_from(RISKS), max_size=4).map(" ".join),
    st.lists(st.sampled_from(RISKS), max_size=4).map("".join),
)


def as_seen(text: str) -> str:
    return re.sub(" +", " ", formats.visible(text, None)).strip(" ")


def with_examples(test):
    for risk in RISKS:
        test = example(risk)(test)
    return test


@with_examples
@given(texts)
def test_any_text_is_inert_and_preserved_in_every_place(text):
    told, seen = md(text, None), as_seen(text)
    assert "\n" not in told
    for before, after, around in (
        ("a ", " z", ["paragraph"]),
        ("", "", ["paragraph"]),
        ("a\n", "\nz", ["paragraph"]),
        ("- ", "", ["bullet_list", "list_item", "paragraph"]),
        ("1. ", " z", ["ordered_list", "list_item", "paragraph"]),
        ("# ", "", ["heading"]),
    ):
        found = {kind.removesuffix("_open").removesuffix("_close") for kind in kinds(before + told + after)}
        assert found <= {*around, "inline", "text", "softbreak"}, (before, told)
    assert read(f"a {told} z") == [f"a {seen} z"]
    cells = read(f"| a | b |\n| --- | --- |\n| {told} | z |\n")
    assert cells == ["a", "b", seen, "z"]
    assert "html_inline" not in kinds(f"| a | b |\n| --- | --- |\n| {told} | z |\n")


@with_examples
@given(texts)
def test_nothing_is_linked_after_the_markdown_is_read(text):
    shown = "".join(
        child.content
        for token in parsed(f"a {md(text, None)} z")
        for child in token.children or ()
        if child.type == "text"
    )
    assert not LINKED.search(shown)


@with_examples
@given(texts)
def test_code_shows_the_text_and_nothing_else(text):
    told = code(text, None)
    for line in (f"a {told} z", f"| a | b |\n| --- | --- |\n| {told} | z |"):
        children = [child for token in parsed(line) for child in token.children or ()]
        assert {child.type for child in children} <= {"text", "code_inline", "html_inline"}
        assert {child.content for child in children if child.type == "html_inline"} <= {"<code>", "</code>"}
    spans = [child.content for child in children if child.type == "code_inline"]
    if spans:
        assert spans == [formats.visible(text, None).strip(" ")]


@given(st.lists(texts, max_size=3))
@example(["```", "````x", "~~~"])
def test_a_fence_is_closed_by_none_of_its_lines(lines):
    (block,) = [token for token in parsed(fenced_code(lines, "sh", None)) if token.level == 0]
    assert (block.type, block.info) == ("fence", "sh")
    assert block.content == "".join(f"{formats.visible(line, None)}\n" for line in lines)


def test_texts_that_are_harmless_stay_as_they_are():
    for text in ("an interval [1.9, 6.3]", "a_b", "p < 0.001", "3.2% of 5,728 claims: 185.", "+2.7 points", "12:30:45"):
        assert md(text) == text


def test_long_text_is_shortened_and_what_is_left_out_counted():
    assert md("x" * 100, 10) == "xxxxx…(90 more)…xxxxx"


def test_right_to_left_text_keeps_its_direction_to_itself():
    assert md("محمد") == "\u2068محمد\u2069"
    assert md("Oslo") == "Oslo"


def test_bold_text_is_recognised_next_to_any_character():
    assert strong("Oslo") == "**Oslo**"
    assert strong("(Oslo)") == "<b>(Oslo)</b>"
    assert strong(" ") == f"<b>{formats.NOTHING}</b>"


def test_only_a_hash_is_written_as_one():
    assert digest("ab" * 32) == f"`{'ab' * 32}`"
    assert digest(SCRIPT) == md(SCRIPT)


def test_what_is_made_of_markdown_is_text_again():
    assert type(Markdown("**a**") + "<b>") is str
    assert md(Markdown("**a**")) == "**a**"


def test_a_template_cannot_forget_to_make_text_inert(monkeypatch, tmp_path):
    (tmp_path / "any.j2").write_text("{{ text }}\n{{ text ~ '' }}\n{{ [text]|join }}\n{{ marked }}\n", encoding="utf-8")
    monkeypatch.setattr(templating, "TEMPLATES", tmp_path)
    gfm._environment.cache_clear()
    told = gfm.render("any.j2", PageLimits(1, 1, 100), {"text": "<b>@x</b>", "marked": Markdown("**m**")})
    gfm._environment.cache_clear()
    assert told == 3 * "&lt;b&gt;@&#8203;x&lt;/b&gt;\n" + "**m**\n"


def test_a_table_counts_the_rows_that_are_left_out():
    found = table("t", ["a", "b"], [["x", TableCell("1", "[0, 2]", True)], ["y", "2"], ["z", "3"]])
    told = gfm.table(found, PageLimits(1, 2, 10))
    assert told == "| a | b |\n| --- | ---: |\n| x | **1** [0, 2] |\n| y | 2 |\n\n*and 1 more*"
    with_totals = found._replace(totals=[(TableCell("all"), TableCell("6"))], notes=["a note"])
    told = gfm.table(with_totals, PageLimits(1, 2, 10))
    assert told.endswith("| y | 2 |\n| and 1 more |\n| **all** | 6 |\n\na note")
