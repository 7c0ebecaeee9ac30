"""Tensors: dtypes of their data and results, updates in place, and data that is refused."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad import numpy_api


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "float32"),
        (2.5, "float32"),
        ([1, 2], "float32"),
        ([True, False], "bool"),
        (np.float64(1), "float64"),
        (np.zeros(2), "float64"),
        (np.zeros(2, "int64"), "int64"),
        (np.zeros(2, "float16"), "float16"),
    ],
)
def test_dtype_of_arrays_and_lists(data, dtype):
    assert mg.Tensor(data).dtype == dtype


@pytest.mark.parametrize("number", [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2)])
@pytest.mark.parametrize("operation", [np.add, np.subtract, np.multiply, np.divide, np.power])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dtype_is_kept_beside_a_number(number, operation, dtype):
    x = mg.Tensor(np.ones(2, dtype))
    assert operation(x, number).dtype == dtype
    assert operation(number, x).dtype == dtype


WHOLE = [
    np.array([True, False]),
    np.array([1, -3], "int8"),
    np.array([1, 200], "uint8"),
    np.array([1, -3], "int32"),
    np.array([1, -3], "int64"),
]


@pytest.mark.parametrize("array", WHOLE, ids=lambda array: array.dtype.name)
@pytest.mark.parametrize(
    "other",
    [
        2,
        True,
        np.int64(300),
        np.float64(0.1),
        np.array([2, 300]),
        np.array([True, True]),
    ],
)
@pytest.mark.parametrize(
    "operation", [np.add, np.multiply, np.divide, np.maximum, np.less, np.equal]
)
@np.errstate(divide="ignore")
def test_integers_and_booleans_combine_as_in_numpy(array, other, operation):
    x = mg.Tensor(array)
    others = [other, mg.Tensor(other)] if np.ndim(other) else [other]
    for beside in others:
        expected = operation(array, other)
        found = numpy_api.to_array(operation(x, beside))
        assert_array_equal(found, expected, strict=True)
        expected = operation(other, array)
        found = numpy_api.to_array(operation(beside, x))
        assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda t: t + 1, np.array([2, 1])),
        (lambda t: t / 2, np.array([0.5, 0], "float32")),
        (lambda t: 3 - t, np.array([2, 3])),
        (lambda t: t**2, np.array([1, 0])),
        (lambda t: t * 0.5, np.array([0.5, 0], "float32")),
    ],
)
def test_numbers_beside_booleans_by_hand(function, expected):
    z = function(mg.Tensor([True, False]))
    assert_array_equal(z.array, expected)
    assert z.dtype.kind == expected.dtype.kind


# docs/errors.md has the first case of each code.


@pytest.fixture
def x() -> Any:
    return mg.Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (
            lambda x: (2 * x).backward([[1], [1, 2]]),
            "MG103",
        ),
        (lambda x: -mg.Tensor([True]), "MG106"),
        (lambda x: mg.Tensor(WHOLE[4]) ** (-1), "MG106"),
        (lambda x: mg.Tensor([1j]), "MG110"),
        (lambda x: mg.Tensor(None), "MG110"),
        (
            lambda x: mg.Tensor(np.array([1j]), dtype="float32"),
            "MG110",
        ),
        (
            lambda x: setattr(x, "grad", np.array([1j, 1j])),
            "MG110",
        ),
        (
            lambda x: mg.Tensor(WHOLE[1]) + np.complex64(1j),
            "MG110",
        ),
        (
            lambda x: x + "a",
            "MG110",
        ),
        (
            lambda x: mg.Tensor(np.ones(3, "float16"), requires_grad=True),
            "MG112",
        ),
    ],
)
def test_data_is_refused(x, call, code):
    with pytest.raises(mg.MinigradError, match=code):
        call(x)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x * 10**5000,
        lambda x: mg.Tensor([300], dtype="int8"),
    ],
)
def test_number_too_large_for_its_dtype_is_refused(x, call):
    with pytest.raises(OverflowError, match="MG175.*does not fit into (int8|float32)"):
        call(x)


@pytest.mark.parametrize(
    "use",
    [
        lambda x, m: mg.Tensor([m]),
        lambda x, m: mg.tanh(m),
        lambda x, m: x * m,
        lambda x, m: mg.where(m > 1, x, 0.0),
        lambda x, m: mg.lookup(x, m.astype(int)),
        lambda x, m: mg.softmax_cross_entropy(np.ones((2, 3)), m.astype(int)),
        lambda x, m: setattr(x, "grad", m),
        lambda x, m: (2 * x).backward(m),
    ],
)
def test_masked_arrays_are_refused(x, use):
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    with pytest.raises(mg.MinigradError, match="(?s)MG172.*filled"):
        use(x, masked)


def test_subclass_gives_tensors():
    class Named(mg.Tensor):
        __slots__ = ()

    x = Named([1.0, 2.0], requires_grad=True)
    z = mg.tanh(x) * x + x
    assert type(z) is mg.Tensor
    z.sum().backward()
    assert x.grad is not None


def test_update_refuses_a_function_that_returns_a_new_tensor(x):
    with pytest.raises(mg.MinigradError, match="(?s)MG171.*in place"):
        x.update(mg.Tensor)
    assert x.array.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.multiply(a, 0, out=a),
        lambda a: a.fill(0.0),
        lambda a: a.__imul__(0)[:],
    ],
)
def test_update_in_place(x, function):
    x.update(function)
    assert x.array.tolist() == [0.0, 0.0]


def test_gradients_of_leaves_are_arrays_of_their_own():
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    w = mg.Tensor([[1.0], [-1.0]], requires_grad=True)
    v = mg.Tensor([[2.0], [5.0]], requires_grad=True)
    z = x @ w + v
    dz = np.ones((2, 1), np.float32)
    z.backward(dz)
    first = [np.asarray(one.grad) for one in (x, w, v)]
    z.backward(dz)
    second = [np.asarray(one.grad) for one in (x, w, v)]
    assert first[1].tolist() == [[4.0], [6.0]]  # xᵀ @ dz
    assert second[1].tolist() == [[8.0], [12.0]]
    assert first[2].tolist() == dz.tolist()
    for a, b in combinations([dz, *first, *second], 2):
        assert not np.shares_memory(a, b)
