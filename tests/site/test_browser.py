"""The site in a browser: nothing fails, nothing is asked for elsewhere, axe-core has no objection,
a keyboard suffices.

Each page is opened in one width and one colour scheme, and one page of each kind in all four.
"""

from pathlib import Path

import pytest

from minigrad.course.checking.registry import lessons, milestones

from .reader import ENTER, ESCAPE, TAB

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    {f"{path.stem}.html" for path in DOCS.glob("*.md")}
    | {f"reference/{path.stem}.html" for path in DOCS.glob("reference/*.md")}
    | {f"lessons/{one.name}.html" for one in lessons()}
    | {f"milestones/{one.name}.html" for one in milestones()}
    | {
        "readme.html",
        "ending.html",
        "contributing.html",
        "security.html",
        "changes.html",
    }
    | {"search.html?q=tanh", "genindex.html", "errors/mg1xx.html", "errors/mg9xx.html"}
    | {"_modules/minigrad/gate.html"}
)
WAYS = [(1280, "light"), (400, "dark"), (1280, "dark"), (400, "light")]
IN_EVERY_WAY = ["index.html", "lessons/lesson_04_sweep.html", "layers.html"]


@pytest.mark.parametrize(
    ("page", "width", "scheme"),
    [(page, *WAYS[place % 4]) for place, page in enumerate(PAGES)]
    + [(page, *way) for page in IN_EVERY_WAY for way in WAYS],
)
def test_page_in_a_browser(reader, page, width, scheme):
    reader.visit(page, width, scheme)
    assert reader.violations() == []
    assert reader.problems() == []


def test_keyboard_skips_to_the_text(reader):
    reader.visit("gates.html")
    reader.press(TAB)
    assert reader.focused() == "Skip to content"


def test_keyboard_opens_the_list_of_pages_on_a_phone(reader):
    reader.visit("gates.html", width=400)
    reader.press(TAB, TAB)
    assert reader.focused() == "All pages"
    sees = (
        "return document.querySelector('.sidebar-brand')"
        ".checkVisibility({ visibilityProperty: true })"
    )
    assert not reader.run(sees)
    reader.press(ENTER)
    assert reader.run(sees)
    reader.press(ESCAPE)
    assert not reader.run(sees)
    assert reader.focused() == "All pages"


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("tanh", ""),
        ("install", "install.html"),
        ("exercise", "course.html"),
        ("backpropagation", "course.html"),
        ("chain rule", "lessons/lesson_01_by_hand.html"),
        ("MG135", "errors/mg1xx.html#mg135-a-parameter-that-became-a-step"),
        ("mg202", "errors/mg2xx.html#mg202-"),
    ],
)
def test_search_finds_the_right_page_first(reader, words, page):
    reader.visit(f"search.html?q={words}")
    link, *_ = reader.wait(lambda: reader.all("#search-results li a"))
    assert link.get_dom_attribute("href").startswith(page)
    if words.lower().startswith("mg"):
        text = reader.text("#search-results li a")
        assert text.startswith(words.upper())
    assert reader.problems() == []


@pytest.fixture
def blocked(reader):
    """Make requests for these files fail, as without network."""
    yield lambda *files: reader.command(
        "Network.setBlockedURLs", urls=[f"*{one}*" for one in files]
    )
    reader.command("Network.setBlockedURLs", urls=[])


def test_search_without_network(reader, blocked):
    blocked("searchindex.js")
    reader.visit("search.html?q=tanh")
    reader.wait(lambda: "There is no network" in reader.text("#search-results"))
    assert "Searching" not in reader.text("#search-results")


def test_search_without_excerpts_says_why(reader, blocked):
    blocked("functions.html", "gates.html", "lessons/")
    reader.visit("search.html?q=tanh")
    reader.wait(lambda: "excerpts cannot be shown" in reader.text("#search-results"))


def test_explorer_without_network(reader, blocked):
    blocked("made/")
    reader.visit("lessons/lesson_01_by_hand.html")
    reader.run("document.querySelector('.explorer details').open = true")
    reader.wait(lambda: "There is no network" in reader.text(".explorer"))


