"""The summary table against counts by hand."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad.drawing.summary import rows

from .drawn_graphs import dense, rnn


def test_dense_by_hand():
    # Rows of 2, from 2 inputs to 3 to 1 output, float32. A product of (n, k) by (k, m) takes 2nkm operations, and as
    # many again for the gradient of each side that wants one: x wants none, h does.
    hidden, head, outside = rows(mg.Graph(dense()).nodes)
    assert [row.path for row in (hidden, head, outside)] == ["hidden", "head", "(top level)"]
    assert [row.gates for row in (hidden, head, outside)] == [3, 1, 2]
    assert hidden.forward == 2 * 2 * 2 * 3 + 6 + 6
    assert hidden.backward == 2 * 2 * 2 * 3 + 2 * 6 + 6  # W alone; both sides of the sum; tanh
    assert head.forward == 2 * 2 * 3 * 1
    assert head.backward == 2 * head.forward
    assert [row.bytes for row in (hidden, head)] == [3 * 6 * 4, 2 * 4]
    assert sum(leaf.output.size for leaf in hidden.parameters) == 9


def test_steps_share_a_row():
    (inside, outside) = rows(mg.Graph(rnn(7)).nodes)
    assert inside.path == "rnn/t00 … t06"
    assert inside.gates == 7 * 6
    # Five arrays of (2, 4) float64 per step, and the slice of x, (2, 3): x requires a gradient, so it may be updated in
    # place, and the slice is a copy.
    assert inside.bytes == 7 * (5 * 8 * 8 + 6 * 8)
    assert outside.path == "(top level)"
    assert outside.gates == 2


def test_a_buffer_that_is_shared_counts_once():
    x = mg.Tensor(np.ones((4, 4)), requires_grad=True)
    y = mg.tanh(x)
    (row,) = rows(mg.Graph(y.reshape(16) * y.T.reshape(16)).nodes)
    # tanh, its copy by reshape after the transpose, and their product; the plain reshape and the transpose are views.
    assert row.bytes == 3 * 16 * 8


def test_the_table_is_printed_and_adds_up(capsys):
    mg.Graph(rnn(7)).summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == "scope gates output parameters forward flops backward flops bytes".split()
    assert len({len(line) for line in lines}) == 1
    body = [line.split() for line in lines[2:-2]]
    total = lines[-1].split()
    assert total[0] == "total"
    for column in (-1, -2, -3):
        assert sum(int(row[column].replace(",", "")) for row in body) == int(total[column].replace(",", ""))


def test_a_shared_parameter_is_counted_once_in_the_total(capsys):
    W = mg.Tensor(np.eye(3), requires_grad=True)
    with mg.scope("one"):
        h = mg.tanh(W @ W)
    with mg.scope("two"):
        h = h @ W
    mg.Graph(h).summary()
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[4 if "(" in line else 2].replace(",", "")) for line in lines[2:-2]] == [9, 9]
    assert int(lines[-1].split()[2]) == 9
