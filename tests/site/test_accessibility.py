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
from .reader import TAB
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
    scroll, window = (
        reader.run(f"return {width.format(w)}") for w in ("scroll", "client")
    )
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
    learner.wait(lambda: reader.all(".lesson-solution:not([hidden])"))
    assert reader.violations() == []
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
    reader.run(
        "document.querySelectorAll('details').forEach((one) => (one.open = true))"
    )
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
