"""A browser that reads the site from a local port, and what it finds wrong with a page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

AXE = Path(__file__).resolve().parents[2] / "docs/site/node_modules/axe-core/axe.min.js"


class Reader:
    """A page of the site in the browser."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver = driver
        self.address = address
        driver.execute_cdp_cmd("Network.enable", {})

    def open(self, page: str, width: int = 1280, scheme: str = "light") -> None:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(self.address + page)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def problems(self) -> list[str]:
        """Messages of the console, and requests that left for elsewhere, since the page was opened."""
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith((self.address, "data:", "blob:", "about:", "chrome:")):
                    found.append(f"asked for {url}")
        return found

    def violations(self) -> list[str]:
        """What axe-core finds, all of its rules, and whether the page is wider than its window."""
        self.run(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done(violations.flatMap("
            "  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`))));"
        )
        if self.run("return document.documentElement.scrollWidth > window.innerWidth"):
            found.append("the page is wider than its window")
        return found

    def wait(self, condition: Callable[[], Any]) -> None:
        from selenium.webdriver.support.ui import WebDriverWait

        WebDriverWait(self.driver, 60).until(lambda _: condition())

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
