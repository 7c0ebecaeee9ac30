"""Lessons: the stub, solution, slips, right answers, hints, text, quiz and page of each."""

import importlib
import json
import re
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from minigrad.course.checking import child, feedback, quiz, wall
from minigrad.course.checking.grade import grade, judge
from minigrad.course.checking.registry import lessons
from minigrad.course.checking.sandbox import collected, draw_page
from tests.needs import package
from tests.run_page import run_page

ROOT = Path(__file__).resolve().parents[4]
each_lesson = pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)


def right_answers(one):
    """Right answers in other ways, by name."""
    module = f"minigrad.course.lessons.{one.name}.right"
    return importlib.import_module(module).RIGHT


def graded(one, text, *wall):
    return grade(one, Path("course") / one.file, text, *wall)


def graded_here(one, text):
    """The verdict on a file that this process asks itself what the child would ask it: several
    times as fast.
    """

    def asked(text, only=None):
        lines: list[Any] = []
        source, tracing = Path("course") / one.file, sys.gettrace()
        variables = None
        if only:
            variables = child.watch(one.questions[only[0]].function, source)
        with warnings.catch_warnings(action="ignore"):  # which a child would only print
            child.run(one, source, text, lines.append, only, variables)
        sys.settrace(tracing)
        del sys.modules[one.name]
        return collected(json.loads(json.dumps([*lines, {"done": True}])))

    return judge(one, text, asked(text), asked)


def with_code(one, code):
    """The solution, with code that replaces part of it."""
    return f"{one.solution}\n\n{code}\n"


def said(verdict, tries, **options):
    return " ".join(" ".join(feedback.lines(verdict, tries, **options)).split())


@cache
def call_once(train, *arguments, **options):
    return train(*arguments, **options)


@pytest.fixture
def trained_once(one, monkeypatch):
    """Lessons 18 to 20 train networks, once the functions that they need agree with the engine's.
    Here they are trained once, with the solution's functions, for all answers.
    """
    if one.number >= 18:
        right = one.solved.multi_head if one.number == 18 else one.solved
        trained = one._module("trained")
        train = trained.train
        monkeypatch.setattr(
            trained,
            "train",
            lambda _, *task, **options: call_once(train, right, *task, **options),
        )


@each_lesson
def test_exercise_gets_no_points(one):
    verdict = graded(one, one.exercise)
    assert (verdict.passed, verdict.right) == (False, 0)
    assert "is not written yet" in said(verdict, 1)
    assert verdict.output == ""


@each_lesson
def test_solution_passes_with_the_answers_of_the_key(one):
    verdict = graded(one, one.solution, wall.find())
    assert verdict.passed, said(verdict, 3)
    assert verdict.right + verdict.stretch[0] == len(one.questions) > 0


@pytest.mark.parametrize(
    ("one", "slip"),
    [
        pytest.param(one, slip, id=f"{one.number}: {slip.name}")
        for one in lessons()
        for slip in one.slips
    ],
)
@pytest.mark.usefixtures("trained_once")
def test_slip_is_rejected_and_named_on_the_ladder(one, slip):
    # one of each lesson as a learner's is
    judged = graded if slip is one.slips[0] else graded_here
    verdict = judged(one, with_code(one, slip.code))
    assert max(map(len, feedback.lines(verdict, 3))) <= 80
    name = " ".join(str(slip).split())
    if verdict.stretch[1] is not None:
        # a mistake in a stretch task is explained as on the second try
        assert verdict.passed
        assert name in said(verdict, 1)
        return
    assert not verdict.passed
    formula = slip.formula or verdict.problem.question.formula
    parts = [
        name,
        *(" ".join(text.split()) for text in (slip.kind, formula)),
    ]
    told = [[part in said(verdict, tries) for part in parts] for tries in (1, 2, 3)]
    assert told == [
        [False, False, False],
        [True, True, False],
        [True, True, True],
    ]


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(one, code, id=f"{one.number}: {name}")
        for one in lessons()
        for name, code in right_answers(one).items()
    ],
)
@pytest.mark.usefixtures("trained_once")
def test_right_answers_pass(one, code):
    verdict = graded_here(one, with_code(one, code))
    assert verdict.passed, said(verdict, 3)


@each_lesson
def test_hints_are_at_least_three(one):
    assert len(one.hints) >= 3
    assert all(one.hints)


@each_lesson
def test_text_runs_and_prints_the_numbers_that_it_shows(one, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert one.text.startswith(f"# Lesson {one.number}: ")
    assert run_page(one.folder / "text.md") == []


@each_lesson
def test_quiz_has_one_right_choice_and_sealed_sentences(one):
    for question in quiz.read(one):
        # a sentence for the right answer, and for a well-known wrong one
        assert len(question["sentences"]) >= 2
        if not question["choices"]:
            continue
        results = [quiz.answer(question, choice) for choice in question["choices"]]
        right, sentences = zip(*results, strict=True)
        assert len(right) >= 3
        assert sum(right) == 1
        for sentence in filter(None, sentences):
            assert sentence not in one.read("quiz.json")


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_drawing_of_characters_is_described_in_words(one):
    text = re.sub(r"^```\w+\n.*?^```$", "", one.text, flags=re.M | re.S)
    blocks = r"(-->)?\n+(?:```\n(.*?)^```$|((?:    [^\n]*\n)+))"
    for described, fenced, indented in re.findall(blocks, text, re.M | re.S):
        drawn = re.search("[│┌└┐▼►◄]|──>", fenced + indented)
        assert described or not drawn, fenced + indented


@each_lesson
@pytest.mark.usefixtures("trained_once")
def test_page_is_drawn_from_the_learners_own_functions(one, tmp_path):
    target = tmp_path / "page.html"

    def drawn(text, failed=""):
        return draw_page(one, Path("course") / one.file, text, failed, target, {})

    def drawn_with(slip):
        text = with_code(one, slip.code)
        problem = graded_here(one, text).problem
        return problem and problem.kind == "wrong" and drawn(text, problem.function)

    assert drawn(one.solution)
    assert any(map(drawn_with, one.slips[:4]))
    assert "</html>" in target.read_text("utf-8")


@each_lesson
def test_page_is_the_one_that_make_course_writes(one, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    package("markdown_it")
    make_course = importlib.import_module("make_course")
    made = make_course.page(one)
    assert made == one.read("page.html"), "run: python docs/make_course.py"
