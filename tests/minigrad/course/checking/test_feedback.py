"""Feedback: errors are told as the learner's own, briefly, with lines to paste."""

import ast
import re
import subprocess
import sys
import textwrap

import pytest

from minigrad.course.checking import feedback, sandbox
from minigrad.course.checking.grade import Problem, Verdict
from minigrad.course.checking.lesson import Slip
from minigrad.course.checking.registry import lesson, lessons

from .test_grade import stopped
from .test_lesson import each_lesson, graded, graded_here, said, with_code

ONE = lesson(1)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("dy_ds = (", "SyntaxError: '(' was never closed"),
        ("import nunpy", "ModuleNotFoundError: No module named 'nunpy'"),
        ("x = 1\nx / 0", "x / 0"),
        ("while True: pass", "it took longer than 0.5 s"),
        ("del dy_dm", "There is no dy_dm in lesson_01_by_hand.py. Did you rename it?"),
        ("dy_ds = lambda: 1", "dy_ds"),
        ("dy_ds = None", "dy_ds is not written yet"),
        ("dy_ds = 'x' * (2 << 20)", "did not answer: its answers take more than 1 MB"),
    ],
)
def test_lines_show_errors_as_the_learners(code, message, monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 0.5)
    monkeypatch.setattr(sandbox, "START", 2.0)
    text = said(graded(ONE, with_code(ONE, code)), 1)
    assert message in text
    for word in ("passed", "Traceback", "child.py"):
        assert word not in text


def test_lines_about_a_long_answer_are_short():
    text = said(graded_here(ONE, with_code(ONE, "dy_ds = '-' * 900_000")), 1)
    assert "write a number such as 0.25" in text
    assert len(text) < 2000


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def rnn_backward(*_): return {'dW': 1}", "keys dW"),
        ("def rnn_backward(*_): return 1, 2", "a list of 2"),
        ("def rnn_backward(*_): pass", "does the function return its result?"),
    ],
)
def test_lines_describe_an_answer_of_another_form(code, message):
    one = lesson(13)
    text = said(graded_here(one, with_code(one, code)), 2)
    assert message in text
    assert "by hand" not in text  # nothing general after something specific


@each_lesson
def test_to_paste_are_lines_of_python_that_fit(one):
    for number, question in enumerate(one.questions, 1):
        names = dict.fromkeys(question.given(one.solved), "")
        for kind, first in (("wrong", ""), ("changed", ""), ("wrong", "h_1")):
            problem = Problem(kind, "f", None, question, number, "x", first=first, inputs=names)
            pasted = feedback.packed(feedback.to_paste(problem, one), "; ", 80)
            ast.parse(textwrap.dedent("\n".join(pasted)))
            assert max(map(len, pasted)) <= 80


@pytest.mark.parametrize("number", range(1, len(lessons()) + 1, 3))
def test_pasted_lines_show_the_failure_again(number, tmp_path):
    one = lesson(number)
    code = with_code(one, one.slips[0].code)
    (tmp_path / one.file).write_text(code)
    text = "\n".join(feedback.lines(graded_here(one, code), 1))
    pasted = text.partition("and paste:\n")[2].partition("\n  mini")[0]
    shown = subprocess.check_output(
        [sys.executable, "-c", textwrap.dedent(pasted)], cwd=tmp_path, text=True
    )
    yours = re.search(r"^    yours\S*(?: \S+)?\s\s+(\S+)", text, re.M)
    if yours:
        assert yours[1][:4] in shown


def test_checks_without_an_answer_are_counted_apart():
    asked, missing = ONE.asked, ONE.asked - 3
    problem = Problem("stopped", "f", question=ONE.questions[2])
    verdict = Verdict(ONE, 2, problem, unanswered=missing)
    text = feedback.lines(verdict, 1)[0]
    assert f"2 of {asked} checks are right; {missing} have no answer." in text
    verdict = Verdict(ONE, 0, Problem("stopped"), unanswered=asked)
    text = feedback.lines(verdict, 1)[0]
    assert text.endswith(f": none of the {asked} checks has an answer.")


