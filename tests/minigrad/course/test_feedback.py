"""What a verdict says: the more, the oftener a function is tried; and errors of a learner's file as
its own.
"""

from pathlib import Path

import pytest

from minigrad.course import feedback, sandbox
from minigrad.course.grade import grade
from minigrad.course.lesson import lesson

SOLUTION = lesson(1).read("solution.py")


def said(code, tries=1, number=1):
    one = lesson(number)
    verdict = grade(one, Path("course") / one.file, f"{one.read('solution.py')}\n{code}")
    return "\n".join(feedback.lines(verdict, tries))


def test_the_ladder_climbs_with_each_try(course):
    slip = lesson(1).slips[0]
    Path(lesson(1).file).write_text(f"{SOLUTION}\n{slip.code}")
    tries = [" ".join(course("check", "1")[1].split()) for _ in range(4)]
    assert [slip.name in text for text in tries] == [False, True, True, True]
    assert [" ".join(slip.formula.split()) in text for text in tries] == [False, False, True, True]
    assert ["minigrad course solution 1" in text for text in tries] == [False, False, False, True]


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
    text = said(code)
    assert tells in text and "passed" not in text
    assert "Traceback" not in text and "child.py" not in text


def test_what_is_said_of_an_answer_is_short_however_long_the_answer():
    text = said("dy_ds = '-' * 900_000")
    assert "write a number such as 0.25" in " ".join(text.split()) and len(text) < 2000


@pytest.mark.parametrize(
    ("number", "code", "tells"),
    [
        (10, "def rnn_backward(*_): return {'dW': 1}",
         "a dict with the keys W_hh, W_xh, b_h, h0, xs; the result is a dict with the keys dW"),
        (10, "def rnn_backward(*_): return 1, 2", "a dict with the keys W_hh, W_xh, b_h, h0, xs; "
                                                  "the result is not a dict"),
        (10, "def rnn_backward(*_): pass", "does the function return its result?"),
        (11, "right = clip\ndef clip(gs, n):\n    if abs(gs[0]).max() > 0.01: return right(gs, n)",
         "Does the function always return its result?"),
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_told_which_it_needs(number, code, tells):
    assert tells in " ".join(said(code, 2, number).split())
