"""Random programs over all gates: 500 that are right, none blamed; and some with one rule made wrong, each found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from layers import GRU, LSTM, RNN
from minigrad.gates.indexing import Scatter
from minigrad.graph import ancestors

mg.seed(4)
CELLS = {kind.__name__: kind(4, 4, fused=True) for kind in (RNN, GRU, LSTM)}  # their parameters are constants here


def sequence(kind: str) -> Any:
    """Two sequences of two steps, as one gate."""
    return lambda x: x + mg.concatenate([CELLS[kind](x.reshape(2, 2, 4)).reshape(-1)] * 2)[:4]


INDEX = np.array([[3, 0, 2, 2]] * 4)
ONE: dict[str, Any] = {
    "Abs": np.abs,
    "BroadcastTo": lambda x: np.broadcast_to(x[:1], (4, 4)),
    "Cast": lambda x: x.astype("float64"),
    "Clip": lambda x: mg.clip(x, -0.5, 1.0),
    "Cos": mg.cos,
    "CumSum": lambda x: mg.cumsum(x, 1) * 0.3,
    "Einsum": lambda x: mg.einsum("ij,kj->ik", x, x) * 0.2,
    "Exp": lambda x: mg.exp(mg.tanh(x)),
    "ExpandDims": lambda x: mg.squeeze(mg.expand_dims(x, 1), 1),
    "GRUSequence": sequence("GRU"),
    "LSTMSequence": sequence("LSTM"),
    "LeakyReLU": mg.leaky_relu,
    "Log": lambda x: mg.log(x * x + 0.1),
    "LogSoftmax": lambda x: mg.log_softmax(x, axis=0),
    "LogSumExp": lambda x: x - mg.logsumexp(x, axis=1, keepdims=True),
    "Lookup": lambda x: mg.lookup(x, [2, 2, 0, 1]),
    "Max": lambda x: x - x.max(axis=1, keepdims=True),
    "Mean": lambda x: x - x.mean(axis=1, keepdims=True),
    "MeanAbsoluteError": lambda x: x * mg.mean_absolute_error(x, np.eye(4)),
    "Min": lambda x: x - x.min(axis=0),
    "Negate": lambda x: -x,
    "NegativeLogLikelihood": lambda x: x * mg.negative_log_likelihood(mg.log_softmax(x), [0, 3, 3, 1]),
    "Pad": lambda x: mg.pad(x, 1)[1:5, :4],
    "Power": lambda x: (x * x + 0.5) ** 1.5,
    "RNNSequence": sequence("RNN"),
    "ReLU": mg.relu,
    "Reshape": lambda x: x.reshape(-1).reshape(4, 4),
    "Scatter": lambda x: Scatter((4, 4), np.array([2, 0, 2, 1]))(x),
    "Sigmoid": mg.sigmoid,
    "Sin": mg.sin,
    "Slice": lambda x: x[np.array([3, 0, 3, 1])],
    "Softmax": mg.softmax,
    "SoftmaxCrossEntropy": lambda x: x + mg.softmax_cross_entropy(x, [0, 3, 3, 1]),
    "Softplus": mg.softplus,
    "Split": lambda x: mg.concatenate(mg.split(x, [1, 3])[::-1]),
    "Sqrt": lambda x: mg.sqrt(x * x + 0.01),
    "Std": lambda x: x + (x * x + np.arange(4.0)).std(axis=1, keepdims=True),
    "Sum": lambda x: x + x.sum(axis=0),
    "TakeAlongAxis": lambda x: mg.take_along_axis(x, INDEX, 0),
    "Tanh": mg.tanh,
    "Transpose": lambda x: x.T * 0.5,
    "Var": lambda x: x + x.var(axis=0),
}
TWO: dict[str, Any] = {
    "AddGate": lambda a, b: a + b[:1],
    "BinaryCrossEntropy": lambda a, b: b + mg.binary_cross_entropy(a, np.eye(4)),
    "Concatenate": lambda a, b: mg.concatenate([a[:1], b[1:]]),
    "Divide": lambda a, b: a / (b * b + 0.5),
    "Hadamard": lambda a, b: a * b,
    "LookupProduct": lambda a, b: mg.GATES["LookupProduct"]()(a, np.array([2, 0, 2, 1]), b, b[0]),
    "Maximum": mg.maximum,
    "MeanSquaredError": lambda a, b: a + mg.mean_squared_error(a, b),
    "Minimum": lambda a, b: mg.minimum(a, b[0]),
    "MultiplyGate": lambda a, b: a @ b,
    "Stack": lambda a, b: mg.stack([a, b], axis=1).sum(axis=1),
    "Subtract": lambda a, b: a - b[:, :1],
    "Where": lambda a, b: mg.where(np.eye(4) > 0, a, b),
}


def random_program(seed: int) -> tuple[Any, list[Any]]:
    """A function of three inputs, with 4 to 14 steps, each of them on values that came before; and its inputs."""
    rng = np.random.default_rng(seed)
    steps = [(rng.choice([*ONE, *TWO]), rng.integers(0, 100, 2)) for _ in range(rng.integers(4, 15))]
    dtype = rng.choice(["float32", "float64"])

    def program(*inputs: Any) -> Any:
        values = [inputs[0], inputs[1], inputs[0] * inputs[2]]
        for gate, (i, j) in steps:
            a, b = values[-1 - i % len(values)], values[-1 - j % len(values)]
            z = ONE[gate](a) if gate in ONE else TWO[gate](a, b)
            values.append(mg.tanh(z) * 2.0)  # keeps the numbers of a long program within reach
        return values[-1] + values[-2]

    scale, whole = rng.choice([0.1, 1.0, 3.0]), seed % 3 == 2  # whole numbers tie, and some of them are 0
    arrays = [scale * rng.normal(size=shape) for shape in [(4, 4), (4, 4), (4,)]]
    return program, [(np.round(array) if whole else array).astype(dtype) for array in arrays]


@pytest.mark.parametrize("decade", range(50))
def test_right_programs_are_never_blamed(decade):
    crooked = 0
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert report and report.slip is None, f"seed {seed}\n{report}"
        crooked += report.slope is not None and report.slope < 1.7  # a kink closer than the steps of the slope
    assert crooked <= 1


def test_the_programs_use_every_gate():
    assert {*ONE, *TWO} >= {name for name, kind in mg.GATES.items() if kind.__module__.startswith("minigrad.gates.")}


MAY_BE_ZERO = {"ReLU", "LeakyReLU", "Max", "Min", "Maximum", "Minimum", "Clip", "Where", "Abs"}


def scaled(parts: Any) -> list[Any]:
    """A rule's gradients, each times 1.3."""
    whole = [part() if callable(part) else part for part in parts]
    whole = [part.dense() if hasattr(part, "dense") else part for part in whole]
    return [None if part is None else 1.3 * part for part in whole]


@pytest.mark.parametrize("decade", range(4))
def test_the_same_programs_with_a_wrong_rule_are(decade, monkeypatch):
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        tensors = [mg.Tensor(array, requires_grad=True) for array in inputs]
        nodes = ancestors([program(*tensors).node])
        gates = sorted({node.gate.name for node in nodes if node.gate} - MAY_BE_ZERO)
        if not gates:  # neither input was used
            continue
        broken = mg.GATES[gates[seed % len(gates)]]
        right = broken.backward
        with monkeypatch.context() as patch:
            patch.setattr(broken, "backward", lambda self, *given, right=right: scaled(right(self, *given)))
            report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert not report and report.slip is not None, f"seed {seed}\n{report}"
        assert report.slip.node.gate.name == broken.__name__, f"seed {seed}\n{report}"
        assert report.kind == "factor", f"seed {seed}\n{report}"
