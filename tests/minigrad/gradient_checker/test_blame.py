"""Causes outside the rules: passes that differ, paths outside the graph, and wrong sums."""

from itertools import count

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Dropout, Sequential

X = np.random.default_rng(3).normal(size=(3, 4))


def test_dropout_left_on_is_named():
    model = Sequential(Dense(4, 8, mg.tanh), Dropout(0.5), Dense(8, 3))
    batch = (X, np.array([0, 2, 1]))
    report = mg.gradcheck_model(model, mg.softmax_cross_entropy, batch)
    assert not report and report.kind == "nondeterministic"
    assert "dropout is on" in str(report) and "sequential/dropout" in str(report)
    assert mg.gradcheck_model(model.eval(), mg.softmax_cross_entropy, batch)


def test_other_random_numbers_and_other_gates_in_the_second_pass_are_found():
    passes = count()
    report = mg.gradcheck(lambda x: mg.tanh(x) * float(next(passes)), X)
    assert report.kind == "nondeterministic"
    assert "random" in str(report) and "Hadamard" in str(report)
    report = mg.gradcheck(
        lambda x: mg.tanh(x) if next(passes) % 2 else mg.sigmoid(x), X
    )
    assert report.kind == "nondeterministic" and "call different gates" in str(report)


@pytest.mark.parametrize(
    ("leak", "word"),
    [
        (lambda x: x.detach(), "was detached"),
        (lambda x: x.array, "plain array"),
        (lambda x: mg.no_grad()(mg.tanh)(x), "no_grad"),
    ],
)
def test_a_value_that_follows_the_input_without_a_gradient(leak, word):
    report = mg.gradcheck(lambda x: mg.tanh(x) * leak(x), X)
    assert not report and report.kind == "detached"
    assert report.slip is not None and not report.slip.is_rule
    assert word in str(report) and "Hadamard" in str(report)


def test_a_program_that_branches_on_a_value():
    report = mg.gradcheck(
        lambda x: mg.exp(x) if x.array[0] > 1 else mg.tanh(x), np.array([1.0])
    )
    assert report.kinks == [] and report.inputs[0].kinks == 1


def test_a_wrong_gradient_of_a_program_that_branches_where_it_is_checked():
    def product(x):  # of equal value on both branches
        return (mg.tanh(x) if x.array[0, 0] == X[0, 0] else mg.tanh(x) * 1.0) * x.array

    report = mg.gradcheck(product, X)
    assert (
        not report and report.kind == "branch" and "every rule is right" in str(report)
    )
