"""The milestones in the pages: the learner's own engine is made, kept, blamed, and trains networks."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from minigrad.course.checking import feedback
from minigrad.course.checking.grade import grade
from minigrad.course.checking.lesson import ENGINE, ENGINE_LESSON
from minigrad.course.checking.registry import lesson, milestone, milestones

from .reader import ENTER
from .test_course import learner as learner
from .test_course import without_data

RIGHT = ENGINE_LESSON.solution
WRONG = RIGHT.replace("dz * (1 - z * z)", "dz * (1 - z)")
LIST = "milestones.html"


def stored(learner, name):
    return learner.run("return localStorage.getItem('minigrad/' + arguments[0])", name)


def store(learner, **texts):
    for name, text in texts.items():
        code = "localStorage.setItem('minigrad/' + arguments[0], arguments[1])"
        learner.run(code, name.replace("__", "."), text)


def state(learner, one):
    """What the list of the milestones says of one."""
    learner.reader.visit(LIST)
    selector = f"article a[href$='{one.name}.html'] + .milestone-state"
    return learner.wait(lambda: learner.reader.text(selector))


def words(text):
    """A text without its line breaks, which depend on the width."""
    return " ".join(text.split())


@pytest.mark.parametrize("one", milestones(), ids=lambda one: one.word)
def test_milestone_page_speaks_of_buttons_and_of_time(python, site, one):
    page = (site / f"milestones/{one.name}.html").read_text("utf-8")
    text = without_data(page)
    assert "minigrad course" not in text and "pages/" not in text
    assert re.search(r"the training takes (a|about \d+) seconds?", page)
    # in the list of pages, in the text, and when the lesson is passed
    lesson_page = (site / f"lessons/{lesson(one.number).name}.html").read_text("utf-8")
    assert lesson_page.count(f'href="../milestones/{one.name}.html"') == 3


def test_engine_trains_in_the_page_and_the_list_shows_it(learner):
    xor, spiral = milestone("xor"), milestone("spiral")
    assert state(learner, xor) == "not done"
    learner.open(xor)
    learner.check()
    assert f"There is no {ENGINE} yet" in learner.reader.text(".cell-status")
    learner.run("document.querySelector('.engine-offer button').focus()")
    learner.reader.press(ENTER)
    learner.wait(lambda: stored(learner, ENGINE) == RIGHT)
    # the button is gone, and the focus is where it was
    learner.wait(lambda: learner.reader.focused() == f"See and change {ENGINE}")
    verdict = learner.check()
    assert "passed. All 2 checks are right." in verdict and "Loss 0.656 ->" in verdict

    learner.open(spiral)
    learner.write(f"{spiral.solution}\n{spiral.slips[0].code}\n")
    assert "cross_entropy" in learner.check()
    learner.write(f"{spiral.solution}\n{spiral.slips[0].code}\n\n")
    assert words(str(spiral.slips[0])) in words(learner.check())
    assert not learner.reader.all(".milestone-picture")
    learner.write(spiral.solution)
    assert "passed. All" in learner.check()
    learner.open(spiral)  # again: the picture is still there
    inside = "return document.querySelector('.milestone-picture').contentDocument.body"
    learner.wait(lambda: "The loss" in learner.run(f"{inside}.textContent"))
    height = learner.run(f"{inside}.parentElement.scrollHeight")
    (frame,) = learner.reader.all(".milestone-picture")
    assert abs(frame.size["height"] - height) < 4
    assert learner.reader.violations() == []

    assert state(learner, xor).startswith("✓ done: loss 0.0000073 in ")
    assert state(learner, spiral).startswith("✓ done: loss 0.0045 in ")
    # it contains the learner's cross_entropy now, but was not begun by this
    assert "This is your own version" in stored(learner, "milestone_12_words.py")
    assert state(learner, milestone("words")) == "not done"
    progress = json.loads(stored(learner, "progress.json"))
    assert {*progress} == {xor.name, spiral.name}
    assert stored(learner, "last") is None
    assert learner.reader.violations() == []
    assert learner.reader.problems() == []


def test_wrong_engine_is_blamed_as_on_the_command_line(learner):
    xor = milestone("xor")
    store(learner, my_engine__py=RIGHT)
    learner.reader.visit(LIST)
    learner.wait(lambda: learner.reader.all(".cm-content"))
    learner.write(WRONG)
    learner.open(xor)
    there = learner.check()
    verdict = grade(xor, Path(xor.file), xor.exercise, modules={ENGINE: WRONG})
    engine = grade(ENGINE_LESSON, Path(ENGINE), WRONG)
    told = feedback.lines(verdict, 1, page=True) + feedback.about_engine(engine, 80)
    assert words(there) == words("\n".join(told))
    assert f"The mistake is in {ENGINE}" in words(there)
    links = learner.run("return [...document.links].map((one) => one.textContent)")
    assert f"See and change {ENGINE}" in links
    assert learner.reader.problems() == []


def test_lesson_7_leaves_an_engine_that_can_be_changed_and_restored(learner):
    learner.open(ENGINE_LESSON)
    own = RIGHT + "\n# mine\n"
    learner.write(own)
    assert "passed. All" in learner.check()
    links = learner.run("return [...document.links].map((one) => one.textContent)")
    assert "milestone 7, XOR" in links
    learner.write(own + "# later\n")
    learner.reader.visit(LIST, width=390, scheme="dark")
    learner.wait(lambda: learner.reader.all(".cm-content"))
    assert stored(learner, ENGINE) == own
    learner.press("Copy lesson 7's file again")
    assert stored(learner, ENGINE) == own + "# later\n"
    learner.press("Undo")
    assert stored(learner, ENGINE) == own
    assert learner.run("return window.scrollY") == 0
    assert learner.reader.violations() == []
    assert learner.reader.problems() == []


def test_export_and_import_keep_the_engine_and_the_milestones(learner, tmp_path):
    one = milestone("spiral")
    entry = {"passed": "2026-01-01 12:00", "loss": 0.25, "seconds": 3.0, "told": "-"}
    files = {
        ENGINE: RIGHT,
        one.file: one.solution,
        "progress.json": json.dumps({one.name: entry}),
    }
    store(learner, **files)
    learner.reader.visit("course.html")
    learner.wait(lambda: "(1 done)" in learner.reader.text(".course-home"))
    behavior = {"behavior": "allow", "downloadPath": str(tmp_path)}
    learner.reader.command("Browser.setDownloadBehavior", **behavior)
    learner.press("Export")
    path = tmp_path / "my-course.zip"
    learner.wait(path.exists)
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as found:
        assert {name: found.read(name).decode() for name in found.namelist()} == files
    learner.run("localStorage.clear()")
    (picker,) = learner.reader.all(".course-home input")
    learner.run("arguments[0].hidden = false", picker)
    picker.send_keys(str(path))
    learner.wait(lambda: "Imported 2 files" in learner.reader.text(".course-home"))
    assert [stored(learner, name) for name in (ENGINE, one.file)] == [
        RIGHT,
        one.solution,
    ]
    assert state(learner, one) == "✓ done: loss 0.25 in 3.0 s"
