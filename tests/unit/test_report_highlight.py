"""Sentences cut into pieces that a template can draw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halluc.reporting.page import highlight
from halluc.reporting.page.highlight import display_text, groups, pieces, style_tokens
from halluc.runs.reports import ShownClaim
from halluc.runs.schema import LedgerLine

TOKENS = "In Oslo Anna Berg met Acme Corp .".split()  # noqa: SIM905


def shown(record="claim", verdict="unsupported", span=(2, 4, "PER"), gold=(), others=(), first=0, tokens=TOKENS):
    line = LedgerLine(
        id="test-1", record=record, kind="span", text="", start=span[0], end=span[1], label=span[2],
        confidence=0.9 if record == "claim" else None, verdict=verdict if record == "claim" else None,
    )  # fmt: skip
    return ShownClaim(
        line=line, tokens=tokens, first=first, before=first, after=0, gold=list(gold), others=list(others)
    )


def layers(found):
    return [
        (p.text, p.claim and (p.claim.style, p.claim.label, p.claim.begins), p.gold and (p.gold.style, p.gold.begins))
        for p in found
    ]


def test_the_claim_is_drawn_as_its_verdict_and_gold_under_it():
    found = pieces(shown(verdict="distorted", gold=[(3, 4, "PER")], others=[(5, 7, "ORG", 0.5)]))
    assert layers(found) == [
        ("In Oslo", None, None),
        ("Anna", ("distorted", "PER", True), None),
        ("Berg", ("distorted", "PER", False), ("gold", True)),
        ("met", None, None),
        ("Acme Corp", ("other", "ORG", True), None),
        (".", None, None),
    ]


def test_other_claims_that_are_right_are_drawn_once_with_their_gold():
    found = pieces(shown(gold=[(5, 7, "ORG")], others=[(5, 7, "ORG", 0.5)]))
    assert layers(found)[-2] == ("Acme Corp", None, ("agreed", True))


def test_an_omission_is_gold_of_its_own_kind():
    found = pieces(shown(record="omission", gold=[(2, 4, "PER"), (5, 7, "ORG")]))
    assert [p.gold.style for p in found if p.gold] == ["omission", "gold"]
    assert not any(p.claim for p in found)


def test_offsets_are_those_of_the_whole_example():
    found = pieces(shown(span=(12, 14, "PER"), first=10, gold=[(8, 11, "LOC")]))
    assert layers(found) == [
        ("In", None, ("gold", True)),
        ("Oslo", None, None),
        ("Anna Berg", ("unsupported", "PER", True), None),
        ("met Acme Corp.", None, None),
    ]


@given(
    st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5)), max_size=4),
)
def test_nothing_is_lost_or_reported_twice(tokens, places):
    spans = [((start, start + length, "X"), "gold") for start, length in places]
    found = style_tokens(tokens, 0, [], spans)
    assert "".join(piece.gap + piece.text for piece in found) == display_text(tokens)
    assert "".join(group.gap + "".join(group.texts) for group in groups(found)) == display_text(tokens)


def columns(found):
    return [(g.texts, [(one.kind, one.layer.style, one.columns) for one in g.spans]) for g in groups(found)]


def test_a_span_that_others_cut_is_one_box():
    found = pieces(shown(span=(3, 4, "PER"), gold=[(2, 4, "PER"), (5, 7, "ORG")], others=[(6, 7, "ORG", 0.5)]))
    assert columns(found) == [
        (["In Oslo"], []),
        (["Anna", " ", "Berg"], [("span", "unsupported", "3 / 4"), ("gold", "gold", "1 / 4")]),
        (["met"], []),
        (["Acme", " ", "Corp"], [("span", "other", "3 / 4"), ("gold", "gold", "1 / 4")]),
        (["."], []),
    ]


def test_a_claim_on_another_claim_ends_where_it_ends():
    found = style_tokens(TOKENS, 0, [((0, 4, "LOC"), "other"), ((1, 2, "PER"), "distorted")], [])
    assert columns(found)[:2] == [
        (["In"], [("span", "other", "1 / 2")]),
        (["Oslo", " ", "Anna Berg"], [("span", "distorted", "1 / 2"), ("span", "other", "3 / 4")]),
    ]


def test_spans_side_by_side_are_groups_of_their_own():
    found = style_tokens(TOKENS, 0, [], [((1, 2, "LOC"), "gold"), ((2, 4, "PER"), "gold")])
    assert [texts for texts, spans in columns(found) if spans] == [["Oslo"], ["Anna Berg"]]


def test_there_is_no_space_before_punctuation():
    told = display_text("He said ( to O'Brien ) : it 's 5 % , is n't it ? “ Yes . ”".split())  # noqa: SIM905
    assert told == "He said (to O'Brien): it's 5%, isn't it? “Yes.”"
    assert display_text(["from", ".5", "to", "'", "a", "'"]) == "from .5 to ' a '"


def test_scripts_without_spaces_get_none():
    assert display_text(list("浙商银行")) == "浙商银行"
    assert display_text(["买", "iPhone", "吗", "？"]) == "买 iPhone 吗？"
    assert display_text(["カ", "タ", "。"]) == "カタ。"
    assert display_text(["한국", "은행"]) == "한국 은행"
    assert display_text(["שלום", "עולם"]) == "שלום עולם"
    assert highlight.surface("浙 商 银 行") == "浙商银行"


def test_a_token_of_a_broken_corpus_is_cut():
    assert len(display_text(["x" * 10_000, "y"])) < 200
