"""summary: the table of a model, counted by hand."""

import numpy as np

import minigrad as mg
from layers import GRU, Dense, Embedding, Layer, Sequential
from optim import freeze, summary
from optim.training.summary import lines_of
from tests.minigrad.drawing.drawn_graphs import rnn


def test_summary_counts():
    net = Sequential(
        Embedding(100, 8),
        GRU(8, 4),
        Dense(4, 3),
    )
    table = summary(
        net,
        np.zeros((2, 5), int),
    )
    embedding, _, head = table.lines
    assert embedding.output == (2, 5, 8)
    assert embedding.parameters == 800
    assert head.output == (2, 3)
    assert head.parameters == 4 * 3 + 3
    assert table.parameters == sum(line.parameters for line in table.lines)
    assert table.parameter_bytes == 4 * table.parameters
    assert table.frozen == 0
    # a multiplication and an addition each, and the bias
    assert head.flops == 2 * 2 * 4 * 3 + 2 * 3
    assert head.bytes == 2 * (2 * 3 * 4)  # the product's output and the sum's
    assert "sequential/dense" in str(table)
    assert f"{table.parameters:,} parameters" in str(table)


def test_summary_counts_shared_parameters_once_and_frozen_ones():
    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.first = Dense(3, 3)
            self.second = Dense(3, 3)
            self.second.W = self.first.W

        def forward(self, x):
            return self.second(self.first(x))

    net = Twice().train()
    freeze(net, "first.W")
    table = summary(
        net,
        np.ones((2, 3), "float32"),
    )
    assert [line.parameters for line in table.lines] == [12, 3]
    assert (table.parameters, table.frozen) == (15, 9)
    assert "9 of them frozen" in str(table)
    assert not net.first.W.requires_grad and net.training  # all as it was


def lines(output):
    """The lines of a graph whose parameters are the leaves that require a gradient."""
    nodes = mg.Graph(output).nodes
    leaves = [node for node in nodes if not node.gate and node.requires_grad]
    return lines_of(nodes, leaves, {})


def test_summary_has_one_line_for_all_steps():
    inside, outside = lines(rnn(7))
    assert [inside.scope, outside.scope] == ["rnn/t00 … t06", "(top level)"]
    # Five arrays of (2, 4) float64 per step, and the slice of x, (2, 3): x requires a gradient, so
    # it may be updated in place, and the slice is a copy.
    assert inside.bytes == 7 * (5 * 8 * 8 + 6 * 8)


def test_summary_counts_a_shared_buffer_once():
    x = mg.Tensor(
        np.ones((4, 4)),
        requires_grad=True,
    )
    y = mg.tanh(x)
    (line,) = lines(y.reshape(16) * y.T.reshape(16))
    # tanh, its copy by reshape after the transpose, and their product; the plain reshape and the
    # transpose are views.
    assert line.bytes == 3 * 16 * 8
