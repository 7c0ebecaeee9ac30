"""Terms of losses, moved numbers, and the loss of guessing."""

import math
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.graph import ancestors
from optim.diagnosis.reading import key, name, origin, terms
from tests.optim.diagnosis.helpers import (
    TARGETS,
    X,
    Y,
    crossed,
    network,
    regression,
    seen,
    squared,
)

# ---- losses ----


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        (squared, "MeanSquaredError"),
        (mg.mean_absolute_error, "MeanAbsoluteError"),
        (lambda z, y: ((z - y) ** 2).mean(), "MeanSquaredError"),
        (lambda z, y: ((y - z) * (y - z)).mean(), ""),
        (lambda z, y: np.abs(y - z).sum(), "MeanAbsoluteError"),
        (lambda z, y: (z**2).mean(), ""),
    ],
)
def test_losses_of_minigrad_and_by_hand(loss, kind):
    e = regression(loss)
    assert [term.kind for term in e.terms] == [kind] * bool(kind)
    for term in e.terms:
        assert_array_equal(term.labels.output, TARGETS)
        assert origin(term.output).scope == ("sequential", "dense_2")


def test_square_of_a_difference_that_is_shared():
    def loss(z, y):
        d = z - y
        return (d * d).mean()

    assert [term.kind for term in regression(loss).terms] == ["MeanSquaredError"]


def test_terms_of_two_losses():
    w = mg.Tensor(np.ones((4, 1)), requires_grad=True)
    loss = squared(X @ w, TARGETS) + mg.mean_absolute_error(X @ w, TARGETS)
    kinds = [term.kind for term in terms(loss.node)]
    assert sorted(kinds) == ["MeanAbsoluteError", "MeanSquaredError"]


def test_origin_follows_gates_that_only_move_numbers():
    w = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    moved = mg.exp(w).reshape(3, 2).T[0]
    assert name(origin(moved.node)) == "Exp"
    assert name(w.node) == ""


# ---- guessing ----


def entropy(*shares):
    return -sum(p * math.log(p) for p in shares)


def test_loss_of_guessing_classes():
    y = np.array([0] * 32 + [1] * 16 + [2] * 16)
    e = seen(lambda: network(4, 3), crossed, y=y)
    assert e.baseline == pytest.approx(entropy(0.5, 0.25, 0.25))


def test_loss_of_guessing_two_classes():
    y = (np.arange(64) % 4 == 0).astype("float32")[:, None]
    e = seen(lambda: network(4, 1), mg.binary_cross_entropy, y=y)
    assert e.baseline == pytest.approx(entropy(0.25, 0.75))


def test_loss_of_guessing_numbers():
    y = np.column_stack([np.arange(64), np.zeros(64)]).astype("float32")
    assert regression(y=y).baseline == pytest.approx((64**2 - 1) / 12 / 2)
    absolute = regression(mg.mean_absolute_error, y=y)
    assert absolute.baseline == pytest.approx(16 / 2)


def test_loss_of_guessing_that_is_unknown():
    weighted = partial(crossed, weights=[1.0, 2.0])
    assert math.isnan(seen(network, weighted).baseline)
    assert math.isnan(regression(lambda z, y: (z**2).mean()).baseline)


def test_key_finds_a_gate_in_another_pass():
    model = network()
    graphs = []
    for rows in 64, 5:
        with mg.scope("run"):
            loss = crossed(model(X[:rows]), Y[:rows])
        graphs.append(ancestors([loss.node]))
    first, second = ({key(node) for node in graph if node.gate} for graph in graphs)
    assert first == second
    assert len(first) == len([node for node in graphs[0] if node.gate])
