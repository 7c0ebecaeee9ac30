"""The backward pass against closed forms, and the bugs that other small engines are known for."""

import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.backward import sweep, unbroadcast


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
    # micrograd keeps inner gradients and adds to them again: its second call gives 3 times the first, not 2.
    x = parameter(2.0)
    y = mg.exp(x * 1.0)
    z = y * y
    z.backward()
    first = x.grad.copy()
    assert first == pytest.approx(2 * np.exp(4))
    z.backward()
    np.testing.assert_array_equal(x.grad, 2 * first)
    assert y.grad is None


def test_two_losses_add_up():
    x = parameter([1.0, 2.0])
    (x * 3.0).sum().backward()
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [3 + 2, 3 + 4])


def test_gradients_of_two_leaves_are_separate_arrays():
    a, b = parameter([1.0, 2.0]), parameter([3.0, 4.0])
    (a + b).sum().backward()
    a.grad *= 0.0
    np.testing.assert_array_equal(b.grad, [1, 1])


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
    np.testing.assert_array_equal(x.grad, [[3, 4]])  # of the W that the forward pass used


@pytest.mark.parametrize("through", ["directly", "transposed", "sliced"])
def test_an_update_in_place_between_forward_and_backward_is_an_error(through):
    x, W = parameter([[1.0, 2.0]]), parameter([[3.0, 0.0], [4.0, 0.0]], "W")
    used = {"directly": W, "transposed": W.T, "sliced": W[:, :1]}[through]
    loss = (x @ used).sum()
    W.update(lambda array: array.fill(0.0))
    with pytest.raises(mg.MinigradError, match=r"MG123.*W.*changed") as caught:
        loss.backward()
    assert "forward pass again" in caught.value.remedy
    assert x.grad is None and W.grad is None, "no half of a gradient is left behind"
    (x @ W).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0]])


def test_keep_gives_inner_gradients_and_touches_nothing():
    x = parameter(2.0)
    y = x * x
    z = y * 5.0
    found = sweep(z.node, np.ones(()), keep={y.node, z.node})
    assert (found[z.node], found[y.node], found[x.node]) == (1.0, 5.0, 20.0)
    assert x.grad is None


@pytest.mark.parametrize(
    "start, shape", [((5, 2, 3), (2, 1)), ((2, 3), ()), ((4, 3), (4, 3)), ((2, 3), (1, 3)), ((7, 1, 2), (1, 2))]
)
def test_unbroadcast_is_the_transpose_of_broadcasting(start, shape):
    # <broadcast(x), dz> = <x, unbroadcast(dz)> for every x and dz: what it means to be the transpose.
    rng = np.random.default_rng(1)
    x, dz = rng.normal(size=shape), rng.normal(size=start)
    np.testing.assert_allclose(np.sum(np.broadcast_to(x, start) * dz), np.sum(x * unbroadcast(dz, shape)))


def test_the_old_keyword_still_works_and_says_what_to_write():
    x = parameter([1.0, 2.0])
    with pytest.warns(DeprecationWarning, match="seed= is now called upstream=") as caught:
        (x * 3.0).backward(seed=[1.0, 10.0])
    assert caught[0].filename == __file__  # the caller's line, not one of ours
    np.testing.assert_array_equal(x.grad, [3, 30])
    with pytest.warns(DeprecationWarning, match="upstream="):
        (g,) = mg.grad(x * 3.0, [x], seed=[1.0, 10.0])
    np.testing.assert_array_equal(g.array, [3, 30])
