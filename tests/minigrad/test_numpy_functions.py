"""NumPy's functions, methods and conversions on a Tensor: recorded, plain, or refused by name."""

from typing import Any

import numpy as np
import pytest

import minigrad as mg

x32 = mg.Tensor([[1.0, 2.0], [3.0, 4.0]])


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


def test_tensors_passed_by_keyword_are_arrays_to_functions_without_a_gradient():
    t = mg.Tensor([1.0, 3.0, 2.0], requires_grad=True)
    assert np.argmax(a=t) == 1
    assert np.allclose(t.array, b=t) and np.array_equal(a1=t, a2=t)
