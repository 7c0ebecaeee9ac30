"""Tensors as NumPy users meet them: dtypes, operators, NumPy's own functions, and what is
refused.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import numpy_api

x32 = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])
W = mg.Tensor([1.0, 2.0], requires_grad=True)


@pytest.mark.parametrize(
    "data, dtype",
    [
        ("1", "float32"), ("2.5", "float32"), ("[1, 2]", "float32"), ("[True, False]", "bool"),
        ("np.float64(1)", "float64"), ("np.zeros(2)", "float64"), ("np.zeros(2, 'int64')", "int64"),
        ("np.zeros(2, 'float16')", "float16"),
    ],
)  # fmt: skip
def test_arrays_keep_their_dtype_and_lists_become_float32(data, dtype):
    assert mg.Tensor(eval(data)).dtype == dtype


@pytest.mark.parametrize(
    "number", [2, 2.5, True, np.float64(2.5), np.float32(2.5), np.int64(2)]
)
@pytest.mark.parametrize(
    "operation", [np.add, np.subtract, np.multiply, np.divide, np.power]
)
def test_a_lone_number_never_widens(number, operation):
    for z in (operation(x32, number), operation(number, x32)):
        assert z.dtype == np.float32
    assert operation(mg.Tensor(np.ones(2)), number).dtype == np.float64


MASKED = np.ma.array([1.0, 2.0], mask=[False, True])
WHOLE = {
    "bool": np.array([True, False]), "int8": np.array([1, -3], "int8"), "uint8": np.array([1, 200], "uint8"),
    "int32": np.array([1, -3], "int32"), "int64": np.array([1, -3]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", WHOLE)
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
def test_integers_and_booleans_combine_as_numpys(dtype, other, operation):
    array = WHOLE[dtype]
    for beside in (
        [other] if isinstance(other, (int, np.number)) else [other, mg.Tensor(other)]
    ):
        for z, expected in (
            (operation(mg.Tensor(array), beside), operation(array, other)),
            (operation(beside, mg.Tensor(array)), operation(other, array)),
        ):
            assert z.dtype == expected.dtype
            np.testing.assert_array_equal(numpy_api.to_array(z), expected)


@pytest.mark.parametrize(
    "make, code",
    [
        ("mg.Tensor([1j])", "MG110"), ("mg.Tensor(x32)", "MG111"), ("mg.Tensor(None)", "MG110"),
        ("mg.Tensor(np.ones(3, np.float16), requires_grad=True)", "MG112"),
        ("mg.Tensor([None, 1], dtype='float32')", "MG110"), ("mg.Tensor([1], dtype=complex)", "MG110"),
        ("mg.Tensor(np.array([1j]), dtype='float32')", "MG110"),
        ("setattr(mg.Tensor([1.0]), 'grad', np.array([1j]))", "MG110"),
        ("(2 * W).backward([[1], [1, 2]])", "MG103"), ("x32 * np.complex64(1j)", "MG110"),
        ("mg.Tensor(WHOLE['int8']) + np.complex64(1j)", "MG110"), ("-mg.Tensor([True])", "MG106"),
        ("mg.Tensor(WHOLE['int64']) ** (-1)", "MG106"), ("x32 + 'a'", "MG110"),
    ],
)  # fmt: skip
def test_refused_data(make, code):
    with pytest.raises(mg.MinigradError) as caught:
        eval(make)
    assert caught.value.code == code and caught.value.remedy


@pytest.mark.parametrize(
    "make",
    [
        "mg.Tensor(WHOLE['int8']) + 300",
        "x32 * 10 ** 5000",
        "mg.Tensor([300], dtype='int8')",
    ],
)
def test_a_number_too_large_for_its_dtype_is_refused(make):
    with pytest.raises(OverflowError, match="MG175.*does not fit into (int8|float32)"):
        eval(make)


def test_an_operation_on_a_tensor_of_a_subclass_gives_a_tensor():
    class Named(mg.Tensor):
        __slots__ = ()

    x = Named([1.0, 2.0], requires_grad=True)
    z = mg.tanh(x) * x + x
    assert type(z) is mg.Tensor
    z.sum().backward()
    assert x.grad is not None


def test_update_refuses_a_function_that_returns_a_new_array():
    W = mg.Tensor([2.0, 4.0], requires_grad=True, name="W")
    for wrong in (lambda a: a * 0.5, lambda a: mg.Tensor(a)):
        with pytest.raises(mg.MinigradError, match="(?s)MG171.*W.*in place"):
            W.update(wrong)
    assert W.array.tolist() == [2.0, 4.0]
    for right in (
        lambda a: np.multiply(a, 0.5, out=a),
        lambda a: a.fill(2.0),
        lambda a: a[:],
    ):
        W.update(right)
    assert W.array.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    "use",
    [
        "mg.Tensor(m)", "mg.tanh(m)", "x32 * m", "mg.where(m > 1, x32, 0.0)",
        "mg.lookup(x32, m.astype(int))", "mg.softmax_cross_entropy(x32, m.astype(int))",
        "setattr(mg.Tensor([1.0, 2.0]), 'grad', m)", "(2 * W).backward(m)", "mg.Tensor([m])",
    ],
)  # fmt: skip
def test_masked_arrays_are_refused(use):
    with pytest.raises(mg.MinigradError, match="(?s)MG172.*filled"):
        eval(use, {"mg": mg, "x32": x32, "W": W, "m": MASKED})


def test_numbers_beside_booleans_by_hand():
    t = mg.Tensor([True, False])
    for z, expected in [
        (t + 1, [2, 1]),
        (t / 2, [0.5, 0]),
        (3 - t, [2, 3]),
        (t**2, [1, 0]),
    ]:
        assert z.array.tolist() == expected
    assert (t + 1).dtype == np.dtype(int) and (t * 0.5).dtype == np.float32
    assert (mg.Tensor(np.array([10])) * 0.1).array.tolist() == [1.0]
