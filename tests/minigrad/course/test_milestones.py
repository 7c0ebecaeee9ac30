"""Milestones: the stub, solution, slips and right answers of each, finite differences, and the same
network by minigrad.
"""

import ast
import json
import re
import sys
import warnings
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking import child, feedback, key
from minigrad.course.checking.grade import grade, judge
from minigrad.course.checking.lesson import ENGINE
from minigrad.course.checking.registry import lesson, milestone, milestones
from minigrad.course.checking.sandbox import collected
from minigrad.course.workbook import READY
from optim import SGD, Adam

from .conftest import alike

each = pytest.mark.parametrize("one", milestones(), ids=lambda one: one.word)
SOURCE = Path("course")


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    """The solution's engine as my_engine, for files that this process runs."""
    monkeypatch.setitem(sys.modules, "my_engine", lesson(7).solved)


def asked(one, text, only=None, instead=None):
    """The outcomes of a file that this process asks all questions without a training."""
    questions = [i for i, question in enumerate(one.questions) if not question.training]
    lines = []
    with warnings.catch_warnings(action="ignore"):
        child.run(one, SOURCE / one.file, text, lines.append, only or questions)
    answers = [line for line in lines if "training" not in line and "way" not in line]
    return collected(json.loads(json.dumps([*answers, {"done": True}])))


def verdict_on(one, text):
    """The verdict on a file without its training, whose question is the last."""
    return judge(one, text, asked(one, text), lambda *others: asked(one, *others))


def said(verdict, tries):
    return " ".join(" ".join(feedback.lines(verdict, tries)).split())


@each
def test_exercise_is_not_written_yet(one):
    if one.word == "xor":  # which asks for no operation
        return
    verdict = verdict_on(one, one.exercise)
    assert (verdict.passed, verdict.right) == (False, 0)
    assert "is not written yet" in said(verdict, 1)


@each
def test_solution_trains_in_its_own_process(one):
    verdict = grade(one, SOURCE / one.file, one.solution, modules=one.engine)
    assert verdict.passed, said(verdict, 3)
    (found,) = verdict.trained
    assert found["loss"] < 0.7 * found["losses"][0]
    assert found["told"]
    assert found["seconds"] > 0


@pytest.mark.parametrize(
    ("one", "slip"),
    [
        pytest.param(one, slip, id=f"{one.word}: {slip.name}")
        for one in milestones()
        for slip in one.slips
    ],
)
def test_slip_is_rejected_and_named(one, slip):
    verdict = verdict_on(one, f"{one.solution}\n{slip.code}\n")
    assert verdict.problem.question is not None
    name = " ".join(str(slip).split())
    assert [name in said(verdict, tries) for tries in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize(
    ("one", "code"),
    [
        pytest.param(one, code, id=f"{one.word}: {name}")
        for one in milestones()
        if one.word != "xor"
        for name, code in one._module("right").RIGHT.items()
    ],
)
def test_right_answer_has_only_the_training_left(one, code):
    verdict = verdict_on(one, f"{one.solution}\n{code}\n")
    assert verdict.right == one.asked - 1, said(verdict, 3)
