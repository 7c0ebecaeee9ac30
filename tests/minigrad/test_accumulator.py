"""Gradients added up lazily are what adding them up at once gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.accumulator import SparseGradient, add
from minigrad.graph import Leaf


@given(st.lists(st.integers(-5, 4), max_size=40), st.integers(0, 2**31))
def test_rows_and_dense_of_a_sparse_gradient_agree_with_add_at(ids, seed):
    rng = np.random.default_rng(seed)
    index = np.array(ids, dtype=np.int64)
    values = rng.normal(size=(len(ids), 3))
    expected = np.zeros((5, 3))
    np.add.at(expected, index, values)
    halves = [slice(4), slice(4, None)]
    first, second = (SparseGradient((5, 3), np.dtype(float), [(index[half], values[half])]) for half in halves)
    pieces = add(first, second, (5, 3))
    np.testing.assert_allclose(pieces.dense(), expected, atol=1e-12)
    rows, sums = pieces.rows()
    assert sorted(rows.tolist()) == sorted({i % 5 for i in ids})
    np.testing.assert_allclose(sums, expected[rows], atol=1e-12)


def test_sparse_gradients_meet_arrays():
    table = mg.Tensor(np.ones((4, 2)), requires_grad=True)
    (mg.lookup(table, [1, 1]).sum() + (table * table).sum() + table[1:, 0].sum()).backward()
    np.testing.assert_array_equal(table.grad, [[2, 2], [5, 4], [3, 2], [3, 2]])
    mg.lookup(table, [0]).sum().backward()
    assert table.grad is not None
    np.testing.assert_array_equal(table.grad[0], [3, 3])


@pytest.mark.appendix
def test_a_lookup_gradient_stays_sparse_until_it_is_read():
    table = mg.Tensor(np.ones((1000, 2)), requires_grad=True)
    mg.lookup(table, [[3, 5], [3, 9]]).sum().backward()
    assert isinstance(table.node, Leaf) and isinstance(table.node.grad, SparseGradient)
    rows = table.node.grad.rows()
    assert rows is not None and sorted(rows[0].tolist()) == [3, 5, 9]
    assert table.grad is not None
    assert table.grad[3].tolist() == [2, 2] and table.grad.sum() == 8


def test_a_wrong_shape_is_the_rule_s_fault_also_when_something_has_arrived_before():
    class Narrow(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            return (dz[:2],)

    try:
        x = mg.Tensor(np.ones(3), requires_grad=True)
        with pytest.raises(mg.MinigradError, match=r"MG125.*Narrow.*\(3,\) came out as \(2,\)"):
            (Narrow()(x) + x).sum().backward()
        with pytest.raises(mg.MinigradError, match=r"MG125.*Narrow"):
            (x + Narrow()(x)).sum().backward()
    finally:
        del mg.GATES["Narrow"]
