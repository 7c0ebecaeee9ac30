"""The fused recurrent gates against their equations, computed with 1 / (1 + e^-s) in float64."""

import numpy as np
import pytest

from minigrad import GRUSequence, LSTMSequence, no_grad


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def lstm(a, h, c, W):
    states = []
    for t in range(a.shape[1]):
        i, f, g, o = np.split(a[:, t] + h @ W, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append((h, c))
    return np.swapaxes(states, 0, 1)


def gru(a, h, W, b):
    states = []
    for t in range(a.shape[1]):
        (z, r, n), (s_z, s_r, s_n) = (
            np.split(s, 3, axis=1) for s in (a[:, t], h @ W + b)
        )
        n = np.tanh(n + sigmoid(r + s_r) * s_n)
        h = n + sigmoid(z + s_z) * (h - n)
        states.append(h)
    return np.array(states)


def by_time(a):
    return a.swapaxes(0, 1).copy().swapaxes(0, 1)


def alternating(a):
    return np.repeat(a, 2, axis=2)[:, :, ::2]


@pytest.mark.parametrize("layout", [np.array, by_time, np.asfortranarray, alternating])
@pytest.mark.parametrize(
    "scale", [1, 30]
)  # open gates, and gates that are almost 0 or 1
@pytest.mark.parametrize(("dtype", "error"), [("float32", 2e-6), ("float64", 4e-15)])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_states_agree_with_the_equations(kind, dtype, error, scale, layout):
    B, T, H, n = 3, 5, 6, 4 if kind == "LSTM" else 3
    rng = np.random.default_rng(3)
    sizes = [(B, T, n * H), (B, H), (B, H) if kind == "LSTM" else (H, n * H)]
    sizes += [(H, n * H)] if kind == "LSTM" else [(n * H,)]
    arrays = [rng.normal(size=size).astype(dtype) for size in sizes]
    arrays[0] *= scale
    gate, formula = (LSTMSequence(), lstm) if kind == "LSTM" else (GRUSequence(), gru)
    expected = formula(*(array.astype(float) for array in arrays))
    arrays[0] = layout(arrays[0])
    with no_grad():
        unrecorded = gate(*arrays).array
    np.testing.assert_allclose(unrecorded, expected, rtol=0, atol=error)
    np.testing.assert_array_equal(gate(*arrays).array, unrecorded)
