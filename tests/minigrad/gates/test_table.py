"""A table catches up with its pending updates before it is read: rows for a look-up, everything for
everybody else.

What optimizers leave pending, and how they catch up, is in tests/optim/test_lazy.py.
"""

import numpy as np
import pytest

import minigrad as mg
from layers import RNN
from minigrad.gates.rows import ids_of
from minigrad.gates.table import Table, make_table


class AddsOne:
    """Pending updates that add 1 to each row, once, and note what they were asked for."""

    def __init__(self, table):
        self.table = table
        self.left = np.ones(len(table.stored))
        self.asked = []

    def catch_up(self, rows):
        self.asked.append(
            None if rows is None else sorted(set(np.ravel(rows).tolist()))
        )
        late = slice(None) if rows is None else np.unique(rows)
        stored = self.table.stored.copy()
        stored[late] += self.left[late, None]
        self.table.stored, self.left[late] = stored, 0


@pytest.fixture
def table():
    tensor = make_table(np.zeros((5, 2)))
    assert isinstance(tensor.node, Table)
    tensor.node.pending = AddsOne(tensor.node)
    return tensor


def test_a_look_up_catches_up_with_its_rows_alone(table):
    rows = mg.lookup(table, [3, 1, 3])
    np.testing.assert_array_equal(rows.array, np.ones((3, 2)))
    assert table.node.pending.asked == [[1, 3]]
    np.testing.assert_array_equal(table.node.stored[:, 0], [0, 1, 0, 1, 0])


@pytest.mark.parametrize(
    "read", [lambda t: t.array, lambda t: (t * 1.0).array, lambda t: mg.cut(t).array]
)
def test_everything_else_catches_up_with_the_whole_table(table, read):
    np.testing.assert_array_equal(read(table), np.ones((5, 2)))


def test_shape_and_dtype_cost_nothing(table):
    assert (table.shape, table.ndim, table.size, table.dtype) == (
        (5, 2),
        2,
        10,
        np.float64,
    )
    assert repr(table.node).startswith("<Table #") and table.node.pending.asked == []


def test_changes_from_outside_work_on_what_is_up_to_date(table):
    table.update(lambda array: np.multiply(array, 3, out=array))
    np.testing.assert_array_equal(table.array, np.full((5, 2), 3.0))
    table.node.pending = AddsOne(table.node)
    table.array = np.full((5, 2), 7.0)
    np.testing.assert_array_equal(table.array, np.full((5, 2), 7.0))


def test_a_stray_id_leaves_the_table_alone(table):
    with pytest.raises(mg.MinigradError, match="MG141"):
        mg.lookup(table, [5])
    with pytest.raises(mg.MinigradError, match="MG117"):
        mg.lookup(table, [0.5])


@pytest.mark.parametrize("recording", [mg.enable_grad, mg.no_grad])
def test_rows_that_were_looked_up_by_ids_that_have_changed_since_are_still_those_rows(
    recording,
):
    # A fused layer goes back to the table for its rows: by the ids of the look-up, not by those of
    # now.
    table, rnn = (
        make_table(np.arange(8.0).reshape(4, 2), dtype="float32"),
        RNN(2, 3, fused=True),
    )
    with recording():
        ids = mg.Tensor(np.array([[1, 3]]))
        rows = mg.lookup(table, ids)
        ids.array = np.array([[0, 0]])
        found, expected = rnn(rows), rnn(np.array([[[2, 3], [6, 7]]], "float32"))
    np.testing.assert_allclose(found.array, expected.array, rtol=1e-6)
    if found.requires_grad:
        found.sum().backward()
        assert np.flatnonzero(np.any(table.grad, axis=1)).tolist() == [1, 3]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: setattr(rows, "array", rows.array * 2),
        lambda rows: setattr(rows, "requires_grad", True),
    ],
)
def test_looked_up_rows_that_were_changed_are_not_taken_for_the_tables(change):
    # A fused layer may go back to the table for the rows that it is given, if they are still what
    # was looked up.
    with mg.no_grad():
        rows = mg.lookup(make_table(np.arange(8.0).reshape(4, 2)), [1, 3])
        assert ids_of(rows) is not None
        change(rows)
        assert ids_of(rows) is None
