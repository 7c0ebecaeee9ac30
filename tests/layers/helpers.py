"""Random weights and inputs, and comparisons, that several tests of layers share."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

import minigrad as mg
from layers import GRU, LSTM, RNN
from minigrad.numpy_api import to_array

kinds = pytest.mark.parametrize(
    "kind",
    [RNN, GRU, LSTM],
)
fused_or_not = pytest.mark.parametrize(
    "fused",
    [False, True],
)


def normal(*shape, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape)


def leaf(array) -> Any:
    return mg.Tensor(array, requires_grad=True)


def in_float64(layer, seed=0):
    """Draw all parameters in float64: biases too, because a 0 would hide an error."""
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        array = rng.normal(size=parameter.shape)
        parameter.array = 0.6 * array
    return layer


def assert_close(found, expected, atol=1e-13, rtol=0.0):
    """Compare Tensors or arrays, or tuples of them."""
    if isinstance(found, tuple):
        for pair in zip(found, expected, strict=True):
            assert_close(*pair, atol, rtol)
    else:
        found = to_array(found)
        expected = to_array(expected)
        assert_allclose(found, expected, rtol, atol)


def raises(code, words=""):
    """Expect the error with this code, and a pattern in its message."""
    pattern = rf"(?s)\[{code}\].*{words}"
    return pytest.raises(mg.MinigradError, match=pattern)


def gate_names(tensor):
    """The names of all gates that computed a Tensor."""
    nodes = mg.graph.ancestors([tensor.node])
    gates = [node.gate for node in nodes]
    return {gate.name for gate in gates if gate}


def rnn_contributions(rnn, x, seed):
    """By hand: what step t adds to the gradient of sum(h_T * seed) for each parameter of an RNN and
    for x, as {name: (T, ...)}.
    """
    W_xh, W_hh, b = rnn.cell.state_dict().values()
    h = np.zeros((len(x), len(b)))
    states = [h]
    for x_t in x.swapaxes(0, 1):
        h = np.tanh(x_t @ W_xh + h @ W_hh + b)
        states.append(h)
    found = {}
    added = defaultdict(list)
    dh = seed
    for t in reversed(range(x.shape[1])):
        h = states[t + 1]
        da = dh * (1 - h**2)
        added["W_xh"].append(x[:, t].T @ da)
        added["W_hh"].append(states[t].T @ da)
        added["b_h"].append(da.sum(axis=0))
        added["x"].append(da @ W_xh.T)
        dh = da @ W_hh.T
    for name, steps in added.items():
        found[name] = np.stack(steps[::-1])
    return found
