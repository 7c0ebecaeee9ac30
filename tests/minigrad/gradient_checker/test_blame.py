"""gradcheck names causes outside the rules: random passes, detached paths, branches."""

from itertools import count

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Dropout, Sequential

X = np.random.default_rng(3).normal(size=(3, 4))


def test_dropout_is_named():
    model = Sequential(Dense(4, 8, mg.tanh), Dropout(0.5), Dense(8, 3))
    batch = (X, np.array([0, 2, 1]))
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch)
    assert not report
    assert report.kind == "nondeterministic"
    assert "dropout is on" in str(report)
    assert "sequential/dropout" in str(report)
    assert mg.gradcheck_model(model.eval(), mg.softmax_cross_entropy, batch)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, number: mg.tanh(x) * float(number), ["random", "Hadamard"]),
        (
            lambda x, number: mg.tanh(x) if number % 2 else mg.sigmoid(x),
            ["call different gates"],
        ),
    ],
)
def test_passes_that_differ_are_named(change, words):
    passes = count()
    report = mg.gradcheck(lambda x: change(x, next(passes)), X)
    assert report.kind == "nondeterministic"
    for word in words:
        assert word in str(report)


@pytest.mark.parametrize(
    ("leak", "word"),
    [
        (lambda x: x.detach(), "was detached"),
        (lambda x: x.array, "plain array"),
        (lambda x: mg.no_grad()(mg.tanh)(x), "no_grad"),
    ],
)
def test_detached_value_is_named(leak, word):
    report = mg.gradcheck(lambda x: mg.tanh(x) * leak(x), X)
    assert not report
    assert report.kind == "detached"
    assert report.slip is not None
    assert not report.slip.is_rule
    assert word in str(report)
    assert "Hadamard" in str(report)


def test_branch_at_the_checked_point_is_skipped():
    def branch(x):
        return mg.exp(x) if x.array[0] > 1 else mg.tanh(x)

    report = mg.gradcheck(branch, np.array([1.0]))
    assert report.kinks == []
    assert report.inputs[0].kinks == 1


def test_branch_with_a_wrong_gradient_is_named():
    def product(x):  # of equal value on both branches
        at_start = x.array[0, 0] == X[0, 0]
        return (mg.tanh(x) if at_start else mg.tanh(x) * 1.0) * x.array

    report = mg.gradcheck(product, X)
    assert not report
    assert report.kind == "branch"
    assert "every rule is right" in str(report)
