"""The criteria of WCAG 2.2 that a script can test, on a page of each kind, and axe-core in each state of a
lesson. docs/accessibility.md names these tests.
"""

import argparse
from pathlib import Path

import pytest

import minigrad as mg
import optim
from layers import Dense, Sequential
from minigrad.course.checking.registry import lesson
from minigrad.course.classroom.marks import Mark, Row
from minigrad.course.classroom.stats import statistics
from minigrad.data import Batches, load_digits
from tests.blocks import parameter

from .listener import Listener
from .reader import ESCAPE, SHIFT, TAB
from .test_browser import blocked as blocked
from .test_course import learner as learner

CRITERIA = Path(__file__).with_name("criteria.js").read_text("utf-8")
SITE = [
    "index.html",
    "course.html",
    "ending.html",
    "lessons/lesson_05_shapes.html",
    "layers.html",
    "errors/mg1xx.html",
    "reference/functions.html",
    "search.html?q=tanh",
    "genindex.html",
    "no/such/page.html",
    "made/rnn.html",
]
FILES = ["statistics", "comparison", "run", "lesson"]
WAYS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


def statistics_page(path):
    one, options = lesson(3), argparse.Namespace(out=path, names=True)
    wrong = Mark(one, 1, "", True, "wrong", "tanh_forward", "sign", "The sign of `dz`.")
    marks = [Mark(one, one.asked, ""), wrong, Mark(one, 0, "")]
    rows = [Row(name, [mark], "") for name, mark in zip("abc", marks, strict=True)]
    path.write_text(statistics(rows, options), "utf-8")


def comparison_page(path):
    a, b = parameter(2.0, "a"), parameter(-3.0, "b")
    mg.compare(mg.tanh(a * b), mg.sigmoid(a * b)).save(path)


def run_page(path):
    images, labels = load_digits()
    mg.seed(0)
    model = Sequential(Dense(64, 4, mg.relu), Dense(4, 10))
    trainer = optim.Trainer(
        model,
        mg.softmax_cross_entropy,
        optim.SGD(model.named_parameters(), lr=0.1),
        callbacks=[optim.RunPage(path)],
    )
    x = images[:96].reshape(-1, 64).astype("float32")
    trainer.fit(Batches(x, labels[:96]), epochs=1)


@pytest.fixture(scope="module")
def address(reader, tmp_path_factory):
    """The address of a page: of the site, or of a file that a command writes."""
    folder = tmp_path_factory.mktemp("files")
    for make in (statistics_page, comparison_page, run_page):
        make(folder / f"{make.__name__.removesuffix('_page')}.html")
    (folder / "lesson.html").write_text(
        (lesson(5).folder / "page.html").read_text("utf-8"), "utf-8"
    )
    return lambda page: (
        (folder / f"{page}.html").as_uri() if page in FILES else reader.address + page
    )


@pytest.mark.parametrize("page", SITE + FILES)
def test_page_meets_the_criteria(reader, address, page):
    """Of each kind of page: what axe-core finds, whether the focus is seen, whether the page reflows and
    its text may have more space, in narrow and wide windows and both colour schemes.
    """
    reader.look(1280, "light")
    reader.driver.get(address(page))
    reader.wait(lambda: reader.run("return document.readyState") == "complete")
    wrong = {"moving": found(reader, "moving")}
    reader.press(TAB)  # from now on, the focus is shown as for a keyboard
    for width, scheme in WAYS:
        reader.look(width, scheme)
        wrong[f"axe {width} {scheme}"] = reader.violations()
        wrong[f"focus {width} {scheme}"] = found(reader, "focus")
        wrong[f"fields {width} {scheme}"] = found(reader, "fields")
    for width in 640, 320:  # 1280 pixels at 200% and at 400%
        reader.look(width, "light")
        wrong[f"reflow {width}"] = too_wide(reader)
    for width in 320, 1280:
        reader.look(width, "light")
        wrong[f"spacing {width}"] = found(reader, "spacing") + too_wide(reader)
    assert {name: places for name, places in wrong.items() if places} == {}


