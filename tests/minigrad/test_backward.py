"""The backward pass against closed forms, and the bugs that other small engines are known for."""

import sys
import traceback
from pathlib import Path

import numpy as np
import pytest

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


def test_a_node_used_twice_gets_the_sum():
    x = parameter(3.0)
    y = x * x  # dy/dx = 2x
    z = y + y * y  # dz/dy = 1 + 2y
    z.backward()
    assert x.grad == (1 + 2 * 9) * 2 * 3


def test_a_second_backward_adds_to_leaves_and_counts_nothing_twice():
    # micrograd keeps inner gradients and adds to them again: its second call gives 3 times the
    # first, not 2.
    x = parameter(2.0)
    y = mg.exp(x * 1.0)
    z = y * y
    z.backward()
    first = x.grad.copy()
    assert first == pytest.approx(2 * np.exp(4))
    z.backward()
    np.testing.assert_array_equal(x.grad, 2 * first)
    assert y.grad is None


@pytest.mark.parametrize("length", [100_000])
def test_a_long_chain_needs_no_recursion(length):
    x, z = chain(length)
    assert z.item() == length + 1
    z.backward()
    assert x.grad == length + 1
    limit = sys.getrecursionlimit()
    assert length > 10 * limit
    del z  # and neither does taking it apart


def test_work_grows_in_proportion_to_the_length():
    # Counted, not timed: rule calls, and Python calls in all.
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

    short, long = calls(1_000), calls(10_000)
    assert long <= 10.5 * short


def test_assigning_a_leaf_after_forward_leaves_the_recorded_gradient_right():
    x, W = parameter([[1.0, 2.0]]), parameter([[3.0], [4.0]])
    loss = (x @ W).sum()
    W.array = np.zeros((2, 1))
    loss.backward()
    np.testing.assert_array_equal(
        x.grad, [[3, 4]]
    )  # of the W that the forward pass used


@pytest.mark.parametrize("through", ["W", "W.T", "W[:, :1]"])
def test_an_update_in_place_between_forward_and_backward_is_an_error(through):
    x, W = parameter([[1.0, 2.0]]), parameter([[3.0, 0.0], [4.0, 0.0]], "W")
    loss = (x @ eval(through)).sum()
    W.update(lambda array: array.fill(0.0))
    with pytest.raises(
        mg.MinigradError, match=r"(?s)MG123.*W.*changed.*forward pass again"
    ):
        loss.backward()
    assert x.grad is None and W.grad is None, "no half of a gradient is left behind"


def test_keep_gives_inner_gradients_and_touches_nothing():
    x = parameter(2.0)
    y = x * x
    z = y * 5.0
    seen = []
    with setting(ON_GRADIENT, lambda node, dz: seen.append((node, float(dense(dz))))):
        found = sweep(z.node, np.ones(()), keep={y.node, z.node})
    assert (found[z.node], found[y.node], found[x.node]) == (1.0, 5.0, 20.0)
    assert seen == [
        (z.node, 1.0),
        (y.node, 5.0),
        (x.node, 20.0),
    ]  # what the hook has seen
    assert x.grad is None


@pytest.mark.parametrize("uses", [1, 2, 3])
@pytest.mark.parametrize("use", ["x", "x[:]", "mg.lookup(x, [0, 1])"])
def test_a_gradient_has_the_dtype_that_it_was_computed_in_however_often_its_input_is_used(
    use, uses
):
    x = mg.Tensor(np.ones(2, "float32"), requires_grad=True)
    part = eval(use, {"mg": mg, "x": x})
    loss = sum(
        (part * np.array([1.0, 1 / 3]) for _ in range(uses)), mg.Tensor(0.0)
    ).sum()
    (g,) = mg.grad(loss, [x])
    assert g.dtype == np.float64
    np.testing.assert_allclose(g.array, [uses, uses / 3], rtol=1e-15)
    loss.backward()
    assert (
        x.grad is not None and x.grad.dtype == np.float32
    )  # what the leaf keeps has its own


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("x[given]", [0, 2]), ("x[mg.Tensor(given)]", [0, 2]), ("mg.pad(x, given)", [1, 2]),
        ("mg.lookup(x, given)", [1, 1, 0]), ("mg.where(given > 0, x, 0.0)", [1, 0]),
        ("mg.take_along_axis(x, given[None], 0)", [1, 2]), ("mg.softmax_cross_entropy(x, given)", [0, 1, 1]),
        ("mg.softmax_cross_entropy(x, [0, 1, 1], weights=given)", [1, 3]),
    ],
)  # fmt: skip
def test_changing_what_a_gate_was_given_later_changes_no_gradient(call, given):
    x = parameter(np.arange(6.0).reshape(3, 2))
    given = np.array(given)
    z = eval(call, {"mg": mg, "x": x, "given": given})
    dz = np.random.default_rng(0).normal(size=z.shape)
    (before,) = mg.grad(z, [x], upstream=dz)
    given[:] = 0
    (after,) = mg.grad(z, [x], upstream=dz)
    np.testing.assert_array_equal(after.array, before.array)


