"""The parts of a graph: layers, activations, sums, and products in programs without layers."""

import numpy as np

import minigrad as mg
from layers import GRU, Dense, Dropout, Sequential, TransformerBlock
from optim.recording.parts import divide

from .helpers import X, Y


def names(loss):
    return list(dict.fromkeys(part.name for part in divide(loss.node).values()))


def of(model, x=X):
    return names(mg.softmax_cross_entropy(model(x), Y))


def test_layers_and_activations_are_parts_and_dropout_is_not():
    model = Sequential(Dense(3, 4, mg.relu), Dropout(0.5), Dense(4, 4), mg.tanh, Dense(4, 2))
    expected = ["dense", "dense_2", "tanh", "dense_3"]
    assert of(model) == [*(f"sequential.{one}" for one in expected), "loss"]


def test_time_steps_are_one_part():
    model = Sequential(GRU(3, 4), Dense(4, 2))
    x = np.ones((8, 5, 3), "float32")
    assert of(model, x) == ["sequential.gru", "sequential.dense", "loss"]


def test_both_directions_join_in_one_part():
    model = Sequential(GRU(3, 4, bidirectional=True, return_sequences=True, fused=False))
    loss = model(np.ones((8, 5, 3), "float32")).mean()
    cells = [f"sequential.gru.{name}" for name in ("cell", "backward_cell")]
    assert names(loss) == [*cells, "concat", "loss"]


def test_residual_connections_are_sums():
    model = TransformerBlock(4, 2)
    found = names(model(np.ones((2, 3, 4), "float32")).mean())
    layers = "norm1 self_attn self_attn.out_proj norm2 linear1 linear2 loss".split()
    assert [one.removeprefix("transformerblock.") for one in found if one[0] != "+"] == layers
    assert [one for one in found if one[0] == "+"] == ["+"]  # the first adds the input itself


def test_program_without_layers_has_a_part_for_each_product():
    W1, W2 = (
        mg.Tensor(np.ones(s), requires_grad=True, name=n)
        for s, n in (((3, 4), "W1"), ((4, 2), "W2"))
    )
    b = mg.Tensor(np.ones(4), requires_grad=True, name="b")
    loss = mg.softmax_cross_entropy(mg.tanh(X @ W1 + b) @ W2, Y)
    assert names(loss) == ["W1", "W2", "loss"]
    parts = dict.fromkeys(divide(loss.node).values())
    assert [[leaf.name for leaf in part.leaves] for part in parts] == [
        ["W1", "b"],
        ["W2"],
        [],
    ]
