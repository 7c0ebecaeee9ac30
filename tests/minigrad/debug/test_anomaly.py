"""The first value that is not finite, forward and backward: which gate, in which scope, on which
line, from what.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.context import ON_GRADIENT, ON_RECORD
from minigrad.errors import NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
HERE = Path(__file__)


def line_of(mark: str) -> int:
    """The line of this file that ends with a mark."""
    return next(
        n for n, line in enumerate(HERE.read_text().split("\n"), 1) if line.endswith(f"# {mark}")
    )


def test_lines_are_noted_where_they_are_wanted():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    before = mg.tanh(x)
    with mg.trace_lines():
        z = mg.tanh(x) + 1.0  # two gates
    after = mg.tanh(x)
    assert before.node.source is None and after.node.source is None and ON_RECORD.get() is None
    for node in (z.node, z.node.inputs[0]):
        assert node.source is not None
        assert re.search(rf"test_anomaly\.py:{line_of('two gates')}$", node.source)


def test_the_first_gate_that_is_not_finite():
    x = mg.Tensor([4.0, 0.0, -1.0], requires_grad=True, name="x")
    with mg.detect_anomaly(), mg.scope("encoder"), pytest.raises(NonFiniteError) as caught:
        mg.exp(mg.log(x * 2.0))  # the logarithm of 0 and of -2
    error = caught.value
    assert (
        error.code == "MG710"
        and error.what == "Log gave 2 values of 3 that are not finite: -inf at [1]"
    )
    assert f"test_anomaly.py:{line_of('the logarithm of 0 and of -2')}" in error.where
    assert "Log in encoder" in error.where and "(3,) from -2 to 8" in error.where
    assert "log(0)" in error.cause and error.remedy


def test_a_value_that_came_in_that_way():
    W = mg.Tensor([1.0, np.nan], requires_grad=True, name="W")
    with mg.detect_anomaly(), pytest.raises(NonFiniteError) as caught:
        mg.tanh(W)
    assert (
        caught.value.code == "MG710"
        and "W (2,) held 1 value of 2 that is not finite: nan at [1]" in caught.value.cause
    )
    assert "learning rate" in caught.value.remedy


def test_the_first_rule_that_is_not_finite():
    x = mg.Tensor([0.0, 4.0], requires_grad=True, name="x")
    with mg.detect_anomaly():
        with mg.scope("norm"):
            z = mg.sqrt(x)  # infinite slope at 0
        loss = (z * 3.0).sum()
        with pytest.raises(NonFiniteError) as caught:
            loss.backward()
    error = caught.value
    assert error.code == "MG711" and error.what.startswith(
        "the rule of Sqrt gave x a gradient with 1 value of 2"
    )
    assert "Sqrt in norm" in error.where and f":{line_of('infinite slope at 0')}" in error.where
    assert "dz (2,) from 3 to 3" in error.where and "sqrt" in error.cause and error.remedy
    assert x.grad is None


def test_a_sum_that_grows_too_large():
    x = mg.Tensor(np.float32(1.0), requires_grad=True)
    big = mg.Tensor(np.float32(3e38))
    with (
        mg.detect_anomaly(),
        pytest.raises(NonFiniteError, match=r"MG711[\s\S]*their sum is too large"),
    ):
        (x * big - (2.0 - x) * big).backward()


def test_gradients_in_pieces_are_watched_too():
    table = mg.Tensor(np.ones((5, 2)), requires_grad=True)
    with mg.detect_anomaly(), pytest.raises(NonFiniteError, match="MG711"):
        (mg.lookup(table, [1, 3]) * 2.0).sum().backward(np.inf)


def test_finite_runs_pass_and_nothing_stays_switched_on():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.detect_anomaly():
        for _ in range(2):
            (mg.log(x) * x).sum().backward()
    assert ON_RECORD.get() is None and ON_GRADIENT.get() is None

    @mg.detect_anomaly()
    def log(x):
        return mg.log(x)

    with pytest.raises(NonFiniteError):
        log(x * 0.0)
    mg.log(x * 0.0)  # outside it is let through
    assert ON_RECORD.get() is None and ON_GRADIENT.get() is None
