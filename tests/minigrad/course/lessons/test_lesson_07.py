"""Lesson 7's engine against minigrad's, and the networks that it trains."""

import subprocess
import sys
import time

import numpy as np

import minigrad as mg
from minigrad.course.checking.registry import lesson
from minigrad.course.lessons.lesson_07_engine import check_page, solution
from minigrad.course.lessons.lesson_07_engine.solution import Value

from ..conftest import alike


def test_xor_and_a_recurrent_network_are_learned_in_seconds():
    start = time.perf_counter()
    weights = solution.xor_start()
    assert solution.train(solution.xor_loss, weights, 0.2, 400)[-1] < 0.01
    alike([solution.xor(weights).array], [solution.Y], 0.1)
    weights = solution.rnn_start()
    solution.train(solution.rnn_loss, weights, 0.1, 300)
    assert (np.sign(solution.rnn(weights).array) == solution.S[:, :1]).all()
    assert len(np.unique(solution.S, axis=0)) == 32 and solution.S.shape == (32, 5)
    assert time.perf_counter() - start < 5


def engines(loss, start):
    """The gradients of a network of the lesson by its class, and by minigrad on the same formula."""
    weights = start()
    loss(weights).backward()
    tensors = [mg.Tensor(value.array, requires_grad=True) for value in weights]
    return [value.grad for value in weights], tensors


def test_all_gradients_are_minigrads():
    yours, (W1, b1, W2, b2) = engines(solution.xor_loss, solution.xor_start)
    loss = ((mg.tanh(solution.X @ W1 + b1) @ W2 + b2 - solution.Y) ** 2).mean()
    alike(yours, [g.array for g in mg.grad(loss, [W1, b1, W2, b2])])

    yours, (W_xh, W_hh, b_h, W_hy) = engines(solution.rnn_loss, solution.rnn_start)
    h = mg.Tensor(np.zeros((32, 4)))
    for t in range(5):
        h = mg.tanh(solution.S[:, t : t + 1] @ W_xh + h @ W_hh + b_h)
    loss = ((h @ W_hy - solution.S[:, :1]) ** 2).mean()
    alike(yours, [g.array for g in mg.grad(loss, [W_xh, W_hh, b_h, W_hy])])


def test_the_checker_accepts_the_rules_and_finds_a_wrong_one(monkeypatch):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((4, 3), (3, 2), (2,), (4, 1))]

    def f(x, W, b, c):
        return ((x @ W + b) * c - (b * 2.0).tanh() * 0.5 + x.sum()).mean()

    assert solution.my_gradcheck(solution.Gate(f), *arrays) == [True] * 4
    monkeypatch.setattr(
        Value, "tanh", lambda x: Value(np.tanh(x.array), (x,), lambda dz: (0 * dz,))
    )
    assert solution.my_gradcheck(solution.Gate(f), *arrays) == [True, True, False, True]


def test_the_page_shows_the_learners_graph_with_the_learners_gradients():
    loss, tensors = check_page.network(solution)
    yours, _ = engines(solution.xor_loss, solution.xor_start)
    alike([g.array for g in mg.grad(loss(*tensors), tensors)], yours)


def test_the_file_works_alone_as_my_engine(tmp_path):
    (tmp_path / "my_engine.py").write_text(lesson(7).read("solution.py"))
    block = lesson(7).text.partition("from my_engine")[2].partition("```")[0]
    code = f"from my_engine{block}\nimport sys\nassert 'minigrad' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, text=True, capture_output=True
    )
    assert done.stdout == "{'x': array([2., 4.])}\n", done.stderr


def test_stretch_tasks():
    x, W = np.array([[0.5, -30.0]]), np.arange(6.0).reshape(3, 2)
    checked = solution.my_gradcheck
    assert checked(solution.Gate(lambda x: solution.sigmoid(x) * 2.0), x) == [True]
    assert checked(
        solution.Gate(lambda W: solution.row(W, 2) * solution.row(W, 0)), W
    ) == [True]
