"""NumPy's functions, methods and conversions on a Tensor: recorded, plain, or refused by name."""

import operator as op
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.gates.table import Table
from minigrad.tensor import from_node

x32 = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    "function", [np.arcsin, np.linalg.inv, np.cumprod, np.add.reduce, np.median]
)
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


VALUES = np.array([[0.5, -1.5], [2.0, -0.25]])
USED = {"np": np, "mg": mg, "VALUES": VALUES}


@pytest.mark.parametrize(
    "call",
    [
        "abs(x)", "np.clip(x, -1, 1)", "np.clip(x, -1, None)",
        "x.clip(-1)", "np.cumsum(x)", "x.cumsum(axis=-2)",
        "np.cumsum(x[0, 0])", "np.pad(x, [(1, 0), (2, 3)], mode='constant')",
        "np.pad(x[0], (np.int64(1), 2))", "np.pad(x[0, 0], 2)",
        "np.stack(np.split(x, [1], axis=1))", "np.concatenate(np.split(x, [-1, 1, 5]))",
        "np.split(x, 1)[0]", "np.expand_dims(x, -1)",
        "np.expand_dims(x[0, 0], (0, 1))", "x[:1].squeeze(0)",
        "np.take_along_axis(x, np.argsort(x, axis=0), 0)", "np.var(x)",
        "np.take_along_axis(x, np.array([3, -4, 0, 3]), None)",
        "np.concatenate([x, 2 * x[0]], axis=None)", "x[[]]", "x[..., [[]]]",
        "x.std(ddof=1)", "np.take_along_axis(x, np.array([[0, -1, 0]]), axis=1)",
        "x.min()", "x.min(1)", "np.einsum('ij->j', x)",
        "np.einsum('ij,ij,jk', x, x, x)", "np.squeeze(x[0, 0])", "np.maximum(x, 0)",
        "np.minimum(1.0, x)", "np.maximum(x[:1], x[:, :1])",
        "np.einsum('...i->...', x)", "np.einsum('ii', x)", "np.sin(x) + np.cos(x)",
        "VALUES.astype(x.dtype) + x", "VALUES.astype(x.dtype) - x",
        "VALUES.astype(x.dtype) / x", "VALUES.astype(x.dtype) @ x", "2.0 ** x",
        "-x * 2 - 1 + +x", "x / 2 @ x ** 2", "np.exp(x) + np.tanh(x)",
        "np.log(np.square(x)) + np.sqrt(abs(x))",
        "np.where([True, False], x, 0)",
        "x.sum(axis=1, keepdims=True) + x.mean(0)", "x.max(axis=-1)",
        "x.reshape(4)",
        "x.reshape(1, -1).T", "x.transpose(-1, -2)", "x.transpose((0, 1))",
        "x[None].transpose(0, 1, 2)", "np.transpose(x, (0, 1))", "x.swapaxes(0, 1)",
        "np.swapaxes(x, 0, 1)", "np.pad(x, (0, 1), constant_values=7)",
        "np.broadcast_to(x, (3, 2, 2))", "np.clip(x, a_min=None, a_max=1.0)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_results_are_numpys(call, dtype):
    array = VALUES.astype(dtype)
    expected, found = (
        eval(call, {**USED, "x": x})
        for x in (array, mg.Tensor(array, requires_grad=True))
    )
    np.testing.assert_allclose(
        found.array, expected, rtol=1e-15 if dtype == "float64" else 1e-6
    )
    assert (
        found.shape == np.shape(expected)
        and found.dtype == expected.dtype
        and found.requires_grad
    )


def test_a_cast_is_recorded_and_its_gradient_comes_back_in_the_old_dtype():
    x = mg.Tensor(VALUES, requires_grad=True)
    y = x.astype(np.float32)
    (y * y).sum().backward()
    assert x.grad is not None and y.dtype == np.float32 and x.grad.dtype == np.float64
    np.testing.assert_allclose(x.grad, 2 * VALUES)
    with mg.no_grad():
        assert x.astype("int64").array.tolist() == [[0, -1], [2, 0]]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("np.pad(x, 1, mode='edge')", "MG118.*mode='edge'"), ("np.einsum(x, [0, 1])", "MG118.*lists"),
        ("mg.split(x, 1, axis=2)", "MG107"), ("x.clip()", "MG146"), ("x.clip(2, 1)", "MG146"),
        ("x.clip(x[0, 0])", "MG146"), ("mg.take_along_axis(x, [4], None)", "out of bounds"),
        ("mg.take_along_axis(x, [[0.0]])", "integer"), ("x[0:1.5]", "MG140"), ("x[3]", "MG140"),
        ("x.astype(complex)", "MG110.*complex"), ("x.astype('int64')", "MG112.*int64"),
        ("x[0, 0].var(ddof=1)", "(?s)MG116.*ddof=1"), ("x[:0].min()", "MG116"),
        ("x.swapaxes(0, 5)", "MG107.*axis 5"), ("x.sum(axis=0.5)", "MG107"), ("x.softmax('a')", "MG107"),
        ("x.mean((None,))", "MG107"), ("x[0, 0].sum(axis=0)", "MG107"), ("x.sum((0, 0))", "(?s)MG107.*repeated"),
        ("x[0, 0].softmax()", "MG107"), ("x[0, 0].cumsum(0)", "MG107"),
        ("x.transpose(2 ** 70, 0)", "(?s)MG109.*swapaxes"), ("x.transpose(0, 0)", "MG109"),
        ("x.reshape(5, 2)", r"(?s)MG109. Reshape\(to=\(5, 2\)\).*\(2, 2\).*size 4"), ("x.reshape(2 ** 70)", "MG109"),
        ("np.broadcast_to(x, (3, 3))", "MG109"), ("np.pad(x, -1)", "MG109"), ("mg.einsum('i1', x)", "MG109"),
        ("np.concatenate([x, x[0]])", "(?s)MG109.*dimension"), ("mg.stack([])", "MG109.*at least one input"),
        ("float(x)", "MG169"), ("x.transpose(0, 1)", "(?s)MG168.*swapaxes"),
        ("x.transpose(np.int64(-2), -1)", "MG168"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, code):
    kind = mg.MinigradError if "MG" in code else IndexError
    with pytest.raises(kind, match=code):
        eval(call, {**USED, "x": mg.Tensor(VALUES, requires_grad=True)})


def test_what_has_no_gradient_is_a_plain_array():
    x = mg.Tensor([1.0, 3.0, 2.0], requires_grad=True)
    np.testing.assert_array_equal(x > 1.5, [False, True, True])
    np.testing.assert_array_equal(2.0 >= x, [True, False, True])
    assert (x == x).all() and len({x, x}) == 1
    assert np.argmax(x) == x.argmax() == np.argmax(a=x) == 1
    assert np.allclose(x.array, b=x)


def test_conversion():
    assert float(mg.Tensor(2.5)) == 2.5 and int(mg.Tensor(2.5)) == 2
    assert bool(mg.Tensor(0.0)) is False
    assert len(x32) == 2 and [row.array.tolist() for row in x32] == [[1, 2], [3, 4]]
    assert (x32.shape, x32.ndim, x32.size) == ((2, 2), 2, 4)


def test_text_and_rounding():
    x: Any = mg.Tensor([1.23456, 2.0], requires_grad=True, name="x")
    assert repr(x) == "Tensor([1.2346, 2.    ], name='x', requires_grad=True)"
    assert repr(x * 2.0) == "Tensor([2.4691, 4.    ], made by Hadamard)"
    assert repr(mg.Tensor(np.ones(1))) == "Tensor([1.], dtype=float64)"
    assert "..." in repr(mg.Tensor(np.ones((100, 100))))
    one = x[0]
    assert f"{one:.3f}" == "1.235" and f"{one}" == repr(one) and round(one, 2) == 1.23
    with pytest.raises(mg.MinigradError, match="MG129"):
        x.size()


PAIRS = [
    "(out > 0) == y", "(out > 0).astype(int) == y", "y == (out > 0)", "(out > 0) == mg.Tensor(y)", "out == y",
    "y > out", "np.equal(out, y)", "mg.Tensor(y) <= out", "out != y.tolist()",
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_comparing_a_column_with_as_many_labels_warns_in_the_users_line(pair):
    y = np.arange(40) % 3 > 0
    out = mg.Tensor(np.where(y, 1.0, -1.0)[:, None], requires_grad=True)
    compare = compile(pair, "the users file", "eval")
    with pytest.warns(UserWarning, match=r"MG170.*\(40, 1\).*\(40,\)") as caught:
        assert eval(compare, USED, {"out": out, "y": y}).shape == (40, 40)
    assert [warning.filename for warning in caught] == ["the users file"]
    # any warning is an error in these tests
    for fits in (y[:, None], y[None], y[:1], np.asarray(0.0)):
        eval(compare, USED, {"out": out, "y": fits})
    assert ((out > 0)[:, 0] == y).mean() == 1


def test_a_compared_column_is_an_array_otherwise():
    positive = mg.Tensor([[1.0], [-1.0]]) > 0
    assert (
        repr(positive) == "array([[ True],\n       [False]])" and positive.mean() == 0.5
    )
    assert type(positive & True) is type(~positive) is np.ndarray
    positive |= True
    assert positive.all()


def test_rules_that_compare_a_column_with_a_row_do_not_warn():
    a = mg.Tensor([[1.0], [3.0]], requires_grad=True)
    z = mg.maximum(a, np.array([0.0, 2.0], "float32"))  # [[1, 2], [3, 3]]
    (slope,) = mg.grad((z * z).sum(), [a], create_graph=True)
    assert slope.array.tolist() == [[2.0], [12.0]]


def test_minus_equals_changes_a_parameter_inside_no_grad_and_is_recorded_elsewhere():
    w: Any = mg.Tensor([2.0], requires_grad=True)
    before, loss = w, (w * w).sum()
    loss.backward()
    with mg.no_grad():
        w -= 0.25 * w.grad
        w += 1.0
        w *= 4.0
        w /= 2.0
        constant = same = mg.Tensor([1.0])
        constant += 1.0
    assert (
        w is before and w.requires_grad and w.item() == 4.0
    )  # (2 - 4 / 4 + 1) * 4 / 2
    assert same.item() == 1.0 and constant.item() == 2.0
    w.data -= 1.0
    w.grad = None
    y = w
    y **= 2
    y.backward()
    assert w.item() == 3.0 and w.grad == 6.0
    w = w - 0.1 * w.grad
    with pytest.raises(mg.MinigradError, match="MG135"):
        w.grad  # noqa: B018
    assert (w + 1.0).grad is None  # any other step has none


@pytest.mark.parametrize(
    "operator", ["iadd", "isub", "imul", "itruediv", "ipow", "imatmul"]
)
@pytest.mark.parametrize("other", ["float64", "float32", "int64", "float16"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_update_in_place_keeps_the_parameter_s_dtype(operator, other, dtype):
    a, b = np.array([[1.5, 2.0], [0.5, 1.0]], dtype), np.array([[2, 1], [1, 3]], other)
    w = before = mg.Tensor(a, requires_grad=True)
    table = from_node(Table(a.copy()))
    with mg.no_grad():
        w = getattr(op, operator)(w, b)
        getattr(op, operator)(table, b)
    expected = getattr(op, operator.removeprefix("i"))(a, b)
    for one in (w, table):
        assert one.dtype == dtype and one.requires_grad
        np.testing.assert_allclose(one.array, expected, rtol=1e-6)
    assert w is before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.squeeze(0), r"MG109.*squeeze cannot use axis=0 .*\(6, 2\)"),
        (lambda x: np.squeeze(x, axis=(0, 1)), "MG109.*squeeze"),
        (lambda x: x.squeeze(2), "MG109.*squeeze cannot use axis=2"),
        (lambda x: np.expand_dims(x, 4), "MG109.*expand_dims cannot use axis=4"),
        (lambda x: np.split(x, 4), "MG176.*size 6 cannot be split into 4"),
        (lambda x: np.split(x, 0), "MG176"),
        (lambda x: mg.split(x, 3), "MG174.*what 3 means for an axis of size 6"),
        (lambda x: mg.split(x, 4), "MG174"),
        (lambda x: mg.split(x, 1, axis=1), "MG174"),
    ],
)
def test_axes_and_parts_that_do_not_fit_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(mg.Tensor(np.ones((6, 2)), requires_grad=True))


def test_parts_that_numpy_and_pytorch_agree_on():
    x: Any = mg.Tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
    found: Any
    for found in (
        mg.split(x, 2),
        mg.split(x, [2]),
        np.split(x, 2),
        mg.split(x, range(2, 4, 2)),
    ):
        assert [part.array.tolist() for part in found] == [
            x.array[:2].tolist(),
            x.array[2:].tolist(),
        ]
    # as the error says: three parts, and parts of size 3
    y: Any = mg.Tensor(np.arange(6.0))
    found = np.split(y, 3)
    assert [part.array.tolist() for part in found] == [[0, 1], [2, 3], [4, 5]]
    assert [part.array.tolist() for part in mg.split(y, range(3, 6, 3))] == [
        [0, 1, 2],
        [3, 4, 5],
    ]