def found(reader, criterion):
    return reader.run(f"{CRITERIA}\nreturn {criterion}()")


def too_wide(reader):
    width = "document.documentElement.{}Width"
    scroll, window = (reader.run(f"return {width.format(w)}") for w in ("scroll", "client"))
    return [f"{scroll} pixels wide in a window of {window}"] if scroll > window else []


@pytest.mark.parametrize(("width", "scheme"), WAYS)
def test_axe_finds_nothing_in_any_state_of_a_lesson(learner, width, scheme):
    reader, listener = learner.reader, Listener(learner.reader)
    one = lesson(5)
    learner.open(one)
    reader.look(width, scheme)
    assert reader.violations() == []
    listener.answer()  # wrongly
    learner.press("Run")
    learner.wait(lambda: not reader.all(".lesson-cell.cell-busy"))
    assert reader.violations() == []
    right = one.read("solution.py")
    learner.write(right.replace("dz.sum(axis=0)", "2 * dz.sum(axis=0)"))
    for _ in range(4):  # until the solution is offered
        learner.write(learner.stored + "# again\n")
        assert "unbroadcast" in learner.check()
    for label in ("Hint", "Solution"):
        learner.press(label)
    learner.wait(lambda: listener.find("region", "Solution"))
    assert reader.violations() == []
    assert reader.all("button[aria-expanded=true]")[0].text == "Solution"
    learner.press("Solution")
    assert not reader.all("button[aria-expanded=true]")
    learner.write(right)
    assert "passed. All" in learner.check()
    assert reader.violations() == []
    learner.press("Reset")
    assert reader.violations() == []
    reader.visit("course.html", width, scheme)
    learner.wait(lambda: reader.all(".course-home button"))
    learner.press("Export")
    assert reader.violations() == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_axe_finds_nothing_without_network(reader, blocked, width, scheme):
    blocked("made/", "searchindex.js", "offline.json")
    reader.visit("lessons/lesson_01_by_hand.html", width, scheme)
    reader.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    reader.wait(lambda: "There is no network" in reader.text(".explorer"))
    assert reader.violations() == []
    reader.visit("search.html?q=tanh", width, scheme)
    reader.wait(lambda: "There is no network" in reader.text("#search-results"))
    assert reader.violations() == []


def test_single_characters_are_shortcuts_only_if_wanted(reader):
    """Criterion 2.1.4: in the explorer, a box switches them off. Other pages have none."""
    reader.visit("made/rnn.html")
    reader.wait(lambda: reader.run("return document.documentElement.dataset.ready"))
    pressed = "return document.getElementById('list-toggle').ariaPressed"
    reader.press("l", "l", "l")
    assert reader.run(pressed) == "true"
    reader.run("document.getElementById('characters').click()")
    reader.press("l")
    assert reader.run(pressed) == "true"
    reader.visit("layers.html")
    reader.press("/")
    assert reader.run("return document.activeElement === document.body")


def test_picture_moves_without_dragging(reader):
    """Criterion 2.5.7: a click into the overview moves the explorer's picture, and a button its step."""
    reader.visit("made/rnn.html")
    reader.wait(lambda: reader.run("return document.documentElement.dataset.ready"))
    place = "return document.querySelector('#picture > g').getAttribute('transform')"
    for _ in range(6):
        reader.run("document.getElementById('zoom-in').click()")
    before = reader.run(place)
    overview = reader.all("#minimap")[0]
    reader.actions().move_to_element_with_offset(overview, -70, -30).click().perform()
    assert reader.run(place) != before


@pytest.mark.parametrize("number", [18, 19, 20])
@pytest.mark.parametrize(("width", "scheme"), WAYS)
def test_page_of_heat_maps(reader, number, width, scheme):
    """The pages that show what a network has learned, for a correct solution."""
    reader.visit(f"made/{lesson(number).name}.html", width, scheme)
    assert reader.violations() == []
    assert found(reader, "cells") == []
    assert too_wide(reader) == []
    maps = reader.all("figure svg")
    tables = list(Listener(reader).all("table"))
    assert len(tables) >= len(maps) >= 4  # whose numbers are read as tables


