"""NumPy's functions, operators, methods and conversions on a Tensor."""

import operator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.gates.table import Table
from minigrad.tensor import from_node

VALUES = np.array([[0.5, -1.5], [2.0, -0.25]])


def parameter(values=VALUES):
    return mg.Tensor(values, requires_grad=True)


# NumPy's functions


@pytest.mark.parametrize(
    "function",
    [
        abs,
        np.tanh,
        np.cumsum,
        lambda x: np.sqrt(abs(x)),
        lambda x: -x * 2 - 1 + +x,
        lambda x: x / 2 @ x**2,
        lambda x: 2.0**x,
        lambda x: np.clip(x, -1, 1),
        lambda x: np.clip(x, a_min=None, a_max=1.0),
        lambda x: np.maximum(x, 0),
        lambda x: np.maximum(x[:1], x[:, :1]),
        lambda x: np.where([True, False], x, 0),
        lambda x: x.sum(axis=1, keepdims=True),
        lambda x: x.max(axis=-1),
        lambda x: x.min(),
        lambda x: x.var(
            axis=(0, 1),
            ddof=1,
            keepdims=True,
        ),
        lambda x: x.std(ddof=1),
        lambda x: np.einsum("ij->j", x),
        lambda x: np.einsum("ij,ij,jk", x, x, x),
        lambda x: np.einsum("...i->...", x),
        lambda x: np.einsum("ii", x),
        lambda x: np.pad(
            x,
            [(1, 0), (2, 3)],
            mode="constant",
        ),
        lambda x: np.pad(
            x[0],
            np.array([1, 2]),
        ),
        lambda x: np.pad(x, (0, 1), constant_values=7),
        lambda x: np.stack(np.split(x, [1], axis=1)),
        lambda x: np.concatenate(np.split(x, [-1, 1, 5])),
        lambda x: np.concatenate([x, 2 * x[0]], axis=None),
        lambda x: np.expand_dims(x[0, 0], (0, 1)),
        lambda x: x[:1].squeeze(0),
        lambda x: x[[]],
        lambda x: np.take_along_axis(x, np.argsort(x, axis=0), 0),
        lambda x: np.take_along_axis(
            x,
            np.array([3, -4, 0, 3]),
            None,
        ),
        lambda x: np.take_along_axis(
            x,
            np.array([[0, -1, 0]]),
            axis=1,
        ),
        lambda x: x.reshape(1, -1).T,
        lambda x: x.transpose(-1, -2),
        lambda x: x.transpose((0, 1)),
        lambda x: x[None].transpose(0, 1, 2),
        lambda x: np.swapaxes(x, 0, 1),
        lambda x: np.broadcast_to(x, (3, 2, 2)),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_equal_numpys(function, dtype):
    array = VALUES.astype(dtype)
    expected = function(array)
    z = function(parameter(array))
    rtol = 1e-15 if dtype == "float64" else 1e-6
    assert_allclose(z.array, expected, rtol=rtol)
    assert z.shape == np.shape(expected)
    assert z.dtype == expected.dtype
    assert z.requires_grad


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "matmul"])
def test_operators_on_an_array_and_a_tensor(name):
    function = getattr(operator, name)
    a, b = VALUES, 2 * VALUES.T
    expected = function(a, b)
    assert_array_equal(function(a, parameter(b)).array, expected)
    assert_array_equal(function(parameter(a), b).array, expected)


@pytest.mark.parametrize(
    "function",
    [
        np.arcsin,
        np.linalg.inv,
        np.cumprod,
        np.add.reduce,
        np.median,
    ],
)
def test_function_without_a_gate_is_refused(function):
    with pytest.raises(TypeError, match=rf"MG118.*np\.[a-z.]*{function.__name__}"):
        function(parameter(np.eye(2)))


def test_out_is_refused():
    with pytest.raises(TypeError, match="MG118.*out"):
        np.add(parameter(), 1.0, out=np.zeros(1))


