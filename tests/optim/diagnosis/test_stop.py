"""A run that stopped because of a number that is not finite: the gate and its input."""

import itertools
from contextlib import suppress

import numpy as np
import pytest

import minigrad as mg
import optim
from tests.optim.diagnosis.helpers import RNG, codes

POWERS = itertools.count(10, 30)


def stopped(loss, start, lr=0.1, steps=30):
    with np.errstate(all="ignore"), optim.diagnose(quiet=True) as diagnosis:
        w = mg.Tensor(np.array(start, "float32"), requires_grad=True, name="w")
        optimizer = optim.SGD({"w": w}, lr=lr)
        for _ in range(steps):
            value = loss(w)
            if not np.isfinite(value.item()):
                break  # a program that leaves the loop by itself
            optimizer.zero_grad()
            with suppress(mg.MinigradError):
                value.backward()
            optimizer.step()
    return diagnosis.result


@pytest.mark.parametrize(
    ("loss", "start", "gate", "reason"),
    [
        (lambda w: mg.log(mg.relu(w)).sum(), [0.5, 0.05], "Log", "logarithm of 0"),
        (lambda w: mg.exp(next(POWERS) * w).sum(), [1.0, 1.0], "Exp", "exceeds"),
    ],
)
def test_gate_and_its_input_are_named(loss, start, gate, reason):
    result = stopped(loss, start, lr=0.1 if gate == "Log" else 0.0)
    found = [one for one in result.findings if one.code == "not-finite"]
    assert found, str(result)
    assert gate in found[0].what
    assert "values from" in found[0].what
    assert reason in found[0].effect


def test_rule_whose_gradient_is_infinite_is_named():
    """The root of |w| has an infinite slope at 0, which w reaches exactly."""
    result = stopped(lambda w: mg.sqrt(w * w).sum(), [0.1, 0.25], lr=0.1)
    found = [one for one in result.findings if one.code == "not-finite"]
    assert found, str(result)
    assert "backward rule of" in found[0].what


def test_small_rates_are_not_blamed_for_a_stop():
    x = RNG.standard_normal((16, 2)).astype("float32")
    x[8] = 0

    def loss(w):
        return mg.log((x @ w.reshape(2, 1)) ** 2).mean()

    result = stopped(loss, [0.3, -0.2], lr=1e-4)
    assert "rate-too-small" not in codes(result)
    assert codes(result)[:1] in ([], ["not-finite"])
