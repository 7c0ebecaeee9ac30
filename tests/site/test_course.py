"""The course in the pages: the same verdicts as on the command line, from text to pass in a browser."""

import os
import re
import subprocess
import sys

import pytest

from minigrad.course.checking import quiz
from minigrad.course.checking.lesson import Lesson
from minigrad.course.checking.registry import (
    FOLDER,
    VARIABLE,
    lesson,
    lessons,
    milestones,
)


def without_data(page):
    """The text of a page's HTML, without its scripts and the data of its lesson."""
    data = r'<(script|style|template).*?</\1>|<div class="lesson" .*?</div>|<.*?>'
    return " ".join(re.sub(data, "", page, flags=re.DOTALL).split())


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_lesson_page_shows_buttons_and_folds_the_answer(python, site, one):
    page = (site / f"lessons/{one.name}.html").read_text(encoding="utf-8")
    text = without_data(page)
    assert "minigrad course" not in text and "pages/lesson" not in text
    assert "python lesson" not in text and "Open lesson" not in text
    for heading in ("What to notice afterwards", "The page of a correct solution"):
        before = page[: page.index(f"<h2>{heading}")]
        assert before.rpartition("<details")[2].startswith(' class="after-pass">')


# --- In the browser


class Learner:
    """What a person at a lesson's page would do and see."""

    def __init__(self, reader):
        self.reader, self.run, self.wait = reader, reader.run, reader.wait

    def open(self, one, width=1280):
        self.reader.visit(f"{one.kind.lower()}s/{one.name}.html", width)
        self.wait(lambda: self.reader.all(".cm-content"))

    def write(self, code):
        """Replace the whole file, as if it were pasted. A slow page may need more than one attempt,
        because the editor must have seen what is selected.
        """
        paste = (
            "const [code, done] = arguments; const data = new DataTransfer();"
            "const area = document.querySelector('.cm-content'); area.focus();"
            "document.execCommand('selectAll'); data.setData('text/plain', code);"
            "const paste = {clipboardData: data, bubbles: true, cancelable: true};"
            "setTimeout(() => done(area.dispatchEvent(new ClipboardEvent('paste', paste))), 50)"
        )

        def pasted():
            self.reader.driver.execute_async_script(paste, code)
            return self.stored == code

        self.wait(pasted)

    @property
    def stored(self):
        name = self.reader.text(".lesson-file").split()[0]
        return self.run("return localStorage.getItem('minigrad/' + arguments[0])", name)

    def press(self, label):
        self.run(
            "[...document.querySelectorAll('.lesson button, .course-home button')]"
            ".find((one) => one.textContent === arguments[0]).click()",
            label,
        )

    def check(self):
        self.press("Check")
        self.wait(lambda: not self.reader.all(".lesson-cell.cell-busy"))
        return self.reader.text(".lesson-verdict")

    def drawn(self):
        """The number of graphs below the verdict."""
        return len(self.reader.all(".lesson-graph iframe"))

    def folded(self):
        return not self.reader.all("details.after-pass[open]")


@pytest.fixture
def learner(python, reader):
    """Somebody who has never opened the course."""
    reader.visit("course.html")
    reader.run("localStorage.clear()")
    return Learner(reader)


def test_lesson_is_taken_in_its_page(learner):
    one = lesson(5)
    learner.open(one)
    assert "not written yet" in learner.check()
    assert learner.folded()
    right = one.read("solution.py")
    learner.write(right.replace("dz.sum(axis=0)", "2 * dz.sum(axis=0)"))
    assert "unbroadcast" in learner.check()
    assert learner.reader.text(".cm-wrong") == "def unbroadcast(dz, shape):"
    shown = "return document.querySelector('.lesson-graph iframe').srcdoc.length"
    assert learner.run(shown) > 10_000
    learner.write(right)
    assert "passed. All" in learner.check()
    assert not learner.folded()
    learner.open(one)  # again: everything is still there
    assert learner.stored == right
    assert not learner.folded()
    learner.reader.visit("course.html")
    learner.wait(lambda: "✓ passed" in learner.reader.text("body"))
    assert learner.reader.problems() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_questions_about_own_code_are_answered_by_keyboard(learner, width):
    one = lesson(5)
    learner.open(one, width)
    learner.write(one.solution)
    learner.check()
    learner.press("Questions about your code")
    learner.wait(lambda: learner.reader.all(".lesson-own fieldset"))
    learner.wait(lambda: not learner.reader.all(".lesson-cell.cell-busy"))
    forms = learner.reader.all(".lesson-own form")
    assert len(forms) >= 3
    for form in forms:
        first = form.find_elements("css selector", "input")[0]
        # in a browser, the space bar chooses a radio button and Enter submits
        first.send_keys("-77" if first.get_attribute("type") == "text" else " ")
        first.send_keys("\n")
        assert form.find_element("css selector", "[role=status]").text[0] in "✓✗"
    stored = "return JSON.parse(localStorage.getItem('minigrad/progress.json'))"
    tries = learner.run(stored)[one.name]["explained"]["first"]
    assert list(tries) == [str(place) for place in range(len(forms))]
    learner.run("document.querySelector('.lesson-own').scrollIntoView()")
    assert learner.run("return document.body.scrollWidth <= window.innerWidth")
    assert learner.reader.problems() == []


