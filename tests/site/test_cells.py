"""Cells: what they show when the site is built, and Python in the page, driven in headless
Chromium.

The page is served from a sub-path by a plain server, as a public host does. Python is started once
for all tests, on the README's page, into whose cell other pages' cells are typed; Stop makes a
second start.
"""

import gzip
import html
import re
import time

import pytest

from minigrad.course.checking.registry import lessons

from .reader import CONTROL, ENTER, ESCAPE, RIGHT, SHIFT, TAB, Reader

SQUARE = "import minigrad as mg\nx = mg.Tensor(2.0, requires_grad=True)"


def cells_of(site, page):
    """Of each cell of a page: its code, and the HTML of what it showed when the site was built."""
    found = []
    for part in (site / page).read_text(encoding="utf-8").split('<div class="cell"')[1:]:
        cell, _, shown = part.partition('class="cell-output"')
        (code,) = re.findall(r"<pre>(.*?)</pre>", cell, re.DOTALL)
        shown = shown.partition("</div></div>")[0]
        found.append((html.unescape(re.sub(r"<.*?>", "", code)), html.unescape(shown)))
    return found


# --- As the site is built


def test_cells_show_their_output_without_python(site):
    readme, gradcheck, explorer = (
        cells_of(site, f"{page}.html")[0][1] for page in ("readme", "gradcheck", "explorer")
    )
    assert re.search(r"\[\[-1\.4796\d*\]\s*\[-2\.959\d*\]\]", readme)
    assert "data:image/svg+xml" in readme
    assert "the rule is at Cell 1, line 10" in gradcheck
    (path,) = re.findall(r'<iframe src="(.*?)"', explorer)
    assert (site / path).is_file()


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_cells_are_the_blocks_of_a_lesson(site, one):
    blocks = re.findall(r"^```python\n(.*?)^```$", one.text, re.DOTALL | re.MULTILINE)
    cells = cells_of(site, f"lessons/{one.name}.html")
    assert [code.strip() for code, _ in cells] == [block.strip() for block in blocks]


# --- In the browser


class Page(Reader):
    """A page with cells, and what a person at it would do and see."""

    def type(self, code):
        self.run(
            "const area = document.querySelector('.cell textarea'); area.value = arguments[0];"
            "area.dispatchEvent(new Event('input'))",
            code,
        )

    def code(self):
        return self.run("return document.querySelector('.cell textarea').value")

    def execute(self, code):
        """Run this code in the page's cell, and return what it shows."""
        self.type(code)
        self.click("Run")
        self.finished()
        return self.text(".cell-output")

    def click(self, label):
        self.run(f"document.querySelector('[aria-label=\"{label} cell 1\"]').click()")

    def status(self):
        return self.text(".cell-status")

    def finished(self):
        ends = ("Ran in", "Ended with an error", "Python ")
        self.wait(lambda: self.status().startswith(ends))

    def chord(self, modifier, key):
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver).key_down(modifier).send_keys(key)
        chain.key_up(modifier).perform()


@pytest.fixture(scope="module")
def browser(python, reader):
    """The README's page, as it comes."""
    page = Page(reader.driver, reader.address, reader.asked)
    page.visit("readme.html")
    return page


@pytest.fixture(scope="module")
def first_run(browser):
    """What is asked for before the first Run and at it, and what the cell shows then."""
    browser.wait(lambda: browser.run("return document.readyState") == "complete")
    time.sleep(1)  # for whatever the page might ask for by itself
    before = list(browser.asked)
    browser.asked.clear()
    browser.type(browser.code())
    browser.click("Run")
    browser.finished()
    return before, list(browser.asked)


@pytest.fixture
def page(first_run, browser):
    """The README's page, with Python in it."""
    return browser


def test_first_run_loads_python(first_run):
    before, at = map(" ".join, first_run)
    assert not re.search(r"pyodide|\.whl|\.wasm|viz|worker", before)
    assert "pyodide.asm.wasm" in at


def test_first_run_fetches_at_most_10_mb(first_run, site):
    _, at = first_run
    files = [path.removeprefix("/minigrad/").partition("?")[0] for path in at]
    assert len(files) == len({*files})  # nothing twice
    sizes = [len(gzip.compress((site / file).read_bytes(), 6)) for file in files]
    assert 5e6 < sum(sizes) <= 10e6


