"""A table catches up with pending updates before it is read: a lookup's rows, or all rows.

What optimizers leave pending, and how they catch up, is in tests/optim/test_lazy.py.
"""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import RNN
from minigrad.gates.rows import ids_of
from minigrad.gates.table import Table, make_table


class AddsOne:
    """Pending updates that add 1 to each row, once, and note the rows that were asked for."""

    def __init__(self, table):
        self.table = table
        self.left = np.ones((len(table.stored), 1))
        self.asked = []

    def catch_up(self, rows):
        rows = range(len(self.left)) if rows is None else np.unique(rows).tolist()
        self.asked.append([*rows])
        stored = self.table.stored.copy()
        stored[rows] += self.left[rows]
        self.table.stored = stored
        self.left[rows] = 0


@pytest.fixture
def table():
    tensor = make_table(np.zeros((5, 2)))
    assert isinstance(tensor.node, Table)
    tensor.node.pending = AddsOne(tensor.node)
    return tensor


def test_lookup_catches_up_with_its_rows(table):
    rows = mg.lookup(table, [3, 1, 3])
    assert_array_equal(rows.array, np.ones((3, 2)))
    assert table.node.pending.asked == [[1, 3]]
    assert_array_equal(table.node.stored[:, 0], [0, 1, 0, 1, 0])


@pytest.mark.parametrize(
    "read",
    [
        lambda table: table.array,
        lambda table: (table * 1.0).array,
        lambda table: mg.cut(table).array,
    ],
)
def test_other_reads_catch_up_with_the_whole_table(table, read):
    assert_array_equal(read(table), np.ones((5, 2)))


def test_shape_dtype_and_repr_do_not_catch_up(table):
    assert table.shape == (5, 2)
    assert (table.ndim, table.size) == (2, 10)
    assert table.dtype == np.float64
    assert repr(table.node).startswith("<Table #")
    assert table.node.pending.asked == []


def test_update_and_assignment_catch_up_first(table):
    table.update(lambda array: np.multiply(array, 3, out=array))
    assert_array_equal(table.array, np.full((5, 2), 3.0))
    table.node.pending = AddsOne(table.node)
    table.array = np.full((5, 2), 7.0)
    assert_array_equal(table.array, np.full((5, 2), 7.0))


def test_lookup_refuses_ids(table):
    with pytest.raises(mg.MinigradError, match="MG141"):
        mg.lookup(table, [5])
    with pytest.raises(mg.MinigradError, match="MG117"):
        mg.lookup(table, [0.5])


# A fused layer looks up the rows itself, by the ids of the lookup that made its input.


@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
def test_lookup_keeps_its_ids_when_the_tensor_of_ids_changes(recording):
    table: Any = make_table(np.arange(8.0).reshape(4, 2), dtype="float32")
    rnn = RNN(2, 3, fused=True)
    with recording():
        ids = mg.Tensor(np.array([[1, 3]]))
        rows = mg.lookup(table, ids)
        ids.array = np.array([[0, 0]])
        found = rnn(rows)
        expected = rnn(
            np.array(
                [
                    [
                        [2, 3],
                        [6, 7],
                    ]
                ],
                "float32",
            )
        )
    assert_allclose(found.array, expected.array, rtol=1e-6)
    if found.requires_grad:
        found.sum().backward()
        assert np.flatnonzero(table.grad.any(axis=1)).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "array",
            [[1.0]],
        ),
        ("requires_grad", True),
    ],
)
def test_lookup_s_ids_are_forgotten_when_the_rows_change(name, value):
    with mg.no_grad():
        rows = mg.lookup(make_table([[5.0], [6.0]]), [1])
        assert ids_of(rows) is not None
        setattr(rows, name, value)
        assert ids_of(rows) is None
