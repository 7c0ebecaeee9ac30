"""Lesson 13's solution against the engine."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.course.lessons.lesson_13_bptt import solution

from ..conftest import alike


@pytest.mark.parametrize("last_only", [False, True])
@pytest.mark.parametrize("sizes", [(1, 2, 3, 4), (12, 3, 2, 5)])
def test_every_gradient_is_the_engines(sizes, last_only):
    T, B, D, H = sizes
    rng = np.random.default_rng(0)
    shapes = {
        "xs": (T, B, D),
        "h0": (B, H),
        "W_xh": (D, H),
        "W_hh": (H, H),
        "b_h": (H,),
    }
    arrays = {name: rng.normal(size=shape) * 0.6 for name, shape in shapes.items()}
    g = rng.normal(size=(T + 1, B, H))
    if last_only:
        g[:-1] = 0

    leaves = {
        name: mg.Tensor(array, requires_grad=True) for name, array in arrays.items()
    }
    states = [leaves["h0"]]
    for t in range(T):
        from_x = leaves["xs"][t] @ leaves["W_xh"]
        states.append(mg.tanh(from_x + states[-1] @ leaves["W_hh"] + leaves["b_h"]))
    loss = sum((h * direct).sum() for h, direct in zip(states, g, strict=True))

    hs = solution.rnn_forward(**arrays)
    alike(hs, [h.array for h in states])
    dh = solution.state_gradients(g, hs, arrays["W_hh"])
    alike(dh, [one.array for one in mg.grad(loss, states)])
    found = solution.rnn_backward(g, arrays["xs"], hs, arrays["W_xh"], arrays["W_hh"])
    expected = mg.grad(loss, list(leaves.values()))
    alike([found[name] for name in leaves], [one.array for one in expected])
    alike([solution.nudged_gradient(g, **arrays)], [found["W_hh"]], 1e-6)
    blamed = solution.blame(g, arrays["xs"], hs, arrays["W_xh"], arrays["W_hh"])
    alike([blamed], [(arrays["xs"] * expected[0].array).sum(axis=2)])
