"""Every lesson is as it must be: stub, solution, slips, hints, text, question, page."""

from __future__ import annotations

import json
import sys
import warnings
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from minigrad.course.checking import child, feedback, quiz, wall
from minigrad.course.checking.grade import grade, judge
from minigrad.course.checking.registry import lessons
from minigrad.course.checking.sandbox import collected, draw_page
from tests.run_page import run_page

ROOT = Path(__file__).resolve().parents[4]
LESSONS = lessons()
assert [one.number for one in LESSONS] == sorted(one.number for one in LESSONS)
SLIPS = [(one, slip) for one in LESSONS for slip in one.slips]
RIGHT = [
    (one, *right) for one in LESSONS for right in one._module("right").RIGHT.items()
]
each_lesson = pytest.mark.parametrize("one", LESSONS, ids=lambda one: one.name)


def graded(one, text):
    return grade(one, Path("course") / one.file, text)


def graded_here(one, text):
    """The verdict on a file that this process asks itself what the child would ask it: several
    times as fast.
    """

    def asked(text, only=None):
        lines: list[dict[str, Any]] = []
        source, before = Path("course") / one.file, sys.gettrace()
        variables = (
            child.watch(one.questions[only[0]].function, source) if only else None
        )
        with warnings.catch_warnings(action="ignore"):  # which a child would only print
            child.run(one, source, text, lines.append, only, variables)
        sys.settrace(before)
        del sys.modules[one.name]
        return collected(json.loads(json.dumps([*lines, {"done": True}])))

    return judge(one, text, asked(text), asked)


def with_code(one, code):
    """The solution, with code that replaces part of it."""
    return f"{one.read('solution.py')}\n\n{code}\n"


def said(verdict, tries):
    return " ".join(" ".join(feedback.lines(verdict, tries)).split())


@cache
def train_with_solution(train, one, **options):
    return train(one.solved, **options)


@pytest.fixture
def trained_once(one, monkeypatch):
    """Lessons 19 and 20 train a network, once the functions that it needs agree with the engine's.
    Here one is trained, with the solution's, for all slips in the others.
    """
    if one.number in (19, 20):
        trained = one._module("trained")
        once = partial(train_with_solution, trained.train, one)
        monkeypatch.setattr(trained, "train", lambda file, **options: once(**options))


@each_lesson
def test_the_stub_gets_no_points(one):
    verdict = graded(one, one.read("exercise.py"))
    assert (verdict.passed, verdict.right) == (False, 0)
    assert "is not written yet" in said(verdict, 1)
    assert verdict.output == "", "it does something when it is imported"


@each_lesson
def test_the_solution_passes(one):
    verdict = grade(
        one, Path("course") / one.file, one.read("solution.py"), wall.find()
    )
    assert verdict.passed, said(verdict, 3)
    assert verdict.right + verdict.stretch[0] == len(one.questions) > 0


@pytest.mark.parametrize(
    ("one", "slip"), SLIPS, ids=[f"{one.number}: {slip.name}" for one, slip in SLIPS]
)
@pytest.mark.usefixtures("trained_once")
def test_each_slip_is_rejected_and_named_on_the_ladder(one, slip):
    judged = (
        graded if slip is one.slips[0] else graded_here
    )  # one of each lesson as a learner's is
    verdict = judged(one, with_code(one, slip.code))
    beyond = verdict.stretch[1]
    if (
        beyond is not None
    ):  # a mistake in a stretch task is explained as on the second try
        assert verdict.passed and " ".join(str(slip).split()) in said(verdict, 1)
        return
    assert not verdict.passed
    ladder = [said(verdict, tries) for tries in (1, 2, 3)]
    formula = slip.formula or verdict.problem.question.formula
    parts = [" ".join(text.split()) for text in (str(slip), slip.kind, formula)]
    told = [[part in text for part in parts] for text in ladder]
    assert told == [[False, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("one", "name", "code"),
    RIGHT,
    ids=[f"{one.number}: {name}" for one, name, _ in RIGHT],
)
def test_right_answers_in_other_ways_pass(one, name, code):
    verdict = graded_here(one, with_code(one, code))
    assert verdict.passed, said(verdict, 3)


@each_lesson
def test_there_are_hints(one):
    assert len(one.hints) >= 3 and all(one.hints)


@each_lesson
def test_the_text_runs_and_prints_what_it_shows(one, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert one.text.startswith(f"# Lesson {one.number}: ")
    assert run_page(one.folder / "text.md") == []


@each_lesson
def test_questions_are_sealed_and_have_sentences(one):
    for question in quiz.read(one):
        # a sentence for the right answer, and for a well-known wrong one
        assert len(question["sentences"]) >= 2
        results = [quiz.answer(question, choice) for choice in question["choices"]]
        assert (
            not results or len(results) >= 3 and sum(right for right, _ in results) == 1
        )
        assert not any(
            sentence and sentence in one.read("quiz.json") for _, sentence in results
        )


@each_lesson
@pytest.mark.usefixtures("trained_once")
def test_pages_are_drawn_from_the_learners_own_functions(one, tmp_path):
    target = tmp_path / "page.html"

    def drawn(text, failed=""):
        return draw_page(one, Path("course") / one.file, text, failed, target, {})

    def drawn_with(slip):
        text = with_code(one, slip.code)
        problem = graded_here(one, text).problem
        return problem and problem.kind == "wrong" and drawn(text, problem.function)

    assert drawn(one.read("solution.py")), "no page after a pass"
    assert any(map(drawn_with, one.slips[:4])), "no page after a wrong answer"
    assert "</html>" in target.read_text(encoding="utf-8")


@each_lesson
def test_the_page_is_the_one_that_the_text_makes(one, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    make_course = pytest.importorskip("make_course")
    assert make_course.page(one) == one.read("page.html"), (
        "run: python docs/make_course.py"
    )
