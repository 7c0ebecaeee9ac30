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
from typing import Any

import pytest

from minigrad.course.checking.registry import lessons

from .reader import CONTROL, ENTER, ESCAPE, RIGHT, SHIFT, TAB, Reader

SQUARE = "import minigrad as mg\nx = mg.Tensor(2.0, requires_grad=True)"


def cells_of(site, page):
    """Of each cell of a page: its code, and the HTML of what it showed when the site was built."""
    found = []
    for part in (
        (site / page).read_text(encoding="utf-8").split('<div class="cell"')[1:]
    ):
        cell, _, shown = part.partition('class="cell-output"')
        (code,) = re.findall(r"<pre>(.*?)</pre>", cell, re.DOTALL)
        shown = shown.partition("</div></div>")[0]
        found.append((html.unescape(re.sub(r"<.*?>", "", code)), html.unescape(shown)))
    return found


# --- As the site is built
# ---------------------------------------------------------------------------------------------


def test_the_page_reads_without_python(site):
    [(_, shown)] = cells_of(site, "readme.html")
    assert re.search(r"\[\[-1\.4796\d*\]\s*\[-2\.959\d*\]\]", shown)
    assert "data:image/svg+xml" in shown
    [(_, shown)] = cells_of(site, "gradcheck.html")
    assert "the rule is at Cell 1, line 10" in shown
    [(_, shown)] = cells_of(site, "explorer.html")
    assert (site / re.findall(r'<iframe src="(.*?)"', shown)[0]).is_file()


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_a_lesson_has_cells(site, one):
    blocks = re.findall(r"^```python\n(.*?)^```$", one.text, re.DOTALL | re.MULTILINE)
    cells = cells_of(site, f"lessons/{one.name}.html")
    assert [code.strip() for code, _ in cells] == [block.strip() for block in blocks]


# --- In the browser
# ---------------------------------------------------------------------------------------------------


class Page(Reader):
    """A page with cells, and what a person at it would do and see."""

    def type(self, code):
        self.run(
            "const area = document.querySelector('.cell textarea'); area.value = arguments[0];"
            "area.dispatchEvent(new Event('input'))",
            code,
        )

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
        self.wait(
            lambda: self.status().startswith(
                ("Ran in", "Ended with an error", "Python ")
            )
        )

    def chord(self, modifier, key):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).key_down(modifier).send_keys(key).key_up(
            modifier
        ).perform()

    def pictures(self):
        """Of each picture: its name, its source, its width."""
        found: list[list[Any]] = self.run(
            "return [...document.querySelectorAll('.cell-output img')]"
            ".map((one) => [one.alt, one.src, one.naturalWidth])"
        )
        return found


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
    browser.type(browser.run("return document.querySelector('.cell textarea').value"))
    browser.click("Run")
    browser.finished()
    return {
        "before": before,
        "at": list(browser.asked),
        "text": browser.text(".cell-output"),
        "pictures": browser.pictures(),
    }


@pytest.fixture
def page(browser, first_run):
    """The README's page, with Python in it."""
    return browser


def test_nothing_of_python_is_loaded_before_the_first_run(first_run):
    assert not re.search(
        r"pyodide|\.whl|\.wasm|viz|worker", " ".join(first_run["before"])
    )
    assert any(path.endswith("pyodide.asm.wasm") for path in first_run["at"])


def test_the_first_run_fetches_at_most_10_mb(first_run, site):
    files = [
        path.removeprefix("/minigrad/").partition("?")[0] for path in first_run["at"]
    ]
    sizes = {file: len(gzip.compress((site / file).read_bytes(), 6)) for file in files}
    assert len(files) == len(sizes)  # nothing twice
    assert 5e6 < sum(sizes.values()) <= 10e6, sizes


def test_the_readme_s_gradient_and_its_graph(first_run):
    by_hand = (-1.4796, -2.9593)  # 2 (z - 1) (1 - z²) x for z = tanh(-1)
    numbers = [
        float(number) for number in re.findall(r"-?\d+\.\d+", first_run["text"])[:2]
    ]
    assert numbers == pytest.approx(by_hand, abs=5e-5)
    [(_, source, width)] = first_run["pictures"]
    assert source.startswith("data:image/svg+xml") and width > 100


def test_a_broken_tanh_is_named_with_its_line(page, site):
    [(code, _)] = cells_of(site, "gradcheck.html")
    shown = page.execute(code)
    assert "the rule is at Cell 1, line 10" in shown and "it should be 1 - z²" in shown
    assert code.splitlines()[9].strip() == "def backward(self, dz, z, x):"
    assert "right: 4 comparisons" in page.execute(
        code.replace("1 - x * x", "1 - z * z")
    )


def test_errors_show_the_cell_s_own_lines(page):
    lines = [
        "import minigrad as mg",
        "def f(x):",
        "    return x @ mg.Tensor([[1.0]])",
        "f(mg.Tensor([[1.0, 2.0]]))",
    ]
    shown = page.execute("\n".join(lines))
    assert page.status() == "Ended with an error."
    assert "Cell 1, line 4, in <module>" in shown and "Cell 1, line 3, in f" in shown
    assert "[MG101]" in shown and "remedy:" in shown and "File" not in shown
    assert "Cell 1, line 2" in page.execute("x = 1\nx x")


def test_the_explorer_steps_and_escape_leaves_it(page, site):
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
    page.wait(
        lambda: page.focused() == "With the keyboard, Escape leaves the explorer."
    )


def test_an_endless_loop_is_stopped_and_python_is_ready_again(page):
    code = "for _ in range(2000):\n    print('.' * 80)\nwhile True:\n    pass"
    page.type(code)
    page.click("Run")
    # shown as they are printed
    page.wait(lambda: "only the first 100,000 characters" in page.text(".cell-output"))
    assert page.status() == "Running."
    page.click("Stop")
    page.wait(lambda: "ready again" in page.status())
    assert page.run("return document.querySelector('.cell textarea').value") == code
    assert page.execute("1 + 1") == "2\n"


def test_the_keyboard_alone_reaches_edits_runs_and_leaves_a_cell(page):
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
    assert "mg.draw" in page.run(
        "return document.querySelector('.cell textarea').value"
    )
    page.press(TAB, TAB)
    assert not page.run("return document.activeElement.closest('.cell')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_a_cell_is_accessible(page, width, scheme):
    page.look(width, scheme)
    for code in (
        f"print('a' * 300)\n{SQUARE}\nmg.gradcheck(lambda x: x * x, x)",
        "1 / 0",
    ):
        page.execute(code)
        # the rest is Furo's
        found = [one for one in page.violations() if "cell" in one or "wider" in one]
        assert found == []


def test_cells_above_run_first(page):
    page.visit("lessons/lesson_01_by_hand.html")
    page.run("document.querySelector('[aria-label=\"Run cell 2\"]').click()")
    texts = "return [...document.querySelectorAll('{}')].map((one) => one.textContent)"
    page.wait(lambda: page.run(texts.format(".cell-status"))[1].startswith("Ran in"))
    shown = page.run(texts.format(".cell-output"))
    assert shown[:2] == ["m = -6.0   s = 0.5   y = 0.4621\n", "-2.36\n"]
