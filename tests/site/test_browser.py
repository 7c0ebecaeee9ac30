"""The site in a browser: nothing fails, nothing is asked for elsewhere, axe-core has no objection,
a keyboard suffices.

Each page is opened in one width and one colour scheme, and one page of each kind in all four.
"""

from pathlib import Path

import pytest

from minigrad.course.checking.registry import lessons

from .reader import ENTER, ESCAPE, TAB

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted(
    {f"{path.stem}.html" for path in DOCS.glob("*.md")}
    | {f"reference/{path.stem}.html" for path in DOCS.glob("reference/*.md")}
    | {f"lessons/{one.name}.html" for one in lessons()}
    | {"readme.html", "contributing.html", "security.html", "changes.html"}
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
def test_a_page(reader, page, width, scheme):
    reader.visit(page, width, scheme)
    assert reader.violations() == []
    assert reader.problems() == []


def test_the_first_key_skips_to_the_text(reader):
    reader.visit("gates.html")
    reader.press(TAB)
    assert reader.focused() == "Skip to content"


def test_a_keyboard_opens_and_closes_the_list_of_pages_on_a_phone(reader):
    reader.visit("gates.html", width=400)
    reader.press(TAB, TAB)
    assert reader.focused() == "All pages"
    sees = "return document.querySelector('.sidebar-brand').checkVisibility({ visibilityProperty: true })"
    assert not reader.run(sees)
    reader.press(ENTER)
    assert reader.run(sees)
    reader.press(ESCAPE)
    assert not reader.run(sees)
    assert reader.focused() == "All pages"


def test_the_search_finds_a_gate(reader):
    reader.visit("search.html?q=tanh")
    reader.wait(
        lambda: reader.run(
            "return document.querySelector('#search-results li a') !== null"
        )
    )
    assert reader.problems() == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("install", "install.html"),
        ("exercise", "course.html"),
        ("backpropagation", "course.html"),
        ("chain rule", "lessons/lesson_01_by_hand.html"),
        ("MG135", "errors/mg1xx.html#mg135-a-parameter-that-became-a-step"),
        ("mg202", "errors/mg2xx.html#mg202-"),
    ],
)
def test_the_search_finds_the_right_page_first(reader, words, page):
    reader.visit(f"search.html?q={words}")
    link = "document.querySelector('#search-results li a')"
    reader.wait(lambda: reader.run(f"return {link} !== null"))
    assert reader.run(f"return {link}.getAttribute('href')").startswith(page)
    if words.lower().startswith("mg"):
        assert reader.run(f"return {link}.textContent").startswith(words.upper())


@pytest.fixture
def blocked(reader):
    """Make requests for these files fail, as without network."""
    yield lambda *files: reader.command(
        "Network.setBlockedURLs", urls=[f"*{one}*" for one in files]
    )
    reader.command("Network.setBlockedURLs", urls=[])


def test_the_search_says_that_there_is_no_network(reader, blocked):
    blocked("searchindex.js")
    reader.visit("search.html?q=tanh")
    reader.wait(lambda: "There is no network" in reader.text("#search-results"))
    assert "Searching" not in reader.text("#search-results")


def test_the_search_says_why_it_shows_no_excerpts(reader, blocked):
    blocked("functions.html", "gates.html", "lessons/")
    reader.visit("search.html?q=tanh")
    reader.wait(lambda: "excerpts cannot be shown" in reader.text("#search-results"))


def test_an_explorer_that_does_not_load_says_so(reader, blocked):
    blocked("made/")
    reader.visit("lessons/lesson_01_by_hand.html")
    reader.run("document.querySelector('.explorer details').open = true")
    reader.wait(lambda: "There is no network" in reader.text(".explorer"))


@pytest.mark.parametrize(
    "page", ["index.html", "readme.html", "lessons/lesson_01_by_hand.html"]
)
def test_a_keyboard_reaches_the_first_run_in_four_stops(python, reader, page):
    reader.visit(page)
    reader.press(TAB, TAB)
    assert reader.focused() == "Skip to the first code"
    reader.press(ENTER, TAB, TAB)
    assert reader.focused() == "Run cell 1"


def test_a_command_has_the_address_of_the_wheel(reader):
    reader.visit("course.html")
    address = reader.text("[data-address]")
    assert address.startswith(f"{reader.address}downloads/minigrad_edu-")


def test_the_page_for_wrong_addresses_finds_the_site_from_any_depth(reader):
    reader.visit("no/such/mg135.html", width=400, scheme="dark")
    assert reader.violations() == []
    link = "return document.querySelector('li a').href"
    reader.wait(lambda: reader.run(link) == f"{reader.address}index.html")
    assert reader.run("return document.querySelector('form').action").endswith(
        "/minigrad/search.html"
    )
    assert reader.run("return document.querySelector('#q').value") == "mg135"


def test_an_explorer_opens_when_asked_and_lets_a_keyboard_out(reader):
    reader.visit("lessons/lesson_01_by_hand.html")
    shows = "return document.querySelector('.explorer iframe').contentDocument.querySelector('button') !== null"
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


@pytest.mark.parametrize(
    "page", ["expression", "rnn", "lesson_02_slopes", "lesson_13_bptt"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_that_minigrad_drew(reader, page, scheme):
    reader.visit(f"made/{page}.html", scheme=scheme)
    assert reader.violations() == []
    assert reader.problems() == []