# docs/errors.md has the first case of most codes.
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x: np.pad(x, 1, mode="edge"),
            "MG118.*mode='edge'",
        ),
        (
            lambda x: np.einsum(x, [0, 1]),
            "MG118.*lists",
        ),
        (
            lambda x: mg.split(x, 1, axis=2),
            "MG107",
        ),
        (
            lambda x: x.sum(axis=0.5),
            "MG107",
        ),
        (
            lambda x: x.sum((0, 0)),
            "MG107.*repeated",
        ),
        (
            lambda x: x[0, 0].sum(axis=0),
            "MG107",
        ),
        (
            lambda x: x[0, 0].softmax(),
            "MG107",
        ),
        (
            lambda x: x.transpose(2**70, 0),
            "MG109.*swapaxes",
        ),
        (
            lambda x: x.transpose(0, 0),
            "MG109",
        ),
        (
            lambda x: x.reshape(2**70),
            "MG109",
        ),
        (
            lambda x: np.pad(x, -1),
            "MG109",
        ),
        (
            lambda x: np.concatenate([x, x[0]]),
            "MG109.*dimension",
        ),
        (
            lambda x: mg.stack([]),
            "MG109.*at least one input",
        ),
        (
            lambda x: x.squeeze(0),
            r"MG109.*squeeze cannot use axis=0 .*\(2, 2\)",
        ),
        (
            lambda x: np.expand_dims(x, 4),
            "MG109.*expand_dims cannot use axis=4",
        ),
        (
            lambda x: x.astype(complex),
            "MG110.*complex",
        ),
        (
            lambda x: x.astype("int64"),
            "MG112.*int64",
        ),
        (
            lambda x: x[0, 0].var(ddof=1),
            "MG116.*ddof=1",
        ),
        (
            lambda x: x[0:1.5],
            "MG140",
        ),
        (
            lambda x: x.clip(),
            "MG146",
        ),
        (
            lambda x: x.clip(x[0, 0]),
            "MG146",
        ),
        (
            lambda x: x.transpose(np.int64(-2), -1),
            "MG168.*swapaxes",
        ),
        (
            lambda x: mg.split(x, 1, axis=1),
            "MG174",
        ),
        (
            lambda x: np.split(x, 0),
            "MG176",
        ),
        (
            lambda x: mg.take_along_axis(x, [4], None),
            "out of bounds",
        ),
        (
            lambda x: mg.take_along_axis(x, [[0.0]]),
            "integer",
        ),
        (lambda x: x[0, 0].cumsum(0), "MG107"),
        (lambda x: x.size(), "MG129"),
    ],
)
def test_arguments_are_refused(call, message):
    errors = mg.MinigradError if "MG" in message else IndexError
    with pytest.raises(errors, match=f"(?s){message}"):
        call(parameter())


@pytest.mark.parametrize(
    "split",
    [
        lambda x: mg.split(x, 2),  # into 2 parts, or into parts of size 2
        lambda x: mg.split(x, [2]),
        lambda x: mg.split(x, range(2, 4, 2)),
        lambda x: np.split(x, 2),
    ],
)
def test_split(split: Any):
    x = np.arange(12.0).reshape(4, 3)
    first, second = split(mg.Tensor(x))
    assert_array_equal(first.array, x[:2])
    assert_array_equal(second.array, x[2:])


def test_split_as_the_error_advises():
    x: Any = mg.Tensor(np.arange(6.0))
    parts: Any = np.split(x, 3)
    three_parts = [part.array.tolist() for part in parts]
    assert three_parts == [[0, 1], [2, 3], [4, 5]]
    parts_of_3 = [
        part.array.tolist()
        for part in mg.split(
            x,
            range(3, 6, 3),
        )
    ]
    assert parts_of_3 == [[0, 1, 2], [3, 4, 5]]


def test_astype_is_recorded():
    x = parameter()
    y = x.astype("float32")
    (y * y).sum().backward()
    assert y.dtype == np.float32
    assert_allclose(x.grad, 2 * VALUES, strict=True)
    with mg.no_grad():
        assert x.astype("int64").array.tolist() == [[0, -1], [2, 0]]


# Conversions and comparisons


def test_asarray_of_a_detached_tensor():
    assert_array_equal(np.asarray(parameter().detach()), VALUES)


def test_comparisons_and_argmax_give_plain_arrays():
    x = parameter([1.0, 3.0, 2.0])
    assert_array_equal(x > 1.5, [False, True, True])
    assert_array_equal(2.0 >= x, [True, False, True])
    assert (x == x).all()
    assert len({x, x}) == 1
    assert np.argmax(x) == x.argmax() == np.argmax(a=x) == 1
    assert np.allclose(x.array, b=x)


