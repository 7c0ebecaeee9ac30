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
from minigrad.debug.anomaly import first_non_finite
from minigrad.errors import NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
LINES = Path(__file__).read_text().split("\n")


def parameter(array):
    return mg.Tensor(array, requires_grad=True, name="x")


def line_of(mark: str) -> str:
    """The line of this file that ends with a mark, as reports name it."""
    number = next(n for n, line in enumerate(LINES, 1) if line.endswith(f"# {mark}"))
    return f"test_anomaly.py:{number}"


def test_lines_are_noted_where_they_are_wanted():
    x = parameter([1.0, 2.0])
    with mg.trace_lines():
        z = mg.tanh(x) + 1.0  # two gates
    for node in (z.node, z.node.inputs[0]):
        assert node.source is not None and node.source.endswith(line_of("two gates"))
    assert mg.tanh(x).node.source is None and ON_RECORD.get() is None


def test_the_first_gate_that_is_not_finite():
    x = parameter([4.0, 0.0, -1.0])
    with (
        mg.detect_anomaly(),
        mg.scope("encoder"),
        pytest.raises(NonFiniteError) as caught,
    ):
        mg.exp(mg.log(x * 2.0))  # the logarithm of 0 and of -2
    error = caught.value
    assert error.code == "MG710"
    assert error.what == "Log returned 2 non-finite values out of 3: -inf at [1]"
    for part in (
        line_of("the logarithm of 0 and of -2"),
        "Log in encoder",
        "of shape (3,) with values from -2 to 8",
    ):
        assert part in error.where
    assert "log(0)" in error.cause


def test_a_value_that_came_in_that_way():
    with mg.detect_anomaly(), pytest.raises(NonFiniteError, match="MG710") as caught:
        mg.tanh(parameter([1.0, np.nan]))
    cause = "x (2,) contains 1 non-finite value out of 2: nan at [1]"
    assert cause in caught.value.cause and "learning rate" in caught.value.remedy


def test_the_first_rule_that_is_not_finite():
    x = parameter([0.0, 4.0])
    with mg.detect_anomaly():
        with mg.scope("norm"):
            z = mg.sqrt(x)  # infinite slope at 0
        loss = (z * 3.0).sum()
        with pytest.raises(NonFiniteError, match="MG711") as caught:
            loss.backward()
    error = caught.value
    assert error.what.startswith(
        "the backward rule of Sqrt returned a gradient for x with 1 non-finite value out of 2"
    )
    for part in (
        "Sqrt in norm",
        line_of("infinite slope at 0"),
        "dz of shape (2,) with values from 3 to 3",
    ):
        assert part in error.where
    assert "sqrt" in error.cause and x.grad is None


MASK = np.triu(np.full((3, 3), -np.inf), 1)  # causal: no position sees a later one


@pytest.mark.parametrize(
    "attention",
    [
        lambda scores: mg.softmax(scores / 2.0 + MASK),
        lambda scores: mg.softmax((scores + MASK) / 2.0),
        lambda scores: mg.softmax(mg.where(np.isinf(MASK), -np.inf, scores)),
        lambda scores: mg.softmax(mg.where(np.isinf(MASK), -1e9, scores)),
        lambda scores: mg.log_softmax((scores + MASK)[1:])[:, 0],
    ],
)
def test_a_mask_is_no_anomaly(attention):
    scores = mg.Tensor(np.arange(9.0).reshape(3, 3), requires_grad=True)
    with mg.detect_anomaly():
        weights = attention(scores)
        (weights * weights).sum().backward()
    assert scores.grad is not None and np.isfinite(weights.array).all()
    assert np.isfinite(scores.grad).all()


@pytest.mark.parametrize(
    ("compute", "gate"),
    [
        (
            lambda scores: mg.softmax(scores + np.full((3, 3), -np.inf)),
            "Softmax",
        ),  # 0 / 0
        (lambda scores: mg.log_softmax(scores + MASK).sum(), "Sum"),
        (lambda scores: mg.softmax(scores + MASK * np.nan), "AddGate"),
        (lambda scores: mg.softmax(scores - MASK), "Subtract"),  # +inf
        (lambda scores: mg.softmax(mg.log(scores * 0.0) + MASK), "Log"),
    ],
)
def test_what_a_mask_breaks_is_an_anomaly(compute, gate):
    scores = mg.Tensor(np.ones((3, 3)), requires_grad=True)
    with (
        mg.detect_anomaly(),
        pytest.raises(NonFiniteError, match=f"MG710. {gate} returned"),
    ):
        compute(scores)


def test_a_mask_is_not_blamed_for_a_loss_that_is_not_finite():
    scores = mg.Tensor(np.ones((3, 3)), requires_grad=True)
    loss = (mg.softmax(scores + MASK) * mg.log(scores - 1.0)).sum()
    assert first_non_finite(loss.node).gate.name == "Log"


def test_a_sum_that_grows_too_large():
    x, big = parameter(np.float32(1.0)), mg.Tensor(np.float32(3e38))
    too_large = re.compile("MG711.*the sum is too large", re.S)
    with mg.detect_anomaly(), pytest.raises(NonFiniteError, match=too_large):
        (x * big - (2.0 - x) * big).backward()


def test_finite_runs_pass_and_nothing_stays_switched_on():
    x = parameter([1.0, 2.0])
    with mg.detect_anomaly():
        for _ in range(2):
            (mg.log(x) * x).sum().backward()
    with pytest.raises(NonFiniteError):
        mg.detect_anomaly()(mg.log)(x * 0.0)
    mg.log(x * 0.0)  # outside it is let through
    assert ON_RECORD.get() is None and ON_GRADIENT.get() is None
