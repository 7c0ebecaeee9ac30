"""What a verdict says: the more, the oftener a function is tried; and errors of a learner's file as
its own.
"""

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from minigrad.course.checking import feedback, sandbox
from minigrad.course.checking.grade import Problem, Verdict
from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson, lessons

from .test_lesson import graded, graded_here, with_code

SOLUTION = lesson(1).read("solution.py")


def said(code, tries=1, number=1, judged=graded_here):
    one = lesson(number)
    return "\n".join(feedback.lines(judged(one, with_code(one, code)), tries))


def test_the_ladder_climbs_with_each_try(course):
    slip = lesson(1).slips[0]
    tries = []
    for number in range(4):
        Path(lesson(1).file).write_text(f"{SOLUTION}\n{slip.code}\n# {number}")
        tries.append(" ".join(course("check", "1")[1].split()))
    assert [slip.name in text for text in tries] == [False, True, True, True]
    assert ["The formula: " in text for text in tries] == [False, False, True, True]
    assert ["minigrad course solution 1" in text for text in tries] == [
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("code", "tells"),
    [
        ("dy_ds = (", "SyntaxError: '(' was never closed"),
        ("import nunpy", "ModuleNotFoundError: No module named 'nunpy'"),
        ("x = 1\nx / 0", "x / 0"),
        ("while True: pass", "it took longer than 1 s"),
        ("del dy_dm", "There is no dy_dm in lesson_01_by_hand.py. Did you rename it?"),
        ("dy_ds = lambda: 1", "dy_ds"),
        ("dy_ds = None", "dy_ds is not written yet"),
        ("dy_ds = 'x' * (2 << 20)", "did not answer: its answers take more than 1 MB"),
    ],
)
def test_errors_of_the_learners_code_are_shown_as_theirs(code, tells, monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 1.0)
    text = said(code, judged=graded)
    assert tells in " ".join(text.split()) and "passed" not in text
    assert "Traceback" not in text and "child.py" not in text


def test_what_is_said_of_an_answer_is_short_however_long_the_answer():
    text = said("dy_ds = '-' * 900_000")
    assert "write a number such as 0.25" in " ".join(text.split()) and len(text) < 2000


@pytest.mark.parametrize(
    ("code", "tells"),
    [
        ("def rnn_backward(*_): return {'dW': 1}", "keys dW"),
        ("def rnn_backward(*_): return 1, 2", "a list of 2"),
        ("def rnn_backward(*_): pass", "does the function return its result?"),
    ],
)
def test_an_answer_of_another_form_is_described(code, tells):
    text = " ".join(said(code, 2, 13).split())
    assert tells in text and "by hand" not in text, (
        "something general after something specific"
    )


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_lines_fit_the_terminal(one):
    for slip in one.slips[:3]:
        text = said(slip.code, 3, one.number)
        assert max(map(len, text.splitlines())) <= 80, text


@pytest.mark.parametrize("one", lessons(), ids=lambda one: one.name)
def test_all_pasted_lines_are_python_and_fit(one):
    for number, question in enumerate(one.questions, 1):
        names = dict.fromkeys(question.given(one.solved), "")
        for kind, first in (("wrong", ""), ("changed", ""), ("wrong", "h_1")):
            problem = Problem(
                kind, "f", None, question, number, "x", first=first, inputs=names
            )
            pasted = feedback.packed(feedback.to_paste(problem, one), "; ", 80)
            ast.parse(textwrap.dedent("\n".join(pasted)))
            assert max(map(len, pasted)) <= 80


@pytest.mark.parametrize(
    "number", [one.number for one in lessons() if one.number % 3 == 1]
)
def test_the_pasted_lines_show_the_failure_again(number, tmp_path):
    one = lesson(number)
    code = f"{one.read('solution.py')}\n{one.slips[0].code}\n"
    (tmp_path / one.file).write_text(code)
    text = said(one.slips[0].code, 1, number)
    pasted = textwrap.dedent(text.partition("and paste:\n")[2].partition("\n  mini")[0])
    yours = re.search(r"^    yours\S*(?: \S+)?\s\s+(\S+)", text, re.M)
    shown = subprocess.run(
        [sys.executable, "-c", pasted],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert yours is None or yours[1][:4] in shown.stdout, (text, shown.stdout)


def test_checks_without_an_answer_are_counted_apart():
    one = lesson(1)
    verdict = Verdict(
        one,
        2,
        Problem("stopped", "f", question=one.questions[2]),
        unanswered=one.asked - 3,
    )
    head = feedback.lines(verdict, 1)[0]
    assert f"2 of 3 checks are right; {one.asked - 3} have no answer." in head


def test_a_stretch_task_that_is_not_written_is_no_failure():
    one = lesson(18)
    names = [question.function for question in one.questions if question.stretch]
    first = names[0]
    verdict = graded_here(one, f"{one.read('solution.py')}\ndel {first}")
    told = "\n".join(feedback.lines(verdict, 0))
    count = len(names) - names.count(first)
    assert f"Stretch tasks: {count} of {count} checks are right." in told
    assert f"{first} is not written." in told and one.check.PASSED in told


def test_a_name_that_the_description_repeats_is_told_once():
    assert str(
        Slip("only the last value returned", "", "Only the last value is returned.")
    ) == ("Only the last value is returned.")
    assert str(Slip("a sign", "", "The sign is wrong.")) == "The sign is wrong."
    assert str(Slip("indentation", "", "It is wrong.")) == "indentation. It is wrong."
