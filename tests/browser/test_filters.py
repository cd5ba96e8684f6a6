"""The filters of the claims: what they leave is counted again from the ledger."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.browser.opened import FIELDS

Line = dict[str, Any]


@pytest.fixture(scope="module")
def lines(run_page) -> list[Line]:
    """The ledger, each line with its verdict on the page and the text of its sentence."""
    read = lambda name: [json.loads(line) for line in (run_page.source / name).read_text().splitlines()]  # noqa: E731
    tokens = {line["id"]: line["tokens"] for line in read("predictions/test.jsonl")}
    found = read("ledger/test.jsonl")
    assert len(found) > 100
    return [
        {**line, "verdict": line.get("verdict") or "omission", "sentence": " ".join(tokens[line["id"]]).lower()}
        for line in found
    ]


def fits(line: Line, wanted: dict[str, str]) -> bool:
    """What the words beside the filters say they do."""
    low, high = float(wanted.get("low") or 0), float(wanted.get("high") or 1)
    confidence = line.get("confidence")
    sure = (low <= 0 and high >= 1) or (confidence is not None and low <= confidence <= high)
    alike = all(line[key] == wanted[key] for key in ("verdict", "label", "novelty") if wanted.get(key))
    return alike and sure and wanted.get("text", "").lower().strip() in line["sentence"]


ALONE = [
    {"verdict": "unsupported"}, {"verdict": "distorted"}, {"verdict": "omission"}, {"verdict": "supported"},
    {"label": "PER"}, {"label": "LOC"}, {"label": "ORG"}, {"label": "MISC"},
    {"novelty": "seen"}, {"novelty": "partial"}, {"novelty": "new"},
    {"low": "0.9"}, {"high": "0.6"}, {"low": "0"}, {"high": "1"}, {"text": "oslo"}, {"text": "Anna Berg"},
    {"text": "no such words"},
]  # fmt: skip
TOGETHER = [
    {"verdict": "unsupported", "label": "LOC"},
    {"verdict": "distorted", "novelty": "new", "low": "0.5"},
    {"verdict": "omission", "novelty": "seen"},
    {"verdict": "omission", "low": "0.1"},
    {"label": "ORG", "novelty": "seen", "low": "0.7", "high": "0.95", "text": "reuters"},
    {"verdict": "supported", "text": " OSLO ", "high": "0.99"},
    {"low": "0.9", "high": "0.1"},
]


@pytest.mark.parametrize("wanted", ALONE + TOGETHER, ids=str)
def test_a_filter_shows_only_matching_lines(run_page, open_page, lines, wanted):
    page = open_page(run_page)
    page.narrow(**wanted)
    assert page.counted() == sum(fits(line, wanted) for line in lines)


def test_most_filters_leave_something_and_none_all(lines):
    """Else the counts above would say little."""
    left = [sum(fits(line, wanted) for line in lines) for wanted in ALONE + TOGETHER]
    assert sum(0 < count < len(lines) for count in left) >= len(left) - 5


def test_all_claims_are_there_at_first_and_after_a_reset(run_page, open_page, lines):
    page = open_page(run_page)
    assert page.counted() == len(lines)
    page.narrow(verdict="distorted", label="PER", novelty="new", low="0.2", high="0.8", text="visited")
    assert page.counted() < len(lines)
    page.driver.find_element("id", "f-reset").click()
    assert page.counted() == len(lines)
    assert set(page.values().values()) == {""}


def test_of_many_supported_claims_ten_are_unfolded_until_something_is_asked_for(run_page, open_page):
    page = open_page(run_page)
    visible = (
        "return [...document.querySelectorAll('#claims-supported article')].filter(c => c.checkVisibility()).length"
    )
    total = len(page.texts("#claims-supported article"))
    assert page.js(visible) == 10 < total
    assert page.texts("#claims-supported details.more > summary") == [f"{total - 10} more"]
    assert page.js("return document.querySelectorAll('details.more').length") == 1
    page.narrow(verdict="supported")
    assert page.js(visible) == total


def test_what_is_left_is_what_was_asked_for(run_page, open_page):
    page = open_page(run_page)
    page.narrow(verdict="unsupported", novelty="new", low="0.5")
    shown = "article.claim:not([hidden])"
    assert set(page.attributes(shown, "data-verdict")) == {"unsupported"}
    assert set(page.attributes(shown, "data-novelty")) == {"new"}
    assert all(float(value) >= 0.5 for value in page.attributes(shown, "data-confidence"))


def test_a_section_without_claims_is_hidden(run_page, open_page):
    page = open_page(run_page)
    page.narrow(verdict="omission")
    hidden = page.js("return [...document.querySelectorAll('section.claims')].map(s => [s.dataset.section, s.hidden])")
    assert dict(hidden) == {"unsupported": True, "distorted": True, "omission": False, "supported": True}


def test_sections_say_how_many_there_are(run_page, open_page, lines):
    page = open_page(run_page)
    for section in page.attributes("section.claims", "data-section"):
        count = sum(line["verdict"] == section for line in lines)
        (total,) = page.texts(f"section.claims[data-section={section}] > .total")
        assert total == f"{count} of {count}"


def test_the_worst_come_first(run_page, open_page, lines):
    page = open_page(run_page)
    for section in ("unsupported", "distorted"):
        sure = [float(c) for c in page.attributes(f"article.claim[data-verdict={section}]", "data-confidence")]
        assert sure == sorted((line["confidence"] for line in lines if line["verdict"] == section), reverse=True)
    least = [float(c) for c in page.attributes("article.claim[data-verdict=supported]", "data-confidence")]
    assert least == sorted(least)


def test_the_filters_work_from_the_keyboard(run_page, open_page, lines):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page = open_page(run_page)
    press = lambda *keys: ActionChains(page.driver).send_keys(*keys).perform()  # noqa: E731
    focused = lambda: page.js("return document.activeElement.id")  # noqa: E731
    for _ in range(100):
        press(Keys.TAB)
        if focused() == "f-verdict":
            break
    assert focused() == "f-verdict"
    press("uns", Keys.TAB)
    for name in FIELDS[1:3]:
        assert focused() == f"f-{name}"
        press(Keys.TAB)
    wanted = {"verdict": "unsupported", "low": "0.5", "high": "0.9"}
    wanted["text"] = next(line["text"] for line in lines if fits(line, wanted))
    press("0.5", Keys.TAB, "0.9", Keys.TAB, wanted["text"])
    assert page.values() == {"label": "", "novelty": "", **wanted}
    assert page.counted() == sum(fits(line, wanted) for line in lines) > 0
    press(Keys.TAB)
    assert focused() == "f-reset"
    press(Keys.ENTER)
    assert page.counted() == len(lines)


def test_what_is_focused_can_be_seen(run_page, open_page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page = open_page(run_page)
    page.driver.find_element("id", "f-text").click()
    ActionChains(page.driver).send_keys(Keys.TAB).perform()
    style = page.js(
        "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, s.outlineWidth, s.boxShadow]"
    )
    assert style[:2] != ["none", "0px"] or style[2] != "none"


def test_counts_are_announced_to_who_cannot_see_them(run_page, open_page):
    page = open_page(run_page)
    assert page.attributes("output#f-count", "aria-live") == ["polite"]
    fields = "[...document.querySelectorAll('#filters select, #filters input')]"
    assert page.js(f"return {fields}.filter(f => !f.labels.length && !f.ariaLabel).length") == 0


def test_by_default_the_claims_of_a_section_are_limited(run_page, open_page, lines, tmp_path):
    from tests.browser.conftest import report

    page = open_page(report(run_page.source, "--claims", 5, into=tmp_path))
    total = sum(line["verdict"] == "unsupported" for line in lines)
    assert total > 5
    assert page.texts("section.claims[data-section=unsupported] > .total")[0].startswith(f"5 of {total}")
    page.narrow(verdict="unsupported")
    assert page.counted() == 5
