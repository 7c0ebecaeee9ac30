"""A browser to open pages with, and the pages of the four examples. Selenium is optional."""

import importlib
import json
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

import minigrad as mg
from tests.needs import CHROMIUM, DRIVER, NO_BROWSER

HERE = Path(__file__).parent
PACKAGE = Path(mg.__file__).parent / "explorer"
EXAMPLES = Path(__file__).parents[3] / "examples"
CONTRAST = (HERE / "contrast.js").read_text("utf-8")
AXE = EXAMPLES.parent / "docs/site/node_modules/axe-core/axe.min.js"
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--disable-dev-shm-usage --window-size=1280,800"
).split()

# keys, in WebDriver's code
BACKSPACE = "\ue003"
TAB = "\ue004"
SHIFT = "\ue008"
ENTER = "\ue007"
ESCAPE = "\ue00c"
END = "\ue010"
HOME = "\ue011"
LEFT = "\ue012"
UP = "\ue013"
RIGHT = "\ue014"
DOWN = "\ue015"


def run_node(*arguments, where=HERE):
    """Run a program of the page's tests. Returns what it printed."""
    done = subprocess.run(arguments, cwd=where, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def start_chromium(profile):
    """A headless browser with its own profile."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    assert CHROMIUM is not None
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in [*FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    # a walk through 244 steps, on a machine that has other things to do as well
    driver.set_script_timeout(300)
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        pytest.skip(NO_BROWSER)
    with start_chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


class Explorer:
    """A page in the browser, and what a person at it would do and see."""

    patience: float = 60
    """How many seconds `wait` waits."""

    rules: tuple[str, ...] = (
        "target-size",
        "label-content-name-mismatch",
        "td-has-header",
    )
    """Rules of axe-core that are off by default."""

    def __init__(self, driver, folder=None):
        self.driver = driver
        self.folder = folder

    def open(self, path, width=1280, height=800, scheme="light"):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])
        self.driver.get("about:blank")
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)
        self.driver.get(path.as_uri())
        self.wait(lambda: self.run("return document.documentElement.dataset.ready"))

    def explore(self, output, width=1280, scheme="light", **options):
        """Open the page of a graph."""
        path = self.folder / "page.html"
        mg.explore(output, path, **options)
        self.open(path, width=width, scheme=scheme)

    def command(self, name, **arguments):
        return self.driver.execute_cdp_cmd(name, arguments)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, self.patience).until(lambda _: condition())

    def actions(self):
        from selenium.webdriver.common.action_chains import ActionChains

        return ActionChains(self.driver)

    def press(self, *keys):
        for key in keys:
            self.actions().send_keys(key).perform()

    def hover(self, element, right):
        """Move the pointer to a place right of an element's middle."""
        self.actions().move_to_element_with_offset(element, right, 0).perform()

    def edit(self, value):
        """Type a number into the what-if panel."""
        self.focus("#new-value")
        self.run("document.activeElement.select()")
        self.press(*value)

    @staticmethod
    def number(text):
        """A number as the page writes it."""
        return float(text.replace("−", "-").replace("∞", "inf"))

    def all(self, selector):
        return list(self.driver.find_elements("css selector", selector))

    def text(self, selector):
        script = "return document.querySelector(arguments[0])?.textContent ?? ''"
        return str(self.run(script, selector))

    def texts(self, selector):
        return [element.text for element in self.all(selector)]

    def numbers(self, selector):
        return list(map(self.number, self.texts(selector)))

    def focus(self, selector):
        """Move the focus as a keyboard does: with Tab, until it is there."""
        self.run("document.activeElement.blur()")
        reached = "return document.activeElement.matches(arguments[0])"
        for _ in range(80):
            self.press(TAB)
            if self.run(reached, selector):
                return
        raise AssertionError(f"Tab never reaches {selector}")

    def problems(self):
        """Console messages, and requests for anything but the page itself (and the start page of
        the browser).
        """
        found = [entry["message"] for entry in self.driver.get_log("browser")]
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked = message["params"]
                url = asked["request"]["url"]
                own = url.startswith(("data:", "about:", "chrome:"))
                if not own and asked.get("type") != "Document":
                    found.append(url)
        return found

    def violations(self):
        """What axe-core finds, with the rules in `rules`, and whether the page is wider than its window."""
        self.run(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script(
            "const rules = Object.fromEntries(arguments[0].map((rule) => [rule, { enabled: true }]));"
            "axe.run({ resultTypes: ['violations'], rules }).then((found) => arguments[1](found.violations))",
            self.rules,
        )
        wrong = []
        for rule in found:
            wrong += [f"{rule['id']}: {node['html'][:200]}" for node in rule["nodes"]]
        width = "document.documentElement.{}Width"
        if self.run(f"return {width.format('scroll')} > {width.format('client')}"):
            wrong.append("the page is wider than its window")
        return wrong


@pytest.fixture
def page(chromium, tmp_path):
    explorer = Explorer(chromium, tmp_path)
    yield explorer
    assert explorer.problems() == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """`made(name)`: the page of one of the four examples, and the output that it shows."""
    folder = tmp_path_factory.mktemp("pages")
    outputs = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        example = importlib.import_module("explore_graph")

    def make(name):
        path = folder / f"{name}.html"
        if name not in outputs:
            explore = mg.explore

            def spy(output, *arguments, **options):
                outputs[name] = output
                return explore(output, *arguments, **options)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(mg, "explore", spy)
                mg.seed(0)
                example.PAGES[name](path)
        return path, outputs[name]

    return make
