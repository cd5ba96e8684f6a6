"""Whatever a corpus, a config or an arm is called, the page stays a page."""

from __future__ import annotations

import pytest

from halluc.wording import formats
from tests.made_runs import hostile_labels

MOST_BYTES = 2_000_000


def test_a_page_asks_for_nothing_and_complains_of_nothing(any_page, open_page):
    page = open_page(any_page)
    page.unfold()
    page.js("window.scrollTo(0, document.body.scrollHeight)")
    assert page.requests() == [page.url]
    assert page.problems() == []


def test_a_request_and_a_complaint_would_be_seen(open_page, tmp_path):
    """What the test above stands on."""
    (tmp_path / "index.html").write_text("<img src=none.png><script>console.error('so')</script>")
    page = open_page(tmp_path / "index.html")
    assert [url.rsplit("/", 1)[1] for url in page.requests()] == ["index.html", "none.png"]
    assert any("so" in problem for problem in page.problems())


def test_no_dialog_opens(any_hostile_page, open_page):
    from selenium.common.exceptions import NoAlertPresentException

    page = open_page(any_hostile_page)
    with pytest.raises(NoAlertPresentException):
        page.driver.switch_to.alert  # noqa: B018


def test_text_of_a_corpus_makes_no_element(any_hostile_page, read_page):
    page = read_page(any_hostile_page)
    foreign = "img, iframe, object, embed, link, base, form, audio, video, foreignObject, svg script, svg a, svg image"
    assert page.attributes(foreign, "src") == []
    assert page.js("return document.scripts.length") == 1
    assert page.js("return document.querySelectorAll('style').length") == 1
    handlers = (
        "return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on'))"
    )
    assert page.js(handlers) == []


def test_links_lead_within_the_page_alone(any_hostile_page, read_page):
    page = read_page(any_hostile_page)
    links = page.attributes("a[href]", "href") + page.attributes("use", "href") + page.attributes("use", "xlink:href")
    assert [link for link in links if link is not None and not link.startswith("#")] == []


def test_ids_are_unique(any_page, read_page):
    ids = read_page(any_page).attributes("[id]", "id")
    assert [one for one in set(ids) if ids.count(one) > 1] == []


def test_the_title_is_plain_text(any_page, read_page):
    title = read_page(any_page).driver.title
    assert title
    assert title.isprintable()
    assert "<" not in title


def test_controls_and_turned_directions_are_shown_as_escapes(any_hostile_page, read_page):
    page = read_page(any_hostile_page)
    text = page.js("return document.documentElement.textContent")
    assert not set(text) & set("\x00\x07\x1b\u202e\u202c\u2066\ufeff\u200b")
    attributes = page.js(
        "return [...document.querySelectorAll('*')].flatMap(e => [...e.attributes].map(a => a.value)).join(' ')"
    )
    assert not set(attributes) & set("\x00\x07\x1b\u202e\u202c\u2066\ufeff\u200b")


def test_hostile_labels_are_there_to_be_read(hostile_page, read_page):
    labels = set(read_page(hostile_page).texts("article.claim b.label"))
    assert labels <= {formats.visible(label, 40) for label in hostile_labels()}
    assert len(labels) >= 10


def test_very_long_tokens_are_shortened(hostile_page, read_page):
    page = read_page(hostile_page)
    assert "x" * 200 not in page.js("return document.documentElement.innerHTML")
    assert any("more)" in text for text in page.texts("article.claim .sentence"))


def test_a_hostile_label_can_be_filtered_by(hostile_page, open_page):
    page = open_page(hostile_page)
    for label in hostile_labels():
        shown = formats.visible(label, longest=None)
        if shown not in page.attributes("#f-label option", "value"):
            continue
        page.narrow(label=shown)
        assert page.counted() == page.attributes("article.claim", "data-label").count(shown) > 0
    page.narrow(label="", text="<script>alert(1)")
    assert 0 < page.counted() < len(page.attributes("article.claim", "data-label"))


_INSERTED = "document.body.insertAdjacentHTML('beforeend', '{}')"
BREAK_INS = {
    "script": "document.body.append(Object.assign(document.createElement('script'), {text: 'window.broken = 1'}))",
    "handler": _INSERTED.format('<b id=b onclick="window.broken = 1">b</b>') + "; document.getElementById('b').click()",
    "image": _INSERTED.format('<img src="https://example.invalid/x.png">'),
    "frame": _INSERTED.format('<iframe src="https://example.invalid/"></iframe>'),
    "style": _INSERTED.format('<link rel="stylesheet" href="https://example.invalid/x.css">'),
    "fetch": "fetch('https://example.invalid/').catch(() => null)",
    "file": "fetch(location.href).catch(() => null)",
}


@pytest.mark.parametrize("way", BREAK_INS)
def test_the_policy_stops_what_would_get_in(run_page, open_page, way):
    """If anything escaped after all, it could neither run nor call home."""
    page = open_page(run_page)
    violated = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective), {once: true});"
        f"{BREAK_INS[way]};"
        "setTimeout(() => done(null), 3000)"
    )
    expected = {"script": "script-src-elem", "handler": "script-src-attr", "image": "img-src", "frame": "frame-src"}
    assert violated == {**expected, "style": "style-src-elem"}.get(way, "connect-src")
    assert page.js("return window.broken") is None
    # A frame that was stopped shows an error of the browser's own, whose pictures are part of it.
    sent = [url for url, blocked in page.traffic() if not blocked and not url.startswith("data:")]
    assert sent == [page.url]


def test_the_policy_forbids_all_by_default(any_page, read_page):
    (policy,) = read_page(any_page).attributes("meta[http-equiv='Content-Security-Policy']", "content")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if rule.strip())
    assert rules["default-src"] == "'none'"
    assert rules["script-src"].startswith("'sha256-")
    assert "unsafe" not in rules["script-src"]
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}


def test_a_page_can_be_mailed(any_page):
    assert any_page.page.stat().st_size < MOST_BYTES
