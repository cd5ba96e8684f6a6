"""A page in the browser, and what a test asks of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

FIELDS = ("verdict", "label", "novelty", "low", "high", "text")


@dataclass(frozen=True)
class Opened:
    """A page that has been loaded; the logs begin with it."""

    driver: Any
    url: str

    # The address of the page that is open, while tests only read it.
    unchanged: ClassVar[str | None] = None

    @classmethod
    def at(cls, driver: Any, page: Path, width: int, theme: str) -> Opened:
        cls.unchanged = None
        driver.get("about:blank")
        for kind in ("browser", "performance"):
            driver.get_log(kind)  # what was logged before is read away
        cls._resize(driver, width)
        wishes = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        url = page.resolve().as_uri()
        driver.get(url)
        # On a busy machine the driver may come back before the whole page is read.
        cls._wait_for(driver, "return location.protocol === 'file:' && document.readyState === 'complete'")
        return cls(driver, url)

    @classmethod
    def to_read(cls, driver: Any, page: Path, width: int) -> Opened:
        """Like ``at`` in the light theme, but a page that is open and unchanged is only resized."""
        url = page.resolve().as_uri()
        if url == cls.unchanged == driver.current_url:
            cls._resize(driver, width)
            cls._wait_for(driver, f"return innerWidth === {width}")
        else:
            cls.at(driver, page, width, "light")
            cls.unchanged = url
        return cls(driver, url)

    @staticmethod
    def _resize(driver: Any, width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    @staticmethod
    def _wait_for(driver: Any, condition: str) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(driver, 20, poll_frequency=0.02).until(lambda driver: driver.execute_script(condition))

    def js(self, script: str, *arguments: object) -> Any:
        """What a function body of JavaScript returns."""
        return self.driver.execute_script(script, *arguments)

    def texts(self, selector: str) -> list[str]:
        """The text of each element, as it stands in the page, folded parts too."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())", selector)

    def attributes(self, selector: str, name: str) -> list[str | None]:
        script = "return [...document.querySelectorAll(arguments[0])].map(e => e.getAttribute(arguments[1]))"
        return self.js(script, selector, name)

    def rows(self, selector: str) -> list[list[str]]:
        """The cells of each row of the table bodies under ``selector``."""
        script = "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map(r => [...r.cells].map(c => c.textContent.trim()))"  # noqa: E501
        return self.js(script, selector)

    def unfold(self) -> None:
        self.js("document.querySelectorAll('details').forEach(d => d.open = true)")

    def problems(self) -> list[str]:
        """What the page wrote to the console, by itself or by being refused something."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def traffic(self) -> list[tuple[str, bool]]:
        """The addresses of all that was asked for since the page was opened, the page itself among them, and whether
        its policy stopped the request before it was sent."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        of = lambda kind: [m["params"] for m in messages if m["method"] == f"Network.{kind}"]  # noqa: E731
        blocked = {found["requestId"] for found in of("loadingFailed") if found.get("blockedReason") == "csp"}
        sent = [(found["request"]["url"], found["requestId"] in blocked) for found in of("requestWillBeSent")]
        return sent + [(found["url"], False) for found in of("webSocketCreated")]

    def requests(self) -> list[str]:
        return [url for url, _ in self.traffic()]

    def narrow(self, **wanted: str) -> None:
        """Set the filters from the keyboard, as a person does; those that are not named are left alone."""
        from selenium.webdriver.common.keys import Keys

        for name, value in wanted.items():
            field = self.driver.find_element("id", f"f-{name}")
            if field.tag_name == "select":
                place = self.attributes(f"#f-{name} option", "value").index(value)
                field.send_keys(Keys.HOME, *[Keys.DOWN] * place)
            else:
                field.clear()
                field.send_keys(value)
            assert field.get_property("value") == value

    def counted(self) -> int:
        """How many claims the page says it shows, once it was checked that it shows so many, folded ones unfolded."""
        self.js("document.querySelectorAll('details.more').forEach(d => d.open = true)")
        output = self.js("const c = document.getElementById('f-count'); return [c.dataset.shown, c.textContent]")
        visible = self.js(
            "return [...document.querySelectorAll('article.claim')].filter(c => c.checkVisibility()).length"
        )
        assert int(output[0]) == visible
        assert str(visible) in output[1].replace(",", "")
        return visible

    def values(self) -> dict[str, str]:
        """What stands in each filter."""
        return {name: self.js("return document.getElementById(arguments[0]).value", f"f-{name}") for name in FIELDS}
