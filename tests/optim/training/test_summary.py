"""The table of a model, counted by hand."""

from __future__ import annotations

import numpy as np

from layers import GRU, Dense, Embedding, Layer, Sequential
from optim import freeze, summary


def test_summary_counts_by_hand() -> None:
    net = Sequential(Embedding(100, 8), GRU(8, 4), Dense(4, 3))
    table = summary(net, np.zeros((2, 5), int))
    lines = {line.layer: line for line in table.lines}
    assert lines["Embedding"].output == (2, 5, 8) and lines["Dense"].output == (2, 3)
    assert lines["Embedding"].parameters == 800 and lines["Dense"].parameters == 4 * 3 + 3
    assert table.parameters == sum(line.parameters for line in table.lines)
    assert table.parameter_bytes == 4 * table.parameters and table.frozen == 0
    # a multiplication and an addition each, and the bias
    assert lines["Dense"].flops == 2 * 2 * 4 * 3 + 2 * 3
    assert lines["Dense"].bytes == 2 * (2 * 3 * 4)  # the product's output and the sum's
    assert "sequential/dense" in str(table) and f"{table.parameters:,} parameters" in str(table)


def test_shared_parameters_count_once_and_frozen_ones_count() -> None:
    class Twice(Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first = Dense(3, 3)
            self.second = Dense(3, 3)
            self.second.W = self.first.W

        def forward(self, x):
            return self.second(self.first(x))

    net = Twice().train()
    freeze(net, "first.W")
    table = summary(net, np.ones((2, 3), "float32"))
    assert [line.parameters for line in table.lines] == [12, 3]
    assert (table.parameters, table.frozen) == (15, 9)
    assert "9 of them frozen" in str(table)
    assert not net.first.W.requires_grad and net.training  # all as it was