@pytest.mark.parametrize("width", [1280, 390])
def test_lesson_opens_at_its_top_and_its_editor_at_the_task(learner, width):
    drawn = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[0], 50)))"
    task = (
        "const box = (one) => document.querySelector(one)?.getBoundingClientRect();"
        "const line = box('.lesson-editor .cm-activeLineGutter'), editor = box('.cm-scroller');"
        "return line && editor.top <= line.top && line.bottom <= editor.bottom"
    )
    for one in (*lessons(), *milestones()):
        learner.open(one, width)
        learner.reader.driver.execute_async_script(drawn)
        assert learner.run("return window.scrollY") == 0, one.name
        learner.wait(lambda: learner.run(task))


@pytest.mark.parametrize("width", [1280, 390])
def test_verdict_fits_its_box_and_survives_a_reload(learner, width):
    one = lesson(5)
    learner.open(one, width)
    right = one.read("solution.py")
    learner.write(right.replace("dz.sum(axis=0)", "2 * dz.sum(axis=0)"))
    verdict = learner.check()
    assert "gives a wrong answer" in verdict
    rows = (
        "const box = document.querySelector('.lesson-verdict'), style = getComputedStyle(box);"
        "const inside = box.clientHeight - 2 * parseFloat(style.paddingTop);"
        "return Math.round(inside / parseFloat(style.lineHeight))"
    )
    assert learner.run(rows) == len(verdict.splitlines())
    learner.open(one, width)
    assert learner.reader.text(".lesson-verdict") == verdict
    assert learner.reader.text(".cm-wrong") == "def unbroadcast(dz, shape):"
    assert learner.run("return window.scrollY") == 0
    learner.write(right)
    learner.open(one, width)
    assert "has changed since" in learner.reader.text(".lesson")
    assert not learner.reader.all(".cm-wrong")


def test_pages_know_where_the_learner_stopped(learner):
    def marks():
        links = "[...document.querySelectorAll('.sidebar-tree a')]"
        told = f"return {links}.filter((a) => a.querySelector('.lesson-mark')).map((a) => "
        return learner.run(f"{told}a.firstChild.data + a.lastChild.getAttribute('aria-label'))")

    def offered():
        learner.reader.visit("course.html")
        return learner.wait(lambda: learner.reader.text(".button.begin"))

    assert offered() == "Start with lesson 1, By hand"
    one = lesson(5)
    learner.open(one)
    learner.write(one.read("solution.py"))
    learner.check()
    # its functions were carried over to lesson 7, which was not begun by this
    assert marks() == ["Lesson 5: Shapes(passed)"]
    assert offered() == "Continue with lesson 6, The checker"
    for number in 19, 2:
        learner.open(lesson(number))
        learner.write("begun = True")
    assert offered() == "Continue with lesson 2, Slopes"
    assert marks() == [
        "Lesson 2: Slopes(begun)",
        "Lesson 5: Shapes(passed)",
        "Lesson 19: A small GPT(begun)",
    ]
    learner.run("localStorage.removeItem('minigrad/last')")  # as after an import
    assert offered() == "Continue with lesson 6, The checker"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_ending_shows_the_learners_own_files(learner, width, scheme):
    learner.open(lesson(3))
    learner.write("mine = 'a < b'")
    learner.reader.visit("ending.html", width, scheme)
    (mine,) = learner.wait(lambda: learner.reader.all(".course-built details"))
    assert mine.text == f"{lesson(3).file} … begun"
    shown = "return document.querySelector('.course-built pre').textContent"
    assert learner.run(shown) == "mine = 'a < b'"
    learner.run("document.querySelector('.course-built details').open = true")
    others = learner.reader.all(".course-built span a")
    assert [other.text for other in others] == [
        f"Lesson {one.number}, {one.title}" for one in lessons() if one.number != 3
    ]
    assert learner.reader.violations() == []
    assert learner.reader.problems() == []


