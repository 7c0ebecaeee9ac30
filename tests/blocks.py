"""A residual network of equal blocks, gate by gate, which is large enough to need folding."""

import numpy as np

import minigrad as mg


def parameter(array, name):
    return mg.Tensor(array, requires_grad=True, name=name)


def normalised(x, name):
    """Layer normalisation, gate by gate: nine gates and two parameters."""
    width = x.shape[-1]
    with mg.scope(name.rpartition(".")[2]):
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        scale = parameter(np.ones(width), f"{name}.scale")
        shift = parameter(np.zeros(width), f"{name}.shift")
        return centred / mg.sqrt(variance + 1e-5) * scale + shift


def blocks(count=4, name="block[{}]", tied=True):
    """A residual network of equal blocks, 30 gates each: two sublayers, each with a layer norm, two
    dense layers with tanh between them, and a sum. Its table reads the ids and scores the answer.
    """
    rng = np.random.default_rng(3)
    table = parameter(
        rng.normal(size=(9, 4)),
        "net.table",
    )
    ids = mg.Tensor(
        rng.integers(0, 9, (2, 3)),
        name="ids",
    )
    with mg.scope("net"):
        with mg.scope("embedding"):
            x = table[ids]
        for n in range(count):
            here = name.format(n)
            with mg.scope(here):
                for part, norm in (("first", "norm"), ("second", "norm_2")):
                    y = normalised(x, f"net.{here}.{norm}")
                    with mg.scope(part):
                        for number in range(2):
                            path = f"net.{here}.{part}.dense{number}"
                            W = parameter(
                                rng.normal(size=(4, 4)) / 2,
                                f"{path}.W",
                            )
                            b = parameter(np.zeros(4), f"{path}.b")
                            y = y @ W + b
                            y = y if number else mg.tanh(y)
                    x = x + y
        with mg.scope("head"):
            scores = x @ table.T if tied else x @ parameter(np.eye(4, 9), "net.head.W")
    return mg.softmax_cross_entropy(
        scores.reshape(6, 9),
        np.arange(6),
    )