@pytest.mark.parametrize("page", ["course.html", "lessons/lesson_05_shapes.html"])
@pytest.mark.parametrize(("width", "height"), [(390, 800), (320, 256)])
def test_focus_is_never_hidden_on_the_way_back(python, reader, page, width, height):
    """Criterion 2.4.11: in a narrow window, the header stays at the top. Shift+Tab visits each control."""
    reader.visit(page, width)
    screen = {
        "width": width,
        "height": height,
        "deviceScaleFactor": 1,
        "mobile": False,
    }
    reader.command("Emulation.setDeviceMetricsOverride", **screen)
    reader.wait(lambda: reader.all(".course-home button, .cm-content"))
    reader.run(
        "const still = document.createElement('style'); document.head.append(still);"
        "still.textContent = '* { scroll-behavior: auto !important; transition: none !important }';"
        "[...document.querySelectorAll('footer a')].at(-1).focus()"
    )
    hidden, stops = [], 0
    first = "return document.activeElement === document.querySelector('a[href]')"
    while not reader.run(first):
        hidden += found(reader, "hiddenFocus")
        reader.press(ESCAPE)  # leaves the editor
        reader.actions().key_down(SHIFT).send_keys(TAB).key_up(SHIFT).perform()
        stops += 1
        assert stops < 200
    assert stops > 15
    assert hidden == []


@pytest.fixture
def announced(reader):
    """A function that returns what was written into places with the role status since the last call.
    Screen readers announce each change of such a place, if the place was there before.
    """
    watch = """window.heard = [];
        new MutationObserver((changes) => {
          const element = ({ target }) => (target.nodeType === 1 ? target : target.parentElement);
          const places = new Set(changes.map((change) => element(change)?.closest("[role=status]")));
          for (const place of places) if (place?.textContent) heard.push(place.textContent);
        }).observe(document, { subtree: true, childList: true, characterData: true });"""
    script = "Page.addScriptToEvaluateOnNewDocument"
    added = reader.command(script, source=watch)
    yield lambda: reader.run("return heard.splice(0)")
    reader.command("Page.removeScriptToEvaluateOnNewDocument", **added)


def test_messages_of_a_lesson_are_announced_once(announced, learner):
    learner.open(one := lesson(5))
    learner.write(one.solution)
    announced()
    verdict = learner.check()
    heard = announced()
    assert heard.count("Checking.") == heard.count(verdict) == 1
    assert len(heard) <= 6, heard  # loading, checking, drawing
    changed, refused = "Your code has changed since this check.", "Not stored"
    learner.reader.run("document.querySelector('.cm-content').focus()")
    learner.reader.press("a", "b")
    assert announced() == [changed]
    learner.reader.run("Storage.prototype.setItem = () => { throw new Error() }")
    learner.reader.press("c", "d")
    (heard,) = announced()
    assert heard.startswith(refused)


def test_download_of_the_course_is_announced_at_its_beginning_and_end(announced, learner):
    learner.reader.visit("course.html")
    learner.wait(lambda: learner.reader.all(".course-home button"))
    learner.reader.run(  # as if all files had been in the cache
        "Object.defineProperty(navigator.serviceWorker, 'controller', { value: {} });"
        "caches.open = async () => ({ match: async () => true })"
    )
    announced()
    learner.press("Make this course available offline")
    learner.wait(lambda: "is available offline" in learner.reader.text(".course-home"))
    started, ended = announced()
    assert started == "Downloading the course."
    assert ended.startswith("The course is available offline")


@pytest.mark.parametrize(
    ("words", "message"),
    [("tanh", "Search finished, found "), ("qqqq", "Your search did not match any")],
)
def test_number_of_results_is_announced(announced, reader, words, message):
    reader.visit(f"search.html?q={words}")
    reader.wait(lambda: message in reader.text("#search-results"))
    (heard,) = announced()
    assert heard.startswith(message)
