"""What each scope computes and holds, against counts by hand."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.drawing.summary import rows

from .drawn_graphs import dense, rnn


def test_dense_by_hand():
    # Rows of 2, from 2 inputs to 3 to 1 output, float32. A product of (n, k) by (k, m) takes 2nkm
    # operations.
    hidden, head, outside = rows(mg.Graph(dense()).nodes)
    assert [row.path for row in (hidden, head, outside)] == ["hidden", "head", "(top level)"]
    assert [row.forward for row in (hidden, head)] == [2 * 2 * 2 * 3 + 6 + 6, 2 * 2 * 3 * 1]
    assert [row.bytes for row in (hidden, head)] == [3 * 6 * 4, 2 * 4]
    assert sum(leaf.output.size for leaf in hidden.parameters) == 9


def test_steps_share_a_row():
    (inside, outside) = rows(mg.Graph(rnn(7)).nodes)
    assert [inside.path, outside.path] == ["rnn/t00 … t06", "(top level)"]
    # Five arrays of (2, 4) float64 per step, and the slice of x, (2, 3): x requires a gradient, so
    # it may be updated in place, and the slice is a copy.
    assert inside.bytes == 7 * (5 * 8 * 8 + 6 * 8)


def test_a_buffer_that_is_shared_counts_once():
    x = mg.Tensor(np.ones((4, 4)), requires_grad=True)
    y = mg.tanh(x)
    (row,) = rows(mg.Graph(y.reshape(16) * y.T.reshape(16)).nodes)
    # tanh, its copy by reshape after the transpose, and their product; the plain reshape and the
    # transpose are views.
    assert row.bytes == 3 * 16 * 8
