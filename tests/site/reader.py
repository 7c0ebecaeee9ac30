"""A browser that reads the site from a local port, and what it finds wrong with a page."""

import json

from tests.minigrad.explorer.conftest import Explorer

TAB, ENTER, ESCAPE, CONTROL, SHIFT, RIGHT = (
    "\ue004",
    "\ue007",
    "\ue00c",
    "\ue009",
    "\ue008",
    "\ue014",
)


class Reader(Explorer):
    """A page of the site in the browser."""

    def __init__(self, driver, address, asked):
        super().__init__(driver)
        self.address, self.asked = address, asked
        self.command("Network.enable")

    def visit(self, page, width=1280, scheme="light"):
        self.look(width, scheme)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(self.address + page)

    def look(self, width, scheme):
        screen = {
            "width": width,
            "height": 800,
            "deviceScaleFactor": 1,
            "mobile": False,
        }
        self.command("Emulation.setDeviceMetricsOverride", **screen)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)

    def problems(self):
        """Messages of the console, and requests that left for elsewhere, since the page was
        opened.
        """
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                own = (self.address, "data:", "blob:", "about:", "chrome:")
                if not url.startswith(own):
                    found.append(f"asked for {url}")
        return found

    def focused(self):
        it = "document.activeElement"
        return str(self.run(f"return {it}.getAttribute('aria-label') ?? {it}.textContent")).strip()