def test_unwritten_stretch_task_is_no_failure():
    one = lesson(18)
    names = [question.function for question in one.questions if question.stretch]
    text = said(graded_here(one, f"{one.solution}\ndel {names[0]}"), 0)
    count = len(names) - names.count(names[0])
    assert f"Stretch tasks: {count} of {count} checks are right." in text
    assert f"{names[0]} is not written." in text
    assert " ".join(one.check.PASSED.split()) in text


@pytest.mark.parametrize(
    ("name", "description", "text"),
    [
        (
            "only the last value returned",
            "Only the last value is returned.",
            "Only the last value is returned.",
        ),
        ("a sign", "The sign is wrong.", "The sign is wrong."),
        ("indentation", "It is wrong.", "indentation. It is wrong."),
    ],
)
def test_slip_tells_a_repeated_name_once(name, description, text):
    assert str(Slip(name, "", description)) == text


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("tries", [1, 4])
def test_late_training_is_not_called_an_endless_loop(tries, page):
    one = lesson(19)
    (number,) = (i for i, question in enumerate(one.questions) if question.training)
    verdict = stopped(one, number, sandbox.late(one.training))
    text = said(verdict, tries, page=page)
    assert f"{number} of {one.asked} checks are right; 1 has no answer." in text
    assert "write_cached" in text
    assert "did not answer: its training took longer than 120 s." in text
    assert "your functions need not be wrong" in text
    assert "loop" not in text


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize(
    ("ended", "tries", "slow"),
    [(sandbox.late(), 1, False), (sandbox.late(), 2, True), (sandbox.ENDED, 2, False)],
)
def test_late_answer_may_be_that_of_a_slow_computer(ended, tries, slow, page):
    text = said(stopped(lesson(5), 3, ended), tries, page=page)
    assert ended in text
    assert ("a computer that is slow or busy" in text) is slow


def test_second_lines_show_another_wrong_answer_if_no_mistake_is_known():
    one = lesson(5)
    code = "def unbroadcast(dz, shape):\n    return np.zeros(shape) + 7.25"
    verdict = graded_here(one, with_code(one, f"import numpy as np\n{code}"))
    first, second = (said(verdict, tries) for tries in (1, 2))
    assert "one column added" not in first
    assert "Another wrong answer: asked: the gradient" in second
    assert "one column added to three columns dz = (2, 3)" in second
    assert "hint 5 gives a hint" in second


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        (
            20,
            "right = kernel_gradient\n"
            "def kernel_gradient(*args): return np.stack([right(*args) / 2] * 2)",
            "Summed over axis 0, your answer would be right.",
        ),
        (
            18,
            "right = scores\ndef scores(q, k): return 1.75 * right(q, k)",
            "Every number is 1.75 times the right one.",
        ),
        (
            12,
            "right = rnn\ndef rnn(xs, *rest): return right(xs[:1], *rest)",
            "This is the right value of h_1.",
        ),
    ],
)
def test_second_lines_say_how_all_numbers_differ(number, code, told):
    one = lesson(number)
    verdict = graded_here(one, with_code(one, f"import numpy as np\n{code}"))
    assert told not in said(verdict, 1)
    assert told in said(verdict, 2)


def test_second_lines_say_how_an_input_was_changed():
    one = lesson(12)
    code = "def unroll(cell, xs, h0): return [h0 := cell(xs.pop(0), h0) for _ in range(len(xs))]"
    verdict = graded_here(one, with_code(one, code))
    told = "`xs.pop(0)` changes the input itself"
    assert told not in said(verdict, 1)
    assert told in said(verdict, 2)


def test_second_lines_propose_a_loop_for_a_deep_recursion():
    one = lesson(7)
    code = """class Value(Value):
    def order(self):
        found = []

        def visit(value):
            if value not in found:
                for source in value.inputs:
                    visit(source)
                found.append(value)

        visit(self)
        return found[::-1]"""
    verdict = graded_here(one, with_code(one, code))
    assert "RecursionError" in said(verdict, 1)
    assert "write a loop" not in said(verdict, 1)
    assert "write a loop" in said(verdict, 2)