def test_float_int_bool_len_and_iteration():
    assert float(mg.Tensor(2.5)) == 2.5
    assert int(mg.Tensor(2.5)) == 2
    assert bool(mg.Tensor(0.0)) is False
    x = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    assert [row.array.tolist() for row in x] == [[1, 2], [3, 4]]
    assert len(x) == x.ndim == 2
    assert (x.shape, x.size) == ((2, 2), 4)


def test_repr_format_and_round():
    x: Any = mg.Tensor([1.23456, 2.0], requires_grad=True, name="x")
    assert repr(x) == "Tensor([1.2346, 2.    ], name='x', requires_grad=True)"
    assert repr(x * 2.0) == "Tensor([2.4691, 4.    ], made by Hadamard)"
    assert repr(mg.Tensor(np.ones(1))) == "Tensor([1.], dtype=float64)"
    assert "..." in repr(mg.Tensor(np.ones((100, 100))))
    one = x[0]
    assert f"{one:.3f}" == "1.235"
    assert f"{one}" == repr(one)
    assert round(one, 2) == 1.23


@pytest.mark.parametrize(
    "compare",
    [
        lambda out, y: (out > 0) == y,
        lambda out, y: (out > 0).astype(int) == y,
        lambda out, y: y == (out > 0),
        lambda out, y: (out > 0) == mg.Tensor(y),
        lambda out, y: out == y,
        lambda out, y: y > out,
        lambda out, y: np.equal(out, y),
        lambda out, y: mg.Tensor(y) <= out,
        lambda out, y: out != y.tolist(),
    ],
)
def test_comparing_a_column_with_labels_warns(compare):
    y = np.arange(40) % 3 > 0
    out = parameter(np.where(y, 1.0, -1.0)[:, None])
    with pytest.warns(UserWarning, match=r"MG170.*\(40, 1\).*\(40,\)") as seen:
        assert compare(out, y).shape == (40, 40)
    assert [warning.filename for warning in seen] == [__file__]
    # in these tests, another warning would be an error
    for fits in (
        y[:, None],
        y[None],
        y[:1],
        np.asarray(0.0),
    ):
        compare(out, fits)
    assert ((out > 0)[:, 0] == y).all()


def test_comparison_of_a_column_is_an_array():
    positive = mg.Tensor([[1.0], [-1.0]]) > 0
    assert repr(positive) == "array([[ True],\n       [False]])"
    assert positive.mean() == 0.5
    assert type(positive & True) is type(~positive) is np.ndarray
    positive |= True
    assert positive.all()


def test_rule_that_compares_a_column_with_a_row_does_not_warn():
    a = parameter([[1.0], [3.0]])
    z = mg.maximum(a, np.array([0.0, 2.0], "float32"))  # [[1, 2], [3, 3]]
    (slope,) = mg.grad(
        (z * z).sum(),
        [a],
        create_graph=True,
    )
    assert slope.array.tolist() == [[2.0], [12.0]]


# Operators in place


def test_in_place_operator_updates_a_parameter_inside_no_grad():
    w: Any = parameter([2.0])
    before = w
    (w * w).sum().backward()
    with mg.no_grad():
        w -= 0.25 * w.grad
        w += 1.0
        w *= 4.0
        w /= 2.0
    assert w is before
    assert w.requires_grad
    assert w.item() == 4.0  # (2 - 4 / 4 + 1) * 4 / 2
    w.data -= 1.0
    assert w.item() == 3.0


def test_in_place_operator_is_recorded_outside_no_grad():
    w: Any = parameter([3.0])
    y = w
    y **= 2
    y.backward()
    assert w.item() == 3.0
    assert w.grad == 6.0
    w = w - 0.1 * w.grad
    with pytest.raises(mg.MinigradError, match="MG135"):
        w.grad  # noqa: B018
    assert (w + 1.0).grad is None  # any other step has none


@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "matmul"])
@pytest.mark.parametrize("other", ["float64", "float32", "int64", "float16"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_in_place_operator_keeps_the_dtype(name, other, dtype):
    a = np.array([[1.5, 2.0], [0.5, 1.0]], dtype)
    b = np.array([[2, 1], [1, 3]], other)
    expected = getattr(operator, name)(a, b)
    for w in (parameter(a), from_node(Table(a.copy()))):
        with mg.no_grad():
            updated = getattr(operator, f"i{name}")(w, b)
        assert updated is w
        assert w.dtype == dtype
        assert w.requires_grad
        assert_allclose(w.array, expected, rtol=1e-6)