@pytest.mark.parametrize("page", ["index.html", "readme.html", "lessons/lesson_01_by_hand.html"])
def test_keyboard_reaches_the_first_run_in_four_stops(python, reader, page):
    reader.visit(page)
    reader.press(TAB, TAB)
    assert reader.focused() == "Skip to the first code"
    reader.press(ENTER, TAB, TAB)
    assert reader.focused() == "Run cell 1"


def test_keyboard_skips_to_the_exercise(python, reader):
    reader.visit("lessons/lesson_01_by_hand.html")
    reader.wait(lambda: reader.all(".cm-content"))
    reader.press(TAB, TAB, TAB)
    assert reader.focused() == "Skip to the exercise"
    reader.press(ENTER)
    stops = 0
    inside = "return document.activeElement.closest('.lesson-editor') !== null"
    while not reader.run(inside):
        reader.press(TAB)
        stops += 1
        assert stops < 8
    frame = (
        "return getComputedStyle(document.querySelector('.lesson-editor'), '::after').borderWidth"
    )
    assert reader.run(frame) == "2px"


def test_pages_obey_what_the_reader_has_set(python, reader):
    reader.visit("lessons/lesson_01_by_hand.html")
    reader.wait(lambda: reader.all(".cm-line"))
    features = {"prefers-reduced-motion": "reduce", "forced-colors": "active"}
    media = [{"name": name, "value": value} for name, value in features.items()]
    reader.command("Emulation.setEmulatedMedia", features=media)
    behavior = "getComputedStyle(document.documentElement).scrollBehavior"
    assert reader.run(f"return {behavior}") == "auto"
    wrong = "const line = document.querySelector('.cm-line'); line.classList.add('cm-wrong');"
    outline = "return getComputedStyle(line).outlineStyle"
    assert reader.run(wrong + outline) == "solid"
    reader.look(1280, "light")
    assert reader.run(f"return {behavior}") == "smooth"


@pytest.mark.parametrize("width", [1280, 390])
def test_drawing_on_the_start_page_can_be_read(reader, width):
    reader.visit("index.html", width, "dark")
    picture = reader.wait(lambda: reader.all(".cell-picture img"))[0]
    assert "A graph with 6 boxes" in picture.get_dom_attribute("alt")
    # its text is 8 points high, and a point has 4/3 pixels
    scale = "const one = arguments[0]; return one.clientWidth / one.naturalWidth"
    assert reader.run(scale, picture) * 8 * 4 / 3 > 9.5
    assert "invert" in picture.value_of_css_property("filter")


def test_command_has_the_address_of_the_wheel(reader):
    reader.visit("course.html")
    address = reader.text("[data-address]")
    assert address.startswith(f"{reader.address}downloads/minigrad_edu-")


def test_404_page_finds_the_site_from_any_depth(reader):
    reader.visit("no/such/mg135.html", width=400, scheme="dark")
    assert reader.violations() == []
    link, form, query = (reader.all(selector)[0] for selector in ("li a", "form", "#q"))
    index = f"{reader.address}index.html"
    reader.wait(lambda: link.get_property("href") == index)
    assert form.get_property("action").endswith("/minigrad/search.html")
    assert query.get_property("value") == "mg135"


def test_explorer_opens_and_lets_a_keyboard_out(reader):
    reader.visit("lessons/lesson_01_by_hand.html")
    shows = (
        "return document.querySelector('.explorer iframe')"
        ".contentDocument.querySelector('button') !== null"
    )
    assert not reader.run(shows)
    reader.run(
        "document.querySelectorAll('details.after-pass').forEach((one) => (one.open = true))"
    )
    reader.run("document.querySelector('.explorer summary').focus()")
    reader.press(ENTER)
    reader.wait(lambda: reader.run(shows))
    inside = []
    while reader.run("return document.activeElement.closest('.explorer') !== null"):
        reader.press(TAB)
        inside.append(reader.run("return document.activeElement.tagName"))
        assert len(inside) < 40
    assert inside.count("IFRAME") > 5
    assert reader.run("return document.activeElement.closest('footer') !== null")
    assert reader.problems() == []


@pytest.mark.parametrize("page", ["expression", "rnn", "lesson_02_slopes", "lesson_13_bptt"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_explorer_page_in_a_browser(reader, page, scheme):
    reader.visit(f"made/{page}.html", scheme=scheme)
    assert reader.violations() == []
    assert reader.problems() == []
