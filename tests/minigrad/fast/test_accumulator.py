"""Gradients added up lazily are what adding them up at once gives."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.backward import transposed_product
from minigrad.fast.accumulator import SparseGradient, _is_basic, add
from minigrad.graph import Leaf
from tests.layouts import LAYOUTS


@given(
    st.lists(st.integers(-5, 4), max_size=40),
    st.integers(0, 2**31),
    st.sampled_from([*LAYOUTS.values()]),
)
def test_rows_and_dense_of_a_sparse_gradient_agree_with_add_at(ids, seed, layout):
    rng = np.random.default_rng(seed)
    index = np.array(ids, dtype=np.int64)
    values = rng.normal(size=(len(ids), 3))
    expected = np.zeros((5, 3))
    np.add.at(expected, index, values)
    index, values = layout(index), layout(values)
    halves = [slice(4), slice(4, None)]
    first, second = (
        SparseGradient((5, 3), np.dtype(float), [(index[half], values[half])]) for half in halves
    )
    pieces = add(first, second, (5, 3))
    np.testing.assert_allclose(pieces.dense(), expected, atol=1e-12)
    rows, sums = pieces.rows()
    assert sorted(rows.tolist()) == sorted({i % 5 for i in ids})
    np.testing.assert_allclose(sums, expected[rows], atol=1e-12)


def test_sparse_gradients_meet_arrays():
    table = mg.Tensor(np.ones((4, 2)), requires_grad=True)
    pieces = mg.lookup(table, [1, 1]).sum() + table[1:, 0].sum()
    (table[0, 1] + pieces + (table * table).sum() + table[0, 1]).backward()
    np.testing.assert_array_equal(table.grad, [[2, 4], [5, 4], [3, 2], [3, 2]])
    mg.lookup(table, [0]).sum().backward()
    assert table.grad is not None
    np.testing.assert_array_equal(table.grad[0], [3, 5])
    element = SparseGradient((2, 2), np.dtype("float32"), [((0, 1), np.ones((), "float32"))])
    assert element.dense().dtype == np.float32


@pytest.mark.fast
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


def test_a_bias_may_meet_batches_of_several_sizes():
    b = mg.Tensor(np.zeros(3), requires_grad=True)
    loss = mg.Tensor(0.0)
    for size in (2, 5, 5, 4):
        loss = loss + ((b + np.ones((size, 3))) * size).sum()
    loss.backward()
    np.testing.assert_array_equal(b.grad, [2 * 2 + 5 * 5 + 5 * 5 + 4 * 4] * 3)


@pytest.mark.fast
def test_what_is_added_up_late_is_added_up_once():
    rng = np.random.default_rng(0)
    first, row = (rng.normal(size=size).astype("float32") for size in ((1, 2), (3, 2)))
    pairs = [(rng.normal(size=(size, 1)), rng.normal(size=(size, 2))) for size in (4, 4, 5)]
    total = add(first, row, (1, 2))
    for pair in pairs:
        assert add(total, partial(transposed_product, *pair), (1, 2)) is total
    assert len(total.factors) == len(pairs)  # one product in the end
    assert (total.shape, total.dtype) == (first.shape, first.dtype)
    expected = first + row.sum(axis=0) + sum(a.T @ dz for a, dz in pairs)
    for _ in range(2):
        np.testing.assert_allclose(total.dense(), expected, rtol=1e-5)
    a, dz = pairs[0]
    again = add(total, partial(transposed_product, a, dz), (1, 2))
    np.testing.assert_allclose(again.dense(), expected + a.T @ dz, rtol=1e-5)


@pytest.mark.fast
def test_the_rows_of_a_sparse_gradient_are_summed_once():
    ids, values = np.array([2, 0]), np.array([[1.0], [4.0]])
    given = SparseGradient((3, 1), values.dtype, [(ids, values)], coalesced=True)
    # the arrays themselves, since their rows are said to be distinct
    assert given.rows() == (ids, values)
    gradient = SparseGradient((3, 1), values.dtype, [(ids, values), (ids[:1], values[1:])])
    first = gradient.rows()
    assert first is not None and gradient.rows() is first
    for expected in ([[4.0], [1 + 4]], [[4 + 4], [5 + 1]]):
        found = gradient.rows()
        assert found is not None and found[0].tolist() == [0, 2] and found[1].tolist() == expected
        gradient.extend(given)


@pytest.mark.parametrize("shape", [(3, 0), (3, 2, 0), (3, 2), (3,), (0, 2), (0, 0)])
@pytest.mark.parametrize("ids", [[], [2, 1, 2], [[2], [2]], [[], []]])
def test_rows_of_a_table_of_any_width(shape, ids):
    index = np.array(ids, int)
    if not shape[0]:
        index = index[:0]
    gradient = SparseGradient(
        shape, np.dtype(float), [(index, np.ones((*index.shape, *shape[1:])))] * 2
    )
    expected = np.zeros(shape)
    np.add.at(expected, index, 2)
    np.testing.assert_array_equal(gradient.dense(), expected)
    rows = gradient.rows()
    assert rows is not None
    np.testing.assert_array_equal(rows[1], expected[rows[0]])


@pytest.mark.parametrize(
    "shape", [((3, 2), (2, 0)), ((3, 0), (0, 2)), ((0, 2), (2, 2)), ((3, 2), (2, 2))]
)
@pytest.mark.parametrize("ids", [[], [2, 1, 2], [[2], [2]], [[], []]])
def test_product_with_looked_up_rows_of_any_width(shape, ids):
    index = np.array(ids, int) if shape[0][0] else np.zeros((0, 2), int)
    table, W, b = leaves = [
        mg.Tensor(np.ones(size), requires_grad=True) for size in (*shape, shape[1][1:])
    ]
    z = mg.LookupProduct()(table, index, W, b)
    again = table[index] @ W + b
    np.testing.assert_array_equal(z.array, again.array)
    fused, unfused = (mg.grad(form, leaves, upstream=np.ones(z.shape)) for form in (z, again))
    for one, other in zip(fused, unfused, strict=True):
        np.testing.assert_array_equal(one.array, other.array)


@pytest.mark.parametrize(
    "index",
    [
        1, np.int64(1), slice(1, 3), None, ..., (slice(1, 3), None), (..., 0), (0, slice(None), 1),
        True, [0, 1], np.array([0]), np.array([True, False, True, False]), (0, [1]), (slice(None), np.array([1])),
        (0, np.True_),
    ],
    ids=repr,
)  # fmt: skip
def test_an_index_is_basic_where_numpy_gives_a_view(index):
    whole = np.zeros((4, 3, 2))
    assert _is_basic(index) == np.shares_memory(whole, whole[index])
