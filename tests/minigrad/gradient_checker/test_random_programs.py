"""Two hundred random programs that are right, none of them blamed; and some with one rule made wrong, each found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import ancestors

ONE: dict[str, Any] = {
    "Tanh": mg.tanh,
    "Sigmoid": mg.sigmoid,
    "ReLU": mg.relu,
    "Exp": lambda x: mg.exp(mg.tanh(x)),
    "Log": lambda x: mg.log(x * x + 0.1),
    "Sqrt": lambda x: mg.sqrt(x * x + 0.01),
    "Negate": lambda x: -x,
    "Power": lambda x: (x * x + 0.5) ** 1.5,
    "Softmax": mg.softmax,
    "LogSoftmax": lambda x: mg.log_softmax(x, axis=0),
    "Sum": lambda x: x + x.sum(axis=0),
    "Mean": lambda x: x - x.mean(axis=1, keepdims=True),
    "Max": lambda x: x - x.max(axis=1, keepdims=True),
    "Reshape": lambda x: x.reshape(-1).reshape(4, 4),
    "Transpose": lambda x: x.T * 0.5,
    "BroadcastTo": lambda x: np.broadcast_to(x[:1], (4, 4)),
    "Slice": lambda x: x[np.array([3, 0, 3, 1])],
    "Lookup": lambda x: mg.lookup(x, [2, 2, 0, 1]),
}
TWO: dict[str, Any] = {
    "AddGate": lambda a, b: a + b,
    "Subtract": lambda a, b: a - b,
    "Hadamard": lambda a, b: a * b,
    "Divide": lambda a, b: a / (b * b + 0.5),
    "MultiplyGate": lambda a, b: a @ b,
    "Concatenate": lambda a, b: mg.concatenate([a[:1], b[1:]]),
    "Stack": lambda a, b: mg.stack([a, b], axis=1).sum(axis=1),
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

    scale = rng.choice([0.1, 1.0, 3.0])
    return program, [(scale * rng.normal(size=shape)).astype(dtype) for shape in [(4, 4), (4, 4), (4,)]]


@pytest.mark.parametrize("decade", range(20))
def test_right_programs_are_never_blamed(decade):
    for seed in range(10 * decade, 10 * decade + 10):
        program, inputs = random_program(seed)
        report = mg.gradcheck(program, *inputs, sample=4, seed=seed)
        assert report, f"seed {seed}\n{report}"
        assert report.slope is None or report.slope > 1.7, f"seed {seed}\n{report}"


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
        gates = sorted({node.gate.name for node in nodes if node.gate} - {"ReLU", "Max", "Where"})  # may be 0 anyway
        if not gates:  # neither input was used
            continue
        broken = mg.GATES[gates[seed % len(gates)]]
        right = broken.backward
        with monkeypatch.context() as patch:
            patch.setattr(broken, "backward", lambda self, *given, right=right: scaled(right(self, *given)))
            report = mg.gradcheck(program, *inputs, sample=2, seed=seed)
        assert not report and report.wrong_rule is not None, f"seed {seed}\n{report}"
        assert report.wrong_rule.node.gate.name == broken.__name__, f"seed {seed}\n{report}"
        assert report.guess == "factor", f"seed {seed}\n{report}"
