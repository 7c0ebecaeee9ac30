"""Partners of nodes, compared with those known by construction."""

import numpy as np

import minigrad as mg
from minigrad.debug.comparison.alignment import Alignment, kind_of
from tests.blocks import parameter


def chain(gates, length):
    """The steps of a recurrence, in which each step calls the same gates."""
    W = parameter(0.3 * np.eye(3, dtype="float32") + 0.1, "W")
    h = mg.Tensor(np.ones((2, 3), "float32"))
    for _ in range(length):
        h = h @ W
        for gate in gates:
            h = gate(h)
    return h.sum()


def aligned(a, b):
    """The gates of a in order, each with the place of its partner in b."""
    pairs = Alignment(a.node, b.node)
    return [
        (kind_of(x), pairs.b.nodes.index(pairs.a.partners[x]))
        for x in pairs.a.nodes
        if x.gate and x in pairs.a.partners
    ]


def test_equal_graphs_align_in_order():
    a, b = chain([mg.tanh], 3), chain([mg.tanh], 3)
    names = ["MultiplyGate", "Tanh"] * 3 + ["Sum"]
    assert aligned(a, b) == list(zip(names, range(2, 9), strict=True))


def test_gate_put_into_each_step():
    a, b = chain([mg.tanh], 3), chain([mg.tanh, mg.sigmoid], 3)
    places = [2, 3, 5, 6, 8, 9, 11]  # every third node of b is a sigmoid
    names = ["MultiplyGate", "Tanh"] * 3 + ["Sum"]
    assert aligned(a, b) == list(zip(names, places, strict=True))


def test_statements_in_another_order():
    x, y = (parameter(np.arange(3.0) + n, "xy"[n]) for n in (0, 1))
    p, q = mg.exp(x), mg.sin(y)
    s, r = mg.sin(y), mg.exp(x)
    assert aligned((p * q).sum(), (s * r).sum()) == [
        ("Exp", 3), ("Sin", 2), ("Hadamard", 4), ("Sum", 5)
    ]  # fmt: skip


def test_deep_graph():
    assert len(aligned(chain([mg.tanh], 600), chain([mg.tanh], 600))) == 1201
