"""The page of an audit in a browser: keys decide, and what is downloaded is what `--apply` reads."""

from __future__ import annotations

import json

import pytest

from halluc.reporting.page.suspects import page
from halluc.runs.audits import AuditResult, DecisionLine, SuspectLine
from halluc.task import task_class

HOSTILE = '</script><img src=x onerror="window.hacked=1">'


def suspect(name: str, kind: str, annotated: list, proposed: list) -> SuspectLine:
    return SuspectLine(
        suspect=name, split="dev", kind=kind, id=f"<{name}>", file=HOSTILE, line=3, sha256=f"sha-{name}",
        tokens=["Anna", HOSTILE, "left"], gold=annotated, text=HOSTILE, annotated=annotated, proposed=proposed,
        confidence=0.1, certainty=[0.9] * len(proposed), consistency=None, labels={HOSTILE: 1}, others=[],
    )  # fmt: skip


@pytest.fixture(scope="module")
def suspects_page(driver, tmp_path_factory):
    lines = [
        suspect("a1", "missing", [], [(0, 1, "PER")]),
        suspect("b2", "wrong_label", [(1, 2, HOSTILE)], [(1, 2, "ORG")]),
        suspect("c3", "unlikely", [(0, 1, "PER")], []),
    ]
    kinds = {"missing": 1, "wrong_label": 1, "wrong_boundary": 0, "unlikely": 1, "inconsistent": 0}
    result = AuditResult(
        run="runs/x", split="dev", folds=None, examples=3, annotated=2, kinds=kinds, first=lines, files={}, left_out=0
    )
    nouns = task_class("token_classification").evaluated(()).wording.nouns
    path = tmp_path_factory.mktemp("suspects") / "dev.html"
    again = page(result, [lines[2], lines[0]], nouns, True, "dev.txt")
    (path.parent / "again.html").write_text(again, encoding="utf-8")
    path.write_text(page(result, lines, nouns, True, "dev.txt"), encoding="utf-8")
    return path


def test_suspects_are_decided_by_keys_and_downloaded(open_page, driver, suspects_page):
    from selenium.webdriver.common.action_chains import ActionChains

    open_page(suspects_page)
    # What would be saved to a file is kept instead.
    driver.execute_script("localStorage.clear(); URL.createObjectURL = (blob) => { window.saved = blob; return '#'; };")

    def press(*keys: str) -> None:
        ActionChains(driver).send_keys(*keys).perform()

    def problem() -> str:
        return str(driver.execute_script("return document.querySelectorAll('.problem')[1].textContent"))

    press("j", "a", "e")  # the next one has the focus once one is accepted
    area = driver.find_elements("css selector", "textarea")[1]
    area.clear()
    area.send_keys("1 9 LOC")
    save = driver.find_elements("css selector", ".save")[1]
    save.click()
    assert "tokens are 0 to 2" in problem()
    area.clear()
    area.send_keys("1 3 LOC of it")
    save.click()
    assert problem() == ""
    press("j", "r", "k", "k")
    assert driver.execute_script("return document.getElementById('f-count').textContent") == "3 of 3 decided"
    driver.find_element("id", "s-download").click()
    text = driver.execute_async_script("window.saved.text().then(arguments[0])")
    found = [DecisionLine.model_validate_json(line) for line in text.splitlines()]
    assert [(one.suspect, one.decision, one.annotation, one.sha256) for one in found] == [
        ("a1", "accept", None, "sha-a1"),
        ("b2", "edit", [(1, 3, "LOC of it")], "sha-b2"),
        ("c3", "reject", None, "sha-c3"),
    ]
    assert driver.execute_script("return window.hacked") is None
    assert len(json.loads(driver.execute_script("return Object.values(localStorage)[0]"))) == 3
    # Another audit of the file ranks others first: what was decided is still there.
    driver.get(suspects_page.with_name("again.html").as_uri())
    assert driver.execute_script("return document.getElementById('f-count').textContent") == "2 of 2 decided"
