"""Reductions against NumPy and by hand, and their results where PyTorch would return a pair."""

import numpy as np
import pytest

import minigrad as mg
from layers import UnpackingWarning
from minigrad.errors import ShapeError


@pytest.mark.parametrize("reduce", ["max", "min"])
@pytest.mark.parametrize("recorded", [False, True])
def test_extremes_unpacked_as_values_and_indices_are_refused_or_warn(reduce, recorded):
    x = mg.Tensor([[1.0, 5.0], [3.0, 4.0], [2.0, 0.0]], requires_grad=recorded)
    with pytest.raises(ShapeError, match=r"MG234.*\(3,\) into 2 names"):
        _, _ = getattr(x, reduce)(1)
    with pytest.warns(
        UnpackingWarning, match=r"MG234.*\(2,\) into its 2 rows"
    ) as caught:
        _, _ = getattr(np, reduce)(x, axis=0)
    assert caught[0].filename == __file__


def test_extremes_are_looped_over_and_unpacked_into_other_numbers_of_names_in_silence():
    x = mg.Tensor([[1.0, 5.0], [3.0, 4.0], [2.0, 0.0]], requires_grad=True)
    one, two, three = x.max(axis=1)
    assert [one.item(), two.item(), three.item()] == [5.0, 4.0, 2.0]
    assert [row.item() for row in x.max(axis=0)] == [3.0, 5.0]
    (2 * x.max(axis=0)).sum().backward()
    np.testing.assert_array_equal(x.grad, [[0.0, 2.0], [2.0, 0.0], [0.0, 0.0]])


N = 4
RNG = np.random.default_rng(0)
PREDICTION = mg.Tensor(RNG.uniform(0.1, 0.9, (N, 1)), requires_grad=True)
VECTOR = mg.Tensor(RNG.uniform(0.1, 0.9, N), requires_grad=True)
TARGET = np.array([0.0, 1.0, 1.0, 0.0])


@pytest.mark.parametrize(
    "loss",
    [
        lambda: ((PREDICTION - TARGET) ** 2).mean(),
        lambda: ((TARGET - PREDICTION) ** 2).sum() / N,
        lambda: ((VECTOR - TARGET[:, None]) ** 2).mean(),
        lambda: mg.sqrt(np.mean(np.square(mg.tanh(PREDICTION) - mg.Tensor(TARGET)))),
        lambda: np.abs(PREDICTION - VECTOR).mean(),
        lambda: (d := PREDICTION - TARGET, (d * d).mean())[1],
        lambda: (
            -(
                TARGET * mg.log(PREDICTION) + (1 - TARGET) * mg.log(1 - PREDICTION)
            ).mean()
        ),
        lambda: mg.where(
            abs(PREDICTION - TARGET) < 1, 0.5 * (PREDICTION - TARGET) ** 2, 1
        ).mean(),
    ],
)
def test_a_loss_of_all_pairs_warns_at_the_line(loss):
    with pytest.warns(
        UserWarning, match=r"MG173.*\(4, 4\).*reduced to one number"
    ) as caught:
        loss().backward()
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize(
    "value",
    [
        lambda: ((PREDICTION.reshape(-1) - TARGET) ** 2).mean(),
        lambda: ((PREDICTION - TARGET[:, None]) ** 2).mean(),
        lambda: ((PREDICTION[:1] - TARGET[:1]) ** 2).mean(),  # one example
        lambda: ((PREDICTION - TARGET[:3]) ** 2).mean(),  # other sizes
        lambda: mg.exp(
            -((VECTOR[:, None] - VECTOR[None, :]) ** 2)
        ).mean(),  # distances of all pairs
        lambda: mg.exp(-((VECTOR[:, None] - VECTOR) ** 2)).mean(),
        lambda: ((PREDICTION - PREDICTION.reshape(-1)) ** 2).mean(),
        lambda: ((VECTOR.reshape(N, 1) - TARGET) ** 2).mean(),
        lambda: (PREDICTION * VECTOR).sum(),  # an outer product
        lambda: mg.sigmoid(PREDICTION - TARGET).sum(axis=1).max(),
        lambda: (PREDICTION @ TARGET[None]).mean(),
    ],
)
def test_all_pairs_that_are_meant_and_equal_shapes_are_silent(value):
    value().backward()


def test_a_loss_of_all_pairs_that_is_not_recorded_is_silent():
    with mg.no_grad():
        ((PREDICTION - TARGET) ** 2).mean()
    ((PREDICTION.detach() - TARGET) ** 2).mean()


def test_a_loss_of_all_pairs_warns_once_if_it_is_differentiated_twice():
    with pytest.warns(UserWarning, match="MG173") as caught:
        loss = ((PREDICTION - TARGET) ** 2).mean()
        (gradient,) = mg.grad(loss, [PREDICTION], create_graph=True)
        mg.grad(gradient.sum(), [PREDICTION])
    assert len(caught) == 1
