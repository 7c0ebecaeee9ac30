"""Lesson 13: its backward pass through time against the engine's."""

import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_13_bptt import solution

from ..conftest import alike, normal


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize(
    "sizes",
    [
        (1, 2, 3, 4),
        (12, 3, 2, 5),
    ],
)
def test_rnn_backward_is_the_engines(sizes, last_only):
    T, B, D, H = sizes
    shapes = [
        (T, B, D),
        (B, H),
        (D, H),
        (H, H),
        (H,),
    ]
    arrays = [0.6 * array for array in normal(*shapes)]
    (g,) = normal((T + 1, B, H))
    if last_only:
        g[:-1] = 0

    leaves = [mg.Tensor(array, requires_grad=True) for array in arrays]
    x, h, W, U, b = leaves
    states = [h]
    for t in range(T):
        states.append(mg.tanh(x[t] @ W + states[-1] @ U + b))
    loss = sum((h * direct).sum() for h, direct in zip(states, g, strict=True))

    xs, _, W_xh, W_hh, _ = arrays
    hs = solution.rnn_forward(*arrays)
    alike(hs, states)
    dh = solution.state_gradients(g, hs, W_hh)
    alike(dh, mg.grad(loss, states))
    found = solution.rnn_backward(g, xs, hs, W_xh, W_hh)
    expected = mg.grad(loss, leaves)
    alike(list(found.values()), expected)
    alike(
        solution.nudged_gradient(g, *arrays),
        found["W_hh"],
        1e-6,
    )
    blamed = solution.blame(g, xs, hs, W_xh, W_hh)
    alike(
        blamed,
        (xs * expected[0].array).sum(axis=2),
    )
