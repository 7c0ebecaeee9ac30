"""Tensors as NumPy users meet them: dtypes, operators, NumPy's own functions, and what is refused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.accumulator import SparseGradient, add
from minigrad.arrays import distinct_ids, sum_by_place
from minigrad.graph import Leaf

x32 = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "data, dtype",
    [
        (1, np.float32), (2.5, np.float32), ([1, 2], np.float32), ([True, False], bool), (np.float64(1), np.float64),
        (np.zeros(2, np.float64), np.float64), (np.zeros(2, np.int64), np.int64), (np.zeros(2, np.float16), np.float16),
    ],
)  # fmt: skip
def test_arrays_keep_their_dtype_and_lists_become_float32(data, dtype):
    assert mg.Tensor(data).dtype == dtype


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2)])
@pytest.mark.parametrize("operation", [np.add, np.subtract, np.multiply, np.divide, np.power])
def test_a_lone_number_never_widens(number, operation):
    for z in (operation(x32, number), operation(number, x32)):
        assert z.dtype == np.float32
    assert operation(mg.Tensor(np.ones(2)), number).dtype == np.float64


def test_operators_and_numpy_functions_record_the_same_gates():
    x = mg.Tensor(np.array([[0.5, 1.5], [2.5, 3.5]]), requires_grad=True)
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    pairs: list[tuple[Any, Any, str]] = [
        (x + a, np.add(x, a), "AddGate"), (a + x, np.add(a, x), "AddGate"), (a - x, np.subtract(a, x), "Subtract"),
        (a * x, np.multiply(a, x), "Hadamard"), (a / x, np.divide(a, x), "Divide"),
        (a @ x, np.matmul(a, x), "MultiplyGate"), (x**2, np.power(x, 2), "Power"),
        (2**x, np.power(2, x), "Power"), (-x, np.negative(x), "Negate"),
        (mg.tanh(x), np.tanh(x), "Tanh"), (mg.exp(x), np.exp(x), "Exp"), (mg.log(x), np.log(x), "Log"),
        (mg.sqrt(x), np.sqrt(x), "Sqrt"), (x.sum(axis=1), np.sum(x, axis=1), "Sum"), (x.mean(), np.mean(x), "Mean"),
        (x.max(axis=0), np.max(x, axis=0), "Max"), (x.reshape(4), np.reshape(x, 4), "Reshape"),
        (x.T, np.transpose(x), "Transpose"), (mg.concatenate([x, a]), np.concatenate([x, a]), "Concatenate"),
        (mg.stack([x, a]), np.stack([x, a]), "Stack"),
        (mg.where(a > 2, x, 0.0), np.where(a > 2, x, 0.0), "Where"),
        (x.swapaxes(0, 1), np.swapaxes(x, 0, 1), "Transpose"),
    ]  # fmt: skip
    for ours, numpys, gate in pairs:
        assert ours.node.gate.name == numpys.node.gate.name == gate
        np.testing.assert_array_equal(ours.array, numpys.array)
    plain = x.array
    product: Any = a @ x  # to NumPy's stubs an array
    np.testing.assert_array_equal(product.array, a @ plain)
    np.testing.assert_array_equal((2**x).array, 2**plain)
    np.testing.assert_array_equal(x.transpose(1, 0).array, plain.T)


@pytest.mark.parametrize("function", [np.sin, np.linalg.inv, np.cumsum, np.add.reduce, np.median])
def test_a_numpy_function_without_a_gate_is_named(function):
    with pytest.raises(TypeError, match=r"np\.[a-z.]*" + function.__name__) as caught:
        function(mg.Tensor(np.eye(2), requires_grad=True))
    assert isinstance(caught.value, mg.MinigradError) and caught.value.code == "MG118"


def test_out_is_refused_and_asarray_drops_no_gradient():
    x = mg.Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match="MG118.*out"):
        np.add(x, 1.0, out=np.zeros(1))
    with pytest.raises(TypeError, match="MG114"):
        np.asarray(x)
    np.testing.assert_array_equal(np.asarray(x.detach()), [1.0])


def test_comparisons_and_argmax_are_plain_arrays():
    x = mg.Tensor([1.0, 3.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(x > 1.5, [False, True, True])
    np.testing.assert_array_equal(2.0 >= x, [True, False, True])
    np.testing.assert_array_equal(x == x, [True] * 3)
    assert np.argmax(x) == 1
    assert len({x, x}) == 1


def test_conversion():
    assert float(mg.Tensor(2.5)) == 2.5 and int(mg.Tensor(2.5)) == 2 and mg.Tensor([[3.0]]).item() == 3.0
    assert bool(mg.Tensor(0.0)) is False
    assert len(x32) == 2 and [row.array.tolist() for row in x32] == [[1, 2], [3, 4]]
    assert (x32.shape, x32.ndim, x32.size) == ((2, 2), 2, 4)


def test_repr_tells_what_it_is():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    assert repr(x) == "Tensor([1., 2.], name='x', requires_grad=True)"
    assert repr(x * 2.0) == "Tensor([2., 4.], made by Hadamard)"
    assert "dtype=float64" in repr(mg.Tensor(np.ones(1)))
    assert "..." in repr(mg.Tensor(np.ones((100, 100))))


@pytest.mark.parametrize(
    "make, code",
    [
        (lambda: mg.Tensor("review"), "MG110"), (lambda: mg.Tensor([1j]), "MG110"), (lambda: mg.Tensor(x32), "MG111"),
        (lambda: mg.Tensor([[1, 2], [3]]), "MG103"), (lambda: mg.Tensor(None), "MG110"),
        (lambda: mg.Tensor(np.arange(3), requires_grad=True), "MG112"),
        (lambda: mg.Tensor(np.ones(3, np.float16), requires_grad=True), "MG112"),
        (lambda: x32 + "a", "MG110"), (lambda: mg.lookup(x32, [0.5]), "MG117"), (lambda: mg.concatenate([]), "MG142"),
    ],
)  # fmt: skip
def test_refused_data(make, code):
    with pytest.raises(mg.MinigradError) as caught:
        make()
    assert caught.value.code == code and caught.value.remedy


def test_assigning_another_shape():
    x = mg.Tensor([1.0, 2.0], name="bias")
    with pytest.raises(mg.MinigradError, match=r"MG104.*bias.*\(2,\).*\(3,\)"):
        x.array = np.ones(3)
    with pytest.raises(mg.MinigradError, match="MG105"):
        x.grad = np.ones(3)


def test_freezing_a_parameter():
    W = mg.Tensor([2.0], requires_grad=True)
    x = mg.Tensor([3.0], requires_grad=True)
    W.requires_grad = False
    (W * x).sum().backward()
    assert W.grad is None and x.grad == 2.0


numbers = st.floats(-10, 10, width=32)


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3),
    st.sampled_from([np.add, np.subtract, np.multiply]),
    st.integers(0, 2**31),
)
def test_broadcasting_gradients_are_the_transpose_of_the_derivative(shapes, operation, seed):
    # For f linear in a: <f(a'), dz> - <f(0), dz> = <a', da>, for any direction a'.
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=shape) for shape in shapes.input_shapes)
    A, B = mg.Tensor(a, requires_grad=True), mg.Tensor(b, requires_grad=True)
    z = operation(A, B)
    dz = rng.normal(size=shapes.result_shape)
    z.backward(dz)
    assert A.grad is not None and B.grad is not None
    assert A.grad.shape == a.shape and B.grad.shape == b.shape
    direction = rng.normal(size=a.shape)
    along = np.sum((operation(a + direction, b) - operation(a, b)) * dz)
    np.testing.assert_allclose(np.sum(direction * A.grad), along, rtol=1e-9, atol=1e-9)


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


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
@pytest.mark.parametrize("kind", ["each once", "one alone", "few, often", "as in a text", "many"])
def test_sums_by_place_agree_with_add_at_however_often_places_come(kind, shape):
    rng = np.random.default_rng(3)
    place = {
        "each once": rng.permutation(50),
        "one alone": np.zeros(70, int),
        "few, often": np.concatenate([np.arange(3), rng.integers(0, 3, 500)]),
        "as in a text": np.concatenate([np.arange(100), np.minimum(rng.zipf(1.3, 900) - 1, 99)]),
        "many": np.concatenate([rng.permutation(70_000), rng.integers(0, 70_000, 9)]),  # more than 16 bits tell apart
    }[kind]
    values = rng.normal(size=(len(place), *shape))
    expected = np.zeros((place.max() + 1, *shape))
    np.add.at(expected, place, values)
    np.testing.assert_allclose(sum_by_place(place, len(expected), values), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("below", [10, 1_000, 100_000])
def test_distinct_ids_put_together_again_are_the_ids(below):
    ids = np.random.default_rng(4).integers(0, below, (20, 5))
    distinct, place = distinct_ids(ids, below)
    np.testing.assert_array_equal(distinct[place], ids)
    assert distinct.tolist() == sorted(set(ids.ravel().tolist()))


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