@pytest.mark.parametrize(
    "view", ["t[0:2]", "t.T", "t.reshape(4)", "np.broadcast_to(t, (3, 2, 2))"]
)
@pytest.mark.parametrize("trained", ["always", "never", "later"])
def test_a_view_keeps_its_value_when_the_leaf_is_updated(view, trained):
    leaf = mg.Tensor(np.arange(4.0).reshape(2, 2), requires_grad=trained == "always")
    other = parameter(1.0)
    seen = eval(view, {"np": np, "t": leaf})
    product, before = (seen * other).sum(), seen.array.copy()
    leaf.requires_grad = trained != "never"
    leaf.update(lambda array: array.__imul__(10))
    assert leaf.array[1, 1] == 30
    np.testing.assert_array_equal(seen.array, before)
    if trained != "always":  # else MG123, since the parameter was changed
        product.backward()
        assert other.grad == before.sum()


def test_the_upstream_gradient_has_the_output_s_dtype():
    x = mg.Tensor(np.ones(2, "float32"), requires_grad=True)
    total, double = x.sum(), x * 2.0
    assert start(total.node, None).dtype == np.float32
    recorded = mg.Tensor(np.array([1.0, 2.0]), requires_grad=True) * 1.0
    for upstream in (mg.Tensor(np.array([1.0, 2.0])), recorded, [1.0, 2.0]):
        given = start(double.node, upstream)
        assert given.dtype == np.float32 and given.tolist() == [1.0, 2.0]


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
def test_a_gradient_is_summed_over_what_was_broadcast(shape, axes):
    gradient = np.arange(30.0).reshape(5, 2, 3)
    found = unbroadcast(gradient, shape)
    np.testing.assert_array_equal(
        found, gradient.sum(axis=axes).reshape(shape), strict=True
    )
    assert (found is gradient) == (axes == ())


@pytest.mark.parametrize("shape", [(4,), (5, 2, 2), (1, 5, 2, 3)])
def test_a_gradient_of_a_shape_that_cannot_come_from_broadcasting_is_an_error(shape):
    with pytest.raises(ValueError, match=r"returned a gradient of shape \(5, 2, 3\)"):
        unbroadcast(np.zeros((5, 2, 3)), shape)


def test_the_product_of_arrays_is_computed_by_dot_which_takes_less_time():
    assert (
        matrix_product(np.array(2.0), np.array(3.0)) == 6.0
    )  # @ takes no single numbers
    a = mg.Tensor([[2.0]])
    assert matrix_product(a, a).item() == 4.0


def test_a_traceback_out_of_backward_shows_the_engine_and_the_rule_and_nothing_else():
    class Breaks(mg.Gate):
        def forward(self, x):
            return x * 1.0

        def backward(self, dz, z, x):
            raise ValueError("no rule")

    with pytest.raises(mg.MinigradError, match="MG125.*no rule") as caught:
        Breaks()(mg.Tensor([1.0], requires_grad=True)).sum().backward()
    cause = caught.value.__cause__
    assert cause is not None
    frames = [*traceback.extract_tb(caught.value.__traceback__)]
    frames += traceback.extract_tb(cause.__traceback__)
    assert [Path(frame.filename).name for frame in frames] == [
        "test_backward.py", "tensor.py", "backward.py", "backward.py", "test_backward.py"
    ]  # fmt: skip
