"""Lesson 10's solution against the engine, and against numbers worked out by hand."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_10_bptt import solution


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (12, 3, 2, 5)])
def test_every_gradient_is_the_engines(sizes, last_only):
    T, B, D, H = sizes
    rng = np.random.default_rng(0)
    shapes = {"xs": (T, B, D), "h0": (B, H), "W_xh": (D, H), "W_hh": (H, H), "b_h": (H,)}
    arrays = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    g = rng.normal(size=(T + 1, B, H))
    if last_only:
        g[:-1] = 0
    xs, h, W_xh, W_hh, b_h = leaves = [
        mg.Tensor(array, requires_grad=True) for array in arrays.values()
    ]
    states = [h]
    for t in range(T):
        states.append(mg.tanh(xs[t] @ W_xh + states[-1] @ W_hh + b_h))
    loss = sum((h * direct).sum() for h, direct in zip(states, g, strict=True))
    hs = solution.rnn_forward(**arrays)
    np.testing.assert_allclose(hs, [h.array for h in states], rtol=0, atol=1e-12)
    dh = solution.state_gradients(g, hs, arrays["W_hh"])
    np.testing.assert_allclose(dh, [one.array for one in mg.grad(loss, states)], rtol=0, atol=1e-12)
    found = solution.rnn_backward(g, arrays["xs"], hs, arrays["W_xh"], arrays["W_hh"])
    for name, expected in zip(arrays, mg.grad(loss, leaves), strict=True):
        np.testing.assert_allclose(found[name], expected.array, rtol=0, atol=1e-12, err_msg=name)


def test_the_numbers_of_the_text():
    hs, g = np.array([0, 0.6, 0.8, 0.6]).reshape(4, 1, 1), np.array([0, 0, 2.0, 1]).reshape(4, 1, 1)
    dh = solution.state_gradients(g, hs, np.array([[0.5]]))
    np.testing.assert_allclose(dh.ravel(), [0.133632, 0.4176, 2.32, 1])
    found = solution.rnn_backward(g, np.zeros((3, 1, 1)), hs, np.ones((1, 1)), np.array([[0.5]]))
    assert found["W_hh"].item() == pytest.approx(1.01312)
