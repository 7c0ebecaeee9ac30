"""The backward pass against closed forms, and the bugs that other small engines are known for."""

import sys
import traceback
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from minigrad.backward import start, sweep
from minigrad.context import ON_GRADIENT, setting
from minigrad.gradients import dense, matrix_product, unbroadcast


def parameter(value, name=None):
    return mg.Tensor(value, requires_grad=True, name=name, dtype=np.float64)


def chain(length):
    x = parameter(1.0)
    z = x
    for _ in range(length):
        z = z + x
    return x, z


def test_backward_adds_the_gradients_of_all_uses():
    x = parameter(3.0)
    y = x * x  # dy/dx = 2x
    z = y + y * y  # dz/dy = 1 + 2y
    z.backward()
    assert x.grad == (1 + 2 * 9) * 2 * 3


def test_backward_twice_doubles_the_gradient():
    # micrograd keeps inner gradients and adds to them again: its second call gives 3 times the
    # first, not 2.
    x = parameter(2.0)
    y = mg.exp(x * 1.0)
    z = y * y
    z.backward()
    first = x.grad.copy()
    assert_allclose(first, 2 * np.exp(4))
    z.backward()
    assert_array_equal(x.grad, 2 * first)
    assert y.grad is None
    x.grad = None
    z.backward()
    assert_array_equal(x.grad, first)


def test_backward_through_a_long_chain_needs_no_recursion():
    length = 11 * sys.getrecursionlimit()
    x, z = chain(length)
    assert z.item() == length + 1
    z.backward()
    assert x.grad == length + 1
    del z  # and neither does the deletion


def test_backward_work_grows_in_proportion_to_the_length():
    def calls(length):
        x, z = chain(length)
        count = 0

        def count_call(frame, event, argument):
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            z.backward()
        finally:
            sys.setprofile(None)
        assert x.grad == length + 1
        return count

    assert calls(10_000) <= 10.5 * calls(1_000)


def test_backward_after_an_assignment_uses_the_recorded_array():
    x, W = parameter([[1.0, 2.0]]), parameter([[3.0], [4.0]])
    loss = (x @ W).sum()
    W.array = np.zeros((2, 1))
    loss.backward()
    assert_array_equal(x.grad, [[3, 4]])


@pytest.mark.parametrize(
    "through",
    [
        lambda W: W,
        lambda W: W.T,
        lambda W: W[:, :1],
    ],
)
def test_backward_after_an_update_in_place_is_an_error(through):
    x, W = parameter([[1.0, 2.0]]), parameter([[3.0, 0.0], [4.0, 0.0]], "W")
    loss = (x @ through(W)).sum()
    W.update(lambda array: array.fill(0.0))
    message = r"(?s)MG123.*W.*changed.*forward pass again"
    with pytest.raises(mg.MinigradError, match=message):
        loss.backward()
    assert x.grad is None
    assert W.grad is None


def test_backward_is_shown_to_observers(monkeypatch):
    observer = MagicMock()
    monkeypatch.setattr("minigrad.context.OBSERVERS", [observer])
    loss = parameter(2.0) * 3.0
    loss.backward()
    observer.watch_backward.assert_called_once_with(loss.node)


def test_sweep_keeps_the_gradients_of_inner_nodes():
    x = parameter(2.0)
    y = x * x
    z = y * 5.0
    seen = []
    with setting(ON_GRADIENT, lambda node, dz: seen.append((node, float(dense(dz))))):
        found = sweep(z.node, np.ones(()), keep={y.node})
    assert found == {y.node: 5.0, x.node: 20.0}
    assert seen == [(z.node, 1.0), *found.items()]
    assert x.grad is None


@pytest.mark.parametrize("uses", [1, 2, 3])
@pytest.mark.parametrize(
    "use",
    [
        lambda x: x,
        lambda x: x[:],
        lambda x: mg.lookup(x, [0, 1]),
    ],
)
def test_gradient_keeps_the_dtype_of_its_computation(use, uses):
    x: Any = mg.Tensor([1.0, 1.0], requires_grad=True)
    weights = np.array([1.0, 1 / 3])
    loss = sum((use(x) * weights).sum() for _ in range(uses))
    (gradient,) = mg.grad(loss, [x])
    expected = uses * weights
    assert_allclose(gradient.array, expected, rtol=1e-15, strict=True)
    loss.backward()
    assert x.grad.dtype == np.float32  # a leaf stores its own dtype


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t[0:2],
        lambda t: t.T,
        lambda t: t.reshape(4),
        lambda t: np.broadcast_to(t, (3, 2, 2)),
        lambda t: mg.windows(t, 1),
    ],
)
@pytest.mark.parametrize("trained", ["always", "never", "later"])
def test_view_keeps_its_value_when_the_leaf_is_updated(view, trained):
    leaf = mg.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=trained == "always")
    other = parameter(1.0)
    seen = view(leaf)
    product, before = (seen * other).sum(), seen.array.copy()
    leaf.requires_grad = trained != "never"
    leaf.update(lambda array: array.__imul__(10))
    assert leaf.array[1, 1] == 30
    assert_array_equal(seen.array, before)
    if trained != "always":  # else MG123, since the parameter was changed
        product.backward()
        assert other.grad == before.sum()


def test_upstream_gradient_gets_the_output_s_dtype():
    x = mg.Tensor([1.0, 1.0], requires_grad=True)
    assert start(x.sum().node, None).dtype == np.float32
    constant = mg.Tensor(np.array([1.0, 2.0]))
    recorded = parameter([1.0, 2.0]) * 1.0
    for upstream in (constant, recorded, [1.0, 2.0]):
        dz = start((x * 2.0).node, upstream)
        assert dz.dtype == np.float32
        assert dz.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 2, 3), ()),
        ((2, 3), 0),
        ((1, 3), (0, 1)),
        ((2, 1), (0, 2)),
        ((5, 1, 3), 1),
        ((), None),
    ],
)
def test_unbroadcast_sums_over_broadcast_axes(shape, axes):
    gradient = np.arange(30.0).reshape(5, 2, 3)
    found = unbroadcast(gradient, shape)
    expected = gradient.sum(axis=axes).reshape(shape)
    assert_array_equal(found, expected, strict=True)
    assert (found is gradient) == (axes == ())


@pytest.mark.parametrize("shape", [(4,), (5, 2, 2), (1, 5, 2, 3)])
def test_unbroadcast_refuses_shapes(shape):
    with pytest.raises(ValueError, match=r"returned a gradient of shape \(5, 2, 3\)"):
        unbroadcast(np.zeros((5, 2, 3)), shape)


def test_matrix_product_of_numbers_and_tensors():
    assert matrix_product(np.array(2.0), np.array(3.0)) == 6.0
    a = mg.Tensor([[2.0]])
    assert matrix_product(a, a).item() == 4.0


def test_traceback_out_of_backward_shows_the_engine_and_the_rule():
    class Breaks(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            raise ValueError("no rule")

    with pytest.raises(mg.MinigradError, match="MG125.*no rule") as caught:
        Breaks()(mg.Tensor([1.0], requires_grad=True)).sum().backward()
    error: Any = caught.value
    frames = traceback.extract_tb(error.__traceback__)
    frames += traceback.extract_tb(error.__cause__.__traceback__)
    assert [Path(frame.filename).stem for frame in frames] == [
        "test_backward",
        "tensor",
        "backward",
        "backward",
        "test_backward",
    ]
