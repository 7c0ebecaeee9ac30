"""Gradients that are added lazily equal those added at once."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.gradients import GradientSum, Product, SparseGradient, add, dense

SHAPE = (3, 2)


def sparse(*terms: Any, shape: Any = SHAPE) -> Any:
    return SparseGradient(shape, np.dtype(float), list(terms))


def gradients():
    """Return gradients of an array of shape (3, 2), in each form that a rule may return."""
    rng = np.random.default_rng(1)
    whole, other = rng.normal(size=(2, 3, 2))
    return {
        "array": whole,
        "other array": other,
        "broadcast": rng.normal(size=(5, 3, 2)),
        "of another batch": rng.normal(size=(4, 3, 2)),
        "product": Product(
            rng.normal(size=(4, 3)),
            rng.normal(size=(4, 2)),
        ),
        "sparse rows": sparse(
            (
                np.array([2, 0, 2]),
                rng.normal(size=(3, 2)),
            )
        ),
        "sparse slice": sparse((slice(1, 3), whole[1:])),
        "sparse element": sparse(((0, -1), np.array(2.0))),
        "sparse elements": sparse(
            (
                ([0, 2, 2], [1, 1, 1]),
                rng.normal(size=3),
            )
        ),
    }


def as_array(gradient):
    gradient = dense(gradient)
    return gradient.sum(axis=0) if gradient.ndim == 3 else gradient


@pytest.mark.parametrize(
    "first", ["array", "product", "sparse rows", "sparse slice", "sparse element"]
)
@pytest.mark.parametrize(
    "names",
    [*product(gradients(), repeat=2)],
    ids="-".join,
)
def test_add_gradients_of_all_forms_in_any_order(first, names):
    arrays = {name: as_array(gradient) for name, gradient in gradients().items()}
    expected = arrays[first] + arrays[names[0]] + arrays[names[1]]
    total = gradients()[first]
    for name in names:
        total = add(total, gradients()[name], SHAPE)
    assert total.shape == SHAPE
    assert dense(total).dtype == np.float64
    for _ in range(2):  # adding late happens once
        assert_allclose(total.dense(), expected, rtol=1e-12)
    again = add(total, gradients()["product"], SHAPE).dense()
    assert_allclose(again, expected + arrays["product"], rtol=1e-12)


def test_add_keeps_products_for_one_product_in_the_end():
    total = add(np.ones(SHAPE, "float32"), gradients()["product"], SHAPE)
    assert isinstance(total, GradientSum)
    assert add(total, gradients()["product"], SHAPE) is total
    assert len(total.products) == 2
    assert total.dense().dtype == np.float32


def test_add_tensors_by_gates():
    total = add(
        mg.Tensor([[1.0, 2.0]]),
        mg.Tensor(np.ones((3, 2))),
        (1, 2),
    )
    assert total.array.tolist() == [[4.0, 5.0]]


def test_add_names_the_rule_that_returned_a_wrong_shape():
    class _Narrow(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            return (dz[:2],)

    x = mg.Tensor(np.ones(3), requires_grad=True)
    # also when another gradient has arrived first
    for loss in (
        _Narrow()(x) + x,
        x + _Narrow()(x),
    ):
        with pytest.raises(mg.MinigradError, match=r"MG125.*_Narrow.*"):
            loss.sum().backward()


def test_sparse_gradient_of_lookup_stays_sparse_until_it_is_read():
    table: Any = mg.Tensor(np.ones((1000, 2)), requires_grad=True)
    mg.lookup(
        table,
        [[3, 5], [3, 9]],
    ).sum().backward()
    assert isinstance(table.node.grad, SparseGradient)
    assert table.grad[3].tolist() == [2, 2]
    assert table.grad.sum() == 8


def test_looks_at_a_sparse_gradient_between_passes_change_no_bit():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, (3, 40))
    upstream = rng.normal(size=(3, 40, 2)).astype("float32")

    def passes(look, numbers=range(3)):
        table: Any = mg.Tensor(np.ones((6, 2), "float32"), requires_grad=True)
        for number in numbers:
            mg.lookup(table, ids[number]).backward(upstream[number])
            look(table)
        return table.grad

    one, two, three = (passes(len, [number]) for number in range(3))
    expected = one + two + three  # in the order in which NumPy adds
    for look in (
        len,
        lambda table: table.node.grad.rows(),
        lambda table: table.node.grad.dense(),
        lambda table: table.grad,
    ):
        assert_array_equal(passes(look), expected)


def test_sparse_gradient_sums_its_rows_once():
    ids, values = np.array([2, 0]), np.array([[1.0], [4.0]])
    distinct = SparseGradient(
        (3, 1),
        values.dtype,
        [
            (
                ids,
                values,
            )
        ],
        coalesced=True,
    )
    assert distinct.rows() == (ids, values)  # the arrays themselves
    assert distinct.dtype == values.dtype
    gradient = sparse(
        (ids, values),
        (ids[:1], values[1:]),
        shape=(3, 1),
    )
    assert gradient.rows() is gradient.rows()
    for expected in (
        [[4.0], [1 + 4]],
        [[4 + 4], [5 + 1]],
    ):
        rows = [array.tolist() for array in gradient.rows()]
        assert rows == [[0, 2], expected]
        assert gradient.add(distinct) is gradient


@pytest.mark.parametrize(
    "shape",
    [(3, 0), (3, 2, 0), (3, 2), (3,), (0, 2), (0, 0)],
)
@pytest.mark.parametrize(
    "ids",
    [
        [],
        [2, 0, 2, -1],
        [
            [2],
            [2],
        ],
        [[], []],
    ],
)
def test_sparse_gradient_of_a_table_of_any_width(shape, ids):
    index = np.array(ids, int)[: None if shape[0] else 0]
    term = index, np.ones((*index.shape, *shape[1:]))
    gradient: Any = SparseGradient(shape, np.dtype("float32"), [term, term])
    expected = np.zeros(shape, "float32")
    np.add.at(expected, index, 2)
    assert_array_equal(gradient.dense(), expected, strict=True)
    numbers, rows = gradient.rows()
    assert_array_equal(numbers, np.unique(index % max(1, shape[0])))
    assert_array_equal(rows, expected[numbers])
