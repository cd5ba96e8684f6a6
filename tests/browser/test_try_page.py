"""The page of ``halluc serve`` in a browser: texts with spans, errors, and what a hostile text cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("fastapi", reason="fastapi is not here: pip install 'halluc[serve]'")
pytest.importorskip("uvicorn", reason="uvicorn is not here: pip install 'halluc[serve]'")
pytest.importorskip("prometheus_client", reason="prometheus-client is not here: pip install 'halluc[serve]'")

from halluc import api
from tests.browser.opened import Opened
from tests.conftest import write_corpus, write_experiment
from tests.served import Served, serving

HOSTILE = "<img src=x onerror='window.hacked=1'> Anna Berg visited Oslo \u202e."


@pytest.fixture(scope="module")
def served(driver, tmp_path_factory, tiny_encoder) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tried")
    (trained,) = api.train(write_experiment(folder, tiny_encoder, write_corpus(folder)))
    with serving(api.load(trained.run)) as found:
        yield found


@pytest.fixture
def page(driver, served) -> Opened:
    driver.get("about:blank")
    for kind in ("browser", "performance"):
        driver.get_log(kind)
    driver.get(f"{served.url}/")
    return Opened(driver, f"{served.url}/")


def tried(page: Opened, text: str) -> None:
    """Type a text, send it, and wait for the answer."""
    from selenium.webdriver.support.ui import WebDriverWait

    page.js("document.getElementById('t-text').value = arguments[0]", text)
    page.driver.find_element("css selector", "#t-form button").click()
    done = (
        "const s = document.getElementById('t-status').textContent;"
        "return s !== '…' && (s !== '' || document.getElementById('t-result').children.length > 0)"
    )
    WebDriverWait(page.driver, 20, poll_frequency=0.02).until(lambda driver: driver.execute_script(done))


def test_spans_are_shown_as_in_the_report(page):
    tried(page, "Anna Berg visited Oslo.")
    assert page.texts("#t-result .marked .tag") == ["PER", "LOC"]
    assert page.texts("#t-result .marked .on") == ["Anna Berg", "Oslo"]
    assert len(page.texts("#t-result .about .sure")) == 2
    assert page.problems() == []
    assert {url.removeprefix(page.url) for url in page.requests()} <= {"", "try", "favicon.ico"}


def test_a_hostile_text_is_text(page):
    tried(page, HOSTILE)
    assert page.js("return document.querySelectorAll('#t-result img, #t-result script').length") == 0
    assert page.js("return window.hacked") is None
    assert "\\u202e" in page.texts("#t-result .sentence")[0]


def test_what_is_injected_anyway_does_not_run_and_sends_nothing(page):
    page.js(
        "document.getElementById('t-result').innerHTML = '<img src=\"https://example.invalid/x.png\" "
        'onerror="window.hacked=1">\';'
        "const s = document.createElement('script'); s.text = 'window.hacked=2'; document.body.append(s);"
        "fetch('https://example.invalid/').catch(() => 0)"
    )
    page.driver.execute_async_script("setTimeout(arguments[0], 100)")
    assert page.js("return window.hacked") is None
    assert all(blocked for url, blocked in page.traffic() if "example.invalid" in url)


def test_an_error_is_reported(page):
    tried(page, "a" * 60_000)
    assert "60,000 characters" in page.texts("#t-status")[0]
