"""Fused recurrent gates against their equations, with 1 / (1 + e^-s) in float64."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def lstm(a, h, c, W):
    states = []
    for t in range(a.shape[1]):
        i, f, g, o = np.split(
            a[:, t] + h @ W,
            4,
            axis=1,
        )
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append((h, c))
    return np.swapaxes(states, 0, 1)


def gru(a, h, W, b):
    states = []
    for t in range(a.shape[1]):
        z, r, n = np.split(
            a[:, t],
            3,
            axis=1,
        )
        s_z, s_r, s_n = np.split(
            h @ W + b,
            3,
            axis=1,
        )
        n = np.tanh(n + sigmoid(r + s_r) * s_n)
        h = n + sigmoid(z + s_z) * (h - n)
        states.append(h)
    return np.array(states)


def by_time(a):
    return (
        a.swapaxes(0, 1)
        .copy()
        .swapaxes(
            0,
            1,
        )
    )


def alternating(a):
    return np.repeat(
        a,
        2,
        axis=2,
    )[:, :, ::2]


@pytest.mark.parametrize(
    "layout",
    [np.array, by_time, np.asfortranarray, alternating],
)
# open gates, and gates that are almost 0 or 1
@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize(
    ("dtype", "error"),
    [("float32", 2e-6), ("float64", 4e-15)],
)
@pytest.mark.parametrize(
    ("gate", "formula", "sizes"),
    [
        (
            mg.LSTMSequence(),
            lstm,
            [(3, 5, 24), (3, 6), (3, 6), (6, 24)],
        ),
        (
            mg.GRUSequence(),
            gru,
            [(3, 5, 18), (3, 6), (6, 18), (18,)],
        ),
    ],
)
def test_states_follow_the_equations(gate, formula, sizes, dtype, error, scale, layout):
    rng = np.random.default_rng(3)
    a, *others = (rng.normal(size=size).astype(dtype) for size in sizes)
    a *= scale
    expected = formula(
        *(
            array.astype(float)
            for array in (
                a,
                *others,
            )
        )
    )
    with mg.no_grad():
        unrecorded = gate(layout(a), *others).array
    assert_allclose(unrecorded, expected, rtol=0, atol=error)
    assert_array_equal(gate(layout(a), *others).array, unrecorded)


def test_sequence_of_no_steps_is_refused():
    a, h0, W = np.ones((2, 0, 1)), np.ones((2, 1)), np.ones((1, 1))
    with pytest.raises(mg.MinigradError, match="MG144"):
        mg.RNNSequence()(a, h0, W)
