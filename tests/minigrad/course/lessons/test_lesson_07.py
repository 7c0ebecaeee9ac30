"""Lesson 7: its engine against minigrad's, and the networks that it trains."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.checking.grade import grade
from minigrad.course.checking.registry import lesson
from minigrad.course.lessons.lesson_07_engine import check_page, solution
from minigrad.course.lessons.lesson_07_engine.solution import Value

from ..conftest import alike, normal


def test_train_learns_xor():
    weights = solution.xor_start()
    losses = solution.train(
        solution.xor_loss,
        weights,
        0.2,
        400,
    )
    assert losses[-1] < 0.01
    alike(solution.xor(weights), solution.Y, 0.1)


def test_train_learns_a_recurrent_network():
    weights = solution.rnn_start()
    solution.train(solution.rnn_loss, weights, 0.1, 300)
    S = solution.S
    assert len(np.unique(S, axis=0)) == len(S) == 32
    found = np.sign(solution.rnn(weights).array)
    np.testing.assert_array_equal(
        found,
        S[:, :1],
    )


def xor_loss(W1, b1, W2, b2):
    y = mg.tanh(solution.X @ W1 + b1) @ W2 + b2
    return ((y - solution.Y) ** 2).mean()


def rnn_loss(W_xh, W_hh, b_h, W_hy):
    h = mg.Tensor(np.zeros((32, 4)))
    for x in solution.S.T[:, :, None]:
        h = mg.tanh(x @ W_xh + h @ W_hh + b_h)
    return ((h @ W_hy - solution.S[:, :1]) ** 2).mean()


@pytest.mark.parametrize(
    ("start", "mine", "theirs"),
    [
        (solution.xor_start, solution.xor_loss, xor_loss),
        (solution.rnn_start, solution.rnn_loss, rnn_loss),
    ],
)
def test_backward_is_minigrads(start, mine, theirs):
    weights = start()
    mine(weights).backward()
    tensors = [mg.Tensor(one.array, requires_grad=True) for one in weights]
    gradients = mg.grad(theirs(*tensors), tensors)
    alike([one.grad for one in weights], gradients)


def test_network_of_the_page_has_the_learners_gradients():
    weights = solution.xor_start()
    solution.xor_loss(weights).backward()
    loss, tensors = check_page.network(solution)
    gradients = mg.grad(loss(*tensors), tensors)
    alike(gradients, [one.grad for one in weights])


def checked(f, *arrays):
    return solution.my_gradcheck(solution.Gate(f), *arrays)


def test_my_gradcheck_finds_a_wrong_rule(monkeypatch):
    arrays = normal(
        (4, 3),
        (3, 2),
        (2,),
        (4, 1),
    )

    def f(x, W, b, c):
        return ((x @ W + b) * c - (b * 2.0).tanh() * 0.5 + x.sum()).mean()

    def tanh(x):
        return Value(
            np.tanh(x.array),
            (x,),
            lambda dz: (0 * dz,),
        )

    assert checked(f, *arrays) == [True] * 4
    monkeypatch.setattr(Value, "tanh", tanh)
    assert checked(f, *arrays) == [True, True, False, True]


def test_file_works_alone_as_my_engine(tmp_path):
    one = lesson(7)
    (tmp_path / "my_engine.py").write_text(one.solution)
    block = one.text.partition("from my_engine")[2].partition("```")[0]
    code = f"from my_engine{block}\nimport sys\nassert 'minigrad' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        text=True,
        capture_output=True,
    )
    assert done.stdout == "{'x': array([2., 4.])}\n", done.stderr


def test_sigmoid_and_row_pass_my_gradcheck():
    sigmoid, row = solution.sigmoid, solution.row
    x, W = np.array([[0.5, -30.0]]), np.arange(6.0).reshape(3, 2)
    assert checked(
        lambda x: sigmoid(x) * 2.0,
        x,
    ) == [True]
    assert checked(
        lambda W: row(W, 2) * row(W, 0),
        W,
    ) == [True]


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("dz * np.ones(self.array.shape)", "dz", "one number for the whole array"),
        ("np.ones(self.array.shape)", "self.array", "multiplied by the array"),
    ],
)
def test_wrong_rule_of_sum_is_named(right, wrong, name):
    text = lesson(7).solution
    assert right in text
    verdict = grade(lesson(7), Path("engine.py"), text.replace(right, wrong))
    problem = verdict.problem
    assert problem
    assert problem.slip
    assert (problem.function, problem.slip.name) == ("Value.sum", name)
