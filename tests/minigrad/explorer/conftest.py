"""A browser to drive the page with, and the pages of the four examples. Selenium is imported if a
browser is there.
"""

import importlib
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg

CHROMIUM = next(
    filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])),
    None,
)
DRIVER = shutil.which("chromedriver")
NODE = shutil.which("node") or ""
needs_node = pytest.mark.skipif(
    not NODE, reason="node is not installed: the page's modules go untested"
)
HERE = Path(__file__).parent
PACKAGE = Path(mg.__file__).parent / "explorer"
EXAMPLES = Path(__file__).parents[3] / "examples"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --window-size=1280,800"
).split()


try:
    from selenium.webdriver.common.keys import Keys as Keys
except ImportError:  # then no browser is started either
    Keys = None  # type: ignore[assignment, misc]


def run_node(*arguments: str, where: Path = HERE) -> str:
    """Run a program of the page's tests. Returns what it printed."""
    done = subprocess.run(
        arguments, cwd=where, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def start_chromium(profile: str | Path) -> Iterator[Any]:
    """A headless browser with a profile of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    assert CHROMIUM is not None
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    # a walk through 244 steps, on a machine that has other things to do as well
    driver.set_script_timeout(300)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if not (CHROMIUM and DRIVER):
        pytest.skip(
            "no Chromium with its driver is installed (Debian: chromium chromium-driver)"
        )
    with start_chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


class Explorer:
    """A page in the browser, and what a person at it would do and see."""

    patience: float = 60
    """How many seconds `wait` waits."""

    def __init__(self, driver: Any, folder: Path | None = None) -> None:
        self.driver, self.folder = driver, folder

    def open(
        self, path: Path, width: int = 1280, height: int = 800, scheme: str = "light"
    ) -> None:
        size = {
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": False,
        }
        self.command("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", features=features)
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(path.as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))

    def explore(self, output: mg.Tensor, width: int = 1280, **options: Any) -> None:
        """Open the page of a graph."""
        assert self.folder is not None
        mg.explore(output, self.folder / "page.html", **options)
        self.open(self.folder / "page.html", width=width)

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, self.patience).until(lambda _: condition())

    def press(self, *keys: str) -> None:
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def edit(self, value: str) -> None:
        """Type a number into the what-if panel."""
        self.focus("#new-value")
        self.run("document.activeElement.select()")
        self.press(*value)

    @staticmethod
    def number(text: str) -> float:
        """A number as the page writes it."""
        return float(text.replace("−", "-").replace("∞", "inf"))

    def all(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def text(self, selector: str) -> str:
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return str(self.run(script, selector))

    def focus(self, selector: str) -> None:
        """Move the focus as a keyboard does: with Tab, until it is there."""
        self.run("document.activeElement.blur()")
        for _ in range(80):
            self.press("\ue004")
            if self.run(
                "return document.activeElement.matches(arguments[0])", selector
            ):
                return
        raise AssertionError(f"Tab never reaches {selector}")

    def problems(self) -> list[str]:
        """Console messages, and requests for anything but the page itself (and the start page of
        the browser).
        """
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked = message["params"]
                own = asked["request"]["url"].startswith(("data:", "about:", "chrome:"))
                if not own and asked.get("type") != "Document":
                    found.append(asked["request"]["url"])
        return found


@pytest.fixture
def page(chromium: Any, tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(chromium, tmp_path)
    yield explorer
    assert explorer.problems() == []


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], tuple[Path, mg.Tensor]]:
    """`made(name)`: the page of one of the four examples, and the output that it shows."""
    folder = tmp_path_factory.mktemp("pages")
    outputs: dict[str, mg.Tensor] = {}
    real = mg.explore
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        example = importlib.import_module("explore_graph")

    def make(name: str) -> tuple[Path, mg.Tensor]:
        def spy(output: mg.Tensor, *arguments: Any, **options: Any) -> Any:
            outputs[name] = output
            return real(output, *arguments, **options)

        path = folder / f"{name}.html"
        if name not in outputs:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(mg, "explore", spy)
                mg.seed(0)
                example.PAGES[name](path)
        return path, outputs[name]

    return make
