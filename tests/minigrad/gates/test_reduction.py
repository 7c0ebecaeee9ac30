"""Reductions: infinities, losses that compare all pairs, and results unpacked as in PyTorch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import minigrad as mg
from layers import UnpackingWarning
from minigrad.errors import ShapeError

INF = np.inf


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_logsumexp_of_infinities(dtype):
    # as in scipy.special.logsumexp and PyTorch
    rows = [
        [-INF, -INF, -INF],
        [INF, 1000, 0],
        [INF, INF, -INF],
        [-INF, 5, -INF],
        [np.nan, INF, 0],
    ]
    slopes = [
        [0] * 3,
        [0] * 3,
        [0] * 3,
        [0, 1, 0],
        [np.nan] * 3,
    ]
    x = np.array(rows, dtype)
    gate = mg.LogSumExp(1)
    z = gate.forward(x)
    (slope,) = gate.backward(
        np.ones_like(z),
        z,
        x,
    )
    assert z.dtype == slope.dtype == dtype
    assert_array_equal(z, [-INF, INF, INF, 5, np.nan])
    assert_array_equal(slope, slopes)


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("float32", 3e6), ("float64", 3e15), ("float32", 3e37)],
)
def test_logsumexp_gradient_sums_to_1(dtype, size):
    values = np.array(
        [
            [
                size,
                size,
            ],
            [size, -size],
        ],
        dtype,
    )
    x = mg.Tensor(values, requires_grad=True)
    (slope,) = mg.grad(
        mg.logsumexp(x, 1).sum(),
        x,
    )
    assert_allclose(
        slope.array,
        [[0.5, 0.5], [1.0, 0.0]],
        rtol=1e-6,
    )


# max and min unpacked as values and indices, as in PyTorch


@pytest.fixture(params=[False, True])
def x(request):
    values = [[1.0, 5.0], [3.0, 4.0], [2.0, 0.0]]
    return mg.Tensor(values, requires_grad=request.param)


@pytest.mark.parametrize("reduce", [np.max, np.min])
def test_max_and_min_unpacked_as_values_and_indices(reduce, x):
    with pytest.raises(ShapeError, match=r"MG234.*\(3,\) into 2 names"):
        _, _ = reduce(x, axis=1)
    with pytest.warns(UnpackingWarning, match=r"MG234.*\(2,\) into its 2 rows") as seen:
        _, _ = reduce(x, axis=0)
    assert seen[0].filename == __file__


def test_max_can_be_unpacked_into_other_numbers_of_names(x):
    one, two, three = x.max(axis=1)
    assert [
        one.item(),
        two.item(),
        three.item(),
    ] == [5.0, 4.0, 2.0]
    assert [row.item() for row in x.max(axis=0)] == [3.0, 5.0]


# Losses that compare all pairs

N = 4
RNG = np.random.default_rng(0)
PREDICTION = mg.Tensor(
    RNG.uniform(0.1, 0.9, (N, 1)),
    requires_grad=True,
)
VECTOR = mg.Tensor(
    RNG.uniform(0.1, 0.9, N),
    requires_grad=True,
)
TARGET = np.array([0.0, 1.0, 1.0, 0.0])


def mean_squared(a, b):
    return ((a - b) ** 2).mean()


def mean_product(a, b):
    difference = a - b
    return (difference * difference).mean()


def cross_entropy(p, target):
    return -(target * mg.log(p) + (1 - target) * mg.log(1 - p)).mean()


def huber(a, b):
    difference = a - b
    return mg.where(
        abs(difference) < 1,
        0.5 * difference**2,
        1,
    ).mean()


@pytest.mark.parametrize(
    "loss",
    [
        lambda: mean_squared(PREDICTION, TARGET),
        lambda: mg.sqrt(np.mean(np.square(mg.tanh(PREDICTION) - mg.Tensor(TARGET)))),
        lambda: mean_product(PREDICTION, TARGET),
        lambda: cross_entropy(PREDICTION, TARGET),
        lambda: huber(PREDICTION, TARGET),
    ],
)
def test_loss_of_all_pairs_warns(loss):
    message = r"MG173.*\(4, 4\).*reduced to one number"
    with pytest.warns(UserWarning, match=message) as seen:
        loss().backward()
    assert [warning.filename for warning in seen] == [__file__]


@pytest.mark.parametrize(
    "value",
    [
        lambda: mean_squared(PREDICTION.reshape(-1), TARGET),
        lambda: mean_squared(PREDICTION, TARGET[:, None]),
        lambda: mean_squared(PREDICTION[:1], TARGET[:1]),  # one example
        lambda: mean_squared(PREDICTION, TARGET[:3]),  # other sizes
        lambda: mean_squared(VECTOR[:, None], VECTOR[None, :]),  # meant
        lambda: mean_squared(PREDICTION, PREDICTION.reshape(-1)),
        lambda: (PREDICTION * VECTOR).sum(),  # an outer product
        lambda: mg.sigmoid(PREDICTION - TARGET).sum(axis=1).max(),
    ],
)
def test_loss_of_equal_shapes_or_meant_pairs_does_not_warn(value):
    value().backward()


def test_loss_of_all_pairs_that_is_not_recorded_does_not_warn():
    with mg.no_grad():
        mean_squared(PREDICTION, TARGET)
    mean_squared(PREDICTION.detach(), TARGET)


def test_loss_of_all_pairs_warns_once_if_differentiated_twice():
    with pytest.warns(UserWarning, match="MG173") as seen:
        loss = mean_squared(PREDICTION, TARGET)
        (gradient,) = mg.grad(loss, [PREDICTION], create_graph=True)
        mg.grad(gradient.sum(), [PREDICTION])
    assert len(seen) == 1
