"""Grading: which line is meant, and the order of explanations of a wrong answer."""

import sys

import pytest

from minigrad.course.checking import feedback, key
from minigrad.course.checking.answers import encode
from minigrad.course.checking.grade import judge, line_of
from minigrad.course.checking.registry import lesson
from minigrad.course.checking.sandbox import collected

from .test_lesson import graded_here, with_code

ONE = lesson(1)
TWO_CLASSES = """class A:
    def g(self): pass
class B:
    def g(self): pass

def g(): pass"""


@pytest.mark.parametrize(
    ("text", "function", "line"),
    [
        ("x = 1\ndef f(): pass\nf(2)\ndef f(): pass\n", "f", 4),
        (TWO_CLASSES, "A.g", 2),
        ("class A:\n    def g(self): pass\nclass B:\n    pass\n", "B.g", 3),
        ("y=1\nx: float = 2", "x", 2),
        ("x == 1", "y", None),
    ],
)
def test_line_of_a_definition(text, function, line):
    assert line_of(text, function) == line


def test_judge_compares_an_unwritten_function_with_no_slip(monkeypatch):
    monkeypatch.setattr("minigrad.course.checking.key.find_slip", None)
    assert not graded_here(ONE, ONE.exercise).passed


def test_judge_says_that_a_file_did_not_run_to_its_end():
    late = "it took longer than 10 s"
    stopped = collected([{"started": True}], late)
    verdict = judge(ONE, "while True: pass", stopped, lambda *_: stopped)
    told = " ".join(feedback.lines(verdict, 1))
    assert f"lesson_01_by_hand.py did not run to its end: {late}." in told
    assert "dy_ds" not in told


def problem_of(code):
    """The problem of lesson 13's solution with other functions after it."""
    one = lesson(13)
    return graded_here(one, with_code(one, code)).problem


def test_problem_of_a_changed_input_comes_first():
    problem = problem_of("""
def state_gradients(g, hs, W_hh):
    for t in range(len(g) - 1, 0, -1):
        g[t - 1] += tanh_backward(g[t], hs[t]) @ W_hh.T
    return g
""")
    assert (problem.kind, problem.message) == ("changed", "g")
    assert problem.function == "state_gradients"
    assert problem.difference.place == "g[1, 0, 0]"


def test_problem_blames_the_helper_of_a_right_function():
    # tanh_backward is right for all its own questions, and wrong for larger arrays
    problem = problem_of("""
def tanh_backward(dh, h):
    small = h.size < 7 and h.shape != (1, 1)
    return dh * (1 - h * h) if small or dh.max() == 1 else dh
""")
    assert problem.function == "state_gradients"
    assert problem.blames == "tanh_backward"
    assert problem.slip is None
    assert problem.line is not None


def test_problem_shows_the_first_value_on_the_way():
    problem = problem_of("""
def state_gradients(g, hs, W_hh):
    dh = g.copy()
    for t in range(len(g) - 1, 0, -1):
        dh[t - 1] += tanh_backward(dh[t], hs[t]) @ W_hh.T * (1 if t != 2 else 1.5)
    return dh
""")
    # the text's example: dh_3 = 1, dh_2 = 2.32, and step 2 sends .4176
    found = problem.difference
    assert (problem.after, found.place) == ("dh_2", "dh_1[0, 0]")
    assert (found.yours, found.right) == ("0.6264", "0.4176")
    assert dict(problem.inputs)["W_hh"] == "(1, 1) [[0.5]]"


def test_problem_keeps_the_files_other_functions_and_imports():
    problem = problem_of("""
import numpy as numpy
def slope(h):
    return numpy.ones_like(h) - h * h
def tanh_backward(dh, h):
    return dh * slope(h)
def state_gradients(g, hs, W_hh):
    return numpy.array(g) + 0 * slope(hs)
""")
    assert (problem.kind, problem.blames) == ("wrong", "")
    assert problem.function == "state_gradients"
    assert problem.slip is not None


def stopped(one, count, ended):
    """The verdict on the solution, if it was stopped after `count` right answers."""
    right = [{"answer": encode(answer)} for answer in key.load(one).right[:count]]
    end = [] if ended else [{"done": True}]
    run = collected([{"loaded": True}, *right, *end], ended)
    return judge(one, one.solution, run, lambda *_: run)


@pytest.mark.parametrize(
    ("number", "count"),
    [(1, 0), (18, 3), (19, 1)],
)
def test_judge_keeps_the_answers_of_trainings_for_the_page(number, count):
    one = lesson(number)
    passed = stopped(one, len(one.questions), "")
    assert passed.passed
    assert len(passed.trained) == count
    assert stopped(one, one.asked - 2, "it ended").trained == ()


