"""Reading a graph: the terms of a loss, and gates that are the same in every pass."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import minigrad as mg
from minigrad.graph import ancestors
from optim.diagnosis.reading import key, name, origin, terms
from tests.optim.diagnosis.helpers import TARGETS, X, Y, crossed, network, squared
from tests.optim.diagnosis.test_evidence import regression


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
