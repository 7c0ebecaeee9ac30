"""Gradients added up lazily are what adding them up at once gives."""

from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad.gradients import GradientSum, Product, SparseGradient, add, dense
from minigrad.graph import Leaf


def sparse(shape, *terms):
    return SparseGradient(shape, np.dtype(float), list(terms))


def gradients():
    """Gradients of an array of shape (3, 2), in each form that a rule may give."""
    rng = np.random.default_rng(1)
    whole, other = rng.normal(size=(2, 3, 2))
    factors = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    return {
        "array": whole,
        "other array": other,
        "broadcast": rng.normal(size=(5, 3, 2)),
        "of another batch": rng.normal(size=(4, 3, 2)),
        "product": Product(*factors),
        "rows": sparse((3, 2), (np.array([2, 0, 2]), rng.normal(size=(3, 2)))),
        "slice": sparse((3, 2), (slice(1, 3), whole[1:])),
        "element": sparse((3, 2), ((0, -1), np.array(2.0))),
        "elements": sparse((3, 2), (([0, 2, 2], [1, 1, 1]), rng.normal(size=3))),
    }


def as_array(gradient):
    gradient = dense(gradient)
    return gradient.sum(axis=0) if gradient.ndim == 3 else gradient


@pytest.mark.parametrize("first", ["array", "product", "rows", "slice", "element"])
@pytest.mark.parametrize("names", list(product(gradients(), repeat=2)), ids="-".join)
def test_gradients_of_all_forms_add_up_in_any_order(first, names):
    expected = sum(as_array(gradients()[name]) for name in (first, *names))
    total = gradients()[first]
    for name in names:
        total = add(total, gradients()[name], (3, 2))
    assert (total.shape, dense(total).dtype) == ((3, 2), np.float64)
    for _ in range(2):  # what is added up late is added up once
        np.testing.assert_allclose(total.dense(), expected, rtol=1e-12)
    again = add(total, gradients()["product"], (3, 2)).dense()
    np.testing.assert_allclose(
        again, expected + as_array(gradients()["product"]), rtol=1e-12
    )


def test_a_lookup_gradient_stays_sparse_until_it_is_read():
    table = mg.Tensor(np.ones((1000, 2)), requires_grad=True)
    mg.lookup(table, [[3, 5], [3, 9]]).sum().backward()
    assert isinstance(table.node, Leaf) and isinstance(table.node.grad, SparseGradient)
    assert (
        table.grad is not None
        and table.grad[3].tolist() == [2, 2]
        and table.grad.sum() == 8
    )


def test_a_wrong_shape_is_the_rule_s_fault_also_when_something_has_arrived_before():
    class _Narrow(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            return (dz[:2],)

    x = mg.Tensor(np.ones(3), requires_grad=True)
    for loss in (_Narrow()(x) + x, x + _Narrow()(x)):
        with pytest.raises(mg.MinigradError, match=r"MG125.*_Narrow.*"):
            loss.sum().backward()


def test_the_rows_of_a_sparse_gradient_are_summed_once():
    ids, values = np.array([2, 0]), np.array([[1.0], [4.0]])
    given = SparseGradient((3, 1), values.dtype, [(ids, values)], coalesced=True)
    # the arrays themselves, since their rows are said to be distinct
    assert given.rows() == (ids, values) and given.dtype == values.dtype
    gradient = sparse((3, 1), (ids, values), (ids[:1], values[1:]))
    first = gradient.rows()
    assert first is not None and gradient.rows() is first
    for expected in ([[4.0], [1 + 4]], [[4 + 4], [5 + 1]]):
        found = gradient.rows()
        assert (
            found is not None
            and found[0].tolist() == [0, 2]
            and found[1].tolist() == expected
        )
        assert gradient.add(given) is gradient


def test_products_are_kept_for_one_product_in_the_end():
    total = add(np.ones((3, 2), "float32"), gradients()["product"], (3, 2))
    assert isinstance(total, GradientSum)
    assert (
        add(total, gradients()["product"], (3, 2)) is total and len(total.products) == 2
    )
    assert total.dense().dtype == np.float32


def test_tensors_are_added_by_gates():
    total = add(mg.Tensor([[1.0, 2.0]]), mg.Tensor(np.ones((3, 2))), (1, 2))
    assert total.array.tolist() == [[4.0, 5.0]]


@pytest.mark.parametrize("shape", [(3, 0), (3, 2, 0), (3, 2), (3,), (0, 2), (0, 0)])
@pytest.mark.parametrize("ids", [[], [2, 0, 2, -1], [[2], [2]], [[], []]])
def test_rows_of_a_table_of_any_width(shape, ids):
    index = np.array(ids, int)[: None if shape[0] else 0]
    term = index, np.ones((*index.shape, *shape[1:]))
    gradient = SparseGradient(shape, np.dtype("float32"), [term, term])
    expected = np.zeros(shape, "float32")
    np.add.at(expected, index, 2)
    np.testing.assert_array_equal(gradient.dense(), expected, strict=True)
    rows = gradient.rows()
    assert rows is not None
    np.testing.assert_array_equal(rows[0], np.unique(index % max(1, shape[0])))
    np.testing.assert_array_equal(rows[1], expected[rows[0]])
