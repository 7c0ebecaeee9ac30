"""`detect_anomaly` and `trace_lines`: gate, scope, line and cause of the first NaN or infinity."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from layers import Dense, Layer, Sequential
from minigrad.context import ON_GRADIENT, ON_RECORD
from minigrad.debug.anomaly import first_non_finite
from minigrad.errors import NonFiniteError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def parameter(array):
    return mg.Tensor(array, requires_grad=True, name="x")


def next_line():
    """The line after the caller's, as reports name it."""
    caller = inspect.stack()[1]
    return f"test_anomaly.py:{caller.lineno + 1}"


def test_trace_lines_sets_source():
    x = parameter([1.0, 2.0])
    with mg.trace_lines():
        line = next_line()
        z = mg.tanh(x) + 1.0
    (tanh, _) = z.node.inputs
    assert str(z.node.source).endswith(line)
    assert str(tanh.source).endswith(line)
    assert mg.tanh(x).node.source is None
    assert ON_RECORD.get() is None


class Model(Layer):
    def __init__(self):
        self.dense = Dense(2, 3)

    def forward(self, x):
        self.line = next_line()
        return mg.exp(self.dense(x))


def test_trace_lines_names_the_line_that_calls_minigrad_s_layers():
    x = parameter([[1.0, 2.0]])
    model, own = Sequential(Dense(2, 3), mg.tanh), Model()
    with mg.trace_lines():
        line = next_line()
        z = model(x)
        own_z = own(x)
    for root, expected in ((z, line), (own_z, own.line)):
        for node in mg.Graph(root):
            if node.gate:
                assert str(node.source).endswith(expected), node.gate.name


def anomaly(code):
    return pytest.raises(NonFiniteError, match=code)


def test_detect_anomaly_reports_first_gate():
    x = parameter([4.0, 0.0, -1.0])
    with mg.detect_anomaly(), mg.scope("encoder"), anomaly("MG710") as caught:
        line = next_line()
        mg.exp(mg.log(x * 2.0))  # the logarithm of 0 and of -2
    error = caught.value
    assert error.what == "Log returned 2 non-finite values out of 3: -inf at [1]"
    assert line in error.where
    assert "Log in encoder" in error.where
    assert "of shape (3,) with values from -2 to 8" in error.where
    assert "log(0)" in error.cause


def test_detect_anomaly_blames_nan_in_input():
    x = parameter([1.0, np.nan])
    with mg.detect_anomaly(), anomaly("MG710") as caught:
        mg.tanh(x)
    cause = "x (2,) contains 1 non-finite value out of 2: nan at [1]"
    assert cause in caught.value.cause
    assert "learning rate" in caught.value.remedy


def test_detect_anomaly_reports_first_backward_rule():
    x = parameter([0.0, 4.0])
    with mg.detect_anomaly():
        with mg.scope("norm"):
            line = next_line()
            z = mg.sqrt(x)  # infinite slope at 0
        loss = (z * 3.0).sum()
        with anomaly("MG711") as caught:
            loss.backward()
    error = caught.value
    message = "the backward rule of Sqrt returned a gradient for x with 1 non-finite"
    assert error.what.startswith(message)
    assert "Sqrt in norm" in error.where
    assert line in error.where
    assert "dz of shape (2,) with values from 3 to 3" in error.where
    assert "sqrt" in error.cause
    assert x.grad is None


def test_detect_anomaly_reports_sum_that_is_too_large():
    x = parameter(np.float32(1.0))
    big = np.float32(3e38)
    loss = x * big - (2.0 - x) * big
    with mg.detect_anomaly(), anomaly("(?s)MG711.*the sum is too large"):
        loss.backward()


NOTHING = np.full((3, 3), -np.inf)
MASK = np.triu(NOTHING, 1)  # causal: no position sees a later one
HIDDEN = np.isinf(MASK)


@pytest.mark.parametrize(
    "attention",
    [
        lambda scores: mg.softmax(scores / 2.0 + MASK),
        lambda scores: mg.softmax((scores + MASK) / 2.0),
        lambda scores: mg.softmax(mg.where(HIDDEN, -np.inf, scores)),
        lambda scores: mg.softmax(mg.where(HIDDEN, -1e9, scores)),
        lambda scores: mg.log_softmax((scores + MASK)[1:])[:, 0],
    ],
)
def test_detect_anomaly_allows_mask(attention):
    scores = parameter(np.arange(9.0).reshape(3, 3))
    with mg.detect_anomaly():
        weights = attention(scores)
        (weights * weights).sum().backward()
    assert np.isfinite(weights.array).all()
    assert np.isfinite(scores.grad).all()


@pytest.mark.parametrize(
    "compute, gate",
    [
        (lambda scores: mg.softmax(scores + NOTHING), "Softmax"),  # 0 / 0
        (lambda scores: mg.log_softmax(scores + MASK).sum(), "Sum"),
        (lambda scores: mg.softmax(scores + MASK * np.nan), "AddGate"),
        (lambda scores: mg.softmax(scores - MASK), "Subtract"),  # +inf
        (lambda scores: mg.softmax(mg.log(scores * 0.0) + MASK), "Log"),
    ],
)
def test_detect_anomaly_reports_nan_beside_mask(compute, gate):
    scores = parameter(np.ones((3, 3)))
    with mg.detect_anomaly(), anomaly(f"MG710. {gate} returned"):
        compute(scores)


def test_first_non_finite_skips_mask():
    scores = parameter(np.ones((3, 3)))
    weights = mg.softmax(scores + MASK)
    loss = (weights * mg.log(scores - 1.0)).sum()
    assert first_non_finite(loss.node).gate.name == "Log"


def test_detect_anomaly_is_off_after_block():
    x = parameter([1.0, 2.0])
    with mg.detect_anomaly():
        for _ in range(2):
            (mg.log(x) * x).sum().backward()
    with anomaly("MG710"):
        mg.detect_anomaly()(mg.log)(x * 0.0)
    mg.log(x * 0.0)
    assert ON_RECORD.get() is None
    assert ON_GRADIENT.get() is None