def test_worker_that_was_ended_does_not_end_the_next_one(learner):
    learner.open(lesson(1))
    there = learner.reader.driver.execute_async_script(
        """
        const [done] = arguments;
        import(new URL("../_static/cells/python.js", location.href)).then(async ({ python }) => {
          await python.load(() => {});
          const ended = python.worker;
          python.end();
          const loading = python.load(() => {});
          const error = new ErrorEvent("error", { message: "Uncaught NoGilError", cancelable: true });
          ended.dispatchEvent(error);
          await loading.then(() => done("loaded"), ({ message }) => done(message));
        });
        """
    )
    assert there == "loaded"


def test_own_lesson_is_taken_in_its_page(learner):
    one = Lesson(FOLDER / "template/lesson_21_slope")
    learner.open(one)
    assert "not written yet" in learner.check()
    learner.write("def slope(x):\n    return x * x\n")
    assert "expected" in learner.check()
    learner.write("def slope(x):\n    return x * x \n")
    assert "the value instead of the slope" in learner.check()
    learner.write("def slope(x):\n    return x + x\n")
    assert "Lesson 21, The slope of a square: passed." in learner.check()
    assert not learner.reader.all("iframe")
    learner.reader.visit("course.html")
    learner.wait(lambda: "✓ passed" in learner.reader.text("body"))
    learner.open(lesson(20))
    following = learner.run("return document.querySelector('.lesson-next').innerHTML")
    assert "lesson 21, The slope of a square" in following
    learner.open(one)
    following = learner.run("return document.querySelector('.lesson-next').innerHTML")
    assert 'href="../ending.html"' in following
    assert learner.reader.problems() == []


@pytest.mark.parametrize(
    ("name", "commands", "message"),
    [
        ("lesson_21_a", ["new"], "MG930"),
        ("my_lesson_21", ["new", "test"], "rename"),
        ("lesson_03_a", ["new", "test"], "rename"),
    ],
)
def test_own_lesson_needs_a_new_name_and_a_key(tmp_path, name, commands, message):
    for command in commands:
        words = ["-m", "minigrad", "course", command, tmp_path / name]
        subprocess.run([sys.executable, *words], check=True)
    code = "import sys; sys.path[:0] = ['docs/site']; import pages"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, VARIABLE: str(tmp_path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert message in done.stderr


def test_check_survives_a_file_that_damages_python(learner):
    one = lesson(1)
    right = one.read("solution.py")
    learner.open(one)
    learner.write("import os\nos._exit(0)")
    assert "it ended the Python process" in learner.check()
    learner.write(f"import builtins, sys\nsys.modules.clear()\nbuiltins.len = None\n{right}")
    learner.check()
    learner.write(right)
    assert "passed. All" in learner.check()


def test_quiz_in_a_page_is_judged_as_on_the_command_line(learner):
    questions = [question for one in lessons() for question in quiz.read(one)]
    numbers = "0 1 2,0 1e-5 -0.25 0.00012345 12345 6. x".split()
    tried = ["a B c. d 0 x".split() if question["choices"] else numbers for question in questions]
    there = learner.reader.driver.execute_async_script(
        "const [questions, tried, done] = arguments; import('./_static/cells/quiz.js').then((quiz) =>"
        "done(questions.map((one, i) => tried[i].map((text) => quiz.answer(one, text)))))",
        questions,
        tried,
    )
    for question, texts, found in zip(questions, tried, there, strict=True):
        assert found == [[*quiz.answer(question, text)] for text in texts]


def test_editor_takes_every_key_and_keeps_changed_cells(learner):
    one = lesson(1)
    learner.open(one)
    learner.write("x")
    learner.reader.press(*" /b?'=.[")
    learner.wait(lambda: learner.stored == "x /b?'=.[")
    cells = len(learner.reader.all(".cell-bar"))
    learner.run(
        "const area = document.querySelector('.cell textarea'); area.value = 'changed';"
        "area.dispatchEvent(new Event('input'))"
    )
    learner.open(one)
    area, *_ = learner.reader.all(".cell textarea")
    assert area.get_property("value") == "changed"
    for selector in (".cell-bar", ".cell"):
        assert len(learner.reader.all(selector)) == cells
    assert learner.reader.problems() == []