@pytest.mark.parametrize(
    ("number", "function"),
    [
        (2, "numeric_gradient"),
        (5, "dense_backward"),
        (12, "unroll"),
        (15, "predict"),
        (17, "shuffled"),
    ],
)
def test_problem_of_a_kept_answer_names_the_question_before(
    number, function, tmp_path, monkeypatch, capsys
):
    one = lesson(number)
    kept = f"""
right = {function}
def {function}(*arguments, answers=[]):
    answers.append(right(*arguments))
    return answers[0]
"""
    text = with_code(one, kept)
    verdict = graded_here(one, text)
    problem = verdict.problem
    assert problem.function == function
    assert one.questions[problem.earlier - 1].function == function
    assert problem.slip.name == "something kept between calls"
    told = [" ".join(feedback.lines(verdict, tries)) for tries in (1, 2)]
    assert ["Python has just started" in text for text in told] == [True, True]
    assert ["default argument" in " ".join(text.split()) for text in told] == [
        False,
        True,
    ]
    # the pasted lines show the wrong answer, and the last one alone the right answer
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / one.file).write_text(text)
    pasted = feedback.to_paste(problem, one)
    assert shown(one, pasted, capsys) != shown(one, [*pasted[:2], *pasted[-2:]], capsys)
    assert shown(one, pasted, capsys) == shown(one, pasted, capsys)


def shown(one, pasted, capsys):
    """What a new Python prints for the pasted lines."""
    exec("\n".join(pasted), {})
    del sys.modules[one.name]
    return capsys.readouterr().out


def test_judge_does_not_call_chance_something_kept():
    one = lesson(12)

    def again(text, only):
        lines = [right[index] for index in only]
        return collected([{"loaded": True}, *lines, {"done": True}])

    right = [{"answer": encode(answer)} for answer in key.load(one).right]
    wrong = [*right[:7], {"answer": 1}, *right[8:]]
    run = collected([{"loaded": True}, *wrong, {"done": True}])
    problem = judge(one, one.solution, run, again).problem
    assert problem is not None
    assert (problem.number, problem.earlier, problem.slip) == (8, 0, None)


NUDGED_ONCE = """
def numeric_gradient(f, x, h):
    gradient = np.zeros(len(x))
    for i in range(len(x)):
        y = x.copy()
        y[i] += h
        up = f(y)
        y[i] -= h
        gradient[i] = (up - f(y)) / (2 * h)
    return gradient
"""
KEPT_LIST = """
def truncated(cell, xs, h, k, states=[]):
    for t, x in enumerate(xs):
        if 0 < t == len(xs) - k:
            h = mg.cut(h)
        h = cell(x, h)
        states.append(h)
    return states
"""
FROM_ZERO = """
import numpy as np
def rnn(xs, h0, W_xh, W_hh, b_h):
    h = mg.Tensor(np.zeros(h0.shape))
    for x in xs:
        h = rnn_step(x, h, W_xh, W_hh, b_h)
    return h
"""
OWN_GENERATOR = """
def shuffled(ids, rng):
    rng, mixed = np.random.default_rng(5), ids.copy()
    for row in mixed:
        row[row != 0] = rng.permutation(row[row != 0])
    return mixed
"""


@pytest.mark.parametrize(
    ("number", "code", "mistake"),
    [
        (1, "dy_db = dy_da * 4", "the wrong factor or the wrong upstream gradient"),
        (1, "dy_da = dy_ds * dy_dm * 0.5", "the wrong upstream gradient"),
        (2, NUDGED_ONCE, "one of the points is x itself"),
        (12, FROM_ZERO, "h0 not used"),
        (15, KEPT_LIST, "something kept between calls"),
        (17, OWN_GENERATOR, "a generator of your own"),
    ],
)  # fmt: skip
def test_problem_names_the_mistake_of_a_learners_file(number, code, mistake):
    one = lesson(number)
    problem = graded_here(one, with_code(one, code)).problem
    assert problem is not None
    assert problem.slip.name == mistake


@pytest.mark.parametrize(
    ("number", "code", "shapes"),
    [
        (5, "def product_backward(dz, a, b): return dz @ b.T, dz.T @ a", ("(2, 3)", "(3, 2)")),
        (5, "def unbroadcast(dz, shape): return dz.sum(axis=-1)", ("(3,)", "(2,)")),
        (11, "def one_hot(ids, V): return np.eye(V)[:, ids]", ("(3, 2)", "(2, 3)")),
    ],
)  # fmt: skip
def test_problem_shows_the_shape_of_a_transposed_answer(number, code, shapes):
    one = lesson(number)
    found = graded_here(one, with_code(one, code)).problem.difference
    assert (found.yours, found.right) == tuple(f"an array of shape {s}" for s in shapes)