def test_first_run_shows_the_gradient_and_graph(page):
    by_hand = (-1.4796, -2.9593)  # 2 (z - 1) (1 - z²) x for z = tanh(-1)
    numbers = re.findall(r"-?\d+\.\d+", page.text(".cell-output"))[:2]
    assert [*map(float, numbers)] == pytest.approx(by_hand, abs=5e-5)
    (picture,) = page.all(".cell-output img")
    assert picture.get_property("src").startswith("data:image/svg+xml")
    assert picture.get_property("naturalWidth") > 100


def test_cell_names_the_line_of_a_wrong_rule(page, site):
    [(code, _)] = cells_of(site, "gradcheck.html")
    shown = page.execute(code)
    assert "the rule is at Cell 1, line 10" in shown and "it should be 1 - z²" in shown
    assert code.splitlines()[9].strip() == "def backward(self, dz, z, x):"
    assert "right: 4 comparisons" in page.execute(code.replace("1 - x * x", "1 - z * z"))


MISTAKE = """import minigrad as mg
def f(x):
    return x @ mg.Tensor([[1.0]])
f(mg.Tensor([[1.0, 2.0]]))"""


def test_cell_shows_its_own_lines_in_errors(page):
    shown = page.execute(MISTAKE)
    assert page.status() == "Ended with an error."
    for text in ("line 4, in <module>", "line 3, in f"):
        assert f"Cell 1, {text}" in shown
    assert "[MG101]" in shown and "remedy:" in shown
    assert "File" not in shown
    assert "Cell 1, line 2" in page.execute("x = 1\nx x")


def test_cell_with_an_explorer_is_left_by_escape(page, site):
    [(code, _)] = cells_of(site, "explorer.html")
    page.execute(code)
    frame = page.driver.find_element("css selector", ".cell-output iframe")
    page.driver.switch_to.frame(frame)
    page.wait(lambda: page.run("return document.documentElement.dataset.ready"))
    assert page.text("#count") == "1 / 18"
    page.run("document.querySelector('#slider').focus()")
    page.press(RIGHT)
    assert page.text("#count") == "2 / 18"
    page.press(ESCAPE, ESCAPE)
    page.driver.switch_to.default_content()
    hint = "With the keyboard, Escape leaves the explorer."
    page.wait(lambda: page.focused() == hint)


def test_cell_with_an_endless_loop_is_stopped(page):
    code = "for _ in range(2000):\n    print('.' * 80)\nwhile True:\n    pass"
    page.type(code)
    page.click("Run")
    # shown as they are printed
    page.wait(lambda: "only the first 100,000 characters" in page.text(".cell-output"))
    assert page.status() == "Running."
    page.click("Stop")
    page.wait(lambda: "ready again" in page.status())
    assert page.code() == code
    assert page.execute("1 + 1") == "2\n"


def test_cell_is_used_by_keyboard_alone(page):
    page.execute("0")
    page.focus(".cell textarea")
    page.chord(CONTROL, "a")
    page.press("for i in range(2):", ENTER, "print(i, i * i)")
    page.chord(SHIFT, ENTER)
    page.wait(lambda: page.text(".cell-output") == "0 0\n1 1\n")
    page.press(TAB)
    assert page.focused() == "Run cell 1"
    page.press(TAB)
    assert page.focused() == "Reset cell 1"
    page.press(ENTER)
    assert "mg.draw" in page.code()
    page.press(TAB, TAB)
    assert not page.run("return document.activeElement.closest('.cell')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_cell_is_accessible(page, width, scheme):
    page.look(width, scheme)
    checked = f"print('a' * 300)\n{SQUARE}\nmg.gradcheck(lambda x: x * x, x)"
    for code in (checked, "1 / 0"):
        page.execute(code)
        # the rest is Furo's
        found = [one for one in page.violations() if "cell" in one or "wider" in one]
        assert found == []


def test_cells_above_run_first(page):
    page.visit("lessons/lesson_01_by_hand.html")
    page.run("document.querySelector('[aria-label=\"Run cell 2\"]').click()")
    statuses, outputs = page.all(".cell-status"), page.all(".cell-output")
    page.wait(lambda: statuses[1].text.startswith("Ran in"))
    assert outputs[0].text == "m = -6.0   s = 0.5   y = 0.4621"
    assert outputs[1].text == "-2.36"
