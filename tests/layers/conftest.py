"""What several tests of layers share."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def in_float64():
    """Draw all parameters of a layer in float64: biases too, because a 0 would hide what is wrong
    with it.
    """

    def draw(layer, seed=0):
        rng = np.random.default_rng(seed)
        for parameter in layer.named_parameters().values():
            parameter.array = rng.normal(size=parameter.shape) * 0.6
        return layer

    return draw


@pytest.fixture(scope="session")
def contributions():
    """By hand: what step t adds to the gradient of each parameter of an RNN and of x, {name: (T,
    ...)}.

    The loss is sum(h_T * seed).
    """

    def compute(layer, x, seed):
        W_xh, W_hh, b = layer.cell.state_dict().values()
        states = [np.zeros((len(x), len(b)))]
        for t in range(x.shape[1]):
            states.append(np.tanh(x[:, t] @ W_xh + states[-1] @ W_hh + b))
        dh, found = seed, []
        for t in reversed(range(x.shape[1])):
            da = dh * (1 - states[t + 1] ** 2)
            found.append(
                (x[:, t].T @ da, states[t].T @ da, da.sum(axis=0), da @ W_xh.T)
            )
            dh = da @ W_hh.T
        by_name = zip(
            ("W_xh", "W_hh", "b_h", "x"), zip(*found[::-1], strict=True), strict=True
        )
        return {name: np.stack(parts) for name, parts in by_name}

    return compute
