"""A Chromium for each file of tests, and pages that ``halluc report`` wrote of made runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.opened import Opened
from tests.made_runs import (
    HOSTILE_ARMS,
    Rates,
    hostile_config,
    hostile_examples,
    made_examples,
    make_run,
    make_study,
)

_CALM = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--lang=en-US",
)  # fmt: skip
# A name of a folder above the data and the runs; it stands in every path that a page tells.
_HOSTILE_FOLDER = '"><img src=x onerror=alert(1)>'


@dataclass(frozen=True)
class Written:
    """A page, the folder of what it reports on, and its kind."""

    page: Path
    source: Path
    kind: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Called with the items of the whole suite."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> tuple[str, str]:
    """Chromium and chromedriver. Every page below needs it, so that none is made where none can be opened."""
    pytest.importorskip("selenium.webdriver", reason="selenium is not here: pip install 'halluc[browser]'")
    paths = shutil.which("chromium"), shutil.which("chromedriver")
    if paths[0] is None or paths[1] is None:
        pytest.skip("Chromium is not here: apt-get install chromium chromium-driver")
    return paths[0], paths[1]


@pytest.fixture(scope="module")
def driver(chromium: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """It ends with its file: an open page uses CPU time while nothing happens."""
    from selenium import webdriver

    binary, chromedriver = chromium
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (*_CALM, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=chromedriver))
    yield started
    started.quit()


@pytest.fixture
def open_page(driver):
    """Open a page at a width, in a theme, and hand it out."""

    def opened(page: Path | Written, width: int = 1400, theme: str = "light") -> Opened:
        return Opened.at(driver, page.page if isinstance(page, Written) else page, width, theme)

    return opened


@pytest.fixture
def read_page(driver):
    """``open_page`` for tests that change nothing on a page, not even what is unfolded."""

    def opened(page: Written, width: int = 1400) -> Opened:
        return Opened.to_read(driver, page.page, width)

    return opened


def report(*arguments: object, into: Path) -> Path:
    """``halluc report``; returns the page."""
    from halluc.__main__ import exit_code_of

    assert exit_code_of(["report", *map(str, arguments), "--output", str(into)]) == 0
    return into / "index.html"


@pytest.fixture(scope="session")
def run_page(chromium, tmp_path_factory) -> Written:
    """A run with every part that a page can have, all its claims shown."""
    folder = tmp_path_factory.mktemp("run")
    run = make_run(
        folder,
        made_examples(90, Rates(0.25, 0.15, 0.2)),
        dev=made_examples(80, key="dev"),
        config_extra="eval: {abstain: {guarantee: {max_rate: 0.4, probability: 0.9}}}\n"
        "gates: {hallucination_rate: {max: 0.01}}\n"
        "augment: {size: 1.5x, methods: [{type: duplicate}, {type: mention_replacement}]}\n",
    )
    return Written(report(run.path, "--claims", 2_000, into=folder / "page"), run.path, "run")


@pytest.fixture(scope="session")
def hostile_folder(chromium, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / _HOSTILE_FOLDER
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def hostile_page(hostile_folder) -> Written:
    texts, train = hostile_examples(), hostile_examples("train")
    run = make_run(hostile_folder, texts, train=train, dev=texts, name="hostile", config_extra=hostile_config())
    return Written(report(run.path, into=hostile_folder / "page"), run.path, "run")


@pytest.fixture(scope="session")
def comparison_page(hostile_folder, hostile_page) -> Written:
    """The hostile run against one that says something else of the same sentences."""
    texts = hostile_examples()
    said = [one._replace(predicted=other.predicted if len(other.tokens) == 7 == len(one.tokens) else ())
            for one, other in zip(texts, texts[1:] + texts[:1], strict=True)]  # fmt: skip
    other = make_run(hostile_folder, said, train=hostile_examples("train"), name="other")
    page = report(hostile_page.source, other.path, "--split", "test", into=hostile_folder / "compared")
    return Written(page, hostile_page.source, "comparison")


@pytest.fixture(scope="session")
def study_page(hostile_folder) -> Written:
    """Arms with hostile names along a numeric axis, a cell missing."""
    arms = {name: Rates(0.05 + 0.1 * place) for place, name in enumerate(HOSTILE_ARMS)}
    home = make_study(hostile_folder, arms=arms, fractions=(0.0, 0.5), seeds=(1, 2), sentences=50, leave_out=[3])
    return Written(report(home, into=hostile_folder / "study"), home, "study")


PAGES = ("run_page", "hostile_page", "comparison_page", "study_page")


# Of the scope of a module, so that all tests of a page follow each other.
@pytest.fixture(scope="module", params=PAGES)
def any_page(request) -> Written:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module", params=PAGES[1:])
def any_hostile_page(request) -> Written:
    return request.getfixturevalue(request.param)
