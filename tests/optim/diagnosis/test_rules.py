"""Backward rules of the program's own gates."""

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Sequential
from tests.optim.diagnosis.helpers import codes, named_first, train


class Swish(mg.Gate):
    factor = 1.0

    def forward(self, x):
        return x / (1 + np.exp(-x))

    def backward(self, dz, z, x):
        s = 1 / (1 + np.exp(-x))
        return (dz * (s + z * (1 - s)),)


class Forgetful(Swish):
    def backward(self, dz, z, x):
        s = 1 / (1 + np.exp(-x))
        return (s + z * (1 - s),)


class Half(Swish):
    def backward(self, dz, z, x):
        return (dz / (1 + np.exp(-x)),)


class Step(mg.Gate):
    """A step function with the gradient of its input: straight through."""

    def forward(self, x):
        return np.sign(x)

    def backward(self, dz, z, x):
        return (dz,)


class Reversed(mg.Gate):
    def forward(self, x):
        return x.copy()

    def backward(self, dz, z, x):
        return (-dz,)


def diagnosed(gate):
    return train(lambda: Sequential(Dense(4, 8), gate, Dense(8, 2)), lr=0.1)


@pytest.mark.parametrize("gate", [Swish(), Step(), Reversed()])
def test_right_rules_and_those_that_differ_on_purpose(gate):
    assert "wrong-rule" not in codes(diagnosed(gate))


@pytest.mark.parametrize("gate", [Forgetful(), Half()])
def test_wrong_rule_comes_first(gate):
    first = named_first(diagnosed(gate), "wrong-rule", "def backward", "certain")
    assert type(gate).__name__ in first.what
    assert "where finite differences give" in first.what


def test_forgotten_dz_is_recognized():
    assert "dz" in diagnosed(Forgetful()).findings[0].what
